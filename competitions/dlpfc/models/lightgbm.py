"""Boosted trees that learn the layers of labelled slices from spatially smoothed components.

Each slice is log-normalised, averaged over neighbourhoods of several sizes and standardised gene by
gene by itself, so that donors compare; the training slices' principal components of each size are
the features. In the end each spot takes the mean probabilities of its neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.decomposition import PCA

from podium.errors import ModelError

from ..expression import answer, domains, log_normalised, neighbours, smoothed
from ..metric import TARGET

if TYPE_CHECKING:
    from collections.abc import Iterable

    import lightgbm
    import pandas as pd
    from numpy.typing import NDArray

    from podium.model import Part, Report, Slice

DEFAULTS: dict[str, Any] = {
    "sizes": [0.05],
    "components": 20,
    "agree": 0.08,
    "rounds": 150,
    "learning_rate": 0.05,
    "num_leaves": 7,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.5,
    "lambda_l2": 5.0,
    "num_threads": 0,
}
"""sizes: of the neighbourhoods, as shares of the spots that an average domain has.
components: of each size.
agree: neighbourhood whose probabilities are averaged in the end, likewise.
The others are LightGBM's own. Chosen on the folds of `demo` and on strips of section BZ5.
"""

QUICK: dict[str, Any] = {"rounds": 10, "components": 5}

CLIP = 5.0
"""Standardised values are cut here: a gene seen in a few spots of a slice would shout."""


class Learnt(NamedTuple):
    """Trees over the components of some genes.

    Attributes:
        genes: Names, sorted.
        axes: Principal components, one a size.
        trees: The classifier.
    """

    genes: NDArray[np.str_]
    axes: list[PCA]
    trees: lightgbm.Booster


class Trees:
    """Learns the labels of the training slices."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.sizes = params.pop("sizes")
        self.components = params.pop("components")
        self.agree = params.pop("agree")
        self.rounds = params.pop("rounds")
        self.params = params
        self.seed = seed
        self.train: Part | None = None
        self.labels: NDArray[np.str_] = np.array([], dtype=np.str_)
        self.learnt: Learnt | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn from the genes that all training slices have; `report` gets the training loss.

        Raises:
            ModelError: Without labelled slices.
        """
        if train.targets is None or not len(train):
            raise ModelError(
                "This model learns from labelled slices, and the train part has none.",
                hint="Use a dataset with training slices (demo, starmap, libd12), or a model that "
                "needs no labels, such as spatial_gmm.",
            )
        self.train = train
        self.labels = np.unique(train.targets[TARGET].to_numpy(object).astype(str))
        self.learnt = self._learn(_shared(train.slices()), report)

    def predict(self, part: Part) -> pd.DataFrame:
        """Classify; where slices lack genes, after learning again from those that all have.

        A slice gets as many labels as it has domains: the ones most probable in it.
        """
        assert self.learnt is not None
        genes = np.intersect1d(self.learnt.genes, _shared(part.slices()))
        learnt = self.learnt if len(genes) == len(self.learnt.genes) else self._learn(genes, None)

        def classify(one: Slice) -> NDArray[np.str_]:
            values = [
                axes.transform(self._smoothed(one, genes, size))
                for axes, size in zip(learnt.axes, self.sizes, strict=True)
            ]
            found = np.asarray(learnt.trees.predict(np.hstack(values)), dtype=np.float32)
            probability = smoothed(found.reshape(len(one), -1), _near(one, self.agree))
            rare = probability.sum(axis=0).argsort()[: -domains(one)]
            probability[:, rare] = -1.0
            return np.asarray(self.labels[probability.argmax(axis=1)])

        return answer(part, classify)

    def _learn(self, genes: NDArray[np.str_], report: Report | None) -> Learnt:
        import lightgbm

        assert self.train is not None
        assert self.train.targets is not None
        if not len(genes):
            raise ModelError("There is no gene that all slices have: names of genes differ.")
        axes, values = [], []
        for size in self.sizes:
            matrix = np.empty((len(self.train), len(genes)), dtype=np.float32)
            for one in self.train.slices():
                matrix[one.rows] = self._smoothed(one, genes, size)
            count = min(self.components, *matrix.shape)
            axes.append(PCA(count, svd_solver="covariance_eigh").fit(matrix))
            values.append(axes[-1].transform(matrix))
        answers = self.train.targets[TARGET].to_numpy(object).astype(str)
        data = lightgbm.Dataset(np.hstack(values), np.searchsorted(self.labels, answers))
        params = {
            **self.params,
            "objective": "multiclass",
            "num_class": len(self.labels),
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "deterministic": True,
            "force_row_wise": True,
            "seed": self.seed,
            "verbosity": -1,
        }
        told = [_telling(report)] if report else []
        trees = lightgbm.train(
            params, data, self.rounds, valid_sets=[data] if told else [], callbacks=told
        )
        return Learnt(genes, axes, trees)

    def _smoothed(self, one: Slice, genes: NDArray[np.str_], size: float) -> NDArray[np.float32]:
        """Standardised means of neighbourhoods [spots, genes]."""
        names, first = np.unique(one.genes, return_index=True)
        counts = one.counts[:, first[np.searchsorted(names, genes)]]
        values = smoothed(log_normalised(counts), _near(one, size))
        values -= values.mean(axis=0)
        spread = values.std(axis=0)
        values /= np.where(spread > 0, spread, 1.0)
        return np.clip(values, -CLIP, CLIP)


def _near(one: Slice, size: float) -> NDArray[np.int64]:
    """Neighbourhoods that hold a share of the spots of an average domain."""
    return neighbours(one.features, max(1, round(size * len(one) / domains(one))))


def _shared(slices: Iterable[Slice]) -> NDArray[np.str_]:
    """Genes that all slices have, sorted."""
    genes: NDArray[np.str_] | None = None
    for one in slices:
        genes = np.unique(one.genes) if genes is None else np.intersect1d(genes, one.genes)
    return np.array([], dtype=np.str_) if genes is None else genes


def _telling(report: Report) -> Any:
    def tell(state: Any) -> None:
        report(state.iteration + 1, float(state.evaluation_result_list[0][2]))

    return tell


def build(params: dict[str, Any], seed: int) -> Trees:
    """Build the model; the trees grow in `fit`."""
    return Trees(params, seed)


def space(trial: Any) -> dict[str, Any]:
    """Search the trees and the number of components."""
    return {
        "components": trial.suggest_int("components", 5, 50),
        "rounds": trial.suggest_int("rounds", 50, 500, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 3, 31, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 200, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 100.0, log=True),
    }
