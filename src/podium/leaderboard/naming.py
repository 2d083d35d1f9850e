"""What a person means by an ID, the beginning of one, a name, TEAM/NAME or a team.

Every command that takes a submission asks here. A name that fits several is refused with all of
them and the command that picks one.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from podium.competition import folders as competitions
from podium.errors import BoardError
from podium.leaderboard.ranking import OUTDATED, WITHDRAWN
from podium.leaderboard.schema import RECORDS

if TYPE_CHECKING:
    from podium.leaderboard.board import Board
    from podium.leaderboard.contest import Contest
    from podium.leaderboard.ranking import Line
    from podium.leaderboard.record import Record

SHORTEST = 4
"""Letters of an ID that may stand for it."""
_SHOWN = 50
"""Submissions that a shell completes."""
_LISTED = 10
"""Submissions that an error names."""


class _Named(NamedTuple):
    """What of a record a person may name, and what tells it from others of that name."""

    number: int
    submission: str
    team: str
    name: str
    created: str
    competition: str
    dataset: str

    def __str__(self) -> str:
        return f"{self.submission}: {self.team}/{self.name} on {self.board}, {self.created}"

    @property
    def board(self) -> str:
        return f"{competitions.name_of(self.competition)}/{self.dataset}"


def find(
    contest: Contest,
    name: str,
    lines: Iterable[Line],
    command: Sequence[str],
    also: Collection[str] = (),
) -> Line:
    """The line of a board that a name means; a team means its best.

    Args:
        contest: Whose board it is.
        name: What a person wrote.
        lines: Among which of its lines, in order.
        command: The words after `podium` that the name is one of, for the hint.
        also: `outdated`, `withdrawn`: what is meant, too; else the error says that it is that.

    Raises:
        BoardError: If it means none, or several.
    """
    known = {line.number: line for line in lines}
    apart = {OUTDATED, WITHDRAWN}.difference(also)
    there = [one for one in _fitting(contest.board, name) if one.number in known]
    meant = _meant([one for one in there if known[one.number].status not in apart], name)
    if len(meant) > 1:
        raise _several(name, meant, command)
    if meant:
        return known[meant[0].number]
    best = (ln for ln in known.values() if ln.team == name and ln.status not in apart)
    if line := next(best, None):
        return line
    if there and known[there[-1].number].status == WITHDRAWN:
        raise BoardError(f"{name[:60]!r} is withdrawn.")
    if there:
        raise BoardError(
            f"{name[:60]!r} is of other data, split or metric.",
            hint="Its file can be scored again: podium rescore {} --dataset {}".format(
                *contest.names
            ),
        )
    raise _none(contest, name, known)


def find_anywhere(board: Board, name: str, command: Sequence[str]) -> Record:
    """The record, in its latest version, that an ID, the beginning of one or a name means.

    Args:
        board: All of it is searched, in all versions.
        name: What a person wrote; a team alone means nothing.
        command: The words after `podium` that the name is one of, for the hint.

    Raises:
        BoardError: If it means none, or several.
    """
    meant = _meant(_fitting(board, name), name)
    if len(meant) > 1:
        raise _several(name, meant, command)
    if not meant:
        raise BoardError(
            f"{name[:60]!r} is no submission of any board here.",
            hint=f"Give an ID, its first {SHORTEST} letters or more, a name, or TEAM/NAME. "
            "See yours: podium mine",
        )
    return board.records(submission=meant[0].submission)[-1]


def beginning(board: Board, start: str, competition: str | None) -> list[tuple[str, str]]:
    """What a shell completes: the newest IDs and names that begin so, and what each is.

    Args:
        board: Is searched in all versions.
        start: What is typed so far.
        competition: Whose submissions; None for any.
    """
    column = RECORDS.c
    fits = [c.startswith(start, autoescape=True) for c in (column.submission, column.name)]
    query = sa.select(*(column[field] for field in _Named._fields)).where(sa.or_(*fits))
    if competition is not None:
        query = query.where(column.competition == competition)
    rows = [_Named(*row) for row in board.all(query.order_by(column.number.desc()).limit(_SHOWN))]
    words = {word: str(row) for row in rows for word in (row.submission, row.name)}
    return [
        (word, what)
        for word, what in words.items()
        if word.startswith(start) and not any(map(str.isspace, word))
    ]


def _fitting(board: Board, name: str) -> list[_Named]:
    """Records that a name fits in any way, on all boards, in the order in which they came."""
    team, _, rest = name.partition("/")
    column = RECORDS.c
    fits = [column.name == name, sa.and_(column.team == team, column.name == rest)]
    if len(name) >= SHORTEST:
        fits.append(column.submission.startswith(name.lower(), autoescape=True))
    query = sa.select(*(column[field] for field in _Named._fields)).where(sa.or_(*fits))
    return [_Named(*row) for row in board.all(query.order_by(column.number))]


def _meant(fitting: Sequence[_Named], name: str) -> list[_Named]:
    """What fits by its whole ID or TEAM/NAME, else by its name, else by a shorter ID.

    Of a submission in several versions the latest.
    """
    whole = [o for o in fitting if name in (o.submission, f"{o.team}/{o.name}")]
    closest = whole or [one for one in fitting if one.name == name] or fitting
    return list({one.submission: one for one in closest}.values())


def _several(name: str, meant: Sequence[_Named], command: Sequence[str]) -> BoardError:
    picks = [meant[0].submission if word == name else word for word in command]
    return BoardError(
        f"{name[:60]!r} fits {len(meant):,} submissions.",
        problems=list(map(str, meant[:_LISTED])),
        hint=f"Give the ID of the one that you mean: podium {shlex.join(picks)}",
    )


def _none(contest: Contest, name: str, known: Collection[int]) -> BoardError:
    """Why a name means nothing on this board, and what may have been meant."""
    fitting = _fitting(contest.board, name)
    apart = [one for one in fitting if one.board == contest.title]
    if apart:
        return BoardError(
            f"{name[:60]!r} is no submission that can be meant here.",
            problems=list(map(str, apart[:_LISTED])),
        )
    if fitting:
        other = fitting[-1]
        competition = competitions.name_of(other.competition)
        return BoardError(
            f"{name[:60]!r} is a submission to {other.board}, not to {contest.title}.",
            hint=f"See it: podium show {competition} {other.submission} --dataset {other.dataset}",
        )
    if name in {dataset.name for dataset in contest.competition.datasets}:
        return BoardError(
            f"{name!r} is a dataset, and a submission is wanted.",
            hint=f"See its board: podium board {contest.competition.name} --dataset {name}",
        )
    rows = contest.select("number", "submission", "team", "name")
    by_number = {row.number: row for row in rows}
    here = [by_number[number] for number in known if number in by_number]
    words = {word for row in here for word in (row.name, f"{row.team}/{row.name}", row.team)}
    near = difflib.get_close_matches(name, sorted(words), n=1, cutoff=0.5)
    suggestion = f"; did you mean {near[0]!r}?" if near else "."
    return BoardError(
        f"{name[:60]!r} is no submission of this board{suggestion}",
        problems=[f"{row.submission}: {row.team}/{row.name}" for row in here[:_LISTED]],
        hint="Give an ID, its first letters, a name, TEAM/NAME, or a team for its best: "
        "podium board {} --dataset {}".format(*contest.names),
    )
