"""Motif discovery: words that go with expression, then boosted trees on where these are.

The words are found by `shared/discovery.py` and kept as `Motifs.motifs`. Trees (LightGBM) have the
loss of a random intercept by family: what a family has in common weighs less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from podium.competition import Parameter
from podium.errors import note
from podium.learning import boost, tree_parameters

from ..metric import TARGET
from ..shared import sites
from ..shared.discovery import NOTHING, Families, composition, discover
from ..shared.features import build as build_features
from ..shared.features import check_length, family, length, start_site
from ..shared.parameters import DISCOVERY, GROUPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

    from ..shared.sites import Motif

    Values = NDArray[np.float64]

PARAMETERS = {
    **DISCOVERY,
    "groups": Parameter(
        ["word", "composition", "region", "core", "tata", "element"],
        "further features, see `features.py`",
        choices=GROUPS,
    ),
    **tree_parameters(
        rounds=(600, 100, 1000, "log"),
        learning_rate=(0.04, 0.01, 0.1, "log"),
        num_leaves=(8, 4, 64, "log"),
        min_data_in_leaf=(20, 5, 100, "log"),
        feature_fraction=(0.3, 0.05, 1.0, "log"),
        lambda_l2=(5.0, 0.0, 20.0),
    ),
}

QUICK: dict[str, Any] = {"rounds": 40, "num_threads": 1}
THREADS = 1  # the same bytes on any number of cores
MIN_DATA_IN_BIN = 3
"""LightGBM's own."""
OWN = (*DISCOVERY, "groups")
"""Parameters that are neither `rounds` nor LightGBM's."""


class Motifs:
    """Boosted trees on motifs that were found in train.

    Attributes:
        motifs: Those of train, those that explain most first.
    """

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.motifs: list[Motif] = []
        self.length = 0
        self.mean = 0.0
        self.booster: lgb.Booster | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Find motifs, then boost; `report` gets the root mean squared error on train."""
        assert train.targets is not None
        answers = train.targets[TARGET].to_numpy(dtype=np.float64)
        self.length, self.mean = length(train), float(answers.mean())
        self.motifs = discover(train, answers, self.params["least_z"], self.params["most_words"])
        if not self.motifs:
            note(NOTHING.format(z=self.params["least_z"]))
        table = self._table(train)
        if not _splits(table, max(self.params["min_data_in_leaf"], MIN_DATA_IN_BIN)):
            note("No tree can be grown on train: its mean is predicted.")
            return
        booster = boost(
            lgb.Dataset(table, answers - self.mean),
            self.params,
            own=OWN,
            seed=self.seed,
            report=report,
            objective=_family_loss(Families(family(train))),
            metric="rmse",
            force_col_wise=True,
        )
        self.booster = lgb.Booster(model_str=booster.model_to_string())  # the loss stays behind

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict."""
        check_length(part, self.length)
        expression = np.full(len(part), self.mean)
        if self.booster is not None:
            expression += np.asarray(self.booster.predict(self._table(part)))
        return pd.DataFrame({"id": part.ids, TARGET: expression})

    def _table(self, part: Part) -> Values:
        assert part.sequences is not None
        codes = np.asarray(part.sequences.codes)
        start = start_site(part.features, part.sequences.length)
        others, _ = build_features(codes, start, self.params["groups"])
        places, _ = sites.build(codes, self.motifs)
        return np.column_stack([composition(part)[:, 1:], places, others])


def _splits(table: Values, least: int) -> bool:
    """Whether some column can be cut with so many rows on either side: LightGBM fails if none."""
    ordered = np.sort(table, axis=0)
    return len(table) >= 2 * least and bool((ordered[least - 1] < ordered[-least]).any())


def _family_loss(families: Families) -> Any:
    """Gradient of half of r' V^-1 r, and 1 for its curvature."""

    def gradient(predicted: Values, data: lgb.Dataset) -> tuple[Values, Values]:
        slope = families.weighed(predicted - np.asarray(data.get_label(), dtype=np.float64))
        return slope, np.ones_like(slope)

    return gradient


def build(params: dict[str, Any], seed: int) -> Motifs:
    """Build the model."""
    return Motifs(params, seed)
