"""Training curves as pictures: plain data for a page's SVG, and a figure of matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from podium.errors import visible
from podium.execution.curves import KEPT, Curve
from podium.figures import short
from podium.leaderboard.ranking import Row
from podium.reporting.charts import Axis, round_up, values_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from podium.leaderboard.contest import Contest

DRAWN = 6
"""Submissions whose curves a page shows."""
LEFT, RIGHT, TOP, BOTTOM = 62, 372, 12, 180
TOLD = "training, as the models reported it"
_TICKS = 5
_LONG = 1e6


@dataclass(frozen=True, kw_only=True)
class Line:
    """A figure of a training.

    Attributes:
        d: The path of an SVG.
        tip: Its name, and how it began and ended.
    """

    name: str
    d: str
    tip: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The curve of one submission.

    Attributes:
        title: Whose.
        counted: What `x` counts: a `step`, or a `report` where steps begin again.
        lines: One for each figure.
    """

    title: str
    x: Axis
    y: Axis
    counted: str
    lines: Sequence[Line]


def gather(contest: Contest, rows: Sequence[Row]) -> list[Drawing]:
    """The curves of the first rows that have one.

    Args:
        contest: Whose board it is.
        rows: In the order in which they are wanted.
    """
    drawings: list[Drawing] = []
    for row in rows:
        if len(drawings) == DRAWN:
            break
        provenance = contest.record(row.submission).provenance
        if curve := Curve.read(provenance.get(KEPT)):
            drawings.append(drawing(f"{row.team}/{row.name}", curve))
    return drawings


def drawing(title: str, curve: Curve) -> Drawing:
    """A curve as paths, one for each figure, which share a scale."""
    steps, counted = _along(curve)
    known = [v for values in curve.figures.values() for v in values if v is not None]
    x, y = _counts_axis(steps), values_axis(known, BOTTOM, TOP, higher=False)
    lines = [
        Line(
            name=name,
            d=_path(x, y, steps, values),
            tip=f"{title}, {name}: {short(values[0])} to {short(values[-1])}",
        )
        for name, values in curve.figures.items()
    ]
    return Drawing(title=title, x=x, y=y, counted=counted, lines=lines)


def picture(curves: Mapping[str, Curve]) -> Figure:
    """Curves by title as a figure of matplotlib, a panel for each."""
    from matplotlib.figure import Figure

    across = min(3, len(curves))
    down = math.ceil(len(curves) / across)
    figure = Figure(figsize=(4.2 * across, 3.2 * down), layout="constrained")
    panels = list(figure.subplots(down, across, squeeze=False).flat)
    for panel, (title, curve) in zip(panels, curves.items(), strict=False):
        steps, counted = _along(curve)
        for name, values in curve.figures.items():
            gaps = [math.nan if value is None else value for value in values]
            panel.plot(steps, gaps, label=_plain(name), linewidth=1.2)
        panel.set_title(_plain(short(title)), fontsize=9)
        panel.set_xlabel(counted)
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.legend(fontsize=8, frameon=False)
    for panel in panels[len(curves) :]:
        panel.axis("off")
    figure.suptitle(TOLD, fontsize=9)
    return figure


def _along(curve: Curve) -> tuple[Sequence[int], str]:
    """Where the figures stand, and what that counts: a model may count its steps anyhow."""
    if all(before < after for before, after in pairwise(curve.steps)):
        return curve.steps, "step"
    return range(1, len(curve.steps) + 1), "report"


def _counts_axis(steps: Sequence[int]) -> Axis:
    axis = Axis(steps[0], steps[-1], LEFT, RIGHT)
    step = max(1, round_up((axis.high - axis.low) / _TICKS))
    return axis.with_ticks(step, lambda value: f"{value:,.0f}" if value < _LONG else f"{value:.3g}")


def _path(x: Axis, y: Axis, steps: Sequence[int], values: Sequence[float | None]) -> str:
    """A line from figure to figure; it is broken where there is none."""
    words, pen = [], "M"
    for step, value in zip(steps, values, strict=True):
        if value is None:
            pen = "M"
            continue
        words.append(f"{pen}{x.at(step):g} {y.at(value):g}")
        pen = "L"
    return "".join(words)


def _plain(text: str) -> str:
    """Words of others as matplotlib draws them: neither formulas nor hidden."""
    return visible(text).replace("$", r"\$").lstrip("_") or "-"
