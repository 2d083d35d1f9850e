"""Where studies lie: Optuna's journal file in the workspace, or a PostgreSQL database.

Both are Optuna's own formats: its tools open them as they are. What is added is outside of them: a
turn, so that workers together begin no more trials than were asked for, and a sign of life of each
worker, so that the trials of dead ones are queued again. In a journal's folder both are locks of
the system, which vanish with the process that holds them; a database has advisory locks for the
turn and Optuna's heartbeat for the trials.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import (
    JournalStorage,
    RDBStorage,
    RetryHeartbeatStaleTrialCallback,
    fail_stale_trials,
)
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from podium.errors import PodiumError, require_extra

if TYPE_CHECKING:
    from typing import IO

    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

JOURNAL = "journal.log"
WORKER = "worker"
"""Attribute of a trial: who has it."""
RETRIES = 3
"""Times that a trial is queued again when its worker has died; it may be what kills them."""
HEARTBEAT, SILENCE = 15, 60
"""Seconds between signs of life of a worker in a database, and after which it counts as dead."""


class Storage(Protocol):
    """Where studies lie."""

    @property
    def optuna(self) -> BaseStorage:
        """Optuna's storage."""

    def turn(self) -> AbstractContextManager[None]:
        """Be the only one, among all workers everywhere, while inside."""

    def alive(self, worker: str) -> AbstractContextManager[None]:
        """Show that this worker lives, while inside."""

    def reap(self, study: Study) -> None:
        """Queue the trials of dead workers again; whoever calls it has the turn."""


@contextmanager
def opened(url: str | None, folder: Path) -> Iterator[Storage]:
    """Open a database, or the journal of a folder if no address is given.

    Raises:
        PodiumError: If the address is none, or nothing answers there, or no more.
    """
    if url is None:
        yield Journal(folder=folder)
        return
    database = Database(url=_parse(url))
    try:
        with _answering():
            yield database
    finally:
        database.close()


def shown(url: str | None, folder: Path) -> str:
    """The storage as it may be shown: without a password; what optuna-dashboard takes."""
    return str(folder / JOURNAL) if url is None else str(_parse(url))


@contextmanager
def _answering() -> Iterator[None]:
    """Say in words that a storage answers no more."""
    try:
        yield
    except StorageInternalError as error:
        said = str(error.__cause__ or error).strip().splitlines()[0]
        raise PodiumError(
            f"The storage answers no more: {said}",
            hint="What is done is kept: run the same command again to go on.",
        ) from error


def requeue(study: Study, trial: FrozenTrial) -> None:
    """End a trial whose worker is gone, and queue its parameters again."""
    study.tell(trial.number, state=TrialState.FAIL)
    _retry()(study, trial)


def replaced(trials: list[FrozenTrial]) -> set[int]:
    """Numbers of the trials that were queued again under another number."""
    return {number for trial in trials for number in trial.system_attrs.get("retry_history", [])}


@dataclass(frozen=True, kw_only=True)
class Journal:
    """A journal file and the locks beside it, for the processes of one machine."""

    folder: Path

    @cached_property
    def optuna(self) -> BaseStorage:
        """Optuna's storage; the file is made where it is missing."""
        self._locks.mkdir(parents=True, exist_ok=True)
        file = self.folder / JOURNAL
        lock: Any = FileLock(self._locks / "journal")  # all that Optuna asks of one
        with self._held("journal"):
            _mend(file)
        return JournalStorage(JournalFileBackend(str(file), lock_obj=lock))

    def turn(self) -> AbstractContextManager[None]:
        """See `Storage`."""
        return self._held("turn")

    @contextmanager
    def alive(self, worker: str) -> Iterator[None]:
        """See `Storage`."""
        lock = FileLock(self._locks / worker)
        with self.turn():  # else it could be swept before it is held
            lock.acquire()
        try:
            yield
        finally:
            (self._locks / worker).unlink(missing_ok=True)
            lock.release()

    def reap(self, study: Study) -> None:
        """See `Storage`."""
        living = {path.name for path in self._locks.glob("*-*") if self._lives(path.name)}
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            # One without a worker was begun by a worker that died in the very moment.
            if trial.user_attrs.get(WORKER) not in living:
                requeue(study, trial)

    def _lives(self, worker: str) -> bool:
        """Whether a worker holds its lock; that of a dead one is swept."""
        path = self._locks / worker
        lock = FileLock(path)
        if lock.acquire(wait=False):
            lock.release()
            path.unlink(missing_ok=True)
            return False
        return True

    @property
    def _locks(self) -> Path:
        return self.folder / "locks"

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        self._locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._locks / name)
        lock.acquire()
        try:
            yield
        finally:
            lock.release()


