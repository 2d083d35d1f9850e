"""A hidden Markov field: spots of a domain are alike, and next spots are mostly of one domain.

Potts' model of the labels, a normal of each domain with one covariance for all, and the mean-field
algorithm (Celeux, Forbes and Peyrard 2003, doi:10.1016/S0031-3203(02)00027-4): a spot's posterior
is that of its own expression and of what its next spots expect to be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .mixture import log_density, normalised, whitened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

OWN = (1, 4, 7)
"""Spots of the neighbourhoods whose components a field reads."""
STEPS, SWEEPS = 30, 3
"""Times that the normals are fitted anew, and sweeps over the spots after each."""
EMPTY = 0.5
"""Spots of a domain, in all, below which it gets none: its mean would be anywhere. Not 1, since
of as many domains as spots each may have a hair less."""


def potts(
    tables: Sequence[NDArray[np.floating]],
    posterior: Floats,
    nearest: NDArray[np.int64],
    strength: float,
) -> Floats:
    """Posteriors as the spots' own expression and their next spots have them [spots, domains].

    The mean of the fields on each table, which all begin at the posteriors given.

    Args:
        tables: Components of expression, each [spots, components].
        posterior: [spots, domains].
        nearest: Next spots of each spot, itself the first [spots, count].
        strength: Log odds that a next spot of a domain gives for it.
    """
    fields = [_field(whitened(table), posterior, nearest[:, 1:], strength) for table in tables]
    return np.asarray(np.mean(fields, axis=0))


def _field(white: Floats, posterior: Floats, others: NDArray[np.int64], strength: float) -> Floats:
    for _ in range(STEPS):
        logs, _ = log_density(white, posterior)
        logs[:, posterior.sum(axis=0) < EMPTY] = -np.inf
        for _ in range(SWEEPS):
            expected = posterior[others].sum(axis=1)
            posterior = (posterior + normalised(logs + strength * expected)[0]) / 2
    return posterior
