"""Labelled cells as they might have been seen: their true counts, sampled down again.

Where dropout is a matter of depth alone, each labelled cell can be observed as often as one likes:
Poisson counts around its true ones, at the share of them that was seen of it. Such replicates
stand beside what was observed, and a ridge regression on all of them says which genes a cell has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def seen_share(counts: Floats, truth: Floats) -> Floats:
    """Share of its true counts that was observed of each cell [cells]."""
    return np.asarray(counts.sum(axis=1) / np.maximum(truth.sum(axis=1), 1), dtype=np.float32)


def replicates(truth: Floats, share: Floats, copies: int, rng: np.random.Generator) -> Floats:
    """Cells sampled down anew, copy after copy [copies x cells, genes]."""
    mean = truth * share[:, None]
    return rng.poisson(np.tile(mean, (copies, 1))).astype(np.float32)


def log_at(counts: Floats, depth: float) -> Floats:
    """log(1 + counts at a depth) [cells, genes]."""
    own = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return np.asarray(np.log1p(counts * (np.float32(depth) / own)))


class Ridge(NamedTuple):
    """Ridge regression from a cell's counts to those before dropout, in the cells' own space.

    Attributes:
        depth: At which counts are compared.
        inputs: Log counts of cells and replicates, centred [rows, genes].
        centre: Mean of the log counts [genes].
        scale: By which products of inputs are divided.
        weights: Of the rows in each answer [rows, answers].
        mean: Of the answers [answers].
    """

    depth: float
    inputs: Floats
    centre: Floats
    scale: float
    weights: Floats
    mean: Floats

    @classmethod
    def learn(
        cls, counts: Floats, copies: Floats, answers: Floats, penalty: float
    ) -> tuple[Ridge, Floats]:
        """Regress.

        Args:
            counts: Observed [cells, genes].
            copies: Replicates of the same cells, copy after copy [copies x cells, genes].
            answers: [cells, answers].
            penalty: In multiples of a cell's mean squared length.

        Returns:
            The regression, and what it says of each cell without this cell and its replicates
            (leave one out, Allen 1974, doi:10.1080/00401706.1974.10489157) [cells, answers].
        """
        depth = float(np.median(counts.sum(axis=1)))
        inputs = log_at(np.concatenate([counts, copies]), depth)
        centre = inputs.mean(axis=0)
        inputs -= centre
        products = inputs @ inputs.T
        rows, cells = len(inputs), len(counts)
        scale = max(float(np.trace(products)) / rows, 1e-9)
        products = products / scale + 1  # the mean is hardly penalised
        products[np.diag_indices(rows)] += penalty
        inverse = np.linalg.inv(products)
        mean = answers.mean(axis=0)
        centred = np.tile(answers - mean, (rows // cells, 1))
        weights = inverse @ centred
        others = np.empty_like(answers)
        for cell in range(cells):
            own = np.arange(cell, rows, cells)
            error = np.linalg.solve(inverse[np.ix_(own, own)], weights[own])
            others[cell] = answers[cell] - error[0]
        return cls(depth, inputs, centre, scale, weights, mean), others

    def __call__(self, counts: Floats) -> Floats:
        """Answers for other cells [cells, answers]."""
        inputs = log_at(counts, self.depth) - self.centre
        return np.asarray((inputs @ self.inputs.T / self.scale + 1) @ self.weights + self.mean)
