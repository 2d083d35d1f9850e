"""Ridge regression on the counts of k-mers, wherever in the sequence they are.

The best straight line: it tells what of the problem is the presence of words, each for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit

from podium.competition import Parameter

from ..metric import TARGET
from ..shared.features import build as build_features
from ..shared.features import check_length, length, species, start_site
from ..shared.parameters import COUNTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

    Floats = NDArray[np.float32]

PARAMETERS = {
    "groups": Parameter(["word"], "groups of features, see `features.py`", choices=COUNTS),
    "alphas": Parameter(
        [300.0, 1000.0, 3000.0, 10000.0],
        "penalties on the squared weights, of which the folds of train choose one",
        (1e-6, 1e12),
    ),
}

QUICK: dict[str, Any] = {"alphas": [1000.0]}
ANYWHERE = {"word", "word6"}
"""Groups that are the same at any length."""
THREADS = 1  # the same bytes on any number of cores


class WordRegression:
    """Ridge regression of expression on standardised square roots of counts."""

    def __init__(self, groups: list[str], alphas: list[float]) -> None:
        self.groups = groups
        self.alphas = alphas
        self.length = 0
        self.ridge = Ridge()
        self.mean = self.scale = np.empty(0, dtype=np.float32)

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Standardise by train, choose the penalty, solve; `report` gets the error of folds.

        With one penalty, or one fold, there is nothing to choose by: the first is taken.
        """
        assert train.targets is not None
        assert train.folds is not None
        answers = train.targets[TARGET].to_numpy(dtype=np.float64)
        self.length = length(train)
        table = self._table(train)
        self.mean, self.scale = table.mean(axis=0), table.std(axis=0)
        self.scale[self.scale == 0] = 1
        table = self._standardised(table)
        ridge = Ridge(alpha=self.alphas[0], solver="cholesky")
        if len(self.alphas) == 1 or len(np.unique(train.folds)) == 1:
            self.ridge = ridge.fit(table, answers)
            return
        search = GridSearchCV(
            ridge,
            {"alpha": self.alphas},
            scoring="neg_root_mean_squared_error",
            cv=PredefinedSplit(train.folds),
        )
        search.fit(table, answers)
        self.ridge = search.best_estimator_
        if report:
            report(1, -float(search.best_score_))

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict."""
        if not ANYWHERE.issuperset(self.groups):
            check_length(part, self.length)
        predicted = self.ridge.predict(self._standardised(self._table(part)))
        return pd.DataFrame({"id": part.ids, TARGET: np.asarray(predicted, dtype=np.float64)})

    def _table(self, part: Part) -> Floats:
        assert part.sequences is not None
        start = start_site(part.features, part.sequences.length)
        counts, _ = build_features(part.sequences.codes, start, self.groups)
        # The second of a word adds less than the first.
        return np.column_stack([np.sqrt(counts), species(part.features)[0]])

    def _standardised(self, table: Floats) -> Floats:
        return (table - self.mean) / self.scale


def build(params: dict[str, Any], seed: int) -> WordRegression:
    """Build the model; nothing in it is random."""
    return WordRegression(**params)


def space(trial: Any) -> dict[str, Any]:
    """Search one penalty."""
    return {"alphas": [trial.suggest_float("alpha", 10.0, 100_000.0, log=True)]}
