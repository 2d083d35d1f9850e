"""Several models as one: how a stack finds, trains and asks the models beside it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from podium.competition.part import Model, Part

Members = Mapping[str, Mapping[str, Any]]
"""Models by name, with the changes to their parameters."""


def refuse_unknown(members: Collection[str], stack: Path) -> None:
    """Refuse a stack of nothing, or of models that do not lie beside it.

    Args:
        members: Their names.
        stack: The file of the stack itself, which cannot be a member.

    Raises:
        ModelError: With the names that there are.
    """
    known = {file.stem for file in stack.parent.glob("*.py")} - {stack.stem}
    unknown = sorted(set(members) - known)
    if unknown or not members:
        names = ", ".join(unknown) or "nothing"
        raise ModelError(
            f"A stack cannot be made of {names}.", hint=f"Members: {', '.join(sorted(known))}"
        )


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
        module = import_module(f"..{name}", beside)
        params = {**module.DEFAULTS, **own, **(changes or {}).get(name, {})}
        model: Model = module.build(params, seed)
        model.fit(train)
        models.append(model)
    return models


def predict_members(models: Sequence[Model], part: Part, target: str) -> NDArray[np.float64]:
    """What each model predicts of a column of numbers [rows, models]."""
    return np.column_stack([model.predict(part)[target].to_numpy(float) for model in models])
