"""How long `podium verify` takes on a competition of 100,000 rows, probe by probe.

    python benchmarks/probes.py [--rows 100000] [--metric rmse]

It makes a table with numbers, categories, words, sequences and groups, turns it into a competition
with `podium new` in a folder that is removed again, verifies it, trains its LightGBM and shows the
board.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

PODIUM = str(Path(sys.executable).parent / "podium")


def table(rows: int) -> pd.DataFrame:
    """Ten numbers, a category, a note, a sequence and a plate; what is predicted is a number."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, 10)).round(4)).add_prefix("x")
    frame["kind"] = rng.choice(["a", "b", "c", "d"], rows)
    words = np.array([f"{a}{b}" for a in "abcdefghij" for b in ("ing", "ed", "ous", "er", "ly")])
    frame["note"] = [" ".join(line) for line in words[rng.integers(0, len(words), (rows, 8))]]
    letters = np.array(list("ACGT"))[rng.integers(0, 4, (rows, 60))]
    frame["sequence"] = ["".join(line) for line in letters]
    frame["plate"] = [f"p{n}" for n in rng.integers(0, rows // 10, rows)]
    content = (letters == "G").mean(axis=1) + (letters == "C").mean(axis=1)
    value = frame["x0"] * 2 + 5 * content + (frame["kind"] == "a") + rng.normal(size=rows)
    frame["value"] = value.round(4)
    frame.insert(0, "id", rng.permutation(rows) + rows)
    return frame


def timed(*words: str) -> None:
    """Run one command and print how long it took."""
    start, before = time.perf_counter(), sum(os.times()[2:4])
    done = subprocess.run([PODIUM, *words], capture_output=True, text=True)
    seconds, cpu = time.perf_counter() - start, sum(os.times()[2:4]) - before
    line = f"{seconds:6.1f} s ({cpu:.1f} s of CPU)  podium {' '.join(words)}"
    print(f"{line}  (status {done.returncode})", flush=True)
    if done.returncode:
        print(done.stdout[-3000:], done.stderr[-3000:])


def main() -> None:
    """Four commands, then each check by itself."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--metric", default="rmse")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        os.environ |= {"PODIUM_WORKSPACE": place, "PODIUM_DATA": f"{place}/cache"}
        rows = table(given.rows)
        if given.metric not in ("rmse", "mae", "r2"):
            rows["value"] = np.where(rows["value"] > rows["value"].median(), "yes", "no")
        rows.to_csv("table.csv", index=False)
        flags = ("--table", "table.csv", "--target", "value", "--metric", given.metric)
        timed("new", "large", *flags)
        timed("verify", "large")
        timed("run", "large", "lightgbm")
        timed("board", "large")
        checks()


def checks() -> None:
    """How long each check takes, in one process."""
    from podium import api
    from podium.verifying import verify
    from podium.verifying.under_test import DatasetUnderTest

    case = DatasetUnderTest(*api.load("large"))
    _ = case.data, case.solution
    for check in verify.CHECKS:
        start = time.perf_counter()
        verdict = verify.judged(case, check)
        print(f"{time.perf_counter() - start:6.1f} s  {verdict.check}: {verdict.problem or 'ok'}")


if __name__ == "__main__":
    main()
