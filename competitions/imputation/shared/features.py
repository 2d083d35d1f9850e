"""What is known of a zero count: its cell, its gene, and how cells like its own express the gene.

Labelled cells, whose counts before dropout are known, describe other cells. A cell must not
describe itself: the mean of a gene over all other cells tells what the own count adds to it. So
to train, each fold of the labelled cells is described by the other folds.

Cells are compared by principal components of what was observed, for which no labels are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from podium.errors import ModelError

from .cells import components, normalised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]
    Cells = NDArray[np.int64]

CELL = ("depth", "detected")
GENE = ("gene_mean", "gene_lost", "gene_count", "gene_seen")
MEANS = ("gene", "line")
"""Means of an entry by its gene alone and along the components; further ones by nearest cells."""

LITTLE = 0.01
"""Counts that are added before a logarithm is taken."""
PRIOR = 5.0
"""Typical zeros that are added to the zeros of each gene, since it may have few."""
ALIKE = 1e-2
"""Cells whose standardised log counts differ by no more are all the same."""
RIDGE = 20.0
"""Penalty of the regression on the components: cells whose weight is that of the weakest one."""


class Places(NamedTuple):
    """Cells as they were observed.

    Attributes:
        counts: Observed counts [cells, genes], float32.
        seen: Mean of each gene at the median depth [genes].
        where: Principal components [cells, components].
        size: Log of depth and of the number of genes detected [cells, 2].
    """

    counts: csr_array[Any]
    seen: Floats
    where: Doubles
    size: Doubles


def place(counts: csr_array[Any], count: int) -> Places:
    """Place cells by `count` principal components of their standardised log counts."""
    scaled = normalised(counts)
    log = np.log1p(scaled.toarray())
    log -= log.mean(axis=0)
    log /= np.maximum(log.std(axis=0), 1e-3)
    return Places(
        counts=counts,
        seen=np.asarray(scaled.mean(axis=0), dtype=np.float32),
        where=components(log, count) if np.ptp(log) > ALIKE else np.zeros((len(log), 1)),
        size=sizes(counts),
    )


def sizes(counts: csr_array[Any]) -> Doubles:
    """Log of the depth of cells and of the number of genes detected [cells, 2]."""
    depth = np.asarray(counts.sum(axis=1), dtype=np.float64)
    both: Doubles = np.log1p(np.column_stack([depth, np.diff(counts.indptr)]))
    return both


def names(near: list[int]) -> list[str]:
    """Names of the features, in the order of `Description.table`."""
    return [*CELL, *GENE, *(f"mean_{kind}" for kind in (*MEANS, *near))]


class Description:
    """Features of any cells, as labelled cells describe them.

    Attributes:
        depth: Estimated depth of every cell before dropout, over the labelled ones' median [cells].
        truth: True counts of the labelled cells at the median depth [labelled, genes].
        mean: Their mean [genes].
    """

    def __init__(
        self, places: Places, labelled: Cells, truth: csr_array[Any], sizes: list[int]
    ) -> None:
        """Learn from the labelled cells.

        Args:
            places: All cells.
            labelled: Those of them that describe.
            truth: Their counts before dropout [labelled, genes].
            sizes: Numbers of nearest cells to average.

        Raises:
            ModelError: If no cell describes.
        """
        if not len(labelled):
            raise ModelError(
                "No labelled cell is left to describe the others.",
                hint="Labelled cells describe each other in two folds or more.",
            )
        self.places, self.labelled, self.sizes = places, labelled, sizes
        library = library_sizes(places.size, labelled, truth)
        typical = np.median(np.log1p(np.asarray(truth.sum(axis=1), dtype=np.float64)))
        self.depth: Floats = np.asarray(np.exp(library - typical), np.float32)
        self.truth: Floats = np.asarray(truth.toarray() / self.depth[labelled, None], np.float32)
        self.mean: Floats = np.asarray(self.truth.mean(axis=0), np.float32)
        self.genes = self._genes(truth)
        self.truth -= self.mean
        self.slopes, own = regression(places.where[labelled], self.truth)
        self.trust = [trust(own, self.truth)]
        self.trust += [trust(near, self.truth) for near in self._near(labelled)]

    def table(self, cells: Cells) -> Iterator[Floats]:
        """Go through the features of some cells, each of a shape that spreads to [cells, genes]."""
        yield np.log(self.depth[cells, None])
        yield self.places.size[cells, 1:].astype(np.float32)
        yield from self.genes
        for mean in self.means(cells):
            yield np.log(mean + LITTLE)

    def means(self, cells: Cells) -> Iterator[Floats]:
        """Go through the estimates of the entries' means before dropout, each [cells, genes]."""
        depth = self.depth[cells, None]
        yield self.mean * depth
        for trusted, deviation in zip(self.trust, self._deviations(cells), strict=True):
            yield np.maximum(self.mean + trusted * deviation, 0) * depth

    def _deviations(self, cells: Cells) -> Iterator[Floats]:
        where = self.places.where
        centred = where[cells] - where[self.labelled].mean(axis=0)
        yield centred.astype(np.float32) @ self.slopes
        yield from self._near(cells)

    def _near(self, cells: Cells) -> Iterator[Floats]:
        order = nearest(self.places.where, self.labelled, cells, max(self.sizes, default=0))
        for size in self.sizes:
            yield averages(order[:, :size], len(self.labelled)) @ self.truth

    def _genes(self, truth: csr_array[Any]) -> list[Floats]:
        zero = self.places.counts[self.labelled].toarray() == 0
        hidden = truth.toarray() * zero
        zeros = zero.sum(axis=0)
        lost, total = (np.sum(each, axis=0, dtype=np.float64) for each in (hidden > 0, hidden))
        typical = max(zeros.sum(), 1)
        levels = (
            np.log(self.mean + LITTLE),
            (lost + PRIOR * lost.sum() / typical) / (zeros + PRIOR),
            np.log((total + PRIOR * total.sum() / typical) / (zeros + PRIOR) + LITTLE),
            np.log(self.places.seen + LITTLE),
        )
        return [level.astype(np.float32)[None, :] for level in levels]


