"""Models of imputation out of fold: are probabilities true, what do thinner cells cost, which rule?

    python benchmarks/imputation.py folds [--datasets demo autoclass zeisel] [--models ...]
    python benchmarks/imputation.py thinned [--datasets autoclass zeisel] [--shares 0.5 0.25]
    python benchmarks/imputation.py dca [--datasets demo autoclass zeisel]

Train cells alone, each fold scored by a training on the others. Each writes its tables into the
README of the competition; `folds` draws the picture of the probabilities, too.

`folds` also tries a decision layer for F1 on the probabilities of models that give some: a row is
called where that raises the expected F1 of the other folds' cells (call from half of the highest F1
on: Frank-Wolfe on hits, calls and dropouts), beside the cut that the models choose on the cells
that they are given. Differences are paired by cell; +- is one standard error, by the jackknife.
`thinned` keeps each observed count's molecules by chance, and leaves the truth as it is.
"""

import argparse
import re
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
from podium.competitions.imputation import plot
from podium.competitions.imputation.metric import finish, statistics
from podium.competitions.imputation.shared.calling import Caller, threshold
from podium.competitions.imputation.shared.cells import cells
from scipy.sparse import csr_array

from podium import api
from podium.competition import defaults
from podium.competition.counts import Counts

ROOT = Path(__file__).parents[1]
README = ROOT / "competitions" / "imputation" / "README.md"
PICTURE = ROOT / "docs" / "pictures" / "imputation-reliability.png"
SIMPLE = ("svd", "diffusion", "nb_posterior", "knn_smooth")
SEED = 0
SHOWN = ("f1", "mcc", "ratio")
FOLDS = {"demo": 5, "autoclass": 5, "zeisel": 2}
"""How many of the five folds are held out in turn; `zeisel` takes minutes a fold."""
THINNED = {"autoclass": 2, "zeisel": 1}
"""The same, where counts are thinned."""
OTHERS = {("demo", "replicates"), ("autoclass", "replicates"), ("zeisel", "empirical_bayes")}
"""Models on data that they are not made for."""


class Task:
    """The train cells of a dataset, some of their molecules, and folds."""

    def __init__(self, name, folds, share=1.0):
        train = api.prepare("imputation", name).train(SEED)
        fold = np.asarray(train.folds)
        counts = train.counts.matrix().astype(np.int64)
        if share < 1:
            counts.data = np.random.default_rng(SEED).binomial(counts.data, share)
            counts.eliminate_zeros()
        genes = train.counts.genes
        self.name, self.share = name, share
        self.train = replace(train, counts=Counts.of({"cells": (counts, genes)}))
        self.held = [np.flatnonzero(fold == number) for number in np.unique(fold)[:folds]]
        rows = np.concatenate(self.held)
        self.answers = {
            "count": train.truth.matrix()[rows],
            "observed": csr_array(counts[rows]),
        }
        self.zero = self.answers["observed"].toarray() == 0
        self.dropout = self.answers["count"].toarray() > 0

    def sums(self, values):
        """The metric's statistics of each cell."""
        return statistics(self.answers, {"count": values}, None)


class OutOfFold:
    """What a model says of each held-out cell.

    Attributes:
        values: Imputed counts [cells, genes].
        probability, count: Of its zeros, where it gives them.
        seconds: Of CPU, a fold.
    """

    def __init__(self, task, name, params):
        module = import_module(f"podium.competitions.imputation.models.{name}")
        params = {**defaults(module.PARAMETERS), **params}
        values, called = [], []
        start = time.process_time()
        for held in task.held:
            model = module.build(params, SEED)
            model.fit(task.train.take(np.setdiff1d(np.arange(len(task.train)), held)))
            test = replace(task.train.take(held), truth=None, targets=None)
            if isinstance(model, Caller):
                observed = cells(test).counts.toarray()
                called.append(model.call(cells(test)))
                values.append(np.where(observed, observed, model.imputed(observed, called[-1])))
            else:
                values.append(model.predict(test).drop(columns="id").to_numpy())
        self.seconds = (time.process_time() - start) / len(task.held)
        self.values = np.concatenate(values)
        self.sums = task.sums(self.values)
        self.parts = called


def scores(sums):
    return {name: float(value) for name, value in finish(sums.sum(axis=0), None).items()}


def difference(ours, theirs, name="f1"):
    """Of a score, and its standard error by the jackknife over cells."""

    def left_out(sums):
        return finish(sums.sum(axis=0) - sums, None)[name]

    apart = left_out(ours) - left_out(theirs)
    spread = np.sqrt((len(apart) - 1) * ((apart - apart.mean()) ** 2).mean())
    return scores(ours)[name] - scores(theirs)[name], float(spread)


def with_error(pair):
    return f"{pair[0]:+.4f} +- {pair[1]:.4f}"


def layer(probability):
    """The probability from which a call raises the highest expected F1: half of it."""
    score = 1.0
    for _ in range(60):
        called = probability >= score / 2
        score = 2 * probability[called].sum() / max(called.sum() + probability.sum(), 1e-9)
    return score / 2


def decided(task, model, cut):
    """Statistics where `cut` (of a fold's own zeros and the others') says what is called."""
    observed = task.answers["observed"].toarray()
    values, start = [], 0
    zeros = []
    for part in model.parts:
        stop = start + len(part.probability)
        zeros.append(part.probability[task.zero[start:stop]])
        start = stop
    for number, part in enumerate(model.parts):
        others = np.concatenate([z for k, z in enumerate(zeros) if k != number] or [zeros[0]])
        values.append(np.where(part.probability >= cut(zeros[number], others), part.value, 0))
    return task.sums(np.where(task.zero, np.concatenate(values), observed))


