"""The `demo` dataset: 600 simulated cells of 1,000 genes, and what dropout left of their counts.

Splatter's model (Zappia et al. 2017, doi:10.1186/s13059-017-1305-0) in NumPy: gamma means of genes,
some of them outliers; groups of cells that express a tenth of the genes more or less; log-normal
library sizes; gamma noise whose spread falls with the mean; Poisson counts; and last a dropout that
takes a count the more likely the less is expressed. `shared/zeros.py` says what can be known of
the zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit

from podium.competition import Counts
from podium.data import Prepared

from ..shared import zeros
from ..shared.splatter import best_calls

if TYPE_CHECKING:
    from numpy.typing import NDArray

Floats = zeros.Floats

SEED = 1
CELLS, GENES, GROUPS = 600, 1000, 6
SHAPE, RATE = 0.6, 0.3
"""Of the gamma distribution of the means of genes."""
OUTLIERS, OUTLIER, OUTLIER_SPREAD = 0.05, 4.0, 0.5
"""Share of genes with a mean far above the median one, and the log-normal factor of how far."""
CHANGED, CHANGE, CHANGE_SPREAD = 0.1, 0.1, 0.4
"""Share of genes that a group changes, and the log-normal factor of by how much."""
BCV, BCV_DF = 0.1, 60.0
"""Common biological coefficient of variation, and degrees of freedom of its spread over genes."""

# Not given by the published figures: chosen so that 41 % of the zeros are dropouts, as in the
# report, in a matrix as sparse as real ones, where the library size of a cell matters.
LIBRARY, LIBRARY_SPREAD = 8.7, 0.5
"""Of the log-normal library sizes."""
MIDDLE, STEEPNESS = 2.0, -1.0
"""Log expression at which every second count is lost, and slope of the logistic curve."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is fixed before a count is drawn.

    Attributes:
        group: Of each cell [cells].
        library: Expected counts of each cell before dropout [cells].
        base: Mean of each gene [genes].
        factor: By which each group changes each gene [groups, genes].
        spread: Factor of each gene's coefficient of variation [genes].
    """

    group: NDArray[np.int64]
    library: Floats
    base: Floats
    factor: Floats
    spread: Floats

    @property
    def mean(self) -> Floats:
        """Expected count of each gene in each cell before dropout [cells, genes]."""
        share = self.base * self.factor
        share = share / share.sum(axis=1, keepdims=True)
        return np.asarray(self.library[:, None] * share[self.group])

    @property
    def variation(self) -> Floats:
        """Coefficient of variation of the expression around its mean [cells, genes]."""
        return variation(self.mean, self.spread)


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """Cells before and after dropout.

    Attributes:
        truth: Counts [cells, genes].
        observed: The same, or 0 [cells, genes].
    """

    plan: Plan
    truth: NDArray[np.int64]
    observed: NDArray[np.int64]


def demo() -> Prepared:
    """Simulate the dataset: the same 600 cells on every call.

    Returns:
        Observed and true counts of 600 cells and 1,000 genes, a few of which are seen in no cell;
        each cell is a group of its own. The ceiling knows the plan: mean and variation of each
        gene in each cell and the curve of the dropout, everything but what was drawn. It calls
        the zeros whose F1 is the highest in expectation and imputes their expected counts.
    """
    cells = simulate(np.random.default_rng(SEED))
    ids = pd.Series([f"cell{number:03d}" for number in range(1, CELLS + 1)], name="id")
    genes = [f"gene{number:04d}" for number in range(1, GENES + 1)]
    matrices = cells.observed, cells.truth, ceiling(cells)
    counts, truth, best_counts = (Counts.of({"cells": (matrix, genes)}) for matrix in matrices)
    return Prepared(
        features=pd.DataFrame({"id": ids}),
        targets=pd.DataFrame({"id": ids}),
        groups=pd.DataFrame({"id": ids, "cell": ids}),
        counts=counts,
        truth=truth,
        ceiling=best_counts,
    )


def simulate(rng: np.random.Generator, cells: int = CELLS, genes: int = GENES) -> Simulated:
    """Draw a plan, counts and dropouts."""
    plan = draw_plan(rng, cells, genes)
    shape = plan.variation**-2
    expression = rng.gamma(shape, plan.mean / shape)
    truth = rng.poisson(expression)
    kept = rng.random(truth.shape) >= dropout(expression)
    return Simulated(plan=plan, truth=truth, observed=np.where(kept, truth, 0))


def draw_plan(rng: np.random.Generator, cells: int, genes: int) -> Plan:
    """Groups, library sizes, means and spreads."""
    base = rng.gamma(SHAPE, 1 / RATE, genes)
    far = np.median(base) * rng.lognormal(OUTLIER, OUTLIER_SPREAD, genes)
    base = np.where(rng.random(genes) < OUTLIERS, far, base)
    changed = rng.random((GROUPS, genes)) < CHANGED
    # A factor below 1 raises where it was to lower, as in Splatter: up or down is half and half.
    change = np.abs(rng.normal(CHANGE, CHANGE_SPREAD, (GROUPS, genes)))
    sign = rng.choice([-1, 1], (GROUPS, genes))
    return Plan(
        group=rng.integers(GROUPS, size=cells),
        library=rng.lognormal(LIBRARY, LIBRARY_SPREAD, cells),
        base=base,
        factor=np.exp(changed * sign * change),
        spread=np.sqrt(BCV_DF / rng.chisquare(BCV_DF, genes)),
    )


def variation(mean: Floats, spread: Floats) -> Floats:
    """Coefficient of variation: falls with the mean, to `BCV`; of each gene a little different."""
    return np.asarray((BCV + 1 / np.sqrt(mean)) * spread)


def dropout(expression: Floats) -> Floats:
    """Probability that a count is lost, by the expression that it was drawn from."""
    with np.errstate(divide="ignore"):  # the gamma draw of a rare gene may be 0
        return np.asarray(expit(STEEPNESS * (np.log(expression) - MIDDLE)))


def ceiling(cells: Simulated) -> Floats:
    """Imputed counts of the best caller, 0 where it calls no dropout [cells, genes]."""
    known = zeros.at_zeros(cells.plan.mean, cells.plan.spread, variation=variation, dropout=dropout)
    return best_calls(known, cells.observed)
