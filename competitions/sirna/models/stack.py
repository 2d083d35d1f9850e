"""The best models averaged, with weights from what they said of rows that they had not seen.

Each member predicts every fold of train from the others. From these predictions weights are chosen
for three situations apart, since members differ in what they make of them: genes that do not train,
new guides, and guides that train with other doses or chemistry. A situation is told from the
features alone. Then all members learn from the whole train part.

Weights come from greedy selection with replacement (Caruana et al. 2004,
doi:10.1145/1015330.1015432) by the official score, together with the limit up to which a prediction
is handed in as just below 30.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from podium.competition import Parameter
from podium.learning import Members, check_members, fit_members, predict_members
from podium.metrics import Cells, Estimate, Tally, difference

from ..metric import TARGET, THRESHOLD, metric
from ..shared.features import gene

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Model, Part, Report

PARAMETERS = {
    "members": Parameter(
        {
            "lightgbm": {"call_below": 30.0},
            "seqnet": {"call_above": None},
            "lookup": {},
            "ridge": {},
        },
        "models and the changes to their parameters, the most trusted one first",
    ),
    "picks": Parameter(
        30, "how often the greedy selection adds a member", (1, 10_000), search=(5, 100, "log")
    ),
}
"""members: they should not call, the stack does."""

QUICK: dict[str, Any] = {"members": {"lookup": {}, "ridge": {}}, "picks": 5}
THREADS = 1  # the same bytes on any number of cores

NEW_GENE, NEW_GUIDE, KNOWN_GUIDE = range(3)
LIMITS = np.arange(30.0, 46.0)
"""Limits that are tried, percent; at the first nothing is called."""


class Blend(NamedTuple):
    """A weighted mean.

    Attributes:
        weights: One a member; their sum is 1.
        limit: Predictions from 30 up to this are handed in as just below 30, percent.
    """

    weights: NDArray[np.float64]
    limit: float

    def of(self, members: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of the members' predictions [rows, members]."""
        return _called(members @ self.weights, self.limit)


class Stack:
    """Several models as one."""

    def __init__(self, members: Members, picks: int, seed: int) -> None:
        self.members = members
        self.picks = picks
        self.seed = seed
        self.fitted: list[Model] = []
        self.blends: list[Blend] = []
        self.genes: frozenset[str] = frozenset()
        self.guides: frozenset[str] = frozenset()

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Predict out of fold, choose weights, train on all; `report` gets each fold's error."""
        assert train.targets is not None
        assert train.folds is not None
        answers = train.targets[TARGET].to_numpy(dtype=np.float64)
        unseen = np.empty((len(train), len(self.members)))
        situation = np.empty(len(train), dtype=np.int64)
        for step, fold in enumerate(np.unique(train.folds), start=1):
            held = train.folds == fold
            rest, part = train.take(~held), train.take(held).without_answers()
            unseen[held] = predict_members(self._fitted(rest), part, TARGET)
            situation[held] = _situation(part, *_known(rest))
            if report:
                report(step, float(np.abs(unseen[held].mean(axis=1) - answers[held]).mean()))
        self.blends = self._choose(train, unseen, answers, situation)
        self.genes, self.guides = _known(train)
        self.fitted = self._fitted(train)

    def predict(self, part: Part) -> pd.DataFrame:
        """Average as the situation of each row asks."""
        members = predict_members(self.fitted, part, TARGET)
        situation = _situation(part, self.genes, self.guides)
        options = np.column_stack([blend.of(members) for blend in self.blends])
        predicted = np.take_along_axis(options, situation[:, None], axis=1)[:, 0]
        return pd.DataFrame({"id": part.ids, TARGET: predicted})

    def _choose(
        self,
        train: Part,
        unseen: NDArray[np.float64],
        answers: NDArray[np.float64],
        situation: NDArray[np.int64],
    ) -> list[Blend]:
        """A blend for each situation; the plain mean for one that train does not have."""
        count = len(self.members)
        units = (gene(train.features), _guides(train), _guides(train))
        blends = []
        for kind, unit in enumerate(units):
            rows = situation == kind
            if rows.any():
                groups = unit.to_numpy(object)[rows]
                blends.append(choose(unseen[rows], answers[rows], groups, self.picks))
            else:
                blends.append(Blend(np.full(count, 1 / count), THRESHOLD))
        return blends

    def _fitted(self, train: Part) -> list[Model]:
        return fit_members(self.members, train, self.seed, beside=__name__)


