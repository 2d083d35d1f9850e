"""The simplest control: one value for every row."""

from __future__ import annotations

from typing import Any

from podium.learning import ConstantValue

from ..metric import TARGET

DEFAULTS: dict[str, Any] = {"value": None}
"""`value`: percent remaining; None for the mean of train. 29.9 calls every row a good siRNA."""


def build(params: dict[str, Any], seed: int) -> ConstantValue:
    """Build the control; nothing in it is random."""
    return ConstantValue(TARGET, **params)


def space(trial: Any) -> dict[str, Any]:
    """Search the value."""
    return {"value": trial.suggest_float("value", 0.0, 100.0)}
