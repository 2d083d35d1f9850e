"""Clusters of spots as a mixture of normals with one covariance, and how neighbours correct them.

Domains differ in their means; what spots of a domain differ in (depth, programmes of cells) is much
the same in all. So one covariance is enough, and the mixture sees through directions in which all
spots vary, where k-means would cut.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from .expression import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_STEPS = 200
"""Steps of one start."""
SETTLED = 1e-3
"""Gain of a step in mean log likelihood below which a start has ended."""
RIDGE = 1e-6
"""Added to the covariance of points whose total covariance is the identity."""
LEAST = 1e-10
"""Of the largest variance: directions that have less are none."""


def tied_posteriors(
    points: NDArray[np.floating], count: int, *, starts: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Posteriors of the likeliest of several mixtures [points, count].

    Components beyond the number of distinct points have posterior 0.

    Args:
        points: [points, dimensions].
        count: Components.
        starts: Beginnings by k-means, of which the likeliest mixture is kept.
        rng: They are drawn from it.
    """
    table: Floats = points.astype(np.float64)
    white = whitened(table)
    clusters = min(count, distinct(table)) if white.size else 1
    posterior = np.zeros((len(points), count))
    if clusters == 1:
        posterior[:, 0] = 1.0
        return posterior
    even, seeds = evened(table), rng.integers(0, 1 << 31, starts)
    begun = (fitted(white, _parted(even, clusters, int(one)), clusters) for one in seeds)
    posterior[:, :clusters] = max(begun, key=lambda one: one[0])[1]
    return posterior


def evened(table: Floats) -> Floats:
    """Columns divided by the root of their spread; constant ones as they are.

    Only the k-means that starts a mixture sees it: the mixture itself gives the same likelihoods
    whatever the scales. Late components then have a say in where it starts, and more starts differ.
    """
    spread = table.std(axis=0)
    return table / np.sqrt(np.where(spread > 0, spread, 1.0))


def consensus(members: Sequence[Floats]) -> Floats:
    """The mean of posteriors whose domains come in different orders [spots, domains].

    The order is that of the member whose labels agree best with those of all others.
    """
    labels = [member.argmax(axis=1) for member in members]
    agreement = [sum(adjusted_rand_score(own, other) for other in labels) for own in labels]
    central = members[int(np.argmax(agreement))]
    return np.asarray(np.mean([_in_order_of(central, member) for member in members], axis=0))


def _in_order_of(central: Floats, member: Floats) -> Floats:
    """The member's columns, each at the place of the central column that it overlaps most."""
    return member[:, linear_sum_assignment(central.T @ member, maximize=True)[1]]


def whitened(points: NDArray[np.floating]) -> Floats:
    """Points with mean 0 and the identity as covariance [points, at most dimensions]."""
    centred = points - points.mean(axis=0, dtype=np.float64)
    variance, axes = np.linalg.eigh(centred.T @ centred / len(points))
    kept = variance > LEAST * max(variance.max(initial=0.0), np.finfo(float).tiny)
    return np.asarray(centred @ (axes[:, kept] / np.sqrt(variance[kept])), dtype=np.float64)


def log_density(white: Floats, posterior: Floats) -> tuple[Floats, float]:
    """Log density of each point under normals that have the means of these posteriors.

    Args:
        white: Points as `whitened` gives them [points, dimensions].
        posterior: [points, components].

    Returns:
        The densities but for what all components have in common [points, components], and the mean
        over the points of that.
    """
    share = posterior.sum(axis=0) + np.finfo(float).eps
    means = posterior.T @ white / share[:, None]
    # The covariance within components is the total, which is the identity, but for that between.
    within = np.eye(white.shape[1]) * (1 + RIDGE)
    within -= (means.T * (share / len(white))) @ means
    inverse = np.linalg.inv(within)
    slopes = means @ inverse
    common = np.linalg.slogdet(within)[1] + np.trace(inverse)
    return white @ slopes.T - (slopes * means).sum(axis=1) / 2, -common / 2


def fitted(
    white: Floats,
    labels: NDArray[Any],
    count: int,
    *,
    steps: int = MOST_STEPS,
    settled: float = SETTLED,
) -> tuple[float, Floats]:
    """Mean log likelihood, up to a constant, and the posteriors of a mixture begun at labels."""
    posterior = np.eye(count)[labels]
    likelihood = -np.inf
    for _ in range(steps):
        weights = np.log(posterior.mean(axis=0) + np.finfo(float).tiny)
        logs, common = log_density(white, posterior)
        posterior, total = normalised(logs + weights)
        before, likelihood = likelihood, total.mean() + common
        if likelihood - before < settled:
            break
    return float(likelihood), posterior


def normalised(logs: Floats) -> tuple[Floats, Floats]:
    """Rows of exp(logs) that sum to 1 [rows, columns], and the logs of what they summed to."""
    top = logs.max(axis=1, keepdims=True)
    powers = np.exp(logs - top)
    total = powers.sum(axis=1, keepdims=True)
    return powers / total, (np.log(total) + top)[:, 0]


def _parted(points: Floats, count: int, seed: int) -> NDArray[np.int32]:
    """Labels by k-means [points]."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels: NDArray[np.int32] = KMeans(count, n_init=1, random_state=seed).fit_predict(points)
    return labels
