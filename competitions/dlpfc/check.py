"""What else is wrong with predictions, told without the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .metric import SLICE, TARGET, crowded

if TYPE_CHECKING:
    from podium.competition import Part
    from podium.metrics import Table


def problems(test: Part, predictions: Table) -> list[str]:
    """A line for each slice that has too many clusters."""
    return crowded(test.features[SLICE].to_numpy(object), predictions[TARGET])
