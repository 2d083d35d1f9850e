"""Gradient-boosted trees (LightGBM) on rows: principal components of the genes, and the drug."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from podium.competition import Parameter
from podium.learning import BAGGING, boost, tree_parameters

from ..metric import TARGET
from ..shared.lines import Lines, Responses, Scaling
from ..shared.parameters import BY_CONTEXT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

    Floats = NDArray[np.float64]

PARAMETERS = {
    "components": Parameter(
        40, "principal components of the lines that train", (1, 1000), search=(10, 100, "log")
    ),
    "scale": BY_CONTEXT,
    **tree_parameters(
        rounds=(1500, 100, 3000, "log"),
        learning_rate=(0.05, 0.01, 0.1, "log"),
        num_leaves=(31, 7, 127, "log"),
        min_data_in_leaf=(50, 10, 200, "log"),
        feature_fraction=(0.3, 0.1, 1.0),
        lambda_l2=(5.0, 0.0, 50.0),
        max_bin=63,
    ),
}

QUICK: dict[str, Any] = {"rounds": 20, "num_threads": 1}

OWN = ("components", "scale")
"""Parameters that are neither `rounds` nor LightGBM's."""
CATEGORIES = ("drug", "pathway")


class BoostedTrees:
    """Trees on standardised responses."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params, self.seed = params, seed
        self.booster: lgb.Booster
        self.scaling: Scaling
        self.responses: Responses
        self.axes: Floats
        self.pathways: pd.Index

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Boost; `report` gets the root mean squared error on train as it falls."""
        assert train.targets is not None
        lines = Lines.of(train)
        self.responses = Responses.of(train, lines.names)
        self.scaling = Scaling(lines, self.responses.lines, self.params["scale"])
        own = self.scaling(lines)[self.responses.lines]
        self.axes = np.linalg.svd(own - own.mean(axis=0), full_matrices=False)[2]
        self.axes = self.axes[: self.params["components"]].T
        self.pathways = pd.Index(train.tables["drugs"]["pathway"].unique())
        drug = self.responses.drugs.get_indexer(pd.Index(train.features["drug"]))
        answers = train.targets[TARGET].to_numpy(np.float64) - self.responses.mean[drug]
        table = self._table(train, lines)
        self.booster = boost(
            lgb.Dataset(
                table,
                answers / self.responses.spread[drug],
                categorical_feature=[table.shape[1] - 2, table.shape[1] - 1],
            ),
            self.params,
            own=OWN,
            seed=self.seed,
            report=report,
            objective="l2",
            metric="rmse",
            **BAGGING,
        )

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict; of a drug that never trained, the mean of all."""
        drug = self.responses.drugs.get_indexer(pd.Index(part.features["drug"]))
        said = np.asarray(self.booster.predict(self._table(part, Lines.of(part))))
        values = self.responses.mean[drug] + self.responses.spread[drug] * said
        values = np.where(drug < 0, self.responses.other[0], values)
        return pd.DataFrame({"id": part.ids, TARGET: values})

    def _table(self, part: Part, lines: Lines) -> Floats:
        """Components, drug and pathway as numbers [rows, components + 2]."""
        components = self.scaling(lines) @ self.axes
        line, drug = (pd.Index(part.features[name]) for name in ("line", "drug"))
        pathway = pd.Index(part.tables["drugs"]["pathway"].loc[drug])
        numbers = [self.responses.drugs.get_indexer(drug), self.pathways.get_indexer(pathway)]
        of_line = components[lines.names.get_indexer(line)]
        return np.column_stack([of_line, np.array(numbers, dtype=np.float64).T])


def build(params: dict[str, Any], seed: int) -> BoostedTrees:
    """Build the model."""
    return BoostedTrees(params, seed)
