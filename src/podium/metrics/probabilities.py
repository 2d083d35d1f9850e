"""Scores of predicted probabilities: of one class, or of each of several.

    log loss = -sum ln(probability of what is true) / n
    Brier = sum over the columns (probability - truth)^2 / n

as scikit-learn computes them (probabilities are kept 2.2e-16 away from 0 and 1 in the logarithm).
With a column for each class the probabilities of a row are divided by their sum first, and rows
of zeros are all classes alike.

    AUC = share of the pairs of a positive and a negative row that are in the right order
    average precision = mean over the positive rows of the precision down to that row

are no sums; they take the generic path. Ties count half in AUC and stand together in precision.
Without both classes AUC is 0.5, without positive rows average precision is 0.
"""

from __future__ import annotations

import numpy as np

from podium.competition.metric import Floats, Metric, Table, whole_metric

_LEAST = float(np.finfo(np.float64).eps)


def probabilities(targets: str | tuple[str, ...], *scores: str) -> Metric:
    """The named scores of probabilities.

    Args:
        targets: The column of the positive class (truth 0 or 1), or one column for each class
            (truth 1 in one of them).
        scores: Of `log_loss`, `brier`, `accuracy`.
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
        return np.column_stack([np.ones(len(truth)), loss, squares, right])

    def finish(sums: Floats, layout: None) -> dict[str, Floats]:
        rows, loss, squares, right = np.moveaxis(sums, -1, 0)
        figures = {"log_loss": loss / rows, "brier": squares / rows, "accuracy": right / rows}
        return {name: figures[name] for name in scores}

    return Metric(statistics=statistics, finish=finish)


def ranking(target: str, *scores: str) -> Metric:
    """The named scores of a column that ranks the rows: truth 0 or 1, predictions any numbers.

    Args:
        target: The column.
        scores: Of `auc`, `average_precision`.
    """
    known = {"auc": auc, "average_precision": average_precision}

    def score(solution: Table, predictions: Table) -> dict[str, float]:
        truth, said = solution[target] > 0.5, np.asarray(predictions[target])
        return {name: known[name](truth, said) for name in scores}

    return whole_metric(score)


def auc(truth: Floats, said: Floats) -> float:
    """Area under the ROC curve, by the ranks of the positive rows (Mann and Whitney 1947)."""
    positive = int(truth.sum())
    negative = len(truth) - positive
    if not positive or not negative:
        return 0.5
    _, place, count = np.unique(said, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2
    wins = rank[place][truth].sum() - positive * (positive + 1) / 2
    return float(wins / (positive * negative))


def average_precision(truth: Floats, said: Floats) -> float:
    """Sum over thresholds of precision times the recall that each adds."""
    positive = int(truth.sum())
    if not positive:
        return 0.0
    ordered, place = np.unique(-said, return_inverse=True)
    hits, all_rows = np.bincount(place[truth], minlength=len(ordered)), np.bincount(place)
    return float((hits * np.cumsum(hits) / np.cumsum(all_rows)).sum() / positive)
