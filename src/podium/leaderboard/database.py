"""SQLite or PostgreSQL: how the board's database is opened, and how writers take turns."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from shlex import quote
from typing import Any

import sqlalchemy as sa

from podium.errors import BoardError
from podium.leaderboard import migrations, schema

_BUSY_SECONDS = 30
_OPTIONS = {"sqlite": {"timeout": _BUSY_SECONDS}, "postgresql": {"connect_timeout": 10}}
_WRITERS = int.from_bytes(b"podium")  # the name of PostgreSQL's lock
_REFUSED = {
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY),
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
}
_MOUNTS = Path("/proc/self/mounts")
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
    if file := sqlite_file(url):
        return str(file)
    return url.set(query={}).render_as_string(hide_password=True)


def refusal(url: sa.URL, what: str, error: sa.exc.DBAPIError) -> BoardError:
    """What the driver says, in one line, and what the reason may be."""
    reason = "; ".join(str(error.orig).split("\n")).strip(" .;")
    barred = _barred(file) if (file := sqlite_file(url)) and _is_refused(error) else {}
    if file and barred and _is_left(file, error):
        return _not_closed(file)
    if barred:
        hint = f"Whose it is may let you: {'; '.join(barred.values())}. See docs/boards.md."
    elif url.get_backend_name() == "sqlite":
        hint = "Is the disk full or read-only, the file damaged, or another program busy with it?"
    else:
        hint = "Is the server up, has it room, and is PODIUM_DB right?"
    return BoardError(
        f"The board's database {shown(url)} {what}: {reason}.", problems=list(barred), hint=hint
    )


def _is_refused(error: sa.exc.DBAPIError) -> bool:
    """Whether SQLite could not open or write a file."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # without what it says more
    return code in _REFUSED


def _is_left(file: Path, error: sa.exc.DBAPIError) -> bool:
    """Whether somebody's log and index are in the way of a reader who may not open them."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return code == sqlite3.SQLITE_CANTOPEN and all(path.exists() for path in _beside(file))


def _not_closed(file: Path) -> BoardError:
    log, _ = _beside(file)
    return BoardError(
        f"The board {file} was not closed: its log {log.name} is not in it yet.",
        hint=f"Have {_user(file.stat().st_uid)} look at it once: podium board COMP",
    )


def _barred(file: Path) -> dict[str, str]:
    """Which of a board's files this user may not write, and what would let them, for each."""
    if sys.platform == "win32":
        return {}
    places = (file.parent, file, *_beside(file))
    return {
        f"{path} belongs to {_user(path.stat().st_uid)}: you ({_user(os.geteuid())}) may not "
        "write it": f"chmod {'2775' if path.is_dir() else 'g+w'} {quote(str(path))}"
        for path in places
        if path.exists() and not os.access(path, os.W_OK)
    }


def _user(number: int) -> str:
    """A user's name; of one that has none the number."""
    if sys.platform == "win32":
        return "its owner"
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _beside(file: Path) -> tuple[Path, Path]:
    """SQLite's log and the index of it, which are there while somebody has the file open."""
    return Path(f"{file}-wal"), Path(f"{file}-shm")


def sqlite_file(url: sa.URL) -> Path | None:
    """The file that an address names; None for a server."""
    sqlite = url.get_backend_name() == "sqlite" and url.database
    return Path(str(url.database)) if sqlite else None


def exists(url: sa.URL) -> bool:
    """Whether there is a database; of a server this is taken for granted."""
    file = sqlite_file(url)
    return file is None or file.is_file()


@cache
def empty() -> sa.Engine:
    """A database in memory with nothing in it, to be read."""
    options = {"check_same_thread": False}
    engine = sa.create_engine("sqlite://", connect_args=options, poolclass=sa.StaticPool)
    schema.SCHEMA.create_all(engine)
    return engine


def is_sealed(engine: sa.Engine) -> bool:
    """Whether it was opened to be read alone."""
    return "uri" in engine.url.query


def engine(url: sa.URL, *, reading: bool = False) -> sa.Engine:
    """Open a database; it and its tables are made, or those of an older board are made today's.

    Args:
        url: Its address.
        reading: Whether it will do to read it, where the disk is full or read-only.

    Raises:
        BoardError: If it cannot be opened, no driver is installed, or a newer Podium made it.
    """
    sqlite = url.get_backend_name() == "sqlite"
    options = _OPTIONS[url.get_backend_name()].items()
    own = {name: value for name, value in options if name not in url.query}
    file = sqlite_file(url)
    if file:
        _refuse_network(file)
        _make(file)
        if reading and not os.access(file, os.W_OK):
            return _to_be_read(url, file)
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
        if reading and file and _is_refused(error) and not _has_log(file):
            return _to_be_read(url, file)
        raise refusal(url, "cannot be opened", error) from error
    except BoardError:
        engine.dispose()
        raise
    if file:
        _share(file)
    return engine


def _to_be_read(url: sa.URL, file: Path) -> sa.Engine:
    """Open a file without making any beside it, which would be this user's and not its owner's.

    Where somebody has it open, what they log is read, too; else it is read as it is. So it is
    opened anew for each read: what is written later is not seen.
    """
    _, index = _beside(file)
    how = {"mode": "ro", "readonly_shm": "1"} if index.exists() else {"immutable": "1"}
    if not index.exists() and _has_log(file):
        raise _not_closed(file)
    query = {**how, "uri": "true"}
    address = url.set(database=file.absolute().as_uri(), query=query)
    return sa.create_engine(address, poolclass=sa.NullPool)  # nothing stays open between reads


def _has_log(file: Path) -> bool:
    log, _ = _beside(file)
    return log.is_file() and log.stat().st_size > 0


def _share(file: Path) -> None:
    """Give what this user has just made beside a file to the file's group.

    SQLite gives it the file's rights, but only root's the file's owner and group.
    """
    if sys.platform == "win32":
        return
    for path in _beside(file):
        with suppress(OSError):  # another's
            if path.stat().st_gid != file.stat().st_gid:
                os.chown(path, -1, file.stat().st_gid)


def _make(file: Path) -> None:
    """Make a file that its group may write as well, as far as the umask lets it.

    SQLite by itself would make it 0644 at most. Its log gets the rights that the file has. In a
    folder that a group may write to, the file is that group's.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BoardError(
            f"The board's folder {file.parent} cannot be made: {error.strerror}.", hint=NAME_ONE
        ) from error
    with suppress(OSError):  # it is there: never opened here, since closing it would end its locks
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o660))
        folder = file.parent.stat()
        if sys.platform != "win32" and folder.st_mode & stat.S_IWGRP:
            os.chown(file, -1, folder.st_gid)


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


def _mounts() -> Iterator[tuple[str, str]]:
    """Where file systems are mounted and of what kind, as far as the system says."""
    with suppress(OSError):
        for line in _MOUNTS.read_bytes().splitlines():
            _, point, kind, *_ = line.split(b" ")
            named = re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8)]), point)  # a space
            yield os.fsdecode(named), os.fsdecode(kind)


def _refuse_network(file: Path) -> None:
    """SQLite's locks do not hold on network file systems, so two writers could lose records."""
    folder = os.path.realpath(file.parent)
    above = [
        (point, kind)
        for point, kind in _mounts()
        if folder == point or folder.startswith(point.rstrip("/") + "/")
    ]
    _, kind = max(above, key=lambda mount: len(mount[0]), default=("", ""))
    if kind in _NETWORK:
        raise BoardError(
            f"The board cannot lie on a network file system ({kind}): {folder}.",
            hint="Name a local file or a PostgreSQL server: PODIUM_DB=postgresql://...",
        )
