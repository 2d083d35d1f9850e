"""How much a random split would flatter: the same model on folds by families, and on random ones.

    python benchmarks/maize_random_split.py [--datasets demo jores-leaf jores-proto] [--model NAME]

Out-of-fold Pearson's r on the train part; random folds have the sizes of the frozen ones, which
share no family.
"""

import argparse
from dataclasses import replace

import numpy as np

from podium import api
from podium.competition import model_file as model

SEED = 0


def out_of_fold(part, file, folds):
    """Predictions of each row by a model that has not seen its fold."""
    part = replace(part, folds=folds, extra=None)
    predicted = np.empty(len(part))
    for fold in np.unique(folds):
        held = folds == fold
        fitted = file.build(SEED)
        fitted.fit(part.take(~held))
        table = fitted.predict(part.take(held).without_answers())
        predicted[held] = table.iloc[:, 1].to_numpy()
    return predicted


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", default=["demo", "jores-leaf", "jores-proto"])
    parser.add_argument("--model", default="lightgbm")
    given = parser.parse_args()
    competition, _ = api.load("maize")
    file = model.load(competition, given.model)
    print("| dataset | rows | families apart | random | flattered by |")
    print("| --- | --- | --- | --- | --- |")
    for name in given.datasets:
        train = api.prepare("maize", name).train(SEED)
        answers = train.targets.iloc[:, 0].to_numpy()
        shuffled = np.random.default_rng(SEED).permutation(train.folds)
        apart, random = (
            np.corrcoef(out_of_fold(train, file, folds), answers)[0, 1]
            for folds in (train.folds, shuffled)
        )
        print(f"| `{name}` | {len(train):,} | {apart:.3f} | {random:.3f} | {random - apart:+.3f} |")


if __name__ == "__main__":
    main()
