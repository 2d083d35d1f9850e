"""How figures are shown, and how precisely anybody is told a score on test answers.

A score at full precision is some 50 bits about the answers: predictions can be chosen so that each
bit is a row's. So terminal, JSON, CSV, Markdown, reports, exports and the Python API show figures
that passed `shown`. The board's own database keeps them whole: ranks and ties are decided there.
What rounded scores still tell was measured: docs/statistics.md.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

DIGITS = 4
"""Decimals of a figure below 10; above, one more digit than that in all: 29.337, 31235."""
_NEAR = 1e-9
"""Two machines may add in another order; what differs by more is another score."""
_HUGE = 1e300  # beyond, what is rounded up may be no finite number
_Figures = TypeVar("_Figures")


def decimals(value: float) -> int:
    """Decimals that a figure is shown with; negative from 100,000 on."""
    size = abs(value)
    if size < 10:
        return DIGITS
    return DIGITS - int(math.log10(size)) if size < _HUGE else 0


def shown(figures: _Figures) -> _Figures:
    """A figure as it may be shown, or a card or list of them; what is no float stays as it is."""
    rounded: Any = figures
    if isinstance(figures, float):
        rounded = round(figures, decimals(figures))
    elif isinstance(figures, dict):  # an abstract Mapping takes four times as long
        rounded = {name: shown(value) for name, value in figures.items()}
    elif isinstance(figures, list | tuple):
        rounded = type(figures)(map(shown, figures))
    return rounded  # type: ignore[no-any-return]


def agree(a: Any, b: Any) -> bool:
    """Whether two cards say the same to a unit of the last digit that is shown."""
    return _same(a, b, lambda x, y: abs(x - y) <= unit(max(abs(x), abs(y))))


def near(a: Any, b: Any) -> bool:
    """Whether two cards are the same but for the order in which machines add."""
    return _same(a, b, lambda x, y: math.isclose(x, y, rel_tol=_NEAR, abs_tol=_NEAR))


def _same(a: Any, b: Any, close: Callable[[float, float], bool]) -> bool:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[name], b[name], close) for name in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(_same(x, y, close) for x, y in zip(a, b, strict=True))
    figures = isinstance(a, int | float) and isinstance(b, int | float)
    if figures and (isinstance(a, float) or isinstance(b, float)):
        return close(a, b)
    return bool(a == b)


def unit(value: float) -> float:
    """One in the last digit that a figure is shown with, and some dust: 0.0001 for 0.8765."""
    return 1.000001 * 10.0 ** -decimals(value)


def figure(value: float | None, digits: int = DIGITS) -> str:
    """A figure with the decimals that it may be shown with, or a dash where there is none.

    From 10^9 on by its power of ten, so that a table stays one.
    """
    if value is None:
        return "-"
    if decimals(value) < -DIGITS or abs(value) >= _HUGE:
        return f"{value:.{digits}e}"
    return f"{value:.{max(0, min(digits, decimals(value)))}f}"


def interval(bounds: Sequence[float | None]) -> str:
    """Both ends, or a dash where there is no interval."""
    low, high = bounds
    return "-" if low is None or high is None else f"{figure(low, 3)} to {figure(high, 3)}"


def chance(probability: float | None) -> str:
    """A probability in percent, never rounded to a certainty, for or against."""
    if probability is None:
        return "-"
    if not 0.001 <= probability <= 0.999:
        return "<0.1%" if probability < 0.5 else ">99.9%"
    return f"{100 * probability:.1f}%"


def percent(probability: float) -> str:
    """The same in whole percent, without the sign."""
    if not 0.005 <= probability <= 0.995:
        return "<1" if probability < 0.5 else ">99"
    return f"{100 * probability:.0f}"


def short(value: Any, length: int = 40) -> str:
    """A value on one line, of at most so many characters."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "-" if value is None else str(value).replace("\n", " ")
    return text if len(text) <= length else f"{text[: length - 1]}…"


def age(created: str) -> str:
    """How long ago, in the largest whole unit."""
    span = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(created)
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes >= 2 * 1440:
        return f"{minutes // 1440} d"
    return f"{minutes // 60} h" if minutes >= 120 else f"{minutes} min"


def counted(counts: Sequence[tuple[int, str]]) -> str:
    """Numbers with their nouns."""
    return ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
