"""The course report's network after Basenji (Kelley et al. 2018, doi:10.1101/gr.227819.117).

Three blocks of convolution, norm, pool and dropout, six dilated blocks, a linear layer. Its
mistakes are corrected: each dilated block adds to what the one before it gave, where all had the
same input; batch norm forgets a tenth of what it knows at each step, not nine tenths; no dropout
follows the last layer and no GELU precedes the first; training stops early on families that are
held out, and the best weights stay. Norm follows pool instead of preceding it: an eighth of the
work for the same kind of function. Bases are kept as a byte each.

Ten epochs of mean squared error teach it families, not motifs: relatives share an effect that no
sequence tells. So the loss is that of a random intercept by family, bases vary in training, the
first activation is exponential, weights decay, and there are six times the epochs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from torch import Tensor, nn

from podium.competition import Parameter
from podium.errors import ModelError
from podium.learning import (
    Batch,
    Settings,
    held_out,
    network_parameters,
    predict_network,
    seeded,
    train_network,
)

from ..metric import TARGET
from ..shared import tensors
from ..shared.features import check_length, length
from ..shared.network import Convolution, Dropout, Exponential, Norm, Pool, Residual
from ..shared.parameters import ODD, VARIED

if TYPE_CHECKING:
    from podium.competition import Part, Report

PARAMETERS = {
    "channels": Parameter(
        64,
        "of the first two blocks; the third has an eighth more",
        (1, 4096),
        search=(32, 128, "log"),
    ),
    "first_width": Parameter(15, "width of the first convolution", choices=ODD),
    "width": Parameter(5, "width of the next ones", choices=ODD),
    "pools": Parameter(
        [8, 4, 4], "how many neighbours become one, in each of the three blocks", (1, 10_000)
    ),
    "dilated_blocks": Parameter(6, "blocks that look far", (0, 16), search=(2, 8)),
    "dilated_channels": Parameter(32, "of these", (1, 4096)),
    "dropout": Parameter(0.2, "of the first blocks", (0.0, 0.95), search=(0.0, 0.5)),
    "dilated_dropout": Parameter(0.25, "of the blocks that look far", (0.0, 0.95)),
    "last_dropout": Parameter(0.1, "before the last layer", (0.0, 0.95)),
    **VARIED,
    **network_parameters(
        validation=0.1,
        epochs=60,
        batch=64,
        learning_rate=(5e-3, 3e-4, 1e-2, "log"),
        constant=True,
        weight_decay=0.1,
        fused=True,
        patience=15,
        bf16=True,
    ),
}
"""Sizes are the report's; its batches were of 32, at 1e-3. Whole families are held out."""

QUICK: dict[str, Any] = {"channels": 16, "dilated_blocks": 2, "learning_rate": 3e-3, "bf16": False}

BLOCKS, GROWTH = 3, 1.125


class Basenji:
    """One network for one dataset."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.settings = Settings.of(params)
        self.network: Network | None = None
        self.length = 0
        self.mean, self.scale = 0.0, 1.0

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Train; `report` gets training and validation loss and Pearson's r of each epoch."""
        self.length = length(train)
        answers = tensors.Answers.of([train])
        self.mean, self.scale = answers.mean, answers.scale
        with seeded(self.seed):
            self.network = Network(self.params, self.length)
        train_network(
            self.network,
            tensors.family_loss,
            tensors.by_family(tensors.rows([train], answers), answers.family),
            held=held_out(answers.family, self.params["validation"], self.seed),
            settings=self.settings,
            seed=self.seed,
            report=report,
            figures=tensors.pearson_of(answers),
        )
        self.network.cpu()

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict."""
        assert self.network is not None
        check_length(part, self.length)
        outputs = predict_network(self.network, tensors.rows([part]), self.settings)[:, 0]
        return pd.DataFrame({"id": part.ids, TARGET: self.mean + self.scale * outputs})


class Network(nn.Module):
    """Takes a `Batch`, gives the standardised expression: [rows, 1]."""

    def __init__(self, params: dict[str, Any], length: int) -> None:
        super().__init__()
        self.shift, self.mutations = params["shift"], params["mutations"]
        channels, width = params["channels"], params["width"]
        wide = round(GROWTH * channels)
        sizes = (4, channels, channels, wide)
        layers: list[nn.Module] = []
        for number, size in enumerate(params["pools"]):
            size = min(size, length)
            length //= size
            layers += [
                *([nn.GELU()] if number else []),
                Convolution(
                    sizes[number],
                    sizes[number + 1],
                    width if number else params["first_width"],
                    bias=False,
                ),
                *([] if number else [Exponential()]),
                Pool(size),
                Norm(sizes[number + 1]),
                Dropout(params["dropout"]),
            ]
        layers += [
            Residual(wide, dilated(wide, params, 2**number))
            for number in range(params["dilated_blocks"])
        ]
        layers += [
            nn.GELU(),
            Convolution(wide, channels, bias=False),
            Norm(channels),
            Dropout(params["last_dropout"]),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(channels * length, 1),
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, batch: Batch) -> Tensor:
        """Bases to expression; other bases each time in training."""
        codes = batch.own["codes"]
        if self.training:
            codes = tensors.varied(codes, shift=self.shift, mutations=self.mutations)
        expression: Tensor = self.layers(tensors.one_hot(codes))
        return expression


def dilated(channels: int, params: dict[str, Any], dilation: int) -> nn.Sequential:
    """What a dilated block adds: a bottleneck that looks `dilation` positions to either side."""
    inner = params["dilated_channels"]
    return nn.Sequential(
        nn.GELU(),
        Convolution(channels, inner, 3, dilation=dilation, bias=False),
        Norm(inner),
        nn.GELU(),
        Convolution(inner, channels, bias=False),
        Norm(channels),
        Dropout(params["dilated_dropout"]),
    )


def build(params: dict[str, Any], seed: int) -> Basenji:
    """Build the model; the network is made when the length of its sequences is known.

    Raises:
        ModelError: If the three blocks have not one pool each.
    """
    if len(params["pools"]) != BLOCKS:
        raise ModelError(
            f"pools of basenji is a list of {BLOCKS} whole numbers, not {params['pools']}."
        )
    return Basenji(params, seed)
