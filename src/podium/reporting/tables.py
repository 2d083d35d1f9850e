"""The board as a table: what each column says of a row."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium.figures import chance, figure, interval
from podium.leaderboard.ranking import HOUSE, Row, moved
from podium.reporting.charts import Axis, values_axis

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
        kind: `number`, `text`, `name` (with model, remark and who has the same), `bar` (with its
            interval) or `stamp` (a time, with the ID).
        below: What stands below it in small type.
    """

    title: str
    text: Callable[[Row], str]
    kind: str = "number"
    note: str = ""
    below: Callable[[Row], str] | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the board.

    Attributes:
        bar: Lower end, score and upper end in percent of the width; None without an interval,
            or where the score is too far from the others.
        first: Whether it begins another tier than the row above.
        same: Later rows of the same file, folded into this one.
    """

    row: Row
    bar: tuple[float, ...] | None
    first: bool
    same: Sequence[Row] = ()


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
        columns.append(
            Column(
                "public rank",
                lambda row: moved(row, shown.public_ranks),
                note="by how many places it has risen or fallen since, and the public score",
                below=lambda row: figure(getattr(before.get(row.submission), "score", None)),
            )
        )
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
        Column(
            "handed in",
            lambda row: day(row.created),
            "stamp",
            "UTC, and the ID",
            below=lambda row: row.submission,
        ),
    ]


def _score(name: str, note: str) -> Column:
    return Column(name, lambda row: figure(row.metrics.get(name)), note=note)


def _stratum(name: str, note: str) -> Column:
    return Column(name, lambda row: figure(row.strata.get(name)), note=note)


def _rank(row: Row) -> str:
    return f"ref. {row.reference_rank}" if row.reference_rank is not None else _number(row.rank)


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def lines_of(rows: Sequence[Row], sha256: Mapping[str, str], *, higher: bool) -> list[Line]:
    """The rows of a board: so many as there is room for, and all controls.

    Args:
        rows: In order.
        sha256: Of their files, by submission: rows of one file with the same score are one line.
        higher: Whether more is better.
    """
    shown = [row for place, row in enumerate(rows) if place < ROWS or row.status in HOUSE]
    same: dict[object, list[Row]] = {}
    for row in shown:
        file = sha256.get(row.submission, row.submission)
        same.setdefault((file, row.score, row.status), []).append(row)
    tier = 1
    lines: list[Line] = []
    axis = scale([row for row in shown if row.rank is not None], higher=higher)
    for row, *others in same.values():
        first = (row.tier or 0) > tier
        lines.append(Line(row=row, bar=bar(row, axis), first=first, same=others))
        tier = max(tier, *((one.tier or 0) for one in (row, *others)))
    return lines


def scale(rows: Sequence[Row], *, higher: bool) -> Axis:
    """A scale in percent that holds the intervals of these rows."""
    ends = [v for r in rows for v in (r.ci_low, r.ci_high, r.score) if v is not None]
    return values_axis(ends, 0, 100, higher=higher)


def bar(row: Row, axis: Axis) -> tuple[float, ...] | None:
    """Lower end, score and upper end on a scale; None where there is nothing to be drawn."""
    low, score, high = row.ci_low, row.score, row.ci_high
    if low is None or score is None or high is None or not axis.holds(score):
        return None
    return axis.at(low), axis.at(score), axis.at(high)


def day(created: str) -> str:
    """A time to the minute, UTC."""
    if not created:
        return "-"
    when = datetime.datetime.fromisoformat(created).astimezone(datetime.UTC)
    return when.strftime("%Y-%m-%d %H:%M")
