"""Where the predictions of two submissions differ, whoever is right: no answer enters here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from podium.competition.metric import Table
    from podium.data.dataset import Data

MOST = 10
"""Rows and columns that are named."""


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """Where predictions differ, whoever is right.

    Attributes:
        agreement: Pearson's correlation of numbers; of labels the share of rows on which they
            agree once the second's are named after the first's they overlap most with.
        rows: The rows that differ most: `id`, `first`, `second`, or `distance` for matrices.
        groups: For labels, the share of rows that differ by slice; for matrices, the columns that
            differ most.
    """

    agreement: float | None
    rows: Sequence[Mapping[str, Any]]
    groups: Mapping[str, float] = field(default_factory=dict)


def disagreement(data: Data, first: Table, second: Table) -> Disagreement:
    """Where predictions of the test rows differ; answers do not enter."""
    part = data.part("test")
    ids = np.asarray(part.ids, dtype=object)
    target = data.competition.targets[0]
    a, b = first[target.name], second[target.name]
    if target.matrix:
        return _of_matrices(ids, a, b, data.genes)
    if not target.label:
        return _of_numbers(ids, a, b)
    kinds = [kind for kind in data.competition.metric_by if kind in part.features]
    within = part.features[kinds[0]].to_numpy(object) if kinds else np.zeros(len(ids), dtype=int)
    return _of_labels(ids, a, b, within)


def _of_numbers(ids: NDArray[Any], a: NDArray[Any], b: NDArray[Any]) -> Disagreement:
    far = np.argsort(-np.abs(a - b), kind="stable")[:MOST]
    varies = np.ptp(a) > 0 and np.ptp(b) > 0
    return Disagreement(
        agreement=float(np.corrcoef(a, b)[0, 1]) if varies else None,
        rows=[
            {"id": str(ids[k]), "first": float(a[k]), "second": float(b[k])}
            for k in far
            if a[k] != b[k]
        ],
    )


def _of_labels(
    ids: NDArray[Any], a: NDArray[Any], b: NDArray[Any], within: NDArray[Any]
) -> Disagreement:
    """Clusters have no names: in each slice those of one are matched with the other's."""
    import pandas as pd
    from scipy.optimize import linear_sum_assignment

    differ = np.zeros(len(ids), dtype=bool)
    shares = {}
    for name in pd.unique(within):
        rows = np.flatnonzero(within == name)
        table = pd.crosstab(a[rows], b[rows])
        mine, yours = linear_sum_assignment(-table.to_numpy())
        named = dict(zip(table.columns[yours], table.index[mine], strict=True))
        differ[rows] = pd.Series(b[rows]).map(named).to_numpy(object) != a[rows]
        shares[str(name)] = float(differ[rows].mean())
    some = np.flatnonzero(differ)[:MOST]
    return Disagreement(
        agreement=float(1 - differ.mean()),
        rows=[{"id": str(ids[k]), "first": str(a[k]), "second": str(b[k])} for k in some],
        groups=dict(sorted(shares.items(), key=lambda item: -item[1])),
    )


def _of_matrices(ids: NDArray[Any], a: Any, b: Any, genes: Sequence[str]) -> Disagreement:
    """Sums of absolute differences by row and by column, a block of rows at a time."""
    rows = np.zeros(len(ids))
    columns = np.zeros(len(genes))
    moments = np.zeros(5)
    step = max(1, (1 << 21) // max(1, len(genes)))
    for start in range(0, len(ids), step):
        block = slice(start, start + step)
        x, y = (_dense(matrix[block]) for matrix in (a, b))
        gap = np.abs(x - y)
        rows[block], columns = gap.sum(axis=1), columns + gap.sum(axis=0)
        moments += [x.sum(), y.sum(), (x * x).sum(), (y * y).sum(), (x * y).sum()]
    count = max(1, len(ids) * len(genes))
    x1, y1, x2, y2, xy = moments / count
    spread = float(np.sqrt(max(x2 - x1 * x1, 0.0) * max(y2 - y1 * y1, 0.0)))
    far = np.argsort(-rows, kind="stable")[:MOST]
    wide = np.argsort(-columns, kind="stable")[:MOST]
    return Disagreement(
        agreement=float(xy - x1 * y1) / spread if spread else None,
        rows=[{"id": str(ids[k]), "distance": float(rows[k])} for k in far if rows[k]],
        groups={str(genes[k]): float(columns[k]) for k in wide if columns[k]},
    )


def _dense(matrix: Any) -> NDArray[np.float64]:
    dense: Any = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    return np.asarray(dense, dtype=np.float64)
