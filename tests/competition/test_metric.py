"""A metric is a sum: `score` is the sum of `statistics`, finished."""

import numpy as np
import pytest

from podium.competition.folders import load

rows = {"y": np.array([1.0, 2.0, 3.0, 6.0])}
guess = {"y": np.array([1.0, 0.0, 3.0, 2.0])}


def test_score_is_finished_sum():
    assert load("toy").metric.score(rows, guess) == pytest.approx({"rmse": 5**0.5, "mae": 1.5})


def test_finish_takes_leading_axes():
    metric = load("toy").metric
    statistics = metric.statistics(rows, guess, None)
    assert metric.finish(statistics, None)["mae"].tolist() == [0, 2, 0, 4]
