"""The board as it is shown: ranks, who is really ahead, how often everybody looked.

`ranking` ranks; here the stored influence values are compared, and rows are chosen and
sorted for a reader.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from podium.competition.contract import Competition
from podium.errors import BoardError, UnknownNameError
from podium.figures import DIGITS, counted, shown
from podium.leaderboard.contest import Contest
from podium.leaderboard.ranking import HOUSE, WITHDRAWN, Line, Ranking, Row, best_per_team
from podium.leaderboard.record import PARTS, SUBMISSION
from podium.scoring import tiers
from podium.scoring.tiers import ShakeUp

COMPARED = 200
"""Of so many rows and teams at the top it is said who is really ahead."""
SURPRISING = 0.05
"""Chance below which a shake-up is called more than chance."""
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


def shaken(shake_up: ShakeUp) -> str:
    """What a shake-up says, in a sentence."""
    more = "more than chance explains" if shake_up.p < SURPRISING else "no more than by chance"
    p = "p < 0.01" if shake_up.p < 0.01 else f"p = {shake_up.p:.2f}"
    places, rows = counted([(shake_up.places, "place")]), counted([(shake_up.submissions, "row")])
    return (
        f"From the public part ranks moved by {places} in all (equal predictions once, of {rows}), "
        f"{more}: as uncertain as the scores are, {shake_up.low:.0f} to {shake_up.high:.0f} are "
        f"to be expected ({p})."
    )


@dataclass(frozen=True, kw_only=True)
class Standings:
    """A board of one part, and what stands below it.

    Attributes:
        looks: Public scores that each team has seen; withdrawn submissions count too.
        part: `public`, `private` or `all`.
        flattery: Of the leading team, or of the one that was asked for; public part only.
        groups: Independent groups behind the first rank, where it was compared with others.
        public_ranks: Rank on the public part by submission, where this is another part.
        shake_up: Whether these ranks moved more than chance; private part only, of some 200 rows,
            evenly from the first to the last.
        sealed: Whether the part is sealed, so that lines that Podium ships stand alone.
        ranked: Submissions that rank, shown or not.
        more: Rows that were wanted and are left out, as they come after the first ones.
    """

    rows: Sequence[Row]
    looks: Mapping[str, int]
    part: str = PARTS[0]
    flattery: Flattery | None = None
    groups: int | None = None
    public_ranks: Mapping[str, int] = field(default_factory=dict)
    shake_up: ShakeUp | None = None
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


def standings(contest: Contest, part: str | None = None, view: View | None = None) -> Standings:
    """The board of one part, compared and chosen.

    Args:
        contest: Whose board it is.
        part: `public`, `private` or `all`; None for the private one, as long as it is sealed for
            the public one.
        view: Which rows and in what order.

    Raises:
        BoardError: If the part is sealed, or `view` asks for what is not there.
    """
    view = view or View()
    part = part or PARTS[contest.revealed() is not None]
    ranking = contest.ranking(part)
    public = ranking if part == "public" else contest.ranking()
    lines: _Lines = ranking
    if view.best_of_all:
        lines = list(best_per_team(ranking))
    elif view.best_per_team:
        lines = _of_teams(contest, ranking, public)
    shaken = lines is ranking and ranking is not public
    each = _of_teams(contest, ranking, public) if shaken else best_per_team(lines)
    told, groups = _compared(contest, ranking, lines, each)
    wanted = _wanted(lines, view)
    chosen = wanted if view.sort else _first(wanted, view.top, ranking.house)
    rows = [
        replace(row, **told[row.submission]) if row.rank and row.submission in told else row
        for row in contest.rows(ranking, list(chosen))
    ]
    if view.sort:
        rows = _sorted(rows, view.sort, contest.competition)
        rows = _first(rows, view.top, [row for row in rows if row.status in HOUSE])
    before = best_per_team(public) if view.best_per_team or view.best_of_all else public
    return Standings(
        rows=rows,
        looks=ranking.looks,
        part=part,
        flattery=_flattery(contest, ranking, view.team) if ranking is public else None,
        groups=groups,
        public_ranks={}
        if ranking is public
        else {line.submission: line.rank for line in before if line.rank is not None},
        shake_up=None if view.best_of_all else _shake_up(contest, ranking, public, lines),
        sealed=ranking is not public and contest.revealed() is None,
        ranked=ranking.ranked,
        more=len(wanted) - len(rows),
    )


def chances(
    contest: Contest, part: str, rows: Sequence[Row]
) -> tuple[list[Row], NDArray[np.float64]]:
    """How probable it is that each row is better than each other, by pairs.

    Returns:
        Those of the rows that can be compared, and for each of them the probability of being
        better than each [rows, rows]; 0.5 on the diagonal.
    """
    ranking = contest.ranking(part)
    able = [row for row in rows if row.rank is not None and row.ci_low is not None]
    values = _influence(contest, part, able)
    able = [row for row in able if row.submission in values]
    if not able:
        return [], np.zeros((0, 0))
    whole = {line.submission: line for line in ranking.placed}  # rows are rounded
    scores, influence = _stacked(ranking, [whole[row.submission] for row in able], values)
    gaps, errors = tiers.differences(scores, influence)
    win = tiers.probability(gaps, errors, influence.shape[1])
    return able, np.asarray(np.round(win, DIGITS), dtype=np.float64)


def _of_teams(contest: Contest, ranking: Ranking, public: Ranking) -> list[Line]:
    """The line that stands for each team, ranked among each other, and controls.

    On the public part that is its best. On another one it is the same submission, since
    nobody knew more when it was handed in, or the better of those that the team picked.
    """
    if ranking is public:
        return list(best_per_team(ranking))
    ranked = {line.submission: line.team for line in public if line.rank is not None}
    picked = {
        submission
        for pick in contest.picks()
        for submission in pick.submissions
        if ranked.get(submission) == pick.team
    }
    teams = {ranked[submission] for submission in picked}
    best = (line for line in best_per_team(public) if line.rank is not None)
    stands = picked | {line.submission for line in best if line.team not in teams}
    lines = (ln for ln in ranking if ln.rank is None or ln.submission in stands)
    return list(best_per_team(lines))


def _influence(
    contest: Contest, part: str, rows: Iterable[Row | Line]
) -> dict[str, NDArray[np.float32]]:
    """Influence values by submission; those of the whole test part were not kept."""
    submissions = sorted({row.submission for row in rows})
    if part == "all" or not submissions:
        return {}
    values = contest.influence(part, submissions)
    lengths = Counter(len(v) for v in values.values() if len(v))  # claims have none
    (size, _), *_ = lengths.most_common(1) or [(0, 0)]
    return {name: v for name, v in values.items() if len(v) == size > 1}


def _stacked(
    ranking: Ranking, lines: Sequence[Line], values: Mapping[str, NDArray[np.float32]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores [lines] and influence values [lines, groups], more is better."""
    sign = 1 if ranking.primary.higher_is_better else -1
    scores = np.array([sign * (line.score or 0.0) for line in lines])
    influence = np.array([values[line.submission] for line in lines], dtype=np.float64)
    return scores, sign * influence


