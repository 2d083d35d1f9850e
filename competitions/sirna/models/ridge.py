"""Ridge regression on all features: numbers standardised, categories one-hot.

The best straight line: it tells what of the problem is additive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from ..features import GROUPS, choose
from ..features import build as build_features
from ..metric import TARGET

if TYPE_CHECKING:
    from podium.competition import Part, Report

DEFAULTS: dict[str, Any] = {"alpha": 30.0, "groups": list(GROUPS)}
"""`alpha`: penalty on the squared weights; `groups`: groups of features, see `features.py`."""

HIGHEST = 300.0


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
        onehot = pd.get_dummies(table.select_dtypes("category"), dtype=np.float32)
        # What is not known sits at the mean, which is 0.
        return pd.concat([numbers.fillna(0.0), onehot], axis=1).astype(np.float32)


def build(params: dict[str, Any], seed: int) -> LinearModel:
    """Build the model; nothing in it is random."""
    return LinearModel(**params)


def space(trial: Any) -> dict[str, Any]:
    """Search the penalty."""
    return {"alpha": trial.suggest_float("alpha", 1.0, 10_000.0, log=True)}
