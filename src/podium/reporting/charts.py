"""The charts of a page as plain data: scales, ticks, marks. `templates/macros.html` draws them.

Coordinates are those of an SVG viewBox: pixels, y downwards.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from podium.figures import figure, interval
from podium.leaderboard.ranking import Row

if TYPE_CHECKING:
    from podium.competition.contract import Competition, Score

LEFT, RIGHT, TOP, BOTTOM = 62, 588, 12, 318
POINTS = 1_000
"""Points of a chart, about."""
LINES = 300
"""Teams that have a line."""
COMPARED = 12
"""Submissions whose strata are shown."""
NAMES, ROW = 190, 26
"""Width and height for their names."""

_MARGIN = 0.04
_TICKS = 6
_LONG, _HUGE = 1e7, 1e100
_DAY = 86_400
_STEPS = (
    *(60 * minutes for minutes in (1, 5, 15, 30, 60, 180, 360, 720)),
    *(_DAY * days for days in (1, 2, 7, 14, 28, 91, 182, 364, 728, 1820, 3640, 18_200)),
)
"""Seconds between ticks of time."""
_YEARS = (0, 253_402_300_799)
"""Seconds of what has a date here: 1970 to 9999."""

_Item = TypeVar("_Item")
Place = Callable[[Row], int]
"""A row's team, by its place among the page's teams, which gives its colour; -1 for others."""


@dataclass(frozen=True)
class Axis:
    """A linear scale.

    Attributes:
        low, high: The values at both ends.
        start, end: Where these stand.
        ticks: Where marks stand, and their texts.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: Sequence[tuple[float, str]] = ()

    def at(self, value: float) -> float:
        """Where a value stands; one outside stands at the end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def holds(self, value: float) -> bool:
        """Whether a value lies inside."""
        return self.low <= value <= self.high

    def with_ticks(self, step: float, text: Callable[[float], str]) -> Axis:
        """The same scale with a tick at each multiple of `step`."""
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        values = [step * count for count in range(first, last + 1)]
        return replace(self, ticks=[(self.at(value), text(value)) for value in values])


@dataclass(frozen=True, kw_only=True)
class Point:
    """A circle; `outside` if it stands at the edge instead of its place."""

    x: float
    y: float
    team: int
    colour: int
    tip: str
    outside: bool


@dataclass(frozen=True, kw_only=True)
class Path:
    """A team's best score over time, as the path of an SVG."""

    team: int
    d: str
    tip: str


@dataclass(frozen=True, kw_only=True)
class Stripe:
    """A submission and its points, on a line of its own."""

    row: Row
    team: int
    y: float
    points: Sequence[Point]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """All that is drawn.

    Attributes:
        radius: Of the points.
        levels: Where a score that stands all the time stands (a control's), and its text.
        diagonal: Whether there is a line where both axes have the same value.
        legend: Texts of the points' colours, where these are not of teams.
        left_out: Submissions that have no point.
    """

    x: Axis
    y: Axis
    radius: float
    points: Sequence[Point] = ()
    paths: Sequence[Path] = ()
    levels: Sequence[tuple[float, str]] = ()
    stripes: Sequence[Stripe] = ()
    diagonal: bool = False
    legend: Sequence[str] = ()
    left_out: int = 0

    @property
    def outside(self) -> bool:
        """Whether some points stand at the edge instead of their places."""
        return any(p.outside for p in (*self.points, *(p for s in self.stripes for p in s.points)))


def timeline(rows: Sequence[Row], primary: Score, place: Place) -> Chart | None:
    """Public scores of ranked submissions over time, and the best of each team so far."""
    sign = 1 if primary.higher_is_better else -1
    scored = [(row, row.score) for row in rows if row.score is not None]
    ranked = [(row, score) for row, score in scored if row.rank is not None]
    ranked.sort(key=lambda pair: pair[0].created)
    if not ranked:
        return None
    controls = [pair for pair in scored if pair[0].status == "control"]
    controls = sorted(controls, key=lambda pair: -sign * pair[1])[:1]
    house = controls + [pair for pair in scored if pair[0].status == "ceiling"]
    seconds = [datetime.datetime.fromisoformat(row.created).timestamp() for row, _ in ranked]
    x = time_axis(seconds, LEFT, RIGHT)
    y = values_axis(
        [score for _, score in (*ranked, *house)], BOTTOM, TOP, higher=primary.higher_is_better
    )
    points = []
    best: dict[str, list[int]] = {}  # by team, submissions that were better than all before
    for number, (row, score) in enumerate(ranked):
        own = best.setdefault(row.team, [])
        if not own or sign * score > sign * ranked[own[-1]][1]:
            own.append(number)
        bounds = f" ({interval((row.ci_low, row.ci_high))})" if row.ci_low is not None else ""
        points.append(
            Point(
                x=x.at(seconds[number]),
                y=y.at(score),
                team=place(row),
                colour=place(row),
                tip=f"{row.team}/{row.name}: {figure(score)}{bounds}, {row.created[:16]} UTC",
                outside=not y.holds(score),
            )
        )
    improved = sorted(number for own in best.values() for number in own)
    others = sorted(set(range(len(ranked))) - set(improved))
    drawn = thinned(improved, POINTS)
    drawn += thinned(others, max(0, POINTS - len(drawn)))
    paths = []
    for own in best.values():
        row, score = ranked[own[-1]]
        steps = [(points[number].x, points[number].y) for number in own]
        tip = f"{row.team}: best {figure(score)}"
        if 0 <= place(row) < LINES:
            paths.append(Path(team=place(row), d=stairs(steps, RIGHT), tip=tip))
    return Chart(
        x=x,
        y=y,
        radius=3.2,
        points=[points[number] for number in sorted(drawn, reverse=True)],
        paths=sorted(paths, key=lambda path: -path.team),  # the first team's above all
        levels=[(y.at(score), f"{row.name} {figure(score)}") for row, score in house],
        left_out=len(ranked) - len(drawn),
    )


