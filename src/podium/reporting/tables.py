"""The tables of a page as text: the board, and the teams."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.competition.contract import Competition
from podium.figures import chance, figure, interval
from podium.leaderboard.ranking import HOUSE, Row, moved
from podium.leaderboard.standings import Standings
from podium.reporting.drawing import Axis, values_axis

ROWS = 1_000
"""Rows of a board's table."""


@dataclass(frozen=True)
class Column:
    """A column of the board.

    Attributes:
        kind: `number`, `text`, `name` (with model and remark) or `bar`.
        score, stratum: Of whose figures it is, where it is of any.
    """

    title: str
    kind: str = "number"
    note: str = ""
    score: str | None = None
    stratum: str | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the board.

    Attributes:
        team: Place of its team among the page's teams; -1 for controls.
        cells: Text of every column; of the bar's its interval.
        bar: Lower end, score and upper end in percent of the width; None without an interval,
            or where the score is too far from the others.
        first: Whether it begins another tier than the row above.
    """

    team: int
    status: str
    name: str
    model: str
    message: str
    cells: Sequence[str]
    bar: tuple[float, float, float] | None
    first: bool


@dataclass(frozen=True, kw_only=True)
class Team:
    """A team: rank and score of what stands for it, how often it looked."""

    name: str
    rank: str
    best: str
    entries: int
    looks: int
    last: str


def columns_of(competition: Competition, shown: Standings) -> list[Column]:
    """The columns of a board; a single stratum says what the score says and has none."""
    there = {name for row in shown.rows for name in row.strata}
    strata = [stratum for stratum in competition.strata if stratum.name in there]
    strata = strata if len(strata) > 1 else []
    primary = competition.primary
    beside = [score for score in competition.scores[1:] if score.beside]
    shaken = [
        Column("public rank", note="and by how many places it has risen or fallen since"),
        Column("public score"),
    ]
    return [
        Column("rank"),
        Column("tier", note="rows of one tier cannot be told from its first"),
        Column("team", "text"),
        Column("submission", "name"),
        Column(primary.name, note=primary.title, score=primary.name),
        Column("95% interval", "bar", "how different the score could be on other test rows"),
        Column("beats next", note="probability of being better than the row below"),
        *(shaken if shown.public_ranks else []),
        Column("normalised", note="0: the best trivial control, 1: perfect"),
        *(Column(score.name, note=score.title, score=score.name) for score in beside),
        *(Column(s.name, note=f"{primary.name} of {s.title}", stratum=s.name) for s in strata),
        Column("handed in", "text", "UTC"),
        Column("ID", "text"),
    ]


def lines_of(
    competition: Competition,
    shown: Standings,
    before: Mapping[str, Row],
    teams: Mapping[str, int],
    messages: Mapping[str, str],
    columns: Sequence[Column],
) -> list[Line]:
    """The rows of a board: so many as there is room for, and all controls.

    Args:
        competition: Whose they are.
        shown: The board.
        before: Rows of the public part by submission, where the board is of another.
        teams: Places of the teams.
        messages: Remarks by submission.
        columns: What to tell of each row.
    """
    rows = [row for place, row in enumerate(shown.rows) if place < ROWS or row.status in HOUSE]
    ranked = [row for row in rows if row.rank is not None]
    ends = [v for r in ranked for v in (r.ci_low, r.ci_high, r.score) if v is not None]
    axis = values_axis(ends, 0, 100, higher=competition.primary.higher_is_better)
    found: list[Line] = []
    tier = 1
    for row in rows:
        first, tier = (row.tier or 0) > tier, max(tier, row.tier or 0)
        cells = _cells(row, before.get(row.submission), shown)
        found.append(
            Line(
                team=teams.get(row.team, -1) if row.status not in HOUSE else -1,
                status=row.status,
                name=row.name,
                model=row.model if row.model and row.model != row.name else "",
                message=messages.get(row.submission, ""),
                cells=[_cell(column, row, cells) for column in columns],
                bar=_bar(axis, row),
                first=first,
            )
        )
    return found


def _cell(column: Column, row: Row, others: Mapping[str, str]) -> str:
    if column.score is not None:
        return figure(row.metrics.get(column.score))
    if column.stratum is not None:
        return figure(row.strata.get(column.stratum))
    return others[column.title]


def _cells(row: Row, before: Row | None, shown: Standings) -> dict[str, str]:
    """Text by column title, but for scores and strata."""
    return {
        "rank": _rank(row),
        "tier": "-" if row.tier is None else str(row.tier),
        "team": row.team,
        "submission": row.name,
        "95% interval": interval((row.ci_low, row.ci_high)),
        "beats next": chance(row.win_next),
        "public rank": moved(row, shown.public_ranks),
        "public score": figure(before.score) if before else "-",
        "normalised": figure(row.normalised, 3),
        "handed in": day(row.created),
        "ID": row.submission,
    }


def _rank(row: Row) -> str:
    if row.reference_rank is not None:
        return f"ref. {row.reference_rank}"
    return "-" if row.rank is None else str(row.rank)


def _bar(axis: Axis, row: Row) -> tuple[float, float, float] | None:
    if row.ci_low is None or row.ci_high is None or row.score is None:
        return None
    if not axis.holds(row.score):
        return None
    low, score, high = axis.at([row.ci_low, row.score, row.ci_high])
    return low, score, high


def teams_of(best: Sequence[Row], ranked: Sequence[Row], looks: Mapping[str, int]) -> list[Team]:
    """Teams in the order of the submissions that stand for them."""
    last: dict[str, str] = {}
    for row in ranked:
        last[row.team] = max(row.created, last.get(row.team, ""))
    return [
        Team(
            name=row.team,
            rank=str(row.rank),
            best=figure(row.score),
            entries=row.entries,
            looks=looks.get(row.team, 0),
            last=day(last[row.team]),
        )
        for row in best
    ]


def bests(ranked: Sequence[Row]) -> list[Row]:
    """The first row of each team."""
    first: dict[str, Row] = {}
    for row in ranked:
        first.setdefault(row.team, row)
    return list(first.values())


def day(created: str) -> str:
    """A time to the minute, UTC."""
    if not created:
        return "-"
    when = datetime.datetime.fromisoformat(created).astimezone(datetime.UTC)
    return when.strftime("%Y-%m-%d %H:%M")
