"""Autoencoders: one abstract base, the plain and the variational one, and how one is trained.

What differs between autoencoders is what a latent coordinate is, how it is decoded and which loss
that pays; `BaseAutoencoder` asks for just these, so a new one (a negative-binomial likelihood, a
graph) is its four methods. `fit` trains any of them on rows by `podium.learning.neural.train`, and
`latent` gives the coordinates. No label takes part: the epoch is chosen on held-out rows by the
loss itself.
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

from podium.learning import neural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from podium.competition.part import Report

Whole = Mapping[str, "Tensor | neural.SparseRows"]

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
    def sample(self, inputs: Tensor) -> Tensor:
        """Latent coordinates as training decodes them: drawn where they are a distribution."""

    @abstractmethod
    def decode(self, latent: Tensor) -> Tensor:
        """What latent coordinates say of the rows [rows, ...]."""

    @abstractmethod
    def loss(self, rows: neural.Tensors) -> Tensor:
        """The mean loss of rows.

        Args:
            rows: `inputs` [rows, features], and what else this loss needs [rows, ...].
        """

    def forward(self, batch: neural.Batch) -> Tensor:
        """Encode a batch: what `podium.learning.neural.predict` calls."""
        return self.encode(batch.own[INPUTS])


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

    def sample(self, inputs: Tensor) -> Tensor:
        """The same: nothing is drawn."""
        return self.encode(inputs)

    def decode(self, latent: Tensor) -> Tensor:
        """The rows rebuilt [rows, features]."""
        rebuilt: Tensor = self.decoder(latent)
        return rebuilt

    def loss(self, rows: neural.Tensors) -> Tensor:
        """Mean squared error."""
        inputs = rows[INPUTS]
        return functional.mse_loss(self.decode(self.sample(inputs)).float(), inputs)


class VariationalAutoencoder(BaseAutoencoder):
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
        self.beta = beta
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

    def sample(self, inputs: Tensor) -> Tensor:
        """A draw that gradients flow through: mean + deviation x noise."""
        return drawn(*self.distribution(inputs))

    def decode(self, latent: Tensor) -> Tensor:
        """The mean of the rows [rows, features]."""
        rebuilt: Tensor = self.decoder(latent)
        return rebuilt

    def loss(self, rows: neural.Tensors) -> Tensor:
        """Negative evidence lower bound by feature, but for its constant."""
        inputs = rows[INPUTS]
        mean, log_variance = self.distribution(inputs)
        rebuilt = self.decode(drawn(mean, log_variance)).float()
        divergence = kl_to_standard_normal(mean, log_variance).mean() / inputs.shape[1]
        return functional.mse_loss(rebuilt, inputs) / 2 + self.beta * divergence


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


def fit(
    network: BaseAutoencoder,
    rows: Whole,
    *,
    settings: neural.Settings,
    seed: int,
    validation: float = 0.1,
    report: Report | None = None,
) -> neural.History:
    """Train an autoencoder in place; the weights of the best epoch on held-out rows stay.

    Args:
        network: To be trained.
        rows: `inputs` and what else its loss needs, [rows, ...] each.
        settings: How.
        seed: Held-out rows, order and draws follow from it.
        validation: Share of rows that are held out; with 0, or fewer than 1 row, none is, and the
            last weights stay.
        report: Gets the loss of each epoch.
    """
    held = neural.held_out(np.arange(len(rows[INPUTS])), validation, seed)
    return neural.train(
        _Objective(network),
        _itself,
        whole(rows),
        settings=settings,
        seed=seed,
        held=held,
        report=report,
    )


def latent(
    network: BaseAutoencoder, inputs: Tensor | neural.SparseRows, settings: neural.Settings
) -> NDArray[np.float32]:
    """Latent coordinates of rows [rows, latent]."""
    return neural.predict(network, whole({INPUTS: inputs}), settings)


def whole(rows: Whole) -> neural.Rows:
    """Rows for `podium.learning.neural` that share nothing."""
    return neural.Rows(items={}, item=torch.arange(len(rows[INPUTS])), own=rows)


class _Objective(nn.Module):
    """An autoencoder as the training loop takes it: a batch gives its loss."""

    def __init__(self, network: BaseAutoencoder) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: neural.Batch) -> Tensor:
        """The loss of a batch."""
        return self.network.loss(batch.own)


def _itself(value: Tensor, _: neural.Batch) -> Tensor:
    return value
