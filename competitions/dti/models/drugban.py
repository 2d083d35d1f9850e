"""DrugBAN: atoms of the drug attend to residues of the protein (Bai et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from podium.competition import Parameter
from podium.learning import network_parameters

from ..shared.drugban import DrugBAN, graphs, letters
from ..shared.networks import PairModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podium.learning import Tensors

    from ..shared.networks import PairNetwork

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


class Drugban(PairModel):
    """Networks of graphs and sequences."""

    def drugs(self, smiles: Sequence[str]) -> Tensors:
        """Graphs."""
        return graphs(smiles, self.params["atoms"])

    def proteins(self, proteins: Sequence[str]) -> Tensors:
        """Residues."""
        return letters(proteins, self.params["residues"])

    def network(self) -> PairNetwork:
        """A network."""
        return DrugBAN(self.params)


def build(params: dict[str, Any], seed: int) -> Drugban:
    """Build the model."""
    return Drugban(params, seed)
