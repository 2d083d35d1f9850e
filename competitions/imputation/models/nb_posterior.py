"""Negative binomial counts of each gene, and Bayes' rule for its zeros.

Labelled cells give the mean m of the true counts of each gene in each cluster of alike cells, at
the cell's depth, and the gene's dispersion 1/theta (by moments). A true count is 0 with probability
P0 = (1 + m / theta)^-theta. They also show how often a true count is lost, d(m). Then a zero is a
dropout with probability d (1 - P0) / (d (1 - P0) + P0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition import Parameter

from ..shared.calling import Curve, Estimate, Mixed, Transductive
from ..shared.neighbours import Smoother, averaged, reduced
from ..shared.parameters import COMPONENTS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.floating[Any]]

PARAMETERS = {
    "clusters": Parameter(
        8, "of cells, by k-means; 1 for one mean a gene", (1, 10_000), search=(1, 40, "log")
    ),
    "components": COMPONENTS,
    "shrink": Parameter(
        3.0,
        "cells at the gene's mean that are added to every cluster",
        (0.0, 1e6),
        search=(0.5, 30.0, "log"),
    ),
}
ANY_GENES = True  # without labelled cells of these genes it learns from what is observed
THREADS = 1  # the same bytes on any number of cores
"""Chosen on the folds of the train cells of `demo`, `autoclass` and `zeisel`, one setting for all:
by F1 one cluster is best on the two simulated sets (.755, .891; eight: .753, .890) and calls
everything on `zeisel` (.811; eight: .825).
"""

LEAST = 1e-9
"""The smallest mean, and the smallest probability of a true zero."""

DISPERSIONS = 1e-4, 1e4


def estimate(mixed: Mixed, params: dict[str, Any], seed: int) -> Estimate:
    """Posterior of a dropout, and mean count, of each entry."""
    labelled = mixed.truth.shape[0]
    if not labelled:
        return likely(mixed, params, seed)
    cluster = clustered(mixed, params["clusters"], params["components"], seed)
    average = averaged(mixed, "truth", cluster_means(cluster, labelled, params["shrink"]))
    mean = np.maximum(average.value, LEAST)
    zero = np.maximum(zero_probability(mean, dispersion(mean[:labelled], mixed.truth)), LEAST)
    lost = loss(mean, mixed) * (1 - zero)
    return Estimate(lost / (lost + zero), average.value)


def likely(mixed: Mixed, params: dict[str, Any], seed: int) -> Estimate:
    """Without true counts: above 0 where a cell of the cluster has more often a count than not."""
    cells = Mixed(mixed.counts, mixed.counts)  # what was observed stands for the truth
    cluster = clustered(cells, params["clusters"], params["components"], seed)
    average = averaged(mixed, "observed", cluster_means(cluster, len(cluster), params["shrink"]))
    mean = np.maximum(average.value, LEAST)
    return Estimate(0.5 - zero_probability(mean, dispersion(mean, mixed.counts)), average.value)


def clustered(mixed: Mixed, clusters: int, count: int, seed: int) -> NDArray[Any]:
    """The cluster of each cell; no more clusters than labelled cells [cells]."""
    from sklearn.cluster import KMeans

    cells = mixed.counts.shape[0]
    table = reduced(mixed.counts, count) if clusters > 1 else np.zeros((cells, 1))
    clusters = min(clusters, mixed.truth.shape[0], len(np.unique(table, axis=0)))
    return np.asarray(KMeans(clusters, n_init=5, random_state=seed).fit_predict(table))


def cluster_means(cluster: NDArray[Any], labelled: int, shrink: float) -> Smoother:
    """Means of the labelled cells of a cluster, and of some cells at the mean of all."""
    member = (cluster[:, None] == np.unique(cluster)).astype(np.float32)
    size = np.maximum(member[:labelled].sum(axis=0)[:, None] + shrink, LEAST)

    def mean(of: Floats) -> Floats:
        known = of[:labelled]
        sums = member[:labelled].T @ known + shrink * known.mean(axis=0)
        return np.asarray(member @ (sums / size))

    return Smoother(mean, (1 + shrink / labelled) / (member @ size)[:, 0])


def dispersion(mean: Floats, truth: csr_array[Any]) -> Floats:
    """1/theta of each gene [genes]: variance is mean + mean^2 / theta."""
    beyond = ((truth.toarray() - mean) ** 2 - mean).sum(axis=0)
    return np.asarray(np.clip(beyond / (mean**2).sum(axis=0), *DISPERSIONS))


def zero_probability(mean: Floats, dispersion: Floats) -> Floats:
    """Of a negative binomial count to be 0."""
    return np.asarray(np.exp(-np.log1p(mean * dispersion) / dispersion))


def loss(mean: Floats, mixed: Mixed) -> Floats:
    """How often true counts are lost at each mean [cells, genes]."""
    there = mixed.truth.toarray() > 0
    if not there.any():
        return np.zeros_like(mean)
    logs = np.log(mean)
    lost = mixed.counts[: len(there)].toarray()[there] == 0
    return Curve.through(logs[: len(there)][there], lost)(logs)


def build(params: dict[str, Any], seed: int) -> Transductive:
    """Build the model."""
    return Transductive(estimate, params, seed)
