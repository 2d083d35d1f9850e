"""The best submissions beside each other: their strata, and who beats whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.competition.contract import Competition
from podium.competition.metric import Floats
from podium.figures import chance, figure
from podium.leaderboard.ranking import Row
from podium.reporting.drawing import Axis, Point, values_axis
from podium.reporting.pictures import RIGHT, TOP, colour

COMPARED = 12
"""Submissions in the picture of the strata."""
ROW = 26
"""Height of one of them."""
NAMES = 190
"""Width for their names."""


@dataclass(frozen=True, kw_only=True)
class Stripe:
    """A submission's scores by stratum."""

    y: float
    team: int
    text: str
    low: float
    high: float
    points: Sequence[Point]


@dataclass(frozen=True, kw_only=True)
class Strata:
    """Scores of the best submissions by stratum."""

    x: Axis
    height: float
    legend: Sequence[tuple[str, str]]
    stripes: Sequence[Stripe]


@dataclass(frozen=True)
class Cell:
    """A probability: its text, and its strength from 0 (a tie) to 1, for better or worse."""

    text: str
    strength: float
    better: bool
    tip: str


@dataclass(frozen=True, kw_only=True)
class Beats:
    """A row of the heat map; no cell against itself."""

    rank: str
    text: str
    team: int
    cells: Sequence[Cell | None]


@dataclass(frozen=True, kw_only=True)
class Heat:
    """How probable it is that each is better than each other."""

    rows: Sequence[Beats]


def strata(
    competition: Competition, rows: Sequence[Row], teams: Mapping[str, int]
) -> Strata | None:
    """The first rows' scores by stratum; None where there is one stratum only."""
    shown = [row for row in rows if row.strata][:COMPARED]
    there = {name for row in shown for name in row.strata}
    names = [stratum.name for stratum in competition.strata if stratum.name in there]
    if len(names) < 2:
        return None
    known = [value for row in shown for value in row.strata.values()]
    x = values_axis(known, NAMES, RIGHT, higher=competition.primary.higher_is_better)
    stripes = []
    for place, row in enumerate(shown):
        y = TOP + ROW * (place + 0.5)
        there_too = [name for name in names if name in row.strata]
        xs = x.at([row.strata[name] for name in there_too])
        points = [
            Point(
                x=px,
                y=y,
                team=teams.get(row.team, -1),
                tip=f"{row.team}/{row.name}, {name}: {figure(row.strata[name])}",
                colour=colour(names.index(name)),
                outside=not x.holds(row.strata[name]),
            )
            for px, name in zip(xs, there_too, strict=True)
        ]
        stripes.append(
            Stripe(
                y=y,
                team=teams.get(row.team, -1),
                text=f"{row.rank}  {_short(f'{row.team}/{row.name}', 24)}",
                low=min(xs),
                high=max(xs),
                points=points,
            )
        )
    titles = {stratum.name: stratum.title for stratum in competition.strata}
    return Strata(
        x=x,
        height=TOP + ROW * len(shown),
        legend=[(f"{name}: {titles[name]}", colour(place)) for place, name in enumerate(names)],
        stripes=stripes,
    )


def heat(rows: Sequence[Row], win: Floats, teams: Mapping[str, int]) -> Heat | None:
    """Rows and their probabilities of being better [rows, rows]; None for fewer than two."""
    if len(rows) < 2:
        return None
    names = [f"{row.team}/{row.name}" for row in rows]
    return Heat(
        rows=[
            Beats(
                rank=str(row.rank),
                text=_short(names[i], 40),
                team=teams.get(row.team, -1),
                cells=[
                    None
                    if i == j
                    else Cell(
                        _percent(p),
                        round(abs(2 * p - 1), 2),
                        p >= 0.5,
                        f"{names[i]} better than {names[j]}: {_chance(p)}",
                    )
                    for j, p in enumerate(win[i].tolist())
                ],
            )
            for i, row in enumerate(rows)
        ]
    )


def _short(text: str, length: int) -> str:
    """A text, or its beginning."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _chance(probability: float) -> str:
    """In percent; never rounded to a certainty, for or against."""
    return "<0.1%" if probability < 0.001 else chance(probability)


def _percent(probability: float) -> str:
    """The same in whole percent."""
    if not 0.005 <= probability <= 0.995:
        return "<1" if probability < 0.5 else ">99"
    return f"{100 * probability:.0f}"
