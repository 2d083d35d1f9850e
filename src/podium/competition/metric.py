"""A metric is a sum: per-row statistics, and a function of their totals.

One definition gives the official score, every stratum, scoring in chunks, partial results that
merge, and the leave-one-group-out scores behind every interval (docs/decisions/0001).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Table = Mapping[str, Any]
"""Columns by name; the first axis of each is the rows, aligned by id. A matrix may be a sparse one:
`csr_array` [rows, genes]."""

ANSWERS = "answer rows"
"""Of a solution for a metric of others: the organiser's rows as they are."""

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
        exact: `(solution, predictions) -> {score name: value}` of scores that `finish` gives only
            nearly, such as AUC from binned counts (docs/decisions/0026). It is asked for any rows,
            and what it says is shown; sums say how that moves without a group.
        pooled: Whether rows of different models may be scored together. Where rows are compared
            with each other, as by ranks or within groups, what differs between the models of two
            folds would count as well: cross-validation then gives the mean of its folds.
        whole: `(solution, predictions) -> {score name: value}` of a metric that is no sum; see
            `whole_metric`.
        others: `(answers, submission) -> float` of a metric of others, as it is; its solution has
            the organiser's rows, too, as `ANSWERS`.
    """

    statistics: Callable[[Table, Table, Layout], Any]
    finish: Callable[[Floats, Layout], dict[str, Floats]]
    layout: Callable[[Table, Table], Layout] = no_layout
    exact: Callable[[Table, Table], Mapping[str, float]] | None = None
    pooled: bool = True
    whole: Callable[[Table, Table], Mapping[str, float]] | None = None
    others: Callable[[pd.DataFrame, pd.DataFrame], float] | None = None

    def score(self, solution: Table, predictions: Table) -> dict[str, float]:
        """Score aligned rows once: a sum, then `finish`; exact values where there are such."""
        if self.whole is not None:
            return {name: float(value) for name, value in self.whole(solution, predictions).items()}
        layout = self.layout(solution, predictions)
        sums = np.asarray(self.statistics(solution, predictions, layout).sum(axis=0)).reshape(-1)
        return self.finished(sums, layout, solution, predictions)

    def finished(
        self, sums: Floats, layout: Layout, solution: Table, predictions: Table
    ) -> dict[str, float]:
        """The scores of some rows, from their sums [k] and, for exact values, the rows."""
        scores = {name: float(value) for name, value in self.finish(sums, layout).items()}
        return {**scores, **(self.exact(solution, predictions) if self.exact else {})}


def joined(*metrics: Metric) -> Metric:
    """One metric that gives the scores of several, from their sums side by side.

    Args:
        metrics: Any but those of `whole_metric`; of scores with one name, the last counts.
    """
    return _together(metrics, lambda scores: {n: v for one in scores for n, v in one.items()})


def averaged(*metrics: Metric) -> Metric:
    """The mean of the scores of several metrics, as of one for each column: RMSE by columns.

    Args:
        metrics: Any but those of `whole_metric`, with the same scores.
    """

    def mean(scores: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {name: sum(one[name] for one in scores) / len(scores) for name in scores[0]}

    return _together(metrics, mean)


def weighted(metric: Metric, by: str) -> Metric:
    """A metric in which each row counts by its weight.

    Args:
        metric: A sum over rows: any but those of `whole_metric` and those with exact values.
        by: The kind of group in `metric_by` that has the weights, numbers above 0.
    """
    if metric.whole is not None or metric.exact is not None:
        raise ValueError("only a metric that is a sum over rows can be weighted")

    def layout(solution: Table, predictions: Table) -> tuple[Layout, float]:
        return metric.layout(solution, predictions), float(np.mean(_weights(solution)))

    def _weights(solution: Table) -> Floats:
        return np.asarray(solution[by], dtype=np.float64)

    def statistics(solution: Table, predictions: Table, of: tuple[Layout, float]) -> Any:
        from scipy.sparse import csr_array, diags_array

        rows = csr_array(metric.statistics(solution, predictions, of[0]))
        return csr_array(diags_array(_weights(solution) / of[1]) @ rows)

    def finish(sums: Floats, of: tuple[Layout, float]) -> dict[str, Floats]:
        return metric.finish(sums, of[0])

    return Metric(statistics=statistics, finish=finish, layout=layout, pooled=metric.pooled)


def _together(
    metrics: Sequence[Metric], combined: Callable[[Sequence[Mapping[str, Any]]], dict[str, Any]]
) -> Metric:
    """Several metrics as one, whose scores are combined."""

    def statistics(solution: Table, predictions: Table, layouts: list[tuple[Layout, slice]]) -> Any:
        from scipy.sparse import csr_array, hstack

        columns = [
            csr_array(metric.statistics(solution, predictions, layout))
            for metric, (layout, _) in zip(metrics, layouts, strict=True)
        ]
        return hstack(columns, format="csr")

    def layout(solution: Table, predictions: Table) -> list[tuple[Layout, slice]]:
        none = np.zeros(0, dtype=np.int64)
        tables = some_rows(solution, none), some_rows(predictions, none)
        layouts, start = [], 0
        for metric in metrics:
            own = metric.layout(solution, predictions)
            width = metric.statistics(*tables, own).shape[1]
            layouts.append((own, slice(start, start + width)))
            start += width
        return layouts

    def finish(sums: Floats, layouts: list[tuple[Layout, slice]]) -> dict[str, Floats]:
        return combined(
            [
                metric.finish(sums[..., columns], layout)
                for metric, (layout, columns) in zip(metrics, layouts, strict=True)
            ]
        )

    def exact(solution: Table, predictions: Table) -> dict[str, float]:
        return combined([one(solution, predictions) for one in exacts])

    exacts = [metric.exact for metric in metrics if metric.exact]
    return Metric(
        statistics=statistics,
        finish=finish,
        layout=layout,
        exact=exact if exacts else None,
        pooled=all(metric.pooled for metric in metrics),
    )


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Layout of a metric that is no sum: all rows, and the cell that each lies in.

    A union of cells is the sum of their unit vectors [..., cells], so all that is made of sums is
    made of these, too; only that the metric runs anew for each.
    """

    solution: Table
    predictions: Table
    cell: NDArray[np.int64]


