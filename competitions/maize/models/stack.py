"""The best models added up, with weights from what they said of families that they had not seen.

Each member predicts every fold of train from the others; non-negative least squares on these
predictions gives the weights (Breiman 1996, doi:10.1007/BF00117832). Then all members learn from
the whole train part. Members that the first fold hardly needs are left out before the others are
predicted: core promoters need other ones than long regions do, and networks take minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from podium.competition import Parameter
from podium.errors import note
from podium.learning import Ensemble, Members

from ..metric import TARGET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

PARAMETERS = {
    "members": Parameter(
        {"basenji_small": {}, "lightgbm": {}, "kmer_ridge": {}, "motifs": {}, "motif_net": {}},
        "models and the changes to their parameters",
    ),
    "unseen": Parameter(
        {"basenji_small": {"networks": 1}}, "further changes while they predict folds"
    ),
}
"""unseen: fewer networks tell the weights as well."""


QUICK: dict[str, Any] = {"members": {"gc": {}, "kmer_ridge": {"alphas": [1000.0]}}, "unseen": {}}
THREADS = 1  # the same bytes on any number of cores
LEAST = 0.04
"""Of what all add on the first fold, in standard deviations: who adds less is left out."""


class Stack:
    """Several models as one.

    Attributes:
        members: Those that were not left out.
        weights: One a member, none negative [members].
        offset: Added to their sum.
    """

    def __init__(self, members: Members, unseen: Members, seed: int) -> None:
        self.candidates, self.unseen, self.seed = members, unseen, seed
        self.members = self._ensemble(members)
        self.weights = np.full(len(members), 1 / len(members))
        self.offset = 0.0

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Choose members and weights out of fold, train on all; `report` gets each fold's error."""
        assert train.targets is not None
        assert train.folds is not None
        if len(np.unique(train.folds)) > 1:  # else no row is unseen, and the plain mean stays
            answers = train.targets[TARGET].to_numpy(dtype=np.float64)
            self.members = self._ensemble(self._needed(train, answers))
            unseen = self.members.out_of_fold(train, report)
            self.weights, self.offset = weigh(unseen, answers)
        self.members.fit(train)

    def _needed(self, train: Part, answers: NDArray[np.float64]) -> Members:
        """Members that add something where the first fold is held out."""
        assert train.folds is not None
        held = train.folds == train.folds.min()
        one = self._ensemble(
            {name: {**own, **self.unseen.get(name, {})} for name, own in self.candidates.items()}
        )
        one.fit(train.take(~held))
        said = one.predict(train.take(held).without_answers())
        adds = weigh(said, answers[held])[0] * said.std(axis=0)
        enough = adds >= LEAST * adds.sum()
        kept = {name for name, is_kept in zip(self.candidates, enough, strict=True) if is_kept}
        if left := [name for name in self.candidates if name not in kept]:
            note(f"Left out of the stack, as the first fold hardly needs them: {', '.join(left)}.")
        return {name: own for name, own in self.candidates.items() if name in kept}

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
