"""A variational autoencoder, then k-means on the latent means: positions play no part.

Input and choice of the epoch are those of `ae_kmeans`. The divergence from the prior prunes what
only one spot has: most latent coordinates fall silent, the others carry what spots share.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from podium.learning import VariationalAutoencoder

from ..latent import LatentKMeans

DEFAULTS: dict[str, Any] = {
    "hidden": 256,
    "latent": 64,
    "beta": 0.3,
    "starts": 10,
    "validation": 0.1,
    "epochs": 60,
    "batch": 256,
    "learning_rate": 1e-3,
    "weight_decay": 0.0,
    "patience": 10,
    "bf16": False,
    "device": "auto",
}
"""hidden, latent: widths of the encoder's layers; the decoder mirrors them.
beta: weight of the divergence from the prior; chosen on donor 1 of `demo`, which trains.
starts: of k-means; the tightest clusters are kept.
validation: share of spots that are held out to choose the epoch.
The others are those of `podium.learning.Settings`.
Sizes are the report's.
"""

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


def space(trial: Any) -> dict[str, Any]:
    """Search sizes, learning rate and the weight of the divergence."""
    return {
        "hidden": trial.suggest_int("hidden", 64, 512, log=True),
        "latent": trial.suggest_int("latent", 8, 64, log=True),
        "beta": trial.suggest_float("beta", 0.1, 4.0, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 5e-3, log=True),
    }
