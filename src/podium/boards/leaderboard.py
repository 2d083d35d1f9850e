"""The board: a database of immutable records, and of what other boards claim.

SQLite in the workspace by default, PostgreSQL by `PODIUM_DB`; one code path. Records are
never changed: a withdrawal or a reveal is a record of its own. What came by `podium import` without
its predictions is a claim: shown and marked until a record of the same submission takes its place.
Private figures stay in the database until the competition is revealed.
"""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
import time
import weakref
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from podium.boards.ranking import Entry, Line, Ranking, Row, rank
from podium.boards.record import PARTS, SUBMISSION, Record, Reveal, Withdrawal, now
from podium.competition import Competition
from podium.errors import BoardError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BUSY_SECONDS = 30
_OPTIONS = {"sqlite": {"timeout": _BUSY_SECONDS}, "postgresql": {"connect_timeout": 10}}
_WRITERS = int.from_bytes(b"podium")  # the name of PostgreSQL's lock
_WRITES = "podium_writes"
_NAME_ONE = (
    "Name another: PODIUM_DB=sqlite:////path/to/board.sqlite or "
    "postgresql://user:password@host/database"
)
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "lustre", "beegfs", "gpfs"}


class _Json(sa.TypeDecorator[Any]):
    """JSON as text: order, NaN and NUL are the same in every database."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:  # noqa: ARG002
        return json.dumps(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return json.loads(value or "null")


_schema = sa.MetaData()


def _record_columns() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("submission", sa.Text, nullable=False),
        sa.Column("competition", sa.Text, nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("edition", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("file", sa.Text),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("provenance", _Json, nullable=False),
        sa.Column("public", _Json, nullable=False),
        sa.Column("private", _Json, nullable=False),
        sa.Column("all", _Json, nullable=False),
        sa.Column("public_influence", sa.LargeBinary, nullable=False),
        sa.Column("private_influence", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("submission", "edition"),
    ]


_records = sa.Table(
    "records",
    _schema,
    *_record_columns(),
    sa.Index("board", "competition", "dataset", "edition"),
)
_claims = sa.Table(
    "claims",
    _schema,
    *_record_columns(),
    sa.Index("claimed_board", "competition", "dataset", "edition"),
)
_withdrawals = sa.Table(
    "withdrawals",
    _schema,
    sa.Column("submission", sa.Text, primary_key=True),
    sa.Column("competition", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("team", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
)
_reveals = sa.Table(
    "reveals",
    _schema,
    sa.Column("competition", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
)
_scores = sa.Table(
    "scores",
    _schema,
    sa.Column("claimed", sa.Boolean, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("score", sa.Text, primary_key=True),
    sa.Column("competition", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("submission", sa.Text, nullable=False),
    sa.Column("team", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    *(sa.Column(part, sa.Double) for part in PARTS),
    sa.Index("scored_board", "competition", "dataset", "score", "claimed", "number"),
)
"""What ranks the records and claims, a few bytes each: an index, which the board makes itself."""
_has_record = sa.exists().where(
    _records.c.submission == _claims.c.submission, _records.c.edition == _claims.c.edition
)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is added together, in one transaction: all of it or nothing.

    Attributes:
        claims: Records whose predictions are not at hand. A claim that is there already is
            replaced by one that tells more (the private figures).
        reveals: Added only where all submissions are among `came_open`.
        came_open: Submission and edition of records that came with their private figures.
    """

    records: Sequence[Record] = ()
    claims: Sequence[Record] = ()
    withdrawals: Sequence[Withdrawal] = ()
    reveals: Sequence[Reveal] = ()
    came_open: Collection[tuple[str, str]] = ()


