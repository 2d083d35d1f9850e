"""Several models as one: how a stack finds, trains and asks the models beside it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition.parameters import DECLARED, Parameter, Undeclared, checked, defaults
from podium.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from podium.competition.part import Model, Part

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


def fit_members(
    members: Members, train: Part, seed: int, *, beside: str, changes: Members | None = None
) -> list[Model]:
    """Build members and train them.

    Args:
        members: Which, with changes to their parameters.
        train: The rows.
        seed: Of all.
        beside: `__name__` of the stack: they are modules beside it.
        changes: Further changes.
    """
    models = []
    for name, own in members.items():
        module = import_module(f"..{_model(name)}", beside)
        known, wanted = _parameters(module), {**own, **(changes or {}).get(name, {})}
        params = {**defaults(known), **checked(name, known, wanted)}
        model: Model = module.build(params, seed)
        model.fit(train)
        models.append(model)
    return models


def predict_members(models: Sequence[Model], part: Part, target: str) -> NDArray[np.float64]:
    """What each model predicts of a column of numbers [rows, models]."""
    return np.column_stack([model.predict(part)[target].to_numpy(float) for model in models])