def whole_metric(
    score: Callable[[Table, Table], Mapping[str, float]],
    prepared: Callable[[Table, Table], tuple[Table, Table]] = lambda *tables: tables,
) -> Metric:
    """A metric that is no function of sums: any function of two aligned tables.

    The generic, slower path: it runs once for the rows that are asked for and once without each
    of at most 64 buckets of whole groups.

    Args:
        score: The function.
        prepared: Makes what it is given, once from all rows, whichever of them are scored.
    """

    def statistics(solution: Table, predictions: Table, layout: Rows) -> Floats:
        return np.eye(int(layout.cell.max(initial=-1)) + 1)[layout.cell]

    def layout(solution: Table, predictions: Table) -> Rows:
        solution, predictions = prepared(solution, predictions)
        rows = len(next(iter(predictions.values())))
        return Rows(solution=solution, predictions=predictions, cell=np.zeros(rows, np.int64))

    def whole(solution: Table, predictions: Table) -> Mapping[str, float]:
        return score(*prepared(solution, predictions))

    def finish(sums: Floats, rows: Rows) -> dict[str, Floats]:
        chosen = sums.reshape(-1, sums.shape[-1]) > 0.5
        scores = [score(*(some_rows(t, one[rows.cell]) for t in _tables(rows))) for one in chosen]
        shape = sums.shape[:-1]
        return {name: np.array([f[name] for f in scores]).reshape(shape) for name in scores[0]}

    return Metric(statistics=statistics, finish=finish, layout=layout, whole=whole)


def _tables(rows: Rows) -> tuple[Table, Table]:
    return rows.solution, rows.predictions


def some_rows(table: Table, rows: NDArray[Any]) -> dict[str, Any]:
    """These rows of a table: positions or a mask."""
    return {name: column[rows] for name, column in table.items()}
