"""Gradient-boosted trees on what is known of each zero: was a count lost there, and how many.

They train on the zeros of labelled cells. One model gives each zero the probability that it is a
dropout, a second its expected true count, as a factor of the mean that alike cells suggest: a
factor needs no tree to reach up to the highest counts, which the distance to the truth hangs on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
from scipy.sparse import csr_array, vstack

from podium.learning import boost

from .calling import Called
from .features import Description, base, entries, names, place

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from podium.competition import Report

    from .cells import Cells

    Floats = NDArray[np.float32]

OWN = ("components", "neighbours", "folds", "rows", "slack")
"""Parameters that are neither `rounds` nor LightGBM's."""

BLOCK = 256
"""Cells that are described in one go: what bounds the memory."""


class Trees:
    """Two boosters.

    Attributes:
        known: The labelled cells, which describe those to predict.
        caller: Of the probability that a zero is a dropout; None where there is no dropout.
        counter: Of the true count of a zero, over the mean that is suggested.
    """

    def __init__(self, params: dict[str, Any], seed: int, own: Collection[str] = OWN) -> None:
        self.params = params
        self.seed = seed
        self.own = own
        self.known: Cells | None = None
        self.caller: lgb.Booster | None = None
        self.counter: lgb.Booster | None = None

    def fit(self, known: Cells, report: Report | None, more: Sequence[Floats] = ()) -> None:
        """Boost.

        Args:
            known: Labelled cells, two or more.
            report: Gets the log loss of the caller on them as it falls.
            more: Further features of each of their entries [cells, genes].
        """
        self.known = known
        self.caller = self.counter = None
        table, usual, truth = self._training(known, more)
        if not truth.any():
            return
        columns = [*names(self.params["neighbours"]), *(f"more_{k}" for k in range(len(more)))]
        calls = lgb.Dataset(table, truth > 0, feature_name=columns)
        counts = lgb.Dataset(table, truth / usual, weight=usual, feature_name=columns)
        self.caller = self._boost("binary", calls, report)
        self.counter = self._boost("l2", counts, None)

    def call(self, counts: csr_array[Any], more: Sequence[Floats] = ()) -> Called:
        """What is said of the zeros of other cells.

        Args:
            counts: Observed [cells, genes].
            more: Their further features [cells, genes].
        """
        known = self.known
        assert known is not None
        assert known.truth is not None
        called = Called(*(np.zeros(counts.shape, dtype=np.float32) for _ in range(2)))
        if self.caller is None or self.counter is None:
            return called
        zero = counts.toarray() == 0
        train = np.arange(known.counts.shape[0])
        both = place(vstack([known.counts, counts], format="csr"), self.params["components"])
        description = Description(both, train, known.truth, self.params["neighbours"])
        for start in range(0, len(zero), BLOCK):
            block = slice(start, start + BLOCK)
            some = np.arange(len(zero))[block]
            table = entries(description, len(train) + some, zero[some])
            usual = base(table)
            table = np.column_stack([table, *(each[block][zero[block]] for each in more)])
            lost = np.asarray(self.caller.predict(table))
            count = usual * np.asarray(self.counter.predict(table))
            called.probability[block][zero[block]] = lost
            # A lost count is 1 or more, so the expected count is at least its probability.
            called.value[block][zero[block]] = np.maximum(count, lost)
        return called

    def _training(
        self, known: Cells, more: Sequence[Floats]
    ) -> tuple[Floats, NDArray[np.float64], Floats]:
        """Features [rows, features], usual mean and true counts [rows] of zeros of known cells."""
        assert known.truth is not None
        rng = np.random.default_rng(self.seed)
        places = place(known.counts, self.params["components"])
        total = known.counts.shape[0] * known.counts.shape[1] - known.counts.nnz
        share = self.params["rows"] / max(total, 1)
        fold = rng.permutation(known.counts.shape[0]) % self.params["folds"]
        tables, usual, answers = [], [], []
        for held in np.unique(fold):
            others, own = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
            description = Description(
                places, others, known.truth[others], self.params["neighbours"]
            )
            zero = known.counts[own].toarray() == 0
            chosen = zero & (rng.random(zero.shape, dtype=np.float32) < share)
            table = entries(description, own, chosen)
            usual.append(base(table))
            tables.append(np.column_stack([table, *(each[own][chosen] for each in more)]))
            answers.append(known.truth[own].toarray()[chosen])
        return np.concatenate(tables), np.concatenate(usual), np.concatenate(answers)

    def _boost(self, objective: str, data: lgb.Dataset, report: Report | None) -> lgb.Booster:
        return boost(
            data,
            self.params,
            own=self.own,
            seed=self.seed,
            report=report,
            every=10,
            objective=objective,
        )
