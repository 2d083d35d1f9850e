"""A variational autoencoder, then k-means on the latent means: positions play no part.

Input and choice of the epoch are those of `ae_kmeans`. The divergence from the prior prunes what
only one spot has: most latent coordinates fall silent, the others carry what spots share.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from podium.competition import Parameter
from podium.learning import VariationalAutoencoder, network_parameters

from ..shared.latent import LatentKMeans
from ..shared.parameters import LAYERS, STARTS

PARAMETERS = {
    **LAYERS,
    "beta": Parameter(
        0.3, "weight of the divergence from the prior", (0.0, 1000.0), search=(0.1, 4.0, "log")
    ),
    "starts": STARTS,
    **network_parameters(
        validation=0.1,
        epochs=60,
        batch=256,
        learning_rate=(1e-3, 3e-4, 5e-3, "log"),
        weight_decay=0.0,
        patience=10,
        bf16=False,
    ),
}
"""Sizes are the report's; `beta` was chosen on donor 1 of `demo`, which trains."""

QUICK: dict[str, Any] = {"hidden": 32, "latent": 8, "epochs": 6, "batch": 128, "starts": 2}


def build(params: dict[str, Any], seed: int) -> LatentKMeans:
    """Build the model; the network is made for each slice."""
    network = partial(
        VariationalAutoencoder,
        hidden=(params["hidden"],),
        latent=params["latent"],
        beta=params["beta"],
    )
    return LatentKMeans(network, params, seed)
