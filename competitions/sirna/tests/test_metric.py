"""The official score against a literal transcription of its formula, and worked by hand."""

import numpy as np
import pytest
from podium.competitions.sirna.metric import TARGET, finish, metric, statistics
from sklearn.metrics import f1_score, mean_absolute_error, precision_score, recall_score


def score(truth, predicted):
    truth, predicted = np.asarray(truth, dtype=float), np.asarray(predicted, dtype=float)
    return metric.score({TARGET: truth}, {TARGET: predicted})


def literal(truth, predicted):
    """The published formula, step by step, with scikit-learn."""
    truth_low, predicted_low = truth < 30, predicted < 30
    in_range = (predicted >= 0) & (predicted <= 30)
    mae = mean_absolute_error(truth, predicted)
    range_mae = mean_absolute_error(truth[in_range], predicted[in_range]) if in_range.any() else 100
    f1 = f1_score(truth_low, predicted_low, zero_division=0)
    return {
        "score": (1 - mae / 100) * 0.5 + (1 - range_mae / 100) * f1 * 0.5,
        "mae": mae,
        "f1": f1,
        "precision": precision_score(truth_low, predicted_low, zero_division=0),
        "recall": recall_score(truth_low, predicted_low, zero_division=0),
        "range_mae": range_mae,
    }


def random_case(rng):
    rows = rng.integers(1, 40)
    low, high = [(0.1, 292), (30, 292), (0.1, 29)][rng.integers(3)]
    truth = rng.uniform(low, high, rows).round(rng.integers(0, 3))
    low, high = [(0, 300), (31, 300), (0, 29), (30, 30)][rng.integers(4)]
    return truth, rng.uniform(low, high, rows).round(rng.integers(0, 3))


def test_it_is_the_published_formula():
    cases = [random_case(np.random.default_rng(seed)) for seed in range(100)]
    for truth, predicted in cases:
        assert score(truth, predicted) == pytest.approx(literal(truth, predicted), abs=1e-12)
    assert sum((truth >= 30).all() for truth, _ in cases) > 10  # no positives
    assert sum((predicted > 30).all() for _, predicted in cases) > 10  # no rows in range


def test_worked_by_hand():
    # errors 10, 10, 20, 40: MAE 20; in range are the predictions 20, 30, 10: errors 10, 10, 40
    # below 30: truth rows 1 and 2, called rows 1 and 4: one hit, one false call, one miss
    scores = score([10, 20, 80, 50], [20, 30, 60, 10])
    assert scores["mae"] == 20
    assert scores["range_mae"] == 20
    assert scores["precision"] == scores["recall"] == scores["f1"] == 0.5
    assert scores["score"] == pytest.approx(0.5 * 0.8 + 0.5 * 0.5 * 0.8)


def test_edges():
    assert score([10, 50], [40, 50]) == pytest.approx(
        {"score": 0.425, "mae": 15, "f1": 0, "precision": 0, "recall": 0, "range_mae": 100}
    )  # no row in range
    assert score([50, 60], [50, 60])["f1"] == 0  # no positives at all
    assert score([30, 20], [30, 20])["f1"] == 1  # 30 is not below 30, yet it is in range
    assert score([30, 20], [30, 20])["score"] == 1


def test_just_below_zero_would_escape_the_range():
    """Why predictions below 0 are refused: they are called, but not in range."""
    assert score([5.0], [-0.001])["range_mae"] == 100
    assert score([5.0, 40], [-0.001, 30])["range_mae"] == 10


def test_parts_merge():
    rng = np.random.default_rng(0)
    truth, predicted = {TARGET: rng.uniform(0, 292, 90)}, {TARGET: rng.uniform(0, 300, 90)}
    rows = statistics(truth, predicted, None)
    merged = finish(rows[:30].sum(axis=0) + rows[30:].sum(axis=0), None)
    assert merged == pytest.approx(metric.score(truth, predicted))
    assert finish(rows.reshape(9, 10, 7).sum(axis=1), None)["score"].shape == (9,)
