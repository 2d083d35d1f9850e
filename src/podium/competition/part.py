"""What a model is given, and what it gives: parts, slices, the model's methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from podium.errors import (
    ModelError,
)

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

    from podium.competition.counts import Counts
    from podium.competition.sequences import Sequences


class Report(Protocol):
    """Feeds progress bars and pruning."""

    def __call__(self, step: int, value: float, **others: float) -> None:
        """Say that `step` is done and its figure (higher or lower as the model's own loss is).

        Args:
            step: From 1.
            value: What pruning looks at, such as the validation loss.
            others: Further figures to show beside it, such as `training=0.2`.
        """


class Progress(Protocol):
    """Shows how far a long work is; `podium.cli` has one for terminals, and one for logs."""

    def stage(self, title: str) -> Report | None:
        """Begin a stage and give what reports its steps."""

    def amount(self, done: float, total: float | None, unit: str) -> None:
        """Say how much of the stage is done; None where nobody knows how much there is."""

    def count(self, done: int, total: int) -> None:
        """Say how much of the whole is done."""


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The rows of a part that share one matrix of counts: a slice, a plate.

    Attributes:
        rows: Which rows of the part they are [n].
        features: Their features.
        counts: Sparse counts [n, genes]; 0 is nowhere stored.
        genes: Names of the columns [genes].
        truth: The matrix to predict [n, genes], where the target is one (train only).
    """

    name: str
    rows: NDArray[np.int64]
    features: pd.DataFrame
    counts: csr_array[Any]
    genes: NDArray[np.str_]
    truth: csr_array[Any] | None = None

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows a model sees: `train` with targets, folds and groups; `test` and `open` without.

    Attributes:
        ids: Row ids as text.
        features: One row an id, in the same order, default index.
        counts: A sparse matrix of the same rows, where the competition has one; see `slices`.
        sequences: DNA of the same rows, where the competition has it.
        tables: What belongs to things that the rows name, by the table's name: a row for each
            thing, with the key that a feature has as index. All that the dataset has, whichever
            rows are here; each is read when it is asked for.
        targets: The columns to predict (train only).
        truth: The matrix to predict, where the target is one (train only); see `slices`.
        folds: Fixed cross-validation fold of each row, int64 (train only).
        strata: The stratum that each row stands for when its fold is held out (train only).
        groups: Independent units of each row, one column a kind (train only).
        extra: Further labelled rows to learn from, where the dataset has them: with targets, folds
            and groups, never scored and never predicted (train only).
        members: What members of a stack predict out of fold, where that is kept: a table of the
            targets by id for each member, in a cross-validation of the rows that it holds out, too
            (train only).
        rng: Random generator that follows from the run's seed.
    """

    name: str
    ids: pd.Index
    features: pd.DataFrame
    counts: Counts | None = None
    sequences: Sequences | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    targets: pd.DataFrame | None = None
    truth: Counts | None = None
    folds: NDArray[np.int64] | None = None
    strata: NDArray[np.object_] | None = None
    groups: pd.DataFrame | None = None
    extra: Part | None = None
    members: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        values["tables"], values["members"] = self.tables or None, self.members or None
        given = [name for name, value in values.items() if value is not None]
        return f"<Part: {self.name}, {len(self):,} rows; {', '.join(given[1:])}>"

    def take(self, rows: NDArray[Any]) -> Part:
        """The same part with the given rows only (positions or a mask).

        Extra rows stay if a row of their fold does: held-out folds are held out of them too.
        """

        def frame(table: pd.DataFrame | None) -> pd.DataFrame | None:
            return None if table is None else table.iloc[rows].reset_index(drop=True)

        return replace(
            self,
            ids=self.ids[rows],
            features=self.features.iloc[rows].reset_index(drop=True),
            counts=None if self.counts is None else self.counts.take(rows),
            sequences=None if self.sequences is None else self.sequences.take(rows),
            targets=frame(self.targets),
            truth=None if self.truth is None else self.truth.take(rows),
            folds=None if self.folds is None else self.folds[rows],
            strata=None if self.strata is None else self.strata[rows],
            groups=frame(self.groups),
            extra=self._extra_of(rows),
        )

    def _extra_of(self, rows: NDArray[Any]) -> Part | None:
        if self.extra is None or self.extra.folds is None or self.folds is None:
            return None
        return self.extra.take(np.isin(self.extra.folds, self.folds[rows]))

    def slices(self) -> Iterator[Slice]:
        """Go through the slices, with the counts of one in memory at a time.

        Raises:
            ModelError: If the part has no counts.
        """
        if self.counts is None:
            if len(self):
                raise ModelError("This competition has no counts: its features are a table alone.")
            return
        truths = self.truth.read() if self.truth is not None else repeat(None)
        for (name, rows, counts, genes), truth in zip(self.counts.read(), truths, strict=False):
            yield Slice(
                name=name,
                rows=rows,
                features=self.features.iloc[rows].reset_index(drop=True),
                counts=counts,
                genes=genes,
                truth=None if truth is None else truth[2],
            )

    def without_answers(self) -> Part:
        """The same rows as a model meets them in `predict`."""
        return replace(
            self,
            targets=None,
            truth=None,
            folds=None,
            strata=None,
            groups=None,
            extra=None,
            members={},
        )


class Model(Protocol):
    """What `build` returns."""

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn from the train part."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict: a column `id` and the target columns, one row for each id of `part`."""
