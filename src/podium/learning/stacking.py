"""Several models as one: how a stack finds, trains and asks the models beside it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition.parameters import DECLARED, Parameter, Undeclared, checked, defaults
from podium.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition.part import Model, Part, Report

    Floats = NDArray[np.float64]

Members = Mapping[str, Mapping[str, Any]]
"""Models by name, with the changes to their parameters.

One model may be several members: what follows a colon tells them apart (`lightgbm:log`).
"""


def check_members(members: Members, *, beside: str) -> None:
    """Refuse a stack of nothing, of models that do not lie beside it, or with wrong parameters.

    Args:
        members: Which, with changes to their parameters.
        beside: `__name__` of the stack, which cannot be a member of itself.

    Raises:
        ModelError: With the names that there are, or what is allowed.
    """
    stack = Path(str(sys.modules[beside].__file__))
    known = {file.stem for file in stack.parent.glob("*.py")} - {stack.stem}
    unknown = sorted(name for name in members if _model(name) not in known)
    if unknown or not members:
        names = ", ".join(unknown) or "nothing"
        raise ModelError(
            f"A stack cannot be made of {names}.", hint=f"Members: {', '.join(sorted(known))}"
        )
    for name, changes in members.items():
        if not isinstance(changes, Mapping):
            raise ModelError(f"Changes to {name} are an object, not {repr(changes)[:80]}.")
        checked(name, _parameters(import_module(f"..{_model(name)}", beside)), changes)


def _model(member: str) -> str:
    """Which model a member is."""
    return member.partition(":")[0]


def _parameters(module: ModuleType) -> Mapping[str, Parameter]:
    """What a model declares; its `DEFAULTS` as such where it has these."""
    known: Mapping[str, Parameter] | None = getattr(module, DECLARED, None)
    return known or {name: Undeclared(value) for name, value in vars(module)["DEFAULTS"].items()}


class Ensemble:
    """The members of a stack: what they say of rows that they had not seen, and of new ones.

    A member is a model beside the stack, with its own parameters and the stack's seed.

    Args:
        members: Which, with changes to their parameters.
        seed: Of all.
        beside: `__name__` of the stack.
        target: The column of numbers that they predict.
        unseen: Further changes while folds are predicted: fewer networks tell weights as well.
    """

    def __init__(
        self,
        members: Members,
        seed: int,
        *,
        beside: str,
        target: str,
        unseen: Members = MappingProxyType({}),
    ) -> None:
        check_members(members, beside=beside)
        if unseen:
            check_members(unseen, beside=beside)
        self.members, self.seed, self.beside, self.target = members, seed, beside, target
        self.unseen = dict(unseen)
        self._models: list[Model] = []
        self._kept: Mapping[str, pd.DataFrame] = {}

    def __len__(self) -> int:
        return len(self.members)

    def out_of_fold(self, train: Part, report: Report | None = None) -> Floats:
        """What members say of each row, by models that never saw its fold [rows, members].

        Predictions that were kept (`train.members`) are taken as they are.

        Args:
            train: Rows of two folds or more.
            report: Gets the root mean squared error of the plain mean on each fold.

        Raises:
            ModelError: If these rows have no answers, or are not of two folds.
        """
        if train.targets is None or train.folds is None or len(np.unique(train.folds)) < 2:
            raise ModelError("A stack learns from rows with answers, of two folds or more.")
        answers = train.targets[self.target].to_numpy(np.float64)
        unseen = np.empty((len(train), len(self)))
        for step, fold in enumerate(np.unique(train.folds), start=1):
            held = train.folds == fold
            part = train.take(held).without_answers()
            if train.members:
                unseen[held] = self._looked_up(train.members, part)
            else:
                models = self._trained(train.take(~held), self.unseen)
                unseen[held] = self._said(models, part)
            if report:
                error = unseen[held].mean(axis=1) - answers[held]
                report(step, float(np.sqrt(np.mean(error**2))))
        return unseen

    def fit(self, train: Part) -> None:
        """Train all members, unless what they say of the rows to be asked is kept.

        In a cross-validation these are the rows that it holds out.
        """
        kept = next(iter(train.members.values()), None)
        if kept is not None and len(kept) > len(train):
            self._kept = train.members
        else:
            self._models = self._trained(train)

    def predict(self, part: Part) -> Floats:
        """What each member says [rows, members]."""
        return self._looked_up(self._kept, part) if self._kept else self._said(self._models, part)

    def _trained(self, train: Part, further: Members = MappingProxyType({})) -> list[Model]:
        models = []
        for name, own in self.members.items():
            changes = {**own, **further.get(name, {})}
            module = import_module(f"..{_model(name)}", self.beside)
            known = _parameters(module)
            model: Model = module.build(
                {**defaults(known), **checked(name, known, changes)}, self.seed
            )
            model.fit(replace(train, members={}))
            models.append(model)
        return models

    def _said(self, models: Sequence[Model], part: Part) -> Floats:
        said = [model.predict(part)[self.target].to_numpy(float) for model in models]
        return np.column_stack(said)

    def _looked_up(self, kept: Mapping[str, pd.DataFrame], part: Part) -> Floats:
        said = [kept[name].loc[part.ids, self.target].to_numpy(float) for name in self.members]
        return np.column_stack(said)
