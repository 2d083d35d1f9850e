"""Training curves: what a model reports of its steps, kept small beside what it predicted.

They are claims of the model, whose process may say anything: whatever comes from there, from a log
or from another's board passes `Curve.read`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any, Self

from podium.errors import in_one_line

KEPT = "curve"
"""The entry of a record's provenance that has its curve."""
POINTS = 500
"""Steps that are kept at most: every one, else every second, every fourth and so on."""
FIGURES = 6
"""Figures of a step that are kept: the first one, which pruning looks at, and others."""
_NAME = 20  # characters
_DIGITS = 6
_HUGE = 1e300


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Figures of a training by its steps.

    Attributes:
        steps: As the model counts them; they begin again where it trains another time.
        figures: By name one for each step: `value` first, then others; None where it was not
            finite.
    """

    steps: Sequence[int]
    figures: Mapping[str, Sequence[float | None]]

    @classmethod
    def read(cls, told: Any) -> Self | None:
        """A curve of what somebody else says is one; None if it is none."""
        if not isinstance(told, Mapping) or not 2 <= len(told) <= FIGURES + 1:
            return None
        columns = list(told.values())
        if next(iter(told)) != "step" or not all(isinstance(c, list | tuple) for c in columns):
            return None
        steps, *figures = columns
        if not 2 <= len(steps) <= POINTS + 1 or any(len(c) != len(steps) for c in figures):
            return None
        if not all(_is_number(step) and abs(step) < 1 << 53 for step in steps):
            return None
        if not all(value is None or _is_number(value) for c in figures for value in c):
            return None
        names = _distinct(list(told)[1:])
        values = [[_rounded(value) for value in column] for column in figures]
        return cls(
            steps=[int(step) for step in steps], figures=dict(zip(names, values, strict=True))
        )

    @property
    def as_json(self) -> dict[str, Any]:
        """What `read` takes."""
        return {"step": list(self.steps), **{name: list(c) for name, c in self.figures.items()}}


def without_curve(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What else a record says of how it was made."""
    return {name: fact for name, fact in provenance.items() if name != KEPT}


class Recorder:
    """Takes what a model reports, and keeps evenly chosen steps, the first and the last with them.

    Which ones follows from the steps alone, not from the clock.
    """

    def __init__(self) -> None:
        self._points: list[tuple[int, dict[str, float]]] = []
        self._last: tuple[int, dict[str, float]] | None = None
        self._seen, self._every = 0, 1

    def report(self, step: int, value: float, **others: float) -> None:
        """Take a step; see `podium.competition.part.Report`."""
        figures = {"value": float(value)} | {name: float(other) for name, other in others.items()}
        self._last = int(step), figures
        if self._seen % self._every == 0:
            self._points.append(self._last)
            if len(self._points) > POINTS:
                self._points, self._every = self._points[::2], 2 * self._every
        self._seen += 1

    @property
    def curve(self) -> dict[str, Any] | None:
        """The curve as `Curve.read` takes it; None with fewer than two steps."""
        points = list(self._points)
        if self._last and points[-1] is not self._last:
            points.append(self._last)
        if len(points) < 2:
            return None
        names = list(dict.fromkeys(name for _, figures in points for name in figures))[:FIGURES]
        columns = {name: [_rounded(figures.get(name)) for _, figures in points] for name in names}
        return {"step": [step for step, _ in points], **columns}


def _distinct(told: Sequence[Any]) -> list[str]:
    """Short names in one line, with a number where they would be those of another column."""
    names = ["step"]
    for name in told:
        short = in_one_line(str(name)[:_NAME])
        numbered = (f"{short[: _NAME - 2]}…{number}" for number in count(2))
        names.append(next(one for one in chain([short], numbered) if one not in names))
    return names[1:]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rounded(value: float | None) -> float | None:
    """A figure with the digits that a picture can show."""
    if value is None or not abs(value) < _HUGE:
        return None
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
