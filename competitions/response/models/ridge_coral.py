"""A ridge regression for each drug and context, on genes whose covariances are brought in line.

CORAL (Sun, Feng and Saenko 2016, arXiv:1511.05547): genes of the lines that train are whitened by
their own covariance and coloured by that of the context to be predicted, both with a multiple of
the identity added. For the contexts that train nothing changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition import Parameter

from ..shared.lines import LineModel
from ..shared.parameters import BY_SOURCE, PENALTY
from ..shared.ridge import ridge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Report

    from ..shared.lines import Lines

    Floats = NDArray[np.float64]

PARAMETERS = {
    "penalty": PENALTY,
    "identity": Parameter(1.0, "added to both covariances", (1e-6, 1e6), search=(0.1, 30.0, "log")),
    "scale": BY_SOURCE,
}
THREADS = 1  # the same bytes on any number of cores


class Coral(LineModel):
    """Ridge regressions, one set a context.

    Args:
        penalty: Of the ridge regressions.
        identity: What is added to the diagonal of covariances, in variances of a gene.
        scale: How genes are standardised before.
    """

    def __init__(self, penalty: float, identity: float, scale: str) -> None:
        super().__init__(scale)
        self.penalty, self.identity = penalty, identity
        self.trained: Floats
        self.weights: dict[str, Floats]
        self.means: dict[str, Floats]

    def learn(self, lines: Lines, genes: Floats, report: Report | None) -> None:
        """Solve for each context that there is."""
        own = self.responses.lines
        learnt = set(lines.context[own])
        self.trained = genes[own] - genes[own].mean(axis=0)
        self.means, self.weights = {}, {}
        for name in np.unique(lines.context):
            self._add(name, genes[own if name in learnt else lines.context == name], learnt)

    def say(self, lines: Lines, genes: Floats) -> Floats:
        """Weigh the genes of each context by its own weights; of a new one, by these lines."""
        said = np.empty((len(genes), len(self.responses.drugs)))
        for name in np.unique(lines.context):
            rows = lines.context == name
            if name not in self.weights:
                self._add(name, genes[rows], set())
            said[rows] = (genes[rows] - self.means[name]) @ self.weights[name]
        return said

    def _add(self, name: str, genes: Floats, learnt: set[str]) -> None:
        """Weights for a context that has these genes."""
        self.means[name] = genes.mean(axis=0)
        aligned = self.trained
        if name not in learnt:
            aligned = aligned @ self._power(aligned, -0.5) @ self._power(genes, 0.5)
        self.weights[name] = ridge(aligned, self.responses.scaled, self.penalty)

    def _power(self, genes: Floats, power: float) -> Floats:
        """A power of their covariance [genes, genes]."""
        centred = genes - genes.mean(axis=0)
        covariance = centred.T @ centred / max(1, len(genes) - 1)
        values, vectors = np.linalg.eigh(covariance)
        scaled = (np.maximum(values, 0.0) + self.identity) ** power
        return np.asarray((vectors * scaled) @ vectors.T)


def build(params: dict[str, Any], seed: int) -> Coral:
    """Build the model; nothing in it is random."""
    return Coral(**params)
