"""Who is really ahead: submissions compared by their stored influence values, by numpy alone.

Scores here are oriented so that more is better. Influence values [submissions, groups] are those of
`podium.metrics.stats`; since the groups are the dataset's, any two submissions are paired.
Formulas and what was measured: docs/statistics.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from podium.competition.metric import Floats

MOST_FREEDOM = 300
"""Degrees of freedom beyond which t is taken to change no more."""
DRAWS = 1_000
"""Draws of what equal submissions show."""
LEVEL = 0.98
"""Quantile of the largest difference that equal submissions show."""
FEWEST = 30
"""Groups from which tiers are told; with fewer, equal submissions would be split too often."""

FEWEST_SHAKEN = 3
"""Submissions from which it is told whether a shake-up is more than chance."""

SURE = 0.95
"""Share of boards whose best is flattered by no more than is said."""
SURELY = 1.64
"""Standard errors of the noise's variance beyond which public scores differ for sure."""


@dataclass(frozen=True, kw_only=True)
class Optimism:
    """How much the best of several tries on the same rows is flattered.

    Attributes:
        expected: What the best is flattered by, in units of the score.
        bound: What it is flattered by at most, in 95 % of boards; never less than `expected`.
    """

    expected: float
    bound: float


@dataclass(frozen=True, kw_only=True)
class ShakeUp:
    """How far ranks moved from the public to the private part, and how far they would by chance.

    Attributes:
        places: By which the ranks of the submissions moved, summed.
        submissions: That were looked at, before equal ones count once.
        expected: The same by chance, as far as the scores are uncertain: the mean of many draws.
        low, high: Between these lie 95 % of them.
        p: The share of draws in which ranks move as far or farther.
    """

    places: int
    submissions: int
    expected: float
    low: float
    high: float
    p: float


def tiers(scores: Floats, influence: Floats) -> NDArray[np.int64]:
    """The tier of each submission: 1 for those that cannot be told from the leader, and so on.

    Args:
        scores: More is better [submissions].
        influence: [submissions, groups].
    """
    tier = np.zeros(len(scores), dtype=np.int64)
    covariance, draws = _covariance(influence), _replicates(influence)
    left = np.argsort(-scores, kind="stable")
    number = 0
    while len(left):
        number += 1
        freedom = _freedom(influence[left[0]] - influence[left])
        stay = _first_tier(scores[left], covariance[np.ix_(left, left)], draws[:, left], freedom)
        tier[left[stay]] = number
        left = left[~stay]
    return tier


def differences(scores: Floats, influence: Floats) -> tuple[Floats, Floats]:
    """All differences, row minus column, and their standard errors [submissions, submissions]."""
    return scores[:, None] - scores, _errors(_covariance(influence))


def probability(gap: Floats, se: Floats, groups: int) -> Floats:
    """How probable it is that what is ahead by `gap` is better: P(t < gap / se), 0.5 for a tie."""
    return student(_ratio(gap, se), groups - 1)


def student(t: Floats, df: NDArray[np.int64] | int) -> Floats:
    """P(T < t) of Student's t with whole degrees of freedom: a finite sum.

    Abramowitz and Stegun (1964), 26.7.3 and 26.7.4; scipy would take longer to load than a board
    takes to show.
    """
    df = np.asarray(df)
    angle = np.arctan(np.asarray(t, dtype=np.float64) / np.sqrt(df))
    squared = np.square(np.cos(angle))
    odd = df % 2
    terms = (df - odd) // 2
    total = np.where(terms > 0, np.ones_like(angle), 0.0)
    for k in range(int(terms.max(initial=0)) - 1, 0, -1):  # Horner's rule
        step = 1.0 + total * squared * (2 * k - 1 + odd) / (2 * k + odd)
        total = np.where(k < terms, step, total)
    inside = np.sin(angle) * total
    return np.asarray(
        (1.0 + np.where(odd, (angle + inside * np.cos(angle)) * (2 / math.pi), inside)) / 2.0
    )


def optimism(scores: Floats, influence: Floats) -> Optimism | None:
    """How much having been chosen flatters the best of these tries; None for a single one.

    Whatever they really differ by, the noise of the best, less that of all, is at most the largest
    such noise of any: draws of that give the bound, and their mean what equal tries would have.
    """
    if len(scores) < 2 or influence.shape[1] < 2:
        return None
    noise = _noise(_covariance(influence))
    real = max(float(np.var(scores, ddof=1)) - noise, 0.0)
    share = noise / (noise + real) if noise else 0.0
    noises = _replicates(influence)
    largest = noises.max(axis=1) - noises.mean(axis=1)
    equal = float(largest.mean())
    return Optimism(
        expected=min(share * float(scores.max() - scores.mean()), equal),
        bound=max(float(np.quantile(largest, SURE)), equal),
    )


