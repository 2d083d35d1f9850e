"""What a page shows of one board, as plain data: the templates lay it out.

Before reveal everything here comes from the public part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium.figures import figure
from podium.leaderboard.ranking import HOUSE, LATE, OUTDATED, UNVERIFIED, WITHDRAWN, Row
from podium.leaderboard.record import CEILING, CONTROL, REFERENCE, SUBMISSION
from podium.leaderboard.standings import Standings, View, chances, shaken, standings
from podium.reporting import charts
from podium.reporting.tables import ROWS, Column, Line, bar, columns_of, lines_of, scale
from podium.scoring.tiers import FEWEST

if TYPE_CHECKING:
    from podium.competition.contract import Competition
    from podium.leaderboard.contest import Contest

LEADERS = 4
"""Teams on a card of the index."""
PAIRED = 30
"""Submissions of the heat map."""


@dataclass(frozen=True, kw_only=True)
class Team:
    """A team.

    Attributes:
        row: What stands for it.
        looks: Public scores that it has seen.
        last: When its last submission that ranks was handed in.
    """

    row: Row
    looks: int
    last: str


@dataclass(frozen=True, kw_only=True)
class Leader:
    """A row of a card.

    Attributes:
        title: Team and name; of a control what it is.
        bar: Lower end, score and upper end in percent of the width; all the score without interval.
    """

    row: Row
    title: str
    bar: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Card:
    """What the index shows of a board.

    Attributes:
        leaders: The ceiling, the best of the first teams, and the best control.
    """

    contest: Contest
    part: str
    teams: int
    submissions: int
    last: str
    leaders: Sequence[Leader]

    @property
    def file(self) -> str:
        """The name of its page."""
        return page_file(self.contest)


@dataclass(frozen=True, kw_only=True)
class Page:
    """All that is on a page.

    Attributes:
        part: Which rows the table ranks by: public, after reveal private.
        left_out: Ranked rows that the table has no room for.
        teams: By rank; a team's place here gives its colour.
        messages: Remarks by submission.
        place: Gives the place of a row's team among `teams`; -1 for controls.
        paired: The rows of the heat map.
        win: How probable it is that each is better than each other [paired, paired].
    """

    contest: Contest
    part: str
    revealed: bool
    submissions: int
    last: str
    columns: Sequence[Column]
    lines: Sequence[Line]
    left_out: int
    messages: Mapping[str, str]
    teams: Sequence[Team]
    place: charts.Place
    notes: Sequence[str]
    timeline: charts.Chart | None
    scatter: charts.Chart | None
    strata: charts.Chart | None
    paired: Sequence[Row]
    win: Sequence[Sequence[float]]

    @property
    def file(self) -> str:
        """The page's name."""
        return page_file(self.contest)


def page_file(contest: Contest) -> str:
    """The name of a board's page."""
    return "{}-{}.html".format(*contest.names)


def card(contest: Contest) -> Card:
    """What the index shows of a board."""
    primary = contest.competition.primary
    shown = standings(contest, view=View(best_per_team=True))
    ranked = [row for row in shown.rows if row.rank is not None]
    rows = (ranked or [row for row in shown.rows if row.reference_rank is not None])[:LEADERS]
    ceiling = [row for row in shown.rows if row.status == CEILING][:1]
    control = [row for row in shown.rows if row.status == CONTROL][:1]
    rows = [row for row in (*ceiling, *rows, *control) if row.score is not None]
    axis = scale(rows, higher=primary.higher_is_better)
    created = [time for (time,) in contest.select("created", kind=SUBMISSION)]
    return Card(
        contest=contest,
        part=shown.part,
        teams=len({row.team for row in ranked}),
        submissions=shown.ranked,
        last=max(created, default=""),
        leaders=[
            Leader(
                row=row,
                title=_titled(row),
                bar=bar(row, axis) or (axis.at(row.score or 0.0),) * 3,
            )
            for row in rows
        ],
    )


def _titled(row: Row) -> str:
    if row.status in HOUSE:
        return row.name if row.status == row.name else f"{row.name} ({row.status})"
    return f"{row.team}/{row.name}"


