"""Training curves in a terminal: a line of blocks for each figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from podium.cli.display.printing import table
from podium.figures import short

if TYPE_CHECKING:
    from podium.execution.curves import Curve

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH, _NAME = 24, 20


def drawn(curves: Mapping[str, Curve]) -> None:
    """Print curves by title: how each figure began and ended, and its way from step to step."""
    rows = [
        [short(title, _NAME), f"{curve.steps[-1]:,}", name, *_way(values)]
        for title, curve in curves.items()
        for name, values in curve.figures.items()
    ]
    header = ["said in training", "step", "figure", "first", "last", "low", "high", ""]
    table(header, rows, right=[1, 3, 4, 5, 6], spare=[6, 1])


def _way(values: Sequence[float | None]) -> list[str]:
    known = [value for value in values if value is not None]
    if not known:
        return ["-", "-", "-", "-", ""]
    low, high = min(known), max(known)
    places = range(0, len(values), -(-len(values) // _WIDTH))
    blocks = "".join(_block(values[place], low, high) for place in places)
    return [*map(short, (values[0], values[-1], low, high)), blocks]


def _block(value: float | None, low: float, high: float) -> str:
    """Its height between the lowest and the highest; nothing where there is no figure."""
    if value is None:
        return " "
    share = (value - low) / (high - low) if high > low else 0.0
    return _BLOCKS[round(share * (len(_BLOCKS) - 1))]
