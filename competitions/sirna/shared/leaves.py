"""What may be true of a row: the answers of the rows that share its leaves in a random forest.

Meinshausen 2006, Quantile regression forests: grown for the mean, read for the distribution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from ..metric import TARGET, THRESHOLD, metric
from .decision import on_side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHARE = 0.5
"""Of the columns, that a split may look at."""
BINS = 151
"""Of one percent point each; the last one is open."""
CUTS = np.arange(0.2, 0.6, 0.02)
"""Probabilities of less than 30 % from which on a row may be called."""


class Leaves:
    """A random forest that gives distributions."""

    def __init__(self, trees: int, min_leaf: int, seed: int) -> None:
        self.forest = RandomForestRegressor(
            trees, min_samples_leaf=min_leaf, max_features=SHARE, random_state=seed
        )
        self.shares: list[NDArray[np.float32]] = []

    def fit(self, columns: Floats, answers: Floats) -> None:
        """Grow the trees [rows, columns], and count the answers, percent, in each leaf."""
        leaf = self.forest.fit(columns, answers).apply(columns)
        bins = np.clip(np.floor(answers), 0, BINS - 1).astype(np.int64)
        self.shares = []
        for own, tree in zip(leaf.T, self.forest.estimators_, strict=True):
            nodes = tree.tree_.node_count
            counts = np.bincount(own * BINS + bins, minlength=nodes * BINS).reshape(nodes, BINS)
            self.shares.append((counts / counts.sum(axis=1, keepdims=True).clip(1)).astype("f4"))

    def __call__(self, columns: Floats) -> Floats:
        """How likely each percent point is [rows, BINS]."""
        masses = np.zeros((len(columns), BINS))
        for own, shares in zip(self.forest.apply(columns).T, self.shares, strict=True):
            masses += shares[own]
        return masses / len(self.shares)


def handed_in(masses: Floats, cut: float) -> Floats:
    """The median, on the side of 30 that the probability of less than 30 % says [rows], percent."""
    median = (masses.cumsum(axis=1) < 0.5).sum(axis=1) + 0.5
    return on_side(median, masses[:, : int(THRESHOLD)].sum(axis=1) > cut)


def best_cut(masses: Floats, answers: Floats) -> float:
    """The probability from which on the official score wants rows to be called."""
    truth = {TARGET: answers}
    scores = [metric.score(truth, {TARGET: handed_in(masses, cut)})["score"] for cut in CUTS]
    return float(CUTS[int(np.argmax(scores))])
