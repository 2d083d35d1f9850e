"""A variational autoencoder of the genes of all lines, and a ridge regression on its coordinates.

Lines without answers take part in the first step, which no label tells anything.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from podium.competition import Parameter
from podium.learning import VariationalAutoencoder, network_parameters

from ..shared.coded import Coded
from ..shared.parameters import BY_CONTEXT, PENALTY

PARAMETERS = {
    "hidden": Parameter([256], "widths between genes and coordinates", (1, 65_536)),
    "latent": Parameter(64, "coordinates", (1, 4096), search=(16, 128, "log")),
    "beta": Parameter(
        0.1, "weight of the divergence from the prior", (0.0, 1000.0), search=(0.001, 1.0, "log")
    ),
    "penalty": PENALTY,
    "scale": BY_CONTEXT,
    **network_parameters(
        validation=0.1,
        epochs=100,
        batch=64,
        learning_rate=(1e-3, 1e-4, 3e-3, "log"),
        patience=10,
        device="cpu",
    ),
}

QUICK: dict[str, Any] = {"hidden": [16], "latent": 8, "epochs": 3}


def build(params: dict[str, Any], seed: int) -> Coded:
    """Build the model."""
    return Coded(
        partial(
            VariationalAutoencoder,
            hidden=params["hidden"],
            latent=params["latent"],
            beta=params["beta"],
        ),
        params,
        seed,
    )
