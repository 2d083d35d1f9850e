"""Load and go through DNA, one byte a base against one-hot floats, whole processes side by side.

    python benchmarks/sequences.py [rows] [bases] [more rows]

Both ways go through all sequences in batches of 256 as float32 one-hot, as training does. The plain
way is the report's: all `.npz` files become float32 arrays in memory first. Podium's reads the same
files once (`prepare`), and then maps one byte a base (`load`). The plain way is run on `rows`,
20,000 by default, since it needs 24 GB for 500,000; Podium's also on `more rows`, 100,000, for which
1 GB and a few seconds are asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

FILES = 5
CODE = {
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
from podium import competition
found = competition.load("maize").module("course_files")
files = sorted(Path("train").glob("*.npz"))
parts = [found._arrays(f, f.stem)[1].codes for f in files]
from podium.sequences import Sequences
Sequences(np.concatenate(parts)).write(Path("prepared.npy"))
batches = ()
""",
    "load": """
import numpy as np
from pathlib import Path
from podium.sequences import Sequences
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
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps([ready, time.perf_counter() - start, peak, total]))
"""


def main(rows: int = 20_000, bases: int = 3_000, more: int = 100_000) -> None:
    """Write files, run each way in a process of its own, and print time, peak and ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "train").mkdir()
        rng = np.random.default_rng(0)
        for number in range(FILES):
            codes = rng.integers(0, 4, (rows // FILES, bases), dtype=np.uint8)
            hot = (codes[:, None, :] == np.arange(4)[:, None]).astype(np.int8)
            np.savez(folder / "train" / f"{number}.npz", hot, rng.normal(size=len(hot)))
        np.save(folder / "more.npy", rng.integers(0, 5, (more, bases), dtype=np.uint8))
        print(f"{'':24}{'ready':>9}{'all seen':>10}{'peak':>10}")
        plain = run("plain", folder, f"plain, {rows:,}")
        run("prepare", folder, f"prepare, {rows:,}")
        ours = run("load", folder, f"load, {rows:,}", "prepared.npy")
        run("load", folder, f"load, {more:,}", "more.npy")
        print(f"plain / load: {plain[1] / ours[1]:.1f} x time, {plain[2] / ours[2]:.1f} x memory")
        if plain[3] != ours[3]:
            raise SystemExit("the two ways saw different bases")


def run(way: str, folder: Path, title: str, *arguments: str) -> list[float]:
    """Seconds until the first batch and until the last, peak in GiB, and bases that were seen."""
    code = FRAME.format(code=CODE[way])
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    found: list[float] = json.loads(done.stdout)
    print(f"{title:24}{found[0]:7.2f} s{found[1]:8.2f} s{found[2]:6.2f} GiB")
    return found


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
