"""The simplest control: one value for every row."""

from __future__ import annotations

from typing import Any

from podium.competition import Parameter
from podium.learning import ConstantValue

from ..metric import TARGET

PARAMETERS = {
    "value": Parameter(
        None,
        "the same for every row; None for the mean of train",
        (-1000.0, 1000.0),
        search=(-5.0, 10.0),
    )
}


def build(params: dict[str, Any], seed: int) -> ConstantValue:
    """Build the control; nothing in it is random."""
    return ConstantValue(TARGET, **params)
