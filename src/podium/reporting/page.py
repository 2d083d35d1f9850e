"""What a page shows of one board, as plain text and numbers: the templates only lay it out.

Before reveal everything here comes from the public part.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium.competition import Competition, Dataset
from podium.display import chance, figure, interval, moved
from podium.ranking import OUTDATED, UNVERIFIED, WITHDRAWN, Row
from podium.reporting import pictures
from podium.reporting.drawing import Axis, values_axis
from podium.reporting.pictures import Heat, Scatter, Strata, Timeline
from podium.standings import Standings, chances, standings
from podium.tiers import FEWEST

if TYPE_CHECKING:
    from podium.leaderboard import Board

ROWS = 1_000
"""Rows of a board's table, and teams of the other one."""
PAIRED = 30
"""Submissions of the heat map."""
HOUSE = ("control", "ceiling")


@dataclass(frozen=True)
class Column:
    """A column of the board; `kind` is `number`, `text` or `bar`."""

    title: str
    kind: str = "number"
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the board.

    Attributes:
        team: Place of its team among the page's teams; -1 for controls.
        cells: Text of every column but the bar.
        bar: Lower end, score and upper end in percent of the width; None without an interval,
            or where the score is too far from the others.
        first: Whether it begins another tier than the row above.
    """

    team: int
    status: str
    name: str
    model: str
    message: str
    cells: Mapping[str, str]
    bar: tuple[float, float, float] | None
    first: bool


@dataclass(frozen=True, kw_only=True)
class Team:
    """A team: its best rank and score, how often it looked."""

    name: str
    rank: str
    best: str
    entries: int
    looks: int
    last: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """All that is on a page.

    Attributes:
        part: Which rows the table ranks by: public, after reveal private.
        left_out: Ranked rows that the table has no room for.
        top: IDs of the best submissions of several teams, to be drawn.
    """

    competition: Competition
    dataset: Dataset
    edition: str
    part: str
    revealed: bool
    submissions: int
    last: str
    columns: Sequence[Column]
    lines: Sequence[Line]
    left_out: int
    teams: Sequence[Team]
    notes: Sequence[str]
    timeline: Timeline | None
    scatter: Scatter | None
    strata: Strata | None
    heat: Heat | None
    top: Sequence[str]

    @property
    def file(self) -> str:
        """The page's name."""
        return f"{self.competition.name}-{self.dataset.name}.html"


def gather(board: Board, competition: Competition, dataset: Dataset, edition: str) -> Page:
    """Everything that the page of a board shows."""
    revealed = board.revealed(competition.name, dataset.name)
    part = "private" if revealed else "public"
    names = (board, competition, dataset.name)
    public = standings(*names, edition=edition)
    shown = standings(*names, edition=edition, part=part) if revealed else public
    ranked = [row for row in shown.rows if row.rank is not None]
    teams = {name: place for place, name in enumerate(dict.fromkeys(r.team for r in ranked))}
    before = {row.submission: row for row in public.rows} if revealed else {}
    head = chosen(ranked, PAIRED)
    paired, win = chances(*names, edition=edition, part=part, rows=head)
    messages = board.messages(competition.name, dataset.name)
    columns = _columns(competition, shown)
    return Page(
        competition=competition,
        dataset=dataset,
        edition=edition,
        part=part,
        revealed=revealed,
        submissions=sum(row.status not in (*HOUSE, WITHDRAWN) for row in shown.rows),
        last=_day(max((r.created for r in shown.rows if r.status not in HOUSE), default="")),
        columns=columns,
        lines=_lines(competition, shown, before, teams, messages, columns),
        left_out=max(0, len(ranked) - ROWS),
        teams=_teams(ranked, shown.looks),
        notes=list(_notes(competition, public, shown, part)),
        timeline=pictures.timeline(competition, public.rows, teams),
        scatter=pictures.scatter(competition, ranked, before, teams) if revealed else None,
        strata=pictures.strata(competition, head, teams),
        heat=pictures.heat(paired, win, teams),
        top=[row.submission for row in _bests(ranked)],
    )


def chosen(ranked: Sequence[Row], most: int) -> list[Row]:
    """The best of each team, then the next best, in the order of their ranks."""
    best = _bests(ranked)[:most]
    there = {row.submission for row in best}
    others = [row for row in ranked if row.submission not in there][: most - len(best)]
    wanted = there | {row.submission for row in others}
    return [row for row in ranked if row.submission in wanted]


def _bests(ranked: Sequence[Row]) -> list[Row]:
    first: dict[str, Row] = {}
    for row in ranked:
        first.setdefault(row.team, row)
    return list(first.values())


def _columns(competition: Competition, shown: Standings) -> list[Column]:
    there = {name for row in shown.rows for name in row.strata}
    strata = [stratum for stratum in competition.strata if stratum.name in there]
    beside = [score for score in competition.scores[1:] if score.beside]
    shaken = [
        Column("public rank", note="and by how many places it has risen or fallen since"),
        Column("public score"),
    ]
    return [
        Column("rank"),
        Column("tier", note="rows of one tier cannot be told from its first"),
        Column("team", "text"),
        Column("submission", "text"),
        Column(competition.primary.name, note=competition.primary.title),
        Column("95% interval", "bar", "how different the score could be on other test rows"),
        Column("beats next", note="probability of being better than the row below"),
        *(shaken if shown.public_ranks else []),
        Column("normalised", note="0: the best trivial control, 1: perfect"),
        *(Column(score.name, note=score.title) for score in beside),
        *(
            Column(s.name, note=f"{s.title}: {competition.primary.name}")
            for s in strata[1:] and strata
        ),
        Column("handed in", "text", "UTC"),
        Column("ID", "text"),
    ]