class Board:
    """The leaderboard's database."""

    def __init__(self, url: sa.URL) -> None:
        self.url = url
        self._engine = _engine(url)
        weakref.finalize(self, self._engine.dispose)

    def add(
        self, record: Record, daily_limit: int | None = None, primary: str | None = None
    ) -> bool:
        """Add a record; False if the very same submission is there already.

        Args:
            record: What is added.
            daily_limit: Submissions a team may have in a day.
            primary: The score that ranks; where it is given, the board is indexed, too.

        Raises:
            BoardError: If the team has as many of this day already as the limit allows.
        """
        there = _keyed(record.submission, record.edition)
        names = (record.competition, record.dataset)
        with self._write() as connection:
            if connection.execute(there).first():
                return False
            if daily_limit:
                looks = _looks(connection, *names, record.edition, since=today())
                refuse_over_limit(record.team, looks.get(record.team, 0), daily_limit)
            connection.execute(_records.insert().values(vars(record)))
            if primary:
                _index(connection, *names, primary)
        return True

    def merge(self, batch: Batch) -> None:
        """Add what is not there yet.

        Raises:
            BoardError: If a reveal would open a submission that did not come open.
        """
        with self._write() as connection:
            _insert(connection, _records, batch.records, ("submission", "edition"))
            fuller = [claim.key for claim in batch.claims if claim.private]
            _drop_partial(connection, fuller)
            _insert(connection, _claims, batch.claims, ("submission", "edition"))
            _insert(connection, _withdrawals, batch.withdrawals, ("submission",))
            for reveal in batch.reveals:
                _refuse_unseen(connection, reveal, batch.came_open)
            _insert(connection, _reveals, batch.reveals, ("competition", "dataset"))

    def records(self, competition: str | None = None, dataset: str | None = None) -> list[Record]:
        """Records in the order in which they came: all, or a competition's, or a dataset's."""
        return self._all(_records, competition, dataset)

    def claims(self, competition: str | None = None, dataset: str | None = None) -> list[Record]:
        """What other boards claim and no record has taken the place of."""
        return self._all(_claims, competition, dataset)

    def withdrawals(self) -> list[Withdrawal]:
        """All withdrawals."""
        with self._read() as connection:
            found = connection.execute(sa.select(_withdrawals)).mappings().all()
        return [Withdrawal(**row) for row in found]

    def reveals(self) -> list[Reveal]:
        """All reveals."""
        with self._read() as connection:
            found = connection.execute(sa.select(_reveals)).mappings().all()
        return [Reveal(**row) for row in found]

    def names(self, competition: str, dataset: str, *, edition: str, kind: str) -> set[str]:
        """Names of the records of a kind."""
        query = sa.select(_records.c.name).where(
            _records.c.competition == competition,
            _records.c.dataset == dataset,
            _records.c.edition == edition,
            _records.c.kind == kind,
        )
        with self._read() as connection:
            return set(connection.execute(query).scalars())

    def recorded(self, competition: str, dataset: str) -> set[str]:
        """Submissions that have a record in any edition."""
        query = sa.select(_records.c.submission).where(
            _records.c.competition == competition, _records.c.dataset == dataset
        )
        with self._read() as connection:
            return set(connection.execute(query).scalars())

    def ranking(
        self, competition: Competition, dataset: str, *, edition: str, part: str = "public"
    ) -> Ranking:
        """All lines of the board of one part, without their figures: quick at any size.

        Raises:
            BoardError: If the part is sealed.
        """
        if part != "public" and not self.revealed(competition.name, dataset):
            raise BoardError(
                f"The {part} scores of {competition.name}/{dataset} are sealed.",
                hint=f"Open them for good: podium reveal {competition.name} --dataset {dataset}",
            )
        names = (competition.name, dataset, competition.primary.name)
        query = (
            sa.select(_scores.c[part], *(_scores.c[name] for name in Entry._fields[1:]))
            .where(*_indexed(*names))
            .order_by(_scores.c.claimed, _scores.c.number)
        )
        taken = sa.exists().where(
            _records.c.submission == _scores.c.submission, _records.c.edition == _scores.c.edition
        )
        with self._read() as connection:
            withdrawn = set(connection.execute(sa.select(_withdrawals.c.submission)).scalars())
            indexed = connection.execute(query.where(~(_scores.c.claimed & taken))).all()
            found = list(map(Entry._make, indexed))
            found += _late(connection, *names, part)
        found.sort(key=lambda entry: entry.claimed)  # stable: in order of arrival
        return rank(found, withdrawn, competition, edition)

    def rows(
        self,
        competition: Competition,
        dataset: str,
        *,
        edition: str,
        part: str = "public",
        ranking: Ranking | None = None,
        lines: Sequence[Line] | None = None,
    ) -> list[Row]:
        """Lines of the board of one part with their figures; by default all.

        Args:
            competition: Whose.
            dataset: Its name.
            edition: The present one.
            part: `public`, or after reveal `private` and `all`.
            ranking: Where it was made already.
            lines: Which of its lines.

        Raises:
            BoardError: If the part is sealed.
        """
        ranking = ranking or self.ranking(competition, dataset, edition=edition, part=part)
        chosen = ranking.lines if lines is None else lines
        cards: dict[tuple[bool, int], Any] = {}
        with self._read() as connection:
            for table in (_records, _claims):
                claimed = table is _claims
                numbers = [ln.entry.number for ln in chosen if ln.entry.claimed == claimed]
                query = sa.select(table.c.number, table.c.name, table.c.model, table.c[part])
                for some in _batched(numbers):
                    for number, *figures in connection.execute(
                        query.where(table.c.number.in_(some))
                    ):
                        cards[claimed, number] = figures
        return [ranking.row(line, *cards[line.entry.claimed, line.entry.number]) for line in chosen]

    def index(self, competition: Competition, dataset: str) -> None:
        """Make the next looks at a board quick: note the scores of all that came to it."""
        with self._write() as connection:
            _index(connection, competition.name, dataset, competition.primary.name)

    def influence(
        self, competition: str, dataset: str, *, edition: str, part: str, submissions: Sequence[str]
    ) -> dict[str, NDArray[np.float32]]:
        """Influence values of the primary score, by submission; `part` is public or private."""
        import numpy as np  # here: a list of competitions needs none

        found: dict[str, NDArray[np.float32]] = {}
        for table in (_claims, _records):
            values = table.c[f"{part}_influence"]
            query = sa.select(table.c.submission, values).where(
                table.c.competition == competition,
                table.c.dataset == dataset,
                table.c.edition == edition,
                table.c.submission.in_(submissions),
            )
            with self._read() as connection:
                for submission, stored in connection.execute(query):
                    found[submission] = np.frombuffer(stored, np.float32)
        return found

    def looks(
        self, competition: str, dataset: str, *, edition: str, since: str = ""
    ) -> dict[str, int]:
        """How many public scores each team has seen, since a time; withdrawn ones count too."""
        with self._read() as connection:
            return _looks(connection, competition, dataset, edition, since)

    def messages(self, competition: str, dataset: str) -> dict[str, str]:
        """Remarks by submission, of those that have one."""
        found: dict[str, str] = {}
        with self._read() as connection:
            for table in (_records, _claims):
                query = _selection(table, ("submission", "message"), competition, dataset)
                rows = connection.execute(query.where(table.c.message != ""))
                found.update((row[0], row[1]) for row in rows)
        return found

    def has(self, submission: str, edition: str) -> bool:
        """Whether there is a record of it."""
        with self._read() as connection:
            return connection.execute(_keyed(submission, edition)).first() is not None

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of submissions by competition and dataset; controls and withdrawn ones not."""
        names = ("competition", "dataset", "submission")
        gone = sa.select(_withdrawals.c.submission)
        each = sa.union(
            *(
                sa.select(*(table.c[name] for name in names)).where(
                    table.c.kind == SUBMISSION, table.c.submission.not_in(gone)
                )
                for table in (_records, _claims)
            )
        ).subquery()
        query = sa.select(each.c.competition, each.c.dataset, sa.func.count()).group_by(
            each.c.competition, each.c.dataset
        )
        with self._read() as connection:
            return {(row[0], row[1]): int(row[2]) for row in connection.execute(query)}

    def find(self, prefix: str) -> Record:
        """The submission whose short name begins so, in its latest edition.

        Raises:
            BoardError: If there is none, or more than one.
        """
        found: dict[str, Record] = {}
        with self._read() as connection:
            for table in (_claims, _records):
                query = _selection(table, _RECORD_FIELDS).where(
                    table.c.submission.startswith(prefix.lower(), autoescape=True)
                )
                rows = connection.execute(query).mappings()
                found.update({row["submission"]: Record(**row) for row in rows})
        if not prefix or not found:
            raise BoardError(
                f"No submission's ID begins with {prefix[:60]!r}.",
                hint="IDs are the board's last column: podium board COMP",
            )
        if len(found) > 1:
            raise BoardError(
                f"{prefix!r} begins the IDs of {len(found)} submissions.",
                problems=[f"{r.submission}: {r.name}, team {r.team}" for r in found.values()],
                hint="Give more letters of the ID.",
            )
        return next(iter(found.values()))

    def get(self, submission: str, edition: str) -> Record:
        """The record of a submission in an edition, or what is claimed of it.

        Raises:
            BoardError: If there is none.
        """
        for table in (_records, _claims):
            query = _selection(table, _RECORD_FIELDS).where(
                table.c.submission == submission, table.c.edition == edition
            )
            with self._read() as connection:
                for row in connection.execute(query).mappings():
                    return Record(**row)
        raise BoardError(f"There is no submission {submission[:60]!r} in the present edition.")

    def withdraw(self, withdrawal: Withdrawal) -> bool:
        """Record a withdrawal; False if the submission is withdrawn already."""
        with self._write() as connection:
            return bool(_insert(connection, _withdrawals, [withdrawal], ("submission",)))

    def withdrawn(self, submission: str) -> bool:
        """Whether a submission is withdrawn."""
        query = sa.select(_withdrawals.c.who).where(_withdrawals.c.submission == submission)
        with self._read() as connection:
            return connection.execute(query).first() is not None

    def revealed(self, competition: str, dataset: str) -> bool:
        """Whether the private scores are open."""
        query = sa.select(_reveals.c.who).where(
            _reveals.c.competition == competition, _reveals.c.dataset == dataset
        )
        with self._read() as connection:
            return connection.execute(query).first() is not None

    def reveal(self, competition: str, dataset: str, *, who: str, when: str) -> bool:
        """Open the private scores for good; False if they are open already."""
        reveal = Reveal(competition=competition, dataset=dataset, who=who, created=when)
        with self._write() as connection:
            return bool(_insert(connection, _reveals, [reveal], ("competition", "dataset")))

    def _all(self, table: sa.Table, competition: str | None, dataset: str | None) -> list[Record]:
        query = _selection(table, _RECORD_FIELDS, competition, dataset)
        with self._read() as connection:
            return [Record(**row) for row in connection.execute(query).mappings()]

    def damage(self) -> list[str]:
        """What the database itself finds wrong with its file; a server sees to its own."""
        if not _sqlite_file(self.url):
            return []
        with self._read() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        return [] if found == ["ok"] else [str(line) for line in found]

    def kept(self, competition: str, dataset: str) -> list[tuple[str, str]]:
        """File and sha256 of every record of a dataset that has a file."""
        query = sa.select(_records.c.file, _records.c.sha256).where(
            _records.c.competition == competition,
            _records.c.dataset == dataset,
            _records.c.file.is_not(None),
        )
        with self._read() as connection:
            return [(row[0], row[1]) for row in connection.execute(query)]

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with self._guarded(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        writer = self._engine.execution_options(**{_WRITES: True})
        with self._guarded(), writer.begin() as connection:
            yield connection

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise _refusal(self.url, "refused", error) from error


def today() -> str:
    """The present day in UTC, as the times of records begin."""
    return now()[: len("2026-01-31")]


def refuse_over_limit(team: str, looks: int, limit: int) -> None:
    """Refuse one more of a day; failures are never recorded and so never count.

    Raises:
        BoardError: With when the next is possible.
    """
    if looks < limit:
        return
    day = datetime.date.fromisoformat(today()) + datetime.timedelta(days=1)
    many = f"{looks} submission{'s' if looks > 1 else ''}"
    raise BoardError(
        f"Team {team} has handed in {many} today; the limit is {limit} a day.",
        hint=f"The next is possible from {day} 00:00 UTC. Choose among models meanwhile: podium cv",
    )


def open_board(url: str) -> Board:
    """Open the board; its database and tables are created where they are missing.

    Raises:
        BoardError: If the address is none, or what it names cannot be opened.
    """
    where = _parse(url)
    if file := _sqlite_file(where):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BoardError(
                f"The board's folder {file.parent} cannot be made: {error.strerror}.",
                hint=_NAME_ONE,
            ) from error
        _refuse_network(file)
    return Board(where)


def find_board(url: str) -> Board | None:
    """Open the board for reading; None if there is none yet."""
    file = _sqlite_file(_parse(url))
    return None if file and not file.is_file() else open_board(url)


def _parse(url: str) -> sa.URL:
    """The address; it may hold a password, so what cannot be parsed is not shown."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise BoardError("PODIUM_DB is no address of a database.", hint=_NAME_ONE) from None
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")  # else SQLAlchemy 2.0 takes psycopg2
    if parsed.get_backend_name() not in _OPTIONS:
        raise BoardError(
            f"PODIUM_DB names {parsed.drivername}; a board lies in SQLite or PostgreSQL.",
            hint=_NAME_ONE,
        )
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise BoardError("PODIUM_DB names no file: its board would be lost.", hint=_NAME_ONE)
        if parsed.query:
            raise BoardError("PODIUM_DB: SQLite takes no options after `?`.", hint=_NAME_ONE)
    return parsed


