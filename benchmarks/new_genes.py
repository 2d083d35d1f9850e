"""How models do on genes that they have not seen: a twentieth of sirna's genes left out at a time.

    python benchmarks/new_genes.py constant:value=29.9 rules gene_ridge gene_ridge:decide=false

Prints the out-of-fold score of `shanghai` over all rows and over the genes of at most 378 rows (the
only sizes that the test part may hold out), each with its jackknife standard error over genes, and
what it is above the first model named. The data must be ready (`podium data sirna -d shanghai`).
"""

import sys

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from podium import api
from podium.competition import model_file
from podium.data.dataset import Data, load
from podium.execution import training
from podium.metrics import Cells, Estimate, Tally, difference

FOLDS, SMALL = 20, 378


def main() -> None:
    """Train and print a line for each model."""
    ready = load(*api.load("sirna", "shanghai"))
    train = ready.train()
    assert train.groups is not None
    genes = train.groups["gene"].to_numpy(object)
    rows = pd.Series(genes).map(pd.Series(genes).value_counts()).to_numpy()
    first: dict[str, Estimate] = {}
    for name in sys.argv[1:] or ["constant:value=29.9", "rules", "gene_ridge"]:
        predicted = out_of_fold(ready, name, genes)
        line = f"{name:30}"
        for what, mask in (("all rows", rows > 0), ("small genes", rows <= SMALL)):
            score = estimate(ready, predicted, genes, mask)
            line += f"  {what} {score.scores['score']:.4f} (se {score.se:.4f})"
            if what in first:
                gap, se, _ = difference(score, first[what], "score")
                line += f", {gap:+.4f} ({se:.4f})"
            first.setdefault(what, score)
        print(line, flush=True)


def out_of_fold(ready: Data, name: str, genes: np.ndarray) -> np.ndarray:
    """Predictions of each row by a model that saw none of its gene."""
    short, _, settings = name.partition(":")
    changes = model_file.parse_settings(settings.split(",") if settings else [])
    file = model_file.load(ready.competition, short).with_params(changes)
    train, target = ready.train(), ready.competition.targets[0].name
    predicted = np.empty(len(train))
    for _, held in GroupKFold(FOLDS).split(genes, groups=genes):
        mask = np.isin(np.arange(len(train)), held)
        fitted = training.fit(file, file.build(0), train.take(~mask))
        part = train.take(mask).without_answers()
        predicted[mask] = training.predict(file, fitted, part)[target]
    return predicted


def estimate(ready: Data, predicted: np.ndarray, genes: np.ndarray, mask: np.ndarray) -> Estimate:
    """The score of some rows, its error over genes."""
    targets, name = ready.train().targets, ready.competition.targets[0].name
    assert targets is not None
    truth = {name: targets[name].to_numpy()[mask]}
    tally = Tally.of(
        ready.competition.metric, truth, {name: predicted[mask]}, Cells.of(genes[mask])
    )
    score = tally.estimate("score", 1)
    assert score is not None
    return score


if __name__ == "__main__":
    main()
