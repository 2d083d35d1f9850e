"""DrugBAN: atoms of the drug attend to residues of the protein (Bai et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from podium.competition import Parameter, Part
from podium.learning import network_parameters

from ..shared.drugban import DrugBAN, graphs, letters
from ..shared.features import DRUG, PROTEIN
from ..shared.networks import PairModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from podium.learning import Tensors

PARAMETERS = {
    "width": Parameter(32, "features of an atom, of a residue and of a pair", (2, 4096)),
    "pooled": Parameter(3, "maps of the attention that are summed up to a feature", (1, 100)),
    "hidden": Parameter(128, "width of the decoder", (1, 65_536)),
    "atoms": Parameter(64, "of a drug that are read, from the first", (1, 10_000)),
    "residues": Parameter(1200, "of a protein that are read, from the first", (1, 100_000)),
    "dropout": Parameter(0.2, "before the attention and in the decoder", (0.0, 0.95)),
    "networks": Parameter(1, "networks whose mean is said", (1, 1000)),
    **network_parameters(
        epochs=15,
        batch=256,
        learning_rate=(1e-3, 1e-4, 3e-3, "log"),
        weight_decay=(1e-2, 1e-5, 1.0, "log"),
        patience=5,
        device="cpu",
    ),
}
QUICK: dict[str, Any] = {"width": 8, "hidden": 8, "epochs": 1, "residues": 200}


class Drugban(PairModel[DrugBAN]):
    """Networks of graphs and sequences."""

    def drugs(self, smiles: Sequence[str]) -> Tensors:
        """Graphs."""
        return graphs(smiles, self.params["atoms"])

    def proteins(self, proteins: Sequence[str]) -> Tensors:
        """Residues."""
        return letters(proteins, self.params["residues"])

    def network(self) -> DrugBAN:
        """A network that knows nothing."""
        return DrugBAN(self.params)

    def attention(self, smiles: str, protein: str) -> NDArray[np.float32]:
        """What each atom's attention to each position is, mean of the networks [atoms, positions].

        A position is `STRIDE` residues. Higher counts for more of the pair's features; what the
        decoder makes of these, to bind or not to, the map does not say.
        """
        features = pd.DataFrame({DRUG: [smiles], PROTEIN: [protein]})
        rows = self.rows(Part(name="pair", ids=pd.Index(["pair"]), features=features))
        (batch,) = rows.batches(1, torch.arange(1))
        with torch.inference_mode():
            maps = [one.cpu().eval().attention(batch)[0].numpy() for one in self.networks]
        return np.mean(maps, axis=0)


def build(params: dict[str, Any], seed: int) -> Drugban:
    """Build the model."""
    return Drugban(params, seed)
