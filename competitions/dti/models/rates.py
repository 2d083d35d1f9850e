"""How often this drug, or this protein, binds in train: two look-ups, and nothing of chemistry.

The logits of both rates are added up, less that of all pairs. What does not train has the rate of
all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from podium.competition import Parameter

from ..metric import TARGET
from ..shared.features import DRUG, PROTEIN
from ..shared.parameters import OF

if TYPE_CHECKING:
    from podium.competition import Part, Report

PARAMETERS = {
    "of": OF,
    "prior": Parameter(
        1.0,
        "pairs of the common rate that are added to each",
        (0.001, 1e6),
        search=(0.1, 10, "log"),
    ),
}
SIDES = {"drug": (DRUG,), "protein": (PROTEIN,), "both": (DRUG, PROTEIN)}


class Rates:
    """Smoothed rates of drugs and proteins."""

    def __init__(self, of: str, prior: float) -> None:
        self.columns, self.prior = SIDES[of], prior
        self.common = 0.5
        self.shift: dict[str, pd.Series[float]] = {}

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Count."""
        assert train.targets is not None
        binds = train.targets[TARGET]
        self.common = float(np.clip(binds.mean(), 1e-6, 1 - 1e-6))
        for column in self.columns:
            known = binds.groupby(train.features[column].to_numpy())
            rate = (known.sum() + self.prior * self.common) / (known.size() + self.prior)
            self.shift[column] = rate.map(logit) - logit(self.common)

    def predict(self, part: Part) -> pd.DataFrame:
        """Add up what is known."""
        total = np.full(len(part), logit(self.common))
        for column in self.columns:
            total += part.features[column].map(self.shift[column]).fillna(0.0).to_numpy(float)
        return pd.DataFrame({"id": part.ids, TARGET: expit(total)})


def build(params: dict[str, Any], seed: int) -> Rates:
    """Build the model; nothing in it is random."""
    return Rates(**params)
