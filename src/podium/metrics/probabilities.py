"""Scores of predicted probabilities: of one class, or of each of several.

    log loss = -sum ln(probability of what is true) / n
    Brier = sum over the columns (probability - truth)^2 / n

as scikit-learn computes them (probabilities are kept 2.2e-16 away from 0 and 1 in the logarithm).
With a column for each class the probabilities of a row are divided by their sum first, and rows
of zeros are all classes alike.

and of one column at the threshold of .5

    sensitivity = share of the positive rows above it       specificity = of the others not above

    AUC = share of the pairs of a positive and a negative row that are in the right order
    average precision = mean over the positive rows of the precision down to that row

are no sums. They are computed exactly, by one sort, and beside that from counts of both classes in
512 bins, which are sums, for all that moves when groups are left out (docs/decisions/0026). Ties
count half in AUC and stand together in precision. Without both classes AUC is 0.5, without positive
rows average precision, sensitivity and the like are 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.competition.metric import Floats, Metric, Table

BINS = 512
"""Of the predictions of a whole submission, each with the same share of its rows."""
_LEAST = float(np.finfo(np.float64).eps)


def probabilities(targets: str | tuple[str, ...], *scores: str) -> Metric:
    """The named scores of probabilities.

    Args:
        targets: The column of the positive class (truth 0 or 1), or one column for each class
            (truth 1 in one of them).
        scores: Of `log_loss`, `brier`, `accuracy`, and of one column `sensitivity`, `specificity`.
    """
    names = (targets,) if isinstance(targets, str) else targets

    def both(table: Table, *, scale: bool) -> Floats:
        """Columns of all classes [rows, classes]; of one column also its complement."""
        values = np.column_stack([table[name] for name in names]).astype(np.float64)
        if len(names) == 1:
            return np.column_stack([1 - values[:, 0], values[:, 0]])
        total = values.sum(axis=1, keepdims=True)
        even = np.full_like(values, 1 / len(names))
        return (
            np.where(total > 0, values / np.where(total > 0, total, 1), even) if scale else values
        )

    def statistics(solution: Table, predictions: Table, layout: None) -> Floats:
        truth, said = both(solution, scale=False), both(predictions, scale=True)
        kept = np.clip(said, _LEAST, 1 - _LEAST)
        loss = -np.where(truth > 0.5, np.log(kept), 0.0).sum(axis=1)
        squares = ((said - truth) ** 2).sum(axis=1) / (2 if len(names) == 1 else 1)
        right = truth[np.arange(len(truth)), said.argmax(axis=1)] > 0.5
        positive = truth[:, -1] > 0.5
        return np.column_stack(
            [np.ones(len(truth)), loss, squares, right, positive, positive & right]
        )

    def finish(sums: Floats, layout: None) -> dict[str, Floats]:
        rows, loss, squares, right, positive, hits = np.moveaxis(sums, -1, 0)
        figures = {
            "log_loss": loss / rows,
            "brier": squares / rows,
            "accuracy": right / rows,
            "sensitivity": _share(hits, positive),
            "specificity": _share(right - hits, rows - positive),
        }
        return {name: figures[name] for name in scores}

    return Metric(statistics=statistics, finish=finish)


def ranking(target: str, *scores: str, within: str = "") -> Metric:
    """The named scores of a column that ranks the rows: truth 0 or 1, predictions any numbers.

    Args:
        target: The column.
        scores: Of `auc`, `average_precision`, and `auc_within`: of pairs of rows of one group.
        within: The column of the answers that has these groups (`metric_by`). No group may lie in
            two of the independent units; rows left out are then whole groups.
    """
    grouped = "auc_within" in scores

    def columns(solution: Table, predictions: Table) -> tuple[Any, Floats, Any]:
        group = np.asarray(solution[within], dtype=object) if grouped else None
        return solution[target] > 0.5, np.asarray(predictions[target], np.float64), group

    known: dict[str, Callable[[Any, Floats, Any], float]] = {
        "auc": lambda truth, said, _: auc(truth, said),
        "average_precision": lambda truth, said, _: average_precision(truth, said),
        "auc_within": auc,
    }

    def exact(solution: Table, predictions: Table) -> dict[str, float]:
        rows = columns(solution, predictions)
        return {name: known[name](*rows) for name in scores}

    def layout(solution: Table, predictions: Table) -> tuple[_Bins, _Pairs | None]:
        truth, said, group = columns(solution, predictions)
        return _Bins.of(said), _Pairs.of(truth, said, group) if grouped else None

    def statistics(solution: Table, predictions: Table, layout: tuple[_Bins, _Pairs | None]) -> Any:
        """Sparse [rows, 2 * bins]: a 1 where the row lies; within groups its wins and pairs."""
        from scipy.sparse import csr_array, hstack

        (bins, pairs), (truth, said, group) = layout, columns(solution, predictions)
        rows, count = len(said), len(bins.edges) + 1
        place = np.searchsorted(bins.edges, said, side="right") + count * truth
        counts = csr_array((np.ones(rows), place, np.arange(rows + 1)), shape=(rows, 2 * count))
        if pairs is None:
            return counts
        return hstack([counts, csr_array(pairs.of_rows(truth, said, group) / 2)], format="csr")

    def finish(sums: Floats, layout: tuple[_Bins, _Pairs | None]) -> dict[str, Floats]:
        bins, _ = layout
        count = len(bins.edges) + 1
        negative, positive = sums[..., :count], sums[..., count : 2 * count]
        figures: dict[str, Callable[[], Floats]] = {
            "auc": lambda: _binned_auc(negative, positive),
            "average_precision": lambda: _binned_precision(negative, positive, bins.tied),
            "auc_within": lambda: _share(sums[..., -2], sums[..., -1], none=0.5),
        }
        return {name: figures[name]() for name in scores}

    return Metric(statistics=statistics, finish=finish, layout=layout, exact=exact, pooled=False)


def auc(truth: NDArray[np.bool_], said: Floats, group: NDArray[Any] | None = None) -> float:
    """Area under the ROC curve: pairs that are in the right order (Mann and Whitney 1947).

    Args:
        truth: Which rows are positive [rows].
        said: What ranks them [rows].
        group: Only pairs of rows of one group count, where it is given [rows].
    """
    pairs = _Pairs.of(truth, said, np.zeros(len(said), np.int64) if group is None else group)
    wins = (pairs.positive * (pairs.below + pairs.negative / 2)).sum()
    return float(_share(wins, (pairs.positive * pairs.all_negative).sum(), none=0.5))


def average_precision(truth: NDArray[np.bool_], said: Floats) -> float:
    """Sum over thresholds of precision times the recall that each adds."""
    positive = int(truth.sum())
    if not positive:
        return 0.0
    ordered, place = np.unique(-said, return_inverse=True)
    hits, all_rows = np.bincount(place[truth], minlength=len(ordered)), np.bincount(place)
    return float((hits * np.cumsum(hits) / np.cumsum(all_rows)).sum() / positive)


@dataclass(frozen=True, kw_only=True)
class _Bins:
    """Bins of predictions.

    Attributes:
        edges: Where each bin but the lowest begins [bins - 1].
        tied: Whether all predictions of a bin are the same [bins].
    """

    edges: Floats
    tied: NDArray[np.bool_]

    @classmethod
    def of(cls, said: Floats) -> _Bins:
        ordered = np.sort(said)
        values = np.unique(ordered)
        if len(values) > BINS:
            edges = np.unique(ordered[np.arange(1, BINS) * len(ordered) // BINS])
        else:
            edges = values[1:]
        different = np.bincount(
            np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1
        )
        return cls(edges=edges, tied=different < 2)


@dataclass(frozen=True, kw_only=True)
class _Pairs:
    """Rows of one group and prediction as a cell: what each wins against rows of its group.

    Attributes:
        groups: All groups [groups].
        values: All predictions, sorted [values].
        keys: The place of the group, times how many values there are, plus that of the value:
            sorted [cells].
        negative, positive: Rows of the cell [cells].
        below, above: Negative rows of its group below it, and positive rows above it [cells].
        all_negative, all_positive: Rows of its group [cells].
    """

    groups: Any
    values: Floats
    keys: NDArray[np.int64]
    negative: NDArray[np.int64]
    positive: NDArray[np.int64]
    below: NDArray[np.int64]
    above: NDArray[np.int64]
    all_negative: NDArray[np.int64]
    all_positive: NDArray[np.int64]

    @classmethod
    def of(cls, truth: NDArray[np.bool_], said: Floats, group: NDArray[Any]) -> _Pairs:
        import pandas as pd

        code, groups = pd.factorize(group)
        values, level = np.unique(said, return_inverse=True)
        keys, place = np.unique(code * len(values) + level, return_inverse=True)
        owner = keys // max(1, len(values))
        negative, positive = (
            np.bincount(place[rows], minlength=len(keys)) for rows in (~truth, truth)
        )
        all_negative, all_positive = (
            np.bincount(owner, count, len(groups)).astype(np.int64)
            for count in (negative, positive)
        )
        down = np.cumsum(negative) - negative - (np.cumsum(all_negative) - all_negative)[owner]
        up = np.cumsum(all_positive)[owner] - np.cumsum(positive)
        return cls(
            groups=pd.Index(groups),
            values=values,
            keys=keys,
            negative=negative,
            positive=positive,
            below=down,
            above=up,
            all_negative=all_negative[owner],
            all_positive=all_positive[owner],
        )

    def of_rows(self, truth: NDArray[np.bool_], said: Floats, group: NDArray[Any]) -> Floats:
        """Pairs that each row wins, ties half, and all of its pairs [rows, 2]."""
        level = np.searchsorted(self.values, said)
        key = self.groups.get_indexer(group) * len(self.values) + level
        place = np.searchsorted(self.keys, key)
        low = self.below[place] + self.negative[place] / 2
        high = self.above[place] + self.positive[place] / 2
        return np.column_stack(
            [
                np.where(truth, low, high),
                np.where(truth, self.all_negative[place], self.all_positive[place]),
            ]
        )


def _binned_auc(negative: Floats, positive: Floats) -> Floats:
    """From counts [..., bins]: rows of one bin are tied."""
    below = np.cumsum(negative, axis=-1) - negative / 2
    pairs = negative.sum(axis=-1) * positive.sum(axis=-1)
    return _share((positive * below).sum(axis=-1), pairs, none=0.5)


def _binned_precision(negative: Floats, positive: Floats, tied: NDArray[np.bool_]) -> Floats:
    """From counts [..., bins]: rows of one bin are spread evenly, unless they are tied."""
    hits, rows = positive[..., ::-1], (negative + positive)[..., ::-1]
    spread = np.where(tied[::-1], 0.0, 0.5)
    hits_down = np.cumsum(hits, axis=-1) - spread * np.maximum(hits - 1, 0)
    rows_down = np.cumsum(rows, axis=-1) - spread * np.maximum(rows - 1, 0)
    gained = (hits * _share(hits_down, rows_down)).sum(axis=-1)
    return _share(gained, positive.sum(axis=-1))


def _share(some: Any, of: Any, none: float = 0.0) -> Floats:
    """Their ratio; of nothing, or of the rounding dust of groups left out, `none`."""
    there = np.asarray(of) > 0.25
    return np.where(there, some / np.where(there, of, 1.0), none)
