"""The interval of a score, against 1,000 runs of scikit-learn's metric on resampled rows.

    python benchmarks/uncertainty.py [--largest 1000000]

All four shipped metrics, on rows made up here that go through the metric's own layout, statistics
and finish. Podium gives score and interval at once; ten bootstrap runs are timed and counted a
hundred times. The cells that rows lie in are gathered before: Podium keeps them with the answers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from measuring import Result, median, seconds
from scipy.stats import pearsonr
from sklearn.metrics import adjusted_rand_score, f1_score, mean_absolute_error

from podium.competition.folders import load
from podium.metrics.stats import Cells, Tally

Table = dict[str, Any]
RUNS, RERUNS, SLICES, GENES = 5, 10, 32, 10


def sirna(rng: np.random.Generator, rows: int) -> tuple[Table, Table]:
    truth = rng.uniform(0, 120, rows)
    said = truth + 20 * rng.normal(size=rows)
    return {"mRNA_remaining_pct": truth}, {"mRNA_remaining_pct": said}


def maize(rng: np.random.Generator, rows: int) -> tuple[Table, Table]:
    truth = rng.normal(size=rows)
    return {"expression": truth}, {"expression": truth + rng.normal(size=rows)}


def dlpfc(rng: np.random.Generator, rows: int) -> tuple[Table, Table]:
    domains = np.array([f"L{number}" for number in range(7)], dtype=object)
    names = np.array([f"s{number:02}" for number in range(SLICES)], dtype=object)
    truth = rng.integers(0, 7, rows)
    said = np.where(rng.random(rows) < 0.7, truth, rng.integers(0, 7, rows))
    where = names[np.arange(rows) * SLICES // rows]
    return {"domain": domains[truth], "slice": where}, {"domain": domains[said]}


def imputation(rng: np.random.Generator, rows: int) -> tuple[Table, Table]:
    truth = rng.poisson(0.5, (rows, GENES)).astype(np.uint16)
    observed = truth * (rng.random(truth.shape) < 0.7).astype(np.uint16)
    said = np.where(rng.random(truth.shape) < 0.7, truth, rng.poisson(0.5, truth.shape))
    return {"count": truth, "observed": observed}, {"count": said.astype(np.float32)}


def sirna_by_scikit(truth: Table, said: Table) -> float:
    y, p = truth["mRNA_remaining_pct"], said["mRNA_remaining_pct"]
    f1 = f1_score(y < 30, p < 30)
    called = (p >= 0) & (p < 30)
    error = mean_absolute_error(y[called], p[called])
    return float(0.5 * (1 - mean_absolute_error(y, p) / 100) + 0.5 * f1 * (1 - error / 100))


def maize_by_scikit(truth: Table, said: Table) -> float:
    return float(pearsonr(truth["expression"], said["expression"])[0])


def dlpfc_by_scikit(truth: Table, said: Table) -> float:
    rows = [np.flatnonzero(truth["slice"] == name) for name in np.unique(truth["slice"])]
    return float(
        np.mean([adjusted_rand_score(truth["domain"][r], said["domain"][r]) for r in rows])
    )


def imputation_by_scikit(truth: Table, said: Table) -> float:
    zero = truth["observed"] == 0
    return float(f1_score(truth["count"][zero] > 0, said["count"][zero] > 0))


WAYS: dict[str, tuple[Callable[..., tuple[Table, Table]], Callable[[Table, Table], float]]] = {
    "sirna": (sirna, sirna_by_scikit),
    "dlpfc": (dlpfc, dlpfc_by_scikit),
    "maize": (maize, maize_by_scikit),
    "imputation": (imputation, imputation_by_scikit),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=1_000_000)
    given = parser.parse_args()
    sizes = [size for size in (10**4, 10**5, 10**6) if size <= given.largest]
    Result(
        title="How sure is a score",
        text=(
            "Score and interval of Podium (jackknife over groups, from sums), against a bootstrap "
            f"of 1,000 runs of the metric of scikit-learn (Pearson's r: SciPy), of which "
            f"{RERUNS} were timed. Groups are single rows, in {SLICES} slices for dlpfc; "
            f"imputation has {GENES} genes. *Added* is what groups and interval cost beside the "
            "score alone. Asked for are, at 10^6 rows, a ratio of 500 and less than 0.1 s added."
        ),
        header=["metric", "rows", "Podium", "added", "1,000 runs", "ratio"],
        rows=[compared(name, size) for name in WAYS for size in sizes],
        notes=["Podium's times are medians of 5, taken in turn with those of scikit-learn."],
    ).write("uncertainty")


def compared(name: str, rows: int) -> list[str]:
    """A line of the table."""
    made, by_scikit = WAYS[name]
    competition = load(name)
    metric, primary = competition.metric, competition.primary.name
    rng = np.random.default_rng(0)
    truth, said = made(rng, rows)
    group = truth["slice"] if name == "dlpfc" else np.arange(rows)
    cells = Cells.of(group, part=np.where(np.arange(rows) % 2, "public", "private").astype(object))
    one = Cells.of(np.zeros(rows, np.int64))
    close = abs(metric.score(truth, said)[primary] - by_scikit(truth, said)) < 1e-3
    if not close:
        raise SystemExit(f"{name}: the two ways found different scores")

    def whole() -> None:
        Tally.of(metric, truth, said, cells).estimate(primary)

    def plain() -> None:
        Tally.of(metric, truth, said, one).estimate(primary)

    def rerun() -> None:
        chosen = rng.integers(0, rows, rows)
        by_scikit(*({k: column[chosen] for k, column in table.items()} for table in (truth, said)))

    ours, without, theirs = [], [], []
    for _ in range(RUNS):
        ours.append(timed(whole))
        without.append(timed(plain))
        theirs += [timed(rerun) for _ in range(RERUNS // RUNS)]
    ratio = 1000 * median(theirs) / median(ours)
    added = max(0.0, median([a - b for a, b in zip(ours, without, strict=True)]))
    cells_of_row = [seconds(median(ours)), seconds(added), seconds(1000 * median(theirs))]
    return [name, f"{rows:,}", *cells_of_row, f"{ratio:,.0f}"]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
