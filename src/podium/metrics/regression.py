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

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from podium.competition.metric import Floats, Metric, Table

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
    needed = [name for name in _SUMMED if any(name in _OF[score] for score in scores)]

    def layout(solution: Table, predictions: Table) -> Shift:
        return Shift(float(np.mean(solution[target])), float(np.mean(predictions[target])))

    def statistics(solution: Table, predictions: Table, shift: Shift) -> Floats:
        rows = _Rows(solution[target], predictions[target], shift)
        return np.column_stack([_SUMMED[name](rows) for name in needed])

    def finish(sums: Floats, shift: Shift) -> dict[str, Floats]:
        totals = dict(zip(needed, np.moveaxis(sums, -1, 0), strict=True))
        return {name: _FINISH[name](totals) for name in scores}

    return Metric(statistics=statistics, finish=finish, layout=layout)


@dataclass(frozen=True)
class _Rows:
    """Columns [rows], and what several sums are made of."""

    truth: Floats
    predicted: Floats
    shift: Shift

    @cached_property
    def error(self) -> Floats:
        return self.predicted - self.truth

    @cached_property
    def y(self) -> Floats:
        return self.truth - self.shift.truth

    @cached_property
    def p(self) -> Floats:
        return self.predicted - self.shift.predicted


_SUMMED: dict[str, Callable[[_Rows], Floats]] = {
    "rows": lambda of: np.ones_like(of.error),
    "absolute": lambda of: np.abs(of.error),
    "squares": lambda of: of.error**2,
    "y": lambda of: of.y,
    "yy": lambda of: of.y**2,
    "p": lambda of: of.p,
    "pp": lambda of: of.p**2,
    "yp": lambda of: of.y * of.p,
    "logs": lambda of: (np.log1p(of.predicted) - np.log1p(of.truth)) ** 2,
}
"""What is summed over the rows."""
_OF = {
    "rmse": ("rows", "squares"),
    "mae": ("rows", "absolute"),
    "rmsle": ("rows", "logs"),
    "r2": ("rows", "squares", "y", "yy"),
    "pearson": ("rows", "y", "yy", "p", "pp", "yp"),
}
"""The sums that each score is made of: nothing is summed that no score needs."""


def _r2(of: Mapping[str, Floats]) -> Floats:
    squares, truth = _positive(of["squares"]), _variation(of["rows"], of["y"], of["yy"])
    return np.where(truth > 0, 1 - _ratio(squares, truth), (squares <= 0).astype(float))


def _pearson(of: Mapping[str, Floats]) -> Floats:
    rows = of["rows"]
    truth, predicted = _variation(rows, of["y"], of["yy"]), _variation(rows, of["p"], of["pp"])
    product = np.sqrt(truth) * np.sqrt(predicted)
    return np.clip(_ratio(of["yp"] - of["y"] * of["p"] / rows, product), -1.0, 1.0)


_FINISH: dict[str, Callable[[Mapping[str, Floats]], Floats]] = {
    "rmse": lambda of: np.sqrt(_positive(of["squares"]) / of["rows"]),
    "mae": lambda of: np.asarray(of["absolute"] / of["rows"]),
    "rmsle": lambda of: np.sqrt(_positive(of["logs"]) / of["rows"]),
    "r2": _r2,
    "pearson": _pearson,
}
"""What is made of the sums."""


def _positive(squares: Floats) -> Floats:
    """Leaving a group out may leave rounding dust behind."""
    return np.maximum(squares, 0.0)


def _variation(rows: Floats, total: Floats, squares: Floats) -> Floats:
    """Sum of squares about the mean, 0 where it is only rounding error."""
    variation = squares - total**2 / rows
    return np.where(variation > _DUST * squares, variation, 0.0)


def _ratio(above: Floats, below: Floats) -> Floats:
    """`above / below`, and 0 where there is nothing to divide by."""
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), 0.0)
