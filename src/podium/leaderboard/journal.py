"""The journal of a board: an entry for each row that was written, each chained to the one before.

Rows change seldom (a record takes the place of a claim, a team picks again); the journal only
grows. So whatever is changed, removed or put in behind Podium's back contradicts it. Writers come
one at a time, so entries are numbered without gaps. Whoever may write the whole database can write
a new journal as well: see docs/boards.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from podium.leaderboard.schema import JOURNAL, PICKS, RECORDS, REVEALS, WITHDRAWALS

_Row = Mapping[str, Any] | sa.RowMapping
KEYS = {
    RECORDS: ("submission", "version"),
    WITHDRAWALS: ("submission",),
    REVEALS: ("answers",),
    PICKS: ("answers", "team"),
}
"""What names a row within its dataset, by table."""


def note(connection: sa.Connection, table: sa.Table, rows: Iterable[_Row]) -> None:
    """Enter rows as they are written, in the same transaction."""
    query = sa.select(JOURNAL.c.number, JOURNAL.c.chain).order_by(JOURNAL.c.number.desc()).limit(1)
    number, chain = connection.execute(query).first() or (0, "")
    entries = []
    for number, row in enumerate(rows, number + 1):  # noqa: B020  goes on where the last ended
        entry = {
            "number": number,
            "competition": row["competition"],
            "dataset": row["dataset"],
            "fact": _fact(table, row),
            "sha256": _sha256([row.get(column.name) for column in table.columns]),
        }
        chain = _link(chain, entry)
        entries.append({**entry, "chain": chain})
    if entries:
        connection.execute(JOURNAL.insert(), entries)


def contradictions(connection: sa.Connection, competition: str, dataset: str) -> Iterator[str]:
    """Where the journal is broken, and which rows of a dataset are not those that it has."""
    known: dict[str, str] = {}
    expected, chain = 0, ""
    for entry in connection.execute(sa.select(JOURNAL).order_by(JOURNAL.c.number)).mappings():
        expected, number, chain = expected + 1, entry["number"], _link(chain, entry)
        if number != expected or entry["chain"] != chain:
            what = "is missing" if number != expected else "was changed, or one before it removed"
            yield f"journal: entry {expected} {what}"
            expected, chain = number, entry["chain"]
        if (entry["competition"], entry["dataset"]) == (competition, dataset):
            known[entry["fact"]] = entry["sha256"]
    for table in KEYS:
        query = table.select().where(table.c.competition == competition, table.c.dataset == dataset)
        for row in connection.execute(query).mappings():
            sha256 = known.pop(fact := _fact(table, row), None)
            if sha256 is None:
                yield f"{_named(fact)} was not written by Podium"
            elif sha256 != _sha256([row[column.name] for column in table.columns]):
                yield f"{_named(fact)} was changed after it was written"
    yield from (f"{_named(fact)} was removed" for fact in known)


def _fact(table: sa.Table, row: _Row) -> str:
    return json.dumps([table.name, *(row[name] for name in KEYS[table])])


def _named(fact: str) -> str:
    table, *key = json.loads(fact)
    return f"{table}: {' '.join(key)}"


def _link(chain: str, entry: _Row) -> str:
    return _sha256([chain, *(entry[c.name] for c in JOURNAL.columns if c.name != "chain")])


def _sha256(values: list[Any]) -> str:
    """Of values as a database gives them back: figures by all their digits, bytes in hex."""
    return hashlib.sha256(json.dumps(values, default=bytes.hex).encode()).hexdigest()
