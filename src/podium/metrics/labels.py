"""Scores of a column of labels, from how often each label is true, is said, and is both.

With t, p and h (said and true) of each label, c the rows that are right and n all rows,

    accuracy = c / n                        balanced accuracy = mean of h / t over labels with t > 0
    F1 of a label = 2 h / (t + p)           macro F1: their mean; weighted: by t; micro: accuracy
    MCC = (c n - sum t p) / sqrt((n^2 - sum p^2) (n^2 - sum t^2))

    QWK = 1 - n sum (a - b)^2 / sum over all pairs of rows (a - b)^2,   of labels that are numbers

as scikit-learn computes them (QWK: of labels without a gap); 0 by 0 is 0. Of labels that no row of
the truth has, those after the first twenty count as one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.competition.metric import Floats, Metric, Table, joined
from podium.competition.mlebench import average_precision_at_k
from podium.errors import SubmissionError

Classes = NDArray[np.object_]
"""Labels of the truth, sorted, and the first of those that only the predictions have: text."""
STRANGE = 20


def labels(target: str, *scores: str, positive: str | None = None) -> Metric:
    """The named scores of one column of labels.

    Args:
        target: The column, text.
        scores: Of `accuracy`, `balanced_accuracy`, `f1_macro`, `f1_micro`, `f1_weighted`, `mcc`,
            `qwk` (quadratic weighted kappa) of labels that are numbers, and with a positive label
            `f1`, `precision`, `recall` of it.
        positive: The label that `f1`, `precision` and `recall` are of.
    """
    if "qwk" in scores:
        rest = [name for name in scores if name != "qwk"]
        return joined(_kappa(target), *([labels(target, *rest, positive=positive)] * bool(rest)))

    def layout(solution: Table, predictions: Table) -> Classes:
        true, said = (np.unique(side[target].astype(object)) for side in (solution, predictions))
        return np.concatenate([true, np.setdiff1d(said, true)[:STRANGE]])

    def statistics(solution: Table, predictions: Table, classes: Classes) -> Any:
        """Sparse [rows, 3 * (classes + 1)]: a 1 where the label is true, is said, and is both."""
        from scipy.sparse import csr_array

        true, said = (_code(classes, side[target]) for side in (solution, predictions))
        rows, width = len(true), len(classes) + 1
        hit = true == said
        column = np.column_stack([true, width + said, 2 * width + said]).ravel()
        value = np.column_stack([np.ones(rows), np.ones(rows), hit]).ravel()
        return csr_array((value, column, np.arange(rows + 1) * 3), shape=(rows, 3 * width))

    def finish(sums: Floats, classes: Classes) -> dict[str, Floats]:
        true, said, hits = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, -1), -2, 0)
        figures = _all_labels(true, said, hits)
        if positive is not None:
            place = _code(classes, np.array([positive], dtype=object))[0]
            figures |= _one_label(true[..., place], said[..., place], hits[..., place])
        return {name: figures[name] for name in scores}

    return Metric(statistics=statistics, finish=finish, layout=layout)


def _kappa(target: str) -> Metric:
    """Quadratic weighted kappa (Cohen 1968), from sums of products of the labels."""

    def statistics(solution: Table, predictions: Table, layout: None) -> Floats:
        a, b = (_numbers(side[target]) for side in (solution, predictions))
        return np.column_stack([np.ones(len(a)), (a - b) ** 2, a, a**2, b, b**2])

    def finish(sums: Floats, layout: None) -> dict[str, Floats]:
        rows, apart, a, aa, b, bb = np.moveaxis(sums, -1, 0)
        return {"qwk": 1 - _ratio(rows * apart, rows * aa + rows * bb - 2 * a * b)}

    return Metric(statistics=statistics, finish=finish)


def _numbers(values: NDArray[Any]) -> Floats:
    """Labels as numbers.

    Raises:
        SubmissionError: If one is none, or is not finite.
    """
    texts = np.asarray(values, dtype=object)
    what = "Quadratic weighted kappa is of whole numbers."
    try:
        numbers = texts.astype(np.float64)
    except ValueError as error:
        raise SubmissionError(what, problems=[str(error)]) from error
    odd = texts[~np.isfinite(numbers)]
    if len(odd):
        raise SubmissionError(what, problems=[f"not finite: {str(odd[0])!r}"])
    return numbers


def ranked(target: str, *scores: str) -> Metric:
    """Scores of a column of ranked labels, the likeliest first, with spaces between them.

    `map@k`, the mean average precision of the first k: a row gets the mean of the precisions at
    the places where something true stands for the first time, over min(k, true labels) places; a
    row in which nothing is true gets 0.

    Args:
        target: The column, text; of the truth all that is true, in any order.
        scores: `map@K` for any K.
    """
    places = {name: int(name.removeprefix("map@")) for name in scores}

    def statistics(solution: Table, predictions: Table, layout: None) -> Floats:
        pairs = list(zip(solution[target], predictions[target], strict=True))
        found = [
            [
                1.0,
                *(
                    average_precision_at_k(set(str(true).split()), str(said).split(), k)
                    for k in places.values()
                ),
            ]
            for true, said in pairs
        ]
        return np.array(found, dtype=np.float64).reshape(len(pairs), 1 + len(places))

    def finish(sums: Floats, layout: None) -> dict[str, Floats]:
        return {name: sums[..., n + 1] / sums[..., 0] for n, name in enumerate(places)}

    return Metric(statistics=statistics, finish=finish)


def _all_labels(true: Floats, said: Floats, hits: Floats) -> dict[str, Floats]:
    """Scores over all labels, from counts [..., labels]."""
    rows, right = true.sum(axis=-1), hits.sum(axis=-1)
    f1 = _ratio(2 * hits, true + said)
    there, known = (true + said > 0.5).sum(axis=-1), (true > 0.5).sum(axis=-1)
    spread_said = np.sqrt(np.maximum(rows**2 - (said**2).sum(axis=-1), 0.0))
    spread_true = np.sqrt(np.maximum(rows**2 - (true**2).sum(axis=-1), 0.0))
    together = right * rows - (true * said).sum(axis=-1)
    return {
        "accuracy": right / rows,
        "balanced_accuracy": _ratio(hits, true).sum(axis=-1) / known,
        "f1_macro": f1.sum(axis=-1) / there,
        "f1_micro": right / rows,
        "f1_weighted": (true * f1).sum(axis=-1) / rows,
        "mcc": _ratio(together, spread_said * spread_true),
    }


def _one_label(true: Floats, said: Floats, hits: Floats) -> dict[str, Floats]:
    return {
        "f1": _ratio(2 * hits, true + said),
        "precision": _ratio(hits, said),
        "recall": _ratio(hits, true),
    }


def _code(classes: Classes, values: NDArray[Any]) -> NDArray[np.int64]:
    """The number of each label; the last for those beyond."""
    import pandas as pd

    codes = pd.Index(classes).get_indexer(pd.Index(np.asarray(values, dtype=object)))
    return np.where(codes < 0, len(classes), codes).astype(np.int64)


def _ratio(above: Floats, below: Floats) -> Floats:
    # counts; leaving a group out may leave rounding dust behind, and NaN stays NaN
    known = ~(below <= 0.5)
    return np.where(known, above / np.where(known, below, 1.0), 0.0)
