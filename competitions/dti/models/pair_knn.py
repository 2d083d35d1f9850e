"""The nearest known pairs: those of a like drug and a like protein say what a pair will do.

The weight of a known pair is (similarity of the drugs)^power x similarity of the proteins. Of each
pair the ten heaviest count, and a little of what all pairs do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.competition import Parameter

from ..metric import TARGET
from ..shared.features import DRUG, PROTEIN, items
from ..shared.kernels import Drugs, Proteins
from ..shared.parameters import DRUGS

if TYPE_CHECKING:
    from podium.competition import Part, Report

PARAMETERS = {
    "drugs": DRUGS,
    "proteins": Parameter(
        "both",
        "what says how alike proteins are: composition, words, or the mean of both",
        choices=("composition", "words", "both"),
    ),
    "neighbours": Parameter(10, "known pairs that count", (1, 100_000), search=(3, 50, "log")),
    "power": Parameter(2.0, "of the similarity of drugs", (0.0, 20.0), search=(0.5, 4.0)),
    "prior": Parameter(
        0.02, "weight of what all pairs do", (1e-9, 1e6), search=(0.001, 1.0, "log")
    ),
}
THREADS = 1  # the same bytes on any number of cores
STEP = 256


class PairNeighbours:
    """Weighted neighbours over pairs."""

    def __init__(
        self, drugs: str, proteins: str, neighbours: int, power: float, prior: float
    ) -> None:
        self.drugs_by, self.proteins_by = drugs, proteins
        self.neighbours, self.power, self.prior = neighbours, power, prior

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Keep what is known."""
        assert train.targets is not None
        self.binds = train.targets[TARGET].to_numpy(np.float32)
        smiles, self.drug = items(train, DRUG)
        residues, self.protein = items(train, PROTEIN)
        self.drugs = Drugs(smiles, self.drugs_by)
        self.proteins = Proteins(residues, self.proteins_by)

    def predict(self, part: Part) -> pd.DataFrame:
        """Ask the heaviest neighbours of each pair."""
        smiles, drug = items(part, DRUG)
        residues, protein = items(part, PROTEIN)
        by_drug = self.drugs.alike(smiles) ** self.power
        by_protein = self.proteins.alike(residues)
        common, count = float(self.binds.mean()), min(self.neighbours, len(self.binds))
        binds = np.empty(len(part))
        for start in range(0, len(part), STEP):
            rows = slice(start, start + STEP)
            weight = by_drug[drug[rows]][:, self.drug] * by_protein[protein[rows]][:, self.protein]
            top = np.argpartition(-weight, count - 1, axis=1)[:, :count]
            heavy = np.take_along_axis(weight, top, axis=1).astype(np.float64)
            said = (heavy * self.binds[top]).sum(axis=1) + self.prior * common
            binds[rows] = said / (heavy.sum(axis=1) + self.prior)
        return pd.DataFrame({"id": part.ids, TARGET: binds})


def build(params: dict[str, Any], seed: int) -> PairNeighbours:
    """Build the model; nothing in it is random."""
    return PairNeighbours(**params)
