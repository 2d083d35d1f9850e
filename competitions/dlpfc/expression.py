"""What all models of this competition do with a slice: normalise, reduce, smooth, hand in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .metric import TARGET

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from podium.model import Part, Slice


def log_normalised(counts: csr_array[Any]) -> csr_array[Any]:
    """log(1 + counts at the median depth), float32 [spots, genes]; an empty spot stays empty."""
    depth = np.asarray(counts.sum(axis=1), dtype=np.float64).reshape(-1)
    typical = np.median(depth[depth > 0]) if (depth > 0).any() else 1.0
    scaled = counts.astype(np.float32)
    factor = np.divide(typical, depth, out=np.zeros_like(depth), where=depth > 0)
    scaled.data *= np.repeat(factor, np.diff(scaled.indptr)).astype(np.float32)
    return scaled.log1p()


def neighbours(features: pd.DataFrame, count: int) -> NDArray[np.int64]:
    """The nearest spots of each spot by position [spots, count]; itself is the first.

    Args:
        features: Of one slice, with `x` and `y`.
        count: How many, itself included; never more than there are spots.
    """
    from scipy.spatial import KDTree

    places = features[["x", "y"]].to_numpy(np.float64)
    count = min(count, len(places))
    nearest = np.asarray(KDTree(places).query(places, k=count)[1]).reshape(len(places), count)
    own = np.arange(len(places))
    missing = (nearest != own[:, None]).all(axis=1)  # many spots at one position
    nearest[missing, -1] = own[missing]
    first = (nearest == own[:, None]).argmax(axis=1)
    nearest[own, first], nearest[:, 0] = nearest[:, 0].copy(), own
    return nearest


def smoothed(matrix: Any, nearest: NDArray[np.int64]) -> NDArray[np.float32]:
    """The mean of each spot's neighbours, dense float32 [spots, columns]."""
    from scipy.sparse import csr_array

    spots, count = nearest.shape
    ends = np.arange(0, spots * count + 1, count)
    weights = np.full(nearest.size, 1 / count, dtype=np.float32)
    mean = csr_array((weights, nearest.reshape(-1), ends), shape=(spots, spots)) @ matrix
    dense = mean.toarray() if hasattr(mean, "toarray") else mean
    return np.asarray(dense, dtype=np.float32)


def components(matrix: Any, count: int) -> NDArray[np.float64]:
    """The first principal components of sparse or dense rows [spots, count]; nothing is random.

    Constant genes carry nothing; never more components than there are genes or spots. A single
    spot, or spots that are all the same, are 0.
    """
    from sklearn.decomposition import PCA

    count = min(count, *matrix.shape)
    if matrix.shape[0] < 2:
        return np.zeros((matrix.shape[0], count))
    with np.errstate(invalid="ignore"):  # where nothing varies, what share of it is 0 / 0
        found = PCA(count, svd_solver="covariance_eigh").fit_transform(matrix)
    return np.asarray(found, dtype=np.float64)


def distinct(table: NDArray[Any]) -> int:
    """How many different rows there are [rows, columns]: no more clusters can be found."""
    return len(np.unique(table, axis=0))


def domains(one: Slice) -> int:
    """How many domains a slice has: it is given."""
    return int(one.features["domains"].iloc[0])


def answer(part: Part, cluster: Callable[[Slice], NDArray[Any]]) -> pd.DataFrame:
    """Predictions of a part: what `cluster` says of each slice [spots], one slice at a time."""
    found = np.empty(len(part), dtype=object)
    for one in part.slices():
        found[one.rows] = np.asarray(cluster(one)).astype(str)
    return pd.DataFrame({"id": part.ids, TARGET: found})
