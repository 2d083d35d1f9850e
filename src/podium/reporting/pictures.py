"""Pictures of all submissions: score over time, public against private."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.competition.contract import Competition
from podium.figures import figure, interval
from podium.leaderboard.ranking import Row
from podium.reporting.drawing import Axis, Point, stairs, thinned, time_axis, values_axis

LEFT, RIGHT, TOP, BOTTOM = 62, 588, 12, 318
POINTS = 1_000
"""Points of a picture, about."""
LINES = 300
"""Teams that have a line."""
COLOURED = 10
"""Teams, or strata, with a colour of their own."""


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


def colour(place: int) -> str:
    """The class that has the colour of a team or stratum."""
    return f"c{place}" if 0 <= place < COLOURED else "cx"


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
