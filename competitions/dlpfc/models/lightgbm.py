"""Gradient-boosted trees (LightGBM) that learn the domains of labelled slices.

Slices of other donors and runs differ in every gene's level, so genes are standardised slice by
slice; then a domain looks alike in all. A spot is described by the same principal components of
its surroundings at several sizes. The trees give each spot a probability of each domain, and
neighbours vote. The clusters carry the names of the domains that were learnt, however many of
them the slice has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from podium.competition import Parameter
from podium.errors import ModelError
from podium.learning import BAGGING, boost, standardised, tree_parameters

from ..metric import TARGET
from ..shared.expression import answer, log_normalised, neighbours, smoothed, varying

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from podium.competition import Part, Report, Slice

    Floats = NDArray[np.float64]

PARAMETERS = {
    "neighbours": Parameter(
        [7, 19, 37], "spots averaged over, itself included; all sizes are seen", (1, 10_000)
    ),
    "components": Parameter(
        30, "principal components of the training slices", (1, 1000), search=(5, 40, "log")
    ),
    **tree_parameters(
        rounds=(200, 50, 400, "log"),
        learning_rate=(0.05, 0.01, 0.1, "log"),
        num_leaves=(7, 4, 31, "log"),
        min_data_in_leaf=(20, 5, 100, "log"),
        feature_fraction=(0.5, 0.1, 1.0),
        lambda_l2=(1.0, 0.0, 10.0),
    ),
    "vote": Parameter(
        19,
        "neighbours whose probabilities are averaged at the end, itself included; 1 for none",
        (1, 10_000),
        search=(1, 61),
    ),
}
"""Chosen on donor 1 of `demo`, each slice predicted from the other three (ARI .54 to .59), and on
section BZ5 of `starmap`, each of three strips across all layers from the other two (.79 to .86).
"""

QUICK: dict[str, Any] = {"rounds": 20, "num_threads": 1}

OWN = ("neighbours", "components", "vote")
"""Parameters that are neither `rounds` nor LightGBM's."""


class BoostedTrees:
    """Boosted trees on components of the surroundings, the same for all slices.

    Attributes:
        names: Domains that were learnt, in the order of the trees' classes.
        genes: Genes of all training slices, in the order of the rows of `loadings`.
        loadings: Weight of each gene in each component [genes, components].
    """

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.booster: lgb.Booster | None = None
        self.names = pd.Index([])
        self.genes = pd.Index([])
        self.loadings: Floats = np.empty((0, 0))

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Find the components, then boost; `report` gets the log loss on train as it falls.

        Raises:
            ModelError: If no slice has labels, or the slices have no gene in common.
        """
        if train.targets is None or not len(train):
            raise ModelError(
                "lightgbm needs labelled training slices; this dataset has none.",
                hint="spatial_gmm needs no labels; or choose a dataset that has training slices.",
            )
        self.genes = pd.Index(varying(train, shared_genes(train)))
        self.loadings = shared_components(
            (self._standardised(one) for one in train.slices()), self.params["components"]
        )
        table = np.empty((len(train), len(self.params["neighbours"]) * self.loadings.shape[1]))
        for one in train.slices():
            table[one.rows] = self._table(one)
        codes, self.names = pd.factorize(train.targets[TARGET], sort=True)
        # LightGBM has no objective for a single class; a second one that never occurs is harmless.
        classes = {"objective": "multiclass", "num_class": max(2, len(self.names))}
        self.booster = boost(
            lgb.Dataset(table, label=codes),
            self.params,
            own=OWN,
            seed=self.seed,
            report=report,
            every=10,
            **classes,
            **BAGGING,
        )

    def predict(self, part: Part) -> pd.DataFrame:
        """Name the most probable domain of each spot.

        Raises:
            ModelError: If a slice has none of the genes that were learnt from.
        """
        reach = max(min(self.params["neighbours"]), self.params["vote"])
        return answer(part, self._label, reach=lambda _: reach, model="lightgbm")

    def _label(self, one: Slice) -> NDArray[Any]:
        assert self.booster is not None
        if not np.isin(one.genes, self.genes).any():
            raise ModelError(
                f"Slice {one.name} has none of the genes that were learnt from.",
                hint="Gene names must be of one kind: symbols, or Ensembl ids, in all slices.",
            )
        probabilities = np.asarray(self.booster.predict(self._table(one)))
        voted = smoothed(probabilities, neighbours(one.features, self.params["vote"]))
        best = voted[:, : len(self.names)].argmax(axis=1)
        return np.asarray(self.names.to_numpy(object)[best])

    def _table(self, one: Slice) -> Floats:
        """Components of the surroundings at each size [spots, sizes x components]."""
        own = self._standardised(one) @ self.loadings
        sizes = [smoothed(own, neighbours(one.features, n)) for n in self.params["neighbours"]]
        return np.concatenate(sizes, axis=1).astype(np.float64)

    def _standardised(self, one: Slice) -> NDArray[np.float32]:
        """Log-normalised genes with mean 0 and variance 1 in this slice [spots, genes].

        A gene that is constant or that the slice lacks is 0 throughout.
        """
        place = pd.Index(one.genes).get_indexer(self.genes)
        log = log_normalised(one.counts)[:, place].toarray()
        log[:, place < 0] = 0.0
        return standardised(log).astype(np.float32)


def shared_genes(train: Part) -> NDArray[np.str_]:
    """Genes that all slices have, sorted.

    Raises:
        ModelError: If there are none.
    """
    shared: set[str] | None = None
    for one in train.slices():
        shared = set(one.genes) if shared is None else shared & set(one.genes)
    if not shared:
        raise ModelError(
            "The training slices have no gene in common.",
            hint="Gene names must be of one kind: symbols, or Ensembl ids, in all slices.",
        )
    return np.asarray(sorted(shared))


def shared_components(slices: Iterable[NDArray[np.float32]], count: int) -> Floats:
    """Loadings of the first principal components of all slices together [genes, components].

    Args:
        slices: Tables [spots, genes] with mean 0, one in memory at a time.
        count: How many; never more than there are genes.
    """
    products: Any = sum((table.T @ table for table in slices), start=0.0)
    vectors = np.linalg.eigh(np.asarray(products, dtype=np.float64))[1]
    return np.asarray(vectors[:, ::-1][:, :count])


def build(params: dict[str, Any], seed: int) -> BoostedTrees:
    """Build the model."""
    return BoostedTrees(params, seed)
