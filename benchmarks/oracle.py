"""What can submissions learn of the answers from the scores that they are shown?

    python benchmarks/oracle.py [SUBMISSIONS]

Somebody who wants the public answers instead of a model hands in predictions that ask for them. On
the demo dataset of each shipped competition, with its own metric, two such ways are tried:

- one submission whose rows weigh 1/2, 1/4, 1/8, ... in some figure, beside one to compare it with:
  each bit of the difference is a row: is it public? So in each stratum; rows are counted until the
  first wrong one.
- k submissions of random directions: each score is the sum of the answers along one of them, and
  the sum of directions, weighted by these, comes near the answers. Told is the correlation with
  the public answers; no private answer is met. Clusters (dlpfc) have no such sums: there ten spots
  of a cluster are put into another, which is kept if the score is better; told is the gain in ARI.

Each with scores at full precision (`whole`), as they are shown, and with nothing but their order,
which a board of ranks tells at full precision. Everything follows from the seed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import rankdata

from podium import api
from podium.competition.metric import Floats, Table
from podium.figures import shown
from podium.scoring.scoring import open_solution

MOST = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
WAYS = ("whole", "shown", "ranks")
FAR = 1e12
SPOTS = 10
NOISE = 0.4
"""Share of spots that the first submission of clusters has wrong."""


@dataclass
class Attack:
    """The public rows of a competition as an attacker meets them: asked, they answer figures."""

    name: str

    @cached_property
    def rows(self) -> int:
        return len(self.public)

    @cached_property
    def public(self) -> NDArray[np.bool_]:
        return self.labelled("part", "public")

    @cached_property
    def strata(self) -> list[NDArray[np.bool_]]:
        """The rows of each stratum, which features tell; each has figures of its own."""
        names = dict.fromkeys(self.solution.cells.labels["stratum"])
        return [self.labelled("stratum", name) for name in names]

    def labelled(self, kind: str, name: str) -> NDArray[np.bool_]:
        cells = self.solution.cells
        return np.asarray((cells.labels[kind] == name)[cells.code], dtype=bool)

    @cached_property
    def solution(self) -> Any:
        return open_solution(api.prepare(self.name))

    @property
    def target(self) -> str:
        return str(self.solution.data.competition.targets[0].name)

    @property
    def figures(self) -> int:
        """Figures on the card that one submission is shown, each of which may be asked in."""
        card = self.solution.perfect()["public"]
        parts = [card.whole, *card.strata.values()]
        return sum(len(part.scores) + 3 * (part.ci is not None) for part in parts)

    def ask(self, predictions: Any, among: NDArray[np.bool_] | None = None) -> dict[str, float]:
        """The public figures of predictions of all test rows, or of a stratum."""
        rows = self.public if among is None else self.public & among
        answers = {name: column[rows] for name, column in self.solution.targets.items()}
        table: Table = {self.target: predictions[rows]}
        scores = self.solution.data.competition.metric.score(answers, table)
        return {name: float(value) for name, value in scores.items()}


def as_told(figures: dict[str, float], way: str) -> dict[str, float]:
    return figures if way == "whole" else shown(figures)


def bits(left: float, truth: NDArray[np.bool_]) -> int:
    """Rows that a sum of 1/2, 1/4, ... of those that are true tells, from the first on."""
    for count, there in enumerate(truth):
        weight = 0.5 ** (count + 1)
        bit = left >= weight * (1 - 1e-9)
        if bit != there:
            return count
        left -= bit * weight
    return len(truth)


def weights(among: NDArray[np.bool_]) -> Floats:
    """Their squares are 1/2, 1/4, 1/8, ... on some rows."""
    return np.asarray(0.5 ** (np.cumsum(among) / 2))


def sirna_bits(attack: Attack, way: str, among: NDArray[np.bool_]) -> float:
    """In the MAE, by predictions above all answers."""
    level, guess = np.full(attack.rows, 300.0), 300.0 * (1 - weights(among) ** 2)
    told = [as_told(attack.ask(p, among), way)["mae"] for p in (level, guess)]
    return (told[0] - told[1]) * (attack.public & among).sum() / 300


def maize_bits(attack: Attack, way: str, among: NDArray[np.bool_]) -> float:
    """In the RMSE, by predictions far from all answers."""
    rmse = as_told(attack.ask(FAR * weights(among), among), way)["rmse"]
    return float((rmse / FAR) ** 2 * (attack.public & among).sum())


def imputation_bits(attack: Attack, way: str, among: NDArray[np.bool_]) -> float:
    """In the distance to the truth, by a far count in each cell."""
    observed = np.asarray(attack.solution.targets["observed"].todense())
    far = np.zeros(observed.shape)
    far[np.arange(attack.rows), (observed == 0).argmax(axis=1)] = FAR * weights(among)
    distance = as_told(attack.ask(far, among), way)["distance"]
    return (distance / FAR) ** 2


def linear(
    attack: Attack, measure: Callable[[NDArray[np.int8], str], float], truth: Floats
) -> Iterator[list[str]]:
    """Correlation of what random directions tell with the truth of the public rows."""
    rng = np.random.default_rng(1)
    sums = {way: np.zeros(truth.shape) for way in WAYS}
    for k in steps():
        directions = [rng.choice([-1, 1], truth.shape).astype(np.int8) for _ in range(k)]
        told = {way: np.array([measure(h, way) for h in directions]) for way in WAYS[:2]}
        told["ranks"] = rankdata(told["whole"])
        for way in WAYS:
            above = (told[way] - told[way].mean()).astype(np.float32)
            sums[way] = sum(a * h for a, h in zip(above, directions, strict=True))
        hidden = truth[attack.public].ravel()
        yield [f"{np.corrcoef(sums[way][attack.public].ravel(), hidden)[0, 1]:.2f}" for way in WAYS]


def steps() -> list[int]:
    return [k for k in (10, 100, 1_000) if k <= MOST]


def sirna(attack: Attack) -> Iterator[list[str]]:
    """The MAE of 0 and 100: sums of answers with either sign."""
    truth = np.asarray(attack.solution.targets[attack.target], dtype=np.float64)
    return linear(
        attack, lambda h, way: -as_told(attack.ask(50.0 + 50.0 * h), way)["mae"], truth - 50
    )


def maize(attack: Attack) -> Iterator[list[str]]:
    """The RMSE of predictions on both sides of the mean."""
    truth = np.asarray(attack.solution.targets[attack.target], dtype=np.float64)
    known = attack.solution.data.train().targets[attack.target]
    middle, spread = float(known.mean()), float(known.std())
    return linear(
        attack,
        lambda h, way: -(as_told(attack.ask(middle + spread * h), way)["rmse"] ** 2),
        truth - middle,
    )


def imputation(attack: Attack) -> Iterator[list[str]]:
    """Hits of random halves of the zeros: precision times calls."""
    truth, observed = (
        np.asarray(attack.solution.targets[name].todense()) for name in (attack.target, "observed")
    )

    def hits(h: NDArray[np.int8], way: str) -> float:
        told = as_told(attack.ask(csr_array(np.where((h > 0) & (observed == 0), 1.0, 0.0))), way)
        return told["precision"] * told["called"] - 0.5 * told["called"]

    return linear(attack, hits, np.where(observed == 0, np.where(truth > 0, 0.5, -0.5), 0.0))


def dlpfc(attack: Attack) -> Iterator[list[str]]:
    """Some spots of a cluster are put into another, and stay there if the score is better."""
    truth = np.asarray(attack.solution.targets[attack.target], dtype=object)
    names = np.unique(truth.astype(str)).astype(object)
    gains: dict[str, list[float]] = {}
    for way in WAYS:
        rng = np.random.default_rng(2)
        wrong = rng.random(attack.rows) < NOISE
        held = np.where(wrong, rng.choice(names, attack.rows), truth)
        first = best = attack.ask(held)
        gains[way] = []
        for k in range(1, max(steps()) + 1):
            tried = held.copy()
            a, b = rng.choice(names, 2, replace=False)
            like = np.flatnonzero(held == a)
            tried[rng.choice(like, min(SPOTS, len(like)), replace=False)] = b
            told = attack.ask(tried)
            seen = (told, best) if way != "shown" else (shown(told), shown(best))
            if seen[0]["ari"] > seen[1]["ari"]:
                held, best = tried, told
            if k in steps():
                gains[way].append(best["ari"] - first["ari"])
    for place in range(len(steps())):
        yield [f"+{gains[way][place]:.3f}" for way in WAYS]


def main() -> None:
    one = {"sirna": sirna_bits, "maize": maize_bits, "imputation": imputation_bits}
    many = {"sirna": sirna, "maize": maize, "imputation": imputation, "dlpfc": dlpfc}
    header = ["", "public rows", "figures", "rows in one: whole", "shown"]
    header += [f"{k:,} tell: {' / '.join(WAYS)}" for k in steps()]
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for name, way in many.items():
        attack = Attack(name)
        told = ["-", "-"]
        if bit := one.get(name):
            counts = [
                sum(bits(bit(attack, w, among), attack.public[among]) for among in attack.strata)
                for w in WAYS[:2]
            ]
            told = list(map(str, counts))
        told = [f"{attack.public.sum():,}", str(attack.figures), *told]
        cells = [name, *told, *(" / ".join(figures) for figures in way(attack))]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
