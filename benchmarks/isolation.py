"""What a process of its own costs a run: the same model file with walls and in this process.

    python benchmarks/isolation.py [runs]

Each run is a new Python, as `podium run` is; runs alternate, so that both see the same machine. The
model imports what every run imports anyway, so all of the difference is Podium's.
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
from podium import running
running._apart = lambda model, limits: False
"""
RUN = """from podium import cli
sys.argv = ["podium", "run", "sirna", "middle.py"]
cli.main()
"""


def seconds(code: str, folder: Path) -> float:
    """Wall time of a new Python that runs the model."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Print both and the difference."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    codes = {"in this process": HERE + RUN, "behind walls": "import sys\n" + RUN}
    times: dict[str, list[float]] = {name: [] for name in codes}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.setdefault("PODIUM_DATA", str(folder / "cache"))
        (folder / "middle.py").write_text(MODEL)
        for number in range(runs + 1):
            for kind, code in codes.items():
                taken = seconds(code, folder)
                if number:  # the first has the data made and files read
                    times[kind].append(taken)
    for kind, taken in times.items():
        print(f"{kind:16} {statistics.median(taken):6.2f} s  (least {min(taken):.2f})")
    inside, outside = times.values()
    cost = statistics.median(b - a for a, b in zip(inside, outside, strict=True))
    print(f"{'difference':16} {cost:6.2f} s  (least {min(outside) - min(inside):.2f})")


if __name__ == "__main__":
    main()
