"""Ridge regression on all features: numbers standardised, categories one-hot.

The best straight line: it tells what of the problem is additive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from podium.competition import Parameter

from ..metric import TARGET
from ..shared.features import build as build_features
from ..shared.features import choose
from ..shared.parameters import GROUPS

if TYPE_CHECKING:
    from podium.competition import Part, Report

PARAMETERS = {
    "alpha": Parameter(
        30.0, "penalty on the squared weights", (0.0, 1e12), search=(1.0, 10_000.0, "log")
    ),
    "groups": Parameter([*GROUPS], "groups of features, see `features.py`", choices=GROUPS),
}

HIGHEST = 300.0
THREADS = 1  # the same bytes on any number of cores


class LinearModel:
    """Ridge regression of percent remaining."""

    def __init__(self, alpha: float, groups: list[str]) -> None:
        self.groups = groups
        self.ridge = Ridge(alpha=alpha, solver="cholesky")
        self.mean = self.scale = pd.Series(dtype=np.float32)
        self.columns: list[str] = []

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Standardise by train and solve."""
        assert train.targets is not None
        table = choose(build_features(train.features), self.groups)
        numbers = table.select_dtypes("number")
        self.mean, self.scale = numbers.mean(), numbers.std().replace(0.0, 1.0)
        design = self._design(table)
        self.columns = list(design.columns[design.any().to_numpy()])
        self.ridge.fit(design[self.columns], train.targets[TARGET])

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict, cut to the range that can be."""
        design = self._design(choose(build_features(part.features), self.groups))
        # A category that train has not is no column: it adds nothing.
        predicted = self.ridge.predict(design.reindex(columns=self.columns, fill_value=0.0))
        return pd.DataFrame({"id": part.ids, TARGET: np.clip(predicted, 0.0, HIGHEST)})

    def _design(self, table: pd.DataFrame) -> pd.DataFrame:
        numbers = (table.select_dtypes("number") - self.mean) / self.scale
        onehot = table.select_dtypes("category")
        if len(onehot.columns):  # pandas refuses a table without any
            onehot = pd.get_dummies(onehot, dtype=np.float32)
        # What is not known sits at the mean, which is 0.
        return pd.concat([numbers.fillna(0.0), onehot], axis=1).astype(np.float32)


def build(params: dict[str, Any], seed: int) -> LinearModel:
    """Build the model; nothing in it is random."""
    return LinearModel(**params)
