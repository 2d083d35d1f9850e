"""Adaptation to another domain: what makes two domains alike, with labels of only one of them.

    features = self.encoder(batch.own[INPUTS])                 # rows of both domains
    logits = self.discriminator(self.reversal(features))       # [rows]
    loss = classification + binary_cross_entropy_with_logits(logits, batch.own["domain"])

Adversarial (Ganin et al. 2016, arXiv:1505.07818): a discriminator learns to tell domains apart, and
through a reversed gradient the features learn to let it fail. By moments: `mmd` and `coral` are
distances between two sets of rows that a network can bring down. `standardised` inputs come first:
within each domain, that takes away what a domain adds to a column and how it stretches it.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence


def ramp(progress: float, steepness: float = 10.0) -> float:
    """How strongly a gradient is reversed, 0 to 1: 2 / (1 + exp(-steepness x progress)) - 1.

    A discriminator tells nothing at first, so features should not follow it yet (Ganin et al.).

    Args:
        progress: Share of the training that is done, 0 to 1.
        steepness: The higher, the sooner it is near 1.
    """
    return math.tanh(steepness * progress / 2)


class GradientReversal(nn.Module):
    """Gives what it takes; gradients come back with the other sign, times a strength that ramps up.

    Args:
        steps: Passes forward in training until the strength is full: those of a whole training.
        highest: The full strength.
        warm_up: Share of the steps in which nothing comes back, before the ramp begins.
    """

    def __init__(self, steps: int, highest: float = 1.0, warm_up: float = 0.0) -> None:
        super().__init__()
        self.steps, self.highest, self.warm_up = steps, highest, warm_up
        self.done = 0

    @property
    def strength(self) -> float:
        """Of the next pass."""
        begun = min(self.done / max(1, self.steps), 1.0) - self.warm_up
        return self.highest * ramp(begun / (1 - self.warm_up)) if begun > 0 else 0.0

    def forward(self, features: Tensor) -> Tensor:
        """The same features, of any shape; in training, one pass more is done."""
        strength = self.strength
        self.done += self.training
        reversed_: Tensor = _Reversal.apply(features, strength)  # type: ignore[no-untyped-call]
        return reversed_


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


class DomainDiscriminator(nn.Module):
    """Says of which of two domains rows are; without a gradient reversal, a critic of scores.

    Args:
        features: Columns of the rows.
        hidden: Widths of its layers; none makes it linear.
        dropout: Of what each hidden layer gives.
    """

    def __init__(self, features: int, hidden: Sequence[int] = (64,), dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width, following in pairwise((features, *hidden)):
            layers += [nn.Linear(width, following), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear((features, *hidden)[-1], 1))

    def forward(self, features: Tensor) -> Tensor:
        """Logits [rows] of features [rows, features]."""
        logits: Tensor = self.layers(features)
        return logits.squeeze(1)


def critic_loss(critic: nn.Module, source: Tensor, target: Tensor, penalty: float = 10.0) -> Tensor:
    """What a Wasserstein critic brings down (Gulrajani et al. 2017, arXiv:1704.00028).

    Its mean score of target rows minus that of source rows, and a penalty on gradients between
    them whose length is not 1. Features that raise the target's scores come nearer to the source.
    Both sides have a row or more, and gradients are on.

    Args:
        critic: Gives scores [rows]: `DomainDiscriminator`.
        source: [rows, features].
        target: [other rows, features].
        penalty: Its weight.
    """
    pairs = max(len(source), len(target))
    first, second = (rows[torch.arange(pairs) % len(rows)] for rows in (source, target))
    share = torch.rand(pairs, 1, dtype=source.dtype, device=source.device)
    between = torch.lerp(first, second, share).detach()
    between.requires_grad_()
    gradient = torch.autograd.grad(critic(between).sum(), between, create_graph=True)[0]
    away: Tensor = (gradient.norm(dim=1) - 1).square().mean()
    gap: Tensor = critic(target).mean() - critic(source).mean()
    total: Tensor = gap + penalty * away
    return total


def mmd(
    source: Tensor, target: Tensor, scales: Sequence[float] = (0.25, 0.5, 1.0, 2.0, 4.0)
) -> Tensor:
    """Squared maximum mean discrepancy of two sets of rows (Gretton et al. 2012, JMLR 13:723).

    The kernel is the mean of Gaussians exp(-d^2 / (scale x median d^2)), the median over pairs of
    different rows of both sets. No gradient flows through the median. At least 0; 0 for equal sets.

    Args:
        source: [rows, features].
        target: [other rows, features].
        scales: Of the Gaussians' widths, beside the median.
    """
    rows = _precise(torch.cat([source, target]))
    rows = rows - rows.detach().mean(dim=0)  # less is lost where norms are small
    with torch.autocast(rows.device.type, enabled=False):
        # `cdist` has no finite gradient where rows are equal.
        norms = rows.square().sum(dim=1)
        squares = (norms[:, None] + norms - 2 * rows @ rows.T).clamp(min=0.0)
    pairs = torch.triu_indices(len(rows), len(rows), offset=1, device=rows.device)
    median = squares.detach()[pairs[0], pairs[1]].median().clamp(min=1e-12)
    kernel = torch.stack([(-squares / (scale * median)).exp() for scale in scales]).mean(dim=0)
    own, count = kernel[: len(source), : len(source)], len(source)
    return own.mean() + kernel[count:, count:].mean() - 2 * kernel[:count, count:].mean()


def coral(source: Tensor, target: Tensor) -> Tensor:
    """How far the covariances of two sets of rows are apart, |C_s - C_t|^2 / (4 features^2).

    Sun and Saenko 2016, arXiv:1607.01719. A set of one row has no covariance: 0.

    Args:
        source: [rows, features].
        target: [other rows, features].
    """
    difference = _covariance(source) - _covariance(target)
    return difference.square().sum() / (4 * source.shape[1] ** 2)


def _covariance(rows: Tensor) -> Tensor:
    rows = _precise(rows)
    centred = rows - rows.mean(dim=0)
    with torch.autocast(rows.device.type, enabled=False):
        return centred.T @ centred / max(1, len(rows) - 1)


def _precise(rows: Tensor) -> Tensor:
    """At least float32, whatever a network gave."""
    return rows if rows.dtype == torch.float64 else rows.float()
