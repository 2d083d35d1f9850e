"""Figures in words: what stands in a cell of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from podium.rounding import DIGITS, decimals


def figure(value: float | None, digits: int = DIGITS) -> str:
    """A figure with the decimals that it may be shown with, or a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:.{max(0, min(digits, decimals(value)))}f}"


def interval(bounds: Sequence[float | None]) -> str:
    """Both ends, or a dash where there is no interval."""
    low, high = bounds
    return "-" if low is None or high is None else f"{figure(low, 3)} to {figure(high, 3)}"


def chance(probability: float | None) -> str:
    """A probability in percent, never rounded to a certainty."""
    if probability is None:
        return "-"
    return ">99.9%" if probability > 0.999 else f"{100 * probability:.1f}%"


def short(value: Any) -> str:
    """A value on one line, of at most 40 characters."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "-" if value is None else str(value).replace("\n", " ")
    return text if len(text) <= 40 else f"{text[:39]}…"


def counted(counts: Sequence[tuple[int, str]]) -> str:
    """Numbers with their nouns."""
    return ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in counts)


def near(path: Path) -> Path:
    """A path as seen from here, where it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
