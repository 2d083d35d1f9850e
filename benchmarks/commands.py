"""How long commands take, as whole processes, against importing what they stand on.

    make bench        or: .venv/bin/python benchmarks/commands.py [RUNS]

Each command is run in turn with the bare import, so that both meet the same state of the machine;
the medians and the difference are printed. Works in a temporary workspace on sirna/demo.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from podium import api

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
BARE = [sys.executable, "-c", "import sqlalchemy, typer, rich"]
PODIUM = [str(Path(sys.executable).parent / "podium")]


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    os.environ.setdefault("PODIUM_TEAM", "bench")
    ready = api.prepare("sirna")
    sample = str(ready.folder / "public" / "sample_submission.csv")
    commands = {
        "podium list": ["list"],
        "podium board sirna": ["board", "sirna"],
        "podium check sirna FILE": ["check", "sirna", sample],
        "podium submit sirna FILE": ["submit", "sirna", sample],
    }
    print(f"{'command':28}{'seconds':>10}{'bare import':>14}{'difference':>12}")
    with tempfile.TemporaryDirectory() as workspace:
        os.chdir(workspace)
        subprocess.run([*PODIUM, "submit", "sirna", sample], check=True, capture_output=True)
        for name, arguments in commands.items():
            pairs = [(seconds([*PODIUM, *arguments]), seconds(BARE)) for _ in range(RUNS)]
            own, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
            extra = statistics.median(first - second for first, second in pairs)
            print(f"{name:28}{own:10.3f}{bare:14.3f}{extra:12.3f}")
        os.chdir("/")


if __name__ == "__main__":
    main()
