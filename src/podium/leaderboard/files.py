"""The way from a record to its checked file, and how a file gets to where its record says.

What is checked, hashed, scored and kept is one copy, whatever becomes of the file meanwhile. It is
staged beside its place before its record is written, and takes its name when the record is in. So a
refusal leaves neither. What is killed in between leaves a record and a staged file, which takes its
name as soon as somebody asks for it.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from podium import scratch, workspace
from podium.data import formats
from podium.data.formats import Expected
from podium.errors import BoardError, PodiumError, SubmissionError, note, reason
from podium.leaderboard.record import SUBMITTED, Record, submission_id
from podium.scratch import LINE_ENDS, file_sha256, other_line_ends

if TYPE_CHECKING:
    from podium.leaderboard.contest import Contest

LARGE = 64 << 20
"""Bytes of a file that is no text to be read whole, for its size or its line ends."""
_CHUNK = 1 << 20
_STAGED = ".staged-"
_KEPT = re.compile("[0-9a-f]{12}")
_OLD_SECONDS = 24 * 3600


def find(record: Record) -> Path | None:
    """Where a record's file lies, whatever is in it; None where it is not here."""
    if not record.file:
        return None
    path = workspace.root() / record.file
    if not path.is_file() and path.parent.is_dir():
        for staged in _staged(path):
            _settle(staged, path, record.sha256)
    return path if path.is_file() else None


def checked(record: Record) -> Path:
    """A record's file as it was handed in, but for its line ends, which is said.

    Raises:
        BoardError: If it is not here, or has changed since.
    """
    path = _present(record)
    _refuse_changed(record, path, file_sha256(path))
    return path


class Copy(NamedTuple):
    """What was in a file when it was taken: nobody else can change it."""

    path: Path
    sha256: str


@contextmanager
def copied(source: Path, expected: Expected, beside: Path) -> Iterator[Copy]:
    """A copy of a predictions file that all is done with: whatever becomes of the file meanwhile.

    Errors name the file itself.

    Args:
        source: The file.
        expected: What it should hold.
        beside: A folder, of whose file system the copy is; it need not be there yet.

    Raises:
        SubmissionError: If it is no predictions file, or the disk refuses.
    """
    beside = beside.absolute()
    place = next(folder for folder in (beside, *beside.parents) if folder.is_dir())
    with formats.opened(source, expected) as file, ExitStack() as stack:
        with _disk_of(beside):
            folder = stack.enter_context(scratch.directory(scratch.INCOMING, place))
            copy, sha256 = folder / source.name, hashlib.sha256()
            with copy.open("wb") as out:
                while block := file.read(_CHUNK):
                    sha256.update(block)
                    out.write(block)
        try:
            yield Copy(copy, sha256.hexdigest())
        except PodiumError as error:
            error.rename(copy, source)
            raise


@contextmanager
def taken(record: Record, expected: Expected) -> Iterator[Path]:
    """A copy of a record's file, as `checked` has it; the workspace may be read-only.

    Raises:
        BoardError: If it is not here, or has changed since.
        SubmissionError: If it is no predictions file, or the disk refuses.
    """
    with copied(_present(record), expected, Path(tempfile.gettempdir())) as copy:
        _refuse_changed(record, copy.path, copy.sha256)
        yield copy.path


def _present(record: Record) -> Path:
    """Where a record's file lies, whatever is in it.

    Raises:
        BoardError: If it is not here.
    """
    if not record.file:
        raise BoardError(
            f"The predictions of {record.submission} ({record.name}) are not here.",
            hint="Their record was imported without them.",
        )
    path = find(record)
    if path is None:
        raise BoardError(f"{record.file} is missing.", hint="Put it back where it was.")
    return path


def _refuse_changed(record: Record, path: Path, sha256: str) -> None:
    """Refuse what is not the record's file; other line ends, which change no value, are said.

    Raises:
        BoardError: If it has changed otherwise.
    """
    if sha256 == record.sha256:
        return
    if record.sha256 not in other_line_ends(path):
        raise BoardError(
            f"{record.file} has changed since it was handed in (sha256).",
            hint="Put back the file that was handed in.",
        )
    note(f"{record.file} has changed since it was handed in: {LINE_ENDS}")


@contextmanager
def staged(copy: Copy, target: Path, recorded: Callable[[], bool]) -> Iterator[None]:
    """A copy on the disk that takes the name `target` at the end, unless that fails.

    Args:
        copy: What was checked and scored, in the file system of its target.
        target: Where its record says that it lies.
        recorded: Whether the record is there: asked where something failed, for the answer to a
            commit may be lost. If it is, or nobody can tell, the copy stays.

    Raises:
        SubmissionError: If the disk refuses.
    """
    with _disk_of(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_prefix(target), dir=target.parent)
        os.close(handle)
        made = Path(name)
        try:
            scratch.place(copy.path, made)
            yield
            _settle(made, target, copy.sha256)
        except BaseException:
            with suppress(Exception):
                if not recorded():
                    made.unlink(missing_ok=True)
            raise


@contextmanager
def _disk_of(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SubmissionError(
            f"{target} cannot be written: {reason(error)}.",
            hint="Make room there, or work in another folder: PODIUM_WORKSPACE=DIR",
        ) from error


def unrecorded(contest: Contest) -> Iterator[str]:
    """Kept files that no record names: they are named after their bytes, as only Podium does it.

    Yields:
        Files, relative to the workspace.
    """
    folder, recorded = workspace.root().joinpath(SUBMITTED, *contest.place), contest.files()
    for path in sorted(folder.glob("*/*.*")):
        file = path.relative_to(workspace.root()).as_posix()
        name = formats.stem(path)
        if file not in recorded and _KEPT.fullmatch(name) and path.is_file():
            team, sha256 = path.parent.name, file_sha256(path)
            if name == submission_id(*contest.place, team, sha256):
                yield file


def tidy(folder: Path, recorded: Callable[[], Mapping[str, str]]) -> None:
    """See to what killed processes have staged in a folder more than a day ago.

    Args:
        folder: Where submissions are kept.
        recorded: Gives the files that records name, relative to the workspace, and their sha256.
    """
    for path in folder.glob(f"{_STAGED}*"):
        with suppress(OSError):
            if abs(time.time() - path.stat().st_mtime) > _OLD_SECONDS:
                target = folder / path.name.removeprefix(_STAGED).rpartition("-")[0]
                name = target.relative_to(workspace.root()).as_posix()
                _settle(path, target, recorded().get(name, ""))
                path.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    return f"{_STAGED}{target.name}-"


def _staged(target: Path) -> list[Path]:
    return [path for path in target.parent.iterdir() if path.name.startswith(_prefix(target))]


def _settle(staged: Path, target: Path, sha256: str) -> None:
    """Give a staged file its name, if it is the one of the record and that has none yet.

    A reader may do so at the same moment: then the staged file is gone.
    """
    with suppress(FileNotFoundError):
        if file_sha256(staged) == sha256:
            if target.is_file() and file_sha256(target) == sha256:
                staged.unlink(missing_ok=True)
            else:
                staged.replace(target)
                scratch.sync_folder(target.parent)
