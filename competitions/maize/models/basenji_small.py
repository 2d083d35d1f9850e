"""A small network for few sequences: stem, residual dilated tower, a head that sees positions.

The stem reads motifs and keeps the best match in each few bases; the tower mixes neighbours at ever
larger distances; the head weighs each place on its own, because core promoters are aligned at their
start site. What a motif is worth differs between species, so each has weights of its own behind the
stem. Rows of the other assay, where the dataset has them, train a second output. What keeps it from
learning some thousand promoters by heart: each is moved by a few bases and some bases are replaced
whenever it is read, dropout, and the mean of several networks, each of which held out other
families.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from podium.competition import Parameter
from podium.learning import (
    Batch,
    Settings,
    held_out,
    later,
    network_parameters,
    predict_network,
    seeded,
    train_network,
)

from ..metric import TARGET
from ..shared import tensors
from ..shared.features import SPECIES, check_length, length
from ..shared.network import Convolution, Norm, Pool, Residual
from ..shared.parameters import ODD, VARIED

if TYPE_CHECKING:
    from podium.competition import Part, Report

PARAMETERS = {
    "motifs": Parameter(128, "channels of the stem", (1, 4096), search=(64, 256, "log")),
    "motif_width": Parameter(15, "bases that the stem sees at once", choices=ODD),
    "places": Parameter(
        [85, 34], "about how many the stem leaves of a sequence; networks take turns", (1, 100_000)
    ),
    "channels": Parameter(96, "of the tower", (1, 4096), search=(48, 128, "log")),
    "width": Parameter(5, "of its convolutions", choices=ODD),
    "blocks": Parameter(4, "of the tower", (0, 16)),
    "dropout": Parameter(0.1, "of whole channels", (0.0, 0.95), search=(0.0, 0.4)),
    "head_channels": Parameter(32, "of the head", (1, 4096)),
    "hidden": Parameter(128, "width of the head's hidden layer", (1, 65_536)),
    "head_dropout": Parameter(0.4, "of the head", (0.0, 0.95)),
    **VARIED,
    "both_strands": Parameter(
        False, "train on either strand at random and predict the mean of both"
    ),
    "extra": Parameter(True, "learn from the other assay's rows, too"),
    "networks": Parameter(6, "whose outputs are averaged", (1, 1000)),
    **network_parameters(
        validation=0.1,
        epochs=(12, 6, 24, "log"),
        batch=128,
        learning_rate=(2e-3, 5e-4, 5e-3, "log"),
        weight_decay=(0.02, 1e-3, 0.3, "log"),
        fused=True,
        patience=5,
        bf16=True,
    ),
}
"""Chosen on the folds of train.

places: 2 or 5 bases each of a promoter of 170.
networks: they differ in first weights and in which whole families they held out.
"""

QUICK: dict[str, Any] = {
    "motifs": 24,
    "channels": 24,
    "blocks": 2,
    "hidden": 32,
    "networks": 1,
    "batch": 32,
    "epochs": 10,
    "bf16": False,
}

HALVE_EACH = 2
"""Blocks after which two places become one."""


class BasenjiSmall:
    """Several networks for one dataset."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.settings = Settings.of(params)
        self.networks: list[Network] = []
        self.length = 0
        self.mean, self.scale = 0.0, 1.0

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Train; `report` gets training and validation loss and Pearson's r of each epoch."""
        parts = tensors.parts_of(train, self.params["extra"])
        answers = tensors.Answers.of(parts)
        self.mean, self.scale = answers.mean, answers.scale
        rows = tensors.rows(parts, answers)
        self.networks, self.length = [], length(train)
        for number in range(self.params["networks"]):
            seed = self.seed + 1000 * number
            with seeded(seed):
                network = Network(self.params, self.length, number)
            train_network(
                network,
                tensors.mean_squared_error,
                rows,
                held=held_out(answers.family, self.params["validation"], seed),
                settings=self.settings,
                seed=seed,
                report=later(report, number * self.settings.epochs),
                figures=tensors.pearson_of(answers),
            )
            self.networks.append(network.cpu())

    def predict(self, part: Part) -> pd.DataFrame:
        """Average the networks."""
        check_length(part, self.length)
        rows = tensors.rows([part])
        outputs = [predict_network(network, rows, self.settings)[:, 0] for network in self.networks]
        expression = self.mean + self.scale * np.mean(outputs, axis=0)
        return pd.DataFrame({"id": part.ids, TARGET: expression})


class Network(nn.Module):
    """Takes a `Batch`, gives the standardised expression in each assay: [rows, 2]."""

    def __init__(self, params: dict[str, Any], length: int, number: int = 0) -> None:
        super().__init__()
        self.shift, self.mutations = params["shift"], params["mutations"]
        self.both_strands = params["both_strands"]
        motifs, channels = params["motifs"], params["channels"]
        places = params["places"][number % len(params["places"])]
        place = max(1, round(length / places))
        length //= place
        self.stem = nn.Sequential(
            Convolution(4, motifs, params["motif_width"], bias=False),
            Pool(place),
            Norm(motifs),
            nn.ReLU(),
            Convolution(motifs, channels),
        )
        self.species = nn.Linear(len(SPECIES), channels, bias=False)
        nn.init.zeros_(self.species.weight)
        layers: list[nn.Module] = []
        for number in range(params["blocks"]):
            if number and number % HALVE_EACH == 0 and length > 1:
                layers.append(Pool(2))
                length //= 2
            layers.append(Residual(channels, block(channels, params, 2**number)))
        head = params["head_channels"]
        layers += [
            Norm(channels),
            nn.ReLU(),
            Convolution(channels, head),
            nn.Flatten(),
            nn.Dropout(params["head_dropout"]),
            nn.Linear(head * length, params["hidden"]),
            nn.ReLU(),
            nn.Dropout(params["head_dropout"]),
            nn.Linear(params["hidden"], tensors.ASSAYS),
        ]
        self.tower = nn.Sequential(*layers)

    def forward(self, batch: Batch) -> Tensor:
        """Bases to expression; other bases each time in training."""
        codes, species = batch.own["codes"], batch.own["species"]
        if self.training:
            return self._read(self._varied(codes), species)
        if self.both_strands:
            other = self._read(tensors.reverse_complement(codes), species)
            return (self._read(codes, species) + other) / 2
        return self._read(codes, species)

    def _read(self, codes: Tensor, species: Tensor) -> Tensor:
        read = self.stem(tensors.one_hot(codes)) + self.species(species)[:, :, None, None]
        expression: Tensor = self.tower(read)
        return expression

    def _varied(self, codes: Tensor) -> Tensor:
        if self.both_strands:
            turned = torch.rand(len(codes), 1, device=codes.device) < 0.5
            codes = torch.where(turned, tensors.reverse_complement(codes), codes)
        return tensors.varied(codes, shift=self.shift, mutations=self.mutations)


def block(channels: int, params: dict[str, Any], dilation: int) -> nn.Sequential:
    """What a block of the tower adds; whole channels are dropped."""
    return nn.Sequential(
        Norm(channels),
        nn.ReLU(),
        Convolution(channels, channels, params["width"], dilation=dilation),
        Norm(channels),
        nn.ReLU(),
        nn.Dropout2d(params["dropout"]),
        Convolution(channels, channels),
    )


def build(params: dict[str, Any], seed: int) -> BasenjiSmall:
    """Build the model; networks are made when the length of their sequences is known."""
    return BasenjiSmall(params, seed)
