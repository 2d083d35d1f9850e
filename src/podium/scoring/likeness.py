"""How much alike the predictions of many are: each is read once and kept as a sketch.

A sketch has the digest of all values, and the values at places that are drawn once for all: pairs
are compared by these alone. No answer enters here. What honest models have, and why the bounds are
where they are: docs/boards.md, by `benchmarks/copies.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from podium.competition.metric import Floats

if TYPE_CHECKING:
    from podium.competition.metric import Table
    from podium.data.dataset import Data

PLACES = 16_384
"""Values of a sketch, at most."""
CORRELATED = 0.9999
"""Correlation, of the values or of their ranks, from which numbers are nearly equal."""
SAME = 0.9
"""Share of equal numbers from which they are, whatever the others are."""
LABELLED = 0.99
"""Share of equal labels from which they are."""
_CLOSE = 1e-5
"""Numbers are equal that differ by less than this share of their spread."""
_BLOCK = 1 << 21


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """What is kept of predictions.

    Attributes:
        digest: Of all values: equal predictions have the same, whatever file they are in.
        values: Numbers, or codes of labels in order of appearance within a slice, at the places.
    """

    digest: str
    values: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Alike:
    """How much alike each of n predictions is to each other.

    Attributes:
        agreement: Of numbers Pearson's correlation or that of their ranks, whichever is higher (0
            where one is constant); of labels the share that is equal once they are named alike
            [n, n].
        same: Share of equal values, of numbers without what is commonest in both [n, n].
        near: Which are nearly equal [n, n].
    """

    agreement: Floats
    same: Floats
    near: NDArray[np.bool_]


class Likeness:
    """Compares predictions of one dataset.

    Args:
        data: Whose test part they predict.
        seed: Draws the places. Where it depends on all that is compared, nobody can know them
            beforehand and change a copy elsewhere.
    """

    def __init__(self, data: Data, seed: int) -> None:
        self._target = data.competition.targets[0]
        self._wide = len(data.genes) or 1
        able = np.arange(data.rows("test") * self._wide)
        if self._target.matrix:
            able = np.setdiff1d(able, _given(data), assume_unique=True)
        if len(able) > PLACES:
            able = np.sort(np.random.default_rng(seed).choice(able, PLACES, replace=False))
        self._places = able
        self._within = _slices(data) if self._target.label else None

    def sketch(self, predictions: Table) -> Sketch:
        """What is kept of aligned predictions."""
        values = predictions[self._target.name]
        if self._within is not None:
            values = _codes(values, self._within)
        digest = hashlib.sha256()
        for block in _blocks(values):
            digest.update((block + np.float32(0)).tobytes())  # one zero
        rows, columns = np.divmod(self._places, self._wide)
        chosen = values[rows, columns] if self._target.matrix else values[rows]
        chosen = np.asarray(chosen, dtype=np.float32).ravel()
        return Sketch(digest=digest.hexdigest(), values=chosen)

    def compare(self, sketches: Sequence[Sketch]) -> Alike:
        """Each of them with each other."""
        values = np.array([one.values for one in sketches], dtype=np.float32)
        if self._within is not None:
            share = _matches(values, self._within[self._places])
            return Alike(agreement=share, same=share, near=share >= LABELLED)
        agreement = np.maximum(_correlations(values), _correlations(_ranks(values)))
        same = _equal(values)
        near = (agreement >= CORRELATED) | (same >= SAME)
        return Alike(agreement=agreement, same=same, near=near)


def _slices(data: Data) -> NDArray[np.int64]:
    """The slice of each row: clusters of one are named by themselves."""
    part = data.part("test")
    kinds = [kind for kind in data.competition.metric_by if kind in part.features]
    if not kinds:
        return np.zeros(len(part), dtype=np.int64)
    names = part.features[kinds[0]].astype(str).to_numpy(str)
    return np.asarray(np.unique(names, return_inverse=True)[1], dtype=np.int64)


def _given(data: Data) -> NDArray[np.int64]:
    """Places of a matrix at which a count is given: all have it, so it tells nothing."""
    counts, wide = data.part("test").counts, len(data.genes)
    places = [np.empty(0, dtype=np.int64)]
    for _, rows, matrix, genes in counts.read() if counts is not None else ():
        if list(genes) == list(data.genes):
            known = matrix.tocoo()
            places.append(rows[known.row].astype(np.int64) * wide + known.col)
    return np.concatenate(places)


def _codes(labels: NDArray[Any], within: NDArray[np.int64]) -> NDArray[np.float32]:
    """Labels as numbers in order of appearance in their slice: the same for any names."""
    codes = np.empty(len(labels), dtype=np.float32)
    for one in np.unique(within):
        rows = np.flatnonzero(within == one)
        _, first, code = np.unique(labels[rows].astype(str), return_index=True, return_inverse=True)
        codes[rows] = np.argsort(np.argsort(first))[code]
    return codes


def _blocks(values: Any) -> Iterator[NDArray[np.float32]]:
    """Dense, some rows at a time."""
    step = max(1, _BLOCK // max(1, int(np.prod(values.shape[1:]))))
    for start in range(0, values.shape[0], step):
        block = values[start : start + step]
        dense: Any = block.toarray() if hasattr(block, "toarray") else block
        yield np.ascontiguousarray(dense, dtype=np.float32)


def _correlations(values: NDArray[np.float32]) -> Floats:
    """Pearson's of all pairs [n, places] -> [n, n]; 0 where something is constant."""
    centred = values.astype(np.float64)
    centred -= centred.mean(axis=1, keepdims=True)
    length = np.sqrt(np.square(centred).sum(axis=1))
    scale = length[:, None] * length
    products = centred @ centred.T
    return np.asarray(np.divide(products, scale, out=np.zeros(scale.shape), where=scale > 0))


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ranks within each row [n, places], the mean of equal values: all that some metrics see."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, axis=1), dtype=np.float32)


def _equal(values: NDArray[np.float32]) -> Floats:
    """Share of equal values of all pairs, where not both have what is commonest in each."""
    common = [_commonest(row) for row in values]
    usual = np.array([row == one for row, one in zip(values, common, strict=True)])
    share = np.eye(len(values))
    for k in range(1, len(values)):
        told = ~(usual[k] & usual[:k])
        equal = np.abs(values[:k] - values[k]) <= _CLOSE * values[k].std()
        count = told.sum(axis=1)
        one = np.divide((equal & told).sum(axis=1), count, out=np.zeros(k), where=count > 0)
        share[k, :k] = share[:k, k] = one
    return share


def _commonest(values: NDArray[np.float32]) -> np.float32:
    kinds, count = np.unique(values, return_counts=True)
    return np.float32(kinds[count.argmax()])


def _matches(codes: NDArray[np.float32], within: NDArray[np.int64]) -> Floats:
    """Share of rows of all pairs whose labels are equal once those of a slice are named alike."""
    slices = [codes[:, within == one].astype(np.int64) for one in np.unique(within)]
    share = np.eye(len(codes))
    for first, second in combinations(range(len(codes)), 2):
        equal = sum(_matched(some[first], some[second]) for some in slices)
        share[first, second] = share[second, first] = equal / codes.shape[1]
    return share


def _matched(first: NDArray[np.int64], second: NDArray[np.int64]) -> int:
    """Rows whose labels are equal once those of one are named after the other's."""
    from scipy.optimize import linear_sum_assignment

    wide = int(second.max()) + 1
    table = np.bincount(first * wide + second, minlength=(int(first.max()) + 1) * wide)
    table = table.reshape(-1, wide)
    return int(table[linear_sum_assignment(-table)].sum())
