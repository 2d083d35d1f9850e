"""How models do on genes that they have not seen: a twentieth of sirna's genes left out at a time.

    python benchmarks/new_genes.py constant:value=29.9 rules gene_ridge limit

`limit` is `gene_ridge` with a simpler rule in place of its decision layer: what is predicted below
a limit is called, the one that does best on genes left out of its train part. Prints the
out-of-fold score of `shanghai` over all rows and over the genes of at most 378 rows (the only
sizes that the test part may hold out), each with its jackknife standard error over genes, and what
it is above the first model named. The data must be ready (`podium data sirna -d shanghai`).
"""

import sys
from contextlib import nullcontext
from unittest.mock import patch

import numpy as np
import pandas as pd
from podium.competitions.sirna.metric import TARGET, metric
from podium.competitions.sirna.models import gene_ridge
from podium.competitions.sirna.shared.decision import on_side
from sklearn.model_selection import GroupKFold

from podium import api
from podium.competition import model_file
from podium.data.dataset import Data, load
from podium.execution import training
from podium.metrics import Cells, Estimate, Tally, difference

FOLDS, SMALL = 20, 378
LIMITS = np.arange(20.0, 60.0)


class Limit:
    """Predictions below a limit are called; stands in for `gene_ridge.Decision`."""

    def __init__(self, limit: float) -> None:
        self.limit = limit

    @classmethod
    def learnt(cls, scores: np.ndarray, y: np.ndarray) -> "Limit":
        """The limit of the best score, percent."""

        def score(limit: float) -> float:
            return float(metric.score({TARGET: y}, {TARGET: cls(limit)(scores)})["score"])

        return cls(max(LIMITS, key=score))

    def __call__(self, said: np.ndarray) -> np.ndarray:
        """What is handed in for predictions [rows], percent."""
        return on_side(np.clip(said, 0.0, gene_ridge.HIGHEST), said < self.limit)


def main() -> None:
    """Train and print a line for each model."""
    ready = load(*api.load("sirna", "shanghai"))
    train = ready.train()
    assert train.groups is not None
    genes = train.groups["gene"].to_numpy(object)
    rows = pd.Series(genes).map(pd.Series(genes).value_counts()).to_numpy()
    first: dict[str, Estimate] = {}
    for name in sys.argv[1:] or ["constant:value=29.9", "rules", "gene_ridge"]:
        simple = patch.object(gene_ridge, "Decision", Limit) if name == "limit" else nullcontext()
        with simple:
            predicted = out_of_fold(ready, "gene_ridge" if name == "limit" else name, genes)
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
