"""Where studies lie: Optuna's journal file in the workspace, or a PostgreSQL database.

Both are Optuna's own formats: its tools open them as they are. The trials of a search that died are
queued again. A study in a journal is searched by one process at a time, which holds a lock of the
system: what is left running when another one gets the lock is a dead one's. In a database many
search at once, and Optuna's heartbeat says whose trials are dead.
"""

from __future__ import annotations

import datetime
import json
import os
import shlex
import time
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

from podium.errors import PodiumError, reason, require_extra
from podium.scratch import lock

if TYPE_CHECKING:
    from typing import IO

    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

JOURNAL = "journal.log"
_OPERATIONS = 10
"""Kinds of entries that Optuna writes."""
RETRIES = 3
"""Times that a trial is queued again when its search has died; it may be what kills them."""
HEARTBEAT, SILENCE = 15, 60
"""Seconds between signs of life of a search in a database, and after which it counts as dead."""


@contextmanager
def opened(url: str | None, folder: Path) -> Iterator[Storage]:
    """Open a database, or the journal of a folder if no address is given.

    Raises:
        PodiumError: If the address is none, or nothing answers there, or no more.
    """
    if url is None:
        with _whole(folder / JOURNAL):
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
def _whole(journal: Path) -> Iterator[None]:
    """Say where a journal is damaged, if what was read of it made something fail."""
    try:
        yield
    except PodiumError:
        raise
    except Exception as error:
        number = _damaged(journal)
        if number is None:
            raise
        raise PodiumError(
            f"The journal of studies {journal} is damaged in line {number}.",
            hint=f"Put back a copy of it; or begin anew: mv {shlex.quote(str(journal))} "
            f"{shlex.quote(f'{journal}.damaged')}",
        ) from error


def _damaged(journal: Path) -> int | None:
    """The first line of a journal that is none of Optuna's."""
    with suppress(OSError), journal.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line.decode())
            except ValueError:
                return number
            known = isinstance(entry, dict) and isinstance(entry.get("worker_id"), str)
            if not known or entry.get("op_code") not in range(_OPERATIONS):
                return number
    return None


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


def requeue(study: Study, number: int | None = None) -> None:
    """End a trial that is running (all of them if None), and queue its parameters again."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if number in (None, trial.number):
            study.tell(trial.number, state=TrialState.FAIL)
            _retry()(study, trial)


def replaced(trials: list[FrozenTrial]) -> set[int]:
    """Numbers of the trials that were queued again under another number."""
    return {number for trial in trials for number in trial.system_attrs.get("retry_history", [])}


@dataclass(frozen=True, kw_only=True)
class Journal:
    """A journal file and the locks beside it."""

    folder: Path

    @cached_property
    def optuna(self) -> BaseStorage:
        """Optuna's storage; the file is made where it is missing."""
        file, held = self.folder / JOURNAL, self._lock("journal")
        held.acquire()
        try:
            _mend(file)
        finally:
            held.release()
        given: Any = held  # it has all that Optuna asks of one
        return JournalStorage(JournalFileBackend(str(file), lock_obj=given))

    @contextmanager
    def searching(self, study: Study) -> Iterator[None]:
        """Search a study, while inside: what a dead search left is queued again first.

        Raises:
            PodiumError: If another process searches it.
        """
        held = self._lock(f"study-{study.study_name.rsplit('/', 1)[1]}")
        if not held.acquire(wait=False):
            raise PodiumError(
                f"Another command is searching {study.study_name} now.",
                hint="Give that one more --jobs, or meet in a database: --storage postgresql://...",
            )
        try:
            requeue(study)
            yield
        finally:
            held.release()

    def beat(self, trials: Collection[int], *, now: bool = False) -> None:
        """The lock is the sign that a search lives."""

    def reap(self, study: Study) -> None:
        """No other search has this study."""

    def _lock(self, name: str) -> FileLock:
        place = self.folder / "locks"
        place.mkdir(parents=True, exist_ok=True)
        return FileLock(place / f"{name}.lock")


class FileLock:
    """A lock of the system on a file: it ends with the process, however that ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def acquire(self, *, wait: bool = True) -> bool:
        """Take the lock; without waiting, say whether it was free.

        Raises:
            PodiumError: If its file system has no such locks.
        """
        file = self._path.open("ab")
        try:
            free = lock(file.fileno(), wait=wait)
        except OSError as error:
            file.close()
            raise PodiumError(
                f"The file system of {self._path.parent} has no locks: {reason(error)}.",
                hint="Use a database, --storage URL; or a workspace on a local disk: "
                "PODIUM_WORKSPACE=DIR",
            ) from error
        if free:
            self._file = file
        else:
            file.close()
        return free

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(kw_only=True)
class Database:
    """A PostgreSQL database, for any number of machines."""

    url: sa.URL
    _next: float = 0.0

    def close(self) -> None:
        """Close the connections."""
        for name in ("optuna", "_engine"):  # those that were needed
            connection = self.__dict__.get(name)
            if isinstance(connection, RDBStorage):
                connection.remove_session()
                connection.engine.dispose()
            elif connection is not None:
                connection.dispose()

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
    def searching(self, study: Study) -> Iterator[None]:
        """Search a study, while inside: what dead searches left is queued again first."""
        self.reap(study)
        yield

    def beat(self, trials: Collection[int], *, now: bool = False) -> None:
        """Show that the search of these trials lives, if it is time to, or at once."""
        if now or time.monotonic() > self._next:
            self._next = time.monotonic() + HEARTBEAT
            for trial in list(trials):
                self.optuna.record_heartbeat(trial)  # type: ignore[attr-defined]

    def reap(self, study: Study) -> None:
        """Queue the trials of searches again that have died meanwhile."""
        begun = datetime.datetime.now() - datetime.timedelta(seconds=SILENCE)
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.datetime_start and trial.datetime_start < begun:
                self._first_heartbeat(trial._trial_id)  # noqa: SLF001
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            fail_stale_trials(study)

    def _first_heartbeat(self, trial: int) -> None:
        """Optuna takes a trial without any for alive: its worker may have died before the first."""
        beats = sa.table("trial_heartbeats", sa.column("trial_id"))
        with self._reached(), self._engine.connect() as connection:
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


Storage = Journal | Database
