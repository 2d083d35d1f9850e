"""Do the intervals hold, and are equal submissions left in one tier? On the shipped metrics.

    python benchmarks/equal_submissions.py [DRAWS]

A draw is a new test set of independent groups (guides, cells, slices) with 20 submissions whose
errors have the same distribution: partly common to all of them, partly their own, and alike within
a group. So all are equally good, and

- coverage: how often the 95 % interval of a submission holds the score of a very large test set (of
  all draws together);
- p < .05: how often two of them differ by the paired test;
- split: how often `boards.tiers` puts the 20 into more than one tier; and so for ten pairs of
  near-duplicates, which differ in three rows;
- flattered: by how much the best score is above the true one, and the mean of its estimate.

The truth is that of the demo datasets (siRNA rows, cells, simulated slices) and the metrics are the
competitions' own; Pearson's r stands for competitions to come. Everything follows from the seed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from podium.competitions.dlpfc.metric import SLICE
from podium.competitions.dlpfc.metric import TARGET as DOMAIN
from podium.competitions.dlpfc.metric import metric as dlpfc
from podium.competitions.imputation.data.simulate import demo as cells_demo
from podium.competitions.imputation.metric import OBSERVED
from podium.competitions.imputation.metric import TARGET as COUNT
from podium.competitions.imputation.metric import metric as imputation
from podium.competitions.sirna.data.simulate import demo as sirna_demo
from podium.competitions.sirna.metric import TARGET as REMAINING
from podium.competitions.sirna.metric import metric as sirna
from spatial_coverage import draw_slice, predict

from podium.competition.metric import Floats, Metric
from podium.metrics import stats
from podium.scoring import tiers

DRAWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
ENTRIES = 20
FEW = 3
GENES = 100
SLICES, PREDICTIONS = 40, 60


@dataclass
class Case:
    """Draws of one kind: `draw(rng, groups, near)` gives sums [entries, groups, k]."""

    title: str
    metric: Metric
    score: str
    draw: Callable[[np.random.Generator, int, bool], Floats]
    sign: int = 1


def shared(rng: np.random.Generator, groups: int, rows: int, near: bool) -> Floats:
    """Errors [entries, groups, rows]: half of the variance is common, a sixth the group's."""
    shape = (ENTRIES, groups, rows)
    common = np.sqrt(0.5) * rng.normal(size=shape[1:])
    own = np.sqrt(0.35) * rng.normal(size=shape) + np.sqrt(0.15) * rng.normal(size=(*shape[:2], 1))
    if near:
        own[1::2] = own[::2]
        rare = np.arange(1, ENTRIES, 2)
        for _ in range(FEW):
            some = (rare, rng.integers(groups, size=len(rare)), rng.integers(rows, size=len(rare)))
            own[some] = np.sqrt(0.5) * rng.normal(size=len(rare))
    return common + own


def of_rows(
    metric: Metric, truth: Floats, spread: float, rows: int, rng, groups: int, near: bool
) -> Floats:
    """Rows of siRNA: their truth, and predictions that err more than they should."""
    y = rng.choice(truth, size=(groups, rows))
    error = shared(rng, groups, rows, near)
    predicted = np.clip(0.7 * y + 0.3 * truth.mean() - 8 + spread * error, 0.0, 300.0)
    each = metric.statistics(
        {REMAINING: np.broadcast_to(y, predicted.shape).ravel()},
        {REMAINING: predicted.ravel()},
        None,
    )
    return each.reshape(*predicted.shape, -1).sum(axis=2)


def of_cells(truth: Floats, observed: Floats, rng, groups: int, near: bool) -> Floats:
    """Cells of imputation: zeros are called by their log count and an error."""
    cell = rng.integers(len(truth), size=groups)
    error = shared(rng, groups, GENES, near)
    score = np.log1p(truth[cell]) + 0.6 * error
    imputed = np.where(score > 0.5, np.expm1(np.clip(score, 0.7, 5.0)), 0.0)
    many = np.tile(cell, ENTRIES)
    each = imputation.statistics(
        {COUNT: truth[many], OBSERVED: observed[many]},
        {COUNT: imputed.reshape(-1, GENES)},
        None,
    )
    return each.reshape(ENTRIES, groups, -1)


def slice_pool(rng: np.random.Generator) -> Floats:
    """ARI and NMI of many predictions, as good as each other, of many slices [slices, many, 2]."""
    pool = np.empty((SLICES, PREDICTIONS, 2))
    for row in pool:
        piece, wrong = draw_slice(rng, 24.0), rng.uniform(0.15, 0.45)
        name = np.repeat("a", len(piece.label))
        for place in range(PREDICTIONS):
            predicted = predict(rng, piece, wrong)
            scores = dlpfc.score({DOMAIN: piece.label, SLICE: name}, {DOMAIN: predicted})
            row[place] = scores["ari"], scores["nmi"]
    return pool


def of_slices(pool: Floats, column: int, rng, groups: int, near: bool) -> Floats:
    """Slices: the score is a mean over them. Near-duplicates differ in one slice."""
    which = rng.integers(len(pool), size=groups)
    chosen = rng.permuted(np.tile(np.arange(pool.shape[1]), (groups, 1)), axis=1)[:, :ENTRIES].T
    if near:
        other = chosen[1::2].copy()
        chosen[1::2] = chosen[::2]
        place = rng.integers(groups, size=len(other))
        chosen[np.arange(1, ENTRIES, 2), place] = other[np.arange(len(other)), place]
    return np.stack([np.ones(chosen.shape), pool[which, chosen, column]], axis=-1)


