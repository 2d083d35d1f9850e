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

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax
from torch import Tensor, nn
from torch.nn import functional

from podium.competition import Parameter
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

from ..metric import SLICE
from ..shared.expression import answer, domains, varying
from ..shared.labelled import (
    all_surroundings,
    label_names,
    label_places,
    most_probable,
    shared,
    surroundings,
)

if TYPE_CHECKING:
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
        self.labels = label_names(train)
        self.train = train
        self.learnt = self._learn(varying(train, shared(train.slices())), report)

    def predict(self, part: Part) -> pd.DataFrame:
        """Classify; where slices lack genes, train again first on those that all have.

        A slice gets as many labels as it has domains: the ones most probable in it.
        """
        assert self.learnt is not None
        genes = np.intersect1d(self.learnt.genes, shared(part.slices()))
        learnt = self.learnt if len(genes) == len(self.learnt.genes) else self._learn(genes)

        def classify(one: Slice) -> NDArray[np.object_]:
            labels: NDArray[np.object_] = self.labels[
                most_probable(self._probability(one, learnt), domains(one))
            ]
            return labels

        reach = self.params["neighbours"]
        return answer(part, classify, reach=lambda _: reach, model="mlp")

    def _probability(self, one: Slice, learnt: Learnt) -> NDArray[np.float64]:
        """Mean of the networks [spots, labels]."""
        inputs = surroundings(one, learnt.genes, self.params["neighbours"])
        rows = whole({INPUTS: torch.from_numpy(inputs)})
        logits = [predict_network(network, rows, self.settings) for network in learnt.networks]
        return np.asarray(np.mean([softmax(values, axis=1) for values in logits], axis=0))

    def _learn(self, genes: NDArray[np.str_], report: Report | None = None) -> Learnt:
        """Train one network a fold."""
        assert self.train is not None
        inputs = all_surroundings(self.train, genes, self.params["neighbours"])
        label = label_places(self.train, self.labels)
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
