"""The simplest control: one value for every row."""

from __future__ import annotations

from typing import Any

from podium.competition import Parameter
from podium.learning import ConstantValue

from ..metric import TARGET

PARAMETERS = {
    "value": Parameter(
        None, "percent remaining; None for the mean of train", (0.0, 300.0), search=(0.0, 100.0)
    )
}
"""29.9 calls every row a good siRNA."""


def build(params: dict[str, Any], seed: int) -> ConstantValue:
    """Build the control; nothing in it is random."""
    return ConstantValue(TARGET, **params)
