"""Where things stand in a picture: scales, ticks, points. How they look, the templates say.

Coordinates are those of an SVG viewBox: pixels, y downwards.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from podium.competition.metric import Floats

_DAY = 86_400
_STEPS = (
    *(60 * minutes for minutes in (1, 5, 15, 30, 60, 180, 360, 720)),
    *(_DAY * days for days in (1, 2, 7, 14, 28, 91, 182, 364, 728, 1820, 3640, 18_200)),
)
"""Seconds between ticks of time."""
_YEARS = (0, 253_402_300_799)
"""Seconds of what has a date here: 1970 to 9999."""
_LONG, _HUGE = 1e7, 1e100
MARGIN = 0.04


@dataclass(frozen=True)
class Tick:
    """A mark of an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """A linear scale.

    Attributes:
        low, high: The values at both ends.
        start, end: Where these stand.
        ticks: Marks inside.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: Sequence[Tick] = ()

    def at(self, values: Sequence[float] | Floats) -> list[float]:
        """Where values stand; those outside stand at the end."""
        share = (np.clip(values, self.low, self.high) - self.low) / (self.high - self.low)
        return [
            round(place, 1) for place in (self.start + share * (self.end - self.start)).tolist()
        ]

    def holds(self, value: float) -> bool:
        """Whether a value lies inside."""
        return self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Point:
    """A submission in a picture; `outside` if it stands at the edge instead of its place."""

    x: float
    y: float
    team: int
    tip: str
    colour: str
    outside: bool = False


def values_axis(
    values: Sequence[float], start: float, end: float, *, most: int = 6, higher: bool = True
) -> Axis:
    """A scale of figures: the worst twentieth may lie outside, where it is far from the rest.

    Args:
        values: Figures to be shown.
        start: Where the smallest stands.
        end: Where the largest stands.
        most: Ticks.
        higher: Whether more is better.
    """
    known = np.clip(np.asarray(values or (0.0, 1.0), dtype=np.float64), -_HUGE, _HUGE)
    low, high = float(known.min()), float(known.max())
    near, far = np.quantile(known, [0.05, 0.95])
    room = 3 * float(far - near)
    if room > 0:  # not all alike
        low, high = (max(low, float(near) - room), high) if higher else (low, min(high, far + room))
    pad = MARGIN * (high - low) or 0.05 * abs(high) or 1.0
    low, high = low - pad, high + pad
    axis = Axis(low, high, start, end)
    step = _nice((high - low) / most)
    digits = min(12, max(0, -math.floor(math.log10(step))))
    found = [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    ticks = [
        Tick(at, f"{value + 0.0:.{digits}f}" if abs(value) < _LONG else f"{value:.3g}")
        for at, value in _placed(axis, found)
    ]
    return Axis(low, high, start, end, ticks)


def time_axis(seconds: Sequence[float], start: float, end: float, *, most: int = 6) -> Axis:
    """A scale of time in UTC, from seconds since 1970."""
    low, high = min(seconds), max(seconds)
    pad = MARGIN * (high - low) or 1800.0
    low, high = low - pad, high + pad
    axis = Axis(low, high, start, end)
    step = next((s for s in _STEPS if (high - low) / s <= most), _STEPS[-1])
    found = [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    found = [value for value in found if _YEARS[0] <= value <= _YEARS[1]]
    form = "%Y-%m-%d" if step >= _DAY else "%m-%d %H:%M"
    ticks = [
        Tick(at, datetime.datetime.fromtimestamp(value, datetime.UTC).strftime(form))
        for at, value in _placed(axis, found[:: -(-len(found) // most) or 1])
    ]
    return Axis(low, high, start, end, ticks)


def _placed(axis: Axis, values: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(axis.at(values), values, strict=True))


def _nice(step: float) -> float:
    """The next of 1, 2, 5, 10, ... that is as large."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * k for k in (1, 2, 5, 10) if power * k >= step * (1 - 1e-9))


def stairs(xs: Sequence[float], ys: Sequence[float], end: float) -> str:
    """The path of a value that stays until it changes."""
    steps = "".join(f"H{x:g}V{y:g}" for x, y in zip(xs[1:], ys[1:], strict=True))
    return f"M{xs[0]:g} {ys[0]:g}{steps}H{end:g}"


def thinned(count: int, most: int) -> list[int]:
    """Places of some of many, evenly."""
    return (
        np.unique(np.linspace(0, count - 1, min(count, most)).astype(int)).tolist() if count else []
    )
