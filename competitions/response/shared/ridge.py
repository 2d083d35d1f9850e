"""Ridge regressions of responses on genes, all drugs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .lines import LineModel, Lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Report

    Floats = NDArray[np.float64]


def ridge(genes: Floats, responses: Floats, penalty: float) -> Floats:
    """Weights [genes, drugs] of a ridge regression for each drug, from the lines that have it.

    Args:
        genes: Of the lines that train [lines, genes].
        responses: Mean about 0 for each drug, NaN where unknown [lines, drugs].
        penalty: On the mean square of the weights' effect, as a share of a gene's variance: in the
            dual, what is added to the diagonal of genes genes' / count.
    """
    count = genes.shape[1]
    return np.asarray(genes.T @ dual(genes @ genes.T / count, responses, penalty) / count)


def dual(kernel: Floats, responses: Floats, penalty: float) -> Floats:
    """Weights [lines, drugs] of the lines that train, by how alike these are [lines, lines]."""
    weights = np.zeros(responses.shape)
    known = ~np.isnan(responses)
    for pattern in np.unique(known, axis=1).T:  # drugs of the same lines are solved together
        drugs = np.flatnonzero((known == pattern[:, None]).all(axis=0))
        rows = np.flatnonzero(pattern)
        inner = kernel[np.ix_(rows, rows)] + penalty * np.eye(len(rows))
        weights[np.ix_(rows, drugs)] = np.linalg.solve(inner, responses[np.ix_(rows, drugs)])
    return weights


class Ridge(LineModel):
    """A ridge regression for each drug.

    Args:
        penalty: See `ridge`.
        scale: How genes are standardised.
    """

    def __init__(self, penalty: float, scale: str) -> None:
        super().__init__(scale)
        self.penalty = penalty
        self.weights: Floats

    def learn(self, lines: Lines, genes: Floats, report: Report | None) -> None:
        """Solve."""
        own = genes[self.responses.lines]
        self.weights = ridge(own, self.responses.scaled, self.penalty)

    def say(self, lines: Lines, genes: Floats) -> Floats:
        """Weigh the genes."""
        return np.asarray(genes @ self.weights)