def _shown(url: sa.URL) -> str:
    """The address without what may be secret: the password, and options, which may hold one."""
    return url.set(query={}).render_as_string(hide_password=True)


def _refusal(url: sa.URL, what: str, error: sa.exc.DBAPIError) -> BoardError:
    """What the driver says, in one line, and what the reason may be."""
    reason = "; ".join(str(error.orig).split("\n")).strip(" .;")
    if url.get_backend_name() == "sqlite":
        hint = "Is the disk full or read-only, the file damaged, or another program busy with it?"
    else:
        hint = "Is the server up, has it room, and is PODIUM_DB right?"
    return BoardError(f"The board's database {_shown(url)} {what}: {reason}.", hint=hint)


def _sqlite_file(url: sa.URL) -> Path | None:
    sqlite = url.get_backend_name() == "sqlite" and url.database
    return Path(str(url.database)) if sqlite else None


def _engine(url: sa.URL) -> sa.Engine:
    sqlite = url.get_backend_name() == "sqlite"
    options = _OPTIONS[url.get_backend_name()].items()
    own = {name: value for name, value in options if name not in url.query}
    try:
        # an error that shows what was to be written would show private figures
        engine = sa.create_engine(url, connect_args=own, hide_parameters=True)
    except (ImportError, sa.exc.NoSuchModuleError) as error:
        raise BoardError(
            f"No driver is installed for {_shown(url)}: {error}.",
            hint="For PostgreSQL: pip install 'podium[postgres]'",
        ) from error
    if sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite if sqlite else _begin_postgresql)
    try:
        with engine.connect() as connection:
            missing = set(_schema.tables) - set(sa.inspect(connection).get_table_names())
        if missing:
            _schema.create_all(engine.execution_options(**{_WRITES: True}))
    except sa.exc.DBAPIError as error:
        engine.dispose()
        raise _refusal(url, "cannot be opened", error) from error
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """Write-ahead log for readers beside a writer; transactions are begun by the engine's event."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for attempt in range(_BUSY_SECONDS * 100, -1, -1):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:  # several make the file: SQLite waits for none
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not attempt:
                raise
            time.sleep(0.01)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """A writer takes its lock at once: a read that turns into a write could not wait for it."""
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: sa.Connection) -> None:
    """The same order of writers: one at a time, so that what it looked up still holds."""
    if connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_BUSY_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def _refuse_network(file: Path) -> None:
    """SQLite's locks do not hold on network file systems, so two writers could lose records."""
    mounts = Path("/proc/self/mounts")
    if not mounts.is_file():
        return
    folder = os.path.realpath(file.parent)
    points = [line.split()[1:3] for line in mounts.read_text(encoding="utf-8").splitlines()]
    above = [
        (point, kind)
        for point, kind in points
        if folder == point or folder.startswith(point.rstrip("/") + "/")
    ]
    _, kind = max(above, key=lambda mount: len(mount[0]), default=("", ""))
    if kind in _NETWORK:
        raise BoardError(
            f"The board cannot lie on a network file system ({kind}): {folder}.",
            hint="Name a local file or a PostgreSQL server: PODIUM_DB=postgresql://...",
        )


