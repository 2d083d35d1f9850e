"""What is asked of the board's tables, and written to them, within one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from podium.errors import BoardError
from podium.leaderboard import journal, schema
from podium.leaderboard.ranking import Entry
from podium.leaderboard.record import (
    CLAIM,
    OWN,
    REFERENCE,
    SUBMISSION,
    Pick,
    Record,
    Reveal,
    Withdrawal,
)
from podium.leaderboard.schema import PICKS, RECORDS, REVEALS, WITHDRAWALS

RECORD_FIELDS = tuple(field.name for field in fields(Record))
_KEY = ("submission", "version")
_TEAM = ("competition", "dataset", "answers", "team")
_AT_ONCE = 5_000
_TRUST = {CLAIM: 0, REFERENCE: 1, OWN: 2}
"""Of two of the same submission and version the one that is trusted more stays."""


class _Known(NamedTuple):
    """What the board has of a submission and version; without a number it is about to come."""

    number: int | None
    origin: str
    private: bool


def batched(values: Sequence[int]) -> Iterator[Sequence[int]]:
    """As many as a query takes as its parameters."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


def entries(
    connection: sa.Connection, competition: str, dataset: str, primary: str, part: str
) -> list[Entry]:
    """What ranks the records of a dataset, in order of arrival."""
    board = (RECORDS.c.competition == competition, RECORDS.c.dataset == dataset)
    columns = [RECORDS.c[schema.SCORES[part]], *(RECORDS.c[name] for name in schema.RANKS)]
    query = sa.select(*columns).where(*board, RECORDS.c.score == primary)
    ranked = list(map(Entry._make, connection.execute(query).all()))
    others = list(_unscored(connection, board, primary, part))
    return sorted(ranked + others, key=itemgetter(-1))  # their number


def _unscored(
    connection: sa.Connection, board: Sequence[sa.ColumnElement[bool]], primary: str, part: str
) -> Iterator[Entry]:
    """Records whose columns are of another score, or that came when their competition was unknown.

    Two ranges of the index rather than `!=`, which would go through all of it.
    """
    score = RECORDS.c.score
    query = sa.select(RECORDS.c[part], *(RECORDS.c[name] for name in schema.RANKS)).where(
        *board, sa.or_(score.is_(None), score < primary, score > primary)
    )
    for row in connection.execute(query):
        yield Entry(_score(row[0], primary), *row[1:])


def _score(card: Mapping[str, Any] | None, primary: str) -> float | None:
    value: float | None = (card or {}).get("scores", {}).get(primary)
    return None if value is None else float(value)  # a whole one, too: as columns give it back


def row_of(record: Record, origin: str, primary: str | None) -> dict[str, Any]:
    """A record as the table has it; `primary` is the score that ranks, where it is known."""
    scores = {
        column: _score(getattr(record, part), primary) if primary else None
        for part, column in schema.SCORES.items()
    }
    return {**vars(record), "origin": origin, "score": primary, **scores}


def put(
    connection: sa.Connection,
    records: Sequence[Record],
    origin: str,
    primary: Mapping[tuple[str, str], str],
) -> int:
    """Add records whose submission and version the board does not have; gives their number.

    One that is trusted more, or as much and tells more (the private figures), takes the place of
    another, and its number: nothing is on the board twice.
    """
    new, better = list[dict[str, Any]](), list[dict[str, Any]]()
    there = _known(connection, records)
    last = connection.execute(sa.select(sa.func.max(RECORDS.c.number))).scalar() or 0
    for record in records:
        row = row_of(record, origin, primary.get((record.competition, record.dataset)))
        known = there.get(record.key)
        there[record.key] = _Known(None, origin, bool(record.private))
        if known is None:
            new.append({**row, "number": last + len(new) + 1})
        elif known.number is not None and _tells_more(record, origin, known):
            better.append({**row, "number": known.number})
    if new:
        connection.execute(RECORDS.insert(), new)
    for row in better:
        connection.execute(RECORDS.update().where(RECORDS.c.number == row["number"]).values(row))
    journal.note(connection, RECORDS, [*new, *better])
    return len(new)


def _known(connection: sa.Connection, records: Sequence[Record]) -> dict[tuple[str, str], _Known]:
    """Number, origin and whether private figures are there, of those that the board has."""
    columns = (*(RECORDS.c[name] for name in _KEY), RECORDS.c.number, RECORDS.c.origin)
    # to read the figures of a large board would take longer than to add to it
    sealed = RECORDS.c.private == sa.literal({}, schema.Json)
    query = sa.select(*columns, sealed)
    if len(records) < _AT_ONCE:
        query = query.where(RECORDS.c.submission.in_([r.submission for r in records]))
    rows = connection.execute(query).all()
    return {(row[0], row[1]): _Known(row[2], row[3], not row[4]) for row in rows}


def _tells_more(record: Record, origin: str, known: _Known) -> bool:
    if _TRUST[origin] != _TRUST[known.origin]:
        return _TRUST[origin] > _TRUST[known.origin]
    return origin != OWN and bool(record.private) and not known.private


