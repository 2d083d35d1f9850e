"""The official score of the siRNA efficacy competition.

    score = 0.5 * (1 - MAE / 100) + 0.5 * F1 * (1 - rangeMAE / 100)

F1 is that of the class "remaining < 30 %" (strict) for truth and prediction; rangeMAE is the mean
absolute error over the rows whose *prediction* lies in [0, 30], and 100 when there are none. F1
without true positives is 0, where the organiser's script divides 0 by 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from podium.metrics import Floats, Metric, Table

TARGET = "mRNA_remaining_pct"
THRESHOLD = 30.0
EMPTY_RANGE_MAE = 100.0


def statistics(solution: Table, predictions: Table, layout: Any) -> Floats:
    """Per row: 1, |error|, true positive, false positive, false negative, in range, |error| there.

    Args:
        solution: Column `mRNA_remaining_pct`, percent, [rows].
        predictions: The same column as predicted.
        layout: Not needed.

    Returns:
        [rows, 7]
    """
    truth, predicted = solution[TARGET], predictions[TARGET]
    error = np.abs(truth - predicted)
    positive, called = truth < THRESHOLD, predicted < THRESHOLD
    in_range = (predicted >= 0) & (predicted <= THRESHOLD)
    columns = [
        np.ones_like(error),
        error,
        positive & called,
        ~positive & called,
        positive & ~called,
        in_range,
        np.where(in_range, error, 0.0),
    ]
    return np.column_stack(columns)


def finish(sums: Floats, layout: Any) -> dict[str, Floats]:
    """The score and its parts from summed statistics [..., 7]; errors in percent points."""
    rows, error, hits, false_calls, misses, in_range, range_error = np.moveaxis(sums, -1, 0)
    mae = error / rows
    range_mae = _ratio(range_error, in_range, EMPTY_RANGE_MAE)
    f1 = _ratio(2 * hits, 2 * hits + false_calls + misses, 0.0)
    return {
        "score": 0.5 * (1 - mae / 100) + 0.5 * f1 * (1 - range_mae / 100),
        "mae": mae,
        "f1": f1,
        "precision": _ratio(hits, hits + false_calls, 0.0),
        "recall": _ratio(hits, hits + misses, 0.0),
        "range_mae": range_mae,
    }


def _ratio(above: Floats, below: Floats, empty: float) -> Floats:
    """`above / below`, and `empty` where there is nothing to divide by."""
    known = below > 0.5  # counts; leaving a group out may leave rounding dust behind
    return np.where(known, above / np.where(known, below, 1.0), empty)


metric = Metric(statistics=statistics, finish=finish)