_RECORD_FIELDS = tuple(field.name for field in fields(Record))
_ENTRY_COLUMNS = ("number", "competition", "dataset", *Entry._fields[1:-2])
_AT_ONCE = 5_000


def _batched(values: Sequence[int]) -> Iterator[Sequence[int]]:
    """As many as a query takes as its parameters."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


def _indexed(competition: str, dataset: str, primary: str) -> tuple[sa.ColumnElement[bool], ...]:
    """What the index of scores has of a board."""
    return (
        _scores.c.competition == competition,
        _scores.c.dataset == dataset,
        _scores.c.score == primary,
    )


def _index(connection: sa.Connection, competition: str, dataset: str, primary: str) -> None:
    """Note the scores of what came since the last time."""
    for table in (_records, _claims):
        found = connection.execute(_not_indexed(table, competition, dataset, primary)).mappings()
        while some := found.fetchmany(_AT_ONCE):
            entries = [_scored(row, table is _claims, primary) for row in some]
            connection.execute(_scores.insert(), entries)


def _late(
    connection: sa.Connection, competition: str, dataset: str, primary: str, part: str
) -> Iterator[Entry]:
    """What the index of scores does not have yet: a reader waits for no writer."""
    for table in (_records, _claims):
        query = _not_indexed(table, competition, dataset, primary)
        query = query.where(~_has_record) if table is _claims else query
        for row in connection.execute(query).mappings():
            found = _scored(row, table is _claims, primary)
            yield Entry(found[part], *(found[name] for name in Entry._fields[1:]))


def _not_indexed(table: sa.Table, competition: str, dataset: str, primary: str) -> sa.Select[Any]:
    """Records later than all that the index of scores has: writers come one after the other."""
    last = (
        sa.select(sa.func.coalesce(sa.func.max(_scores.c.number), 0))
        .where(*_indexed(competition, dataset, primary), _scores.c.claimed == (table is _claims))
        .scalar_subquery()
    )
    query = _selection(table, (*_ENTRY_COLUMNS, *PARTS), competition, dataset, superseded=True)
    return query.where(table.c.number > last)


def _scored(row: sa.RowMapping, claimed: bool, primary: str) -> dict[str, Any]:
    """What the index of scores has of a record."""
    scores = {part: row[part].get("scores", {}).get(primary) for part in PARTS}
    own = {"claimed": claimed, "score": primary}
    return {**own, **{name: row[name] for name in _ENTRY_COLUMNS}, **scores}


def _selection(
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
    return query.where(~_has_record) if table is _claims and not superseded else query


def _keyed(submission: str, edition: str) -> sa.Select[Any]:
    return sa.select(_records.c.number).where(
        _records.c.submission == submission, _records.c.edition == edition
    )


def _looks(
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
            for table in (_records, _claims)
        )
    ).subquery()
    query = sa.select(seen.c.team, sa.func.count()).group_by(seen.c.team)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def _insert(
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


def _drop_partial(connection: sa.Connection, keys: Iterable[tuple[str, str]]) -> None:
    """Remove claims without private figures where a fuller one is about to come."""
    wanted = set(keys)
    query = sa.select(_claims.c.number, _claims.c.submission, _claims.c.edition, _claims.c.private)
    partial = [
        {"old": row.number}
        for row in (connection.execute(query) if wanted else ())
        if not row.private and (row.submission, row.edition) in wanted
    ]
    if partial:
        connection.execute(_claims.delete().where(_claims.c.number == sa.bindparam("old")), partial)
        indexed = _scores.c.claimed & (_scores.c.number == sa.bindparam("old"))
        connection.execute(_scores.delete().where(indexed), partial)


def _refuse_unseen(
    connection: sa.Connection, reveal: Reveal, came_open: Collection[tuple[str, str]]
) -> None:
    """Somebody may have handed in while an import was weighed: that must stay sealed."""
    names = (reveal.competition, reveal.dataset)
    for table in (_records, _claims):
        query = _selection(table, ("submission", "edition"), *names)
        for row in connection.execute(query.where(table.c.kind == SUBMISSION)):
            if (row.submission, row.edition) not in came_open:
                raise BoardError(
                    f"{row.submission} was handed in to {'/'.join(names)} during the import. "
                    "Nothing was imported.",
                    hint="Import the file again.",
                )
