"""The decision layer beside trying every action."""

from itertools import product

import numpy as np
import pytest
from podium.competitions.sirna.metric import TARGET, finish, statistics
from podium.competitions.sirna.shared.decision import best_actions


@pytest.mark.parametrize("seed", range(20))
def test_the_best_actions_are_those_of_trying_all(seed):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 80, size=(4, 30))
    actions = np.array([10.0, np.nextafter(30.0, 0), 45.0, 70.0])
    rows = [
        [statistics({TARGET: t}, {TARGET: np.full(30, a)}, None).mean(axis=0) for a in actions]
        for t in truth
    ]
    expected, weight = np.array(rows), rng.uniform(50, 500, size=4)

    def score(sums):
        return finish(sums, None)["score"]

    def reached(chosen):
        return float(score(weight @ expected[np.arange(4), list(chosen)]))

    starts = np.array([[1] * 4, [2] * 4])
    best = best_actions(expected, weight, score, starts)
    assert reached(best) >= max(map(reached, starts))
    assert reached(best) > max(map(reached, product(range(4), repeat=4))) - 0.003
