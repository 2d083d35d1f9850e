"""The board as it is shown: ranks, who is really ahead, how often everybody looked.

`boards.ranking` ranks; here the stored influence values are compared, and rows are chosen and
sorted for a reader.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.boards import tiers
from podium.boards.leaderboard import Board
from podium.boards.ranking import WITHDRAWN, Row
from podium.boards.tiers import Optimism
from podium.competition import Competition
from podium.errors import BoardError, UnknownNameError

COMPARED = 200
"""Of so many rows and teams at the top it is said who is really ahead."""
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
    """

    rows: Sequence[Row]
    looks: Mapping[str, int]
    flattery: Flattery | None = None
    groups: int | None = None
    public_ranks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class View:
    """What a reader wants to see of a board.

    Attributes:
        team: Rows of this team and controls only.
        best_per_team: The best row of each team, ranked among each other.
        since: Rows handed in since this time: a date, or `12h`, `7d`, `2w` ago.
        sort: A column to sort by instead of the rank.
    """

    team: str | None = None
    best_per_team: bool = False
    since: str | None = None
    sort: str | None = None


def standings(
    board: Board,
    competition: Competition,
    dataset: str,
    *,
    edition: str,
    part: str = "public",
    view: View | None = None,
) -> Standings:
    """The board of one part, compared and chosen.

    Raises:
        BoardError: If the part is sealed, or `view` asks for what is not there.
    """
    view = view or View()
    names = (competition, dataset)
    everything = board.rows(*names, edition=edition, part=part)
    rows = _best_per_team(everything) if view.best_per_team else everything
    source = _Influence(board, competition, dataset, edition, part)
    rows, groups = _compared(rows, source)
    ranks: dict[str, int] = {}
    if part != "public":
        public = board.rows(*names, edition=edition)
        public = _best_per_team(public) if view.best_per_team else public
        ranks = {row.submission: row.rank for row in public if row.rank is not None}
    looks = board.looks(competition.name, dataset, edition=edition)
    return Standings(
        rows=_chosen(rows, view, competition),
        looks=looks,
        flattery=_flattery(everything, source, looks, view.team) if part == "public" else None,
        groups=groups,
        public_ranks=ranks,
    )


def chances(
    board: Board,
    competition: Competition,
    dataset: str,
    *,
    edition: str,
    part: str,
    rows: Sequence[Row],
) -> tuple[list[Row], NDArray[np.float64]]:
    """How probable it is that each row is better than each other, by pairs.

    Returns:
        Those of the rows that can be compared, and for each of them the probability of being
        better than each [rows, rows]; 0.5 on the diagonal.
    """
    able = [row for row in rows if row.rank is not None and row.ci_low is not None]
    source = _Influence(board, competition, dataset, edition, part)
    values = source.of(able)
    able = [row for row in able if row.submission in values]
    if not able:
        return [], np.zeros((0, 0))
    scores, influence = _stacked(able, values, source.sign)
    gaps, errors = tiers.differences(scores, influence)
    found = tiers.probability(gaps, errors, influence.shape[1])
    return able, np.asarray(found, dtype=np.float64)


@dataclass(frozen=True)
class _Influence:
    """Reads influence values of submissions, oriented so that more is better."""

    board: Board
    competition: Competition
    dataset: str
    edition: str
    part: str

    @property
    def sign(self) -> int:
        return 1 if self.competition.primary.higher_is_better else -1

    def of(self, rows: Sequence[Row]) -> dict[str, NDArray[np.float32]]:
        """By submission; those of the whole test part were not kept."""
        if self.part == "all" or not rows:
            return {}
        found = self.board.influence(
            self.competition.name,
            self.dataset,
            edition=self.edition,
            part=self.part,
            submissions=sorted({row.submission for row in rows}),
        )
        (size, _), *_ = Counter(map(len, found.values())).most_common(1) or [(0, 0)]
        return {name: self.sign * v for name, v in found.items() if len(v) == size > 1}