def selection(
    columns: Iterable[str],
    competition: str | None = None,
    dataset: str | None = None,
    origins: Collection[str] = (),
) -> sa.Select[Any]:
    """Columns of records, in the order in which they were added."""
    query = sa.select(*(RECORDS.c[name] for name in columns)).order_by(RECORDS.c.number)
    if competition is not None:
        query = query.where(RECORDS.c.competition == competition)
    if dataset is not None:
        query = query.where(RECORDS.c.dataset == dataset)
    return query.where(RECORDS.c.origin.in_(list(origins))) if origins else query


def looks(
    connection: sa.Connection, competition: str, dataset: str, version: str, since: str
) -> dict[str, int]:
    """Submissions by team since a time, withdrawn ones too."""
    query = (
        sa.select(RECORDS.c.team, sa.func.count())
        .where(
            RECORDS.c.competition == competition,
            RECORDS.c.dataset == dataset,
            RECORDS.c.version == version,
            RECORDS.c.kind == SUBMISSION,
            RECORDS.c.created >= since,
        )
        .group_by(RECORDS.c.team)
    )
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def withdraw(
    connection: sa.Connection, withdrawals: Sequence[Withdrawal], origin: str = OWN
) -> int:
    """Note withdrawals that the board does not have; gives their number.

    One that is made here takes the place of one that came as a claim.
    """
    lasting = (OWN,) if origin == OWN else (OWN, CLAIM)
    query = sa.select(WITHDRAWALS.c.submission).where(WITHDRAWALS.c.origin.in_(lasting))
    there = set(connection.execute(query).scalars())
    new = [{**vars(w), "origin": origin} for w in withdrawals if w.submission not in there]
    for row in new:
        mine = WITHDRAWALS.c.submission == row["submission"]
        connection.execute(WITHDRAWALS.delete().where(mine))
        connection.execute(WITHDRAWALS.insert().values(row))
    journal.note(connection, WITHDRAWALS, new)
    return len(new)


def reveal(connection: sa.Connection, reveals: Iterable[Reveal]) -> int:
    """Note reveals of what is sealed; gives their number."""
    new = [
        vars(one)
        for one in reveals
        if revealed(connection, one.competition, one.dataset, one.answers) is None
    ]
    if new:
        connection.execute(REVEALS.insert(), new)
        journal.note(connection, REVEALS, new)
    return len(new)


def pick(connection: sa.Connection, picks: Iterable[Pick]) -> int:
    """Note picks that are later than what their team picked before; gives their number.

    What is picked when the answers are known does not count.
    """
    noted = 0
    for one in picks:
        opened = revealed(connection, one.competition, one.dataset, one.answers)
        if opened is not None and one.created > opened:
            continue
        mine = _of_team(one)
        before = connection.execute(sa.select(PICKS).where(*mine)).mappings().first()
        values = {**vars(one), "submissions": list(one.submissions)}
        if before is None or (before["created"] <= one.created and dict(before) != values):
            connection.execute(PICKS.delete().where(*mine))
            connection.execute(PICKS.insert().values(**values))
            journal.note(connection, PICKS, [values])
            noted += 1
    return noted


def picked(connection: sa.Connection, pick: Pick) -> str | None:
    """When the pick's team picked before; None if it did not."""
    return connection.execute(sa.select(PICKS.c.created).where(*_of_team(pick))).scalar()


def _of_team(pick: Pick) -> list[sa.ColumnElement[bool]]:
    return [PICKS.c[name] == getattr(pick, name) for name in _TEAM]


def gone() -> sa.Select[Any]:
    """Submissions that are withdrawn: here, or elsewhere as long as nobody here has scored them."""
    ours = sa.select(RECORDS.c.submission).where(
        RECORDS.c.submission == WITHDRAWALS.c.submission, RECORDS.c.origin != CLAIM
    )
    return sa.select(WITHDRAWALS.c.submission).where(
        sa.or_(WITHDRAWALS.c.origin == OWN, ~ours.exists())
    )


def withdrawn(connection: sa.Connection) -> set[str]:
    """Submissions that are withdrawn: see `gone`."""
    return set(connection.execute(gone()).scalars())


def revealed(connection: sa.Connection, competition: str, dataset: str, answers: str) -> str | None:
    """When the answers of a dataset were revealed; None if they are sealed."""
    query = sa.select(REVEALS.c.created).where(
        REVEALS.c.competition == competition,
        REVEALS.c.dataset == dataset,
        REVEALS.c.answers == answers,
    )
    return connection.execute(query).scalar()


def refuse_unseen(
    connection: sa.Connection, reveal: Reveal, came_open: Collection[tuple[str, str]]
) -> None:
    """Somebody may have handed in while an import was weighed: that must stay sealed."""
    names = (reveal.competition, reveal.dataset)
    query = selection(("submission", "version"), *names, origins=(OWN, CLAIM)).where(
        RECORDS.c.kind == SUBMISSION, RECORDS.c.answers == reveal.answers
    )
    for row in connection.execute(query):
        if (row.submission, row.version) not in came_open:
            raise BoardError(
                f"{row.submission} was handed in to {'/'.join(names)} during the import. "
                "Nothing was imported.",
                hint="Import the file again.",
            )
