"""The board as it is shown: ranks, who is really ahead, how often everybody looked.

`ranking` ranks; here the stored influence values are compared, and rows are chosen and
sorted for a reader.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, count, islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from podium.competition.contract import Competition
from podium.competition.version import Version
from podium.errors import BoardError, UnknownNameError
from podium.leaderboard.leaderboard import Board
from podium.leaderboard.ranking import HOUSE, WITHDRAWN, Entry, Line, Ranking, Row, best_per_team
from podium.leaderboard.record import SUBMISSION
from podium.rounding import DIGITS, shown
from podium.scoring import tiers
from podium.scoring.tiers import Optimism

COMPARED = 200
"""Of so many rows and teams at the top it is said who is really ahead."""
_Either = TypeVar("_Either", Row, Line)
_Lines = list[Line] | Ranking
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, kw_only=True)
class Flattery:
    """What the best of a team's tries owes to having been chosen on public rows."""

    team: str
    looks: int
    expected: float
    bound: float


@dataclass(frozen=True, kw_only=True)
class Standings:
    """A board of one part, and what stands below it.

    Attributes:
        looks: Public scores that each team has seen; withdrawn submissions count too.
        flattery: Of the leading team, or of the one that was asked for; public part only.
        groups: Independent groups behind the first rank, where it was compared with others.
        public_ranks: Rank on the public part by submission, where this is another part.
        sealed: Whether the part is sealed, so that lines that Podium ships stand alone.
        ranked: Submissions that rank, shown or not.
        more: Rows that were wanted and are left out, as they come after the first ones.
    """

    rows: Sequence[Row]
    looks: Mapping[str, int]
    flattery: Flattery | None = None
    groups: int | None = None
    public_ranks: Mapping[str, int] = field(default_factory=dict)
    sealed: bool = False
    ranked: int = 0
    more: int = 0


@dataclass(frozen=True, kw_only=True)
class View:
    """What a reader wants to see of a board.

    Attributes:
        team: Rows of this team and controls only.
        best_per_team: One row of each team, ranked among each other: its best public one; on the
            private part that one too, or the better of what the team picked.
        best_of_all: One row of each team, by its best score of all tries on this part.
        since: Rows handed in since this time: a date, or `12h`, `7d`, `2w` ago.
        sort: A column to sort by instead of the rank.
        top: So many rows, and the controls; None for all.
    """

    team: str | None = None
    best_per_team: bool = False
    best_of_all: bool = False
    since: str | None = None
    sort: str | None = None
    top: int | None = None


def standings(
    board: Board,
    competition: Competition,
    dataset: str,
    *,
    version: Version,
    part: str = "public",
    view: View | None = None,
) -> Standings:
    """The board of one part, compared and chosen.

    Raises:
        BoardError: If the part is sealed, or `view` asks for what is not there.
    """
    view = view or View()
    shelf = _Shelf(board, competition, dataset, version, part)
    ranking = shelf.ranking
    lines: _Lines = ranking
    if view.best_of_all:
        lines = list(best_per_team(ranking))
    elif view.best_per_team:
        lines = shelf.team_lines
    told = _compared(lines, shelf)
    wanted = _wanted(lines, view)
    chosen = wanted if view.sort else _first(wanted, view.top, ranking.house)
    rows = [told.of(row) for row in shelf.rows(list(chosen))]
    if view.sort:
        rows = _sorted(rows, view.sort, competition)
        rows = _first(rows, view.top, [row for row in rows if row.status in HOUSE])
    return Standings(
        rows=rows,
        looks=ranking.looks,
        flattery=_flattery(ranking, shelf, view.team) if part == "public" else None,
        groups=told.groups,
        public_ranks={} if part == "public" else _public_ranks(shelf, view),
        sealed=shelf.sealed,
        ranked=ranking.ranked,
        more=len(wanted) - len(rows),
    )


def chances(
    board: Board,
    competition: Competition,
    dataset: str,
    *,
    version: Version,
    part: str,
    rows: Sequence[Row],
) -> tuple[list[Row], NDArray[np.float64]]:
    """How probable it is that each row is better than each other, by pairs.

    Returns:
        Those of the rows that can be compared, and for each of them the probability of being
        better than each [rows, rows]; 0.5 on the diagonal.
    """
    able = [row for row in rows if row.rank is not None and row.ci_low is not None]
    shelf = _Shelf(board, competition, dataset, version, part)
    values = shelf.influence(able)
    able = [row for row in able if row.submission in values]
    if not able:
        return [], np.zeros((0, 0))
    whole = {entry.submission: entry for entry in shelf.ranking.placed}  # rows are rounded
    lines = [whole[row.submission] for row in able]
    scores, influence = _stacked(lines, values, shelf.sign)
    gaps, errors = tiers.differences(scores, influence)
    win = tiers.probability(gaps, errors, influence.shape[1])
    return able, np.asarray(np.round(win, DIGITS), dtype=np.float64)


