"""Clusters of spots as a mixture of normals with one covariance, and how neighbours correct them.

Domains differ in their means; what spots of a domain differ in (depth, programmes of cells) is much
the same in all. So one covariance is enough, and the mixture sees through directions in which all
spots vary, where k-means would cut.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_STEPS = 300
"""Steps of one start."""


def tied_mixture(
    points: NDArray[np.floating], count: int, *, starts: int, seed: int
) -> NDArray[np.int64]:
    """The most probable component of each point [points].

    Args:
        points: [points, dimensions].
        count: Components; never more than there are points.
        starts: Beginnings by k-means, of which the likeliest mixture is kept.
        seed: They follow from it.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    centred = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    spread = centred.std()
    count = min(count, len(points))
    if count == 1 or spread == 0:
        return np.zeros(len(points), dtype=np.int64)
    model = GaussianMixture(
        count, covariance_type="tied", n_init=starts, max_iter=MOST_STEPS, random_state=seed
    )
    with warnings.catch_warnings():
        # Fewer distinct points than components, or steps used up: labels are labels all the same.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(model.fit_predict(centred / spread), dtype=np.int64)


def by_majority(labels: NDArray[np.int64], nearest: NDArray[np.int64]) -> NDArray[np.int64]:
    """The most frequent label among each spot's neighbours [spots]; on a tie the lowest.

    Args:
        labels: From 0 [spots].
        nearest: Neighbours of each spot, itself included [spots, count].
    """
    votes = np.eye(labels.max() + 1, dtype=np.int32)[labels][nearest].sum(axis=1)
    return np.asarray(votes.argmax(axis=1), dtype=np.int64)