def shake_up(public: tuple[Floats, Floats], private: tuple[Floats, Floats]) -> ShakeUp | None:
    """Whether ranks moved farther than the uncertainty of the scores explains.

    What the private scores could be is drawn from the public ones: these are moved together, but
    for what they surely differ by, and get the noise of both parts. Equal submissions count once.

    Args:
        public: Scores, more is better [submissions], and influence values [submissions, groups].
        private: The same of that part, of the same submissions.

    Returns:
        None for fewer than three submissions, or too few groups.
    """
    both = np.hstack([scores[:, None] + influence for scores, influence in (public, private)])
    one_of_each = np.sort(np.unique(both, axis=0, return_index=True)[1])
    (before, influence), (after, other) = (
        (scores[one_of_each], values[one_of_each]) for scores, values in (public, private)
    )
    groups = min(influence.shape[1], other.shape[1])
    if len(before) < FEWEST_SHAKEN or groups < FEWEST:
        return None
    noise = _noise(_covariance(influence))
    spread = float(np.var(before, ddof=1))
    surely = spread - noise * (1 + SURELY * math.sqrt(2 / (len(before) - 1)))
    real = max(surely, 0.0) / spread if spread else 0.0
    known = before.mean() + real * (before - before.mean())
    drawn = known + math.sqrt(real) * _replicates(influence, 1) + _replicates(other, 2)
    place = _places(before)
    places = int(np.abs(_places(after) - place).sum())
    chance = np.sort(np.abs(_places(drawn) - place).sum(axis=1))
    low, high = np.interp([0.025 * DRAWS, 0.975 * DRAWS], np.arange(DRAWS), chance)
    return ShakeUp(
        places=places,
        submissions=len(both),
        expected=float(chance.mean()),
        low=float(low),
        high=float(high),
        p=float((1 + (chance >= places).sum()) / (1 + DRAWS)),
    )


def _noise(covariance: Floats) -> float:
    """Variance of the scores that the submissions do not share."""
    tries = len(covariance)
    own = float(np.trace(covariance)) / tries
    shared = (float(covariance.sum()) - own * tries) / (tries * (tries - 1))
    return max(own - shared, 0.0)


def _places(scores: Floats) -> NDArray[np.int64]:
    """The place of each score, of equal ones in order [..., submissions]."""
    return np.argsort(np.argsort(-scores, kind="stable"), kind="stable")


def _first_tier(
    scores: Floats, covariance: Floats, draws: Floats, freedom: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Mask of those that cannot be told from the first, the leader."""
    errors = _errors(covariance)
    behind = student(_ratio(scores[0] - scores, errors[0]), freedom)
    inside = np.ones(len(scores), dtype=bool)
    while inside.sum() > 1:
        kept = np.flatnonzero(inside)
        leave = inside & (behind > _critical(draws[:, kept], errors[np.ix_(kept, kept)]))
        if not leave.any():
            break
        inside &= ~leave
    return inside


def _freedom(differences: Floats) -> NDArray[np.int64]:
    """Degrees of freedom of the errors of differences [submissions, groups] -> [submissions].

    Two less than the groups that carry the difference: where few of them do, those count alone.
    """
    squares = np.square(np.asarray(differences, dtype=np.float64))
    fourth = np.square(squares).sum(axis=1)
    carry = 3 * _ratio(np.square(squares.sum(axis=1)), fourth)
    most = min(differences.shape[1], MOST_FREEDOM)
    return np.asarray(np.clip(np.floor(np.minimum(carry, most)) - 2, 1, None), dtype=np.int64)


def _critical(draws: Floats, errors: Floats) -> float:
    """How far the best of equal submissions is ahead of another in 98 % of the draws, at most.

    As a normal probability: what it is compared with comes from t, since errors are estimated.
    """
    best = draws.argmax(axis=1)
    ahead = draws[np.arange(len(draws)), best][:, None] - draws
    largest = np.sort(_ratio(ahead, errors[best]).max(axis=1))
    # np.quantile imports masked arrays, a tenth of the time that a small board takes
    place = np.interp(LEVEL * (len(largest) - 1), np.arange(len(largest)), largest)
    return 0.5 * (1 + math.erf(float(place) / math.sqrt(2)))


def _covariance(influence: Floats) -> Floats:
    """Of the scores [submissions, submissions]; its diagonal is the squared standard errors."""
    values = np.asarray(influence, dtype=np.float64)
    groups = values.shape[1]
    return np.asarray(values @ values.T / (groups * (groups - 1)))


def _errors(covariance: Floats) -> Floats:
    """Standard errors of all differences."""
    own = np.diag(covariance)
    squared = own[:, None] + own - 2 * covariance
    dust = 1e-12 * (own[:, None] + own)  # of two that are the same but for rounding
    return np.sqrt(np.where(squared > dust, squared, 0.0))


def _ratio(above: Floats, below: Floats) -> Floats:
    """Differences over their standard errors; a tie where there is no error."""
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=below > 0)


def _replicates(influence: Floats, seed: int = 0) -> Floats:
    """Draws of equal scores with the covariance of these [draws, submissions].

    Each group has a random normal weight, the same ones for everybody and always.
    """
    groups = influence.shape[1]
    values = np.asarray(influence, dtype=np.float32).T / math.sqrt(groups * (groups - 1))
    return np.asarray(_weights(groups, seed) @ values, dtype=np.float64)


@cache
def _weights(groups: int, seed: int) -> NDArray[np.float32]:
    """Normal random numbers with a sum of 0 in each draw [draws, groups]."""
    draws = np.random.default_rng(seed).standard_normal((DRAWS, groups), dtype=np.float32)
    return np.asarray(draws - draws.mean(axis=1, keepdims=True), dtype=np.float32)
