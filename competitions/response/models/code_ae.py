"""CODE-AE: an autoencoder of all lines separates what contexts share; responses are learnt of that.

First a separation network (`shared/separation.py`) learns the genes of all lines, those of test
rows too, without answers. Then a linear head of all drugs is solved on the shared code of the lines
that train, with their genes beside it, and learns on with one more layer of the encoder each time
that held-out lines gain no more (gradual unfreezing), ten times slower each time; at the end it is
solved again on all of these lines. One network has all drugs, where the paper trains one a drug.

Parameters are chosen on solid lines alone: blood has no answers before the end.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from podium.competition import Parameter
from podium.learning import (
    INPUTS,
    held_out,
    network_parameters,
    predict_network,
    train_autoencoder,
    train_network,
    whole,
)

from ..shared.networks import (
    ANSWERS,
    KNOWN,
    NetworkModel,
    answered,
    error,
    some,
    tensor,
    width_of,
)
from ..shared.parameters import BY_CONTEXT
from ..shared.ridge import ridge
from ..shared.separation import SeparationNetwork

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Report
    from podium.learning import Batch, Rows

PARAMETERS = {
    "variant": Parameter(
        "base",
        "what brings contexts together: nothing more, moments, a Wasserstein critic",
        choices=("base", "mmd", "adv"),
    ),
    "hidden": Parameter([256, 128], "widths between genes and codes", (1, 65_536)),
    "latent": Parameter(64, "width of the shared code", (1, 4096), search=(16, 128, "log")),
    "narrow": Parameter(
        8,
        "width of a context's own code: what can be shared must be",
        (1, 4096),
        search=(2, 64, "log"),
    ),
    "apart": Parameter(1.0, "weight of the codes' orthogonality", (0.0, 1e6)),
    "together": Parameter(0.1, "weight of what brings contexts together", (0.0, 1e6)),
    "pretraining": Parameter(
        30, "epochs of the autoencoder at most", (1, 100_000), search=(20, 300, "log")
    ),
    "beside": Parameter(True, "the head sees genes beside the code, each with half of the say"),
    "penalty": Parameter(
        5.0, "on the squared weights of the head", (1e-6, 1e6), search=(0.1, 100.0, "log")
    ),
    "networks": Parameter(5, "networks whose mean is said", (1, 1000)),
    "scale": BY_CONTEXT,
    **network_parameters(
        validation=0.2,
        epochs=60,
        batch=64,
        learning_rate=(1e-3, 1e-4, 3e-3, "log"),
        weight_decay=(1e-3, 1e-5, 1.0, "log"),
        patience=10,
        device="cpu",
    ),
}

QUICK: dict[str, Any] = {
    "hidden": [16],
    "latent": 8,
    "narrow": 2,
    "pretraining": 3,
    "networks": 1,
    "epochs": 20,
}

SLOWER = 0.1
"""By how much the rate of learning falls with each layer that is unfrozen."""


class Responder(nn.Module):
    """A shared code, the genes beside it if wanted, and what they say of all drugs.

    Args:
        network: Gives the code.
        sizes: Genes, width of the code, drugs.
        beside: Whether the head sees the genes, too.
    """

    def __init__(
        self, network: SeparationNetwork, sizes: tuple[int, int, int], beside: bool
    ) -> None:
        super().__init__()
        genes, latent, drugs = sizes
        self.network = network
        self.level = (genes / latent) ** 0.5 if beside else 0.0
        self.head = nn.Linear(latent + genes if beside else latent, drugs)

    def features(self, genes: Tensor) -> Tensor:
        """What the head sees [rows, features]."""
        code = self.network.encode(genes)
        return torch.cat([self.level * code, genes], dim=1) if self.level else code

    def forward(self, batch: Batch) -> Tensor:
        """Standardised responses [rows, drugs]."""
        said: Tensor = self.head(self.features(batch.own[INPUTS]))
        return said

    def solve(self, rows: Rows, penalty: float) -> None:
        """Begin with the head that a ridge regression gives."""
        with torch.no_grad():
            features = self.features(tensor(rows, INPUTS)).numpy().astype(np.float64)
        known = tensor(rows, KNOWN).numpy() > 0
        answers = np.where(known, tensor(rows, ANSWERS).numpy(), np.nan).astype(np.float64)
        mean = features.mean(axis=0)
        weights = ridge(features - mean, answers, penalty)
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(weights.T))
            self.head.bias.copy_(torch.from_numpy(-mean @ weights))

    def unfreeze(self, layers: int) -> None:
        """Let the head learn, and so many layers of the shared encoder, the deepest first."""
        for weight in self.network.parameters():
            weight.requires_grad = False
        linear = [layer for layer in self.network.shared if isinstance(layer, nn.Linear)]
        for layer in linear[len(linear) - layers :]:
            for weight in layer.parameters():
                weight.requires_grad = True


class CodeAE(NetworkModel):
    """Networks that are trained twice."""

    def trained(self, rows: Rows, seed: int, report: Report | None) -> Responder:
        """Train the autoencoder on all rows, then the head on those with answers."""
        given = self.params
        first = replace(self.settings, epochs=given["pretraining"], weight_decay=0.0)
        network = SeparationNetwork(
            width_of(rows, INPUTS),
            given["hidden"],
            given["latent"],
            given["narrow"],
            given["variant"],
            given["apart"],
            given["together"],
            warm_up=given["pretraining"] * -(-len(rows) // given["batch"]) // 2,
        )
        train_autoencoder(network, rows.own, settings=first, seed=seed, validation=0.0)
        sizes = (width_of(rows, INPUTS), given["latent"], width_of(rows, ANSWERS))
        responder = Responder(network, sizes, given["beside"])
        return self._tuned(responder, some(rows, answered(rows)), seed, report)

    def said(self, network: Responder, genes: Tensor) -> NDArray[np.float32]:
        """What a network says of genes [lines, drugs]."""
        return predict_network(network, whole({INPUTS: genes}), self.settings)

    def _tuned(
        self, responder: Responder, rows: Rows, seed: int, report: Report | None
    ) -> Responder:
        """Solve the head, then train more and more layers; the best on held-out rows stays.

        The head is solved once more at the end, of all rows: a fifth less costs more than the
        layers gain.
        """
        held = held_out(np.arange(len(rows)), self.params["validation"], seed)
        responder.solve(some(rows, ~held), self.params["penalty"])
        best, kept = np.inf, copy.deepcopy(responder.state_dict())
        if held.any():
            unseen = next(iter(some(rows, held).batches(len(rows), torch.arange(int(held.sum())))))
            with torch.no_grad():
                best = float(error(responder(unseen), unseen))
        for layers in range(1, len(self.params["hidden"]) + 2):
            responder.unfreeze(layers)
            history = train_network(
                responder,
                error,
                rows,
                settings=replace(
                    self.settings,
                    learning_rate=self.settings.learning_rate * SLOWER ** (layers - 1),
                    constant=True,
                ),
                seed=seed,
                held=held,
                report=report,
            )
            lowest = min(history.validation, default=-np.inf)
            if lowest < best:
                best, kept = lowest, copy.deepcopy(responder.state_dict())
        responder.load_state_dict(kept)
        responder.solve(rows, self.params["penalty"])
        return responder


def build(params: dict[str, Any], seed: int) -> CodeAE:
    """Build the model."""
    return CodeAE(params, seed)
