"""What can be known of a zero by one who knows the simulator.

The expression l behind a count is gamma distributed, the count Poisson around l, and lost with
probability d(l). Of the molecules of the others a share k is kept: all, where cells are not
sampled down. So of a zero

    P(zero)              = 1 - E[(1 - d(l)) (1 - exp(-k l))]
    P(lost count, zero)  = E[d(l) (1 - exp(-l)) + (1 - d(l)) (exp(-k l) - exp(-l))]
    E[count; zero]       = E[d(l) l + (1 - d(l)) exp(-k l) (1 - k) l]

with expectations over one dimension, that depend on two figures of the entry: mean and spread.
They are computed on a grid of these two and interpolated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

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
        chance: Probability to be observed as 0 [cells, genes].
    """

    lost: Floats
    expected: Floats
    chance: Floats


class Table(NamedTuple):
    """The posterior, by two figures of an entry.

    Attributes:
        splines: Logarithms of `lost`, `expected` and `chance` by those of mean and spread.
    """

    splines: tuple[Any, Any, Any]

    @classmethod
    def over(
        cls,
        mean: Floats,
        spread: Floats,
        *,
        variation: Callable[[Floats, Floats], Floats],
        dropout: Callable[[Floats], Floats],
        kept: float = 1.0,
    ) -> Table:
        """The table of all that lies between the least and the greatest of these.

        Args:
            mean: Expected expression [n].
            spread: Factor of the coefficient of variation [m].
            variation: Coefficient of variation by mean and spread.
            dropout: Probability of loss by expression.
            kept: Share of the molecules of a count that is not lost.
        """
        from scipy.interpolate import RectBivariateSpline

        x, y = (_axis(np.log(of), count) for of, count in zip((mean, spread), GRID, strict=True))
        means, spreads = np.meshgrid(np.exp(x), np.exp(y), indexing="ij")
        zeros = exactly(means, spreads, variation=variation, dropout=dropout, kept=kept)
        lost, expected, chance = (RectBivariateSpline(x, y, np.log(each)) for each in zeros)
        return cls((lost, expected, chance))

    def __call__(self, mean: Floats, spread: Floats) -> Zeros:
        """Posterior of entries, were they 0; both [cells, genes]."""
        return Zeros(*(_read(spline, mean, spread) for spline in self.splines))

    def chance(self, mean: Floats, spread: Floats) -> Floats:
        """Probability of entries to be observed as 0; both [cells, genes]."""
        return _read(self.splines[2], mean, spread)


def _read(spline: Any, mean: Floats, spread: Floats) -> Floats:
    return np.asarray(np.exp(spline.ev(np.log(mean), np.log(np.broadcast_to(spread, mean.shape)))))


def at_zeros(
    mean: Floats,
    spread: Floats,
    *,
    variation: Callable[[Floats, Floats], Floats],
    dropout: Callable[[Floats], Floats],
) -> Zeros:
    """Posterior of every entry, were it 0; arguments as in `Table.over`, to be spread."""
    return Table.over(mean, spread, variation=variation, dropout=dropout)(mean, spread)


def _axis(values: Floats, count: int) -> Floats:
    """Points that span the values, and a little more: they may be all one."""
    return np.linspace(values.min() - 1e-6, values.max() + 1e-6, count)


def exactly(
    mean: Floats,
    spread: Floats,
    *,
    variation: Callable[[Floats, Floats], Floats],
    dropout: Callable[[Floats], Floats],
    kept: float = 1.0,
) -> Zeros:
    """The posterior by quadrature; arguments as in `Table.over`, of one shape."""
    from scipy.special import gammaln

    shape = variation(mean, spread)[..., None] ** -2
    rate = shape / mean[..., None]
    expression = np.exp(NODES)
    log_density = shape * (np.log(rate) + NODES) - rate * expression - gammaln(shape)
    weight = np.exp(log_density) * (NODES[1] - NODES[0])
    weight /= np.maximum(weight.sum(axis=-1, keepdims=True), 1.0)  # narrow densities: few nodes
    there, lost = -np.expm1(-expression), dropout(expression)
    unseen = np.exp(-kept * expression)  # none of the molecules is kept
    missed = lost * there + (1 - lost) * unseen * -np.expm1((kept - 1) * expression)
    zero = 1 - weight @ ((1 - lost) * -np.expm1(-kept * expression))
    # what is left of 1 cancels where hardly anything is lost
    zero = np.where(zero < 0.5, weight @ (lost * -np.expm1(-kept * expression) + unseen), zero)
    return Zeros(
        lost=weight @ missed / zero,
        expected=weight @ ((lost + (1 - lost) * unseen * (1 - kept)) * expression) / zero,
        chance=zero,
    )
