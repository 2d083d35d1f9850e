"""What sirna's stack gains by each loss, by the forest and by the decision layer, on known genes.

    python benchmarks/losses.py [--dataset demo] [--members l2 log mape seqnet] [--keep FOLDER]

Each member predicts every fold of train from the others; then a forest is grown on what they said
of four folds and judged on the fifth. (The members behind the four did see the fifth: a stack that
is cross-validated whole does not have this, and takes twenty times as long.) A line has the scores
of new guides and of known ones, what they are above `lightgbm` alone with its own limit, and the
paired standard error over guides. `layer` gives each row what the expected score likes best
(`shared/decision.py`) instead of the median on one side of 30. FOLDER keeps members' predictions
for the next time. The data must be ready (`podium data sirna -d shanghai`).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from podium import api
from podium.competition import model_file
from podium.data.dataset import Data, load
from podium.metrics import Cells, Estimate, Tally, difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STRATA = ("unseen_guide", "seen")


def main() -> None:
    """Train members, grow forests, print a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dataset", default="shanghai")
    parser.add_argument("--members", nargs="+", default=["l2", "log", "mape"])
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    ready = load(*api.load("sirna", given.dataset))
    stack = ready.competition.module("models.stack")
    known = {
        name.rpartition(":")[2]: (name.partition(":")[0], changes)
        for name, changes in stack.PARAMETERS["members"].default.items()
    }
    said = {name: members(ready, name, *known[name], given.keep) for name in given.members}
    first = report(ready, "lightgbm", members(ready, "lightgbm", "lightgbm", {}, given.keep), {})
    for end in range(1, len(said) + 1):
        names = list(said)[:end]
        table = np.column_stack([said[name] for name in names])
        cut, layer = forest(ready, table)
        at_cut = report(ready, "forest of " + ", ".join(names), cut, first)
        if end == len(said):
            report(ready, "  layer, beside the line above", layer, at_cut)


def members(
    ready: Data, name: str, model: str, changes: dict[str, Any], folder: Path | None
) -> Floats:
    """Out of fold [rows]; rows of folds that were not reached are NaN."""
    file = folder / f"{ready.dataset.name}-{name}.npy" if folder else None
    if file and file.is_file():
        return np.load(file)
    train, target = ready.train(), ready.competition.targets[0].name
    ours = model_file.load(ready.competition, model).with_params(changes)
    said = np.full(len(train), np.nan)
    for fold in np.unique(train.folds):
        held = train.folds == fold
        fitted = ours.build(0)
        fitted.fit(train.take(~held))
        said[held] = fitted.predict(train.take(held).without_answers())[target].to_numpy()
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, said)
    return said


def forest(ready: Data, table: Floats) -> tuple[Floats, Floats]:
    """What forests on four folds hand in for the fifth: by a cut, and by the decision layer."""
    leaves, stack = (ready.competition.module(n) for n in ("shared.leaves", "models.stack"))
    train, target = ready.train(), ready.competition.targets[0].name
    assert train.targets is not None
    truth = train.targets[target].to_numpy(np.float64)
    strata = np.asarray(train.strata)
    usable = np.isin(strata, STRATA) & ~np.isnan(table).any(axis=1)
    cut, layer = np.full((2, len(truth)), np.nan)
    for fold in np.unique(train.folds[usable]):
        rest, held = usable & (train.folds != fold), usable & (train.folds == fold)
        trees = (stack.PARAMETERS[name].default for name in ("trees", "min_leaf"))
        grown = leaves.Leaves(*trees, 0)
        grown.fit(table[rest], truth[rest])
        for stratum in STRATA:
            known, new = rest & (strata == stratum), held & (strata == stratum)
            of_known, of_new = grown(table[known]), grown(table[new])
            cut[new] = leaves.handed_in(of_new, leaves.best_cut(of_known, truth[known]))
            layer[new] = decided(ready, of_known, of_new)
    return cut, layer


def decided(ready: Data, known: Floats, new: Floats) -> Floats:
    """Predictions by the direction that is best for known rows [new rows]."""
    decision, metric = (ready.competition.module(n) for n in ("shared.decision", "metric"))
    truth = np.arange(known.shape[1]) + 0.5
    actions = np.sort(np.append(np.arange(0.0, 101.0), decision.CALLED))
    each = np.stack(
        [
            metric.statistics({metric.TARGET: truth}, {metric.TARGET: np.full_like(truth, a)}, None)
            for a in actions
        ],
        axis=1,
    )

    def score(sums: Floats) -> Floats:
        return np.asarray(metric.finish(sums, None)["score"])

    expected = np.einsum("pt,tak->pak", known, each)
    place = np.arange(len(known))
    start = np.full(len(known), np.searchsorted(actions, decision.CALLED))
    best = decision.best_actions(expected, np.ones(len(known)), score, start[None])
    direction = decision.gradient(score, expected[place, best].sum(axis=0))
    return actions[(np.einsum("pt,tak->pak", new, each) @ direction).argmax(axis=1)]


def report(ready: Data, name: str, said: Floats, first: dict[str, Estimate]) -> dict[str, Estimate]:
    """Print the scores of the strata, and what they are above those of `first`."""
    train, target = ready.train(), ready.competition.targets[0].name
    assert train.targets is not None
    assert train.groups is not None
    truth = train.targets[target].to_numpy(np.float64)
    guide = train.groups["guide"].to_numpy(object)
    line, scores = f"{name:34}", {}
    for stratum in STRATA:
        rows = (np.asarray(train.strata) == stratum) & ~np.isnan(said)
        answers, guesses = ({target: values[rows]} for values in (truth, said))
        tally = Tally.of(ready.competition.metric, answers, guesses, Cells.of(guide[rows]))
        score = tally.estimate("score", 1)
        assert score is not None
        line += f"  {stratum} {score.scores['score']:.4f}"
        if stratum in first:
            gap, se, _ = difference(score, first[stratum], "score")
            line += f" {gap:+.4f} ({se:.4f})"
        scores[stratum] = score
    print(line, flush=True)
    return scores


if __name__ == "__main__":
    main()
