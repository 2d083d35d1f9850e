"""The simplest control: one probability for every pair."""

from __future__ import annotations

from typing import Any

from podium.competition import Parameter
from podium.learning import ConstantValue

from ..metric import TARGET

PARAMETERS = {"value": Parameter(None, "for all; None for the share of train", (0.0, 1.0))}


def build(params: dict[str, Any], seed: int) -> ConstantValue:
    """Build the control; nothing in it is random."""
    return ConstantValue(TARGET, **params)
