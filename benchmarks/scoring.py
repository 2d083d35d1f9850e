"""Score a submission with string ids in any order, against the way of mle-bench.

    python benchmarks/scoring.py [--runs 5] [--largest 10000000]

Podium's way is what `podium submit` does before it writes: read and check the file, align it by
id, open the answers, score public, private and all rows, each with its interval. The board is left
out, which has a benchmark of its own. The other way is written anew after mle-bench: pandas reads
submission and answers, a merge by id, a metric of scikit-learn. Both compute the RMSE, the metric
that costs scikit-learn least.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import (
    PODIUM,
    RESULTS,
    Result,
    Run,
    inside,
    middle,
    paired,
    process,
    ratio,
    script,
    seconds,
)
from pyarrow import csv

NAME, CLASSIC = "shuffled", "mle-bench"
WAYS = {
    NAME: """
from podium import api
from podium.data import dataset as data
from podium.scoring import scoring, submission
import podium.data.reader, podium.scoring.matching, podium.metrics.stats, podium.metrics
import pyarrow.csv, pyarrow.parquet
start()
ready = data.load(*api.load("shuffled"))
aligned = submission.check(Path(file), ready)
score = scoring.open_solution(ready).score(aligned)["all"].whole.scores["rmse"]
""",
    CLASSIC: """
import pandas as pd
import pyarrow.parquet
from sklearn.metrics import root_mean_squared_error
start()
read = pd.read_csv if file.endswith(".csv") else pd.read_parquet
answers, said = read(file.replace("submission", "answers")), read(file)
both = answers.merge(said, on="id", suffixes=("", "_said"))
if not len(both) == len(answers) == len(said):
    raise SystemExit("other ids, or some twice")
score = root_mean_squared_error(both["y"], both["y_said"])
""",
}
COPY = """
import numpy as np
block, times = np.ones(1 << 25), []
start()
for _ in range(5):
    before = time.perf_counter()
    block.copy()
    times.append(time.perf_counter() - before)
