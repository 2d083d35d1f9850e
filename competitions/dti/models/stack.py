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
from podium.learning import Ensemble, Members

from ..metric import TARGET
from ..shared.features import DRUG, PROTEIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

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
        self.members = Ensemble(members, seed, beside=__name__, target=TARGET)
        self.penalty = penalty
        self.mixer: LogisticRegression | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Predict out of fold, weigh, train on all; `report` gets each fold's error."""
        assert train.targets is not None
        assert train.folds is not None
        binds = train.targets[TARGET].to_numpy() > 0.5
        folds = np.unique(train.folds)
        # one fold leaves no pair unseen, one answer nothing to weigh by: the plain mean stays
        if len(folds) > 1 and len(np.unique(binds)) > 1:
            unseen = self.members.out_of_fold(train, report)
            situation = np.empty(len(train), dtype=np.int64)
            for fold in folds:
                held = train.folds == fold
                situation[held] = _situation(train.take(held), *_known(train.take(~held)))
            self.mixer = LogisticRegression(C=1 / self.penalty, max_iter=1000)
            self.mixer.fit(_design(unseen, situation), binds)
        self.members.fit(train)
        self.known = _known(train)

    def predict(self, part: Part) -> pd.DataFrame:
        """Weigh what the members say."""
        said = self.members.predict(part)
        if self.mixer is None:
            binds = said.mean(axis=1)
        else:
            design = _design(said, _situation(part, *self.known))
            binds = self.mixer.predict_proba(design)[:, 1]
        return pd.DataFrame({"id": part.ids, TARGET: binds})


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
    return Stack(params["members"], params["penalty"], seed)
