"""How precisely anybody is told a score on test answers: decided here, for every way out.

A score at full precision is some 50 bits about the answers: predictions can be chosen so that each
bit is a row's. So terminal, JSON, CSV, Markdown, reports, exports and the Python API show figures
that passed `shown`. The board's own database keeps them whole: ranks and ties are decided there.
What rounded scores still tell was measured: docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

DIGITS = 4
"""Decimals of a figure below 10; above, one more digit than that in all: 29.337, 31235."""
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
    found: Any = figures
    if isinstance(figures, float):
        found = round(figures, decimals(figures))
    elif isinstance(figures, dict):  # an abstract Mapping takes four times as long
        found = {name: shown(value) for name, value in figures.items()}
    elif isinstance(figures, list | tuple):
        found = type(figures)(map(shown, figures))
    return found  # type: ignore[no-any-return]


def agree(a: Any, b: Any) -> bool:
    """Whether two cards say the same to a unit of the last digit that is shown."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(agree(a[name], b[name]) for name in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(agree, a, b))
    figures = isinstance(a, int | float) and isinstance(b, int | float)
    if figures and (isinstance(a, float) or isinstance(b, float)):
        return bool(abs(a - b) <= unit(max(abs(a), abs(b))))
    return bool(a == b)


def unit(value: float) -> float:
    """One in the last digit that a figure is shown with, and some dust: 0.0001 for 0.8765."""
    return 1.000001 * 10.0 ** -decimals(value)
