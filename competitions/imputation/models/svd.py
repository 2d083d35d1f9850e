"""Few components for all: low rank by a singular value decomposition of log-normalised counts.

With `source=truth`, the true counts of labelled cells are regressed on the principal components of
the observed ones, gene by gene. With `source=observed` it is ALRA (Linderman et al. 2022,
doi:10.1038/s41467-021-27729-z): the rank by gaps between singular values; a gene's values up to the
size of its most negative ones are noise; what remains gets the mean and deviation of the counts
that were seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition import Parameter

from ..shared.calling import Estimate, Transductive
from ..shared.cells import size_factors
from ..shared.neighbours import Smoother, averaged, log_normalised, reduced
from ..shared.parameters import CALLING, SOURCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..shared.calling import Mixed

    Floats = NDArray[np.floating[Any]]

PARAMETERS = {
    "rank": Parameter(
        0, "components; 0 for the model's own choice", (0, 1000), search=(1, 40, "log")
    ),
    "source": SOURCE,
    "calling": CALLING,
}
"""Chosen on the folds of the train cells of `demo`, `autoclass` and `zeisel` (F1 .754, .891, .836;
ALRA as published .654, .799, .586; ALRA with learnt calls .720, .870, .812).

rank: of its own the model takes that of `RANKS` with the least error when labelled cells are left
    out one by one, or with `observed` ALRA's.
calling: with `own` zeros that are above 0 in the end are called, as they are.
ALRA as published: source=observed, calling=own.
"""

ANY_GENES = True  # without labelled cells of these genes it is ALRA
THREADS = 1  # the same bytes on any number of cores

RANKS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40)

SINGULAR, NOISE, OUTSTANDING = 100, 0.8, 6.0
"""ALRA's: singular values looked at; the share of them after which the others are noise; deviations
by which a gap stands out from those of the noise."""

QUANTILE = 0.001
"""ALRA's: of a gene's values, the most negative that is no outlier."""

HIGHEST = 12.0
"""Log counts are cut here: e^12 is more than any cell has."""


def estimate(mixed: Mixed, params: dict[str, Any], seed: int) -> Estimate:
    """Regress the truth, or approximate what was observed."""
    if params["source"] == "truth":
        return averaged(mixed, "truth", regression(mixed, params["rank"]))
    return alra(mixed, params["rank"], learnt=params["calling"] == "learnt", seed=seed)


def regression(mixed: Mixed, rank: int) -> Smoother:
    """Least squares on principal components: each prediction is a weighted mean of labelled cells.

    Leaving out a cell's own weight is then exactly leaving the cell out of the regression.
    """
    labelled = mixed.truth.shape[0]
    ranks = [rank] if rank else [rank for rank in RANKS if rank < labelled / 2] or [0]
    table = reduced(mixed.counts, max(*ranks, 1))
    smoothers = [least_squares(table[:, :rank], labelled) for rank in ranks]
    if len(smoothers) == 1:
        return smoothers[0]
    there = np.zeros(mixed.counts.shape, dtype=np.float32)
    there[:labelled] = mixed.truth.toarray() > 0
    errors = [left_out(smoother, there, labelled) for smoother in smoothers]
    return smoothers[int(np.argmin(errors))]


def least_squares(table: Floats, labelled: int) -> Smoother:
    """Regression on the columns and a constant, of rows of which the first are labelled."""
    design = np.column_stack([np.ones(len(table)), table])
    solve = np.linalg.pinv(design[:labelled])
    own = np.zeros(len(table), dtype=np.float32)
    own[:labelled] = (design[:labelled] * solve.T).sum(axis=1)
    design, solve = design.astype(np.float32), solve.astype(np.float32)
    return Smoother(lambda of: design @ (solve @ of[:labelled]), own)


def left_out(smoother: Smoother, of: Floats, labelled: int) -> float:
    """Squared error of labelled cells that are left out one by one."""
    own = np.minimum(smoother.own[:labelled, None], 0.999)
    return float((((of - smoother.mean(of))[:labelled] / (1 - own)) ** 2).mean())


def alra(mixed: Mixed, rank: int, *, learnt: bool, seed: int) -> Estimate:
    """Adaptively thresholded low-rank approximation; if calling is learnt, before thresholding."""
    from sklearn.utils.extmath import randomized_svd

    logs = log_normalised(mixed.counts)
    depth = size_factors(mixed.counts).astype(np.float32)[:, None]
    left, values, right = randomized_svd(
        logs, min(SINGULAR, *logs.shape), n_iter=10, random_state=seed
    )
    rank = rank or outstanding(values)
    low = (left[:, :rank] * values[:rank]) @ right[:rank]
    if not learnt:
        low = rescaled(thresholded(low), logs.toarray())
    low = np.clip(low, 0, HIGHEST)
    return Estimate(low, np.expm1(low) * depth)


def outstanding(values: Floats) -> int:
    """The rank up to the last gap between singular values that is larger than those of noise."""
    gaps = -np.diff(values)
    noise = gaps[int(NOISE * len(gaps)) :]
    if len(noise) < 2:
        return 1
    large = np.flatnonzero(gaps > noise.mean() + OUTSTANDING * noise.std(ddof=1))
    return int(large.max(initial=0)) + 1


def thresholded(low: Floats) -> Floats:
    """Without what is no larger than a gene's most negative values [cells, genes]."""
    noise = np.abs(np.quantile(low, QUANTILE, axis=0))
    return np.where(low > noise, low, 0)


def rescaled(kept: Floats, logs: Floats) -> Floats:
    """Values above 0 with the mean and deviation of the gene's observed ones [cells, genes]."""
    (mean, deviation), (wanted, width) = moments(kept), moments(logs)
    known = (deviation > 0) & (width > 0)
    scale = np.where(known, width / np.where(known, deviation, 1), 1)
    moved = (kept - mean) * scale + wanted
    return np.where((kept > 0) & (wanted > 0), moved, 0)


def moments(values: Floats) -> tuple[Floats, Floats]:
    """Mean and deviation of what is above 0 in each column."""
    above = values > 0
    count = np.maximum(above.sum(axis=0), 1)
    mean = np.where(above, values, 0).sum(axis=0) / count
    square = np.where(above, values - mean, 0) ** 2
    return mean, np.sqrt(square.sum(axis=0) / np.maximum(count - 1, 1))


def build(params: dict[str, Any], seed: int) -> Transductive:
    """Build the model."""
    return Transductive(estimate, params, seed)