def _lines(
    competition: Competition,
    shown: Standings,
    before: Mapping[str, Row],
    teams: Mapping[str, int],
    messages: Mapping[str, str],
    columns: Sequence[Column],
) -> list[Line]:
    rows = [row for place, row in enumerate(shown.rows) if place < ROWS or row.status in HOUSE]
    ranked = [row for row in rows if row.rank is not None]
    ends = [v for r in ranked for v in (r.ci_low, r.ci_high, r.score) if v is not None]
    axis = values_axis(ends, 0, 100, higher=competition.primary.higher_is_better)
    found: list[Line] = []
    tier: int | None = None
    for row in rows:
        first = tier is not None and row.tier is not None and row.tier > tier
        tier = row.tier if row.tier is not None else tier
        cells = _cells(competition, row, before.get(row.submission), shown)
        found.append(
            Line(
                team=teams.get(row.team, -1) if row.status not in HOUSE else -1,
                status=row.status,
                name=row.name,
                model=row.model if row.model and row.model != row.name else "",
                message=messages.get(row.submission, ""),
                cells={column.title: cells.get(column.title, "-") for column in columns},
                bar=_bar(axis, row),
                first=first,
            )
        )
    return found


def _cells(
    competition: Competition, row: Row, before: Row | None, shown: Standings
) -> dict[str, str]:
    """Text by column title; scores and strata may not take the place of the columns before."""
    return {
        **{name: figure(value) for name, value in row.strata.items()},
        **{name: figure(value) for name, value in row.metrics.items()},
        "rank": "-" if row.rank is None else str(row.rank),
        "tier": "-" if row.tier is None else str(row.tier),
        "team": row.team,
        "submission": row.name,
        competition.primary.name: figure(row.score),
        "95% interval": interval((row.ci_low, row.ci_high)),
        "beats next": chance(row.win_next),
        "public rank": moved(row, shown.public_ranks),
        "public score": figure(before.score) if before else "-",
        "normalised": figure(row.normalised, 3),
        "handed in": _day(row.created),
        "ID": row.submission,
    }


def _bar(axis: Axis, row: Row) -> tuple[float, float, float] | None:
    if row.ci_low is None or row.ci_high is None or row.score is None:
        return None
    if not axis.holds(row.score):
        return None
    low, score, high = axis.at([row.ci_low, row.score, row.ci_high])
    return low, score, high


def _teams(ranked: Sequence[Row], looks: Mapping[str, int]) -> list[Team]:
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
            last=_day(last[row.team]),
        )
        for row in _bests(ranked)
    ]


def _notes(competition: Competition, public: Standings, shown: Standings, part: str) -> list[str]:
    """What a reader should know of the board, a sentence each."""
    found = []
    if shown.groups is not None and shown.groups < FEWEST:
        found.append(
            f"No tiers: of {shown.groups} independent groups nobody can tell who is really ahead; "
            f"{FEWEST} are needed."
        )
    elif shown.groups is not None:
        found.append(
            f"Tiers and probabilities rest on {shown.groups:,} independent groups of test rows, "
            "for the 200 first rows and teams."
        )
    if flattery := public.flattery:
        found.append(
            f"Team {flattery.team} has seen {flattery.looks} public scores: the best of them is "
            f"flattered by about {figure(flattery.expected)}, at most {figure(flattery.bound)}."
        )
    limit = competition.daily_limit
    found.append(
        f"A team may hand in {limit} submissions a day (UTC); what is refused never counts."
        if limit
        else "There is no limit on submissions a day; the looks of each team are counted."
    )
    with_interval = {n for row in shown.rows if row.ci_low is not None for n in row.strata}
    found += [
        f"Intervals are approximate: {stratum.title} are not quite independent."
        for stratum in competition.strata
        if stratum.approximate and stratum.name in with_interval
    ]
    for status, text in (
        (UNVERIFIED, "unverified: imported without their predictions, so that nobody here could "
         "compute the scores again."),
        (OUTDATED, "outdated: data, split or metric have changed since; they do not rank."),
        (WITHDRAWN, "withdrawn by their teams; they do not rank."),
    ):  # fmt: skip
        if many := sum(row.status == status for row in shown.rows):
            found.append(f"{many:,} {text}")
    if lacking := sum(row.score is None for row in shown.rows if row.status != OUTDATED):
        found.append(f"{lacking:,} came without {part} scores.")
    return found


def _day(created: str) -> str:
    """A time to the minute, UTC."""
    if not created:
        return "-"
    when = datetime.datetime.fromisoformat(created).astimezone(datetime.UTC)
    return when.strftime("%Y-%m-%d %H:%M")
