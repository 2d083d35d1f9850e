"""What the lines with the most similar genes say of a drug, averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition import Parameter

from ..shared.lines import LineModel
from ..shared.parameters import BY_SOURCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Report

    from ..shared.lines import Lines

    Floats = NDArray[np.float64]

PARAMETERS = {
    "neighbours": Parameter(15, "lines that are asked", (1, 10_000), search=(3, 60, "log")),
    "scale": BY_SOURCE,
}
THREADS = 1  # the same bytes on any number of cores


class Neighbours(LineModel):
    """The lines that train.

    Args:
        neighbours: How many are asked.
        scale: How genes are standardised.
    """

    def __init__(self, neighbours: int, scale: str) -> None:
        super().__init__(scale)
        self.neighbours = neighbours
        self.profiles: Floats

    def learn(self, lines: Lines, genes: Floats, report: Report | None) -> None:
        """Keep their profiles."""
        self.profiles = _profiles(genes[self.responses.lines])

    def say(self, lines: Lines, genes: Floats) -> Floats:
        """Mean of the most correlated lines that have the drug among so many; else 0, the mean."""
        likeness = _profiles(genes) @ self.profiles.T
        nearest = np.argsort(-likeness, axis=1, kind="stable")[:, : self.neighbours]
        near = self.responses.scaled[nearest]  # [lines, neighbours, drugs]
        known = ~np.isnan(near)
        return np.asarray(np.where(known, near, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def _profiles(genes: Floats) -> Floats:
    """Rows whose products are correlations [lines, genes]."""
    centred = genes - genes.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.where(length > 0, length, 1.0))


def build(params: dict[str, Any], seed: int) -> Neighbours:
    """Build the model; nothing in it is random."""
    return Neighbours(**params)
