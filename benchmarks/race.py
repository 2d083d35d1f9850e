"""Time to the same validation score: the course reports' networks against Podium's.

    python benchmarks/race.py [gru] [basenji] [dca] [--epochs N]

An epoch that is quick is no gain if more of them are needed. Both train on the same rows of `demo`
(fold 0 is left out of `gru` and `basenji`, and scored after each epoch by Pearson's r; for `dca` it
is the held-out loss). The level is the best that both reach; seconds are those of training alone,
on one core.
The reports' ways, written anew, are those of gru.py, basenji.py and dca.py.
"""

import argparse
import time

import basenji
import dca as plain_dca
import gru
import numpy as np
import torch
from measuring import Result, seconds
from podium.competitions.imputation.models import dca
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from podium import api
from podium.competition import defaults
from podium.competition import model_file as model
from podium.learning import held_out

MOST_ROWS = {"gru": 1_000, "basenji": 4_000}
ENOUGH = 25
"""Epochs of `basenji`, of 60: its learning rate is constant, so these are the first of them."""
WHAT = {"gru": "Pearson's r", "basenji": "Pearson's r", "dca": "log-likelihood"}


class Clock:
    """Seconds of training so far, and the score after each epoch."""

    def __init__(self):
        self.seconds, self.curve, self.began = 0.0, [], time.process_time()

    def lap(self, score):
        self.seconds += time.process_time() - self.began
        self.curve.append((self.seconds, float(score())))
        self.began = time.process_time()


def parts(name, comp):
    """Rows to learn from, and rows to score."""
    train = api.prepare(comp, "demo").train(0)
    held = np.flatnonzero(train.folds == 0)
    rest = train.rng.permutation(np.flatnonzero(train.folds != 0))[: MOST_ROWS[name]]
    return train.take(np.sort(rest)), train.take(held)


def pearson(predicted, answers):
    return np.corrcoef(np.asarray(predicted, dtype=np.float64), answers)[0, 1]


def report(network, rows, inputs, answers, epochs, eval_batch=256):
    """A network as the reports train it: Adam, mean squared error, 32 rows a step."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    clock = Clock()

    def score():
        network.eval()
        with torch.inference_mode():
            predicted = torch.cat(
                [network(x) for x, _ in DataLoader(inputs, batch_size=eval_batch)]
            )
        network.train()
        return pearson(predicted.numpy(), answers)

    for _ in range(epochs):
        network.train()
        for x, y in DataLoader(rows, batch_size=32, shuffle=True):
            optimizer.zero_grad()
            nn.functional.mse_loss(network(x), y).backward()
            optimizer.step()
        clock.lap(score)
    return clock.curve


def ours(comp, name, train, held, **params):
    """A model of Podium with its own settings."""
    built = model.load(api.load(comp)[0], name).with_params(params).build(0)
    target = train.targets.columns[0]
    answers = held.targets[target].to_numpy(dtype=np.float64)
    clock, asked = Clock(), held.without_answers()
    built.fit(
        train,
        lambda *_, **__: clock.lap(lambda: pearson(built.predict(asked)[target], answers)),
    )
    return clock.curve


def race_gru(epochs):
    train, held = parts("gru", "sirna")
    target = train.targets.columns[0]
    tables = [gru.RowByRow(p.features, p.targets[target]) for p in (train, held)]
    tables[1].numbers, tables[1].length = tables[0].numbers, tables[0].length
    network = gru.ReportNetwork(len(tables[0].numbers) + 1)
    answers = held.targets[target].to_numpy(dtype=np.float64)
    return report(network, *tables, answers, epochs), ours("sirna", "gru", train, held)


def race_basenji(epochs):
    train, held = parts("basenji", "maize")
    target = train.targets.columns[0]
    sets = [
        basenji.Report(
            np.asarray(part.sequences.codes), part.targets[target].to_numpy(dtype=np.float32)
        )
        for part in (train, held)
    ]
    answers = held.targets[target].to_numpy(dtype=np.float64)
    theirs = report(sets[0].network, sets[0].rows, sets[1].rows, answers, epochs)
    return theirs, ours("maize", "basenji", train, held, epochs=ENOUGH)


def race_dca(epochs):
    data = api.prepare("imputation", "demo")
    counts = data.train(0).counts.matrix()
    made = plain_dca.network.inputs(counts)
    start = plain_dca.made_network(made)
    rows = plain_dca.dense_rows(made)
    held = held_out(np.arange(len(rows[0])), defaults(dca.PARAMETERS)["validation"], 0)
    learn, check = (tuple(values[torch.from_numpy(m)] for values in rows) for m in (~held, held))
    network = plain_dca.Plain(start)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def loss():
        with torch.inference_mode():
            return -plain_dca.plain_loss(network, *check)

    plain = Clock()
    for _ in range(epochs):
        for batch in DataLoader(TensorDataset(*learn), batch_size=32, shuffle=True):
            optimizer.zero_grad()
            plain_dca.plain_loss(network, *batch).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
        plain.lap(loss)
    params = {**defaults(dca.PARAMETERS), "epochs": epochs}
    ours = Clock()
    dca.learn(start, made, params, 0, lambda _, value, **__: ours.lap(lambda: -value))
    return plain.curve, ours.curve


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=["gru", "basenji", "dca"])
    parser.add_argument("--epochs", type=int, help="of the report's way: 10, gru 6, dca 100")
    given = parser.parse_args()
    torch.set_num_threads(1)  # the seconds of more would add up
    rows = []
    for name in given.networks:
        epochs = given.epochs or {"dca": 100, "gru": 6}.get(name, 10)
        curves = {"gru": race_gru, "basenji": race_basenji, "dca": race_dca}[name](epochs)
        best = [max(score for _, score in curve) for curve in curves]
        level = min(best)
        took = [next(s for s, score in curve if score >= level) for curve in curves]
        each = [curve[-1][0] / len(curve) for curve in curves]
        rows.append(
            [
                f"`{name}`",
                WHAT[name],
                f"{level:.3f}",
                *map(seconds, took),
                f"{took[0] / took[1]:.1f}",
                f"{each[0] / each[1]:.1f}",
                *(f"{value:.3f}" for value in best),
            ]
        )
        print(*rows[-1], *(f"{seconds(value)} an epoch" for value in each), flush=True)
    Result(
        title="Training: time to the same validation score",
        text=(
            "The reports' networks, trained their way and as Podium's models train, on the same "
            "rows of `demo`: seconds of one core until the best score that both reach. One run "
            "each: on so few rows the best score depends on the seed more than on the way, and "
            "larger steps, which pay on many rows, learn later (`gru`: 1,000 rows). `basenji` has "
            f"{ENOUGH} of its 60 epochs."
        ),
        header=["network", "score", "level", "report's way", "Podium", "times", "an epoch, times",
                "best there", "best here"],
        rows=rows,
    ).write("race")  # fmt: skip


if __name__ == "__main__":
    main()