def gather(contest: Contest) -> Page:
    """Everything that the page of a board shows."""
    competition, revealed = contest.competition, contest.revealed() is not None
    part, primary = "private" if revealed else "public", competition.primary
    public = standings(contest, "public")
    shown = standings(contest, part) if revealed else public
    ranked = [row for row in shown.rows if row.rank is not None]
    best = bests(ranked)
    if revealed:  # of all its tries the best would be flattered
        own = standings(contest, part, View(best_per_team=True))
        stands = {row.submission for row in own.rows}
        best = [row for row in ranked if row.submission in stands]
    places = {row.team: place for place, row in enumerate(best)}
    before = {row.submission: row for row in public.rows} if revealed else {}
    head = chosen(ranked, PAIRED)
    paired, win = chances(contest, part, head)
    last: dict[str, str] = {}
    for row in ranked:
        last[row.team] = max(row.created, last.get(row.team, ""))

    def place(row: Row) -> int:
        return -1 if row.status in HOUSE else places.get(row.team, -1)

    return Page(
        contest=contest,
        part=part,
        revealed=revealed,
        submissions=sum(row.status not in (*HOUSE, WITHDRAWN) for row in shown.rows),
        last=max((row.created for row in shown.rows if row.status not in HOUSE), default=""),
        columns=columns_of(competition, shown, before),
        lines=lines_of(
            shown.rows,
            dict(contest.select("submission", "sha256")),
            higher=primary.higher_is_better,
        ),
        left_out=max(0, len(ranked) - ROWS),
        messages={name: text for name, text in contest.select("submission", "message") if text},
        teams=[Team(row=r, looks=shown.looks.get(r.team, 0), last=last[r.team]) for r in best],
        place=place,
        notes=list(_notes(competition, public, shown, part)),
        timeline=charts.timeline(public.rows, primary, place),
        scatter=charts.scatter(ranked, before, primary, place),
        strata=charts.strata(head, competition, place),
        paired=paired,
        win=win.tolist(),
    )


def bests(ranked: Sequence[Row]) -> list[Row]:
    """The first row of each team."""
    first: dict[str, Row] = {}
    for row in ranked:
        first.setdefault(row.team, row)
    return list(first.values())


def chosen(ranked: Sequence[Row], most: int) -> list[Row]:
    """The best of each team, then the next best, in the order of their ranks."""
    first = bests(ranked)[:most]
    there = {row.submission for row in first}
    others = [row for row in ranked if row.submission not in there][: most - len(first)]
    wanted = there | {row.submission for row in others}
    return [row for row in ranked if row.submission in wanted]


def _notes(
    competition: Competition, public: Standings, shown: Standings, part: str
) -> Iterator[str]:
    """What a reader should know of the board, a sentence each."""
    if shown.groups is not None and shown.groups < FEWEST:
        yield (
            f"No tiers: of {shown.groups} independent groups nobody can tell who is really ahead; "
            f"{FEWEST} are needed."
        )
    elif shown.groups is not None:
        yield (
            f"Tiers and probabilities rest on {shown.groups:,} independent groups of test rows, "
            "for the 200 first rows and teams."
        )
    if shown.shake_up:
        yield shaken(shown.shake_up)
    if flattery := public.flattery:
        yield (
            f"Team {flattery.team} has seen {flattery.looks} public scores: the best of them is "
            f"flattered by about {figure(flattery.expected)}, at most {figure(flattery.bound)}."
        )
    limit = competition.daily_limit
    yield (
        f"A team may hand in {limit} submissions a day (UTC); what is refused never counts."
        if limit
        else "There is no limit on submissions a day; the looks of each team are counted."
    )
    with_interval = {n for row in shown.rows if row.ci_low is not None for n in row.strata}
    for stratum in competition.strata:
        if stratum.approximate and stratum.name in with_interval:
            yield f"Intervals are approximate: {stratum.title} are not quite independent."
    for status, text in (
        (UNVERIFIED, "unverified: imported without their predictions, so that nobody here could "
         "compute the scores again; they do not rank."),
        (LATE, "late: handed in when the private scores were open; they do not rank."),
        (REFERENCE, "reference: boards that come with Podium, ranked among themselves."),
        (OUTDATED, "outdated: data, split or metric have changed since; they do not rank."),
        (WITHDRAWN, "withdrawn by their teams; they do not rank."),
    ):  # fmt: skip
        if many := sum(row.status == status for row in shown.rows):
            yield f"{many:,} {text}"
    if lacking := sum(row.score is None for row in shown.rows if row.status != OUTDATED):
        yield f"{lacking:,} came without {part} scores."
