"""One number for each line: how sensitive it is to all drugs, from its genes by a ridge regression.

It knows no drug. A model of drugs must beat it, and have a specific r above its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..shared.lines import LineModel
from ..shared.parameters import BY_CONTEXT, PENALTY
from ..shared.ridge import ridge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Report

    from ..shared.lines import Lines

    Floats = NDArray[np.float64]

PARAMETERS = {"penalty": PENALTY, "scale": BY_CONTEXT}
THREADS = 1  # the same bytes on any number of cores


class GeneralLevel(LineModel):
    """The mean of a line's standardised responses.

    Args:
        penalty: Of the ridge regression.
        scale: How genes are standardised.
    """

    def __init__(self, penalty: float, scale: str) -> None:
        super().__init__(scale)
        self.penalty = penalty
        self.weights: Floats

    def learn(self, lines: Lines, genes: Floats, report: Report | None) -> None:
        """Learn the means of the lines that train."""
        level = np.nanmean(self.responses.scaled, axis=1, keepdims=True)
        own = genes[self.responses.lines]
        self.weights = ridge(own, level - level.mean(), self.penalty)

    def say(self, lines: Lines, genes: Floats) -> Floats:
        """The same for every drug."""
        return np.repeat(genes @ self.weights, len(self.responses.drugs), axis=1)


def build(params: dict[str, Any], seed: int) -> GeneralLevel:
    """Build the model; nothing in it is random."""
    return GeneralLevel(**params)
