"""What is asked of the board's tables in several places, and the index of what ranks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from podium.boards import schema
from podium.boards.ranking import Entry
from podium.boards.record import PARTS, SUBMISSION, Record, Reveal
from podium.errors import BoardError

RECORD_FIELDS = tuple(field.name for field in fields(Record))
_ENTRY_COLUMNS = ("number", "competition", "dataset", *Entry._fields[1:-2])
_AT_ONCE = 5_000


def batched(values: Sequence[int]) -> Iterator[Sequence[int]]:
    """As many as a query takes as its parameters."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


def indexed(competition: str, dataset: str, primary: str) -> tuple[sa.ColumnElement[bool], ...]:
    """What the index of scores has of a board."""
    return (
        schema.SCORES.c.competition == competition,
        schema.SCORES.c.dataset == dataset,
        schema.SCORES.c.score == primary,
    )


def index(connection: sa.Connection, competition: str, dataset: str, primary: str) -> None:
    """Note the scores of what came since the last time."""
    for table in (schema.RECORDS, schema.CLAIMS):
        found = connection.execute(_not_indexed(table, competition, dataset, primary)).mappings()
        while some := found.fetchmany(_AT_ONCE):
            entries = [_scored(row, table is schema.CLAIMS, primary) for row in some]
            connection.execute(schema.SCORES.insert(), entries)


def late(
    connection: sa.Connection, competition: str, dataset: str, primary: str, part: str
) -> Iterator[Entry]:
    """What the index of scores does not have yet: a reader waits for no writer."""
    for table in (schema.RECORDS, schema.CLAIMS):
        query = _not_indexed(table, competition, dataset, primary)
        query = query.where(~schema.HAS_RECORD) if table is schema.CLAIMS else query
        for row in connection.execute(query).mappings():
            found = _scored(row, table is schema.CLAIMS, primary)
            yield Entry(found[part], *(found[name] for name in Entry._fields[1:]))


def _not_indexed(table: sa.Table, competition: str, dataset: str, primary: str) -> sa.Select[Any]:
    """Records later than all that the index of scores has: writers come one after the other."""
    last = (
        sa.select(sa.func.coalesce(sa.func.max(schema.SCORES.c.number), 0))
        .where(
            *indexed(competition, dataset, primary),
            schema.SCORES.c.claimed == (table is schema.CLAIMS),
        )
        .scalar_subquery()
    )
    query = selection(table, (*_ENTRY_COLUMNS, *PARTS), competition, dataset, superseded=True)
    return query.where(table.c.number > last)


def _scored(row: sa.RowMapping, claimed: bool, primary: str) -> dict[str, Any]:
    """What the index of scores has of a record."""
    scores = {part: row[part].get("scores", {}).get(primary) for part in PARTS}
    own = {"claimed": claimed, "score": primary}
    return {**own, **{name: row[name] for name in _ENTRY_COLUMNS}, **scores}


def selection(
    table: sa.Table,
    columns: Iterable[str],
    competition: str | None = None,
    dataset: str | None = None,
    superseded: bool = False,
) -> sa.Select[Any]:
    """Columns of records or of claims, by default those that no record took the place of.

    They come in the order in which they were added.
    """
    query = sa.select(*(table.c[name] for name in columns)).order_by(table.c.number)
    if competition is not None:
        query = query.where(table.c.competition == competition)
    if dataset is not None:
        query = query.where(table.c.dataset == dataset)
    return query.where(~schema.HAS_RECORD) if table is schema.CLAIMS and not superseded else query


def keyed(submission: str, edition: str) -> sa.Select[Any]:
    """The number of a submission's record in an edition."""
    return sa.select(schema.RECORDS.c.number).where(
        schema.RECORDS.c.submission == submission, schema.RECORDS.c.edition == edition
    )


def looks(
    connection: sa.Connection, competition: str, dataset: str, edition: str, since: str
) -> dict[str, int]:
    """Submissions by team since a time, withdrawn ones too."""
    seen = sa.union(
        *(
            sa.select(table.c.team, table.c.submission).where(
                table.c.competition == competition,
                table.c.dataset == dataset,
                table.c.edition == edition,
                table.c.kind == SUBMISSION,
                table.c.created >= since,
            )
            for table in (schema.RECORDS, schema.CLAIMS)
        )
    ).subquery()
    query = sa.select(seen.c.team, sa.func.count()).group_by(seen.c.team)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def insert(
    connection: sa.Connection, table: sa.Table, entries: Sequence[Any], key: Sequence[str]
) -> int:
    """Insert entries whose key the table does not have; gives their number."""
    if not entries:
        return 0
    there = {tuple(row) for row in connection.execute(sa.select(*(table.c[k] for k in key)))}
    new = [vars(entry) for entry in entries if tuple(getattr(entry, k) for k in key) not in there]
    if new:
        connection.execute(table.insert(), new)
    return len(new)


def drop_partial(connection: sa.Connection, keys: Iterable[tuple[str, str]]) -> None:
    """Remove claims without private figures where a fuller one is about to come."""
    wanted = set(keys)
    query = sa.select(
        schema.CLAIMS.c.number,
        schema.CLAIMS.c.submission,
        schema.CLAIMS.c.edition,
        schema.CLAIMS.c.private,
    )
    partial = [
        {"old": row.number}
        for row in (connection.execute(query) if wanted else ())
        if not row.private and (row.submission, row.edition) in wanted
    ]
    if partial:
        connection.execute(
            schema.CLAIMS.delete().where(schema.CLAIMS.c.number == sa.bindparam("old")), partial
        )
        indexed = schema.SCORES.c.claimed & (schema.SCORES.c.number == sa.bindparam("old"))
        connection.execute(schema.SCORES.delete().where(indexed), partial)


def refuse_unseen(
    connection: sa.Connection, reveal: Reveal, came_open: Collection[tuple[str, str]]
) -> None:
    """Somebody may have handed in while an import was weighed: that must stay sealed."""
    names = (reveal.competition, reveal.dataset)
    for table in (schema.RECORDS, schema.CLAIMS):
        query = selection(table, ("submission", "edition"), *names)
        for row in connection.execute(query.where(table.c.kind == SUBMISSION)):
            if (row.submission, row.edition) not in came_open:
                raise BoardError(
                    f"{row.submission} was handed in to {'/'.join(names)} during the import. "
                    "Nothing was imported.",
                    hint="Import the file again.",
                )
