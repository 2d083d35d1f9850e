"""SQLite or PostgreSQL: how the board's database is opened, and how writers take turns."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from podium.errors import BoardError
from podium.leaderboard import migrations

_BUSY_SECONDS = 30
_OPTIONS = {"sqlite": {"timeout": _BUSY_SECONDS}, "postgresql": {"connect_timeout": 10}}
_WRITERS = int.from_bytes(b"podium")  # the name of PostgreSQL's lock
_REFUSED = {
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY),
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
}
WRITES = "podium_writes"
NAME_ONE = (
    "Name another: PODIUM_DB=sqlite:////path/to/board.sqlite or "
    "postgresql://user:password@host/database"
)
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "lustre", "beegfs", "gpfs"}


def parse(url: str) -> sa.URL:
    """The address; it may hold a password, so what cannot be parsed is not shown."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise BoardError("PODIUM_DB is no address of a database.", hint=NAME_ONE) from None
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")  # else SQLAlchemy 2.0 takes psycopg2
    if parsed.get_backend_name() not in _OPTIONS:
        raise BoardError(
            f"PODIUM_DB names {parsed.drivername}; a board lies in SQLite or PostgreSQL.",
            hint=NAME_ONE,
        )
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise BoardError("PODIUM_DB names no file: its board would be lost.", hint=NAME_ONE)
        if parsed.query:
            raise BoardError("PODIUM_DB: SQLite takes no options after `?`.", hint=NAME_ONE)
    return parsed


def shown(url: sa.URL) -> str:
    """The address without what may be secret: the password, and options, which may hold one."""
    return url.set(query={}).render_as_string(hide_password=True)


def refusal(url: sa.URL, what: str, error: sa.exc.DBAPIError) -> BoardError:
    """What the driver says, in one line, and what the reason may be."""
    reason = "; ".join(str(error.orig).split("\n")).strip(" .;")
    if url.get_backend_name() == "sqlite":
        hint = "Is the disk full or read-only, the file damaged, or another program busy with it?"
    else:
        hint = "Is the server up, has it room, and is PODIUM_DB right?"
    return BoardError(f"The board's database {shown(url)} {what}: {reason}.", hint=hint)


def sqlite_file(url: sa.URL) -> Path | None:
    """The file that an address names; None for a server."""
    sqlite = url.get_backend_name() == "sqlite" and url.database
    return Path(str(url.database)) if sqlite else None


def engine(url: sa.URL, *, reading: bool = False) -> sa.Engine:
    """Open a database; its tables are made, or those of an older board are made today's.

    Args:
        url: Its address.
        reading: Whether it will do to read it, where the disk is full or read-only.

    Raises:
        BoardError: If it cannot be opened, no driver is installed, or a newer Podium made it.
    """
    sqlite = url.get_backend_name() == "sqlite"
    options = _OPTIONS[url.get_backend_name()].items()
    own = {name: value for name, value in options if name not in url.query}
    if file := sqlite_file(url):
        _make(file)
    try:
        # an error that shows what was to be written would show private figures
        engine = sa.create_engine(url, connect_args=own, hide_parameters=True)
    except (ImportError, sa.exc.NoSuchModuleError) as error:
        raise BoardError(
            f"No driver is installed for {shown(url)}: {error}.",
            hint="For PostgreSQL: pip install 'podium[postgres]'",
        ) from error
    if sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite if sqlite else _begin_postgresql)
    try:
        with engine.connect() as connection:
            current = migrations.is_current(connection)
        if not current:
            with engine.execution_options(**{WRITES: True}).begin() as connection:
                migrations.upgrade(connection)
    except sa.exc.DBAPIError as error:
        engine.dispose()
        if reading and file and _sealed(file, error):
            # no file beside it is needed then; nobody else writes where nothing can be written
            as_it_is = {"immutable": "1", "uri": "true"}
            return sa.create_engine(url.set(database=file.absolute().as_uri(), query=as_it_is))
        raise refusal(url, "cannot be opened", error) from error
    except BoardError:
        engine.dispose()
        raise
    return engine


def _sealed(file: Path, error: sa.exc.DBAPIError) -> bool:
    """Whether the disk takes no log beside the file, and the file needs none to be read."""
    log = Path(f"{file}-wal")
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # without what it says more
    return code in _REFUSED and not (log.is_file() and log.stat().st_size)


def _make(file: Path) -> None:
    """Make a file that its group may write as well, as far as the umask lets it.

    SQLite by itself would make it 0644 at most. Its log gets the rights that the file has.
    """
    with suppress(OSError):  # it is there: never opened here, since closing it would end its locks
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o660))


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
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: sa.Connection) -> None:
    """Writers come one at a time, so that what one looked up still holds."""
    if connection.get_execution_options().get(WRITES):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_BUSY_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")
    else:  # what a reader asks in two questions is of one moment, as it is in SQLite
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def refuse_network(file: Path) -> None:
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
