"""Scores of a column of numbers, as sums.

With the error e = prediction - truth over n rows,

    RMSE = sqrt(sum e^2 / n)                MAE = sum |e| / n
    RMSLE = sqrt(sum (ln(1 + prediction) - ln(1 + truth))^2 / n)
    R2 = 1 - sum e^2 / sum (truth - mean)^2
    Pearson = covariance / sqrt(variance of the truth * variance of the predictions)

as scikit-learn and SciPy compute them. Where the truth is constant R2 is 1 without an error and
else 0, as in scikit-learn; where either side is constant Pearson is 0: nothing goes together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from podium.metric import Floats, Metric, Table

_DUST = 1e-12
"""A variance is none below this share of the mean square about the shift."""


class Shift(NamedTuple):
    """About what squares are summed, so that large values do not cancel."""

    truth: float
    predicted: float


def regression(target: str, *scores: str) -> Metric:
    """The named scores of one column of numbers, in any order: all come from the same sums.

    Args:
        target: The column.
        scores: Of `rmse`, `mae`, `rmsle`, `r2`, `pearson`.
    """

    def layout(solution: Table, predictions: Table) -> Shift:
        return Shift(float(np.mean(solution[target])), float(np.mean(predictions[target])))

    def statistics(solution: Table, predictions: Table, shift: Shift) -> Floats:
        truth, predicted = solution[target], predictions[target]
        error = predicted - truth
        y, p = truth - shift.truth, predicted - shift.predicted
        columns = [np.ones_like(error), np.abs(error), error**2, y, y**2, p, p**2, y * p]
        if "rmsle" in scores:
            columns.append((np.log1p(predicted) - np.log1p(truth)) ** 2)
        return np.column_stack(columns)

    def finish(sums: Floats, shift: Shift) -> dict[str, Floats]:
        rows, absolute, squares, y, yy, p, pp, yp, *logs = np.moveaxis(sums, -1, 0)
        squares = np.maximum(squares, 0.0)  # leaving a group out may leave rounding dust behind
        truth, predicted = _variation(rows, y, yy), _variation(rows, p, pp)
        product = np.sqrt(truth) * np.sqrt(predicted)
        found = {
            "rmse": np.sqrt(squares / rows),
            "mae": absolute / rows,
            "r2": np.where(truth > 0, 1 - _ratio(squares, truth), (squares <= 0).astype(float)),
            "pearson": np.clip(_ratio(yp - y * p / rows, product), -1.0, 1.0),
        }
        if logs:
            found["rmsle"] = np.sqrt(np.maximum(logs[0], 0.0) / rows)
        return {name: found[name] for name in scores}

    return Metric(statistics=statistics, finish=finish, layout=layout)


def _variation(rows: Floats, total: Floats, squares: Floats) -> Floats:
    """Sum of squares about the mean, 0 where it is rounding dust alone."""
    found = squares - total**2 / rows
    return np.where(found > _DUST * squares, found, 0.0)


def _ratio(above: Floats, below: Floats) -> Floats:
    """`above / below`, and 0 where there is nothing to divide by."""
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), 0.0)