def entries(description: Description, cells: Cells, chosen: NDArray[np.bool_]) -> Floats:
    """Features of chosen entries of some cells, row by row [entries, features].

    Args:
        description: Of all cells.
        cells: Which of them.
        chosen: Mask [cells, genes].
    """
    columns = [np.broadcast_to(each, chosen.shape)[chosen] for each in description.table(cells)]
    return np.column_stack(columns).astype(np.float32, copy=False)


def base(table: Floats) -> Doubles:
    """What the estimates of each entry's mean say on average [entries]."""
    return np.asarray(np.exp(table[:, len(CELL) + len(GENE) :]).mean(axis=1), dtype=np.float64)


def library_sizes(size: Doubles, labelled: Cells, truth: csr_array[Any]) -> Doubles:
    """Estimated log depth of all cells before dropout [cells].

    It is regressed on the logs of the observed depth and of the number of genes detected.
    """
    known = np.log1p(np.asarray(truth.sum(axis=1), dtype=np.float64))
    inputs = np.column_stack([size, np.ones(len(size))])
    weights = np.linalg.lstsq(inputs[labelled], known, rcond=None)[0]
    estimates = inputs @ weights
    return np.asarray(np.clip(estimates, known.min(), known.max()))  # far cells: no further


def nearest(where: Doubles, among: Cells, cells: Cells, count: int) -> Cells:
    """The cells nearest to each, itself left out, nearest first.

    Returns:
        Positions in `among` [cells, count]; fewer columns where there are fewer others.
    """
    from sklearn.neighbors import NearestNeighbors

    asked = min(count + 1, len(among))
    search = NearestNeighbors(n_neighbors=asked).fit(where[among])
    order = np.asarray(search.kneighbors(where[cells], return_distance=False))
    itself = among[order] == cells[:, None]
    last = np.argsort(itself, axis=1, kind="stable")
    return np.take_along_axis(order, last, axis=1)[:, : min(count, len(among) - 1)]


def averages(order: Cells, among: int) -> csr_array[Any]:
    """Weights that average the named rows [cells, among]; where none is named, 0."""
    rows, count = order.shape
    share = np.full(order.size, 1 / max(count, 1), dtype=np.float32)
    return csr_array((share, order.reshape(-1), np.arange(rows + 1) * count), shape=(rows, among))


def regression(where: Doubles, truth: Floats) -> tuple[Floats, Floats]:
    """Ridge regression of each gene on the components.

    Args:
        where: Of the labelled cells [labelled, components].
        truth: Counts less their mean [labelled, genes].

    Returns:
        Slopes [components, genes], and what each cell is predicted by all others (leave one out,
        Allen 1974, doi:10.1080/00401706.1974.10489157) [labelled, genes].
    """
    centred = where - where.mean(axis=0)
    penalty = RIDGE * np.eye(where.shape[1]) * max(centred.var(axis=0).min(), 1e-6)
    inverse = np.linalg.inv(centred.T @ centred + penalty)
    slopes = (inverse @ centred.T).astype(np.float32) @ truth
    own = np.einsum("ij,jk,ik->i", centred, inverse, centred) + 1 / len(where)
    own = np.minimum(own, 0.99).astype(np.float32)[:, None]  # 1 for a cell alone
    return slopes, (centred.astype(np.float32) @ slopes - own * truth) / (1 - own)


def trust(estimate: Floats, truth: Floats) -> Floats:
    """How far each gene follows an estimate rather than its mean: the slope, 0 to 1 [genes].

    Args:
        estimate: Of the labelled cells, from other cells, less the mean [labelled, genes].
        truth: Of the same cells, less the mean [labelled, genes].
    """
    slope = (estimate * truth).sum(axis=0) / np.maximum((estimate * estimate).sum(axis=0), 1e-9)
    return np.asarray(np.clip(slope, 0, 1), dtype=np.float32)
