"""Load and go through DNA, one byte a base against one-hot floats, whole processes side by side.

    python benchmarks/sequences.py [rows] [bases] [more rows]

Both ways go through all sequences in batches of 256 as float32 one-hot, as training does. The plain
way is the report's: all `.npz` files become float32 arrays in memory first. Podium's reads the same
files once (`prepare`), and then maps one byte a base (`load`). The plain way is run on `rows`,
20,000 by default, since it needs five times the memory for 100,000; Podium's also on `more rows`,
100,000, for which 1 GB and a few seconds are asked until the first batch.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

CODE = {
    "make": """
import numpy as np
from pathlib import Path
rows, bases, more = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
Path("train").mkdir()
for number in range(5):
    codes = rng.integers(0, 4, (rows // 5, bases), dtype=np.uint8)
    hot = (codes[:, None, :] == np.arange(4)[:, None]).astype(np.int8)
    np.savez(f"train/{number}.npz", hot, rng.normal(size=len(hot)))
np.save("more.npy", rng.integers(0, 5, (more, bases), dtype=np.uint8))
batches = ()
""",
    "plain": """
import numpy as np
from pathlib import Path
files = sorted(Path("train").glob("*.npz"))
x = np.concatenate([np.load(f)["arr_0"].astype(np.float32) for f in files])
batches = (x[i:i + 256] for i in range(0, len(x), 256))
""",
    "prepare": """
import numpy as np
from pathlib import Path
from podium.competition import folders as competition
course_files = competition.load("maize").module("data.course_files")
files = sorted(Path("train").glob("*.npz"))
parts = [course_files._arrays(f, f.stem)[1].codes for f in files]
from podium.competition.sequences import Sequences
Sequences(np.concatenate(parts)).write(Path("prepared.npy"))
batches = ()
""",
    "load": """
import numpy as np
from pathlib import Path
from podium.competition.sequences import Sequences
codes = Sequences.open(Path(sys.argv[1])).codes
table = np.eye(5, 4, dtype=np.float32)
batches = (table[codes[i:i + 256]] for i in range(0, len(codes), 256))
""",
}
FRAME = """
import json, resource, sys, time
start = time.perf_counter()
{code}
ready = time.perf_counter() - start
total = sum(int(batch.sum()) for batch in batches)
used = resource.getrusage(resource.RUSAGE_SELF)
measured = dict(ready=ready, all=time.perf_counter() - start, total=total)
measured |= dict(cpu=used.ru_utime + used.ru_stime, peak=used.ru_maxrss / 2**20)
print(json.dumps(measured))
"""


def main(rows: int = 20_000, bases: int = 3_000, more: int = 100_000) -> None:
    """Write files, run each way in a process of its own, and print time, peak and ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start(["make", str(rows), str(bases), str(more)], folder)
        print(f"{'':24}{'ready':>9}{'all seen':>10}{'CPU':>10}{'peak':>10}")
        plain = run("plain", folder, f"plain, {rows:,}")
        run("prepare", folder, f"prepare, {rows:,}")
        ours = run("load", folder, f"load, {rows:,}", "prepared.npy")
        run("load", folder, f"load, {more:,}", "more.npy")
        print(
            f"plain / load: {plain['all'] / ours['all']:.1f} x time, "
            f"{plain['cpu'] / ours['cpu']:.1f} x CPU, {plain['peak'] / ours['peak']:.1f} x memory"
        )
        if plain["total"] != ours["total"]:
            raise SystemExit("the two ways saw different bases")


def start(arguments: list[str], folder: Path) -> str:
    """Run a way in a process of its own: a child's peak begins with what its parent has."""
    code = FRAME.format(code=CODE[arguments[0]])
    command = [sys.executable, "-c", code, *arguments[1:]]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def run(way: str, folder: Path, title: str, *arguments: str) -> dict[str, float]:
    """Seconds until the first batch and the last, CPU seconds, peak in GiB, and bases seen."""
    measured: dict[str, float] = json.loads(start([way, *arguments], folder))
    print(
        f"{title:24}{measured['ready']:7.2f} s{measured['all']:8.2f} s{measured['cpu']:8.2f} s"
        f"{measured['peak']:6.2f} GiB"
    )
    return measured


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
