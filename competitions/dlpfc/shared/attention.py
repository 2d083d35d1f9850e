"""An autoencoder on the graph of neighbouring spots, with attention (after STAGATE).

STAGATE (Dong and Zhang 2022, doi:10.1038/s41467-022-29439-6): a linear layer, the mean of each
spot's neighbours weighted by attention, an ELU, a linear layer to the latent coordinates; the
decoder has the same weights, transposed. Here the decoder looks at no neighbours: what a latent
coordinate does not say is lost.

Neighbours are a table [spots, k], so the graph needs no sparse matrix and no other package: the
weighted mean is `embedding_bag`, which never makes the [spots, k, width] that it sums over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from podium.learning import (
    INPUTS,
    BaseAutoencoder,
    Losses,
    Settings,
    Tensors,
    latent_of,
    seeded,
    train_autoencoder,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Attention(nn.Module):
    """Means of neighbours, weighted by how well both spots suit: softmax(sigmoid(a·i + b·j))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own = nn.Linear(width, 1, bias=False)
        self.others = nn.Linear(width, 1, bias=False)

    def forward(self, states: Tensor, nearest: Tensor) -> Tensor:
        """Weighted means.

        Args:
            states: Of all spots [spots, width].
            nearest: Their neighbours, int64 [spots, k].
        """
        weights = self.weights(states, nearest)
        mean: Tensor = functional.embedding_bag(
            nearest, states.float(), per_sample_weights=weights, mode="sum"
        )
        return mean

    def weights(self, states: Tensor, nearest: Tensor) -> Tensor:
        """Weights of the neighbours, float32 [spots, k]; those of a spot sum to 1."""
        suits = self.own(states) + self.others(states)[:, 0][nearest]
        weights: Tensor = suits.float().sigmoid().softmax(dim=1)
        return weights


class GraphAutoencoder(BaseAutoencoder):
    """A row is a whole slice [spots, features]: a spot means nothing without its neighbours.

    Args:
        features: Of each spot.
        nearest: Neighbours of each spot, int64 [spots, k].
        hidden: Width of the layer that attends.
        latent: Latent coordinates of a spot.
    """

    nearest: Tensor

    def __init__(self, features: int, nearest: Tensor, hidden: int, latent: int) -> None:
        super().__init__()
        self.register_buffer("nearest", nearest)
        self.attention = Attention(hidden)
        self.outer = nn.Parameter(torch.empty(hidden, features))
        self.inner = nn.Parameter(torch.empty(latent, hidden))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw what is decoded by as well: turned, not stretched."""
        for weights in (self.outer, self.inner):
            nn.init.orthogonal_(weights)

    def encode(self, inputs: Tensor) -> Tensor:
        """Latent coordinates [slices, spots, latent]."""
        states = functional.linear(inputs, self.outer)
        attended = torch.stack([self.attention(one, self.nearest) for one in states])
        return functional.linear(functional.elu(attended), self.inner)

    def decode(self, latent: Tensor) -> Tensor:
        """The spots rebuilt, each from its own latent coordinates [slices, spots, features]."""
        states = functional.elu(functional.linear(latent, self.inner.T))
        return functional.linear(states, self.outer.T)

    def loss(self, rows: Tensors) -> Losses:
        """Mean squared error: `reconstruction`."""
        inputs = rows[INPUTS]
        return Losses(
            {"reconstruction": functional.mse_loss(self.generate(inputs).float(), inputs)}
        )


def graph_latent(
    inputs: NDArray[np.float32],
    nearest: NDArray[np.int64],
    *,
    hidden: int,
    latent: int,
    settings: Settings,
    seed: int,
) -> NDArray[np.float32]:
    """Train on one slice, each epoch one step with all its spots; give [spots, latent].

    Args:
        inputs: [spots, features].
        nearest: Neighbours of each spot [spots, k].
        hidden: Width of the layer that attends.
        latent: Latent coordinates.
        settings: How to train; `batch` plays no part.
        seed: The first weights follow from it.
    """
    with seeded(seed):
        network = GraphAutoencoder(inputs.shape[1], torch.from_numpy(nearest), hidden, latent)
    one = torch.from_numpy(inputs)[None]
    train_autoencoder(network, {INPUTS: one}, settings=settings, seed=seed, validation=0.0)
    coordinates: NDArray[np.float32] = latent_of(network, one, settings)[0]
    return coordinates
