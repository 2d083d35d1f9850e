"""How long commands take beside those of another checkout, such as the commit before.

    git worktree add ../before COMMIT    # and set it up there: make -C ../before .venv/ready
    python benchmarks/against.py ../before/.venv/bin/podium [RUNS]

Both run in turn, each in a workspace of its own, on `sirna/demo`. Asked for is that no command is
slower but those that train, and these by .15 s at most.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from measuring import PODIUM, Run, median, middle, paired, process

COMMANDS = (
    "--help",
    "list",
    "show sirna",
    "check sirna {file}",
    "submit sirna {file} --name again",
    "board sirna",
    "compare sirna ridge rules",
    "run sirna rules --no-submit",
    "run sirna ridge --no-submit",
    "run sirna lightgbm --no-submit",
    "cv sirna ridge",
    "cv sirna lightgbm",
    "tune sirna ridge --trials 10 --study {new}",
)


def main() -> None:
    """Print a table of both."""
    other = str(Path(sys.argv[1]).absolute())
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    checkouts = {"before": other, "now": PODIUM}
    with tempfile.TemporaryDirectory() as place:
        ways = {name: prepared(path, Path(place, name)) for name, path in checkouts.items()}
        for command in COMMANDS:
            print(line(command, ways, runs), flush=True)


def prepared(podium: str, place: Path) -> tuple[str, Path, dict[str, str]]:
    """A workspace with a submission on its board."""
    place.mkdir()
    own = {"PODIUM_WORKSPACE": str(place), "PODIUM_DATA": str(place / "cache")}
    environment = {**os.environ, **own, "PODIUM_TEAM": "bench"}
    for words in (["run", "sirna", "ridge"], ["run", "sirna", "rules"]):
        subprocess.run(
            [podium, *words], cwd=place, env=environment, check=True, capture_output=True
        )
    return podium, place, environment


def line(command: str, ways: dict[str, tuple[str, Path, dict[str, str]]], runs: int) -> str:
    """A command in both checkouts: seconds and the medians of the pairs' differences."""
    taken = paired({name: partial(timed, command, *way) for name, way in ways.items()}, runs)
    pairs = list(zip(taken["before"], taken["now"], strict=True))
    gained = (
        f"{median([getattr(now, what) - getattr(before, what) for before, now in pairs]):+7.3f} s"
        for what in ("wall", "cpu")
    )
    both = (f"{middle(taken[name], 'wall'):7.3f} s" for name in ("before", "now"))
    return "  ".join([f"{command:<36}", *both, *gained])


def timed(command: str, podium: str, place: Path, environment: dict[str, str]) -> Run:
    """One process of it, where nothing is on the board but what was prepared."""
    file = next(iter(sorted(place.glob("submissions/**/*.parquet"))), "")
    words = command.format(file=file, new=f"s{time.time_ns()}").split()
    return process([podium, *words], cwd=place, env=environment, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
