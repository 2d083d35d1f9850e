"""Gradient-boosted trees (LightGBM) on each zero: was a count lost there, and how many.

They train on the zeros of the train cells. One model gives each zero the probability that it is a
dropout, a second its expected true count, as a factor of the mean that nearest cells suggest: a
factor needs no tree to reach up to the highest counts, which the distance to the truth hangs on.
The most probable zeros are called, and imputed with the expected count, which minimises the
expected squared distance to the truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
from scipy.sparse import vstack

from podium.competition import Parameter
from podium.errors import ModelError
from podium.learning import boost, tree_parameters

from ..shared.cells import Cells, answer, cells
from ..shared.features import CELL, GENE, Description, names, place

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition import Part, Report

    Floats = NDArray[np.float32]

PARAMETERS = {
    "components": Parameter(
        10, "principal components by which cells are compared", (1, 1000), search=(5, 40, "log")
    ),
    "neighbours": Parameter(
        [15, 50], "numbers of nearest labelled cells to average; all are seen", (1, 10_000)
    ),
    "folds": Parameter(
        5, "of the labelled cells, each described by the others to train", (2, 1000)
    ),
    "rows": Parameter(500_000, "about how many zeros train at most", (1, 1_000_000_000)),
    **tree_parameters(
        rounds=(100, 50, 400, "log"),
        learning_rate=(0.07, 0.02, 0.2, "log"),
        num_leaves=(15, 4, 63, "log"),
        min_data_in_leaf=(100, 20, 1000, "log"),
    ),
    "slack": Parameter(
        0.0005, "how much expected F1 is given for a higher MCC", (0.0, 1.0), search=(0.0, 0.004)
    ),
}
THREADS = 1  # the same bytes on any number of cores
"""Chosen on folds of the train cells of `demo`, `autoclass` and `zeisel`. F1 is flat around its
best where MCC is steep: on `autoclass` a slack of 0.0005 raises MCC from .446 to .461.
"""

QUICK: dict[str, Any] = {"rows": 20_000, "rounds": 20, "num_threads": 1}

OWN = ("components", "neighbours", "folds", "rows", "slack")
"""Parameters that are neither `rounds` nor LightGBM's."""

BLOCK = 256
"""Cells that are described in one go: what bounds the memory."""


class BoostedTrees:
    """Boosted trees on what is known of each zero.

    Attributes:
        known: The train cells, which describe those to predict.
        caller: Of the probability that a zero is a dropout; None where train has no dropout.
        counter: Of the true count of a zero, over the mean that is suggested.
    """

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.known: Cells | None = None
        self.caller: lgb.Booster | None = None
        self.counter: lgb.Booster | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Boost; `report` gets the log loss of the caller on train as it falls.

        Raises:
            ModelError: If train has no counts before dropout, or fewer than two cells.
        """
        self.known = known = cells(train)
        if known.truth is None or known.counts.shape[0] < 2:
            raise ModelError(
                "lightgbm needs two cells or more with their counts before dropout to train.",
                hint="Give it more of them, or impute by all_gene_mean, which needs none.",
            )
        self.caller = self.counter = None
        table, truth = self._training(known)
        if not truth.any():
            return
        usual = base(table)
        columns = names(self.params["neighbours"])
        calls = lgb.Dataset(table, truth > 0, feature_name=columns)
        counts = lgb.Dataset(table, truth / usual, weight=usual, feature_name=columns)
        self.caller = self._boost("binary", calls, report)
        self.counter = self._boost("l2", counts, None)

    def predict(self, part: Part) -> pd.DataFrame:
        """Call the most probable dropouts and impute the counts that are expected.

        Raises:
            ModelError: If the genes are others than those of train.
        """
        observed, known = cells(part), self.known
        assert known is not None
        assert known.truth is not None
        if not np.array_equal(observed.genes, known.genes):
            raise ModelError(
                "The genes are not those that lightgbm was trained on.",
                hint="It needs the same genes in the same order.",
            )
        values = np.zeros(observed.counts.shape, dtype=np.float32)
        if self.caller is None or self.counter is None:
            return answer(part, observed, values)
        probabilities = np.zeros_like(values)
        zero = observed.counts.toarray() == 0
        train = np.arange(known.counts.shape[0])
        both = place(
            vstack([known.counts, observed.counts], format="csr"), self.params["components"]
        )
        description = Description(both, train, known.truth, self.params["neighbours"])
        for start in range(0, len(values), BLOCK):
            some = np.arange(start, min(start + BLOCK, len(values)))
            table = entries(description, len(train) + some, zero[some])
            lost = np.asarray(self.caller.predict(table))
            count = base(table) * np.asarray(self.counter.predict(table))
            block = slice(start, start + BLOCK)
            probabilities[block][zero[block]] = lost
            # A lost count is 1 or more, so the expected count is at least its probability.
            values[block][zero[block]] = np.maximum(count, lost)
        values[probabilities < threshold(probabilities[zero], self.params["slack"])] = 0
        return answer(part, observed, values)

    def _training(self, known: Cells) -> tuple[Floats, Floats]:
        """Features [rows, features] and true counts [rows] of zeros of known cells."""
        assert known.truth is not None
        rng = np.random.default_rng(self.seed)
        places = place(known.counts, self.params["components"])
        total = known.counts.shape[0] * known.counts.shape[1] - known.counts.nnz
        share = self.params["rows"] / max(total, 1)
        fold = rng.permutation(known.counts.shape[0]) % self.params["folds"]
        tables, answers = [], []
        for held in np.unique(fold):
            others, own = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
            description = Description(
                places, others, known.truth[others], self.params["neighbours"]
            )
            zero = known.counts[own].toarray() == 0
            chosen = zero & (rng.random(zero.shape, dtype=np.float32) < share)
            tables.append(entries(description, own, chosen))
            answers.append(known.truth[own].toarray()[chosen])
        return np.concatenate(tables), np.concatenate(answers)

    def _boost(self, objective: str, data: lgb.Dataset, report: Report | None) -> lgb.Booster:
        return boost(
            data,
            self.params,
            own=OWN,
            seed=self.seed,
            report=report,
            every=10,
            objective=objective,
        )


def entries(description: Description, cells: NDArray[np.int64], chosen: NDArray[Any]) -> Floats:
    """Features of chosen entries of some cells, row by row [entries, features].

    Args:
        description: Of all cells.
        cells: Which of them.
        chosen: Mask [cells, genes].
    """
    features = description.table(cells)
    columns = [np.broadcast_to(each, chosen.shape)[chosen] for each in features]
    return np.column_stack(columns).astype(np.float32, copy=False)


def base(table: Floats) -> NDArray[np.float64]:
    """What the estimates of each entry's mean say on average [entries]."""
    return np.asarray(np.exp(table[:, len(CELL) + len(GENE) :]).mean(axis=1), dtype=np.float64)


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


def build(params: dict[str, Any], seed: int) -> BoostedTrees:
    """Build the model."""
    return BoostedTrees(params, seed)
