"""Autoencoders: one abstract base, the plain and the variational one, and how one is trained.

What differs between autoencoders is what a latent coordinate is, how it is decoded and which loss
that pays; `BaseAutoencoder` asks for just these, so a new one (a negative-binomial likelihood, a
graph) is its three methods. One whose latent coordinates have a prior is a `GenerativeAutoencoder`:
it says what the prior is, and only it can make up rows. `train_autoencoder` trains any of them by
`train_network`, `latent_of` gives the coordinates. No label takes part: the loss on held-out rows
chooses the epoch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from podium.learning.neural import (
    History,
    Losses,
    Rows,
    Settings,
    held_out,
    predict_network,
    train_network,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from podium.competition.part import Report
    from podium.learning.neural import Batch, SparseRows, Tensors

Whole = Mapping[str, "Tensor | SparseRows"]

INPUTS = "inputs"
"""Name of the tensor that is encoded; a loss may need others beside it, such as counts."""


class BaseAutoencoder(nn.Module, ABC):
    """What every autoencoder gives."""

    @abstractmethod
    def encode(self, inputs: Tensor) -> Tensor:
        """Latent coordinates [rows, latent]; their mean where they are a distribution.

        Args:
            inputs: [rows, features].
        """

    @abstractmethod
    def decode(self, latent: Tensor) -> Tensor:
        """What latent coordinates say of the rows [rows, ...]."""

    @abstractmethod
    def loss(self, rows: Tensors) -> Losses:
        """The mean loss of rows, by its parts.

        Args:
            rows: `inputs` [rows, features], and what else this loss needs [rows, ...].
        """

    def generate(self, inputs: Tensor) -> Tensor:
        """Rows rebuilt: what their own latent coordinates say of them [rows, ...]."""
        return self.decode(self.encode(inputs))

    def initialise_weights(self) -> None:
        """Draw all weights anew, as a new network has them: by fan-in, unless a layer says else."""
        self.apply(_reset)

    def forward(self, batch: Batch) -> Tensor:
        """Encode a batch: what `predict_network` calls."""
        return self.encode(batch.own[INPUTS])


class GenerativeAutoencoder(BaseAutoencoder):
    """An autoencoder whose latent coordinates have a prior: it can make up rows."""

    @abstractmethod
    def prior(self, count: int) -> Tensor:
        """Draws of latent coordinates, where the weights are [count, latent]."""

    def sample(self, count: int) -> Tensor:
        """Rows that the prior makes up [count, ...]."""
        return self.decode(self.prior(count))


class Autoencoder(BaseAutoencoder):
    """A perceptron and its mirror image, with squared loss.

    Args:
        features: Columns of the rows.
        hidden: Widths between them and the latent coordinates, the outermost first.
        latent: Latent coordinates.
    """

    def __init__(self, features: int, hidden: Sequence[int] = (256,), latent: int = 64) -> None:
        super().__init__()
        self.encoder = perceptron((features, *hidden, latent))
        self.decoder = perceptron((latent, *reversed(hidden), features))

    def encode(self, inputs: Tensor) -> Tensor:
        """Latent coordinates."""
        latent: Tensor = self.encoder(inputs)
        return latent

    def decode(self, latent: Tensor) -> Tensor:
        """The rows rebuilt [rows, features]."""
        rebuilt: Tensor = self.decoder(latent)
        return rebuilt

    def loss(self, rows: Tensors) -> Losses:
        """Mean squared error: `reconstruction`."""
        inputs = rows[INPUTS]
        return Losses(
            {"reconstruction": functional.mse_loss(self.generate(inputs).float(), inputs)}
        )


class VariationalAutoencoder(GenerativeAutoencoder):
    """Latent coordinates are independent normals (Kingma and Welling 2014, arXiv:1312.6114).

    Args:
        features: Columns of the rows.
        hidden: Widths between them and the latent coordinates, the outermost first.
        latent: Latent coordinates.
        beta: Weight of the divergence from the prior (Higgins et al. 2017); 1 is the evidence
            lower bound of rows with unit variance about what is decoded.
    """

    def __init__(
        self,
        features: int,
        hidden: Sequence[int] = (256,),
        latent: int = 64,
        beta: float = 1.0,
    ) -> None:
        super().__init__()
        self.latent, self.beta = latent, beta
        self.encoder = perceptron((features, *hidden, 2 * latent))
        self.decoder = perceptron((latent, *reversed(hidden), features))

    def distribution(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latent coordinates, [rows, latent] each."""
        mean, log_variance = self.encoder(inputs).float().chunk(2, dim=1)
        # Beyond these the exponential overflows in early, large steps.
        return mean, log_variance.clamp(-15.0, 15.0)

    def encode(self, inputs: Tensor) -> Tensor:
        """The mean."""
        return self.distribution(inputs)[0]

    def prior(self, count: int) -> Tensor:
        """Draws of standard normals."""
        return torch.randn(count, self.latent, device=next(self.parameters()).device)

    def decode(self, latent: Tensor) -> Tensor:
        """The mean of the rows [rows, features]."""
        rebuilt: Tensor = self.decoder(latent)
        return rebuilt

    def loss(self, rows: Tensors) -> Losses:
        """Negative evidence lower bound by feature, but for its constant.

        Its parts are `reconstruction`, of a draw of the coordinates, and `divergence`.
        """
        inputs = rows[INPUTS]
        mean, log_variance = self.distribution(inputs)
        rebuilt = self.decode(drawn(mean, log_variance)).float()
        divergence = kl_to_standard_normal(mean, log_variance).mean() / inputs.shape[1]
        return Losses(
            {
                "reconstruction": functional.mse_loss(rebuilt, inputs) / 2,
                "divergence": self.beta * divergence,
            }
        )


