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
from podium.learning import Ensemble, Members

from ..metric import TARGET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

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
        self.members = Ensemble(members, seed, beside=__name__, target=TARGET)
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
        of_drug = self._of_drug(train)
        if len(np.unique(train.folds)) > 1:  # else no line is unseen, and the plain mean stays
            unseen = self.members.out_of_fold(train, report)
            about = answers.to_numpy(np.float64) - of_drug
            self.weights = np.asarray(nnls(unseen - of_drug[:, None], about)[0])
        self.members.fit(train)

    def predict(self, part: Part) -> pd.DataFrame:
        """Add up what the members say beside the drugs' means."""
        of_drug = self._of_drug(part)
        beside = self.members.predict(part) - of_drug[:, None]
        return pd.DataFrame({"id": part.ids, TARGET: of_drug + beside @ self.weights})

    def _of_drug(self, part: Part) -> Floats:
        """The mean of each row's drug [rows]."""
        return part.features["drug"].map(self.means).fillna(self.mean).to_numpy(np.float64)


def build(params: dict[str, Any], seed: int) -> Stack:
    """Build the model.

    Raises:
        ModelError: If there are no members, unknown ones, or wrong parameters of theirs.
    """
    return Stack(params["members"], seed)


def space(trial: Any) -> dict[str, Any]:
    """Search the factors of one member; members have spaces of their own."""
    factors = trial.suggest_int("factors", 3, 40, log=True)
    members = dict(PARAMETERS["members"].default)
    return {"members": {**members, "lowrank_domain_z": {"factors": factors}}}
