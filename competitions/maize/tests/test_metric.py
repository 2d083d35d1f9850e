"""The scores against SciPy and scikit-learn, worked by hand, and far from zero."""

from dataclasses import replace

import numpy as np
import pytest
from podium.competitions.maize.metric import TARGET, metric
from scipy.stats import pearsonr
from sklearn.metrics import r2_score, root_mean_squared_error


def score(truth, predicted):
    truth, predicted = np.asarray(truth, dtype=float), np.asarray(predicted, dtype=float)
    return metric.score({TARGET: truth}, {TARGET: predicted})


def literal(truth, predicted):
    return {
        "pearson": float(pearsonr(truth, predicted).statistic),
        "r2": r2_score(truth, predicted),
        "rmse": root_mean_squared_error(truth, predicted),
    }


def case(seed, offset=0.0, other=0.0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, rng.uniform(0.5, 3), rng.integers(3, 400))
    predicted = rng.normal(0, 1) * truth + rng.normal(0, rng.uniform(0.1, 3), len(truth))
    return truth + offset, predicted + other


@pytest.mark.parametrize(("offset", "other"), [(0, 0), (1e8, 1e8), (-1e8, -1e8), (1e4, 0)])
def test_they_are_scipys_and_scikit_learns(offset, other):
    for seed in range(60):
        truth, predicted = case(seed, offset, other)
        assert score(truth, predicted) == pytest.approx(literal(truth, predicted), rel=1e-10)


def test_sums_as_they_stand_would_cancel():
    """Why there is a shift: without it nothing is left of r at an offset of 1e8."""
    truth, predicted = case(0, 1e8, 1e8)
    naive = replace(metric, layout=lambda *_: type(SHIFT)(0.0, 0.0))
    pearson = naive.score({TARGET: truth}, {TARGET: predicted})["pearson"]
    assert abs(pearson - literal(truth, predicted)["pearson"]) > 1e-3


SHIFT = metric.layout({TARGET: np.zeros(1)}, {TARGET: np.zeros(1)})


def test_worked_by_hand():
    # means 3 and 3; distances -2 -1 0 3 and -1 0 -1 2: squares 14 and 6, products 2 + 0 + 0 + 6
    # errors 1 1 -1 -1: squares 4
    scores = score([1, 2, 3, 6], [2, 3, 2, 5])
    assert scores["pearson"] == pytest.approx(8 / np.sqrt(14 * 6))
    assert scores["r2"] == pytest.approx(1 - 4 / 14)
    assert scores["rmse"] == 1


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 1e8 + 0.1])
def test_constant_predictions_have_no_correlation(value):
    """SciPy gives NaN there; a score is finite."""
    truth = np.random.default_rng(0).normal(3, 2, 101)
    scores = score(truth, np.full(101, value))
    assert scores["pearson"] == 0
    assert scores["rmse"] == pytest.approx(root_mean_squared_error(truth, np.full(101, value)))


def test_answers_that_do_not_vary():
    assert score([2, 2, 2], [2, 2, 2]) == {"pearson": 0, "r2": 1, "rmse": 0}
    assert score([2, 2, 2], [1, 2, 3])["r2"] == 0
    assert score([2], [5]) == {"pearson": 0, "r2": 0, "rmse": 3}


def test_perfect():
    truth, _ = case(0)
    assert score(truth, truth) == pytest.approx({"pearson": 1, "r2": 1, "rmse": 0}, abs=1e-12)
    assert score(truth, -truth)["pearson"] == pytest.approx(-1)
    assert -1 <= score(truth, 3 * truth + 1e5)["pearson"] <= 1


def test_parts_merge_and_groups_can_be_left_out():
    truth, predicted = ({TARGET: values[:90]} for values in case(0, 1e8, 1e8))
    shift = metric.layout(truth, predicted)
    rows = metric.statistics(truth, predicted, shift)
    merged = metric.finish(rows[:30].sum(axis=0) + rows[30:].sum(axis=0), shift)
    assert merged == pytest.approx(metric.score(truth, predicted))
    groups = rows.reshape(9, 10, -1).sum(axis=1)
    left = metric.finish(rows.sum(axis=0) - groups, shift)
    for group in range(9):
        kept = np.arange(90) // 10 != group
        expected = literal(truth[TARGET][kept], predicted[TARGET][kept])
        assert {name: values[group] for name, values in left.items()} == pytest.approx(expected)


def test_constant_predictions_stay_so_when_groups_are_left_out():
    truth, predicted = (
        {TARGET: case(1)[0][:30]},
        {TARGET: np.r_[np.full(20, 0.1), np.full(10, 0.7)]},
    )
    shift = metric.layout(truth, predicted)
    rows = metric.statistics(truth, predicted, shift)
    left = metric.finish(rows.sum(axis=0) - rows[20:].sum(axis=0), shift)
    assert left["pearson"] == 0
