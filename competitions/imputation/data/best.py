"""What can be known of a zero by one who knows the simulator, and how to call dropouts best.

The expression l behind a count is gamma distributed, the count Poisson around l, and lost with
probability d(l). So of a zero

    P(zero)              = 1 - E[(1 - d(l)) (1 - exp(-l))]
    P(lost count, zero)  = E[d(l) (1 - exp(-l))]
    E[count; zero]       = E[d(l) l]

with expectations over one dimension, that depend on two figures of the entry: mean and spread.
They are computed on a grid of these two and interpolated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = NDArray[np.float64]

NODES = np.linspace(-30.0, 16.0, 700)
"""Values of ln l. The trapezoidal rule converges exponentially: all integrands vanish at the ends,
at the left one because nothing of them is left where l is 0."""
GRID = 80, 20
"""Means and spreads."""


class Zeros(NamedTuple):
    """Of each entry, if it is observed to be 0.

    Attributes:
        lost: Probability that a count was lost [cells, genes].
        expected: Count on average [cells, genes].
    """

    lost: Floats
    expected: Floats


def at_zeros(
    mean: Floats,
    spread: Floats,
    *,
    variation: Callable[[Floats, Floats], Floats],
    dropout: Callable[[Floats], Floats],
) -> Zeros:
    """Posterior of every entry, were it 0.

    Args:
        mean: Expected expression [cells, genes].
        spread: Factor of the coefficient of variation of each gene [genes].
        variation: Coefficient of variation by mean and spread.
        dropout: Probability of loss by expression.
    """
    from scipy.interpolate import RectBivariateSpline

    x, y = np.log(mean), np.log(np.broadcast_to(spread, mean.shape))
    along, across = (_axis(values, count) for values, count in zip((x, y), GRID, strict=True))
    means, spreads = np.meshgrid(np.exp(along), np.exp(across), indexing="ij")
    table = exactly(means, spreads, variation=variation, dropout=dropout)
    splines = [RectBivariateSpline(along, across, np.log(values)) for values in table]
    return Zeros(*(np.exp(spline.ev(x, y)) for spline in splines))


def _axis(values: Floats, count: int) -> Floats:
    """Points that span the values, and a little more: they may be all one."""
    return np.linspace(values.min() - 1e-6, values.max() + 1e-6, count)


def exactly(
    mean: Floats,
    spread: Floats,
    *,
    variation: Callable[[Floats, Floats], Floats],
    dropout: Callable[[Floats], Floats],
) -> Zeros:
    """The posterior by quadrature; arguments as in `at_zeros`, of one shape."""
    from scipy.special import gammaln

    shape = variation(mean, spread)[..., None] ** -2
    rate = shape / mean[..., None]
    expression = np.exp(NODES)
    log_density = shape * (np.log(rate) + NODES) - rate * expression - gammaln(shape)
    weight = np.exp(log_density) * (NODES[1] - NODES[0])
    seen, lost = -np.expm1(-expression), dropout(expression)
    zero = 1 - weight @ ((1 - lost) * seen)
    return Zeros(lost=weight @ (lost * seen) / zero, expected=weight @ (lost * expression) / zero)


def threshold(probability: Floats) -> float:
    """The probability from which calling gives the highest F1 in expectation.

    With the k most probable of n called, hits are expected to be the sum of their probabilities
    and dropouts the sum of all: F1 = 2 hits / (k + dropouts).
    """
    ordered = np.sort(probability)[::-1]
    f1 = 2 * ordered.cumsum() / (np.arange(1, len(ordered) + 1) + ordered.sum())
    return float(ordered[f1.argmax()])
