"""What a process of its own costs a run: the same model file with walls and in this process.

    python benchmarks/isolation.py [runs]

Each run is a new Python, as `podium run` is; runs alternate, so that both see the same machine. The
model imports what every run imports anyway, so all of the difference is Podium's. Beside wall time
stands processor time, which hardly depends on what else the machine does.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = """import pandas as pd
DEFAULTS = {}
def build(params, seed): return Middle()
def space(trial): return {}
class Middle:
    def fit(self, train, report=None):
        self.middle = train.targets["mRNA_remaining_pct"].median()
    def predict(self, part):
        return pd.DataFrame({"id": part.ids, "mRNA_remaining_pct": self.middle})
"""
HERE = """import sys
from podium.runs import running
running._apart = lambda model, limits: False
"""
RUN = """from podium import cli
sys.argv = ["podium", "run", "sirna", "middle.py"]
cli.main()
"""


def seconds(code: str, folder: Path) -> tuple[float, float]:
    """Wall and processor time of a new Python that runs the model."""
    start, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)
    wall, after = time.perf_counter() - start, os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])


def main() -> None:
    """Print both and the difference."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    codes = {"in this process": HERE + RUN, "behind walls": "import sys\n" + RUN}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in codes}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.setdefault("PODIUM_DATA", str(folder / "cache"))
        (folder / "middle.py").write_text(MODEL)
        for number in range(runs + 1):
            for kind, code in codes.items():
                taken = seconds(code, folder)
                if number:  # the first has the data made and files read
                    times[kind].append(taken)
    for place, what in enumerate(("wall", "processor")):
        found = {kind: [both[place] for both in taken] for kind, taken in times.items()}
        for kind, taken in found.items():
            print(
                f"{what:9}  {kind:16} {statistics.median(taken):6.2f} s  (least {min(taken):.2f})"
            )
        inside, outside = found.values()
        cost = statistics.median(b - a for a, b in zip(inside, outside, strict=True))
        least = min(outside) - min(inside)
        print(f"{what:9}  {'difference':16} {cost:6.2f} s  (least {least:.2f})")


if __name__ == "__main__":
    main()
