"""Which cells are alike by their observed counts, and what a cell's likes have where it has a zero.

Smoothing is a weighted mean over cells, wherever the weights come from: the nearest cells, a random
walk, a cluster, a regression. The estimate for a labelled cell leaves out the cell itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .calling import Estimate
from .cells import components, normalised, size_factors

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from .calling import Mixed

    Floats = NDArray[np.floating[Any]]

NOBODY = 1e-5
"""Weight of the other cells, of 1 in all, below which they say nothing."""


class Smoother(NamedTuple):
    """Weights of cells in one another.

    Attributes:
        mean: Weighted sums over cells, [cells, columns] to [cells, columns], linear; weights are 1
            in all.
        own: The weight of each cell in its own sum [cells].
    """

    mean: Callable[[Floats], Floats]
    own: Floats

    def others(self, of: Floats) -> Floats:
        """Weighted sums over the other cells [cells, columns], where none is below 0."""
        return np.maximum(self.mean(of) - self.own[:, None] * of, 0)


def log_normalised(counts: csr_array[Any]) -> csr_array[Any]:
    """log(1 + counts at the median depth) [cells, genes], float32; zeros stay unstored."""
    logs = normalised(counts)
    np.log1p(logs.data, out=logs.data)
    return logs


def reduced(counts: csr_array[Any], count: int) -> Floats:
    """Principal components of log-normalised counts [cells, count], float32; 0 if all are alike."""
    logs = log_normalised(counts)
    if not (logs.max(axis=0) - logs.min(axis=0)).nnz:
        return np.zeros((logs.shape[0], count), dtype=np.float32)
    return components(logs, count).astype(np.float32)


def nearest(table: Floats, pool: int, count: int) -> csr_array[Any]:
    """The nearest cells of a pool.

    Args:
        table: Where the cells are [cells, columns].
        pool: Number of cells, from the first, to choose from.
        count: How many of them, at most; never the cell itself.

    Returns:
        Distances [cells, pool], stored for the nearest alone, in rising order.
    """
    from scipy.sparse import csr_array, vstack
    from sklearn.neighbors import NearestNeighbors

    count = min(count, pool - 1)
    if count < 1:
        return csr_array(np.zeros((len(table), pool), dtype=np.float32))
    search = NearestNeighbors(n_neighbors=count).fit(table[:pool])
    graphs = [search.kneighbors_graph(mode="distance")]
    if len(table) > pool:
        graphs.append(search.kneighbors_graph(table[pool:], mode="distance"))
    return csr_array(vstack(graphs, format="csr"), dtype=np.float32)


def of_nearest(table: Floats, pool: int, count: int) -> Smoother:
    """The mean of the nearest cells of a pool; see `nearest`."""
    near = nearest(table, pool, count)
    near.data[:] = 1 / max(near.data.size // len(table), 1)
    return Smoother(lambda of: near @ of[:pool], np.zeros(len(table), dtype=np.float32))


def averaged(mixed: Mixed, source: str, smoother: Smoother) -> Estimate:
    """Score and value of each entry by a weighted mean over other cells.

    Args:
        mixed: The cells.
        source: truth: over labelled cells, of their true counts. observed: over all cells, of
            their observed counts.
        smoother: The weights.

    Returns:
        Score: the share, by weight, of the other cells in which the gene is counted. Value: their
        mean count, brought to the cell's own depth.
    """
    counts = mixed.truth if source == "truth" else mixed.counts
    depth = size_factors(mixed.counts).astype(np.float32)[:, None]
    level = np.zeros(mixed.counts.shape, dtype=np.float32)
    level[: counts.shape[0]] = counts.toarray() / depth[: counts.shape[0]]
    present = (np.arange(len(level)) < counts.shape[0])[:, None].astype(np.float32)
    weight = smoother.others(present)
    weight[weight < NOBODY] = np.inf
    score = smoother.others((level > 0).astype(np.float32)) / weight
    return Estimate(score, smoother.others(level) / weight * depth)
