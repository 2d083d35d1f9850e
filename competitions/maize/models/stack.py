"""The best models added up, with weights from what they said of families that they had not seen.

Each member predicts every fold of train from the others; non-negative least squares on these
predictions gives the weights (Breiman 1996, doi:10.1007/BF00117832). Then all members learn from
the whole train part.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from podium.errors import ModelError

from ..metric import TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from podium.competition import Model, Part, Report

    Members = Mapping[str, Mapping[str, Any]]

DEFAULTS: dict[str, Any] = {
    "members": {"basenji_small": {}, "lightgbm": {}, "kmer_ridge": {}},
    "unseen": {"basenji_small": {"networks": 1}},
}
"""members: models and the changes to their parameters.
unseen: further changes while they predict folds: fewer networks tell the weights as well."""

QUICK: dict[str, Any] = {"members": {"gc": {}, "kmer_ridge": {"alphas": [1000.0]}}, "unseen": {}}


class Stack:
    """Several models as one.

    Attributes:
        weights: One a member, none negative [members].
        offset: Added to their sum.
    """

    def __init__(self, members: Members, unseen: Members, seed: int) -> None:
        self.members = members
        self.unseen = unseen
        self.seed = seed
        self.fitted: list[Model] = []
        self.weights = np.full(len(members), 1 / len(members))
        self.offset = 0.0

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Predict out of fold, choose weights, train on all; `report` gets each fold's error."""
        assert train.targets is not None
        assert train.folds is not None
        answers = train.targets[TARGET].to_numpy(dtype=np.float64)
        folds = np.unique(train.folds)
        if len(folds) > 1:  # else no row is unseen, and the plain mean stays
            found = np.empty((len(train), len(self.members)))
            for step, fold in enumerate(folds, start=1):
                held = train.folds == fold
                models = self._fitted(train.take(~held), self.unseen)
                found[held] = _predictions(models, train.take(held).without_answers())
                if report:
                    report(step, _rmse(found[held].mean(axis=1), answers[held]))
            self.weights, self.offset = weigh(found, answers)
        self.fitted = self._fitted(train, {})

    def predict(self, part: Part) -> pd.DataFrame:
        """Add up what the members say."""
        expression = self.offset + _predictions(self.fitted, part) @ self.weights
        return pd.DataFrame({"id": part.ids, TARGET: expression})

    def _fitted(self, train: Part, changes: Members) -> list[Model]:
        models = []
        for name, own in self.members.items():
            module = import_module(f"..{name}", __name__)
            params = {**module.DEFAULTS, **own, **changes.get(name, {})}
            model: Model = module.build(params, self.seed)
            model.fit(train)
            models.append(model)
        return models


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


def _predictions(models: list[Model], part: Part) -> NDArray[np.float64]:
    return np.column_stack([model.predict(part)[TARGET].to_numpy(float) for model in models])


def _rmse(predicted: NDArray[np.float64], answers: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean((predicted - answers) ** 2)))


def build(params: dict[str, Any], seed: int) -> Stack:
    """Build the model.

    Raises:
        ModelError: If there are no members, or unknown ones.
    """
    members = params["members"]
    known = {file.stem for file in Path(__file__).parent.glob("*.py")} - {Path(__file__).stem}
    unknown = sorted(set(members) - known)
    if unknown or not members:
        names = ", ".join(unknown) or "nothing"
        raise ModelError(
            f"A stack cannot be made of {names}.", hint=f"Members: {', '.join(sorted(known))}"
        )
    return Stack(members, params["unseen"], seed)


def space(trial: Any) -> dict[str, Any]:
    """Search how many networks tell the weights; members have spaces of their own."""
    networks = trial.suggest_int("networks", 1, 6)
    return {"unseen": {"basenji_small": {"networks": networks}}}
