"""Square blocks of spots: the independent units where there are too few slices.

Errors of a spatial model reach over neighbours, so single spots are no independent units; blocks
wider than that reach nearly are (docs/statistics.md has the measured coverage).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..metric import SLICE

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

WIDTH = 12.0
"""About how wide a block is, in distances between neighbouring spots."""
FEWEST = 30
"""A block with fewer spots becomes part of the nearest one."""


def blocks(features: pd.DataFrame) -> NDArray[np.object_]:
    """The block of each spot, as text like `d1s1:0-1` [rows].

    Each axis of a slice is cut into equal strips of about `WIDTH`; what has too few spots, as
    at a ragged edge, is merged. Only a slice that has fewer in all keeps a smaller block.
    Without positions as many spots as such a square has make a block, in their order: it is a unit
    only so far as models that look at expression alone err spot by spot.

    Args:
        features: With `slice`, `x` and `y`, in distances between neighbouring spots.
    """
    block = np.empty(len(features), dtype=object)
    for name, rows in features.groupby(SLICE, sort=False).indices.items():
        places = features[["x", "y"]].to_numpy(np.float64)[rows]
        if np.isnan(places).all():
            count = max(1, round(len(rows) / WIDTH**2))
            block[rows] = [f"{name}:{place * count // len(rows)}" for place in range(len(rows))]
            continue
        strip = np.column_stack([_strips(axis) for axis in places.T])
        cells, code = np.unique(strip, axis=0, return_inverse=True)
        texts = np.array([f"{name}:{column}-{row}" for column, row in cells], dtype=object)
        block[rows] = texts[_merged(places, code.reshape(-1))]
    return block


def _strips(position: NDArray[np.float64]) -> NDArray[np.int64]:
    """The strip of each spot along one axis."""
    start, extent = position.min(), np.ptp(position)
    count = max(1, round(extent / WIDTH))
    share = (position - start) / extent if extent > 0 else np.zeros_like(position)
    return np.minimum((share * count).astype(np.int64), count - 1)


def _merged(places: NDArray[np.float64], code: NDArray[np.int64]) -> NDArray[np.int64]:
    """The codes, of which the smallest joins the one with the nearest centre until all do."""
    while True:
        kept, sizes = np.unique(code, return_counts=True)
        if len(kept) == 1 or sizes.min() >= FEWEST:
            return code
        centre = np.array([places[code == one].mean(axis=0) for one in kept])
        small = sizes.argmin()
        apart = np.square(centre - centre[small]).sum(axis=1)
        apart[small] = np.inf
        code = np.where(code == kept[small], kept[apart.argmin()], code)
