"""How far the share of G and C alone goes: a parabola for each species."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.competition import Parameter

from ..metric import TARGET
from ..shared.features import gc, species

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

PARAMETERS = {
    "degree": Parameter(2, "of the polynomial in the share of G and C", (1, 20), search=(1, 4))
}
"""Each species has a level of its own."""


class GcContent:
    """Least squares on powers of the share of G and C, and on the species."""

    def __init__(self, degree: int) -> None:
        self.degree = degree
        self.weights: NDArray[np.float64] = np.empty(0)

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Solve; of equally good answers the smallest, so that few rows do no harm."""
        assert train.targets is not None
        answers = train.targets[TARGET].to_numpy(dtype=np.float64)
        self.weights = np.linalg.lstsq(self._design(train), answers)[0]

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict."""
        return pd.DataFrame({"id": part.ids, TARGET: self._design(part) @ self.weights})

    def _design(self, part: Part) -> NDArray[np.float64]:
        assert part.sequences is not None
        share = gc(part.sequences.codes).astype(np.float64) - 0.5
        powers = np.vander(share, self.degree + 1, increasing=True)
        return np.column_stack([powers, species(part.features)[0]])


def build(params: dict[str, Any], seed: int) -> GcContent:
    """Build the model; nothing in it is random."""
    return GcContent(**params)
