"""Who is really ahead: against scipy, by hand, and on submissions that are equal."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from podium.scoring import tiers


def entries(values):
    """Scores and influence values of means of groups [submissions, groups]."""
    scores = values.mean(axis=1)
    return scores, values - scores[:, None]


@pytest.mark.parametrize("df", [1, 2, 3, 4, 9, 10, 123, 4095])
def test_students_distribution_is_scipys(df):
    t = np.linspace(-30, 30, 121)
    assert tiers.student(t, df) == pytest.approx(scipy_stats.t.cdf(t, df), abs=1e-12)


def test_the_probability_is_that_of_the_paired_t_test():
    rng = np.random.default_rng(0)
    values = rng.normal(size=50) + 0.2 * rng.normal(size=(2, 50))
    scores, influence = entries(values)
    gap, se = tiers.differences(scores, influence)
    found = tiers.probability(gap, se, 50)
    one_sided = scipy_stats.ttest_rel(values[0], values[1], alternative="less").pvalue
    assert found[0, 1] == pytest.approx(one_sided)
    assert found[0, 1] + found[1, 0] == pytest.approx(1)
    assert found[0, 0] == 0.5


def test_what_is_clearly_apart_is_split_and_what_is_the_same_is_not():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=60) + 0.1 * rng.normal(size=(6, 60))
    level = np.array([0.0, 3.0, 3.0, 1.5, 1.5, 0.0])[:, None]
    values = noise + level
    values[2] = values[1]  # the very same predictions
    found = tiers.tiers(*entries(values))
    assert found.tolist() == [3, 1, 1, 2, 2, 3]


def test_the_order_and_the_scale_do_not_matter():
    rng = np.random.default_rng(2)
    scores, influence = entries(rng.normal(size=(12, 40)) + 0.3 * np.arange(12)[:, None])
    found = tiers.tiers(scores, influence)
    order = rng.permutation(12)
    assert np.array_equal(tiers.tiers(scores[order], influence[order]), found[order])
    assert np.array_equal(tiers.tiers(100 * scores, 100 * influence), found)


@pytest.mark.parametrize("groups", [10, 60])
@pytest.mark.parametrize("near", [False, True])
def test_equal_submissions_are_rarely_split(groups, near):
    rng = np.random.default_rng(3)
    split = 0
    for _ in range(200):
        values = rng.normal(size=groups) + rng.normal(size=(20, groups))
        if near:
            values[1::2] = values[::2]
            values[1::2, 0] = rng.normal(size=10) + rng.normal(size=10)
        split += tiers.tiers(*entries(values)).max() > 1
    assert split / 200 <= 0.05


def test_the_best_of_many_equal_tries_is_flattered_by_what_is_said():
    rng = np.random.default_rng(4)
    best, expected, bound = [], [], []
    for _ in range(100):
        values = rng.normal(size=50) + 0.5 * rng.normal(size=(30, 50))
        scores, influence = entries(values)
        found = tiers.optimism(scores, influence)
        best.append(scores.max() - values.mean())  # all have the same true score, 0
        expected.append(found.expected)
        bound.append(found.bound)
    assert np.mean(expected) == pytest.approx(np.mean(best), rel=0.15)
    assert np.mean(expected) <= np.mean(bound)


def test_tries_that_really_differ_are_hardly_flattered():
    rng = np.random.default_rng(5)
    values = rng.normal(size=200) + 0.1 * rng.normal(size=(10, 200)) + np.arange(10)[:, None]
    found = tiers.optimism(*entries(values))
    assert 0 <= found.expected < 0.01
    assert tiers.optimism(*entries(values[:1])) is None


@pytest.mark.parametrize("submissions", [2, 3, 20])
@pytest.mark.parametrize("common", [0.0, 1.0, 30.0])
def test_a_bound_is_never_below_what_is_expected_nor_below_0(submissions, common):
    rng = np.random.default_rng(6)
    for lead in (0.0, 0.3, 1.0, 3.0):
        values = common * rng.normal(size=20) + rng.normal(size=(submissions, 20))
        values[0] += lead  # one that is really better, among equal ones
        found = tiers.optimism(*entries(values))
        assert 0 <= found.expected <= found.bound


def covered(submissions, groups, spread, boards, seed=7):
    """The share of boards whose best is flattered by no more than is said.

    Args:
        submissions: Tries of a board.
        groups: Of rows.
        spread: Of true scores, in standard errors of the noise that tries do not share.
        boards: How many are drawn.
    """
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(boards):
        real = spread * rng.normal(size=submissions) / np.sqrt(groups)
        noise = rng.normal(size=groups) + rng.normal(size=(submissions, groups))
        scores, influence = entries(real[:, None] + noise)
        of_rows = noise.mean(axis=1) - noise.mean()
        held += of_rows[scores.argmax()] <= tiers.optimism(scores, influence).bound
    return held / boards


@pytest.mark.slow
@pytest.mark.parametrize("submissions", [2, 5, 30, 100])
@pytest.mark.parametrize("groups", [20, 50, 200])
@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0])
def test_a_bound_holds_in_95_of_100_boards(submissions, groups, spread):
    assert covered(submissions, groups, spread, 200) >= (0.9 if groups > 20 else 0.85)


def drawn(rng, submissions, groups, real, shift=0.0):
    """Scores and influence values of a part, as a mean over groups: half of the noise is common."""
    noise = rng.normal(size=groups) + rng.normal(size=(submissions, groups))
    values = real[:, None] + shift + noise
    scores = values.mean(axis=1)
    return scores, values - scores[:, None]


@pytest.mark.parametrize(("spread", "submissions"), [(0.0, 12), (0.2, 12), (0.2, 40), (1.0, 5)])
def test_a_shake_up_by_chance_is_called_so(spread, submissions):
    """In 5 % of boards it is not, whether submissions differ or not."""
    rng = np.random.default_rng(3)
    p = []
    for _ in range(150):
        real = spread * rng.normal(size=submissions)
        parts = (drawn(rng, submissions, size, real, shift=0.01 * size) for size in (40, 60))
        p.append(tiers.shake_up(*parts).p)
    assert np.mean(np.array(p) <= 0.05) < 0.11


def test_a_shake_up_of_who_fitted_the_public_part_is_more_than_chance():
    rng = np.random.default_rng(4)
    real = np.linspace(0, 1, 12)
    public = drawn(rng, 12, 150, real + np.where(np.arange(12) % 3 == 0, 1.0, 0.0))
    found = tiers.shake_up(public, drawn(rng, 12, 150, real))
    assert found.p < 0.01
    assert found.places > found.high > found.expected > found.low


def test_a_shake_up_takes_three_different_submissions():
    rng = np.random.default_rng(5)
    scores, influence = drawn(rng, 2, 40, np.zeros(2))
    twice = np.repeat(scores, 2), np.repeat(influence, 2, axis=0)
    assert tiers.shake_up(twice, twice) is None
    few = drawn(rng, 20, tiers.FEWEST - 1, np.zeros(20))
    assert tiers.shake_up(few, few) is None


def test_ranks_that_turn_round_are_no_chance_where_scores_are_sure():
    rng = np.random.default_rng(6)
    real = np.linspace(0, 3, 6)
    found = tiers.shake_up(drawn(rng, 6, 200, real), drawn(rng, 6, 200, -real))
    assert found.p < 0.01
    assert found.places == 18