def scatter(
    ranked: Sequence[Row], public: Mapping[str, Row], primary: Score, place: Place
) -> Chart | None:
    """Private over public score of ranked submissions that have both; rows of `public` by ID."""
    pairs = [
        (before, before.score, row, row.score)
        for row in ranked
        if (before := public.get(row.submission))
        and before.score is not None
        and row.score is not None
    ]
    if not pairs:
        return None
    drawn = thinned(pairs, POINTS)
    scores = [score for _, first, _, second in pairs for score in (first, second)]
    x = values_axis(scores, LEFT, RIGHT, higher=primary.higher_is_better)
    y = values_axis(scores, BOTTOM, TOP, higher=primary.higher_is_better)
    points = [
        Point(
            x=x.at(first),
            y=y.at(second),
            team=place(row),
            colour=place(row),
            tip=f"{row.team}/{row.name}: public {figure(first)}, private {figure(second)}; "
            f"rank {before.rank}, then {row.rank}",
            outside=not (x.holds(first) and y.holds(second)),
        )
        for before, first, row, second in reversed(drawn)
    ]
    left_out = len(pairs) - len(drawn)
    return Chart(x=x, y=y, radius=4, points=points, diagonal=True, left_out=left_out)


def strata(rows: Sequence[Row], competition: Competition, place: Place) -> Chart | None:
    """The first rows' scores by stratum; None where there is one stratum only."""
    shown = [row for row in rows if row.strata][:COMPARED]
    there = {name for row in shown for name in row.strata}
    known = [stratum for stratum in competition.strata if stratum.name in there]
    if len(known) < 2:
        return None
    scores = [score for row in shown for score in row.strata.values()]
    x = values_axis(scores, NAMES, RIGHT, higher=competition.primary.higher_is_better)
    y = Axis(0, len(shown), TOP + ROW * len(shown), TOP)
    stripes = [
        Stripe(
            row=row,
            team=place(row),
            y=(middle := y.at(len(shown) - number - 0.5)),
            points=[
                Point(
                    x=x.at(score),
                    y=middle,
                    team=place(row),
                    colour=colour,
                    tip=f"{row.team}/{row.name}, {stratum.name}: {figure(score)}",
                    outside=not x.holds(score),
                )
                for colour, stratum in enumerate(known)
                if (score := row.strata.get(stratum.name)) is not None
            ],
        )
        for number, row in enumerate(shown)
    ]
    legend = [f"{stratum.name}: {stratum.title}" for stratum in known]
    return Chart(x=x, y=y, radius=5, stripes=stripes, legend=legend)


def values_axis(values: Sequence[float], start: float, end: float, *, higher: bool = True) -> Axis:
    """A scale of scores: the worst twentieth may lie outside, where it is far from the rest.

    Args:
        values: What is to be shown.
        start: Where the smallest stands.
        end: Where the largest stands.
        higher: Whether more is better.
    """
    known = np.clip(np.asarray(values or (0.0, 1.0), dtype=np.float64), -_HUGE, _HUGE)
    low, high = float(known.min()), float(known.max())
    near, far = np.quantile(known, [0.05, 0.95])
    room = 3 * float(far - near)
    if room > 0:  # not all alike
        if higher:
            low = max(low, float(near) - room)
        else:
            high = min(high, far + room)
    pad = _MARGIN * (high - low) or 0.05 * abs(high) or 1.0
    axis = Axis(low - pad, high + pad, start, end)
    step = round_up((axis.high - axis.low) / _TICKS)
    digits = min(12, max(0, -math.floor(math.log10(step))))
    return axis.with_ticks(
        step, lambda value: f"{value + 0.0:.{digits}f}" if abs(value) < _LONG else f"{value:.3g}"
    )


def time_axis(seconds: Sequence[float], start: float, end: float) -> Axis:
    """A scale of time in UTC, from seconds since 1970."""
    low, high = min(seconds), max(seconds)
    pad = _MARGIN * (high - low) or 1800.0
    axis = Axis(low - pad, high + pad, start, end)
    step = next((s for s in _STEPS if (axis.high - axis.low) / s <= _TICKS), _STEPS[-1])
    form = "%Y-%m-%d" if step >= _DAY else "%m-%d %H:%M"

    def text(value: float) -> str:
        if not _YEARS[0] <= value <= _YEARS[1]:
            return ""
        return datetime.datetime.fromtimestamp(value, datetime.UTC).strftime(form)

    axis = axis.with_ticks(step, text)
    ticks = [tick for tick in axis.ticks if tick[1]]
    return replace(axis, ticks=ticks[:: -(-len(ticks) // _TICKS) or 1])


def round_up(step: float) -> float:
    """The next of 1, 2, 5, 10, ... that is as large."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * k for k in (1, 2, 5, 10) if power * k >= step * (1 - 1e-9))


def stairs(places: Sequence[tuple[float, float]], end: float) -> str:
    """The path of a value that stays until it changes."""
    (x, y), *later = places
    return f"M{x:g} {y:g}" + "".join(f"H{x:g}V{y:g}" for x, y in later) + f"H{end:g}"


def thinned(items: Sequence[_Item], most: int) -> list[_Item]:
    """Some of many, evenly."""
    places = np.linspace(0, len(items) - 1, min(len(items), most)).astype(int)
    return [items[place] for place in np.unique(places)]
