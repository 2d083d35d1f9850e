"""Two towers: a network of the drug, one of the protein, and what they give multiplied.

Towers see the same hashed n-grams and words that the kernels do. The head is linear in both towers'
outputs and in their product, so that what fits together is learnt by the towers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from podium.competition import Parameter
from podium.learning import network_parameters

from ..shared.features import DRUG, PROTEIN, Standard, grams, words
from ..shared.networks import PairModel, PairNetwork, different

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from podium.learning import Batch, Tensors

    Floats = NDArray[np.float32]

PARAMETERS = {
    "hidden": Parameter(256, "width of a tower", (1, 65_536), search=(64, 512, "log")),
    "latent": Parameter(128, "of what a tower gives", (1, 4096), search=(16, 256, "log")),
    "dropout": Parameter(
        0.5, "of features and hidden units, in training", (0.0, 0.95), search=(0.2, 0.7)
    ),
    "networks": Parameter(3, "networks whose mean is said", (1, 1000)),
    **network_parameters(
        epochs=15,
        batch=256,
        learning_rate=(1e-3, 1e-4, 3e-3, "log"),
        weight_decay=(1e-2, 1e-5, 1.0, "log"),
        patience=4,
        device="cpu",
    ),
}
QUICK: dict[str, Any] = {"hidden": 16, "latent": 8, "networks": 1, "epochs": 2}
FARTHEST = 5.0
"""Standardised features are cut to this: what is rare in train may be common elsewhere."""


class TwoTowers(PairNetwork):
    """Logits of what both towers give, and of its product.

    Args:
        drugs, proteins: Columns of their features.
        params: The model's.
    """

    def __init__(self, drugs: int, proteins: int, params: dict[str, Any]) -> None:
        super().__init__()
        self.drug, self.protein = (_tower(columns, params) for columns in (drugs, proteins))
        self.head = nn.Linear(3 * params["latent"], 1)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [rows]."""
        drugs, place = different(batch)
        # not by [...]: gradients of repeats must add up in one order
        drug = self.drug(drugs[DRUG]).index_select(0, place)
        protein = self.protein(batch.items[PROTEIN]).index_select(0, batch.item)
        logits: Tensor = self.head(torch.cat([drug.relu(), protein.relu(), drug * protein], dim=1))
        return logits[:, 0]


def _tower(columns: int, params: dict[str, Any]) -> nn.Module:
    dropout, hidden = params["dropout"], params["hidden"]
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(columns, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, params["latent"]),
    )


class TwoTower(PairModel[TwoTowers]):
    """Networks of n-grams and words."""

    def learn(self, smiles: Sequence[str], proteins: Sequence[str]) -> None:
        """Keep means and spreads of what trains."""
        self.of_drugs, self.of_proteins = Standard(_counts(smiles)), Standard(words(proteins))

    def drugs(self, smiles: Sequence[str]) -> Tensors:
        """Logarithms of counts of n-grams, standardised [drugs, 1024]."""
        return {DRUG: _tensor(self.of_drugs(_counts(smiles)))}

    def proteins(self, proteins: Sequence[str]) -> Tensors:
        """Words, standardised [proteins, 763]."""
        return {PROTEIN: _tensor(self.of_proteins(words(proteins)))}

    def network(self) -> TwoTowers:
        """A network that knows nothing."""
        return TwoTowers(len(self.of_drugs.mean), len(self.of_proteins.mean), self.params)


def _counts(smiles: Sequence[str]) -> Floats:
    return np.log1p(grams(smiles))


def _tensor(table: Floats) -> Tensor:
    return torch.from_numpy(table.clip(-FARTHEST, FARTHEST))


def build(params: dict[str, Any], seed: int) -> TwoTower:
    """Build the model."""
    return TwoTower(params, seed)
