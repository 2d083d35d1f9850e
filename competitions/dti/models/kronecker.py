"""Kronecker ridge: the similarity of two pairs is that of their drugs times that of their proteins.

Regularised least squares over all known pairs, solved by conjugate gradients: the matrix of all
pairs is never made, since its product with a vector is two products with the small matrices (the
vec trick of Airola and Pahikkala 2018, doi:10.1109/TNNLS.2017.2727545). Kernels of drugs alone and
of proteins alone are added, with a weight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, cg

from podium.competition import Parameter
from podium.errors import ModelError

from ..metric import TARGET
from ..shared.features import DRUG, PROTEIN, items
from ..shared.kernels import Drugs, Proteins
from ..shared.parameters import DRUGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

    Floats = NDArray[np.float64]
    Floats32 = NDArray[np.float32]

PARAMETERS = {
    "drugs": DRUGS,
    "proteins": Parameter(
        "composition",
        "what says how alike proteins are: composition, words, or the mean of both",
        choices=("composition", "words", "both"),
    ),
    "penalty": Parameter(0.3, "on the squared weights", (1e-6, 1e9), search=(0.1, 10.0, "log")),
    "power": Parameter(2.0, "of the similarity of drugs", (1.0, 20.0), search=(1.0, 4.0)),
    "protein_power": Parameter(
        1.0, "of the similarity of proteins", (1.0, 20.0), search=(1.0, 4.0)
    ),
    "alone": Parameter(
        0.1, "weight of the kernels of drugs and of proteins alone", (0.0, 100.0), search=(0.0, 1.0)
    ),
    "steps": Parameter(40, "of conjugate gradients at most", (1, 10_000)),
}
THREADS = 1  # the same bytes on any number of cores
TOLERANCE, STEP = 1e-3, 512


class KroneckerRidge:
    """Least squares on pairs, with kernels of drugs and proteins."""

    def __init__(
        self,
        drugs: str,
        proteins: str,
        penalty: float,
        power: float,
        protein_power: float,
        alone: float,
        steps: int,
    ) -> None:
        self.drugs_by, self.proteins_by = drugs, proteins
        self.penalty, self.power, self.protein_power = penalty, power, protein_power
        self.alone, self.steps = alone, steps

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Solve (K + penalty) weights = answers; `report` gets how far each step is from it."""
        assert train.targets is not None
        answers = train.targets[TARGET].to_numpy(np.float64)
        smiles, self.drug = items(train, DRUG)
        residues, self.protein = items(train, PROTEIN)
        self.drugs = Drugs(smiles, self.drugs_by)
        self.proteins = Proteins(residues, self.proteins_by)
        self.common = float(answers.mean())
        by_drug, by_protein = self._alike(smiles, residues)
        here = (self.drug, self.protein)
        count = len(answers)
        self.weights = np.zeros(count)

        def system(weights: Floats) -> Floats:
            weights = weights.ravel()
            return self._times(by_drug, by_protein, weights, *here) + self.penalty * weights

        step = 0

        def tell(weights: Floats) -> None:
            nonlocal step
            step += 1
            if report:
                left = rest - system(weights)
                report(step, float(np.sqrt(np.mean(left**2))))

        rest = answers - self.common
        self.weights, _ = cg(
            LinearOperator((count, count), matvec=system, dtype=np.float64),
            rest,
            rtol=TOLERANCE,
            maxiter=self.steps,
            callback=tell if report else None,
        )
        # a kernel that is no inner product leads away: similarities are cut at 0 and raised
        if not np.linalg.norm(rest - system(self.weights)) <= np.linalg.norm(rest):
            raise ModelError(
                "kronecker: with these powers the equations cannot be solved.",
                hint="Take a higher penalty, or whole powers: --set power=2 --set protein_power=1",
            )

    def predict(self, part: Part) -> pd.DataFrame:
        """Sum over all known pairs, cut to the range that can be."""
        smiles, drug = items(part, DRUG)
        residues, protein = items(part, PROTEIN)
        alike = self._alike(smiles, residues)
        binds = self.common + self._times(*alike, self.weights, drug, protein)
        return pd.DataFrame({"id": part.ids, TARGET: np.clip(binds, 0.0, 1.0)})

    def _alike(self, smiles: list[str], residues: list[str]) -> tuple[Floats32, Floats32]:
        """Kernels of some drugs [trained, some] and proteins [some, trained] with those that train.

        The first lies as the product with a sparse matrix reads it, five times as fast.
        """
        by_drug = np.ascontiguousarray(self.drugs.alike(smiles).T) ** self.power
        return by_drug, self.proteins.alike(residues) ** self.protein_power

    def _times(
        self, by_drug: Floats32, by_protein: Floats32, weights: Floats, drug: Any, protein: Any
    ) -> Floats:
        """The kernel of some pairs with the known ones times their weights [pairs]."""
        shape = (by_protein.shape[1], by_drug.shape[0])
        known = csr_array((weights.astype(np.float32), (self.protein, self.drug)), shape=shape)
        half: Any = known @ by_drug  # what known proteins weigh, as each drug sees it
        of_drug = np.ascontiguousarray(half.T)
        pairs = np.empty(len(drug))
        for start in range(0, len(drug), STEP):
            rows = slice(start, start + STEP)
            pairs[rows] = np.einsum("ij,ij->i", of_drug[drug[rows]], by_protein[protein[rows]])
        # in their own precision: else each product would copy the matrix
        of_drugs = np.bincount(self.drug, weights, shape[1]).astype(np.float32) @ by_drug
        of_proteins = by_protein @ np.bincount(self.protein, weights, shape[0]).astype(np.float32)
        total: Floats = pairs + self.alone * (of_drugs[drug] + of_proteins[protein])
        return total


def build(params: dict[str, Any], seed: int) -> KroneckerRidge:
    """Build the model; nothing in it is random."""
    return KroneckerRidge(**params)
