"""What `podium new` will write, once the organiser's flags and tables have been checked.

All that is wrong is collected, and said at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from podium.columns import first, many
from podium.creating.kaggle_sets import KaggleSet, usage
from podium.creating.splits import GROUPS, How
from podium.data import tables
from podium.data.tables import Checked
from podium.errors import DataError
from podium.metrics import KNOWN, Known

if TYPE_CHECKING:
    import pandas as pd

    from podium.creating.options import NewOptions

FEWEST = 50
"""Labelled rows of a competition."""
FEWEST_OF_CLASS = 10
"""Rows of each class where probabilities are scored."""
MOST_CLASSES = 100
OF_ONE = ("f1", "precision", "recall")
"""Scores of one label among two."""
NEEDED = {
    "table": "--table FILE: the CSV file with ids, features and what to predict",
    "target": "--target COLUMN: the column to predict",
    "metric": f"--metric NAME: the score that ranks; one of {', '.join(KNOWN)}",
}


@dataclass(frozen=True, kw_only=True)
class Spec:
    """All that the folder is written from.

    Attributes:
        files: Raw files by the name they get.
        column: What a submission calls the target.
        columns: All target columns of a submission.
        classes: Labels, sorted; none where numbers are predicted.
        kind: `number`, `label`, `probability` or `probabilities`.
        low: Of the range of a number.
        unit: The kind of group that is independent.
        dropped: Columns that are no features.
        answer: The column of answers in the solution.
        usage: Its column that says which half a row is in; empty if it has none.
        text: Columns of train and test that are read as they stand, beside the ids.
        solution_text: The same of the solution.
        whole: Whether train has all that the solution has.
        test_ids: Part of each id that is test already, empty where halves are to be drawn.
        notes: What was decided on the way.
    """

    name: str
    files: Mapping[str, Path]
    row_id: str | None
    target: str
    column: str
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    positive: str | None
    kind: str
    metric: str
    known: Known
    low: float
    high: float
    how: How
    by: str | None
    unit: str
    unseen: bool
    dropped: tuple[str, ...]
    test_ids: Mapping[str, str] | None
    answer: str | None
    usage: str
    text: tuple[str, ...]
    solution_text: tuple[str, ...]
    whole: bool
    rows: int
    open_rows: int
    notes: tuple[str, ...] = field(default=())

    @property
    def stratum(self) -> str:
        """The only one."""
        return {How.GROUPED: "new_groups", How.TIME: "later"}.get(self.how, "rows")

    @property
    def solved(self) -> bool:
        """Whether a solution has answers of its own."""
        return "solution.csv" in self.files

    @property
    def of_class(self) -> dict[str, str]:
        """The class of each column of probabilities."""
        return dict(zip(self.columns, self.classes, strict=True))


def missing(options: NewOptions) -> list[str]:
    """Which of the flags that there must be are not there; a sample may name the target."""
    needed = [name for name in NEEDED if getattr(options, name) is None]
    return [name for name in needed if not (name == "target" and options.sample is not None)]


def specify(options: NewOptions, problems: Sequence[str] = ()) -> Spec:
    """Check flags and tables.

    Args:
        options: The flags.
        problems: What is known to be wrong already.

    Raises:
        DataError: With everything that is wrong.
    """
    checks = _Checks(options, list(problems))
    spec = checks.spec()
    if spec is None or checks.problems:
        count = len(checks.problems)
        raise DataError(
            f"No competition was written: {many(count, 'problem')}.",
            problems=checks.problems,
            hint="How it is done, with examples: podium new --help, and docs/organiser.md",
        )
    return spec


class _Checks:
    """Goes through the flags and tables and writes down what is wrong.

    Attributes:
        given: The tables, by what they are.
        known: The score that ranks; None if there is none of that name.
        number: Whether the target is a number; else it is a label.
        row_id: The column of ids, where there is one.
        target: The column to predict.
    """

    def __init__(self, options: NewOptions, problems: list[str]) -> None:
        self.options, self.problems, self.notes = options, problems, list[str]()
        self.problems += [f"missing: {NEEDED[name]}" for name in missing(options)]
        self.known, self.how = self._metric(), self._how()
        self.number = self.known is not None and self.known.family == "regression"
        self.given = {name: Checked.of(path) for name, path in options.files.items()}
        self.row_id: str | None = None
        self.target = ""

    @property
    def train(self) -> pd.DataFrame:
        """The table with the answers."""
        return self.given["table"].table

    def spec(self) -> Spec | None:
        """The spec, if nothing that it needs is wrong."""
        options, given = self.options, self.given
        self.problems += [problem for one in given.values() for problem in one.problems]
        if options.solution and not options.test:
            self.problems.append("--solution needs --test: the rows that it has the answers of")
        if "table" not in given or any(one.problems for one in given.values()) or not self.known:
            return None
        self.row_id, target = self._row_id(), self._target()
        if target is None:
            return None
        self.target = target
        ids, by = ([name] if name else [] for name in (self.row_id, options.by))
        lacking = given["table"].lacking([*ids, target, *by])
        for name in ("test", "solution"):
            if name in given:
                lacking += given[name].lacking(ids)
        if lacking:
            self.problems += lacking
            return None
        self._read_as_text()
        for one in self.given.values():
            if self.row_id and self.row_id in one.table:
                self.problems += one.id_problems(self.row_id)
        if target in (self.row_id, options.by):
            self.problems.append(f"--target {target!r} cannot be the column of ids or groups too")
            return None
        trouble = self.given["table"].target_problems(target, number=self.number)
        self.problems += trouble
        return None if trouble else self._rest(self.known)

    def _read_as_text(self) -> None:
        """Read the tables again, their texts, ids, labels and groups as they stand in the files."""
        given, by = self.given, self.options.by
        sample = [*map(str, given["sample"].table.columns)] if "sample" in given else list[str]()
        rows = {name for table in ("table", "test") if table in given for name in given[table].text}
        for name, one in given.items():
            answer = next((n for n in (self.target, *sample[1:]) if n in one.table), self.target)
            texts = set(one.text) if name == "solution" else set(rows)
            texts = texts - {answer} if self.number else texts | {answer}
            texts |= {self.row_id} if self.row_id else set()
            texts |= {by} if by and self.how == How.GROUPED else set()
            given[name] = one.with_text(sorted(texts))

    def _rest(self, known: Known) -> Spec | None:
        options, given, train, row_id = self.options, self.given, self.train, self.row_id
        assert options.metric is not None  # noqa: S101  it is known
        answer, parts = self._answers()
        column = train[self.target]
        classes = () if self.number else self._classes(tables.labels(column), known)
        kind = _kind(known, classes)
        positive = self._positive(classes, known)
        names = self._columns(kind, classes)
        rows = len(train) + (sum(part != "open" for part in parts.values()) if parts else 0)
        self._check_rows(column)
        self._check_by()
        if self.problems:
            return None
        low, high = _range(column) if self.number else (0.0, 1.0)
        scored = {k: v for k, v in parts.items() if v != "open"} if parts else None
        test = given["test"].table if "test" in given else None
        rows_text = [name for t in ("table", "test") if t in given for name in given[t].text]
        solution = given.get("solution")
        theirs = [] if solution is None else [*map(str, solution.table)]
        return Spec(
            name=options.name,
            files={
                f"{k.replace('table', 'train')}.csv": given[k].path for k in given if k != "sample"
            },
            row_id=row_id,
            target=self.target,
            column=names[0],
            columns=names,
            classes=classes,
            positive=positive,
            kind=kind,
            metric=options.metric,
            known=known,
            low=low,
            high=high,
            how=self.how,
            by=options.by,
            unit={How.GROUPED: "group", How.TIME: "period"}.get(self.how, "row"),
            unseen=self._unseen(test if scored else None),
            dropped=self._dropped(test),
            test_ids=scored,
            answer=answer,
            usage=usage(given),
            text=tuple(name for name in dict.fromkeys(rows_text) if name != row_id),
            solution_text=tuple(n for n in (solution.text if solution else []) if n != row_id),
            whole=set(theirs) - {usage(given)} <= set(train),
            rows=rows,
            open_rows=0 if test is None else len(test) - len(scored or {}),
            notes=tuple(self.notes),
        )

    def _answers(self) -> tuple[str | None, Mapping[str, str] | None]:
        """The solution's column of answers and each test id's part, where there is a test table."""
        if "test" not in self.given or self.row_id is None:
            return None, None
        kaggle = KaggleSet(
            given=self.given, row_id=self.row_id, target=self.target, number=self.number
        )
        answer, parts = kaggle.answers()
        self.problems += kaggle.problems
        if "solution" not in self.given:
            self.notes.append(
                "Test rows have no answers here: they are open (predicted, not scored); the "
                "scored test part is taken from train."
            )
        return answer, parts

    def _metric(self) -> Known | None:
        name = self.options.metric
        if name is None or name in KNOWN:
            return KNOWN[name] if name else None
        near = get_close_matches(name.lower().replace("-", "_"), KNOWN, n=1, cutoff=0.5)
        guess = f" did you mean {near[0]!r}?" if near else ""
        self.problems.append(
            f"--metric {name!r} is unknown:{guess} there are {', '.join(KNOWN)}; any other, one "
            "from Kaggle or mle-bench too, can be put into metric.py later"
        )
        return None

    def _how(self) -> How:
        options = self.options
        known = KNOWN.get(options.metric or "")
        usual = How.RANDOM if known is None or known.family == "regression" else How.STRATIFIED
        if options.split is None:
            how = usual
        elif options.split in list(How):
            how = How(options.split)
        else:
            self.problems.append(
                f"--split {options.split!r} is unknown: there are {', '.join(How)}"
            )
            return usual
        grouped = how in (How.GROUPED, How.TIME)
        if grouped and options.by is None:
            what = "groups that stay together" if how == How.GROUPED else "times"
            self.problems.append(f"--split {how} needs --by COLUMN: the column of the {what}")
        if options.by is not None and not grouped:
            self.problems.append(f"--by {options.by} needs --split grouped, or --split time")
        return how

    def _row_id(self) -> str | None:
        """The column of ids."""
        options = self.options
        if options.row_id is not None:
            return options.row_id
        if "sample" in self.given:
            return str(self.given["sample"].table.columns[0])
        names = [str(name) for name in self.train.columns]
        called_id = [name for name in names if name.casefold() == "id"]
        if called_id:
            return called_id[0]
        if "test" in self.given:
            self.problems.append("missing: --id COLUMN: the column of ids, in train and test alike")
        self.notes.append("There is no column of ids (--id): rows are numbered, in a random order.")
        return None

    def _target(self) -> str | None:
        """The column to predict: named, or the only one that the sample has too."""
        if self.options.target is not None or "sample" not in self.given:
            return self.options.target
        sample = self.given["sample"].table
        shared = [str(name) for name in sample.columns[1:] if name in self.train]
        if len(shared) == 1 and len(sample.columns) == 2:
            return shared[0]
        self.problems.append(f"missing: {NEEDED['target']}")
        return None

    def _classes(self, column: pd.Series, known: Known) -> tuple[str, ...]:
        """The labels, sorted."""
        counts, target, metric = column.value_counts(), self.target, self.options.metric
        names = sorted(map(str, counts.index))
        if len(names) > max(2, len(column) / 2):
            self.problems.append(
                f"{target!r} has {len(names):,} labels in {len(column):,} rows: no classes"
            )
        elif known.family == "probabilities" and len(names) > MOST_CLASSES:
            self.problems.append(
                f"{target!r} has {len(names):,} classes: a column of probabilities for each is "
                f"possible up to {MOST_CLASSES}; take f1_macro or accuracy"
            )
        if (known.family == "ranking" or metric in OF_ONE) and len(names) > 2:
            other = "log_loss" if known.family == "ranking" else "f1_macro"
            self.problems.append(
                f"{metric} is of two classes; {target!r} has {len(names)}: take {other}"
            )
        if known.family != "labels" and len(names) <= MOST_CLASSES:
            self.problems += [
                f"class {name!r} of {target!r} has {many(int(counts[name]), 'row')}: "
                f"{FEWEST_OF_CLASS} or more are needed"
                for name in names
                if counts[name] < FEWEST_OF_CLASS
            ]
        return tuple(names)

    def _positive(self, classes: tuple[str, ...], known: Known) -> str | None:
        """The label that is positive, where two classes are not alike."""
        metric = self.options.metric
        two = len(classes) == 2 and (known.family != "labels" or metric in OF_ONE)
        if self.options.positive is not None and self.options.positive not in classes:
            there = first([repr(name) for name in classes], len(classes)) or "none"
            self.problems.append(
                f"--positive {self.options.positive!r} is no label: there are {there}"
            )
        if not two:
            return None
        chosen = self.options.positive or classes[-1]
        self.notes.append(f"{chosen!r} is the positive class (--positive).")
        return chosen

    def _columns(self, kind: str, classes: tuple[str, ...]) -> tuple[str, ...]:
        """The target columns of a submission: as the sample has them."""
        own: tuple[str, ...] = (self.target,)
        if kind == "probabilities":
            own = tuple(f"{self.target}_{name}" for name in classes)
        if "sample" not in self.given:
            return own
        sample = self.given["sample"]
        names = [str(name) for name in sample.table.columns if name != self.row_id]
        if kind == "probabilities" and len(names) == len(classes):
            by_class = {
                name: [n for n in names if n == name or n.endswith(name)] for name in classes
            }
            if all(len(columns) == 1 for columns in by_class.values()):
                return tuple(columns[0] for columns in by_class.values())
        elif len(own) == len(names) == 1:
            return tuple(names)
        self.problems.append(
            f"{sample.path.name} has the columns {first(names, len(names))} beside the "
            f"ids; {self.options.metric} of {self.target!r} would have {first(list(own), len(own))}"
        )
        return own

    def _check_rows(self, column: pd.Series) -> None:
        if len(column) < FEWEST:
            self.problems.append(
                f"{self.given['table'].path.name} has {many(len(column), 'row')}: {FEWEST} or more "
                "are needed for a train part with five folds and a test part with two halves"
            )
        if self.options.metric == "rmsle" and float(column.min()) < 0:
            self.problems.append(
                f"rmsle takes no values below 0; {column.name!r} has {column.min():g}"
            )

    def _check_by(self) -> None:
        by, how, train = self.options.by, self.how, self.train
        if by is None or how not in (How.GROUPED, How.TIME):
            return
        if train[by].isna().any():
            self.problems.append(
                f"--by {by}: {many(int(train[by].isna().sum()), 'row')} without it"
            )
        elif how == How.TIME and tables.moments(train[by]).isna().any():
            odd = train.loc[tables.moments(train[by]).isna(), by].astype(str).tolist()
            self.problems.append(
                f"--by {by}: {many(len(odd), 'value')} no number nor a date as in 2025-12-31: "
                f"{first(odd[:6], len(odd))}"
            )
        elif train[by].nunique() < GROUPS:
            self.problems.append(
                f"--by {by}: {many(train[by].nunique(), 'different value')}; {GROUPS} or more are "
                "needed"
            )

    def _unseen(self, test: pd.DataFrame | None) -> bool:
        """Whether no group or period of the scored test rows is in train."""
        import pandas as pd

        by, how, train = self.options.by, self.how, self.train
        if how in (How.GROUPED, How.TIME) and test is not None and by in test:
            both = pd.concat([train[by], test[by]])
            both = tables.labels(both) if how == How.GROUPED else both
            return not set(both[: len(train)]) & set(both[len(train) :])
        return how in (How.GROUPED, How.TIME)

    def _dropped(self, test: pd.DataFrame | None) -> tuple[str, ...]:
        """Columns that are no features: groups that are held out, and what test does not have."""
        by = self.options.by
        dropped = [by] if self.how == How.GROUPED and by else list[str]()
        names = [str(n) for n in self.train.columns if n not in (self.row_id, self.target)]
        if dropped:
            self.notes.append(
                f"{dropped[0]!r} is no feature, as its groups do not train: it is a group."
            )
        if test is not None:
            own = [n for n in names if n not in test and n not in dropped]
            if own:
                self.notes.append(
                    f"Only train has {first(own, len(own))}: left out of the features."
                )
            dropped += own
        features = [n for n in names if n not in dropped]
        if "id" in features:
            self.problems.append("there is a feature 'id' beside the column of ids: rename it")
        if not features:
            self.problems.append("there is no feature: no column beside ids, target and groups")
        return tuple(dropped)


def _kind(known: Known, classes: tuple[str, ...]) -> str:
    """What is predicted."""
    two = "probability" if len(classes) == 2 else "probabilities"
    return {"regression": "number", "labels": "label"}.get(known.family, two)


def _range(column: pd.Series) -> tuple[float, float]:
    """A range with room for any answer: as wide again on both sides; not below 0 if none is."""
    low, high = float(column.min()), float(column.max())
    span = high - low
    digits = int(np.floor(np.log10(span))) - 1
    step = 10.0**digits
    bottom = np.floor((low - span) / step) * step
    top = np.ceil((high + span) / step) * step
    return (0.0 if low >= 0 else round(float(bottom), -digits)), round(float(top), -digits)
