"""The best models added up, with weights from what they said of lines that they had not seen.

Each member predicts every fold of train from the others. Non-negative least squares on these
predictions, each drug about its mean, gives the weights (Breiman 1996, doi:10.1007/BF00117832).
They are chosen on solid lines, since no others have answers; that members adapt, each in its way,
is what blood gains by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from podium.competition import Parameter
from podium.learning import Members, check_members, fit_members, predict_members

from ..metric import TARGET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Model, Part, Report

    Floats = NDArray[np.float64]

PARAMETERS = {
    "members": Parameter(
        {
            "kernel_sites": {},
            "lowrank_domain_z": {},
            "general_level": {},
            "lightgbm": {"rounds": 300},
        },
        "models and the changes to their parameters",
    ),
}
THREADS = 1  # the same bytes on any number of cores


QUICK: dict[str, Any] = {"members": {"ridge_domain_z": {}, "general_level": {}}}


class Stack:
    """Several models as one.

    Attributes:
        weights: One a member, none negative [members].
    """

    def __init__(self, members: Members, seed: int) -> None:
        self.members, self.seed = members, seed
        self.fitted: list[Model] = []
        self.means = pd.Series(dtype=float)
        self.mean = 0.0
        self.weights = np.full(len(members), 1 / len(members))

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Predict out of fold, choose weights, train on all; `report` gets each fold's error."""
        assert train.targets is not None
        assert train.folds is not None
        answers = train.targets[TARGET]
        self.means = answers.groupby(train.features["drug"].to_numpy()).mean()
        self.mean = float(answers.mean())
        about = answers.to_numpy(np.float64) - self._of_drug(train)
        folds = np.unique(train.folds)
        if len(folds) > 1:  # else no line is unseen, and the plain mean stays
            unseen = np.empty((len(train), len(self.members)))
            for step, fold in enumerate(folds, start=1):
                held = train.folds == fold
                models = self._fitted(train.take(~held))
                part = train.take(held).without_answers()
                unseen[held] = predict_members(models, part, TARGET) - self._of_drug(part)[:, None]
                if report:
                    error = unseen[held].mean(axis=1) - about[held]
                    report(step, float(np.sqrt(np.mean(error**2))))
            self.weights = np.asarray(nnls(unseen, about)[0])
        self.fitted = self._fitted(train)

    def predict(self, part: Part) -> pd.DataFrame:
        """Add up what the members say beside the drugs' means."""
        of_drug = self._of_drug(part)
        members = predict_members(self.fitted, part, TARGET) - of_drug[:, None]
        return pd.DataFrame({"id": part.ids, TARGET: of_drug + members @ self.weights})

    def _of_drug(self, part: Part) -> Floats:
        """The mean of each row's drug [rows]."""
        return part.features["drug"].map(self.means).fillna(self.mean).to_numpy(np.float64)

    def _fitted(self, train: Part) -> list[Model]:
        return fit_members(self.members, train, self.seed, beside=__name__)


def build(params: dict[str, Any], seed: int) -> Stack:
    """Build the model.

    Raises:
        ModelError: If there are no members, unknown ones, or wrong parameters of theirs.
    """
    check_members(params["members"], beside=__name__)
    return Stack(params["members"], seed)


def space(trial: Any) -> dict[str, Any]:
    """Search the factors of one member; members have spaces of their own."""
    factors = trial.suggest_int("factors", 3, 40, log=True)
    members = dict(PARAMETERS["members"].default)
    return {"members": {**members, "lowrank_domain_z": {"factors": factors}}}
