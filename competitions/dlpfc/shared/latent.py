"""What models that cluster the latent coordinates of single spots share: input, k-means."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.cluster import KMeans

from podium.learning import (
    INPUTS,
    Settings,
    latent_of,
    seeded,
    standardised,
    train_autoencoder,
)

from .expression import answer, domains, log_expression

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition import Part, Report, Slice
    from podium.learning import BaseAutoencoder

CLIP = 5.0
"""Standard deviations beyond which a standardised value is cut off."""


def clipped(matrix: NDArray[np.floating]) -> NDArray[np.float32]:
    """Standardised columns, cut off at 5 standard deviations [rows, columns]."""
    return np.asarray(np.clip(standardised(matrix), -CLIP, CLIP), dtype=np.float32)


def genes(one: Slice) -> torch.Tensor:
    """Standardised log-normalised genes of a slice, float32 [spots, genes]."""
    return torch.from_numpy(clipped(log_expression(one).toarray()))


def kmeans(points: NDArray[np.float32], count: int, *, starts: int, seed: int) -> KMeans:
    """k-means, fitted; never more clusters than points."""
    from sklearn.exceptions import ConvergenceWarning

    model = KMeans(min(count, len(points)), n_init=starts, random_state=seed)
    with warnings.catch_warnings():
        # Fewer distinct points than clusters: some stay empty.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(points)


class LatentKMeans:
    """k-means on the latent coordinates of an autoencoder that is trained on each slice.

    Args:
        network: Makes the autoencoder for a number of genes.
        params: The model's: `Settings`, `validation`, `starts`.
        seed: All that is drawn follows from it.
    """

    def __init__(
        self, network: Callable[[int], BaseAutoencoder], params: dict[str, Any], seed: int
    ) -> None:
        self.network = network
        self.params = params
        self.seed = seed
        self.settings = Settings.of(params)

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn nothing: each slice is learnt when it is predicted."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Train on each slice and cluster it."""
        return answer(part, self._cluster)

    def _cluster(self, one: Slice) -> NDArray[np.int32]:
        inputs = genes(one)
        network = pretrained(self.network, inputs, self.params, self.seed)
        latent = latent_of(network, inputs, self.settings)
        fitted = kmeans(latent, domains(one), starts=self.params["starts"], seed=self.seed)
        return np.asarray(fitted.labels_, dtype=np.int32)


def pretrained(
    network: Callable[[int], BaseAutoencoder],
    inputs: torch.Tensor,
    params: dict[str, Any],
    seed: int,
) -> BaseAutoencoder:
    """An autoencoder trained on a slice's spots, up to the epoch of the best held-out loss."""
    with seeded(seed):
        made = network(inputs.shape[1])
    train_autoencoder(
        made,
        {INPUTS: inputs},
        settings=Settings.of(params),
        seed=seed,
        validation=params["validation"],
    )
    return made
