"""The files of a Kaggle competition beside each other: train, test, sample and solution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from podium.columns import first, many
from podium.data import tables

if TYPE_CHECKING:
    import pandas as pd

    from podium.data.tables import Checked

PARTS = {"public": "public", "private": "private", "ignored": "open"}
"""What a solution calls the parts."""


def usage(given: Mapping[str, Checked]) -> str:
    """The column of the solution that says which half a row is in; empty if there is none."""
    if "solution" not in given:
        return ""
    names = [str(name) for name in given["solution"].table.columns]
    return next((name for name in names if name.casefold() == "usage"), "")


@dataclass(frozen=True, kw_only=True)
class KaggleSet:
    """Tables by what they are, and what is wrong between them.

    Attributes:
        given: `table` (train), `test`, and perhaps `sample` and `solution`.
        row_id: The column of ids in each, text.
        targets: The columns to predict, in train.
        number: Whether the targets are numbers; else labels.
        text: Whether they are any texts.
    """

    given: Mapping[str, Checked]
    row_id: str
    targets: tuple[str, ...]
    number: bool
    text: bool = False
    problems: list[str] = field(default_factory=list)

    def answers(self) -> tuple[dict[str, str], dict[str, str] | None]:
        """The columns of answers in the solution and the part of each test row; None without one.

        Parts are empty where halves are to be drawn.
        """
        test, name = self.given["test"].table, self.given["test"].path.name
        ids = self._ids("test")
        self._tell(ids & self._ids("table"), f"of {name} also in {self.given['table'].path.name}")
        self.problems.extend(
            f"{name} has the column {target!r}, which is to be predicted: take it out "
            "and give the answers with --solution"
            for target in self.targets
            if target in test
        )
        if "sample" in self.given and self.row_id in self.given["sample"].table:
            other = self.given["sample"].path.name
            self._tell(ids ^ self._ids("sample"), f"in only one of {name} and {other}")
        if "solution" not in self.given:
            return {}, None
        self._tell(ids - self._ids("solution"), f"of {name} not in {self._solution.path.name}")
        found = {target: self._column(target) for target in self.targets}
        columns = {target: column for target, column in found.items() if column}
        parts = self._parts(columns) if len(columns) == len(self.targets) else None
        return columns, parts and {key: part for key, part in parts.items() if key in ids}

    @property
    def _solution(self) -> Checked:
        return self.given["solution"]

    def _ids(self, name: str) -> set[str]:
        return set(self.given[name].table[self.row_id].dropna())

    def _tell(self, ids: set[str], where: str) -> None:
        if ids:
            count = len(ids)
            self.problems.append(f"{many(count, 'id')} {where}: {first(sorted(ids), count)}")

    def _column(self, target: str) -> str | None:
        """The column of answers: the target, or what the sample calls it."""
        sample = list(self.given["sample"].table.columns[1:]) if "sample" in self.given else []
        names = [target, *(sample if len(sample) == len(self.targets) == 1 else [])]
        columns = [str(name) for name in names if name in self._solution.table]
        if not columns:
            name = self._solution.path.name
            self.problems.append(f"{name} has no column {target!r}: the answers")
            return None
        return columns[0]

    def _parts(self, columns: Mapping[str, str]) -> dict[str, str] | None:
        """The part of each row of the solution."""
        solution, name = self._solution.table, self._solution.path.name
        where = usage(self.given)
        if not where:
            self._check(solution, columns)
            return dict.fromkeys(solution[self.row_id], "")
        part = solution[where].astype(str).str.strip().str.casefold()
        odd = sorted(set(part) - set(PARTS))
        if odd:
            self.problems.append(
                f"{name}, column {where!r}: Public, Private or Ignored are expected, not "
                f"{first(odd, len(odd))}"
            )
            return None
        self.problems.extend(
            f"{name}, column {where!r}: no row is {half.title()}"
            for half in ("public", "private")
            if half not in set(part)
        )
        self._check(solution[(part != "ignored").to_numpy(np.bool_)], columns)
        return dict(zip(solution[self.row_id], part.map(PARTS), strict=True))

    def _check(self, scored: pd.DataFrame, columns: Mapping[str, str]) -> None:
        """Write down what is wrong with the answers of scored rows."""
        rows = tables.Checked(self._solution.path, scored)
        if self.text:
            return
        for target, column in columns.items():
            self.problems.extend(rows.target_problems(column, number=self.number))
            if not self.number:
                self._check_labels(target, scored[column])

    def _check_labels(self, target: str, answers: pd.Series) -> None:
        import pandas as pd

        train = self.given["table"].table[target]
        both = tables.labels(pd.concat([train, answers]))
        new = sorted(set(both[len(train) :].dropna()) - set(both[: len(train)]))
        if new:
            name, labels = self._solution.path.name, first(new, len(new))
            self.problems.append(f"{name} has labels that never train: {labels}")
