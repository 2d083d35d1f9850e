"""What files beside a model cost its start: processor time by their number.

    python benchmarks/beside.py [files ...]

The list of what a model may see is made where it is started, walls by its own process.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from podium import api
from podium.execution import policy, sandbox


def measure(files: int, folder: Path, home: Path) -> tuple[float, float]:
    """Seconds of the list, and of the walls."""
    for number in range(files):
        (folder / f"{number}.txt").write_text("x")
    (folder / "mine.py").write_text("")
    for name in ("work", "root"):
        (home / name).mkdir()
    os.environ["PODIUM_WORKSPACE"] = str(folder)
    competition, _ = api.load("sirna")
    began = time.process_time()
    seen = policy.of(competition, folder / "mine.py", [], home, 1 << 30)
    listed = time.process_time() - began
    before = os.times()
    child = os.fork()
    if not child:
        sandbox.enter(seen, lambda status: os._exit(os.waitstatus_to_exitcode(status)))
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit("the walls were not built")
    return listed, sum(os.times()[2:4]) - sum(before[2:4])


def main() -> None:
    """Print the table."""
    print("| files | what may be seen | walls |\n|---:|---:|---:|", flush=True)
    for files in (0, *map(int, sys.argv[1:] or (100, 1000, 4000))):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
            listed, walls = measure(files, Path(folder), Path(home))
            if files:  # the first has imports in it
                print(f"| {files:,} | {listed:.2f} s | {walls:.2f} s |", flush=True)


if __name__ == "__main__":
    main()
