"""A metric is a sum: per-row statistics, and a function of their totals.

One definition gives the official score, every stratum, scoring in chunks, partial results that
merge, and the leave-one-group-out scores behind every interval (docs/decisions/0001).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Table = Mapping[str, Any]
"""Columns by name; the first axis of each is the rows, aligned by id. A matrix may be a sparse one:
`csr_array` [rows, genes]."""

Layout = Any
"""What a metric needs to know of a whole submission before it sees single rows; None if nothing."""


def no_layout(solution: Table, predictions: Table) -> None:
    """Most metrics need no layout."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """The official score of a competition.

    Attributes:
        statistics: `(solution, predictions, layout) -> [rows, k]`, float64, dense or scipy sparse.
        finish: `(sums [..., k], layout) -> {score name: [...]}`, vectorised over leading axes.
        layout: `(solution, predictions) -> Layout`, called once a submission over all its rows.
    """

    statistics: Callable[[Table, Table, Layout], Any]
    finish: Callable[[Floats, Layout], dict[str, Floats]]
    layout: Callable[[Table, Table], Layout] = no_layout

    def score(self, solution: Table, predictions: Table) -> dict[str, float]:
        """Score aligned rows once: a sum, then `finish`."""
        layout = self.layout(solution, predictions)
        sums = np.asarray(self.statistics(solution, predictions, layout).sum(axis=0)).reshape(-1)
        return {name: float(value) for name, value in self.finish(sums, layout).items()}
