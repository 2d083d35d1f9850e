"""ARI and NMI of each slice, from its table of how often a domain meets a cluster; then the mean.

    ARI = (pairs together in both - expected) / (mean of the pairs together in each - expected)
    NMI = mutual information / mean of the two entropies

(Hubert and Arabie 1985, doi:10.1007/BF01908075; both as scikit-learn computes them.) The tables are
sums over spots; a slice of which no spot is left does not count in the mean.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.errors import SubmissionError
from podium.metrics import Floats, Metric, Table

TARGET = "domain"
SLICE = "slice"
MOST = 100
"""Clusters that a slice may have: with one for each spot the tables would outgrow the data."""


class Codes(NamedTuple):
    """Numbers of one kind of label, counted from 0 in each slice.

    Attributes:
        labels: All labels of all slices.
        number: Number of a label in a slice, -1 where it is not there [slices, labels].
    """

    labels: pd.Index
    number: NDArray[np.int64]

    @classmethod
    def of(cls, slices: NDArray[np.int64], count: int, labels: NDArray[Any]) -> Codes:
        """Number the labels that each slice has."""
        code, names = pd.factorize(labels)
        there = np.zeros((count, len(names)), dtype=bool)
        there[slices, code] = True
        number = np.where(there, there.cumsum(axis=1) - 1, -1)
        return cls(labels=pd.Index(names), number=number)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many labels each slice has [slices]."""
        return np.asarray(self.number.max(axis=1, initial=-1) + 1)

    def __call__(self, slices: NDArray[np.int64], labels: NDArray[Any]) -> NDArray[np.int64]:
        """The number of each row's label in its slice [rows]."""
        return self.number[slices, self.labels.get_indexer(pd.Index(labels))]


class Tables(NamedTuple):
    """Where the tables of the slices lie among the summed columns, one slice after the other."""

    slices: pd.Index
    domains: Codes
    clusters: Codes

    @property
    def starts(self) -> NDArray[np.int64]:
        """First column of each slice, and the number of all columns [slices + 1]."""
        sizes = self.domains.counts * self.clusters.counts
        return np.concatenate([[0], np.cumsum(sizes)])


def layout(solution: Table, predictions: Table) -> Tables:
    """Number slices, domains and clusters.

    Raises:
        SubmissionError: If a slice has more than 100 clusters.
    """
    slices, names = pd.factorize(np.asarray(solution[SLICE]), sort=True)
    problems = crowded(solution[SLICE], predictions[TARGET])
    if problems:
        raise SubmissionError("The submission cannot be scored.", problems=problems)
    return Tables(
        slices=pd.Index(names),
        domains=Codes.of(slices, len(names), solution[TARGET]),
        clusters=Codes.of(slices, len(names), predictions[TARGET]),
    )


def crowded(slices: NDArray[Any], labels: NDArray[Any]) -> list[str]:
    """A line for each slice that has too many clusters."""
    pairs = pd.DataFrame({"slice": slices, "label": labels}).drop_duplicates()
    counts = pairs.groupby("slice", sort=True).size()
    return [
        f"slice {name}: {count:,} clusters, at most {MOST} are scored"
        for name, count in counts[counts > MOST].items()
    ]


def statistics(solution: Table, predictions: Table, tables: Tables) -> Any:
    """One 1 a row, in the column of its slice, domain and cluster: sparse [rows, cells]."""
    from scipy.sparse import csr_array

    slices = tables.slices.get_indexer(pd.Index(solution[SLICE]))
    starts = tables.starts
    column = (
        starts[slices]
        + tables.domains(slices, solution[TARGET]) * tables.clusters.counts[slices]
        + tables.clusters(slices, predictions[TARGET])
    )
    rows = len(column)
    return csr_array((np.ones(rows), column, np.arange(rows + 1)), shape=(rows, int(starts[-1])))


def finish(sums: Floats, tables: Tables) -> dict[str, Floats]:
    """Means over the slices that have spots.

    Args:
        sums: Cells of all tables [..., cells].
        tables: Where they lie.
    """
    by_slice = per_slice(sums, tables)
    there = by_slice.pop("spots") > 0
    counted = np.maximum(there.sum(axis=-1), 1)
    return {
        name: np.where(there, values, 0.0).sum(axis=-1) / counted
        for name, values in by_slice.items()
    }


def per_slice(sums: Floats, tables: Tables) -> dict[str, Floats]:
    """`ari`, `nmi` and the number of `spots` of each slice [..., slices]."""
    shapes = zip(tables.domains.counts, tables.clusters.counts, strict=True)
    starts = tables.starts
    found: dict[str, list[Floats]] = {"ari": [], "nmi": [], "spots": []}
    for place, shape in enumerate(shapes):
        cells = sums[..., starts[place] : starts[place + 1]]
        table = cells.reshape(*cells.shape[:-1], *shape)
        found["ari"].append(ari(table))
        found["nmi"].append(nmi(table))
        found["spots"].append(cells.sum(axis=-1))
    return {name: np.stack(values, axis=-1) for name, values in found.items()}


def ari(table: Floats) -> Floats:
    """Adjusted Rand index of tables [..., domains, clusters]; 1 for two equal partitions."""
    spots = table.sum(axis=(-2, -1))
    both = np.square(table).sum(axis=(-2, -1))
    in_domain = np.square(table.sum(axis=-1)).sum(axis=-1)
    in_cluster = np.square(table.sum(axis=-2)).sum(axis=-1)
    # Ordered pairs: together in both partitions, in one of them only, in none.
    together, only_domain, only_cluster = both - spots, in_domain - both, in_cluster - both
    apart = np.square(spots) - together - only_domain - only_cluster - spots
    above = 2.0 * (together * apart - only_domain * only_cluster)
    below = (together + only_domain) * (only_domain + apart) + (together + only_cluster) * (
        only_cluster + apart
    )
    equal = (only_domain == 0) & (only_cluster == 0)
    return np.where(equal, 1.0, above / np.where(below == 0, 1.0, below))


def nmi(table: Floats) -> Floats:
    """Normalised mutual information of tables [..., domains, clusters], arithmetic mean."""
    spots = np.maximum(table.sum(axis=(-2, -1)), 1.0)
    domain, cluster = table.sum(axis=-1), table.sum(axis=-2)
    h_domain, h_cluster = _entropy(domain, spots), _entropy(cluster, spots)
    expected = domain[..., :, None] * cluster[..., None, :]
    ratio = np.divide(
        table * spots[..., None, None], expected, out=np.ones_like(table), where=table > 0
    )
    shared = (table * np.log(ratio)).sum(axis=(-2, -1)) / spots
    single = ((domain > 0).sum(axis=-1) <= 1) & ((cluster > 0).sum(axis=-1) <= 1)
    mean = (h_domain + h_cluster) / 2
    found = np.where(shared > np.finfo(np.float64).eps, shared, 0.0)
    return np.where(single, 1.0, found / np.where(mean == 0, 1.0, mean))


def _entropy(counts: Floats, spots: Floats) -> Floats:
    share = counts / spots[..., None]
    return np.asarray(-(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=-1))


metric = Metric(statistics=statistics, finish=finish, layout=layout)
