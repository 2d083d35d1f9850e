"""Boosted trees (LightGBM) on counts of a drug's surroundings and n-grams and a protein's words.

With one side alone it is a control: what drugs, or proteins, are worth by themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from podium.competition import Parameter
from podium.learning import boost, tree_parameters

from ..metric import TARGET
from ..shared.features import DRUG, PROTEIN, grams, rows_of, words
from ..shared.fingerprints import folded
from ..shared.parameters import OF

if TYPE_CHECKING:
    from podium.competition import Part, Report

PARAMETERS: dict[str, Parameter] = {
    "of": OF,
    "drugs": Parameter(
        "both",
        "what is counted of a drug: surroundings of atoms (circular), n-grams, or both",
        choices=("circular", "grams", "both"),
    ),
    **tree_parameters(
        rounds=(150, 50, 1000, "log"),
        learning_rate=(0.1, 0.02, 0.2, "log"),
        num_leaves=(31, 15, 127, "log"),
        min_data_in_leaf=(20, 5, 100, "log"),
        feature_fraction=(0.2, 0.05, 0.8, "log"),
        lambda_l2=(0.0, 0.0, 10.0),
        max_bin=(31, 7, 255, "log"),
    ),
}
QUICK: dict[str, Any] = {"rounds": 20, "num_threads": 1}
COUNTS = {"circular": folded, "grams": grams}


class BoostedTrees:
    """Boosted trees on features of both sides."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params, self.seed = params, seed
        drugs = [
            (DRUG, count) for name, count in COUNTS.items() if params["drugs"] in (name, "both")
        ]
        sides: dict[str, list[Any]] = {"drug": drugs, "protein": [(PROTEIN, words)]}
        self.sides = sides.get(params["of"], [*sides["drug"], *sides["protein"]])
        self.booster: lgb.Booster | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Boost; `report` gets the log loss on train as it falls."""
        assert train.targets is not None
        data = lgb.Dataset(rows_of(train, *self.sides), label=train.targets[TARGET].to_numpy())
        self.booster = boost(
            data,
            self.params,
            own=("of", "drugs"),
            seed=self.seed,
            report=report,
            objective="binary",
            force_col_wise=True,
        )

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict."""
        assert self.booster is not None
        binds = np.asarray(self.booster.predict(rows_of(part, *self.sides)), dtype=np.float64)
        return pd.DataFrame({"id": part.ids, TARGET: binds})


def build(params: dict[str, Any], seed: int) -> BoostedTrees:
    """Build the model."""
    return BoostedTrees(params, seed)
