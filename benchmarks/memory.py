"""The most memory that each shipped model takes, on the largest dataset that is prepared here.

    python benchmarks/memory.py [--models NAME ...]

Each model is trained and asked for the test part in a process of its own; the peak is that of the
process, libraries included. How long a training is does not change what it holds at once, so all
are cut to one epoch, one network of those that are averaged, and 20 rounds of boosting.
"""

from __future__ import annotations

import argparse
import subprocess

from measuring import Result, process, script, seconds

from podium import api
from podium.errors import PodiumError

LARGEST = {
    "sirna": ("shanghai", "demo"),
    "dlpfc": ("151510", "demo"),
    "imputation": ("zeisel", "demo"),
    "maize": ("jores-proto", "demo"),
}
"""The first that is prepared and has what the model needs."""
CODE = """
from pathlib import Path
from podium import api
from podium.competition import model_file as model
from podium.data import dataset as data
comp, dataset, name = sys.argv[2:5]
most = {"epochs": 1, "rounds": 20, "networks": 1}
competition, chosen = api.load(comp, dataset)
def cut(params):
    cut_here = {k: min(params[k], v) for k, v in most.items() if isinstance(params.get(k), int)}
    named = params.get("members", {})
    own = {k: {**v, **cut({**model.load(competition, k).params, **v})} for k, v in named.items()}
    return {**cut_here, **({"members": own} if own else {})}
ready = data.load(competition, chosen)
file = model.load(competition, name)
train, test = ready.train(0), ready.part("test", 0)
built = file.with_params(cut(file.params)).build(0)
lines = Path("/proc/self/status").read_text().splitlines()
score = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
start()
built.fit(train)
built.predict(test)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="*", help="default: all")
    given = parser.parse_args()
    rows = []
    for comp in LARGEST:
        for entry in api.load(comp)[0].models:
            if given.models is None or entry in given.models:
                rows.append(line(comp, entry))
                print(*rows[-1], flush=True)
    Result(
        title="Memory of the models",
        text=(
            "The peak of a process that reads a dataset, trains a model and predicts the test "
            "part, libraries included, and what the process held before training. Trainings are "
            "cut to one epoch, one network and 20 rounds, which changes the time and not the peak."
        ),
        header=["competition", "model", "dataset", "peak, MiB", "before training", "time so cut"],
        rows=rows,
    ).write("memory")


def line(comp: str, name: str) -> list[str]:
    for dataset in LARGEST[comp]:
        try:
            taken = process(script(CODE, "", comp, dataset, name), stderr=subprocess.DEVNULL)
        except (subprocess.CalledProcessError, PodiumError):
            continue
        figures = [f"{taken.peak:,.0f}", f"{taken.score:,.0f}", seconds(taken.wall)]
        return [comp, f"`{name}`", dataset, *figures]
    return [comp, f"`{name}`", "none that is prepared", "", "", ""]


if __name__ == "__main__":
    main()