def _best_per_team(rows: Sequence[Row]) -> list[Row]:
    """Controls, and of each team its best row: ranked among each other."""
    found: list[Row] = []
    teams: set[str] = set()
    last: Row | None = None
    for row in rows:
        if row.rank is None:
            if row.status in ("control", "ceiling"):
                found.append(row)
        elif row.team not in teams:
            teams.add(row.team)
            same = last is not None and last.score == row.score
            found.append(replace(row, rank=last.rank if last and same else len(teams)))
            last = found[-1]
    return found


def _compared(rows: Sequence[Row], source: _Influence) -> tuple[list[Row], int | None]:
    """Rows with `tier` and `win_next`, as far as they can be told; and the number of groups."""
    able = [row for row in rows if row.rank is not None and row.ci_low is not None]
    best = _best_per_team(able)[:COMPARED]
    head = able[: COMPARED + 1]
    values = source.of([*head, *best])
    if not values:
        return list(rows), None
    groups = len(next(iter(values.values())))
    win = _win_next([row for row in head if row.submission in values], values, source.sign)
    tier = {}
    best = [row for row in best if row.submission in values]
    if groups >= tiers.FEWEST:
        numbers = tiers.tiers(*_stacked(best, values, source.sign))
        tier = {row.submission: int(n) for row, n in zip(best, numbers, strict=True)}
    return [
        replace(row, tier=tier.get(row.submission), win_next=win.get(row.submission))
        if row.submission in values and row.rank is not None
        else row
        for row in rows
    ], groups


def _stacked(
    rows: Sequence[Row], values: Mapping[str, NDArray[np.float32]], sign: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores, more is better [rows], and influence values [rows, groups]."""
    scores = np.array([sign * (row.score or 0.0) for row in rows])
    return scores, np.array([values[row.submission] for row in rows], dtype=np.float64)


def _win_next(
    rows: Sequence[Row], values: Mapping[str, NDArray[np.float32]], sign: int
) -> dict[str, float]:
    """How probable it is that each row is better than the one below it."""
    if len(rows) < 2:
        return {}
    scores, influence = _stacked(rows, values, sign)
    groups = influence.shape[1]
    step = influence[:-1] - influence[1:]
    se = np.sqrt(np.square(step).sum(axis=1) / (groups * (groups - 1)))
    found = tiers.probability(scores[:-1] - scores[1:], se, groups)
    return {row.submission: float(p) for row, p in zip(rows, found, strict=False)}


def _flattery(
    rows: Sequence[Row], source: _Influence, looks: Mapping[str, int], team: str | None
) -> Flattery | None:
    """Of many tries some 200, evenly from the best to the worst, are looked at."""
    team = team or next((row.team for row in rows if row.rank is not None), None)
    tries = [
        row
        for row in rows
        if row.team == team and row.score is not None and (row.rank or row.status == WITHDRAWN)
    ]
    if team is None or len(tries) < 2:
        return None
    some = np.unique(np.linspace(0, len(tries) - 1, COMPARED, dtype=int))
    tries = [tries[place] for place in some]
    values = source.of(tries)
    found: Optimism | None = None
    if values:
        found = tiers.optimism(
            *_stacked([row for row in tries if row.submission in values], values, source.sign)
        )
    if found is None:
        return None
    return Flattery(team=team, looks=looks.get(team, 0), **vars(found))


def _chosen(rows: Sequence[Row], view: View, competition: Competition) -> list[Row]:
    """The rows that a reader wants, in the order wanted; controls always stay."""
    found = list(rows)
    if view.team is not None:
        found = [row for row in found if row.team == view.team or _is_house(row)]
    if view.since is not None:
        since = _time(view.since)
        found = [row for row in found if row.created >= since or _is_house(row)]
    if view.sort is not None:
        key, reverse = _order(view.sort, competition, found)
        known = sorted((r for r in found if key(r) is not None), key=key, reverse=reverse)
        found = known + [row for row in found if key(row) is None]
    return found


def _is_house(row: Row) -> bool:
    return row.status in ("control", "ceiling")


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
