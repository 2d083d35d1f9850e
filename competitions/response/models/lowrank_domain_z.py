"""A few factors of all responses, each by a ridge regression on genes standardised by context.

Drugs of one mechanism say the same of a line; factors gather it, and noise of single pairs stays
behind. Gaps are filled by the factors themselves, until these stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition import Parameter

from ..shared.lines import LineModel
from ..shared.parameters import BY_CONTEXT, PENALTY
from ..shared.ridge import ridge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Report

    from ..shared.lines import Lines

    Floats = NDArray[np.float64]

PARAMETERS = {
    "factors": Parameter(20, "of the responses", (1, 1000), search=(2, 40, "log")),
    "penalty": PENALTY,
    "scale": BY_CONTEXT,
}
THREADS = 1  # the same bytes on any number of cores


ROUNDS = 20
"""Of filling gaps."""


class LowRank(LineModel):
    """Factors of responses, and weights of genes for each.

    Args:
        factors: How many there are at most.
        penalty: Of the ridge regression.
        scale: How genes are standardised.
    """

    def __init__(self, factors: int, penalty: float, scale: str) -> None:
        super().__init__(scale)
        self.factors, self.penalty = factors, penalty
        self.weights: Floats

    def learn(self, lines: Lines, genes: Floats, report: Report | None) -> None:
        """Factorise, and learn what each line has of the factors."""
        lined, drugs = factorised(self.responses.scaled, self.factors)
        own = genes[self.responses.lines]
        self.weights = ridge(own, lined - lined.mean(axis=0), self.penalty) @ drugs

    def say(self, lines: Lines, genes: Floats) -> Floats:
        """Weigh the genes."""
        return np.asarray(genes @ self.weights)


def factorised(responses: Floats, factors: int) -> tuple[Floats, Floats]:
    """Factors of lines [lines, factors] and of drugs [factors, drugs], whose product they are.

    Args:
        responses: NaN where unknown [lines, drugs].
        factors: How many.
    """
    known = ~np.isnan(responses)
    filled = np.where(known, responses, 0.0)
    for _ in range(ROUNDS):
        left, values, right = np.linalg.svd(filled, full_matrices=False)
        lines, drugs = left[:, :factors] * values[:factors], right[:factors]
        filled = np.where(known, responses, lines @ drugs)
    return lines, drugs


def build(params: dict[str, Any], seed: int) -> LowRank:
    """Build the model; nothing in it is random."""
    return LowRank(**params)
