"""What all models of this competition do with a slice: normalise, reduce, smooth, hand in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.errors import ModelError, note

from ..metric import SLICE, TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from podium.competition import Part, Slice

GENES = 3000
"""Genes that a model looks at, at most: those that vary most. The others are mostly zeros, and each
would cost every model as much as one that tells layers apart."""
FEW = 1000
"""Up to this many genes, or spots, what all pairs of them have in common is fast to compute."""
NEXT, SECOND = 7, 13
"""Spots up to those next to a spot, and up to the second ones, itself included."""
WIDE = 0.5
"""A neighbourhood is too wide where spots beyond its edge have less than this share in common of
what second neighbours have: domains end within it. For 27 spots it is .7 to 1 in the slices of
`demo`, `starmap` and 151510; in simulated bands of 4 spots' width .5, of 3 .3 to .4, of 2 .2 at
most, and there single spots are clustered better than neighbourhoods."""


ALONE = ("ae_kmeans", "dec", "kmeans", "leiden", "louvain", "pca_kmeans", "random", "vae_kmeans")
"""Models that look at expression alone: they take slices without positions."""


def log_normalised(counts: csr_array[Any]) -> csr_array[Any]:
    """log(1 + counts at the median depth), float32 [spots, genes]; an empty spot stays empty."""
    depth = np.asarray(counts.sum(axis=1), dtype=np.float64).reshape(-1)
    typical = np.median(depth[depth > 0]) if (depth > 0).any() else 1.0
    scaled = counts.astype(np.float32)
    factor = np.divide(typical, depth, out=np.zeros_like(depth), where=depth > 0)
    scaled.data *= np.repeat(factor, np.diff(scaled.indptr)).astype(np.float32)
    return scaled.log1p()


def log_expression(one: Slice) -> csr_array[Any]:
    """Log-normalised counts of a slice, float32 [spots, genes]; of the genes that vary most."""
    logs = log_normalised(one.counts)
    return logs if logs.shape[1] <= GENES else logs[:, most_variable([logs], GENES)]


def varying(part: Part, genes: NDArray[np.str_]) -> NDArray[np.str_]:
    """Those of the genes, shared by all slices of a part, that vary most: up to 3,000, in order."""
    if len(genes) <= GENES:
        return genes

    def table(one: Slice) -> csr_array[Any]:
        columns: Any = pd.Index(one.genes).get_indexer(pd.Index(genes))
        logs: csr_array[Any] = log_normalised(one.counts)[:, columns]
        return logs

    return genes[most_variable(map(table, part.slices()), GENES)]


def most_variable(tables: Iterable[csr_array[Any]], count: int) -> NDArray[np.int64]:
    """Columns that vary most between rows, by mean rank over the tables, in their order.

    Args:
        tables: [spots, genes] of the same genes; one is in memory at a time.
        count: How many to keep.
    """
    ranks: Any = 0.0
    for values in tables:
        mean = values.mean(axis=0)
        variance = values.multiply(values).mean(axis=0) - np.square(mean)
        ranks = ranks + np.argsort(np.argsort(-variance, kind="stable"), kind="stable")
    return np.sort(np.argsort(ranks, kind="stable")[:count])


def neighbours(features: pd.DataFrame, count: int) -> NDArray[np.int64]:
    """The nearest spots of each spot by position [spots, count]; itself is the first.

    Args:
        features: Of one slice, with `x` and `y`.
        count: How many, itself included; never more than there are spots.

    Raises:
        ModelError: If the slice has no positions; a spot itself needs none.
    """
    if count == 1:
        return np.arange(len(features))[:, None]
    from scipy.spatial import KDTree

    places = features[["x", "y"]].to_numpy(np.float64)
    if np.isnan(places).any():
        raise ModelError(
            f"Slice {features[SLICE].iloc[0]} has no positions, and this model looks at the "
            "neighbours of spots.",
            hint=f"These look at expression alone: {', '.join(ALONE)}.",
        )
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
    spot, or spots that are all the same, are 0. The covariance of the genes is decomposed, or of
    fewer spots their inner products; with many of both, Lanczos steps (ARPACK, always from the same
    vector) read the rows alone.
    """
    from sklearn.decomposition import PCA

    spots, genes = matrix.shape
    if spots < genes and spots <= FEW:
        return _components_of_few(matrix, min(count, spots))
    solver = "covariance_eigh"
    if genes > FEW:
        solver, matrix = "arpack", matrix.astype(np.float64)
        count = min(count, spots - 1)  # centred, n spots span at most n - 1 components
    count = min(count, spots, genes)
    if solver == "arpack" and not (matrix.max(axis=0) != matrix.min(axis=0)).sum():
        return np.zeros((spots, count))
    with np.errstate(invalid="ignore"):  # where nothing varies, its explained share is 0 / 0
        scores = PCA(count, svd_solver=solver, random_state=0).fit_transform(matrix)
    return np.asarray(scores, dtype=np.float64)


