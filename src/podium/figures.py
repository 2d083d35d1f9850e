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


def counted(counts: Sequence[tuple[int, str]]) -> str:
    """Numbers with their nouns."""
    return ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in counts)


def near(path: Path) -> Path:
    """A path as seen from here, where it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
