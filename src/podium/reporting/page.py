"""What a page shows of one board, as plain text and numbers: the templates only lay it out.

Before reveal everything here comes from the public part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium.competition.contract import Competition, Dataset
from podium.competition.version import Version
from podium.figures import figure
from podium.leaderboard.ranking import HOUSE, LATE, OUTDATED, UNVERIFIED, WITHDRAWN, Row
from podium.leaderboard.record import REFERENCE
from podium.leaderboard.standings import Standings, View, chances, standings
from podium.reporting import best as best_rows
from podium.reporting import pictures
from podium.reporting.best import Heat, Strata
from podium.reporting.pictures import Scatter, Timeline
from podium.reporting.tables import (
    ROWS,
    Column,
    Line,
    Team,
    bests,
    columns_of,
    day,
    lines_of,
    teams_of,
)
from podium.scoring.tiers import FEWEST

if TYPE_CHECKING:
    from podium.leaderboard.leaderboard import Board

PAIRED = 30
"""Submissions of the heat map."""


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
    version: Version
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


def gather(board: Board, competition: Competition, dataset: Dataset, version: Version) -> Page:
    """Everything that the page of a board shows."""
    revealed = board.revealed(competition.name, dataset.name, version.answers) is not None
    part = "private" if revealed else "public"
    names = (board, competition, dataset.name)
    public = standings(*names, version=version)
    shown = standings(*names, version=version, part=part) if revealed else public
    ranked = [row for row in shown.rows if row.rank is not None]
    best = bests(ranked)
    if revealed:  # of all its tries the best would be flattered
        own = standings(*names, version=version, part=part, view=View(best_per_team=True))
        stands = {row.submission for row in own.rows}
        best = [row for row in ranked if row.submission in stands]
    teams = {name: place for place, name in enumerate(dict.fromkeys(r.team for r in ranked))}
    before = {row.submission: row for row in public.rows} if revealed else {}
    head = chosen(ranked, PAIRED)
    paired, win = chances(*names, version=version, part=part, rows=head)
    messages = board.messages(competition.name, dataset.name)
    columns = columns_of(competition, shown)
    return Page(
        competition=competition,
        dataset=dataset,
        version=version,
        part=part,
        revealed=revealed,
        submissions=sum(row.status not in (*HOUSE, WITHDRAWN) for row in shown.rows),
        last=day(max((r.created for r in shown.rows if r.status not in HOUSE), default="")),
        columns=columns,
        lines=lines_of(competition, shown, before, teams, messages, columns),
        left_out=max(0, len(ranked) - ROWS),
        teams=teams_of(best, ranked, shown.looks),
        notes=list(_notes(competition, public, shown, part)),
        timeline=pictures.timeline(competition, public.rows, teams),
        scatter=pictures.scatter(competition, ranked, before, teams) if revealed else None,
        strata=best_rows.strata(competition, head, teams),
        heat=best_rows.heat(paired, win, teams),
        top=[row.submission for row in best],
    )


def chosen(ranked: Sequence[Row], most: int) -> list[Row]:
    """The best of each team, then the next best, in the order of their ranks."""
    first = bests(ranked)[:most]
    there = {row.submission for row in first}
    others = [row for row in ranked if row.submission not in there][: most - len(first)]
    wanted = there | {row.submission for row in others}
    return [row for row in ranked if row.submission in wanted]


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
         "compute the scores again; they do not rank."),
        (LATE, "late: handed in when the private scores were open; they do not rank."),
        (REFERENCE, "reference: boards that come with Podium, ranked among themselves."),
        (OUTDATED, "outdated: data, split or metric have changed since; they do not rank."),
        (WITHDRAWN, "withdrawn by their teams; they do not rank."),
    ):  # fmt: skip
        if many := sum(row.status == status for row in shown.rows):
            found.append(f"{many:,} {text}")
    if lacking := sum(row.score is None for row in shown.rows if row.status != OUTDATED):
        found.append(f"{lacking:,} came without {part} scores.")
    return found