def models_of(given, dataset, others):
    """Those asked for, or all but others'."""
    every = given.models or [*SIMPLE, "lightgbm", "empirical_bayes", "replicates"]
    return [model for model in every if (dataset, model) not in others]


def held_out(given, usual, datasets):
    """A sentence."""
    held = ", ".join(f"`{name}`: {given.folds or usual.get(name, 5)} of five" for name in datasets)
    return f"Folds held out of the train cells: {held}."


def folds(given):
    rows, rules, curves = [], [], {}
    for name in given.datasets:
        task = Task(name, given.folds or FOLDS.get(name, 5))
        for model in models_of(given, name, OTHERS):
            made = OutOfFold(task, model, {})
            figures = scores(made.sums)
            rows.append([f"`{name}`", f"`{model}`", *figured(figures), f"{made.seconds:.0f}"])
            print("|", " | ".join(rows[-1]), "|", flush=True)
            if not made.parts:
                continue
            said = np.concatenate([part.probability for part in made.parts])[task.zero]
            curves[f"{name}, {model}"] = said, task.dropout[task.zero]
            tuned = decided(task, made, lambda own, _: threshold(own, 0.0))
            other = decided(task, made, lambda _, others: layer(others))
            line = [f"`{name}`", f"`{model}`", f"{scores(tuned)['f1']:.4f}"]
            line += [f"{scores(other)['f1']:.4f}", with_error(difference(other, tuned))]
            rules.append([*line, with_error(difference(other, made.sums))])
            print("|", " | ".join(rules[-1]), "|", flush=True)
        tell(given, rows, rules, curves)


def tell(given, rows, rules, curves):
    """Write what is known so far: a run that is stopped leaves the datasets that it came to."""
    there = [name for name in given.datasets if any(row[0] == f"`{name}`" for row in rows)]
    plot.reliability(curves).savefig(PICTURE, dpi=110)
    write(
        "folds",
        ["dataset", "model", *SHOWN, "CPU s a fold"],
        rows,
        held_out(given, FOLDS, there),
    )
    write(
        "rules",
        ["dataset", "model", "cut, slack 0", "layer", "layer - cut", "layer - the model's calls"],
        rules,
        "F1 out of fold by the rule that calls.",
    )


def thinned(given):
    rows = []
    for name in given.datasets:
        for share in given.shares:
            task = Task(name, given.folds or THINNED.get(name, 5), share)
            known = {}
            for model in models_of(given, name, {("zeisel", "empirical_bayes")}):
                known[model] = OutOfFold(task, model, {})
                print(name, share, model, scores(known[model].sums), flush=True)
            best = max((m for m in known if m in SIMPLE), key=lambda m: scores(known[m].sums)["f1"])
            for model, made in known.items():
                against = (
                    "" if model == best else with_error(difference(made.sums, known[best].sums))
                )
                line = [f"`{name}`", f"{share:.0%}", f"`{model}`", *figured(scores(made.sums))]
                rows.append([*line, against or "the best simple one"])
        held = held_out(given, THINNED, given.datasets[: given.datasets.index(name) + 1])
        text = f"{held} Observed counts thinned, truth as it is."
        header = ["dataset", "kept", "model", *SHOWN, "F1 against the best simple one"]
        write("thinned", header, rows, text)


OBSERVED = {"source": "observed"}
WAYS = [
    ("svd", {}),
    ("diffusion", {}),
    ("svd", OBSERVED),
    ("diffusion", OBSERVED),
    ("knn_smooth", OBSERVED),
    ("dca", {"call": "evidence"}),
    ("dca", {}),
]
"""With `observed`, and by evidence, the true counts of labelled cells serve for the cut alone."""


def dca(given):
    rows = []
    for name in given.datasets:
        task = Task(name, given.folds or FOLDS.get(name, 5))
        for model, params in WAYS:
            made = OutOfFold(task, model, params)
            said = ", ".join(f"`{key}={value}`" for key, value in params.items())
            line = [f"`{name}`", f"`{model}`", said]
            rows.append([*line, *figured(scores(made.sums)), f"{made.seconds:.0f}"])
            print("|", " | ".join(rows[-1]), "|", flush=True)
        held = held_out(given, FOLDS, given.datasets[: given.datasets.index(name) + 1])
        write("dca", ["dataset", "model", "set", *SHOWN, "CPU s a fold"], rows, held)


def figured(figures):
    return [f"{figures[name]:.4f}" for name in SHOWN]


def write(name, header, rows, text):
    """Put a table between its marks in the README."""
    lines = [text, "", f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    content = README.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: benchmarks/imputation.py writes it -->", f"<!-- end of {name} -->"
    table = f"{begin}\n\n" + "\n".join(lines) + f"\n\n{end}"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    print(table)
    README.write_text(re.sub(pattern, lambda _: table, content, flags=re.DOTALL), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("folds", "thinned", "dca"))
    parser.add_argument("--datasets", nargs="+")
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--folds", type=int)
    parser.add_argument("--shares", nargs="+", type=float, default=[0.5, 0.25])
    given = parser.parse_args()
    usual = {"folds": [*FOLDS], "thinned": [*THINNED], "dca": [*FOLDS]}
    given.datasets = given.datasets or usual[given.what]
    {"folds": folds, "thinned": thinned, "dca": dca}[given.what](given)


if __name__ == "__main__":
    main()