score = 2 * block.nbytes / min(times)
"""
PARSE = {
    "pandas, CSV": "import pandas as pd; start(); pd.read_csv(file)",
    "Arrow, CSV": "from pyarrow import csv; start(); csv.read_csv(file, "
    "read_options=csv.ReadOptions(use_threads=False))",
    "Arrow, Parquet": "import pyarrow.parquet as pq; start(); "
    "pq.ParquetFile(file).read(use_threads=False)",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--largest", type=int, default=10_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="podium-scoring-") as place:
        os.chdir(place)
        os.environ |= {"PODIUM_WORKSPACE": place, "PODIUM_DATA": f"{place}/cache"}
        make(10_000)
        result(given.runs, given.largest).write("scoring")
        os.chdir("/")


def result(runs: int, largest: int) -> Result:
    """A million rows in pairs, then the growth."""
    enlarge(1_000_000)
    first = process(command(NAME, "submission.csv"))
    rows, notes = [], []
    for kind in ("CSV", "Parquet"):
        file = f"submission.{kind.lower()}"
        ways = {name: partial(process, command(name, file)) for name in WAYS}
        by_way = paired(ways, runs)
        ours, theirs = by_way[NAME], by_way[CLASSIC]
        if not np.isclose(ours[0].score, theirs[0].score, rtol=1e-12):
            raise SystemExit("the two ways found different scores")
        inner = {name: inside(taken) for name, taken in by_way.items()}
        pairs = (("whole process", ours, theirs), ("after imports", inner[NAME], inner[CLASSIC]))
        rows += [line(f"{kind}, {what}", mine, other) for what, mine, other in pairs]
    notes.append(
        f"The first submission to a dataset of 10^6 rows also gathers them into cells, which are "
        f"kept: {seconds(first.wall)} and {first.peak:,.0f} MiB, once."
    )
    notes += limits(inner[NAME])
    notes += growth(largest, runs)
    return Result(
        title="Scoring a submission",
        text=(
            "A million shuffled rows with ids of 13 characters. Podium's way: read, check, align, "
            "and score public, private and all rows, each with its interval. The other: pandas "
            "reads submission and answers, a merge, RMSE of scikit-learn, as mle-bench does. Asked "
            "for are ratios of 3 (CSV) and 4 (Parquet) of whole processes, and of 10 (Parquet) "
            "after imports."
        ),
        header=["", "Podium", "mle-bench's way", "ratio", "of CPU time", "MiB", "MiB there"],
        rows=rows,
        notes=notes,
        picture="scoring-growth.png",
    )


def line(what: str, ours: list[Run], theirs: list[Run]) -> list[str]:
    return [
        what,
        seconds(middle(ours, "wall")),
        seconds(middle(theirs, "wall")),
        f"{ratio(theirs, ours):.1f}",
        f"{ratio(theirs, ours, 'cpu'):.1f}",
        f"{middle(ours, 'peak'):,.0f}",
        f"{middle(theirs, 'peak'):,.0f}",
    ]


def limits(ours: list[Run]) -> list[str]:
    """How far Parquet is from what reading the bytes and parsing alone take."""
    bandwidth = process(script(COPY)).score
    cache = Path("cache", NAME, "table")
    files = [*cache.glob("public/test.parquet"), *cache.glob("solution/*"), Path("submission.csv")]
    read = sum(file.stat().st_size for file in files)
    parse = []
    for name, code in PARSE.items():
        file = f"submission.{name.split()[1].lower()}"
        runs = inside([process(script(code, file)) for _ in range(3)])
        parse.append(f"{name} {seconds(middle(runs, 'wall'))}")
    return [
        f"The limit: {read / 1e6:.0f} MB are read (submission, ids, answers, cells), which at the "
        f"{bandwidth / 1e9:.1f} GB/s that copying memory reaches here take "
        f"{seconds(read / bandwidth)}; scoring Parquet after imports takes "
        f"{middle(ours, 'wall') * bandwidth / read:.0f} times that.",
        f"Parsing the submission alone, one thread: {'; '.join(parse)}.",
        "What is left is spent on reading ids and answers, on a lookup of a million ids in random "
        "order (two misses of the cache each) and on five sums of a million rows.",
    ]


def growth(largest: int, runs: int) -> list[str]:
    """Sizes from 10^4 on, in a picture; the largest in a note."""
    sizes = [size for size in (10**4, 10**5, 10**6, 10**7) if size <= largest]
    by_way: dict[str, list[Run]] = {}
    notes = []
    for size in sizes:
        enlarge(size)
        process(command(NAME, "submission.parquet"))
        for kind in ("csv", "parquet"):
            ways: dict[str, Callable[[], Run]] = {
                f"{name}, {kind}": partial(process, command(name, f"submission.{kind}"))
                for name in WAYS
            }
            for name, taken in paired(ways, 1 if size > 10**6 else min(runs, 3)).items():
                by_way.setdefault(name, []).append(
                    sorted(taken, key=lambda r: r.wall)[len(taken) // 2]
                )
    picture(sizes, by_way)
    for name, taken in by_way.items():
        if name.startswith(NAME) and len(sizes) > 1:
            each = [
                f"10^{len(str(n)) - 1}: {run.inner.wall / n * 1e9:.0f}"
                for n, run in zip(sizes, taken, strict=True)
            ]
            notes.append(
                f"Nanoseconds a row after imports, Podium, {name.split()[1]}: {', '.join(each)}."
            )
    last = "; ".join(
        f"{name} {seconds(t[-1].wall)}, {t[-1].peak:,.0f} MiB" for name, t in by_way.items()
    )
    return [*notes, f"{sizes[-1]:,} rows: {last.replace(NAME, 'Podium')}."]


def picture(sizes: list[int], by_way: dict[str, list[Run]]) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, taken in by_way.items():
        style = {"marker": "o", "linestyle": "-" if name.startswith(NAME) else "--"}
        label = name.replace(NAME, "Podium")
        left.plot(sizes, [run.inner.wall for run in taken], label=label, **style)
        right.plot(sizes, [run.peak for run in taken], label=label, **style)
    for axes, what in ((left, "seconds after imports"), (right, "peak memory, MiB")):
        axes.set(xscale="log", yscale="log", xlabel="rows", ylabel=what)
        axes.grid(alpha=0.3)
    left.legend(frameon=False, fontsize=8)
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(RESULTS / "scoring-growth.png", dpi=110, metadata={"Software": None})


def command(way: str, file: str) -> list[str]:
    return script(WAYS[way], file)


def make(rows: int) -> None:
    """A competition by `podium new`, in the workspace, prepared."""
    test = drawn(rows)
    train = {"id": [f"train-{n}" for n in range(1000)]}
    numbers = np.random.default_rng(1).normal(size=(2, 1000)).round(4)
    csv.write_csv(pa.table({**train, "x": numbers[0], "y": numbers[1]}), "train.csv")
    csv.write_csv(pa.table({"id": test["id"], "x": test["said"]}), "test.csv")
    csv.write_csv(pa.table({"id": test["id"], "y": test["y"]}), "solution.csv")
    csv.write_csv(pa.table({"id": test["id"], "y": test["said"]}), "sample.csv")
    tables = ["--table", "train.csv", "--test", "test.csv", "--sample", "sample.csv"]
    flags = [*tables, "--solution", "solution.csv", "--target", "y", "--metric", "rmse"]
    for words in (["new", NAME, *flags], ["check", NAME, "sample.csv"]):
        subprocess.run([PODIUM, *words], check=True, stdout=subprocess.DEVNULL)


def drawn(rows: int) -> dict[str, Any]:
    """Ids, truths and predictions."""
    rng = np.random.default_rng(0)
    numbers = pa.array(rng.permutation(rows)).cast(pa.string())
    ids = pa.compute.binary_join_element_wise("row", pa.compute.ascii_lpad(numbers, 9, "0"), "-")
    said = rng.normal(size=rows).round(4)
    return {"id": ids, "y": (said + rng.normal(size=rows)).round(4), "said": said}


def enlarge(rows: int) -> None:
    """Put so many test rows into the prepared data, as preparing them would; and a submission."""
    from podium.scratch import file_sha256

    test = drawn(rows)
    ids, y = test["id"], test["y"]
    part = np.where(np.random.default_rng(2).random(rows) < 0.5, "public", "private")
    cache = Path("cache", NAME, "table")
    manifest = json.loads((cache / "manifest.json").read_text(encoding="utf-8"))
    stratum = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), ["rows"]).cast("string")
    tables = {
        "public/test.parquet": pa.table({"id": ids, "x": test["said"]}),
        "solution/solution.parquet": pa.table(
            {"id": ids, "part": pa.array(part), "stratum": stratum, "y": y}
        ),
        "solution/groups.parquet": pa.table({"id": ids, "row": ids}),
    }
    for name, table in tables.items():
        pq.write_table(table, cache / name, compression="zstd")
        manifest["files"][name] = file_sha256(cache / name)
    (cache / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    order = pa.array(np.random.default_rng(3).permutation(rows))
    for name, column in (("submission", test["said"]), ("answers", y)):
        table = pa.table({"id": ids, "y": column})
        table = table.take(order) if name == "submission" else table
        csv.write_csv(table, f"{name}.csv")
        pq.write_table(table, f"{name}.parquet")


if __name__ == "__main__":
    main()
