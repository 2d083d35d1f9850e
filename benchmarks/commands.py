"""How long commands take, as whole processes, against importing what they stand on.

    python benchmarks/commands.py [RUNS]

Each command is run in turn with the bare import, so that both meet the same state of the machine.
Works in a temporary workspace, on a competition with 5,000 test rows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial

from measuring import PODIUM, Result, median, middle, paired, process, seconds

from scoring import NAME, make

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 9
BARE = [sys.executable, "-c", "import sqlalchemy, typer, rich"]
ROWS = 5000


def main() -> None:
    os.environ.setdefault("PODIUM_TEAM", "bench")
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        os.environ |= {"PODIUM_WORKSPACE": place, "PODIUM_DATA": f"{place}/cache"}
        make(ROWS)
        process([PODIUM, "submit", NAME, "sample.csv"])
        lines = [
            line(*words)
            for words in (
                ("list",),
                ("board", NAME),
                ("check", NAME, "sample.csv"),
                ("submit", NAME, "sample.csv"),
            )
        ]
        os.chdir("/")
    Result(
        title="Commands",
        text=(
            f"Whole processes against `python -c '{BARE[-1]}'`; a file of {ROWS:,} rows is checked "
            "and submitted. Asked for is a difference below 0.15 s in `list`, `board` and `check`."
        ),
        header=["command", "seconds", "bare import", "difference", "of CPU time"],
        rows=lines,
    ).write("commands")


def line(*words: str) -> list[str]:
    """A command, timed in turn with the bare import."""
    quiet = {"stderr": subprocess.DEVNULL}
    ways = {
        "own": partial(process, [PODIUM, *words], **quiet),
        "bare": partial(process, BARE, **quiet),
    }
    runs = paired(ways, RUNS)
    pairs = list(zip(runs["own"], runs["bare"], strict=True))
    return [
        f"`podium {' '.join(words)}`",
        seconds(middle(runs["own"], "wall")),
        seconds(middle(runs["bare"], "wall")),
        *(
            f"{median([getattr(a, w) - getattr(b, w) for a, b in pairs]):+.3f} s"
            for w in ("wall", "cpu")
        ),
    ]


if __name__ == "__main__":
    main()
