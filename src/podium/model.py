"""The model contract: what a model file gives, and what it is given.

A model file has `DEFAULTS` (complete parameters), `build(params, seed)`, `space(trial)`; the built
object has `fit(train, report)` and `predict(part)`. A shipped baseline and a user's own file are
the same kind of file.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


class Report(Protocol):
    """Feeds progress bars and pruning."""

    def __call__(self, step: int, value: float) -> None:
        """Say that `step` is done and its figure (higher or lower as the model's own loss is)."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows a model sees: `train` with targets, folds and groups; `test` and `open` without.

    Attributes:
        ids: Row ids as text.
        features: One row an id, in the same order, default index.
        targets: The columns to predict (train only).
        folds: Fixed cross-validation fold of each row, int64 (train only).
        strata: The stratum that each row stands for when its fold is held out (train only).
        groups: Independent units of each row, one column a kind (train only).
        rng: Random generator that follows from the run's seed.
    """

    name: str
    ids: pd.Index
    features: pd.DataFrame
    targets: pd.DataFrame | None = None
    folds: NDArray[np.int64] | None = None
    strata: NDArray[np.object_] | None = None
    groups: pd.DataFrame | None = None
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[Any]) -> Part:
        """The same part with the given rows only (positions or a mask)."""

        def frame(table: pd.DataFrame | None) -> pd.DataFrame | None:
            return None if table is None else table.iloc[rows].reset_index(drop=True)

        return replace(
            self,
            ids=self.ids[rows],
            features=self.features.iloc[rows].reset_index(drop=True),
            targets=frame(self.targets),
            folds=None if self.folds is None else self.folds[rows],
            strata=None if self.strata is None else self.strata[rows],
            groups=frame(self.groups),
        )


class Model(Protocol):
    """What `build` returns."""

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn from the train part."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict: a column `id` and the target columns, one row for each id of `part`."""