def _components_of_few(matrix: Any, count: int) -> NDArray[np.float64]:
    """The same from the inner products of the spots [spots, count]."""
    rows = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    centred = rows - rows.mean(axis=0, dtype=np.float64)
    sizes, axes = np.linalg.eigh(centred @ centred.T)
    sizes, axes = sizes[::-1][:count], axes[:, ::-1][:, :count]
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(count)]
    more = sizes > len(rows) * np.finfo(float).eps * np.square(rows).sum()  # than rounding
    scales = np.where(more, np.sign(largest) / np.sqrt(np.where(more, sizes, 1.0)), 0.0)
    # Through the genes, so that spots that are the same are so in each component.
    scores = centred @ (centred.T @ (axes * scales))
    return np.asarray(scores, dtype=np.float64)


def distinct(table: NDArray[Any]) -> int:
    """How many different rows there are [rows, columns]: no more clusters can be found."""
    return len(np.unique(table, axis=0))


def domains(one: Slice) -> int:
    """How many domains a slice has: it is given."""
    return int(one.features["domains"].iloc[0])


def answer(
    part: Part,
    cluster: Callable[[Slice], NDArray[Any]],
    *,
    reach: Callable[[Slice], int] = lambda _: 1,
    model: str = "",
) -> pd.DataFrame:
    """Predictions of a part: what `cluster` says of each slice [spots], one slice at a time.

    Args:
        part: Its slices are clustered.
        cluster: Gives the domain of each spot in a slice.
        reach: Spots of the neighbourhood that is averaged over, itself included. A warning names
            the slices in which that is wide beside their domains, or all of the slice.
        model: Its name, for the warning.
    """
    labels = np.empty(len(part), dtype=object)
    wide, whole, poor = [], [], []
    for one in part.slices():
        labels[one.rows] = np.asarray(cluster(one)).astype(str)
        poor += lacking(one, len(set(labels[one.rows])))
        if (share := in_common(one, reach(one))) < WIDE:
            if len(one) <= reach(one):
                whole.append(f"{one.name} ({len(one)} spots)")
            else:
                wide.append(f"{one.name} ({reach(one)} spots, {max(share, 0.0):.0%})")
    if poor:
        note(f"Fewer domains than asked for: {'; '.join(poor)}.")
    command = "predict" if part.name == "rows" else "run"
    single = (
        "Try the same command with pca_kmeans, which looks at single spots: "
        f"podium {command} dlpfc pca_kmeans ..."
    )
    if whole:
        note(
            f"A neighbourhood that {model} averages over is all of slice {', '.join(whole)}: "
            f"its mean tells no spots apart. {single}"
        )
    if wide:
        note(
            f"{model} averages over neighbourhoods that are wide beside the domains of slice "
            f"{', '.join(wide)}: just beyond them spots have only that share in common of what "
            f"second neighbours have, and below {WIDE:.0%} thin domains are lost. {single}"
        )
    return pd.DataFrame({"id": part.ids, TARGET: labels})


def lacking(one: Slice, labels: int) -> list[str]:
    """Why a slice has not as many domains as it is said to have: nothing, or one sentence.

    Args:
        one: The slice.
        labels: Different ones that its spots were given.
    """
    if len(one) < domains(one):
        return [
            f"slice {one.name} has {len(one)} spot{'s' * (len(one) > 1)} for {domains(one)} domains"
        ]
    highest, lowest = (edge(axis=0).toarray() for edge in (one.counts.max, one.counts.min))
    if domains(one) > 1 and np.array_equal(highest, lowest):
        return [f"in slice {one.name} all spots have the same counts"]
    if labels < domains(one):
        return [f"the spots of slice {one.name} were given {labels} of {domains(one)} domains"]
    return []


def in_common(one: Slice, count: int) -> float:
    """What spots just beyond a neighbourhood have in common, as a share of what second ones have.

    That is the covariance of log expression over all genes, to which noise adds nothing, since
    spots have it each for themselves. Next neighbours are left out: cells of a kind lie together
    in domains of any width. 1 where a neighbourhood reaches no further than these, or there is
    nothing to tell apart; 0 where it is all of the slice, so that its mean tells no spots apart.

    Args:
        one: The slice.
        count: Spots of a neighbourhood, itself included.
    """
    if count <= NEXT or len(one) <= NEXT or domains(one) == 1:
        return 1.0
    table = log_expression(one).toarray()
    table -= table.mean(axis=0)
    if not table.any():
        return 1.0
    if len(one) <= count:
        return 0.0
    nearest = neighbours(one.features, count + count // 3)
    near, far = (
        float((table * smoothed(table, ring)).sum(axis=1).mean()) if ring.size else 0.0
        for ring in (nearest[:, NEXT:SECOND], nearest[:, count:])
    )
    return far / near if near > 0 else 0.0
