"""What a model's own process costs: a run, the folds of cv and the trials of a search.

    python benchmarks/isolation.py [runs]

Beside each stands the same work without any process: the model loaded, fitted and asked here. The
model does nothing, so all of the difference is Podium's. A run is a new Python, as `podium run` is;
both alternate, so that they see the same machine. Beside wall time stands processor time, which
hardly depends on what else the machine does.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = """import pandas as pd
DEFAULTS = {"value": 30.0}
def build(params, seed): return Constant(params["value"])
def space(trial): return {"value": trial.suggest_float("value", 0, 100)}
class Constant:
    def __init__(self, value):
        self.value = value
    def fit(self, train, report=None):
        pass
    def predict(self, part):
        return pd.DataFrame({"id": part.ids, "mRNA_remaining_pct": self.value})
"""
HEAD = """
import sys
from podium import api, cli
from podium.competition import model_file as model
from podium.execution import training
from podium.data.dataset import load
ready = load(*api.load("sirna"))
"""
FOLDS = """
folds = training.Folds.of(ready)
file = model.load(ready.competition, "constant.py")
def trial():
    for fold in folds.numbers:
        fitted = training.fit(file, file.build(0), folds.train.take(folds.fold != fold))
        training.predict(file, fitted, folds.held(fold))
    folds.card({"mRNA_remaining_pct": folds.train.targets.to_numpy()[:, 0]})
"""
WORK = {
    "run": (
        """
file = model.load(ready.competition, "constant.py")
fitted = training.fit(file, file.build(0), ready.train())
training.predict(file, fitted, ready.part("test")).to_parquet("made.parquet")
sys.argv = ["podium", "submit", "sirna", "made.parquet", "--name", "x"]
cli.main()
""",
        'sys.argv = ["podium", "run", "sirna", "constant.py"]\ncli.main()',
    ),
    "cv, five folds": (
        FOLDS + "trial()",
        'sys.argv = ["podium", "cv", "sirna", "constant.py"]\ncli.main()',
    ),
    "tune, 1 trial": (
        FOLDS + "import optuna\ntrial()",
        'api.tune("sirna", "constant.py", trials=1, pruner="none")',
    ),
    "tune, 21 trials": (
        FOLDS
        + """
import optuna
from podium.tuning import samplers, search, studies
study_folder = studies.folder("x")
study_folder.mkdir(parents=True, exist_ok=True)
backend = optuna.storages.journal.JournalFileBackend(str(study_folder / "journal.log"))
with search.quiet():
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(backend), sampler=samplers.make("tpe", 0)
    )
    study.optimize(lambda t: t.suggest_float("value", 0, 100) + (trial() or 0), n_trials=21)
""",
        'api.tune("sirna", "constant.py", trials=21, pruner="none")',
    ),
}


def seconds(code: str, folder: Path) -> tuple[float, float]:
    """Wall and processor time of a new Python, in a workspace of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        Path(place, "constant.py").write_text(MODEL)
        start, before = time.perf_counter(), os.times()
        subprocess.run(
            [sys.executable, "-c", HEAD + code], cwd=place, check=True, capture_output=True
        )
        wall, after = time.perf_counter() - start, os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])


def main() -> None:
    """Print both and the difference."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print("| work | clock | without processes | as it is | difference |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.setdefault("PODIUM_DATA", str(folder / "cache"))
        for work, codes in WORK.items():
            taken = [[seconds(code, folder) for code in codes] for _ in range(runs + 1)][1:]
            for clock, place in (("wall", 0), ("processor", 1)):
                plain, real = ([run[n][place] for run in taken] for n in range(2))
                cost = statistics.median(b - a for a, b in zip(plain, real, strict=True))
                medians = f"{statistics.median(plain):.2f} s | {statistics.median(real):.2f} s"
                print(f"| {work} | {clock} | {medians} | {cost:.2f} s |", flush=True)


if __name__ == "__main__":
    main()
