import numpy as np
import pytest
from podium.competitions.sirna.metric import TARGET, metric
from podium.competitions.sirna.models import stack

from podium.competition import defaults
from podium.errors import ModelError

RNG = np.random.default_rng(0)
TRUTH = RNG.uniform(5, 120, size=600)


def noisy(scale: float, seed: int) -> np.ndarray:
    return TRUTH + np.random.default_rng(seed).normal(0, scale, size=len(TRUTH))


def score(predicted: np.ndarray) -> float:
    return metric.score({TARGET: TRUTH}, {TARGET: predicted})["score"]


def test_equal_members_with_errors_of_their_own_are_averaged() -> None:
    members = np.column_stack([noisy(15, 1), noisy(15, 2), noisy(90, 3)])
    blend = stack.select(members, TRUTH, 30)
    assert blend.weights.sum() == pytest.approx(1)
    assert blend.weights[:2].min() > 0.3
    assert blend.weights[2] < 0.1
    assert score(blend.of(members)) > max(score(column) for column in members.T)


def test_the_limit_moves_toss_ups_just_below_thirty() -> None:
    blend = stack.Blend(np.array([1.0]), 36.0)
    predictions = blend.of(np.array([[29.0], [30.0], [35.9], [36.0], [80.0]]))
    assert predictions.tolist() == [29.0, np.nextafter(30, 0), np.nextafter(30, 0), 36.0, 80.0]


@pytest.mark.parametrize("members", [{}, {"nope": {}}, {"stack": {}}])
def test_members_must_be_other_models(members: dict[str, dict[str, int]]) -> None:
    with pytest.raises(ModelError, match="cannot be made of"):
        stack.build({**defaults(stack.PARAMETERS), "members": members}, 0)


def test_the_first_member_stays_unless_another_is_surely_better() -> None:
    """A blend that wins by what one group of rows happens to be is not believed."""
    members = np.column_stack([noisy(15, 1), noisy(15, 2)])
    many = stack.choose(members, TRUTH, np.arange(len(TRUTH)), 20)
    assert (many.weights > 0.2).all()
    few = stack.choose(members, TRUTH, np.arange(len(TRUTH)) % 3, 20)
    assert few.weights.tolist() == [1.0, 0.0]
    worse = np.column_stack([noisy(10, 1), noisy(60, 2)])
    assert stack.choose(worse, TRUTH, np.arange(len(TRUTH)), 20).weights[0] > 0.9
