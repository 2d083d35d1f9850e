"""A network that tells dropouts among zeros, trained on cells that are sampled down ever anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from podium.learning import Rows, Settings, predict_network, seeded, train_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Report
    from podium.learning import Batch

    Floats = NDArray[np.float32]

OBSERVED, TRUE, SHARE = "observed", "true", "share"
CERTAIN = 30.0
"""Log odds of a count that is seen: it adds nothing to the loss."""


class DropoutNetwork(nn.Module):
    """Log counts through one hidden layer to the log odds of a count behind each zero.

    Args:
        depth: At which counts are compared.
        centre, scale: Of their logarithms [genes].
        odds: Log odds to begin with [genes].
        hidden: Width of the layer.
        dropout: Share of its neurons that is left out in training.
        fresh: Share of cells that a step samples down anew.
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self,
        depth: float,
        centre: Tensor,
        scale: Tensor,
        odds: Tensor,
        *,
        hidden: int,
        dropout: float,
        fresh: float,
    ) -> None:
        super().__init__()
        self.depth, self.fresh = depth, fresh
        self.register_buffer("centre", centre)
        self.register_buffer("scale", scale)
        genes = len(centre)
        first, last = nn.Linear(genes + 1, hidden), nn.Linear(hidden, genes)
        with torch.no_grad():
            last.bias.copy_(odds)
        self.layers = nn.Sequential(first, nn.Tanh(), nn.Dropout(dropout), last)

    def forward(self, batch: Batch) -> Tensor:
        """Log odds [cells, genes]."""
        counts = batch.own[OBSERVED]
        if self.training:
            drawn = torch.poisson(batch.own[TRUE] * batch.own[SHARE][:, None])
            anew = torch.rand(len(counts), 1, device=counts.device) < self.fresh
            counts = torch.where(anew, drawn, counts)
        depth = counts.sum(dim=1, keepdim=True).clamp(min=1)
        logs = torch.log1p(counts * (self.depth / depth))
        size = torch.log(depth / self.depth)
        odds: Tensor = self.layers(torch.cat([(logs - self.centre) * self.scale, size], dim=1))
        return odds.masked_fill(counts > 0, CERTAIN)


def loss(odds: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy of the zeros."""
    there = (batch.own[TRUE] > 0).float()
    return functional.binary_cross_entropy_with_logits(odds, there)


class Networks:
    """Some networks that begin differently; their odds are averaged as probabilities.

    Args:
        params: `networks`, `hidden`, `dropout`, `fresh` and the settings of the training.
        seed: All that is drawn follows from it.
    """

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params, self.seed = params, seed
        self.settings = Settings.of({**params, "learning_rate": params["step"]})
        self.networks: list[DropoutNetwork] = []

    def fit(self, counts: Floats, truth: Floats, share: Floats, report: Report | None) -> None:
        """Train on labelled cells, all [cells, genes]; share of the counts that is seen [cells]."""
        depth = float(max(np.median(counts.sum(axis=1)), 1))
        logs = np.log1p(counts * (depth / np.maximum(counts.sum(axis=1, keepdims=True), 1)))
        there = ((truth > 0).sum(axis=0) + 0.5) / (len(truth) + 1)
        own = {OBSERVED: counts, TRUE: truth, SHARE: share}
        rows = _rows({name: torch.from_numpy(values) for name, values in own.items()})
        for number in range(self.params["networks"]):
            with seeded(self.seed + number):
                network = DropoutNetwork(
                    depth,
                    torch.from_numpy(logs.mean(axis=0)),
                    torch.from_numpy(1 / (logs.std(axis=0) + self.params["floor"])),
                    torch.from_numpy(np.log(there / (1 - there)).astype(np.float32)),
                    **{name: self.params[name] for name in ("hidden", "dropout", "fresh")},
                )
            train_network(
                network,
                loss,
                rows,
                settings=self.settings,
                seed=self.seed + number,
                report=report if not number else None,
            )
            self.networks.append(network.cpu())

    def probability(self, counts: Floats) -> Floats:
        """That a zero is a dropout [cells, genes]."""
        rows = _rows({OBSERVED: torch.from_numpy(counts)})
        odds = (predict_network(one, rows, self.settings) for one in self.networks)
        return np.asarray(sum(1 / (1 + np.exp(-one)) for one in odds) / len(self.networks))


def _rows(own: dict[str, Tensor]) -> Rows:
    return Rows(items={}, item=torch.arange(len(own[OBSERVED])), own=own)