@dataclass(frozen=True)
class _Shelf:
    """Where one board is read from: its lines, their figures and their influence values."""

    board: Board
    competition: Competition
    dataset: str
    version: Version
    part: str

    @property
    def sign(self) -> int:
        return 1 if self.competition.primary.higher_is_better else -1

    @cached_property
    def ranking(self) -> Ranking:
        names = (self.competition, self.dataset)
        return self.board.ranking(*names, version=self.version, part=self.part)

    @cached_property
    def public(self) -> Ranking:
        return self.ranking if self.part == "public" else replace(self, part="public").ranking

    @property
    def sealed(self) -> bool:
        names = (self.competition.name, self.dataset, self.version.answers)
        return self.part != "public" and self.board.revealed(*names) is None

    @cached_property
    def team_lines(self) -> list[Line]:
        """The line that stands for each team, ranked among each other, and controls.

        On the public part that is its best. On another one it is the same submission, since
        nobody knew more when it was handed in, or the better of those that the team picked.
        """
        if self.part == "public":
            return list(best_per_team(self.ranking))
        chosen = self._chosen()
        return list(
            best_per_team(
                line for line in self.ranking if line.rank is None or line.submission in chosen
            )
        )

    def _chosen(self) -> set[str]:
        """What stands for each team: what it picked, or else its best public submission."""
        ranked = {line.submission: line.team for line in self.public if line.rank is not None}
        board = (self.competition.name, self.dataset, self.version.answers)
        picked = [
            submission
            for pick in self.board.picks()
            if (pick.competition, pick.dataset, pick.answers) == board
            for submission in pick.submissions
            if ranked.get(submission) == pick.team
        ]
        teams = {ranked[submission] for submission in picked}
        best = (line for line in best_per_team(self.public) if line.rank is not None)
        return {*picked, *(line.submission for line in best if line.team not in teams)}

    def rows(self, lines: Sequence[Line]) -> list[Row]:
        """Lines with their figures."""
        names = (self.competition, self.dataset)
        wanted: dict[str, Any] = {"part": self.part, "ranking": self.ranking, "lines": lines}
        return self.board.rows(*names, version=self.version, **wanted)

    def influence(self, rows: Iterable[Row | Line]) -> dict[str, NDArray[np.float32]]:
        """By submission, more is better; those of the whole test part were not kept."""
        submissions = sorted({row.submission for row in rows})
        if self.part == "all" or not submissions:
            return {}
        values = self.board.influence(
            version=self.version.name, part=self.part, submissions=submissions
        )
        lengths = Counter(len(v) for v in values.values() if len(v))  # claims have none
        (size, _), *_ = lengths.most_common(1) or [(0, 0)]
        return {name: self.sign * v for name, v in values.items() if len(v) == size > 1}


def _public_ranks(shelf: _Shelf, view: View) -> dict[str, int]:
    per_team = view.best_per_team or view.best_of_all
    lines = best_per_team(shelf.public) if per_team else shelf.public
    return {line.submission: line.rank for line in lines if line.rank is not None}


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What can be told of the first lines: `tier` and `win_next` by submission."""

    tier: Mapping[str, int] = field(default_factory=dict)
    win: Mapping[str, float] = field(default_factory=dict)
    groups: int | None = None

    def of(self, row: Row) -> Row:
        """A row with what is told of it; not one of another version of the same submission."""
        if row.rank is None:
            return row
        tier, win = self.tier.get(row.submission), self.win.get(row.submission)
        return row if tier is win is None else replace(row, tier=tier, win_next=win)


def _compared(lines: Iterable[Line], shelf: _Shelf) -> _Told:
    """Tiers of the first of each team, and how sure each of the first lines is of the next."""
    able = (line for line in lines if line.rank is not None)
    head = list(islice(able, COMPARED + 1))
    ranking = shelf.ranking
    teams = ranking.entries.keys() - {line.team for line in ranking.house}
    chosen = shelf.part == "public" or lines is not ranking
    each = best_per_team(chain(head, able)) if chosen else shelf.team_lines
    ranked = (line for line in each if line.rank is not None)
    best = list(islice(ranked, min(COMPARED, len(teams))))
    both = {line.submission: line for line in (*head, *best)}
    values = shelf.influence(
        row for row in shelf.rows(list(both.values())) if row.ci_low is not None
    )
    if not values:
        return _Told()
    groups = len(next(iter(values.values())))
    win = _win_next([line for line in head if line.submission in values], values, shelf.sign)
    tier = {}
    best = [line for line in best if line.submission in values]
    if groups >= tiers.FEWEST:
        numbers = tiers.tiers(*_stacked(best, values, shelf.sign))
        tier = {line.submission: int(n) for line, n in zip(best, numbers, strict=True)}
    return _Told(tier=tier, win=win, groups=groups)


def _stacked(
    rows: Sequence[Line | Entry], values: Mapping[str, NDArray[np.float32]], sign: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores, more is better [rows], and influence values [rows, groups]."""
    scores = np.array([sign * (row.score or 0.0) for row in rows])
    return scores, np.array([values[row.submission] for row in rows], dtype=np.float64)


