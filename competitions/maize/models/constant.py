"""The simplest control: one value for every row."""

from __future__ import annotations

from typing import Any

from podium.learning import ConstantValue

from ..metric import TARGET

DEFAULTS: dict[str, Any] = {"value": None}
"""`value`: None for the mean of train."""


def build(params: dict[str, Any], seed: int) -> ConstantValue:
    """Build the control; nothing in it is random."""
    return ConstantValue(TARGET, **params)


def space(trial: Any) -> dict[str, Any]:
    """Search the value."""
    return {"value": trial.suggest_float("value", -5.0, 10.0)}
