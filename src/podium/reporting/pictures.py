"""The pictures of a page: score over time, public against private, strata, who beats whom."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.competition import Competition
from podium.display import chance, figure, interval
from podium.metric import Floats
from podium.ranking import Row
from podium.reporting.drawing import Axis, Point, stairs, thinned, time_axis, values_axis

WIDTH, HEIGHT = 600, 360
LEFT, RIGHT, TOP, BOTTOM = 62, 588, 12, 318
POINTS = 1_000
"""Points of a picture, about."""
LINES = 300
"""Teams that have a line."""
COLOURED = 10
"""Teams, or strata, with a colour of their own."""
COMPARED = 12
"""Submissions in the picture of the strata."""
ROW = 26
"""Height of one of them."""
NAMES = 190
"""Width for their names."""


@dataclass(frozen=True, kw_only=True)
class Path:
    """A team's best score over time."""

    team: int
    d: str
    tip: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class Level:
    """A score that stands all the time: a control's."""

    y: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Public scores over time; `left_out` are those with no point of their own."""

    x: Axis
    y: Axis
    paths: Sequence[Path]
    points: Sequence[Point]
    levels: Sequence[Level]
    left_out: int


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """Private over public scores, on the same scale."""

    x: Axis
    y: Axis
    points: Sequence[Point]
    left_out: int


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


def timeline(
    competition: Competition, rows: Sequence[Row], teams: Mapping[str, int]
) -> Timeline | None:
    """Public scores of ranked submissions over time, and the best of each team so far."""
    score = competition.primary
    sign = 1 if score.higher_is_better else -1
    ranked = sorted(
        (r for r in rows if r.rank is not None and r.score is not None), key=lambda r: r.created
    )
    if not ranked:
        return None
    house = _levels(rows, sign)
    scores = [row.score or 0.0 for row in ranked]
    times = [_seconds(row.created) for row in ranked]
    known = [*scores, *(row.score or 0.0 for row in house)]
    x = time_axis(times, LEFT, RIGHT)
    y = values_axis(known, BOTTOM, TOP, higher=score.higher_is_better)
    places = list(zip(x.at(times), y.at(scores), strict=True))
    best: dict[str, list[int]] = {}
    for place, row in enumerate(ranked):
        own = best.setdefault(row.team, [])
        if not own or sign * scores[place] > sign * scores[own[-1]]:
            own.append(place)
    improved = sorted(place for own in best.values() for place in own)
    better = set(improved)
    others = [place for place in range(len(ranked)) if place not in better]
    drawn = [improved[i] for i in thinned(len(improved), POINTS)]
    drawn += [others[i] for i in thinned(len(others), max(0, POINTS - len(drawn)))]
    return Timeline(
        x=x,
        y=y,
        paths=[
            Path(
                team=teams.get(team, -1),
                d=stairs([places[p][0] for p in own], [places[p][1] for p in own], RIGHT),
                tip=f"{team}: best {figure(scores[own[-1]])}",
                colour=colour(teams.get(team, -1)),
            )
            for team, own in sorted(best.items(), key=lambda item: -teams.get(item[0], LINES))
            if teams.get(team, LINES) < LINES
        ],
        points=[
            _point(ranked[place], places[place], teams, y.holds(scores[place]))
            for place in sorted(drawn, reverse=True)
        ],
        levels=[
            Level(y=y.at([row.score or 0.0])[0], text=f"{row.name} {figure(row.score)}")
            for row in house
        ],
        left_out=len(ranked) - len(drawn),
    )


def scatter(
    competition: Competition,
    ranked: Sequence[Row],
    before: Mapping[str, Row],
    teams: Mapping[str, int],
) -> Scatter | None:
    """Private over public score of ranked submissions that have both."""
    pairs = [
        (row.score, public.score, row)
        for row in ranked
        if (public := before.get(row.submission))
        and row.score is not None
        and public.score is not None
    ]
    if not pairs:
        return None
    drawn = [pairs[place] for place in thinned(len(pairs), POINTS)]
    known = [value for private, public, _ in pairs for value in (private, public)]
    higher = competition.primary.higher_is_better
    y = values_axis(known, BOTTOM, TOP, higher=higher)
    x = values_axis(known, LEFT, RIGHT, higher=higher)
    xs, ys = x.at([public for _, public, _ in drawn]), y.at([private for private, _, _ in drawn])
    points = [
        Point(
            x=px,
            y=py,
            team=teams.get(row.team, -1),
            tip=f"{row.team}/{row.name}: public {figure(public)}, private {figure(private)}; "
            f"rank {before[row.submission].rank}, then {row.rank}",
            colour=colour(teams.get(row.team, -1)),
            outside=not (x.holds(public) and y.holds(private)),
        )
        for px, py, (private, public, row) in zip(xs, ys, drawn, strict=True)
    ]
    return Scatter(x=x, y=y, points=points[::-1], left_out=len(pairs) - len(drawn))


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
                text=f"{row.rank}  {short(f'{row.team}/{row.name}', 24)}",
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
                text=short(names[i], 40),
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


def colour(place: int) -> str:
    """The class that has the colour of a team or stratum."""
    return f"c{place}" if 0 <= place < COLOURED else "cx"


def short(text: str, length: int) -> str:
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


def _levels(rows: Sequence[Row], sign: int) -> list[Row]:
    """The best trivial control, and the ceiling where there is one."""
    found = [row for row in rows if row.score is not None]
    controls = [row for row in found if row.status == "control"]
    best = sorted(controls, key=lambda row: -sign * (row.score or 0.0))[:1]
    return best + [row for row in found if row.status == "ceiling"]


def _point(row: Row, at: tuple[float, float], teams: Mapping[str, int], inside: bool) -> Point:
    bounds = f" ({interval((row.ci_low, row.ci_high))})" if row.ci_low is not None else ""
    place = teams.get(row.team, -1)
    return Point(
        x=at[0],
        y=at[1],
        team=place,
        tip=f"{row.team}/{row.name}: {figure(row.score)}{bounds}, {row.created[:16]} UTC",
        colour=colour(place),
        outside=not inside,
    )


def _seconds(created: str) -> float:
    return datetime.datetime.fromisoformat(created).timestamp()
