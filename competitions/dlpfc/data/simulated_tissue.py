"""Where the spots of a simulated slice lie, and which layer each may belong to.

A slice is a hexagonal lattice with a wavy outline, as Visium's under tissue. Its layers are
parallel curved bands: level sets of the depth below the surface of the cortex.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LAYERS = ("L1", "L2", "L3", "L4", "L5", "L6", "WM")
SHARES = (0.11, 0.08, 0.25, 0.09, 0.17, 0.15, 0.15)
"""How much of a slice each layer fills, about as in the human cortex that the real data show."""
UNEVEN = 0.2
"""How much the shares differ between slices (log)."""
BLUR = 0.6
"""Scale, in distances between spots, of the logistic in which one layer goes over into the next:
2.2 of it from the boundary one spot in ten still belongs to the other side."""
SIZE = 34.6
"""Length of the edges of a slice before the outline is cut, in distances between spots."""


@dataclass(frozen=True, kw_only=True)
class Tissue:
    """The spots of a slice.

    Attributes:
        places: x and y in distances between neighbouring spots [spots, 2].
        layers: Which of `LAYERS` the slice has, from the surface down [domains].
        prior: Probability of each layer at each spot, boundaries known [spots, domains].
    """

    places: Floats
    layers: NDArray[np.int64]
    prior: Floats


def cut(
    rng: np.random.Generator, layers: NDArray[np.int64], angle: float, size: float = SIZE
) -> Tissue:
    """Cut a slice.

    Args:
        rng: What the outline, the curves and the widths are drawn from.
        layers: Which of `LAYERS` it shows, from the surface down [domains].
        angle: Direction in which one goes down, in radians.
        size: Length of its edges in distances between spots.
    """
    places = lattice(rng, size)
    depth = _depth(rng, places, angle)
    shares = np.asarray(SHARES)[layers] * np.exp(UNEVEN * rng.standard_normal(len(layers)))
    boundaries = np.quantile(depth, np.cumsum(shares / shares.sum())[:-1])
    return Tissue(places=places, layers=layers, prior=layer_prior(depth, boundaries))


def lattice(rng: np.random.Generator, size: float) -> Floats:
    """Spots of a hexagonal lattice within a wavy outline, row by row [spots, 2]."""
    row, column = np.mgrid[0 : round(size * 2 / np.sqrt(3)), 0 : round(2 * size)]
    spot = (row + column) % 2 == 0  # in Visium's numbering a row has every second column
    x, y = column[spot] / 2, row[spot] * np.sqrt(3) / 2
    # How far each of the four edges is cut back, smoothly along it.
    left, right = (1 + 0.6 * field(rng, y[:, None], length=5.0) for _ in range(2))
    top, bottom = (1 + 0.6 * field(rng, x[:, None], length=5.0) for _ in range(2))
    inside = (x >= left) & (x <= x.max() - right) & (y >= bottom) & (y <= y.max() - top)
    places: Floats = np.column_stack([x, y])[inside]
    return places


def field(rng: np.random.Generator, places: Floats, length: float, waves: int = 200) -> Floats:
    """A smooth random field, a Gaussian process of variance 1 with squared-exponential covariance.

    By random Fourier features (Rahimi and Recht 2007): a sum of many random waves.

    Args:
        rng: What the waves are drawn from.
        places: Where it is wanted [places, axes].
        length: Over which it changes, in the unit of `places`.
        waves: How many.
    """
    frequency = rng.standard_normal((places.shape[1], waves)) / length
    phase = rng.uniform(0, 2 * np.pi, waves)
    swing: Floats = np.cos(places @ frequency + phase).sum(axis=1) * np.sqrt(2 / waves)
    return swing


def _depth(rng: np.random.Generator, places: Floats, angle: float) -> Floats:
    """Depth below the surface: along the angle, bent and a little wavy [spots]."""
    centred = places - places.mean(axis=0)
    down = centred @ np.array([np.cos(angle), np.sin(angle)])
    along = centred @ np.array([-np.sin(angle), np.cos(angle)])
    bend = rng.choice([-1, 1]) * rng.uniform(0.01, 0.03)
    depth: Floats = down + bend / 2 * along**2 + 0.7 * field(rng, along[:, None], length=6.0)
    return depth


def layer_prior(depth: Floats, boundaries: Floats) -> Floats:
    """Probability of each layer at some depths [spots, layers].

    Args:
        depth: [spots].
        boundaries: Depths at which a layer goes over into the next, in order [layers - 1].
    """
    below = 1 / (1 + np.exp(-(depth[:, None] - boundaries) / BLUR))
    return -np.diff(below, axis=1, prepend=1.0, append=0.0)
