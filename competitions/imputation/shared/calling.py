"""Which zeros are called dropouts, and what they were: learnt from cells whose truth is known.

A model of this kind estimates two things for every entry of every cell, labelled or not: how much
a zero there looks like a dropout (score), and what the count may have been (value). The labelled
cells then say from which score on calling a zero pays, and how large the truth is on average where
a value was estimated. For that to hold for other cells, the estimates for a labelled cell must be
made without its own truth.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array, vstack

from podium.errors import ModelError

from .cells import answer, cells, same_genes

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition import Part, Report

    from .cells import Cells

    Floats = NDArray[np.floating[Any]]

SMALLEST = 1e-3
"""A zero that is called gets at least this count."""

ALONE = {"source": "observed", "calling": "own"}
"""Parameters, where a model has them, of cells that are imputed without any labelled ones."""

BINS = 50
"""Quantiles in each of which a curve is averaged."""


class Mixed(NamedTuple):
    """Labelled cells, then the others.

    Attributes:
        counts: Observed counts [cells, genes], float32.
        truth: Counts before dropout of the labelled cells [labelled, genes], float32.
    """

    counts: csr_array[Any]
    truth: csr_array[Any]


class Estimate(NamedTuple):
    """What a model makes of every entry; entries that are not zero do not matter.

    Attributes:
        score: The higher, the more a zero looks like a dropout [cells, genes].
        value: The count that it may have been, not below 0 [cells, genes].
    """

    score: Floats
    value: Floats

    def of(self, rows: slice) -> Estimate:
        """That of some cells."""
        return Estimate(self.score[rows], self.value[rows])


class Curve(NamedTuple):
    """How the mean of y depends on x: straight between points, level beyond them.

    Attributes:
        x: Rising [points].
        y: Mean there [points].
    """

    x: Floats
    y: Floats

    @classmethod
    def through(cls, x: Floats, y: NDArray[Any]) -> Curve:
        """The curve through the means of quantiles of x; both [n], n above 0."""
        edges = np.unique(np.quantile(x, np.linspace(0, 1, BINS + 1)[1:-1]))
        place = np.searchsorted(edges, x)
        size = np.bincount(place)
        filled = size > 0
        sums = (np.bincount(place, of)[filled] for of in (x, y))
        return cls(*(of / size[filled] for of in sums))

    def __call__(self, x: Floats) -> Floats:
        """The mean of y at each x."""
        return np.interp(x, self.x, self.y).astype(np.float32)


class Calling(NamedTuple):
    """What was learnt of the labelled cells.

    Attributes:
        cut: The lowest score that is called.
        ratio: Mean truth over mean value of zeros, by value.
    """

    cut: float
    ratio: Curve

    @classmethod
    def learn(cls, estimate: Estimate, counts: csr_array[Any], truth: csr_array[Any]) -> Calling:
        """Learn from the zeros of labelled cells; all arguments are [labelled, genes]."""
        zero = counts.toarray() == 0
        score, value, true = estimate.score[zero], estimate.value[zero], truth.toarray()[zero]
        above = value > 0
        if not above.any():
            return cls(best_cut(score, true > 0), Curve(np.zeros(1), np.ones(1)))
        mean = Curve.through(value[above], true[above])
        return cls(best_cut(score, true > 0), Curve(mean.x, mean.y / mean.x))

    def impute(self, estimate: Estimate) -> Floats:
        """Counts [cells, genes]: the mean truth at that value where called, else 0."""
        mean = estimate.value * self.ratio(estimate.value)
        return np.where(estimate.score >= self.cut, np.maximum(mean, SMALLEST), 0)


def best_cut(score: Floats, dropout: NDArray[np.bool_]) -> float:
    """The cut of the best F1, where what scores that much or more is called.

    Args:
        score: Of zeros [n].
        dropout: Which of them are dropouts [n].

    Returns:
        One of the scores, the highest if several do equally well; infinity without a dropout.
    """
    if not dropout.any():
        return float("inf")
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last = np.append(ranked[1:] != ranked[:-1], True)  # equal scores are called together
    called = np.flatnonzero(last) + 1
    hits = np.cumsum(dropout[order])[last]
    f1 = 2 * hits / (called + dropout.sum())
    return float(ranked[last][f1.argmax()])


def threshold(probability: NDArray[Any], slack: float) -> float:
    """The probability from which to call: the highest MCC with F1 at most `slack` below the best.

    With the k most probable called, hits are expected to be the sum of their probabilities, and
    dropouts the sum of all; F1 and MCC follow. No truth is needed.
    """
    ordered = np.sort(probability.astype(np.float64))[::-1]
    if not len(ordered):
        return np.inf
    called, zeros = np.arange(1, len(ordered) + 1), len(ordered)
    hits, dropouts = ordered.cumsum(), ordered.sum()
    f1 = 2 * hits / (called + dropouts)
    product = called * (zeros - called) * dropouts * (zeros - dropouts)
    mcc = (hits * zeros - called * dropouts) / np.sqrt(np.maximum(product, 1e-9))
    return float(ordered[np.where(f1 >= f1.max() - slack, mcc, -np.inf).argmax()])


class Called(NamedTuple):
    """What is said of each entry, were it 0; other entries do not matter.

    Attributes:
        probability: That it is a dropout [cells, genes].
        value: The count that is expected [cells, genes].
    """

    probability: Floats
    value: Floats


class Caller(ABC):
    """A model that gives zeros probabilities; the most probable are called.

    Attributes:
        params: `slack` among them; see `threshold`.
        known: The labelled cells that it learnt from.
    """

    params: dict[str, Any]
    known: Cells | None = None

    @abstractmethod
    def call(self, observed: Cells) -> Called:
        """What is said of the zeros of cells, of which there are some."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Call the most probable dropouts and impute the counts that are expected.

        Raises:
            ModelError: If the genes are others than those of train.
        """
        assert self.known is not None  # fit comes first
        observed = cells(part)
        same_genes(self.known, observed)
        counts = observed.counts.toarray()
        if not len(counts):
            return answer(part, observed, counts)
        return answer(part, observed, self.imputed(counts, self.call(observed)))

    def imputed(self, counts: Floats, called: Called) -> Floats:
        """The expected counts of the zeros that are called [cells, genes]."""
        cut = threshold(called.probability[counts == 0], self.params["slack"])
        return np.where(called.probability >= cut, called.value, 0)


def check_labelled(name: str, known: Cells) -> None:
    """Look whether there is something to learn from.

    Raises:
        ModelError: If there are no counts before dropout, or fewer than two cells.
    """
    if known.truth is None or known.counts.shape[0] < 2:
        raise ModelError(
            f"{name} needs two cells or more with their counts before dropout to train.",
            hint="Give it more of them, or impute by all_gene_mean, which needs none.",
        )


class Transductive:
    """A model that estimates labelled and other cells together, then learns the calling.

    Cells of other genes than the labelled ones are imputed from their own counts alone: what their
    estimate scores above 0 is called, at its value.

    Args:
        estimate: Makes the estimate for mixed cells, from parameters and seed.
        params: What `estimate` is given; one is for here, where a model has it: `calling`, with
            which `learnt` (as described above) can be changed to `own`: zeros whose score is
            above 0 are called, and values stay as they are.
        seed: What `estimate` is given.
    """

    def __init__(
        self,
        estimate: Callable[[Mixed, dict[str, Any], int], Estimate],
        params: dict[str, Any],
        seed: int,
    ) -> None:
        self.estimate = estimate
        self.params = params
        self.seed = seed
        self.learnt = params.get("calling", "learnt")
        self.train: Cells | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Keep the labelled cells.

        Raises:
            ModelError: If there are none.
        """
        labelled = cells(train)
        if labelled.truth is None or not len(train):
            raise ModelError("This model learns from cells with true counts: there are none.")
        self.train = labelled

    def predict(self, part: Part) -> pd.DataFrame:
        """Impute the cells of the part, beside the labelled ones."""
        assert self.train is not None  # fit comes first
        others = cells(part)
        if not np.array_equal(self.train.genes, others.genes):
            return answer(part, others, self._alone(others.counts))
        mixed, labelled = mix(self.train, others), self.train.counts.shape[0]
        estimate = self.estimate(mixed, self.params, self.seed)
        asked = estimate.of(slice(labelled, None))
        if self.learnt == "own":
            return answer(part, others, np.where(asked.score > 0, asked.value, 0))
        known = estimate.of(slice(labelled))
        calling = Calling.learn(known, self.train.counts, mixed.truth)
        return answer(part, others, calling.impute(asked))

    def _alone(self, counts: csr_array[Any]) -> Floats:
        """Counts from these cells alone: labelled ones have other genes [cells, genes]."""
        nobody: Any = csr_array((0, counts.shape[1]), dtype=np.float32)
        own = {name: value for name, value in ALONE.items() if name in self.params}
        estimate = self.estimate(Mixed(counts, nobody), {**self.params, **own}, self.seed)
        return np.where(estimate.score > 0, estimate.value, 0)


def mix(train: Cells, others: Cells) -> Mixed:
    """Put labelled cells before others.

    Raises:
        ModelError: If their genes differ.
    """
    assert train.truth is not None  # see fit
    same_genes(train, others)
    return Mixed(csr_array(vstack([train.counts, others.counts])), train.truth)