class BatchNorm1d(nn.BatchNorm1d):
    """Batch normalisation that takes a batch of one row too, by its running statistics."""

    def forward(self, rows: Tensor) -> Tensor:
        """Normalise [rows, columns]."""
        if len(rows) > 1:
            return super().forward(rows)
        return functional.batch_norm(
            rows, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


def perceptron(sizes: Sequence[int], *, batch_norm: bool = False) -> nn.Sequential:
    """Linear layers with ReLU between them; what comes out is linear.

    Args:
        sizes: Widths, the inputs' first.
        batch_norm: Whether hidden layers are normalised over the batch before their ReLU.
    """
    layers: list[nn.Module] = []
    for width, following in pairwise(sizes):
        layers.append(nn.Linear(width, following))
        if batch_norm:
            layers.append(BatchNorm1d(following))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers[: -2 if batch_norm else -1])


def drawn(mean: Tensor, log_variance: Tensor) -> Tensor:
    """A draw from independent normals, reparametrised."""
    return mean + (log_variance / 2).exp() * torch.randn_like(mean)


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Divergence of each row's independent normals from standard ones [rows], in nats."""
    return (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=1) / 2


def train_autoencoder(
    network: BaseAutoencoder,
    rows: Whole,
    *,
    settings: Settings,
    seed: int,
    validation: float = 0.1,
    report: Report | None = None,
) -> History:
    """Train an autoencoder in place; the weights of the best epoch on held-out rows stay.

    Args:
        network: To be trained.
        rows: `inputs` and what else its loss needs, [rows, ...] each.
        settings: How.
        seed: Held-out rows, order and draws follow from it.
        validation: Share of rows that are held out; with 0, or fewer than 1 row, none is, and the
            last weights stay.
        report: Gets the loss of each epoch, and its parts by name.
    """
    held = held_out(np.arange(len(rows[INPUTS])), validation, seed)
    return train_network(
        _Objective(network),
        _itself,
        whole(rows),
        settings=settings,
        seed=seed,
        held=held,
        report=report,
    )


def latent_of(
    network: BaseAutoencoder, inputs: Tensor | SparseRows, settings: Settings
) -> NDArray[np.float32]:
    """Latent coordinates of rows [rows, latent]."""
    return predict_network(network, whole({INPUTS: inputs}), settings)


def whole(rows: Whole) -> Rows:
    """Rows that share nothing."""
    return Rows(items={}, item=torch.arange(len(rows[INPUTS])), own=rows)


class _Objective(nn.Module):
    """An autoencoder as the training loop takes it: a batch gives its loss."""

    def __init__(self, network: BaseAutoencoder) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch) -> Losses:
        """The loss of a batch."""
        return self.network.loss(batch.own)


def _reset(module: nn.Module) -> None:
    """Draw a layer's weights anew, by its own way; containers have none."""
    if callable(draw := getattr(module, "reset_parameters", None)):
        draw()


def _itself(value: Losses, _: Batch) -> Losses:
    return value
