"""Communities of spots that are alike: a graph of nearest neighbours in expression, cut by igraph.

As scanpy does it, but for two things. Edges weigh how many neighbours two spots share (Jaccard, as
in PhenoGraph, doi:10.1016/j.cell.2015.05.047). And since the number of domains is given, the
resolution, on which the number of communities depends, is searched for it.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import igraph
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LOW, HIGH, TRIES = 0.02, 4.0, 16
"""Resolutions that are tried, and how often the space between them is halved."""


def neighbour_graph(points: NDArray[np.float64], count: int) -> igraph.Graph:
    """A graph of nearest neighbours, weighed by the share of neighbours in common.

    Args:
        points: [spots, dimensions].
        count: Neighbours of a spot, itself not included.
    """
    from scipy.sparse import triu
    from sklearn.neighbors import kneighbors_graph

    count = min(count, len(points) - 1)
    near = kneighbors_graph(points, count, include_self=False).tocsr()
    near.setdiag(1.0)
    shared = triu((near @ near.T).multiply((near + near.T) > 0), k=1).tocoo()
    jaccard = shared.data / (2 * (count + 1) - shared.data)
    edges = np.column_stack([shared.row, shared.col])
    return igraph.Graph(len(points), edges.tolist(), edge_attrs={"weight": jaccard.tolist()})


def communities(
    graph: igraph.Graph, count: int, cut: Callable[[igraph.Graph, float], list[int]], seed: int
) -> NDArray[np.int64]:
    """Communities at the resolution that gives the wanted number, or comes nearest to it.

    Args:
        graph: Of all spots.
        count: How many are wanted.
        cut: Gives the community of each spot at a resolution.
        seed: igraph draws from it.
    """
    low, high = np.log(LOW), np.log(HIGH)
    best: NDArray[np.int64] | None = None
    igraph.set_random_number_generator(random.Random(seed))  # noqa: S311  no secret
    try:
        for _ in range(TRIES):
            middle = (low + high) / 2
            found = np.asarray(cut(graph, float(np.exp(middle))), dtype=np.int64)
            size = len(np.unique(found))
            if best is None or abs(size - count) < abs(len(np.unique(best)) - count):
                best = found
            if size == count:
                break
            low, high = (low, middle) if size > count else (middle, high)
    finally:
        igraph.set_random_number_generator(random)
    assert best is not None
    return best