def _compared(
    contest: Contest, ranking: Ranking, lines: _Lines, each: Iterable[Line]
) -> tuple[dict[str, dict[str, Any]], int | None]:
    """What can be told of the first lines, and by how many groups.

    Args:
        contest: Whose board it is.
        ranking: Of the part.
        lines: Which are to be shown, in order.
        each: The line that stands for each team, and others without a rank.

    Returns:
        By submission the tier of the first of each team (`tier`), and how sure each of the first
        lines is of the next (`win_next`); the number of independent groups, None without any.
    """
    head = list(islice((line for line in lines if line.rank is not None), COMPARED + 1))
    teams = ranking.entries.keys() - {line.team for line in ranking.house}
    ranked = (line for line in each if line.rank is not None)
    best = list(islice(ranked, min(COMPARED, len(teams))))
    both = {line.submission: line for line in (*head, *best)}
    rows = contest.rows(ranking, list(both.values()))
    values = _influence(contest, ranking.part, (row for row in rows if row.ci_low is not None))
    if not values:
        return {}, None
    groups = len(next(iter(values.values())))
    head, best = ([ln for ln in some if ln.submission in values] for some in (head, best))
    told: dict[str, dict[str, Any]] = defaultdict(dict)
    if groups >= tiers.FEWEST:
        numbers = tiers.tiers(*_stacked(ranking, best, values))
        for line, number in zip(best, numbers, strict=True):
            told[line.submission]["tier"] = int(number)
    win = _win_next(*_stacked(ranking, head, values)) if len(head) > 1 else []
    for line, probability in zip(head, win, strict=False):  # the last is before none
        told[line.submission]["win_next"] = probability
    return told, groups


def _win_next(scores: NDArray[np.float64], influence: NDArray[np.float64]) -> list[float]:
    """How probable it is that each row is better than the one below it."""
    groups = influence.shape[1]
    step = influence[:-1] - influence[1:]
    se = np.sqrt(np.square(step).sum(axis=1) / (groups * (groups - 1)))
    win: list[float] = tiers.probability(scores[:-1] - scores[1:], se, groups).tolist()
    return shown(win)


def _flattery(contest: Contest, ranking: Ranking, team: str | None) -> Flattery | None:
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
    values = _influence(contest, ranking.part, tries)
    tries = [line for line in tries if line.submission in values]
    optimism = tiers.optimism(*_stacked(ranking, tries, values)) if tries else None
    if optimism is None:
        return None
    return Flattery(team=team, looks=ranking.looks.get(team, 0), **shown(vars(optimism)))


def _shake_up(contest: Contest, ranking: Ranking, public: Ranking, lines: _Lines) -> ShakeUp | None:
    """Whether ranks moved more than chance from the public part to the private one."""
    if ranking.part != "private":
        return None
    before = {line.submission: line for line in public.placed}
    ranked = [ln for ln in lines if ln.rank is not None and ln.submission in before]
    some = np.unique(np.linspace(0, max(0, len(ranked) - 1), COMPARED, dtype=int))
    ranked = [ranked[place] for place in some[: len(ranked)]]
    values = [_influence(contest, part, ranked) for part in ("public", "private")]
    ranked = [ln for ln in ranked if all(ln.submission in known for known in values)]
    if not ranked:
        return None
    public_lines = [before[line.submission] for line in ranked]
    shake_up = tiers.shake_up(
        _stacked(public, public_lines, values[0]), _stacked(ranking, ranked, values[1])
    )
    return shake_up and ShakeUp(**shown(vars(shake_up)))


def _wanted(lines: _Lines, view: View) -> _Lines:
    """The lines that a reader wants; controls always stay."""
    if view.team is view.since is None:
        return lines
    since = "" if view.since is None else _time(view.since)
    return [
        line
        for line in lines
        if line.status in HOUSE or (view.team in (None, line.team) and line.created >= since)
    ]


def _first(rows: Iterable[_Either], top: int | None, house: Sequence[_Either]) -> list[_Either]:
    """The first ones, and the controls."""
    if top is None:
        return list(rows)
    left, first = count(1), []
    for row in rows:
        if row.status not in HOUSE and next(left) > top:
            break
        first.append(row)
    there = {row.submission for row in first}
    return first + [row for row in house if row.submission not in there]


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