def _win_next(
    rows: Sequence[Line], values: Mapping[str, NDArray[np.float32]], sign: int
) -> dict[str, float]:
    """How probable it is that each row is better than the one below it."""
    if len(rows) < 2:
        return {}
    scores, influence = _stacked(rows, values, sign)
    groups = influence.shape[1]
    step = influence[:-1] - influence[1:]
    se = np.sqrt(np.square(step).sum(axis=1) / (groups * (groups - 1)))
    found = tiers.probability(scores[:-1] - scores[1:], se, groups)
    return {row.submission: shown(float(p)) for row, p in zip(rows, found, strict=False)}


def _flattery(ranking: Ranking, shelf: _Shelf, team: str | None) -> Flattery | None:
    """Of many tries some 200, evenly from the best to the worst, are looked at."""
    team = team or next((line.team for line in ranking if line.rank is not None), None)
    if team is None:
        return None
    counted = (SUBMISSION, WITHDRAWN)
    tries = [ln for ln in ranking.of(team) if ln.score is not None and ln.status in counted]
    if len(tries) < 2:
        return None
    some = np.unique(np.linspace(0, len(tries) - 1, COMPARED, dtype=int))
    tries = [tries[place] for place in some]
    values = shelf.influence(tries)
    found: Optimism | None = None
    if values:
        found = tiers.optimism(
            *_stacked([line for line in tries if line.submission in values], values, shelf.sign)
        )
    if found is None:
        return None
    return Flattery(team=team, looks=ranking.looks.get(team, 0), **shown(vars(found)))


def _wanted(lines: _Lines, view: View) -> _Lines:
    """The lines that a reader wants; controls always stay."""
    if view.team is view.since is None:
        return lines
    since = "" if view.since is None else _time(view.since)
    return [
        line
        for line in lines
        if line.is_house or (view.team in (None, line.team) and line.created >= since)
    ]


def _first(rows: Iterable[_Either], top: int | None, house: Sequence[_Either]) -> list[_Either]:
    """The first ones, and the controls."""
    if top is None:
        return list(rows)
    left, found = count(1), []
    for row in rows:
        if row.status not in HOUSE and next(left) > top:
            break
        found.append(row)
    shown = {row.submission for row in found}
    return found + [row for row in house if row.submission not in shown]


def _sorted(rows: Sequence[Row], column: str, competition: Competition) -> list[Row]:
    """In the order of a column; those without a value last."""
    key, reverse = _order(column, competition, rows)
    known = sorted((row for row in rows if key(row) is not None), key=key, reverse=reverse)
    return known + [row for row in rows if key(row) is None]


def _time(text: str) -> str:
    """A time as records have it: UTC, ISO 8601.

    Raises:
        BoardError: If it is none.
    """
    if ago := re.fullmatch(r"(\d{1,6})([hdw])", text.strip()):
        span = datetime.timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        when = datetime.datetime.now(datetime.UTC) - min(span, datetime.timedelta(days=36_500))
        return when.isoformat(timespec="seconds")
    try:
        when = datetime.datetime.fromisoformat(text.strip())
        when = when if when.tzinfo else when.replace(tzinfo=datetime.UTC)
        return when.astimezone(datetime.UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        raise BoardError(
            f"{text[:40]!r} is no time.", hint="For example: --since 2026-01-31, or --since 7d"
        ) from None


def _order(
    column: str, competition: Competition, rows: Sequence[Row]
) -> tuple[Callable[[Row], Any], bool]:
    """The key of a column, and whether the largest comes first.

    Raises:
        UnknownNameError: If there is no such column.
    """
    plain: dict[str, bool] = {"team": False, "name": False, "created": True, "entries": True}
    if column in plain:
        return (lambda row: getattr(row, column)), plain[column]
    primary = competition.primary
    if column in ("score", "rank", primary.name):
        return (lambda row: row.score), primary.higher_is_better
    scores = {score.name: score for score in competition.scores}
    if column in scores:
        return (lambda row: row.metrics.get(column)), scores[column].higher_is_better
    strata = {name for row in rows for name in row.strata}
    if column in strata:
        return (lambda row: row.strata.get(column)), primary.higher_is_better
    raise UnknownNameError("column", column, dict.fromkeys([*plain, "score", *scores, *strata]))
