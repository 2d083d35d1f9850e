"""DANN: features that responses are learnt from, and that a discriminator cannot tell contexts by.

Domain-adversarial training (Ganin et al. 2016, arXiv:1505.07818) on lines: one network gives the
responses of all drugs, from features that are pushed, by a reversed gradient, to be alike in lines
that train and in those of contexts without answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from podium.competition import Parameter
from podium.learning import (
    INPUTS,
    DomainDiscriminator,
    GradientReversal,
    Losses,
    held_out,
    network_parameters,
    perceptron,
    predict_network,
    train_network,
    whole,
)

from ..shared.networks import ANSWERS, TARGET, NetworkModel, answered, error, width_of
from ..shared.parameters import BY_CONTEXT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Report
    from podium.learning import Batch, Rows

PARAMETERS = {
    "hidden": Parameter([128], "widths between genes and features", (1, 65_536)),
    "features": Parameter(64, "that responses are learnt from", (1, 4096), search=(16, 128, "log")),
    "dropout": Parameter(0.3, "of genes, in training", (0.0, 0.95), search=(0.0, 0.8)),
    "adversary": Parameter(
        0.1, "full strength of the reversed gradient", (0.0, 1000.0), search=(0.01, 3.0, "log")
    ),
    "networks": Parameter(5, "networks whose mean is said", (1, 1000)),
    "scale": BY_CONTEXT,
    **network_parameters(
        validation=0.2,
        epochs=60,
        batch=64,
        learning_rate=(1e-3, 1e-4, 3e-3, "log"),
        weight_decay=(1e-2, 1e-5, 1.0, "log"),
        patience=20,
        device="cpu",
    ),
}

QUICK: dict[str, Any] = {"hidden": [16], "features": 8, "networks": 1, "epochs": 20}


class Adversarial(nn.Module):
    """Features, a head of all drugs, and a discriminator behind a reversed gradient."""

    def __init__(self, genes: int, drugs: int, params: dict[str, Any], steps: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Dropout(params["dropout"]),
            perceptron((genes, *params["hidden"], params["features"])),
            nn.ReLU(),
        )
        self.head = nn.Linear(params["features"], drugs)
        self.reversal = GradientReversal(steps, params["adversary"])
        self.discriminator = DomainDiscriminator(params["features"])

    def forward(self, batch: Batch) -> Tensor:
        """Standardised responses [rows, drugs]; in training the logits of the domain behind."""
        features = self.encoder(batch.own[INPUTS])
        said: Tensor = self.head(features)
        if not self.training:
            return said
        logits = self.discriminator(self.reversal(features))
        return functional.pad(said, (0, 1)) + functional.pad(logits[:, None], (said.shape[1], 0))

    def loss(self, said: Tensor, batch: Batch) -> Losses:
        """The error of what is known, and in training that of the discriminator."""
        drugs = batch.own[ANSWERS].shape[1]
        parts = {"answers": error(said[:, :drugs], batch)}
        if self.training:
            log_loss = functional.binary_cross_entropy_with_logits
            parts["discriminator"] = log_loss(said[:, drugs], batch.own[TARGET])
        return Losses(parts)


class Dann(NetworkModel):
    """Networks of lines with and without answers."""

    def trained(self, rows: Rows, seed: int, report: Report | None) -> Adversarial:
        """Train on all rows but some that have answers, which choose the epoch."""
        steps = self.params["epochs"] * -(-len(rows) // self.params["batch"])
        drugs = width_of(rows, ANSWERS)
        network = Adversarial(width_of(rows, INPUTS), drugs, self.params, steps)
        known = np.flatnonzero(answered(rows))
        held = np.zeros(len(rows), dtype=bool)
        held[known] = held_out(np.arange(len(known)), self.params["validation"], seed)
        train_network(
            network,
            network.loss,
            rows,
            settings=self.settings,
            seed=seed,
            held=held,
            report=report,
        )
        return network

    def said(self, network: Adversarial, genes: Tensor) -> NDArray[np.float32]:
        """What a network says of genes [lines, drugs]."""
        return predict_network(network, whole({INPUTS: genes}), self.settings)


def build(params: dict[str, Any], seed: int) -> Dann:
    """Build the model."""
    return Dann(params, seed)
