"""A decision layer: from what may be true to what is best handed in.

A score that is a function of sums of per-row statistics is maximised in expectation by giving each
row the action whose expected statistics go farthest along one gradient, the same for all rows
(Frank-Wolfe; Narasimhan et al. 2015, Consistent multiclass algorithms based on linear
programming). So what a row is given depends on its own distribution alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..metric import THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEPS = 60
CALLED = np.nextafter(THRESHOLD, 0.0)
"""The highest prediction that calls a row, percent."""


def on_side(predicted: Floats, low: NDArray[np.bool_]) -> Floats:
    """Predictions moved to the nearest value on the side of 30 that a verdict says.

    Args:
        predicted: Percent [rows].
        low: Whether a row is called [rows].
    """
    return np.where(low, np.minimum(predicted, CALLED), np.maximum(predicted, THRESHOLD))


def best_actions(
    expected: Floats, weight: Floats, score: Callable[[Floats], Floats], starts: Floats
) -> NDArray[np.int64]:
    """The best action of each situation.

    Args:
        expected: Expected statistics of one row by situation and action [situations, actions, k].
        weight: How many rows each situation has [situations].
        score: Of summed statistics [..., k], higher is better [...].
        starts: Actions to start from [starts, situations].

    Returns:
        [situations]; the best of all that were met on the way.
    """
    place = np.arange(len(expected))

    def total(actions: NDArray[np.int64]) -> Floats:
        sums: Floats = weight @ expected[place, actions]
        return sums

    best = max(starts, key=lambda actions: float(score(total(actions))))
    for start in starts:
        sums = total(start)
        for step in range(STEPS):
            actions = (expected @ gradient(score, sums)).argmax(axis=1)
            if score(total(actions)) > score(total(best)):
                best = actions
            sums = sums + 2 / (step + 2) * (total(actions) - sums)
    return np.asarray(best, dtype=np.int64)


def gradient(score: Callable[[Floats], Floats], sums: Floats) -> Floats:
    """The direction in which a score of sums [k] rises: central differences, half a row wide."""
    steps = np.eye(len(sums)) * 0.5
    return score(sums + steps) - score(sums - steps)
