"""A classifier of spots trained on the labelled slices: the report's semi-supervised try, mended.

The report trained on the latent coordinates of one slice's autoencoder and read those of another's,
which mean something else. Here all slices have the genes that all of them measured, each slice is
averaged over neighbours and standardised by itself, and noise and dropout keep the network from
learning one slice by heart.

Each network is trained on some of the training slices, its epoch chosen on the others; their
probabilities are averaged. With one training slice, strips of it take the place of slices: their
edges share neighbours with what is learnt from, so there the epoch is chosen a little late.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax
from torch import Tensor, nn
from torch.nn import functional

from podium.competition import Parameter
from podium.errors import ModelError
from podium.learning import (
    INPUTS,
    Batch,
    Settings,
    later,
    network_parameters,
    perceptron,
    predict_network,
    seeded,
    train_network,
    whole,
)

from ..metric import SLICE, TARGET
from ..shared.expression import answer, domains, log_normalised, neighbours, smoothed, varying
from ..shared.latent import clipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from podium.competition import Part, Report, Slice

PARAMETERS = {
    "neighbours": Parameter(
        13, "spots that are averaged, itself included", (1, 10_000), search=(7, 61, "log")
    ),
    "hidden": Parameter(64, "width of the hidden layer", (1, 65_536), search=(16, 256, "log")),
    "dropout": Parameter(
        0.5, "of genes' values and of the hidden layer", (0.0, 0.95), search=(0.0, 0.7)
    ),
    "noise": Parameter(
        0.5,
        "standard deviation of what is added to the standardised genes",
        (0.0, 100.0),
        search=(0.0, 1.0),
    ),
    "folds": Parameter(4, "networks; each leaves out a share of the training slices", (1, 1000)),
    **network_parameters(
        epochs=40, batch=256, learning_rate=3e-3, weight_decay=0.01, patience=8, bf16=False
    ),
}
"""Where one slice trains, a network leaves out strips of it. With 1 fold there is one network, and
it learns from all for all epochs. Chosen on donor 1 of `demo`, which trains, by leaving out one
slice at a time.
"""

QUICK: dict[str, Any] = {"hidden": 16, "folds": 2, "epochs": 6, "batch": 128}

STRIPS = 3
"""Strips of each fold when one slice trains: enough that no whole domain is held out."""


class Learnt(NamedTuple):
    """Networks, and the genes that they read, in order."""

    genes: NDArray[np.str_]
    networks: list[Network]


class Perceptron:
    """Learns the labels of the training slices."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.settings = Settings.of(params)
        self.train: Part | None = None
        self.labels: NDArray[np.object_] = np.array([], dtype=object)
        self.learnt: Learnt | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Train on genes that all training slices have; `report` gets validation losses.

        Raises:
            ModelError: Without labelled slices.
        """
        if train.targets is None or not len(train):
            raise ModelError(
                "This model learns from labelled slices, and the train part has none.",
                hint="Use a dataset with training slices (demo, starmap, libd12), or a model that "
                "needs no labels, such as graph_ae.",
            )
        self.train = train
        self.labels = np.unique(train.targets[TARGET].to_numpy(object).astype(str)).astype(object)
        self.learnt = self._learn(varying(train, shared(train.slices())), report)

    def predict(self, part: Part) -> pd.DataFrame:
        """Classify; where slices lack genes, train again first on those that all have.

        A slice gets as many labels as it has domains: the ones most probable in it.
        """
        assert self.learnt is not None
        genes = np.intersect1d(self.learnt.genes, shared(part.slices()))
        learnt = self.learnt if len(genes) == len(self.learnt.genes) else self._learn(genes)

        def classify(one: Slice) -> NDArray[np.object_]:
            probability = self._probability(one, learnt)
            rare = probability.sum(axis=0).argsort()[: -domains(one)]
            probability[:, rare] = -1.0
            labels: NDArray[np.object_] = self.labels[probability.argmax(axis=1)]
            return labels

        reach = self.params["neighbours"]
        return answer(part, classify, reach=lambda _: reach, model="mlp")

    def _probability(self, one: Slice, learnt: Learnt) -> NDArray[np.float64]:
        """Mean of the networks [spots, labels]."""
        rows = whole({INPUTS: torch.from_numpy(self._inputs(one, learnt.genes))})
        logits = [predict_network(network, rows, self.settings) for network in learnt.networks]
        return np.asarray(np.mean([softmax(values, axis=1) for values in logits], axis=0))

    def _learn(self, genes: NDArray[np.str_], report: Report | None = None) -> Learnt:
        """Train one network a fold."""
        assert self.train is not None
        assert self.train.targets is not None
        if not len(genes):
            raise ModelError("There is no gene that all slices have: names of genes differ.")
        inputs = np.empty((len(self.train), len(genes)), dtype=np.float32)
        for one in self.train.slices():
            inputs[one.rows] = self._inputs(one, genes)
        label = np.searchsorted(
            self.labels.astype(str), self.train.targets[TARGET].to_numpy(object).astype(str)
        )
        rows = whole({INPUTS: torch.from_numpy(inputs), "label": torch.from_numpy(label)})
        fold = folds(self.train, self.params["folds"])
        networks = []
        for number in range(fold.max() + 1):
            with seeded(self.seed + number):
                network = Network(len(genes), len(self.labels), self.params)
            train_network(
                network,
                _loss,
                rows,
                settings=self.settings,
                seed=self.seed + number,
                held=fold == number if fold.max() else None,
                report=later(report, number * self.settings.epochs),
            )
            networks.append(network.cpu())
        return Learnt(genes, networks)

    def _inputs(self, one: Slice, genes: NDArray[np.str_]) -> NDArray[np.float32]:
        """Standardised means of neighbours [spots, genes]."""
        names, first = np.unique(one.genes, return_index=True)
        counts = one.counts[:, first[np.searchsorted(names, genes)]]
        nearest = neighbours(one.features, self.params["neighbours"])
        return clipped(smoothed(log_normalised(counts), nearest))


class Network(nn.Module):
    """Takes a `Batch`, gives logits [rows, labels]."""

    def __init__(self, genes: int, labels: int, params: dict[str, Any]) -> None:
        super().__init__()
        self.noise = params["noise"]
        self.dropout = nn.Dropout(params["dropout"])
        self.layers = nn.Sequential(
            perceptron((genes, params["hidden"])),
            nn.ReLU(),
            nn.Dropout(params["dropout"]),
            nn.Linear(params["hidden"], labels),
        )

    def forward(self, batch: Batch) -> Tensor:
        """Noise is added in training only."""
        inputs = batch.own[INPUTS]
        if self.training:
            inputs = inputs + self.noise * torch.randn_like(inputs)
        logits: Tensor = self.layers(self.dropout(inputs))
        return logits


def shared(slices: Iterable[Slice]) -> NDArray[np.str_]:
    """Genes that all slices have, sorted."""
    return reduce(np.intersect1d, (one.genes for one in slices))


def folds(train: Part, count: int) -> NDArray[np.int64]:
    """Fold of each row from 0: whole slices, or strips across the longer side of the only one."""
    names, code = np.unique(train.features[SLICE].astype(str), return_inverse=True)
    if len(names) > 1:
        return np.asarray(code % min(count, len(names)), dtype=np.int64)
    places = train.features[["x", "y"]].to_numpy(np.float64)
    along = places[:, np.ptp(places, axis=0).argmax()]
    rank = along.argsort(kind="stable").argsort(kind="stable")
    return np.asarray(rank * STRIPS * count // len(rank) % count, dtype=np.int64)


def _loss(logits: Tensor, batch: Batch) -> Tensor:
    return functional.cross_entropy(logits.float(), batch.own["label"])


def build(params: dict[str, Any], seed: int) -> Perceptron:
    """Build the model; the networks are made when genes and labels are known."""
    return Perceptron(params, seed)