def _nothing(*_: object) -> None:
    """Slices come summed."""


def _mean(sums: Floats, _: None) -> dict[str, Floats]:
    return {"mean": sums[..., 1] / sums[..., 0]}


MEAN = Metric(statistics=_nothing, finish=_mean)


def _products(solution, predictions, _):
    x, y = predictions[REMAINING], solution[REMAINING]
    return np.column_stack([np.ones_like(x), x, y, x * x, y * y, x * y])


def _pearson(sums: Floats, _: None) -> dict[str, Floats]:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    return {"r": (n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y))}


PEARSON = Metric(statistics=_products, finish=_pearson)


def influences(case: Case, sums: Floats) -> tuple[Floats, Floats]:
    """Scores [entries] and influence values [entries, groups], more is better."""
    total = sums.sum(axis=1)
    left = case.metric.finish(total[:, None] - sums, None)[case.score]
    values = (sums.shape[1] - 1) * (left.mean(axis=1, keepdims=True) - left)
    return case.sign * case.metric.finish(total, None)[case.score], case.sign * values


def check(case: Case, groups: int) -> str:
    """One line of the table."""
    rng = np.random.default_rng(0)
    total: Floats | float = 0.0
    intervals, best, expected, apart = [], [], [], 0
    split = {False: 0, True: 0}
    told = groups >= tiers.FEWEST
    for _ in range(DRAWS):
        for near in split if told else [False]:
            sums = case.draw(rng, groups, near)
            scores, values = influences(case, sums)
            split[near] += told and int(tiers.tiers(scores, values).max() > 1)
            if near:
                continue
            total = total + sums.sum(axis=(0, 1))
            _, ci = stats.interval(float(scores[0]), values[0], 3)
            intervals.append(ci)
            gap = float(scores[0] - scores[1])
            _, gap_ci = stats.interval(gap, values[0] - values[1], 3)
            apart += not gap_ci[0] <= 0 <= gap_ci[1]
            optimism = tiers.optimism(scores, values)
            best.append(float(scores.max()))
            expected.append(optimism.expected)
    truth = case.sign * float(case.metric.finish(np.asarray(total), None)[case.score])
    low, high = np.transpose(intervals)
    covered = 100 * np.mean((low <= truth) & (truth <= high))
    splits = [f"{100 * split[near] / DRAWS:8.1f}" for near in split]
    if not told:
        splits = [f"{'-':>8}"] * 2
    return (
        f"{case.title:24}{groups:7}{covered:10.1f}{100 * apart / DRAWS:9.1f}{''.join(splits)}"
        f"{np.mean(best) - truth:11.4f}{np.mean(expected):10.4f}"
    )


def cases() -> list[tuple[Case, tuple[int, ...]]]:
    table = sirna_demo()
    truth = table.targets[REMAINING].to_numpy(np.float64)
    cells = cells_demo()
    dense = [np.asarray(c.matrix().toarray(), np.float64) for c in (cells.truth, cells.counts)]
    expressed = np.argsort(-dense[0].mean(axis=0))[: 3 * GENES : 3]
    whole, observed = (matrix[:, expressed] for matrix in dense)
    pool = slice_pool(np.random.default_rng(1))
    rows, single = (partial(of_rows, sirna, truth, 22.0, n) for n in (8, 1))
    pearson = partial(of_rows, PEARSON, truth, 22.0, 8)
    by_cells = partial(of_cells, whole, observed)
    return [
        (Case("sirna score, 8 rows", sirna, "score", rows), (5, 10, 30, 50, 150)),
        (Case("sirna score, single rows", sirna, "score", single), (300,)),
        (Case("sirna MAE, 8 rows", sirna, "mae", rows, -1), (10, 30, 50)),
        (Case("sirna F1, 8 rows", sirna, "f1", rows), (10, 30, 50)),
        (Case("Pearson's r, 8 rows", PEARSON, "r", pearson), (10, 30, 50)),
        (Case("imputation F1", imputation, "f1", by_cells), (10, 30, 50, 150)),
        (Case("imputation MCC", imputation, "mcc", by_cells), (10, 30, 50, 150)),
        (Case("imputation ratio", imputation, "ratio", by_cells, -1), (10, 30, 50, 150)),
        (Case("dlpfc ARI, slices", MEAN, "mean", partial(of_slices, pool, 0)), (3, 5, 10, 30)),
        (Case("dlpfc NMI, slices", MEAN, "mean", partial(of_slices, pool, 1)), (3, 5, 10, 30)),
    ]


def main() -> None:
    print(f"{'':44}split of 20, %")
    print(f"{'':24}{'groups':>7}{'coverage':>10}{'p < .05':>9}{'equal':>8}{'near':>8}", end="")
    print(f"{'flattered':>11}{'estimate':>10}")
    for case, sizes in cases():
        for groups in sizes:
            print(check(case, groups), flush=True)


if __name__ == "__main__":
    main()
