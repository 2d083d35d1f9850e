"""Gradient-boosted trees (LightGBM) on all features.

What pays depends on what train has seen. With preset `seen` the model may use the target site and
who measured, which helps on genes that train; rows of a gene that does not train it leaves to a
second model with preset `general`, which knows neither. With preset `general` that model predicts
everything. Parameters that are None are as the preset has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from podium.competition import Parameter, defaults
from podium.learning import BAGGING, boost, tree_parameters

from ..metric import TARGET, THRESHOLD
from ..shared.features import build as build_features
from ..shared.features import choose, gene
from ..shared.parameters import GROUPS

if TYPE_CHECKING:
    from podium.competition import Part, Report

PRESETS: dict[str, dict[str, Any]] = {
    "seen": {
        "groups": [
            *("base", "sugar", "kmer", "energy", "rule", "count", "assay"),
            *("site", "context", "source"),
        ],
        "objective": "log_l2",
        "low_weight": 1.0,
        "call_below": 33.0,
        "rounds": 600,
        "learning_rate": 0.05,
        "num_leaves": 63,
        "min_data_in_leaf": 10,
        "feature_fraction": 0.4,
        "lambda_l2": 0.0,
        "leave_new_genes": True,
    },
    "general": {
        "groups": ["base", "sugar", "energy", "rule", "count", "assay"],
        "objective": "l2",
        "low_weight": 1.0,
        "call_below": 42.0,
        "rounds": 500,
        "learning_rate": 0.03,
        "num_leaves": 31,
        "min_data_in_leaf": 40,
        "feature_fraction": 0.2,
        "lambda_l2": 5.0,
        "leave_new_genes": False,
    },
}

PARAMETERS = {
    "preset": Parameter(
        "seen", "what the others are unless they are set", choices=("seen", "general")
    ),
    "groups": Parameter(
        None, "groups of features, see `features.py`", choices=GROUPS, like=["base"]
    ),
    "objective": Parameter(
        None,
        "LightGBM's loss, or log_l2: squares of logarithms",
        choices=("l1", "l2", "log_l2", "huber", "fair", "quantile", "mape", "poisson", "tweedie"),
        like="l2",
    ),
    "low_weight": Parameter(
        None,
        "weight of rows with less than 30 % remaining, which decide the F1 part of the score",
        (0.0, 1000.0),
        search=(1.0, 3.0),
    ),
    "call_below": Parameter(
        None,
        "predictions from 30 up to this one are handed in as just below 30",
        (0.0, 300.0),
        search=(30.0, 45.0),
    ),
    **tree_parameters(
        rounds=(None, 200, 1500, "log"),
        learning_rate=(None, 0.01, 0.1, "log"),
        num_leaves=(None, 15, 127, "log"),
        min_data_in_leaf=(None, 5, 100, "log"),
        feature_fraction=(None, 0.1, 0.8),
        lambda_l2=(None, 0.0, 10.0),
    ),
    "leave_new_genes": Parameter(
        None, "whether rows of genes that do not train go to a model `general`", like=True
    ),
    "folding": Parameter(False, "also the group `fold`, which needs the extra `bio`"),
}
"""Chosen on the folds of train; None stands for what the preset says.

call_below: where it is a toss-up on which side of 30 the truth lies, a hit is worth more to the F1
    than a false call costs.
folding: off, so that what a model predicts does not depend on what is installed.
"""

QUICK: dict[str, Any] = {"rounds": 60, "num_threads": 1}

OWN = ("preset", "groups", "low_weight", "call_below", "leave_new_genes", "folding")
"""Parameters that are neither `rounds` nor LightGBM's."""

RARE = {"cat_smooth": 10, "min_data_per_group": 10}
"""Categories here are few or have few rows each: without this most would be ignored."""
HIGHEST = 300.0


class BoostedTrees:
    """Boosted trees on tabulated features."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.logarithms = params["objective"] == "log_l2"
        self.booster: lgb.Booster | None = None
        self.genes: frozenset[str] = frozenset()
        same = {name: params[name] for name in ("folding", "num_threads")}
        general = {**defaults(PARAMETERS), "preset": "general", **same}
        self.general = build(general, seed) if params["leave_new_genes"] else None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Boost; `report` gets the mean absolute error on train, of what is fitted."""
        assert train.targets is not None
        answers = train.targets[TARGET].to_numpy(dtype=np.float64)
        data = lgb.Dataset(
            self._table(train),
            label=np.log1p(answers) if self.logarithms else answers,
            weight=np.where(answers < THRESHOLD, self.params["low_weight"], 1.0),
        )
        self.booster = boost(
            data,
            {**self.params, "objective": "l2"} if self.logarithms else self.params,
            own=OWN,
            seed=self.seed,
            report=report,
            metric="l1",
            **BAGGING,
            **RARE,
        )
        if self.general is not None:
            self.genes = frozenset(gene(train.features))
            self.general.fit(train)

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict, cut to the range that can be."""
        assert self.booster is not None
        raw = np.asarray(self.booster.predict(self._table(part)), dtype=np.float64)
        predicted = np.clip(np.expm1(raw) if self.logarithms else raw, 0.0, HIGHEST)
        called = (predicted >= THRESHOLD) & (predicted < self.params["call_below"])
        predicted[called] = np.nextafter(THRESHOLD, 0.0)
        if self.general is not None:
            new = ~gene(part.features).isin(self.genes).to_numpy()
            predicted[new] = self.general.predict(part)[TARGET].to_numpy()[new]
        return pd.DataFrame({"id": part.ids, TARGET: predicted})

    def _table(self, part: Part) -> pd.DataFrame:
        folding = self.params["folding"]
        table = build_features(part.features, folding=folding)
        return choose(table, [*self.params["groups"], *(["fold"] if folding else [])])


def build(params: dict[str, Any], seed: int) -> BoostedTrees:
    """Build the model: the preset, and what was set beside it."""
    chosen = {name: value for name, value in params.items() if value is not None}
    return BoostedTrees({**PRESETS[params["preset"]], **chosen}, seed)
