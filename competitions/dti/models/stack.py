"""Neighbours, kernels and trees as one: what each is worth depends on what of a pair is new.

Each member predicts every fold of train from the others. A logistic regression on the logits of
these predictions gives the weights: one set for all pairs, and what is added to it where the drug
is new, the protein is new, or both are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from podium.competition import Parameter
from podium.learning import Members, check_members, fit_members, predict_members

from ..metric import TARGET
from ..shared.features import DRUG, PROTEIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Model, Part, Report

    Floats = NDArray[np.float64]

PARAMETERS = {
    "members": Parameter(
        {"pair_knn": {}, "kronecker": {}, "lightgbm": {}},
        "models and the changes to their parameters",
    ),
    "penalty": Parameter(
        1.0, "on the weights that situations add", (1e-6, 1e6), search=(0.1, 100.0, "log")
    ),
}
THREADS = 1  # the same bytes on any number of cores
QUICK: dict[str, Any] = {"members": {"pair_knn": {}, "rates": {}}}
SITUATIONS = 4
NEAREST = 0.01
"""Probabilities are kept this far from 0 and 1."""


class Stack:
    """Several models as one."""

    def __init__(self, members: Members, penalty: float, seed: int) -> None:
        self.members, self.penalty, self.seed = members, penalty, seed
        self.fitted: list[Model] = []
        self.mixer: LogisticRegression | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Predict out of fold, weigh, train on all; `report` gets each fold's Brier score."""
        assert train.targets is not None
        assert train.folds is not None
        answers = train.targets[TARGET].to_numpy(np.float64)
        folds = np.unique(train.folds)
        # one fold leaves no pair unseen, one answer nothing to weigh by: the plain mean stays
        if len(folds) > 1 and len(np.unique(answers > 0.5)) > 1:
            unseen = np.empty((len(train), len(self.members)))
            situation = np.empty(len(train), dtype=np.int64)
            for step, fold in enumerate(folds, start=1):
                held = train.folds == fold
                part = train.take(held).without_answers()
                rest = train.take(~held)
                unseen[held] = predict_members(self._fitted(rest), part, TARGET)
                situation[held] = _situation(part, *_known(rest))
                if report:
                    report(step, float(np.mean((unseen[held].mean(axis=1) - answers[held]) ** 2)))
            self.mixer = LogisticRegression(C=1 / self.penalty, max_iter=1000)
            self.mixer.fit(_design(unseen, situation), answers > 0.5)
        self.fitted, self.known = self._fitted(train), _known(train)

    def predict(self, part: Part) -> pd.DataFrame:
        """Weigh what the members say."""
        said = predict_members(self.fitted, part, TARGET)
        if self.mixer is None:
            binds = said.mean(axis=1)
        else:
            design = _design(said, _situation(part, *self.known))
            binds = self.mixer.predict_proba(design)[:, 1]
        return pd.DataFrame({"id": part.ids, TARGET: binds})

    def _fitted(self, train: Part) -> list[Model]:
        return fit_members(self.members, train, self.seed, beside=__name__)


def _known(train: Part) -> tuple[frozenset[str], frozenset[str]]:
    """Drugs and proteins that train."""
    return frozenset(train.features[DRUG]), frozenset(train.features[PROTEIN])


def _situation(part: Part, drugs: frozenset[str], proteins: frozenset[str]) -> NDArray[np.int64]:
    """What of each pair is new: 1 for the drug, plus 2 for the protein [rows]."""
    new_drug = ~part.features[DRUG].isin(drugs).to_numpy()
    new_protein = ~part.features[PROTEIN].isin(proteins).to_numpy()
    return new_drug + 2 * new_protein.astype(np.int64)


def _design(said: Floats, situation: NDArray[np.int64]) -> Floats:
    """Logits, and the same once more in the columns of the row's situation [rows, columns]."""
    logits = logit(np.clip(said, NEAREST, 1 - NEAREST))
    columns = np.column_stack([logits, np.ones(len(logits))])
    own = [columns * (situation == number)[:, None] for number in range(SITUATIONS)]
    return np.hstack([logits, *own])


def build(params: dict[str, Any], seed: int) -> Stack:
    """Build the model.

    Raises:
        ModelError: If there are no members, unknown ones, or wrong parameters of theirs.
    """
    check_members(params["members"], beside=__name__)
    return Stack(params["members"], params["penalty"], seed)
