"""The board as a table: what each column says of a row."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium.figures import chance, figure, interval
from podium.leaderboard.ranking import HOUSE, Row, moved
from podium.reporting.charts import values_axis

if TYPE_CHECKING:
    from podium.competition.contract import Competition
    from podium.leaderboard.standings import Standings

ROWS = 1_000
"""Rows of a board's table."""


@dataclass(frozen=True)
class Column:
    """A column of the board.

    Attributes:
        text: What it says of a row.
        kind: `number`, `text`, `name` (with model and remark) or `bar` (with its interval).
    """

    title: str
    text: Callable[[Row], str]
    kind: str = "number"
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the board.

    Attributes:
        bar: Lower end, score and upper end in percent of the width; None without an interval,
            or where the score is too far from the others.
        first: Whether it begins another tier than the row above.
    """

    row: Row
    bar: tuple[float, ...] | None
    first: bool


def columns_of(
    competition: Competition, shown: Standings, before: Mapping[str, Row]
) -> list[Column]:
    """The columns of a board; a single stratum says what the score says and has none.

    Args:
        competition: Whose board it is.
        shown: The board.
        before: Rows of the public part by submission, where the board is of another.
    """
    there = {name for row in shown.rows for name in row.strata}
    strata = [stratum for stratum in competition.strata if stratum.name in there]
    primary = competition.primary
    columns = [
        Column("rank", _rank),
        Column(
            "tier",
            lambda row: _number(row.tier),
            note="rows of one tier cannot be told from its first",
        ),
        Column("team", lambda row: row.team, "text"),
        Column("submission", lambda row: row.name, "name"),
        _score(primary.name, primary.title),
        Column(
            "95% interval",
            lambda row: interval((row.ci_low, row.ci_high)),
            "bar",
            "how different the score could be on other test rows",
        ),
        Column(
            "beats next",
            lambda row: chance(row.win_next),
            note="probability of being better than the row below",
        ),
    ]
    if shown.public_ranks:
        columns += [
            Column(
                "public rank",
                lambda row: moved(row, shown.public_ranks),
                note="and by how many places it has risen or fallen since",
            ),
            Column(
                "public score",
                lambda row: figure(
                    before[row.submission].score if row.submission in before else None
                ),
            ),
        ]
    columns.append(
        Column(
            "normalised",
            lambda row: figure(row.normalised, 3),
            note="0: the best trivial control, 1: perfect",
        )
    )
    columns += [_score(score.name, score.title) for score in competition.scores[1:] if score.beside]
    if len(strata) > 1:
        columns += [_stratum(s.name, f"{primary.name} of {s.title}") for s in strata]
    return [
        *columns,
        Column("handed in", lambda row: day(row.created), "text", "UTC"),
        Column("ID", lambda row: row.submission, "text"),
    ]


def _score(name: str, note: str) -> Column:
    return Column(name, lambda row: figure(row.metrics.get(name)), note=note)


def _stratum(name: str, note: str) -> Column:
    return Column(name, lambda row: figure(row.strata.get(name)), note=note)


def _rank(row: Row) -> str:
    return f"ref. {row.reference_rank}" if row.reference_rank is not None else _number(row.rank)


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def lines_of(rows: Sequence[Row], *, higher: bool) -> list[Line]:
    """The rows of a board: so many as there is room for, and all controls."""
    shown = [row for place, row in enumerate(rows) if place < ROWS or row.status in HOUSE]
    ranked = [row for row in shown if row.rank is not None]
    ends = [v for r in ranked for v in (r.ci_low, r.ci_high, r.score) if v is not None]
    axis = values_axis(ends, 0, 100, higher=higher)
    lines: list[Line] = []
    tier = 1
    for row in shown:
        low, score, high = row.ci_low, row.score, row.ci_high
        bar = None
        if low is not None and score is not None and high is not None and axis.holds(score):
            bar = axis.at(low), axis.at(score), axis.at(high)
        lines.append(Line(row=row, bar=bar, first=(row.tier or 0) > tier))
        tier = max(tier, row.tier or 0)
    return lines


def day(created: str) -> str:
    """A time to the minute, UTC."""
    if not created:
        return "-"
    when = datetime.datetime.fromisoformat(created).astimezone(datetime.UTC)
    return when.strftime("%Y-%m-%d %H:%M")