class FileLock:
    """A lock of the system on a file: it ends with the process, however that ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def acquire(self, *, wait: bool = True) -> bool:
        """Take the lock; without waiting, say whether it was free.

        Raises:
            PodiumError: Where the system has no such locks.
        """
        try:
            import fcntl
        except ModuleNotFoundError:
            raise PodiumError(
                "A journal of a search needs a POSIX system.", hint="Use a database: --storage URL"
            ) from None
        file = self._path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(frozen=True, kw_only=True)
class Database:
    """A PostgreSQL database, for any number of machines."""

    url: sa.URL

    def close(self) -> None:
        """Close the connections."""
        for name in ("optuna", "_engine"):  # those that were needed
            found = self.__dict__.get(name)
            if isinstance(found, RDBStorage):
                found.remove_session()
                found.engine.dispose()
            elif found is not None:
                found.dispose()

    @cached_property
    def optuna(self) -> BaseStorage:
        """Optuna's storage; its tables are made where they are missing."""
        with require_extra("PostgreSQL"), self._reached(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return RDBStorage(
                self.url.render_as_string(hide_password=False),
                heartbeat_interval=HEARTBEAT,
                grace_period=SILENCE,
                heartbeat_stale_trial_callback=_retry(),
            )

    @cached_property
    def _engine(self) -> sa.Engine:
        return sa.create_engine(self.url, isolation_level="AUTOCOMMIT")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """See `Storage`."""
        key = int.from_bytes(hashlib.sha256(b"podium tune").digest()[:8], "big", signed=True)
        with self._reached(), self._engine.connect() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_lock(key)))
            try:
                yield
            finally:  # it would also end with the connection
                connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))

    @contextmanager
    def alive(self, worker: str) -> Iterator[None]:  # noqa: ARG002
        """Optuna's own heartbeat, which goes with each trial, is the sign."""
        yield

    def reap(self, study: Study) -> None:
        """See `Storage`."""
        begun = datetime.datetime.now() - datetime.timedelta(seconds=SILENCE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if trial.datetime_start and trial.datetime_start < begun:
                    self._first_heartbeat(trial._trial_id)  # noqa: SLF001
            fail_stale_trials(study)

    def _first_heartbeat(self, trial: int) -> None:
        """Optuna takes a trial without any for alive: its worker may have died before the first."""
        beats = sa.table("trial_heartbeats", sa.column("trial_id"))
        with self._engine.connect() as connection:
            if not connection.execute(sa.select(beats).where(beats.c.trial_id == trial)).first():
                self.optuna.record_heartbeat(trial)  # type: ignore[attr-defined]

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.OperationalError as error:
            said = str(error.orig).strip().splitlines()[0]
            raise PodiumError(
                f"The storage {self.url} does not answer: {said}",
                hint="Is the server up, and are name and password right?",
            ) from None


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise PodiumError(
            "--storage is no address of a database.",
            hint="For example: --storage postgresql://user:password@host/studies",
        ) from None
    if parsed.get_backend_name() != "postgresql" and parsed.drivername != "postgres":
        raise PodiumError(
            f"--storage names {parsed.drivername}; studies lie in journal files or in PostgreSQL.",
            hint="Leave --storage out for a journal file in this workspace: that serves all the "
            "processes of one machine, which SQLite does badly.",
        )
    return parsed.set(drivername="postgresql+psycopg")


def _retry() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return RetryHeartbeatStaleTrialCallback(max_retry=RETRIES)


def _mend(file: Path) -> None:
    """Take away a last line that a full disk or a loss of power has cut: it was never said."""
    if not file.exists():
        return
    with file.open("rb+") as journal:
        end = journal.seek(0, os.SEEK_END)
        journal.seek(max(end - (1 << 20), 0))
        tail = journal.read()
        if tail and not tail.endswith(b"\n"):
            journal.truncate(end - len(tail) + tail.rfind(b"\n") + 1)
