"""One table of records, versions by behaviour, reveals of an answers' version.

From the tables of before versions: `records`, and as they came `claims`, `scores`, `withdrawals`,
`reveals`. Claims become records with a flag; the score that ranks becomes columns. What was scored
on an edition that gives the same scores as the present version takes that one's name, so nothing
is scored again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from podium.competition import folders as competitions
from podium.competition.version import answers_of, successor
from podium.leaderboard import schema
from podium.leaderboard.record import CLAIM, OWN

revision = "0001"
down_revision = None

_NEW = ("answers", "origin", "score", *schema.SCORES.values())
_OLD = tuple(column.name for column in schema.RECORDS.columns if column.name not in _NEW)
_BOARD = ("competition", "dataset")


def upgrade(told: list[str]) -> None:
    """Change the tables in place; `told` says what was done."""
    connection = op.get_bind()
    names = set(sa.inspect(connection).get_table_names())
    _changed("records")
    for edition, provenance in _editions(connection):
        _update(connection, edition, {"answers": answers_of(provenance)})
    renamed = sum(_renamed(connection))
    if "claims" in names:
        _changed("claims")
        _move_claims(connection)
        renamed += _renamed_claims(connection)
    _move_scores(connection, {"scores"} & names)
    claims = _count(connection, schema.RECORDS.c.origin == CLAIM)
    told.append(f"{_count(connection)} records, {claims} of them claims")
    if renamed:
        told.append(f"{renamed} kept their scores under the metric's new version")
    _move_reveals(connection)
    for table in (schema.WITHDRAWALS, schema.PICKS):
        table.create(connection, checkfirst=True)
    for name in {"claims", "scores"} & names:
        op.drop_table(name)
    for index in schema.RECORDS.indexes:
        index.create(connection)


def _changed(name: str) -> None:
    """Rename and add the columns of one table; its old indexes go."""
    connection = op.get_bind()
    for index in sa.inspect(connection).get_indexes(name):
        if not index.get("duplicates_constraint"):
            op.drop_index(str(index["name"]), name)
    op.alter_column(name, "edition", new_column_name="version")
    for column in _NEW:
        op.add_column(name, _plain(schema.RECORDS.c[column]))


def _plain(column: sa.Column[Any]) -> sa.Column[Any]:
    default = column.server_default.arg if column.server_default is not None else None  # type: ignore[attr-defined]
    return sa.Column(column.name, column.type, nullable=column.nullable, server_default=default)


def _move_claims(connection: sa.Connection) -> None:
    """Claims that no record has taken the place of become records.

    Records may have the new name of their version already: then both are there, and the claim goes
    when it gets its own.
    """
    names = [name for name in _OLD if name != "number"]
    records = schema.RECORDS
    claims = sa.table("claims", *(sa.column(name) for name in _OLD))
    taken = sa.exists().where(
        records.c.submission == claims.c.submission, records.c.version == claims.c.version
    )
    left = (
        sa.select(*(claims.c[name] for name in names), sa.literal(CLAIM))
        .where(~taken)
        .order_by(claims.c.number)
    )
    connection.execute(records.insert().from_select([*names, "origin"], left))


def _move_scores(connection: sa.Connection, there: set[str]) -> None:
    """The score that ranks, from the old index of scores and, for claims, from their cards."""
    primary: dict[tuple[str, str], str] = {}
    if there:
        asked = sa.text("SELECT DISTINCT competition, dataset, score FROM scores")
        primary = {(row[0], row[1]): row[2] for row in connection.execute(asked)}
    for (competition, dataset), score in primary.items():
        table = schema.RECORDS
        query = sa.select(table.c.number, *(table.c[part] for part in schema.SCORES)).where(
            table.c.competition == competition, table.c.dataset == dataset
        )
        values = [
            {"old": number, "score": score, **_figures(cards, score)}
            for number, *cards in connection.execute(query)
        ]
        if values:
            update = table.update().where(table.c.number == sa.bindparam("old"))
            connection.execute(update, values)


def _figures(cards: list[Any], score: str) -> dict[str, float | None]:
    each = zip(schema.SCORES.values(), cards, strict=True)
    return {name: (card or {}).get("scores", {}).get(score) for name, card in each}


def _editions(
    connection: sa.Connection,
) -> Iterator[tuple[tuple[str, str, str], Mapping[str, Any]]]:
    """Each edition on the board and the provenance of its last record, the latest one first."""
    table = schema.RECORDS
    last = sa.select(sa.func.max(table.c.number)).group_by(
        table.c.competition, table.c.dataset, table.c.version
    )
    query = (
        sa.select(*(table.c[name] for name in (*_BOARD, "version", "provenance")))
        .where(table.c.number.in_(last))
        .order_by(table.c.number.desc())
    )
    for competition, dataset, version, provenance in connection.execute(query).all():
        yield (competition, dataset, version), provenance or {}


def _update(
    connection: sa.Connection, edition: tuple[str, str, str], values: Mapping[str, str]
) -> int:
    table, other = schema.RECORDS, schema.RECORDS.alias()
    update = (
        table.update()
        .where(
            table.c.competition == edition[0],
            table.c.dataset == edition[1],
            table.c.version == edition[2],
        )
        .values(**values)
    )
    if "version" in values:  # a record of both stays once under the new name
        taken = sa.exists().where(
            other.c.submission == table.c.submission, other.c.version == values["version"]
        )
        update = update.where(~taken)
    return connection.execute(update).rowcount


def _renamed(connection: sa.Connection) -> Iterator[int]:
    """Give records of editions that score as the present version does the name of that."""
    for edition, provenance in _editions(connection):
        if new := _present(*edition[:2], provenance):
            yield _update(connection, edition, {"version": new})


def _renamed_claims(connection: sa.Connection) -> int:
    """The same of claims: each by what it says of itself, since nobody has checked it."""
    table, renamed = schema.RECORDS, 0
    columns = (*_BOARD, "submission", "number", "provenance")
    query = sa.select(*(table.c[name] for name in columns)).where(table.c.origin == CLAIM)
    taken = {
        tuple(row) for row in connection.execute(sa.select(table.c.submission, table.c.version))
    }
    for name, dataset, submission, number, provenance in connection.execute(query).all():
        one = table.c.number == number
        new = _present(name, dataset, provenance or {})
        if new and (submission, new) in taken:  # a record has taken its place
            connection.execute(table.delete().where(one))
            continue
        values = {"answers": answers_of(provenance or {}), **({"version": new} if new else {})}
        connection.execute(table.update().where(one).values(**values))
        renamed += new is not None
    return renamed


def _present(name: str, dataset: str, provenance: Mapping[str, Any]) -> str | None:
    """The present version, if what was scored so scores alike in it."""
    known = competitions.try_load(name)
    return None if isinstance(known, str) else successor(known, dataset, provenance)


def _move_reveals(connection: sa.Connection) -> None:
    """A reveal opened what was there: the answers of each version that was scored before it.

    What was claimed tells of answers only where nothing was scored.
    """
    columns = ("competition", "dataset", "who", "created")
    reveals = sa.table("reveals", *(sa.column(name) for name in columns))
    old = connection.execute(sa.select(reveals)).all()
    op.drop_table("reveals")
    schema.REVEALS.create(connection)
    table = schema.RECORDS
    for row in old:
        reveal = dict(zip(columns, row, strict=True))
        query = sa.select(table.c.answers).where(
            table.c.competition == reveal["competition"],
            table.c.dataset == reveal["dataset"],
            table.c.created <= reveal["created"],
        )
        own = set(connection.execute(query.where(table.c.origin == OWN)).scalars())
        for answers in (own or set(connection.execute(query).scalars())) - {""}:
            connection.execute(schema.REVEALS.insert().values(**reveal, answers=answers))


def _count(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(schema.RECORDS).where(*where)
    return int(connection.execute(query).scalar() or 0)
