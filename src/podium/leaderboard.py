"""The board: immutable records in a database, and how they rank.

SQLite in the workspace by default, PostgreSQL by `PODIUM_DB`; one code path. Records are never
changed: a withdrawal or a reveal is a record of its own. Private figures stay in the database until
the competition is revealed.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from podium.competition import Competition, Score
from podium.errors import BoardError

CONTROL, CEILING, SUBMISSION = "control", "ceiling", "scored"
OUTDATED = "outdated"
PARTS = ("public", "private", "all")
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
_records = sa.Table(
    "records",
    _schema,
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
    sa.Index("board", "competition", "dataset", "edition"),
)
_reveals = sa.Table(
    "reveals",
    _schema,
    sa.Column("competition", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One scored submission, and all that a stranger needs to reproduce it.

    Attributes:
        submission: Short name that follows from team and content.
        edition: Hash of dataset content, split and metric; other editions never mix.
        kind: `scored`, `control` or `ceiling`.
        file: Where the predictions are kept, relative to the workspace.
        provenance: Parameters, seed, code, versions, time and memory.
        public, private, all: The cards as JSON: `rows`, `groups`, `scores`, `ci`, `strata`.
        public_influence, private_influence: float32 influence values of the primary score.
    """

    submission: str
    competition: str
    dataset: str
    edition: str
    team: str
    name: str
    model: str | None
    message: str
    kind: str
    created: str
    file: str | None
    sha256: str
    provenance: Mapping[str, Any]
    public: Mapping[str, Any]
    private: Mapping[str, Any]
    all: Mapping[str, Any]
    public_influence: bytes
    private_influence: bytes


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the board, of one part. Field names are the JSON of `podium board`."""

    rank: int | None
    tier: int | None
    team: str
    name: str
    model: str | None
    score: float
    ci_low: float | None
    ci_high: float | None
    normalised: float | None
    win_next: float | None
    entries: int
    metrics: Mapping[str, float]
    strata: Mapping[str, float]
    submission: str
    created: str
    status: str


class Board:
    """The leaderboard's database."""

    def __init__(self, url: sa.URL) -> None:
        self.url = url
        self._engine = _engine(url)
        weakref.finalize(self, self._engine.dispose)

    def add(self, record: Record) -> bool:
        """Add a record; False if the very same submission is there already."""
        there = sa.select(_records.c.number).where(
            _records.c.submission == record.submission, _records.c.edition == record.edition
        )
        with self._write() as connection:
            if connection.execute(there).first():
                return False
            connection.execute(_records.insert().values(vars(record)))
        return True

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

    def rows(
        self, competition: Competition, dataset: str, *, edition: str, part: str = "public"
    ) -> list[Row]:
        """The board of one part: ranked submissions and controls, best first.

        Records of another edition (data, split or metric have changed since) come last, marked.

        Raises:
            BoardError: If the part is sealed.
        """
        if part != "public" and not self.revealed(competition.name, dataset):
            raise BoardError(
                f"The {part} scores of {competition.name}/{dataset} are sealed.",
                hint=f"Open them for good: podium reveal {competition.name} --dataset {dataset}",
            )
        with self._read() as connection:
            found = connection.execute(_board_query(competition.name, dataset)).all()
        return _ranked(found, competition, edition, part)

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of submissions by competition and dataset, controls not counted."""
        query = (
            sa.select(_records.c.competition, _records.c.dataset, sa.func.count())
            .where(_records.c.kind == SUBMISSION)
            .group_by(_records.c.competition, _records.c.dataset)
        )
        with self._read() as connection:
            return {(row[0], row[1]): int(row[2]) for row in connection.execute(query)}

    def revealed(self, competition: str, dataset: str) -> bool:
        """Whether the private scores are open."""
        query = sa.select(_reveals.c.who).where(
            _reveals.c.competition == competition, _reveals.c.dataset == dataset
        )
        with self._read() as connection:
            return connection.execute(query).first() is not None

    def reveal(self, competition: str, dataset: str, *, who: str, when: str) -> bool:
        """Open the private scores for good; False if they are open already."""
        there = sa.select(_reveals.c.who).where(
            _reveals.c.competition == competition, _reveals.c.dataset == dataset
        )
        values = {"competition": competition, "dataset": dataset, "who": who, "created": when}
        with self._write() as connection:
            if connection.execute(there).first():
                return False
            connection.execute(_reveals.insert().values(values))
        return True

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
        engine = sa.create_engine(url, connect_args=own)
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


def _board_query(competition: str, dataset: str) -> sa.Select[Any]:
    columns = [c for c in _records.c if not c.name.endswith("_influence")]
    return (
        sa.select(*columns)
        .where(_records.c.competition == competition, _records.c.dataset == dataset)
        .order_by(_records.c.number)
    )


def _ranked(found: Sequence[Any], competition: Competition, edition: str, part: str) -> list[Row]:
    """Rank by full precision; equal scores share a rank and stand earliest first."""
    primary = competition.primary
    sign = -1 if primary.higher_is_better else 1

    def score(record: Any) -> float:
        return float(getattr(record, part)["scores"][primary.name])

    current = [record for record in found if record.edition == edition]
    old = [r for r in found if r.edition != edition and r.kind == SUBMISSION]
    ordered = sorted(current, key=lambda r: sign * score(r))  # stable: earliest first among equals
    zero = _best([score(r) for r in current if r.kind == CONTROL], sign)
    entries: dict[str, int] = {}
    for record in current:
        entries[record.team] = entries.get(record.team, 0) + 1
    rows, place, last = [], 0, None
    scored = 0
    for record in ordered:
        rank = None
        if record.kind == SUBMISSION:
            scored += 1
            if score(record) != last:
                place, last = scored, score(record)
            rank = place
        rows.append(_row(record, part, score(record), rank, zero, primary, entries))
    return rows + [_row(r, part, score(r), None, None, primary, {}, OUTDATED) for r in old]


def _best(scores: list[float], sign: int) -> float | None:
    return sign * min(sign * score for score in scores) if scores else None


def _row(
    record: Any,
    part: str,
    score: float,
    rank: int | None,
    zero: float | None,
    primary: Score,
    entries: Mapping[str, int],
    status: str | None = None,
) -> Row:
    card = getattr(record, part)
    low, high = card["ci"] or (None, None)
    spread = None if zero is None else primary.perfect - zero
    return Row(
        rank=rank,
        tier=None,
        team=record.team,
        name=record.name,
        model=record.model,
        score=score,
        ci_low=low,
        ci_high=high,
        normalised=(score - zero) / spread if zero is not None and spread else None,
        win_next=None,
        entries=entries.get(record.team, 0),
        metrics=card["scores"],
        strata={name: stratum["scores"][primary.name] for name, stratum in card["strata"].items()},
        submission=record.submission,
        created=record.created,
        status=status or record.kind,
    )
