"""How long `podium new` takes for a large table, and how much memory.

    python benchmarks/organiser.py [rows] [columns] [--labels] [--table FILE]

The table is made here: of ten columns seven are decimals, one whole numbers, one words and one
decimals with gaps; the target is a decimal, or with `--labels` a word. Asked for are 30 seconds and
3 GB for 1,000,000 rows of 300 columns. `podium new` runs as a process of its own, in an empty
workspace; the size of the prepared data in memory, one number of eight bytes a cell, is what no way
can do without.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from measuring import process, script
from pyarrow import csv

NEW = """
import podium
start()
made = podium.new("mine", table=file, target=sys.argv[2], metric=sys.argv[3])
score = sum(made.rows.values())
"""
BLOCK = 50_000
"""Rows that are made at a time."""
WORDS = np.array(["red", "green", "blue"])


def block(rng: np.random.Generator, first: int, rows: int, columns: int) -> pa.Table:
    """Some rows of the table."""
    table = {"id": pa.array(np.arange(first, first + rows))}
    for place in range(columns - 2):
        values = np.round(rng.normal(size=rows), 4)
        match place % 10:
            case 7:
                table[f"x{place}"] = pa.array(rng.integers(0, 100, rows))
            case 8:
                table[f"x{place}"] = pa.array(rng.choice(WORDS, rows))
            case 9:
                table[f"x{place}"] = pa.array(np.where(rng.random(rows) < 0.1, np.nan, values))
            case _:
                table[f"x{place}"] = pa.array(values)
    return pa.table({**table, "y": np.round(rng.normal(size=rows), 4)})


def write(file: Path, rows: int, columns: int) -> None:
    """Write a table of so many rows and columns, ids and target included."""
    rng = np.random.default_rng(0)
    writer = None
    for first in range(0, rows, BLOCK):
        made = block(rng, first, min(BLOCK, rows - first), columns)
        writer = writer or csv.CSVWriter(file, made.schema)
        writer.write_table(made)
    if writer:
        writer.close()


def main() -> None:
    """Make a table, then a competition of it."""
    parser = argparse.ArgumentParser(description="How long podium new takes.")
    parser.add_argument("rows", type=int, nargs="?", default=100_000)
    parser.add_argument("columns", type=int, nargs="?", default=300)
    parser.add_argument("--labels", action="store_true", help="predict a word")
    parser.add_argument("--table", type=Path, help="where the table is kept for another time")
    options = parser.parse_args()
    rows, columns = options.rows, options.columns
    target = ("x8", "accuracy") if options.labels else ("y", "rmse")
    with tempfile.TemporaryDirectory() as place:
        file = (options.table or Path(place) / "table.csv").resolve()
        if not file.is_file():
            write(file, rows, columns)
        environment = {"PODIUM_DATA": f"{place}/cache", "PODIUM_WORKSPACE": place}
        command = script(NEW, str(file), *target)
        run = process(command, cwd=place, env={**os.environ, **environment})
        size = file.stat().st_size / (1 << 20)
    inner = run.inner or run
    assert inner.score == rows, "every row has a part"
    print(
        f"{rows:,} rows x {columns} columns, {size:,.0f} MiB of CSV: {inner.wall:.1f} s, "
        f"{inner.cpu:.1f} s of CPU, {inner.peak:,.0f} MiB at most "
        f"(the numbers alone are {8 * rows * columns / (1 << 20):,.0f})"
    )


if __name__ == "__main__":
    main()
