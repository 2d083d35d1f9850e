"""Motif discovery where nobody looked: fresh regions of the simulator, and pictures of the words.

    python benchmarks/motifs.py [--seeds 101 102 103] [--models motifs motif_net]
    python benchmarks/motifs.py --dataset demo [--models motifs]
    python benchmarks/motifs.py --dataset jores-leaf --pictures FOLDER

Without a dataset, regions are simulated with other seeds than the demo's, in memory, and models are
cross-validated by family: Pearson's r out of fold on train, beside that of the best that anyone can
predict from the sequence, and of the models added up as `stack` does. With one, its train part is
cross-validated in the same way; with a folder for pictures instead `motifs` learns from all of it,
and what it found is drawn.
"""

import argparse
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from podium import api
from podium.competition import Part
from podium.competition import model_file as model

SEED = 0


def fresh(seed):
    """The train part of newly simulated regions, and the best predictions of its rows."""
    from podium.competitions.maize.data import simulate, split

    simulate.SEED = seed
    prepared = simulate.demo()
    dealt = split.by_family(prepared)
    rows = np.flatnonzero(dealt["part"] == "train")

    def of(table):
        return table.iloc[rows].reset_index(drop=True)

    part = Part(
        name="train",
        ids=pd.Index(of(prepared.features)["id"]),
        features=of(prepared.features).drop(columns="id"),
        sequences=prepared.sequences.take(rows),
        targets=of(prepared.targets).drop(columns="id"),
        folds=of(dealt)["fold"].to_numpy(np.int64),
        groups=of(prepared.groups).drop(columns="id"),
    )
    return part, of(prepared.ceiling)["expression"].to_numpy()


def out_of_fold(file, train, folds):
    """Predictions of each row by a model that has not seen its fold, and CPU seconds a fold."""
    predicted, start = np.full(len(train), np.nan), time.process_time()
    for fold in folds:
        held = train.folds == fold
        fitted = file.build(SEED)
        fitted.fit(train.take(~held))
        table = fitted.predict(train.take(held).without_answers())
        predicted[held] = table["expression"].to_numpy()
    return predicted, (time.process_time() - start) / len(folds)


def named(dataset):
    """The train part of a dataset; the best predictions of its rows are not known here."""
    train = api.prepare("maize", dataset).train(SEED)
    return train, np.full(len(train), np.nan)


def weighed(said, answers, folds):
    """Models added up as `stack` does, with weights from the other folds; of one, their mean."""
    from podium.competitions.maize.models.stack import weigh

    if len(np.unique(folds)) == 1:
        return said.mean(axis=1)
    together = np.empty(len(answers))
    for fold in np.unique(folds):
        held = folds == fold
        weights, offset = weigh(said[~held], answers[~held])
        together[held] = offset + said[held] @ weights
    return together


def correlation(predicted, answers):
    """Pearson's r as text; none where predictions are not known."""
    return "" if np.isnan(predicted).any() else f"{np.corrcoef(predicted, answers)[0, 1]:.3f}"


def measure(regions, names, folds):
    """Print a row of each of some regions, by what they are called [train part, best]."""
    competition, _ = api.load("maize")
    files = {name: model.load(competition, name) for name in names}
    print(f"| regions | best possible | {' | '.join(names)} | together | seconds a fold |")
    print(f"| --- | --- | {'--- | ' * len(names)}--- | --- |")
    for region, load in regions.items():
        train, best = load()
        answers = train.targets["expression"].to_numpy()
        rows = np.isin(train.folds, folds)
        tables = [out_of_fold(file, train, folds) for file in files.values()]
        said = np.column_stack([table for table, _ in tables])
        together = weighed(said[rows], answers[rows], train.folds[rows])
        every = [best[rows], *said[rows].T, together]
        figures = " | ".join(correlation(predicted, answers[rows]) for predicted in every)
        seconds = ", ".join(f"{seconds:.0f}" for _, seconds in tables)
        print(f"| {region} | {figures} | {seconds} |", flush=True)


def pictures(dataset, folder):
    from podium.competitions.maize import plot
    from podium.competitions.maize.shared.features import start_site

    competition, _ = api.load("maize")
    train = api.prepare("maize", dataset).train(SEED)
    file = model.load(competition, "motifs")
    fitted = file.with_params({"rounds": 1}).build(SEED)  # trees change nothing in the words
    fitted.fit(train)
    start = start_site(train.features, train.sequences.length)
    folder.mkdir(parents=True, exist_ok=True)
    figure = plot.draw_motifs(fitted.motifs, np.asarray(train.sequences.codes), start)
    figure.savefig(folder / f"motifs-{dataset}.png", dpi=110)
    for motif in fitted.motifs:
        print(motif.word, f"worth {motif.worth:+.2f}", *motif.partners)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[101, 102, 103])
    parser.add_argument("--models", nargs="+", default=["motifs", "motif_net"])
    parser.add_argument("--folds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--dataset")
    parser.add_argument("--pictures", type=Path)
    given = parser.parse_args()
    if given.pictures and not given.dataset:
        parser.error("--pictures needs --dataset: whose words are to be drawn?")
    if given.pictures:
        pictures(given.dataset, given.pictures)
        return
    regions = {f"seed {seed}": partial(fresh, seed) for seed in given.seeds}
    if given.dataset:
        regions = {given.dataset: partial(named, given.dataset)}
    measure(regions, given.models, given.folds)


if __name__ == "__main__":
    main()
