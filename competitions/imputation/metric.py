"""Which zeros were called dropouts, and how far the imputed counts are from the truth.

Only zero entries of the observed matrix count: a submission can change no other. An entry is called
a dropout if its imputed value is above 0, and is one if its true count is.

    precision = hits / called             recall = hits / dropouts
    F1 = 2 hits / (called + dropouts)     MCC = (hits zeros - called dropouts) / sqrt(
                                called dropouts (zeros - called) (zeros - dropouts))
    distance = sqrt(sum (truth - imputed)^2)           ratio = distance / sqrt(sum truth^2)
    log1p RMSE = sqrt(sum over dropouts (ln(1 + truth) - ln(1 + imputed))^2 / dropouts)

(MCC: Matthews 1975, doi:10.1016/0005-2795(75)90109-9.) A quotient of 0 by 0 is 0. Where no count
was lost, which a single cell may be, the ratio is the distance itself: as if one molecule were.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from podium.metrics import Floats, Metric, Table

TARGET = "count"
OBSERVED = "observed"
BLOCK = 1 << 21
"""Entries that are looked at in one go: what bounds the memory."""


class Sums(NamedTuple):
    """What is summed over the zero entries of each row, in the order of the columns.

    Attributes:
        called: Entries imputed above 0.
        dropouts: Entries whose true count is above 0.
        zeros: All of them.
        hits: Dropouts that were called.
        after: Squared distance of the imputed counts to the true ones.
        before: That of the zeros.
        log_error: Squared difference of ln(1 + count) of the dropouts.
    """

    called: Floats
    dropouts: Floats
    zeros: Floats
    hits: Floats
    after: Floats
    before: Floats
    log_error: Floats


def statistics(solution: Table, predictions: Table, layout: None) -> Floats:
    """The seven sums of each row.

    Args:
        solution: `count` and `observed`: true and observed counts, sparse [rows, genes].
        predictions: `count`: imputed counts, dense or sparse [rows, genes].
        layout: None.

    Returns:
        Columns as in `Sums` [rows, 7].
    """
    truth, observed, imputed = solution[TARGET], solution[OBSERVED], predictions[TARGET]
    rows, genes = truth.shape
    step = max(1, BLOCK // max(1, genes))
    found = np.empty((rows, len(Sums._fields)))
    for start in range(0, rows, step):
        block = slice(start, start + step)
        found[block] = _of_block(*(dense(matrix[block]) for matrix in (truth, observed, imputed)))
    return found


def dense(matrix: Any) -> NDArray[Any]:
    """A matrix as an array, whichever it is."""
    found: Any = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    return np.asarray(found)


def _of_block(truth: NDArray[Any], observed: NDArray[Any], imputed: NDArray[Any]) -> Floats:
    """The sums of rows that are held densely [rows, 7]."""
    zero = observed == 0
    called, dropout = (imputed > 0) & zero, (truth > 0) & zero
    error = np.where(zero, np.subtract(truth, imputed, dtype=np.float64), 0.0)
    lost = truth[dropout].astype(np.float64)
    log_error = np.log1p(lost) - np.log1p(imputed[dropout], dtype=np.float64)
    row = np.repeat(np.arange(len(truth)), dropout.sum(axis=1))
    sums = Sums(
        called=called.sum(axis=1),
        dropouts=dropout.sum(axis=1),
        zeros=zero.sum(axis=1),
        hits=(called & dropout).sum(axis=1),
        after=np.einsum("rg,rg->r", error, error),
        before=_by_row(row, lost**2, len(truth)),
        log_error=_by_row(row, log_error**2, len(truth)),
    )
    return np.stack(sums, axis=-1, dtype=np.float64)


def _by_row(row: NDArray[np.int64], values: Floats, rows: int) -> Floats:
    return np.bincount(row, values, minlength=rows).astype(np.float64, copy=False)


def finish(sums: Floats, layout: None) -> dict[str, Floats]:
    """Scores from totals.

    Args:
        sums: Columns as in `Sums` [..., 7].
        layout: None.
    """
    # Totals without a group may fall below 0 by rounding.
    total = Sums(*np.moveaxis(np.maximum(sums, 0.0), -1, 0))
    kept, real = total.zeros - total.called, total.zeros - total.dropouts
    distance = np.sqrt(total.after)
    return {
        "f1": _share(2 * total.hits, total.called + total.dropouts),
        "mcc": _share(
            total.hits * total.zeros - total.called * total.dropouts,
            np.sqrt(total.called * total.dropouts) * np.sqrt(kept * real),
        ),
        "ratio": distance / np.sqrt(np.maximum(total.before, 1.0)),
        "precision": _share(total.hits, total.called),
        "recall": _share(total.hits, total.dropouts),
        "distance": distance,
        "log1p_rmse": np.sqrt(_share(total.log_error, total.dropouts)),
        "distance_before": np.sqrt(total.before),
        "called": total.called,
        "dropouts": total.dropouts,
        "zeros": total.zeros,
    }


def _share(above: Floats, below: Floats) -> Floats:
    return above / np.where(below == 0, 1.0, below)


metric = Metric(statistics=statistics, finish=finish)
