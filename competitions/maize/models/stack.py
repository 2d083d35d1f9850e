"""The best models added up, with weights from what they said of families that they had not seen.

Each member predicts every fold of train from the others; non-negative least squares on these
predictions gives the weights (Breiman 1996, doi:10.1007/BF00117832). Then all members learn from
the whole train part. Long regions need other members than core promoters do: there are two teams,
and the first fold says which one it is.
"""

from __future__ import annotations

from dataclasses import replace
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

PARAMETERS = {
    "members": Parameter(
        {"basenji_small": {}, "lightgbm": {}, "kmer_ridge": {}},
        "models and the changes to their parameters",
    ),
    "instead": Parameter(
        {"motifs": {}, "motif_net": {}},
        "members in their place if these tell more of the first fold",
    ),
    "unseen": Parameter(
        {"basenji_small": {"networks": 1}}, "further changes while they predict folds"
    ),
}
"""unseen: fewer networks tell the weights as well."""


QUICK: dict[str, Any] = {
    "members": {"gc": {}},
    "instead": {"kmer_ridge": {"alphas": [1000.0]}},
    "unseen": {},
}
THREADS = 1  # the same bytes on any number of cores


class Stack:
    """Several models as one.

    Attributes:
        members: Those of the team that the first fold preferred.
        weights: One a member, none negative [members].
        offset: Added to their sum.
    """

    def __init__(self, members: Members, instead: Members, unseen: Members, seed: int) -> None:
        self.unseen, self.seed = unseen, seed
        self.teams = [self._ensemble(members), *([self._ensemble(instead)] if instead else [])]
        self.members = self.teams[0]
        self.weights = np.full(len(members), 1 / len(members))
        self.offset = 0.0

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Choose members and weights out of fold, train on all; `report` gets each fold's error."""
        if not train.members.keys() >= {name for team in self.teams for name in team.members}:
            train = replace(train, members={})  # both teams are judged by what is kept, or neither
        assert train.targets is not None
        assert train.folds is not None
        if len(np.unique(train.folds)) > 1:  # else no row is unseen, and the plain mean stays
            answers = train.targets[TARGET].to_numpy(dtype=np.float64)
            if len(self.teams) > 1:
                self.members = min(self.teams, key=lambda team: self._error(team, train, answers))
            unseen = self.members.out_of_fold(train, report)
            self.weights, self.offset = weigh(unseen, answers)
        self.members.fit(train)

    def _error(self, team: Ensemble, train: Part, answers: NDArray[np.float64]) -> float:
        """Mean squared error of a team on the first fold, with the weights that suit it best."""
        assert train.folds is not None
        held = train.folds == train.folds.min()
        trial = self._ensemble(
            {n: {**own, **self.unseen.get(n, {})} for n, own in team.members.items()}
        )
        trial.fit(train.take(~held))
        said = trial.predict(train.take(held).without_answers())
        weights, offset = weigh(said, answers[held])
        return float(np.mean((answers[held] - offset - said @ weights) ** 2))

    def _ensemble(self, members: Members) -> Ensemble:
        return Ensemble(members, self.seed, beside=__name__, target=TARGET, unseen=self.unseen)

    def predict(self, part: Part) -> pd.DataFrame:
        """Add up what the members say."""
        expression = self.offset + self.members.predict(part) @ self.weights
        return pd.DataFrame({"id": part.ids, TARGET: expression})


def weigh(
    members: NDArray[np.float64], answers: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Non-negative weights and an offset, by least squares.

    Args:
        members: Predictions of rows that they had not seen [rows, members].
        answers: [rows].
    """
    mean, centre = members.mean(axis=0), float(answers.mean())
    weights = np.asarray(nnls(members - mean, answers - centre)[0], dtype=np.float64)
    return weights, centre - float(mean @ weights)


def build(params: dict[str, Any], seed: int) -> Stack:
    """Build the model.

    Raises:
        ModelError: If there are no members, unknown ones, or wrong parameters of theirs.
    """
    return Stack(**params, seed=seed)
