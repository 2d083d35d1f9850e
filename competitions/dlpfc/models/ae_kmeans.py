"""The report's autoencoder, mended, then k-means: positions play no part.

The encoder is the report's (256, then 64 latent coordinates), the decoder its mirror image. Genes
are log-normalised and standardised instead of squeezed between their raw minimum and maximum, and
training ends where held-out spots are rebuilt best: no label is looked at.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from podium.learning import Autoencoder, network_parameters

from ..shared.latent import LatentKMeans
from ..shared.parameters import LAYERS, STARTS

PARAMETERS = {
    **LAYERS,
    "starts": STARTS,
    **network_parameters(
        validation=0.1,
        epochs=40,
        batch=256,
        learning_rate=(1e-3, 3e-4, 5e-3, "log"),
        weight_decay=0.0,
        patience=5,
        bf16=False,
    ),
}
"""Sizes are the report's; the rest was looked at on donor 1 of `demo`, which trains."""

QUICK: dict[str, Any] = {"hidden": 32, "latent": 8, "epochs": 6, "batch": 128, "starts": 2}


def build(params: dict[str, Any], seed: int) -> LatentKMeans:
    """Build the model; the network is made for each slice."""
    network = partial(Autoencoder, hidden=(params["hidden"],), latent=params["latent"])
    return LatentKMeans(network, params, seed)
