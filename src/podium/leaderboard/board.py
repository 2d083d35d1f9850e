"""The board: a database of immutable records.

SQLite in the workspace by default, PostgreSQL by `PODIUM_DB`; one code path. Records are
never changed: a withdrawal or a reveal is a record of its own. What came by `podium import` without
its predictions is a claim: shown and marked until a record of the same submission takes its place.
Private figures stay in the database until the answers are revealed. What concerns one dataset
alone is asked of its `podium.leaderboard.contest.Contest`.
"""

from __future__ import annotations

import datetime
import json
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import sqlalchemy as sa

from podium import workspace
from podium.competition import folders as competitions
from podium.errors import BoardError
from podium.figures import counted
from podium.leaderboard import database, journal, jsonl, schema
from podium.leaderboard.record import (
    CLAIM,
    OWN,
    REFERENCE,
    SUBMISSION,
    Pick,
    Record,
    Reveal,
    Withdrawal,
    now,
)
from podium.leaderboard.schema import PICKS, RECORDS, REVEALS, WITHDRAWALS

RECORD_FIELDS = tuple(field.name for field in fields(Record))
AT_ONCE = 5_000
"""Parameters that a query takes."""
_TRUST = {CLAIM: 0, REFERENCE: 1, OWN: 2}
"""Of two of the same submission and version the one that is trusted more stays."""
_Fact = TypeVar("_Fact", Record, Withdrawal, Reveal, Pick)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is added together, in one transaction: all of it or nothing.

    Attributes:
        claims: Records whose predictions are not at hand. A claim that is there already is
            replaced by one that tells more (the private figures).
        references: Lines that Podium ships.
        reveals: Added only where all submissions are among `came_open`.
        came_open: Submission and version of records that came with their private figures, which
            were computed here as well.
    """

    records: Sequence[Record] = ()
    claims: Sequence[Record] = ()
    references: Sequence[Record] = ()
    withdrawals: Sequence[Withdrawal] = ()
    reveals: Sequence[Reveal] = ()
    picks: Sequence[Pick] = ()
    came_open: Collection[tuple[str, str]] = ()


class Board:
    """The leaderboard's database; the first thing that is written makes it.

    Where there is none yet, there is nothing to be read.
    """

    def __init__(self, url: sa.URL) -> None:
        self.url = url
        self._engine: sa.Engine | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a database."""
        return database.exists(self.url)

    def must_exist(self) -> Board:
        """The board itself.

        Raises:
            BoardError: If nothing was ever written to it.
        """
        if not self.exists:
            raise BoardError(
                "There is no board here yet.",
                problems=[f"The workspace is {workspace.root()}; PODIUM_WORKSPACE names another."],
                hint="Begin with: podium list",
            )
        return self

    def add(self, record: Record, *, daily_limit: int | None = None) -> bool:
        """Add a record; False if the very same submission was scored here before.

        Args:
            record: What is added.
            daily_limit: Submissions a team may have in a day.

        Raises:
            BoardError: If the team has as many of this day already as the limit allows, or no
                export could say the record.
        """
        jsonl.refuse_unwritable(record)
        primary = _primaries([record])
        with self.write() as connection:
            key = {"submission": record.submission, "version": record.version, "origin": OWN}
            if connection.execute(_select(["number"], **key)).first():
                return False
            if daily_limit:
                names = (record.competition, record.dataset, record.version)
                refuse_over_limit(connection, daily_limit, record.team, *names)
            _put(connection, [record], OWN, primary)
        return True

    def merge(self, batch: Batch) -> None:
        """Add what is not there yet.

        Raises:
            BoardError: If a reveal would open a submission that did not come open.
        """
        primary = _primaries([*batch.records, *batch.references, *batch.claims])
        with self.write() as connection:
            _put(connection, batch.records, OWN, primary)
            _put(connection, batch.references, REFERENCE, primary)
            _put(connection, batch.claims, CLAIM, primary)
            _withdraw(connection, batch.withdrawals, CLAIM)
            for reveal in batch.reveals:
                _refuse_unseen(connection, reveal, batch.came_open)
            _reveal(connection, batch.reveals)
            _pick(connection, batch.picks)

    def withdraw(self, withdrawal: Withdrawal) -> bool:
        """Record a withdrawal; False if the submission is withdrawn already."""
        jsonl.refuse_unwritable(withdrawal)
        with self.write() as connection:
            return bool(_withdraw(connection, [withdrawal], OWN))

    def remark(self, submission: str, message: str) -> None:
        """Change the remark on a submission that was scored here, in all its versions.

        Raises:
            BoardError: If it was scored elsewhere: other boards would keep the old remark.
        """
        mine = (RECORDS.c.submission == submission, RECORDS.c.origin == OWN)
        with self.write() as connection:
            if not connection.execute(
                RECORDS.update().where(*mine).values(message=message)
            ).rowcount:
                raise BoardError(
                    f"{submission} was scored on another board and imported here.",
                    hint="Change its remark there, export that board, and import the file.",
                )
            journal.note(
                connection, RECORDS, connection.execute(RECORDS.select().where(*mine)).mappings()
            )

    def reveal(self, reveal: Reveal) -> bool:
        """Open private scores for good; False if they are open already."""
        jsonl.refuse_unwritable(reveal)
        with self.write() as connection:
            return bool(_reveal(connection, [reveal]))

    def pick(self, pick: Pick) -> None:
        """Note what a team picks here, instead of what it picked before, whatever its clock said.

        Raises:
            BoardError: If the answers were revealed meanwhile.
        """
        jsonl.refuse_unwritable(pick)
        with self.write() as connection:
            query = sa.select(PICKS.c.created).where(*_of_team(pick))
            before = connection.execute(query).scalar()
            created = pick.created if before is None else max(pick.created, before)
            if not _pick(connection, [replace(pick, created=created)]) and before is None:
                raise BoardError("The private scores are open now: it is too late to pick.")

    def records(self, origins: Collection[str] = (), **where: str) -> list[Record]:
        """Records in the order in which they came.

        Args:
            origins: Of these alone: `own`, `claim`, `reference`.
            where: What columns hold: `competition`, `dataset`, `submission`, `version`, ...
        """
        query = _select(RECORD_FIELDS, **where)
        return self._facts(Record, query.where(RECORDS.c.origin.in_(origins)) if origins else query)

    def select(self, *columns: str, **where: str) -> Sequence[Any]:
        """Columns of the records that hold these values, in the order in which they came."""
        return self.all(_select(columns, **where))

    def withdrawals(self, origins: Collection[str] = (OWN, CLAIM)) -> list[Withdrawal]:
        """All withdrawals, or those that were made here (`own`), or elsewhere (`claim`)."""
        columns = [WITHDRAWALS.c[field.name] for field in fields(Withdrawal)]
        query = sa.select(*columns).where(WITHDRAWALS.c.origin.in_(origins))
        return self._facts(Withdrawal, query)

    def reveals(self) -> list[Reveal]:
        """All reveals."""
        return self._facts(Reveal, sa.select(REVEALS))

    def picks(self) -> list[Pick]:
        """The picks of all teams."""
        picks = self._facts(Pick, sa.select(PICKS))
        return [replace(pick, submissions=tuple(pick.submissions)) for pick in picks]

    def counts(self, *, references: bool = False) -> dict[tuple[str, str], int]:
        """Submissions by competition and dataset: no controls, no withdrawn ones.

        Args:
            references: Whether lines that Podium ships count, too.
        """
        board = (RECORDS.c.competition, RECORDS.c.dataset)
        query = (
            sa.select(*board, sa.func.count(RECORDS.c.submission.distinct()))
            .where(
                RECORDS.c.kind == SUBMISSION,
                RECORDS.c.submission.not_in(select_withdrawn()),
                *([] if references else [RECORDS.c.origin != REFERENCE]),
            )
            .group_by(*board)
        )
        return {(row[0], row[1]): int(row[2]) for row in self.all(query)}

    def withdrawn(self) -> set[str]:
        """Submissions that are withdrawn, here or (where they are claims) elsewhere."""
        return {row[0] for row in self.all(select_withdrawn())}

    def damage(self) -> list[str]:
        """What the database itself finds wrong with its file; a server sees to its own."""
        if not database.sqlite_file(self.url):
            return []
        told = [str(row[0]) for row in self.all(sa.text("PRAGMA integrity_check"))]
        return [] if told == ["ok"] else told

    def all(self, query: sa.Executable) -> Sequence[Any]:
        """The rows of one question."""
        if not self.exists:  # to make an empty one takes 20 ms
            return []
        with self.read() as connection:
            return connection.execute(query).all()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """What is asked within is of one moment."""
        with self._guarded(), self._open().connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction; writers take turns."""
        with self._guarded():
            writer = self._open(writing=True).execution_options(**{database.WRITES: True})
            with writer.begin() as connection:
                yield connection

    def _open(self, *, writing: bool = False) -> sa.Engine:
        """The database, opened once, or for each read if sealed; an empty one if there is none."""
        if self._engine is None and not writing and not self.exists:
            return database.empty()
        if self._engine is None or database.is_sealed(self._engine):
            self._engine = database.engine(self.url, reading=not writing)
            if not database.is_sealed(self._engine):
                weakref.finalize(self, self._engine.dispose)
        return self._engine

    def _facts(self, kind: type[_Fact], query: sa.Select[Any]) -> list[_Fact]:
        return [kind(**row._mapping) for row in self.all(query)]  # noqa: SLF001  its public name

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise database.refusal(self.url, "refused", error) from error
        except json.JSONDecodeError as error:
            raise BoardError(
                f"The board's database {database.shown(self.url)} has a record that was changed by "
                "hand: it is no JSON.",
                hint="Put back a copy, or begin anew and podium import an export.",
            ) from error


def open_board(url: str | None = None) -> Board:
    """The board at an address; by default that of the workspace.

    Raises:
        BoardError: If the address is none.
    """
    return Board(database.parse(url or workspace.database_url()))


def _select(columns: Iterable[str], **where: str) -> sa.Select[Any]:
    """Columns of records, in the order in which they were added; `where` says what others hold."""
    query = sa.select(*(RECORDS.c[name] for name in columns)).order_by(RECORDS.c.number)
    return query.where(*(RECORDS.c[name] == value for name, value in where.items()))


def select_withdrawn() -> sa.Select[Any]:
    """Submissions that are withdrawn: here, or elsewhere as long as nobody here has scored them."""
    ours = sa.select(RECORDS.c.submission).where(
        RECORDS.c.submission == WITHDRAWALS.c.submission, RECORDS.c.origin != CLAIM
    )
    return sa.select(WITHDRAWALS.c.submission).where(
        sa.or_(WITHDRAWALS.c.origin == OWN, ~ours.exists())
    )


def select_revealed(competition: str, dataset: str, answers: str) -> sa.Select[Any]:
    """When the answers of a dataset were revealed."""
    return sa.select(REVEALS.c.created).where(
        REVEALS.c.competition == competition,
        REVEALS.c.dataset == dataset,
        REVEALS.c.answers == answers,
    )


def score_of(card: Mapping[str, Any] | None, primary: str) -> float | None:
    """The score that ranks, from the figures of a part."""
    value: float | None = (card or {}).get("scores", {}).get(primary)
    return None if value is None else float(value)  # a whole one, too: as columns give it back


def row_of(record: Record, origin: str, primary: str | None) -> dict[str, Any]:
    """A record as the table has it; `primary` is the score that ranks, where it is known."""
    scores = {
        column: score_of(getattr(record, part), primary) if primary else None
        for part, column in schema.SCORES.items()
    }
    return {**vars(record), "origin": origin, "score": primary, **scores}


def refuse_over_limit(
    connection: sa.Connection, limit: int, team: str, competition: str, dataset: str, version: str
) -> None:
    """Refuse one more look of a day, in UTC; failures are never recorded and so never count.

    Raises:
        BoardError: With when the next is possible.
    """
    day = now()[: len("2026-01-31")]
    following = datetime.date.fromisoformat(day) + datetime.timedelta(days=1)
    where = {"competition": competition, "dataset": dataset, "version": version, "team": team}
    query = sa.select(sa.func.count()).where(
        *(RECORDS.c[name] == value for name, value in {**where, "kind": SUBMISSION}.items()),
        RECORDS.c.created >= day,
        RECORDS.c.created < following.isoformat(),  # a clock that was ahead is no today for ever
    )
    number = connection.execute(query).scalar() or 0
    if number < limit:
        return
    raise BoardError(
        f"Team {team} has handed in {counted([(number, 'submission')])} today; the limit is "
        f"{limit} a day.",
        hint=f"The next is possible from {following} 00:00 UTC. Choose among models meanwhile: "
        "podium cv",
    )


def _primaries(records: Sequence[Record]) -> dict[str, str | None]:
    """The score that ranks by competition, which need not be here for its records to be.

    Asked before the database is locked: a competition's code may have to be imported.
    """
    loaded = {name: competitions.try_load(name) for name in {r.competition for r in records}}
    return {n: None if isinstance(c, str) else c.primary.name for n, c in loaded.items()}


def _put(
    connection: sa.Connection,
    records: Sequence[Record],
    origin: str,
    primary: Mapping[str, str | None],
) -> None:
    """Add records whose submission and version the board does not have.

    One that is trusted more, or as much and tells more (the private figures), takes the place of
    another, and its number: nothing is on the board twice.
    """
    new, better = list[dict[str, Any]](), list[dict[str, Any]]()
    there = _known(connection, records)
    last = connection.execute(sa.select(sa.func.max(RECORDS.c.number))).scalar() or 0
    for record in records:
        row = row_of(record, origin, primary[record.competition])
        rank = _TRUST[origin], origin != OWN and bool(record.private)
        number, other = there.get(record.key, (None, None))
        if other is None:
            there[record.key] = None, rank
            new.append({**row, "number": last + len(new) + 1})
        elif number is not None and rank > other:
            there[record.key] = None, rank
            better.append({**row, "number": number})
    if new:
        connection.execute(RECORDS.insert(), new)
    for row in better:
        connection.execute(RECORDS.update().where(RECORDS.c.number == row["number"]).values(row))
    journal.note(connection, RECORDS, [*new, *better])


def _known(
    connection: sa.Connection, records: Sequence[Record]
) -> dict[tuple[str, str], tuple[int | None, tuple[int, bool] | None]]:
    """Number of each record that the board has, and how much it is trusted and tells."""
    names = ("submission", "version", "number", "origin")
    # to read the figures of a large board would take longer than to add to it
    sealed = RECORDS.c.private == sa.literal({}, schema.Json)
    query = sa.select(*(RECORDS.c[name] for name in names), sealed)
    if len(records) < AT_ONCE:
        query = query.where(RECORDS.c.submission.in_([r.submission for r in records]))
    rows: Sequence[Any] = connection.execute(query).all()
    return {
        (submission, version): (number, (_TRUST[origin], origin != OWN and not bare))
        for submission, version, number, origin, bare in rows
    }


def _withdraw(connection: sa.Connection, withdrawals: Sequence[Withdrawal], origin: str) -> int:
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


def _reveal(connection: sa.Connection, reveals: Iterable[Reveal]) -> int:
    """Note reveals of what is sealed; gives their number."""
    new = [vars(one) for one in reveals if not _opened(connection, one)]
    if new:
        connection.execute(REVEALS.insert(), new)
        journal.note(connection, REVEALS, new)
    return len(new)


def _opened(connection: sa.Connection, one: Reveal | Pick) -> str | None:
    query = select_revealed(one.competition, one.dataset, one.answers)
    return connection.execute(query).scalar()


def _pick(connection: sa.Connection, picks: Iterable[Pick]) -> int:
    """Note picks that are later than what their team picked before; gives their number.

    What is picked when the answers are known does not count.
    """
    noted = 0
    for one in picks:
        opened = _opened(connection, one)
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


def _of_team(pick: Pick) -> list[sa.ColumnElement[bool]]:
    """What the pick's team picked before."""
    columns = ("competition", "dataset", "answers", "team")
    return [PICKS.c[name] == getattr(pick, name) for name in columns]


def _refuse_unseen(
    connection: sa.Connection, reveal: Reveal, came_open: Collection[tuple[str, str]]
) -> None:
    """Somebody may have handed in while an import was weighed: that must stay sealed."""
    where = {"competition": reveal.competition, "dataset": reveal.dataset, "kind": SUBMISSION}
    query = _select(["submission", "version"], **where, answers=reveal.answers)
    for row in connection.execute(query.where(RECORDS.c.origin != REFERENCE)):
        if (row.submission, row.version) not in came_open:
            raise BoardError(
                f"{row.submission} was handed in to "
                f"{competitions.name_of(reveal.competition)}/{reveal.dataset} during "
                "the import. Nothing was imported.",
                hint="Import the file again.",
            )
