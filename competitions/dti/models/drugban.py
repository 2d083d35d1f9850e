"""DrugBAN: atoms of the drug attend to residues of the protein (Bai et al. 2023)."""

from __future__ import annotations

from typing import Any

from podium.learning import network_parameters

from ..shared.drugban import DrugbanModel
from ..shared.parameters import DRUGBAN

PARAMETERS = {
    **DRUGBAN,
    **network_parameters(
        epochs=8,
        batch=128,
        learning_rate=(2e-3, 1e-4, 5e-3, "log"),
        weight_decay=(1e-2, 1e-5, 1.0, "log"),
        patience=3,
        device="cpu",
    ),
}
QUICK: dict[str, Any] = {"width": 8, "hidden": 8, "epochs": 1, "residues": 200}


def build(params: dict[str, Any], seed: int) -> DrugbanModel:
    """Build the model."""
    return DrugbanModel(params, seed)