def choose(
    members: NDArray[np.float64], answers: NDArray[np.float64], groups: NDArray[Any], picks: int
) -> Blend:
    """The selected blend if it is surely better than the first member, else that member.

    Surely means by more than the jackknife standard error of the difference over the groups. With
    few genes to judge by, weights that fit them by chance would harm others.

    Args:
        members: Predictions of rows that they had not seen [rows, members], percent.
        answers: What remained [rows], percent.
        groups: Independent groups [rows].
        picks: How often the greedy selection adds a member.
    """
    first = np.eye(members.shape[1])[0]
    single = Blend(first, _best_limit(members @ first, answers)[1])
    blend = select(members, answers, picks)
    cells = Cells.of(groups)

    def estimate(chosen: Blend) -> Estimate:
        tally = Tally.of(metric, {TARGET: answers}, {TARGET: chosen.of(members)}, cells)
        score = tally.estimate("score")
        assert score is not None
        return score

    gap, se, _ = difference(estimate(blend), estimate(single), "score")
    return blend if se is not None and gap > se else single


def select(members: NDArray[np.float64], answers: NDArray[np.float64], picks: int) -> Blend:
    """Greedy selection with replacement by the official score.

    Args:
        members: Predictions [rows, members], percent.
        answers: What remained [rows], percent.
        picks: How often a member is added.
    """
    count = members.shape[1]
    chosen = np.zeros(count)
    best, limit = -np.inf, THRESHOLD
    weights = chosen
    for _ in range(picks):
        options = chosen + np.eye(count)
        scored = [_best_limit(members @ option / option.sum(), answers) for option in options]
        pick = int(np.argmax([score for score, _ in scored]))
        chosen = options[pick]
        if scored[pick][0] > best:
            (best, limit), weights = scored[pick], chosen / chosen.sum()
    return Blend(weights, limit)


def _best_limit(
    predicted: NDArray[np.float64], answers: NDArray[np.float64]
) -> tuple[float, float]:
    called = np.stack([_called(predicted, limit) for limit in LIMITS])
    scores = [metric.score({TARGET: answers}, {TARGET: row})["score"] for row in called]
    best = int(np.argmax(scores))
    return float(scores[best]), float(LIMITS[best])


def _called(predicted: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    toss_up = (predicted >= THRESHOLD) & (predicted < limit)
    return np.where(toss_up, np.nextafter(THRESHOLD, 0.0), predicted)


def _known(train: Part) -> tuple[frozenset[str], frozenset[str]]:
    """Genes and guides that train."""
    return frozenset(gene(train.features)), frozenset(_guides(train))


def _situation(part: Part, genes: frozenset[str], guides: frozenset[str]) -> NDArray[np.int64]:
    known_gene = gene(part.features).isin(genes).to_numpy()
    known_guide = _guides(part).isin(guides).to_numpy()
    return np.where(known_guide, KNOWN_GUIDE, np.where(known_gene, NEW_GUIDE, NEW_GENE))


def _guides(part: Part) -> pd.Series[str]:
    return part.features["siRNA_antisense_seq"].str.upper()


def build(params: dict[str, Any], seed: int) -> Stack:
    """Build the model.

    Raises:
        ModelError: If there are no members, unknown ones, or wrong parameters of theirs.
    """
    check_members(params["members"], beside=__name__)
    return Stack(params["members"], params["picks"], seed)
