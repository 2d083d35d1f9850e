"""The way from a record to its checked file, and how a file gets to where its record says.

A file is staged beside its place before its record is written, and takes its name when the record
is in. So a refusal leaves neither. What is killed in between leaves a record and a staged file,
which takes its name as soon as somebody asks for it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from podium import scratch, workspace
from podium.boards.record import Record, submission_id
from podium.errors import BoardError, SubmissionError, reason
from podium.version import file_sha256

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
    """A record's file as it was handed in.

    Raises:
        BoardError: If it is not here, or has changed since.
    """
    if not record.file:
        raise BoardError(
            f"The predictions of {record.submission} ({record.name}) are not here.",
            hint="Their record was imported without them.",
        )
    path = find(record)
    if path is None:
        raise BoardError(f"{record.file} is missing.", hint="Put it back where it was.")
    if file_sha256(path) != record.sha256:
        raise BoardError(
            f"{record.file} has changed since it was handed in (sha256).",
            hint="Put back the file that was handed in.",
        )
    return path


@contextmanager
def staged(source: Path, target: Path, sha256: str, recorded: Callable[[], bool]) -> Iterator[None]:
    """A copy of `source` on the disk that takes the name `target` at the end, unless that fails.

    Args:
        source: The predictions.
        target: Where their record says that they lie.
        sha256: What was checked and scored.
        recorded: Whether the record is there: asked where something failed, for the answer to a
            commit may be lost. If it is, or nobody can tell, the copy stays.

    Raises:
        SubmissionError: If the disk refuses, or the file has changed since it was checked.
    """
    with _disk_of(target):
        copy = _copied(source, target, sha256)
        try:
            yield
            _settle(copy, target, sha256)
        except BaseException:
            with suppress(Exception):
                if not recorded():
                    copy.unlink(missing_ok=True)
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


def _copied(source: Path, target: Path, sha256: str) -> Path:
    """Copy a file beside its target, under a name that nobody looks for."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        prefix=_prefix(target), dir=target.parent, delete=False
    ) as made:
        copy = Path(made.name)
    try:
        with scratch.replacing(copy) as whole:
            shutil.copyfile(source, whole)
        same = file_sha256(copy) == sha256
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    if not same:
        copy.unlink()
        raise SubmissionError(
            f"{source} has changed while it was scored.", hint="Hand it in again."
        )
    return copy


def unrecorded(competition: str, dataset: str, recorded: Collection[str]) -> Iterator[str]:
    """Kept files that no record names: they are named after their bytes, as only Podium does it.

    Args:
        competition: Its name.
        dataset: Its name.
        recorded: The files that records name, relative to the workspace.

    Yields:
        Files, relative to the workspace.
    """
    folder = workspace.root() / "submissions" / competition / dataset
    for path in sorted(folder.glob("*/*.*")):
        file = path.relative_to(workspace.root()).as_posix()
        if file not in recorded and _KEPT.fullmatch(path.stem) and path.is_file():
            names = competition, dataset, path.parent.name
            if path.stem == submission_id(*names, file_sha256(path)):
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
