"""A ridge regression for each drug on the latent coordinates of an autoencoder of all lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from podium.learning import INPUTS, Settings, latent_of, seeded, train_autoencoder

from .lines import LineModel
from .ridge import ridge

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from podium.competition import Report
    from podium.learning import BaseAutoencoder

    from .lines import Lines

    Floats = NDArray[np.float64]


class Coded(LineModel):
    """An autoencoder that learns the genes of all lines, and weights of its coordinates.

    Args:
        build: Gives the autoencoder of so many genes.
        params: Those of `network_parameters`, `penalty` and `scale`.
        seed: All that is drawn follows from it.
    """

    def __init__(
        self, build: Callable[[int], BaseAutoencoder], params: dict[str, Any], seed: int
    ) -> None:
        super().__init__(params["scale"])
        self.build, self.params, self.seed = build, params, seed
        self.settings = Settings.of(params)
        self.network: BaseAutoencoder
        self.mean: Floats
        self.spread: Floats
        self.weights: Floats

    def learn(self, lines: Lines, genes: Floats, report: Report | None) -> None:
        """Train the autoencoder, then solve on its coordinates."""
        with seeded(self.seed):
            self.network = self.build(genes.shape[1])
        train_autoencoder(
            self.network,
            {INPUTS: _tensor(genes)},
            settings=self.settings,
            seed=self.seed,
            validation=self.params["validation"],
            report=report,
        )
        codes = self._codes(genes)
        own = codes[self.responses.lines]
        self.mean, self.spread = own.mean(axis=0), own.std(axis=0)
        self.spread = np.where(self.spread > 1e-6, self.spread, 1.0)
        scaled = (own - self.mean) / self.spread
        self.weights = ridge(scaled, self.responses.scaled, self.params["penalty"])

    def say(self, lines: Lines, genes: Floats) -> Floats:
        """Weigh the coordinates."""
        return np.asarray((self._codes(genes) - self.mean) / self.spread @ self.weights)

    def _codes(self, genes: Floats) -> Floats:
        return latent_of(self.network, _tensor(genes), self.settings).astype(np.float64)


def _tensor(genes: Floats) -> torch.Tensor:
    return torch.from_numpy(genes.astype(np.float32))
