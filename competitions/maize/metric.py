"""Pearson's r, the coefficient of determination and the root mean squared error, over all rows.

Sums of squares of numbers far from zero would cancel. So truth and prediction are each taken from
their own mean over the whole submission first, which changes none of the three scores.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from podium.metrics import Floats, Metric, Table

TARGET = "expression"
_DUST = 1e-13
"""Share of a sum of squares below which what is left of it is rounding: nothing varies."""


class Shift(NamedTuple):
    """What is taken from truth and prediction before they are squared."""

    truth: float
    predicted: float


def layout(solution: Table, predictions: Table) -> Shift:
    """Means of the whole submission; whatever they are, the scores are the same."""
    return Shift(*(_mean(table[TARGET]) for table in (solution, predictions)))


def statistics(solution: Table, predictions: Table, layout: Shift) -> Floats:
    """Per row: 1, x, y, x x, y y, x y and the squared error, where x is truth and y prediction.

    Args:
        solution: Column `expression` [rows].
        predictions: The same column as predicted.
        layout: The shift.

    Returns:
        [rows, 7]
    """
    truth, predicted = solution[TARGET], predictions[TARGET]
    x, y = truth - layout.truth, predicted - layout.predicted
    return np.column_stack([np.ones_like(x), x, y, x * x, y * y, x * y, (truth - predicted) ** 2])


def finish(sums: Floats, layout: Shift) -> dict[str, Floats]:
    """The scores from summed statistics [..., 7].

    Pearson's r is 0 where predictions or answers do not vary: they say nothing of the order. R² is
    about the mean of the answers; where these do not vary it is 1 for the answers themselves and 0
    for all else.
    """
    rows, x, y, xx, yy, xy, error = np.moveaxis(sums, -1, 0)
    total, spread = _about_mean(rows, x, xx), _about_mean(rows, y, yy)
    together = xy - x * y / np.maximum(rows, 1)
    below = np.sqrt(total) * np.sqrt(spread)
    varies = total > 0
    r2 = 1 - error / np.where(varies, total, 1.0)
    return {
        "pearson": np.clip(together / np.where(below > 0, below, np.inf), -1.0, 1.0) + 0.0,  # no -0
        "r2": np.where(varies, r2, np.where(error > 0, 0.0, 1.0)),
        "rmse": np.sqrt(np.maximum(error, 0.0) / np.maximum(rows, 1)),
    }


def _about_mean(rows: Floats, values: Floats, squares: Floats) -> Floats:
    """Sum of squared distances from the mean; 0 where there is but rounding."""
    found = squares - values * values / np.maximum(rows, 1)
    return np.where(found > _DUST * squares, found, 0.0)


def _mean(values: Floats) -> float:
    return float(np.mean(values)) if len(values) else 0.0


metric = Metric(statistics=statistics, finish=finish, layout=layout)
