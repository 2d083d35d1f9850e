"""How much of a score is the training seed's: mean and spread over seeds on the whole test part.

    python benchmarks/seeds.py dlpfc --dataset 151510                  # all models, seeds 0-9
    python benchmarks/seeds.py dlpfc --dataset starmap --models lightgbm mlp --seeds 3
    python benchmarks/seeds.py response --dataset gdsc --models code_ae --seeds 5 --set variant=adv

Every seed is a submission in a scratch workspace that is revealed at the end: models see what
they see in `podium run`. Prints a Markdown table. A model that needs train rows is left out of a
dataset that has none.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from podium import api
from podium.competition.model_file import parse_settings
from podium.errors import PodiumError


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("competition")
    parser.add_argument("--dataset")
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--set", action="append", default=[], help="K=V: another parameter")
    given = parser.parse_args()
    api.prepare(given.competition, given.dataset)
    with tempfile.TemporaryDirectory(prefix="podium-seeds-") as scratch:
        os.chdir(scratch)
        for name in ("PODIUM_WORKSPACE", "PODIUM_DB"):
            os.environ.pop(name, None)
        table(given)
        os.chdir(Path(scratch).parent)


def table(given):
    competition, dataset = api.load(given.competition, given.dataset)
    scores = [score.name for score in competition.scores if score.beside]
    scores = [competition.primary.name, *scores]
    handed = {}
    for model in given.models or competition.models:
        try:
            handed[model] = [run(given, model, seed) for seed in range(given.seeds)]
        except PodiumError as error:
            sys.stderr.write(f"{model} is left out: {error}\n")
    api.reveal(competition.name, dataset.name)
    board = api.board(competition.name, dataset.name, part="all")
    rows = {row.submission: {**row.metrics, **row.strata} for row in board}
    scores += [name for name in board[0].strata if len(board[0].strata) > 1]
    print(f"| model | {' | '.join(scores)} | seconds |\n|---|{'---|' * len(scores)}---|")
    order = sorted(handed, key=lambda model: mean(rows, handed[model], scores[0]))
    for model in reversed(order):
        cells = [cell([rows[name][score] for name, _ in handed[model]]) for score in scores]
        seconds = np.median([seconds for _, seconds in handed[model]])
        print(f"| `{model}` | {' | '.join(cells)} | {seconds:.1f} |")


def run(given, model, seed):
    """The submission's ID and the seconds that it took."""
    sys.stderr.write(f"{model}, seed {seed}\n")
    start = time.perf_counter()
    outcome = api.run(
        given.competition,
        model,
        dataset=given.dataset,
        params=parse_settings(given.set),
        seed=seed,
        team="seeds",
    )
    return outcome.row.submission, time.perf_counter() - start


def mean(rows, runs, score):
    return np.mean([rows[name][score] for name, _ in runs])


def cell(values):
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


if __name__ == "__main__":
    main()
