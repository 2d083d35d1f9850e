"""Gradient-boosted trees (LightGBM) on features of the sequence.

With `other_assay`, and where the dataset brings rows of another assay (`part.extra`), trees learn
these first, and what they predict is one feature more. Rows that train get it from trees that have
not seen their fold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from podium.competition import Parameter
from podium.learning import BAGGING, boost, tree_parameters

from ..metric import TARGET
from ..shared.features import build as build_features
from ..shared.features import check_length, length, species, start_site
from ..shared.parameters import GROUPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

    Floats = NDArray[np.float32]

PARAMETERS = {
    "groups": Parameter([*GROUPS], "groups of features, see `features.py`", choices=GROUPS),
    "start": Parameter(
        None,
        "base of the start site, from 0; None: as the assay has it, else the middle",
        (0, 1_000_000),
    ),
    "other_assay": Parameter(False, "whether rows of another assay are learned first"),
    **tree_parameters(
        rounds=(400, 100, 1500, "log"),
        learning_rate=(0.05, 0.01, 0.1, "log"),
        num_leaves=(31, 7, 127, "log"),
        min_data_in_leaf=(20, 5, 100, "log"),
        feature_fraction=(0.1, 0.02, 0.5, "log"),
        lambda_l2=(5.0, 0.0, 20.0),
        max_bin=63,
    ),
}
"""Chosen on the folds of train.

groups: without `word6` twice as fast, and on the folds of `jores-proto` as good; on those of
    `jores-leaf` r² of maize is lower by 0.016, and on a fold of `demo`, whose motifs are longer, r²
    is 0.23 for 0.35.
other_assay: six times the work for little: on the folds of `jores-leaf` r² rises by 0.003.
"""

QUICK: dict[str, Any] = {
    "groups": ["word", "composition", "region", "core", "tata", "element"],
    "rounds": 40,
    "num_threads": 1,
}

OWN = ("groups", "start", "other_assay")
"""Parameters that are neither `rounds` nor LightGBM's."""


class BoostedTrees:
    """Boosted trees on tabulated features.

    Attributes:
        others: Of the other assay, one for each fold that it has not seen.
    """

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.length = 0
        self.booster: lgb.Booster | None = None
        self.others: list[lgb.Booster] = []

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Boost; `report` gets the root mean squared error on train as it falls."""
        assert train.targets is not None
        self.length = length(train)
        table = self._table(train)
        extra = train.extra if self.params["other_assay"] else None
        # A single fold leaves none to learn from.
        if extra is not None and len(set(_folds(extra))) > 1:
            table = np.column_stack([table, self._fit_others(train, extra, table)])
        self.booster = self._boost(table, _answers(train), report)

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict."""
        assert self.booster is not None
        check_length(part, self.length)
        table = self._table(part)
        if self.others:
            others = [np.asarray(booster.predict(table)) for booster in self.others]
            table = np.column_stack([table, np.mean(others, axis=0, dtype=np.float32)])
        return pd.DataFrame({"id": part.ids, TARGET: self.booster.predict(table)})

    def _fit_others(self, train: Part, extra: Part, table: Floats) -> Floats:
        """Predictions for train rows by trees of the other assay that have not seen their fold."""
        known, answers = self._table(extra), _answers(extra)
        predictions = np.empty(len(train), dtype=np.float32)
        for fold in np.unique(_folds(train)):
            seen, held = _folds(extra) != fold, _folds(train) == fold
            self.others.append(self._boost(known[seen], answers[seen], None))
            predictions[held] = np.asarray(self.others[-1].predict(table[held]))
        return predictions

    def _table(self, part: Part) -> Floats:
        assert part.sequences is not None
        start = start_site(part.features, part.sequences.length, self.params["start"])
        values, _ = build_features(part.sequences.codes, start, self.params["groups"])
        return np.column_stack([values, species(part.features)[0]])

    def _boost(
        self, table: Floats, answers: NDArray[np.float64], report: Report | None
    ) -> lgb.Booster:
        return boost(
            lgb.Dataset(table, answers),
            self.params,
            own=OWN,
            seed=self.seed,
            report=report,
            objective="l2",
            metric="rmse",
            **BAGGING,
        )


def _answers(part: Part) -> NDArray[np.float64]:
    assert part.targets is not None
    return part.targets[TARGET].to_numpy(dtype=np.float64)


def _folds(part: Part) -> NDArray[np.int64]:
    assert part.folds is not None
    return part.folds


def build(params: dict[str, Any], seed: int) -> BoostedTrees:
    """Build the model."""
    return BoostedTrees(params, seed)
