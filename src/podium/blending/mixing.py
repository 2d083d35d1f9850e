"""Mixtures: means of numbers, consensus of clusters, means and majorities of matrices.

Each member adds its votes to running sums, so that one member is in memory at a time. The sums
hold, of numbers, the values; of labels, named after the clusters of the
first member that they match in each slice (Hungarian method; after Strehl and Ghosh 2002), votes of
each row for each cluster; of a matrix the values, and how many members have one ("call" it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from podium.competition.contract import Competition
    from podium.competition.metric import Table
    from podium.competition.part import Part

Votes = Mapping[str, tuple[Any, ...]]
"""By target: (values,), (votes [rows, clusters],), or (values, calls) of a matrix."""


def added(sums: Votes, votes: Votes, times: int = 1) -> Votes:
    """Running sums, empty at first, with some votes added `times` times."""
    if times != 1:
        votes = {name: tuple(v * times for v in each) for name, each in votes.items()}
    if not sums:
        return votes
    return {
        name: tuple(s + v for s, v in zip(each, votes[name], strict=True))
        for name, each in sums.items()
    }


@dataclass(frozen=True, kw_only=True)
class Mixer:
    """How predictions of the rows of a part are mixed.

    Attributes:
        part: The rows; no answers are looked at.
        first: Predictions of the first member, after which clusters are named.
    """

    competition: Competition
    part: Part
    first: Table

    def votes(self, predictions: Table) -> Votes:
        """What a member adds to the sums."""
        votes: dict[str, tuple[Any, ...]] = {}
        for target in self.competition.targets:
            values = predictions[target.name]
            if target.matrix:
                votes[target.name] = _matrix_votes(values)
            elif target.label:
                votes[target.name] = (self._label_votes(target.name, values),)
            else:
                votes[target.name] = (np.asarray(values, dtype=np.float64),)
        return votes

    def mixture(self, sums: Votes, total: int) -> Table:
        """Predictions that follow from the sums of `total` votes."""
        mixed: dict[str, Any] = {}
        for target in self.competition.targets:
            each = sums[target.name]
            if target.matrix:
                mixed[target.name] = self._matrix(each[0], each[1], total)
            elif target.label:
                mixed[target.name] = self._labels(target.name, each[0])
            else:
                # a mean leaves the range only by rounding
                mixed[target.name] = np.clip(each[0] / total, target.low, target.high)
        return mixed

    @cached_property
    def _slices(self) -> list[NDArray[np.int64]]:
        """Rows of each slice in which clusters have names of their own."""
        kinds = [kind for kind in self.competition.metric_by if kind in self.part.features]
        if not kinds:
            return [np.arange(len(self.part))]
        _, code = np.unique(self.part.features[kinds[0]].to_numpy(str), return_inverse=True)
        order = np.argsort(code, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(code[order])) + 1)

    @cached_property
    def _named(self) -> Mapping[str, list[tuple[NDArray[Any], NDArray[np.int64]]]]:
        """Clusters of the first member in each slice, and which of them each row is in."""
        labels = [target.name for target in self.competition.targets if target.label]
        return {
            name: [
                np.unique(self.first[name][rows].astype(str), return_inverse=True)
                for rows in self._slices
            ]
            for name in labels
        }

    def _label_votes(self, name: str, values: NDArray[Any]) -> NDArray[np.int32]:
        """Two for the cluster that a row is in: a single one is left to break ties."""
        named = self._named[name]
        votes = np.zeros((len(values), max(len(c) for c, _ in named)), dtype=np.int32)
        for rows, (_, code) in zip(self._slices, named, strict=True):
            votes[rows, _matched(code, values[rows])] = 2
        return votes

    def _labels(self, name: str, votes: NDArray[np.int32]) -> NDArray[np.object_]:
        """The cluster with most votes; in a tie the first member's, if it is among them."""
        labels = np.empty(len(votes), dtype=object)
        for rows, (clusters, code) in zip(self._slices, self._named[name], strict=True):
            here = votes[rows]  # a copy
            here[np.arange(len(rows)), code] += 1
            labels[rows] = clusters[here.argmax(axis=1)]
        return labels

    @cached_property
    def _observed(self) -> Any:
        """Counts that nobody may change; None where there are none."""
        if not self.competition.observed or self.part.counts is None:
            return None
        return self.part.counts.matrix()

    def _matrix(self, values: Any, calls: Any, total: int) -> Any:
        """Where more than half call a value, the mean of those that do; observed counts stay."""
        chosen = calls.copy()
        chosen.data = np.where(2 * calls.data > total, 1.0 / np.maximum(calls.data, 1), 0.0)
        mean = values.multiply(chosen).tocsr()
        if self._observed is not None:
            seen = self._observed.astype(np.float64)
            mean = mean - mean.multiply(seen != 0) + seen
        mean.eliminate_zeros()
        return mean.astype(np.float32)


def _matched(code: NDArray[np.int64], labels: NDArray[Any]) -> NDArray[np.int64]:
    """Which cluster of the first member stands for that of each row.

    Clusters are matched one to one so that most rows agree; one that is left over, since there are
    more of them, is taken for the one that it shares most rows with.
    """
    from scipy.optimize import linear_sum_assignment

    own = _codes(labels)
    shared = np.zeros((own.max() + 1, code.max() + 1), dtype=np.int64)
    np.add.at(shared, (own, code), 1)
    stands_for = shared.argmax(axis=1)
    mine, yours = linear_sum_assignment(-shared)
    stands_for[mine] = yours
    return np.asarray(stands_for[own])


def _codes(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Labels as numbers from 0, in the order in which they appear."""
    import pandas as pd

    return np.asarray(pd.factorize(labels)[0], dtype=np.int64)


def _matrix_votes(values: Any) -> tuple[Any, Any]:
    from scipy.sparse import csr_array

    matrix = csr_array(values, dtype=np.float64, copy=True)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    calls = csr_array(
        (np.ones(matrix.nnz, dtype=np.int32), matrix.indices, matrix.indptr), shape=matrix.shape
    )
    return matrix, calls
