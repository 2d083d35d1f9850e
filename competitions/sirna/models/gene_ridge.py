"""Ridge regression with a random intercept by gene, and calls by a decision layer: for new genes.

Trees tell publications apart by cell line and chemistry, and remember their levels; on a new gene
such a memory misleads. Here cell, species, time and site are not looked at, and what a gene has of
its own goes into an intercept of its own, so that the slopes are those within genes. What is handed
in for a new gene follows from how genes turned out that the slopes had not seen; for a known one,
from the rows that were fitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve

from podium.competition import Parameter
from podium.errors import note

from ..metric import TARGET, finish, statistics
from ..shared.decision import CALLED, best_actions
from ..shared.features import build as build_features
from ..shared.features import choose, gene

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

    Floats = NDArray[np.float64]

PARAMETERS = {
    "alpha": Parameter(
        300.0, "penalty on the squared weights", (1e-6, 1e12), search=(10.0, 10_000.0, "log")
    ),
    "ratio": Parameter(
        1.0,
        "variance between genes over that within them; 0 for no intercepts by gene",
        (0.0, 1e6),
        search=(0.1, 10.0, "log"),
    ),
    "decide": Parameter(True, "hand in what the score rewards, not the mean"),
    "folding": Parameter(False, "energies and open sites, by ViennaRNA (extra `bio`)"),
}
THREADS = 1  # the same bytes on any number of cores

GROUPS = ("base", "sugar", "energy", "rule", "count", "fold")
ASSAY = ("assay.transfection", "assay.dose")
HINGES = (-2.0, -1.0, 0.0, 1.0, 1.7)
"""Where the line of the dose may bend, log10 nM."""
HIGHEST = 100.0
POINTS, WIDTH = 40, 0.06
"""Ranks of the score at which the distribution is known, and the width of its kernel."""
ACTIONS = np.sort(np.append(np.arange(0.0, HIGHEST + 1), CALLED))
"""What may be handed in, percent."""


class Decision(NamedTuple):
    """What to hand in at each rank of a score.

    Attributes:
        scores: From which it was learnt, sorted.
        handed_in: Percent at `POINTS` ranks.
    """

    scores: Floats
    handed_in: Floats

    @classmethod
    def learnt(cls, scores: Floats, y: Floats) -> Decision:
        """By what was true of rows about each rank; a kernel weighs them."""
        ordered = np.sort(scores)
        rank = _rank(ordered, scores)
        points = np.linspace(0.0, 1.0, POINTS)
        kernel = np.exp(-0.5 * ((rank - points[:, None]) / WIDTH) ** 2)
        truth = np.arange(HIGHEST + 1)
        bins = np.floor(y).astype(np.int64)
        masses = np.array([np.bincount(bins, near, len(truth)) for near in kernel])
        masses /= masses.sum(axis=1, keepdims=True)
        answers = {TARGET: truth + 0.5}
        each = [statistics(answers, {TARGET: np.full_like(truth, a)}, None) for a in ACTIONS]
        median = (masses.cumsum(axis=1) < 0.5).sum(axis=1)
        called = np.full(POINTS, np.searchsorted(ACTIONS, CALLED))
        best = best_actions(
            np.einsum("pt,atk->pak", masses, np.stack(each)),
            np.bincount(_point(rank), minlength=POINTS).astype(np.float64),
            lambda sums: finish(sums, None)["score"],
            np.stack([np.searchsorted(ACTIONS, median), called]),
        )
        return cls(ordered, ACTIONS[best])

    def __call__(self, said: Floats) -> Floats:
        """What to hand in for scores [rows]."""
        return self.handed_in[_point(_rank(self.scores, said))]


def _rank(ordered: Floats, said: Floats) -> Floats:
    """Among known scores, from 0 to 1."""
    ranks: Floats = np.searchsorted(ordered, said) / len(ordered)
    return ranks


def _point(rank: Floats) -> NDArray[np.int64]:
    return np.rint(rank * (POINTS - 1)).astype(np.int64)


class GeneRidge:
    """Slopes within genes, and a level for each."""

    def __init__(self, alpha: float, ratio: float, decide: bool, folding: bool) -> None:
        self.alpha, self.ratio, self.decide, self.folding = alpha, ratio, decide, folding

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Solve, with and without each gene; what each was like unseen says what to hand in."""
        assert train.targets is not None
        y = np.clip(train.targets[TARGET].to_numpy(np.float64), 0.0, HIGHEST)
        names = gene(train.features).to_numpy(object)
        # a publication that names no gene may be of one that others name
        known = names if train.groups is None else train.groups["gene"].to_numpy(object)
        genes, _ = pd.factorize(known, sort=True)
        x = self._design(build_features(train.features, folding=self.folding), fits=True)
        rows = [np.flatnonzero(genes == number) for number in range(genes.max() + 1)]
        blocks = [self._block(x[own], y[own]) for own in rows]
        square = sum((block[0] for block in blocks), np.zeros(()))
        moment = sum((block[1] for block in blocks), np.zeros(()))
        self.weights = self._solved(square, moment)
        line = x @ self.weights
        level = np.array([self._shrunk(y[own] - line[own]) for own in rows])
        self.level = dict(zip(names, level[genes], strict=True))
        if not self.decide:
            return
        unseen = line.copy()
        if len(rows) == 1:
            note("gene_ridge: train has one gene, so what to hand in is learnt from its own rows")
        else:
            for own, (own_square, own_moment) in zip(rows, blocks, strict=True):
                unseen[own] = x[own] @ self._solved(square - own_square, moment - own_moment)
        self.of_new = Decision.learnt(unseen, y)
        self.of_known = Decision.learnt(line + level[genes], y)

    def predict(self, part: Part) -> pd.DataFrame:
        """The line, the level of a known gene, and what is best handed in."""
        x = self._design(build_features(part.features, folding=self.folding), fits=False)
        level = gene(part.features).map(self.level).to_numpy(np.float64)
        known = ~np.isnan(level)
        said = x @ self.weights + np.where(known, level, 0.0)
        if self.decide:
            said = np.where(known, self.of_known(said), self.of_new(said))
        return pd.DataFrame({"id": part.ids, TARGET: np.clip(said, 0.0, HIGHEST)})

    def _design(self, features: pd.DataFrame, *, fits: bool) -> Floats:
        """Centred columns, the last one of ones [rows, columns]; what is not known is 0."""
        columns = choose(features, GROUPS)
        columns = pd.concat([columns, features[[*ASSAY]]], axis=1)
        for bend in HINGES:
            columns[f"assay.dose.{bend}"] = np.maximum(features["assay.dose"] - bend, 0.0)
        numbers = columns.select_dtypes("number")
        onehot = pd.get_dummies(columns.select_dtypes("category"), dtype=np.float32)
        pairs = _neighbours(features)
        if fits:
            self.mean, self.scale = numbers.mean(), numbers.std().replace(0.0, 1.0)
            self.columns = list(onehot.columns[onehot.any().to_numpy()])
        numbers = ((numbers - self.mean) / self.scale).fillna(0.0)
        onehot = onehot.reindex(columns=self.columns, fill_value=0.0)
        binary = np.hstack([onehot.to_numpy(np.float64), pairs])
        if fits:
            self.share = binary.mean(axis=0)
        ones = np.ones((len(features), 1))
        return np.hstack([numbers.to_numpy(np.float64), binary - self.share, ones])

    def _block(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """What a gene adds to the normal equations, its level counted out as far as it varies."""
        shrink = self.ratio / (1 + len(y) * self.ratio)
        sums = x.sum(axis=0)
        square = x.T @ x - shrink * np.outer(sums, sums)
        return square, x.T @ y - shrink * sums * y.sum()

    def _solved(self, square: Floats, moment: Floats) -> Floats:
        penalty = np.full(len(moment), self.alpha)
        penalty[-1] = 1e-6  # the intercept is free
        solved: Floats = cho_solve(cho_factor(square + np.diag(penalty)), moment)
        return solved

    def _shrunk(self, rest: Floats) -> float:
        return float(self.ratio * rest.sum() / (1 + len(rest) * self.ratio))


def _neighbours(features: pd.DataFrame) -> Floats:
    """Which two bases follow each other where in the guide; half a weight [rows, steps x 16]."""
    names = [name for name in features if str(name).startswith("base.guide.")]
    codes = np.stack([features[name].cat.codes.to_numpy() for name in names], axis=1)
    first, second = codes[:, :-1], codes[:, 1:]
    pair = np.where((first >= 0) & (second >= 0), 4 * first + second, -1)
    onehot: Floats = np.where(pair[:, :, None] == np.arange(16), 0.5, 0.0).reshape(
        len(pair), 16 * pair.shape[1]
    )
    return onehot


def build(params: dict[str, Any], seed: int) -> GeneRidge:
    """Build the model; nothing in it is random."""
    return GeneRidge(**params)
