"""Scratch files and directories, and what killed processes left of them.

Whoever is about to make scratch under a name first sweeps what lies there under such a name for
more than a day, and is nobody's any more: who is at work holds a lock on his folder.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _locked(handle: int, *, wait: bool) -> bool:
        """Lock the first byte; by itself Windows waits for ten seconds, or not at all."""
        while True:
            os.lseek(handle, 0, os.SEEK_SET)
            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            except PermissionError:
                if not wait:
                    return False
                time.sleep(_LOOK_SECONDS)
            else:
                return True

else:
    import fcntl

    def _locked(handle: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


INCOMING = ".incoming-"
LINE_ENDS = "only its line ends are others, as git makes them without `* -text` in .gitattributes"
"""Why a text file has another sha256 although nobody has changed it."""
_STALE_SECONDS = 24 * 3600
_LOOK_SECONDS = 0.05  # between two looks at a lock that another process has
_LOCKED = os.O_RDWR | os.O_CREAT
_LARGEST_TEXT = 64 << 20  # bytes of a file that is read again with other line ends


@contextmanager
def directory(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new directory, removed at the end; in the system's place for such where none is named."""
    sweep(parent or Path(tempfile.gettempdir()), prefix)
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    with _held(made):
        try:
            yield made
        finally:
            remove(made)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Hold a folder's lock, where the system has such; gives whether it was free.

    Windows opens no folders: there a file beside it is locked.
    """
    free, beside = True, Path(f"{folder}.lock") if sys.platform == "win32" else None
    handle = os.open(folder, os.O_RDONLY) if beside is None else os.open(beside, _LOCKED)
    try:
        with suppress(OSError):  # a file system without locks
            free = lock(handle, wait=False)
        yield free
    finally:
        os.close(handle)
        if beside and free:
            with suppress(OSError):  # somebody looks at it just now, and removes it then
                beside.unlink(missing_ok=True)


def lock(handle: int, *, wait: bool) -> bool:
    """Take the system's lock on an open file, for as long as it is open; gives whether it was free.

    Args:
        handle: Of the file.
        wait: Until it is free.

    Raises:
        OSError: If its file system has no locks.
    """
    return _locked(handle, wait=wait)


def link(file: Path, place: Path) -> None:
    """Give a file a second name, or where that cannot be a copy."""
    try:
        place.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, place)


def remove(folder: Path) -> None:
    """Remove a folder in which nobody is at work; what the system refuses stays.

    Whoever wrote it may have made folders deeper than Python calls itself or paths may be long, and
    folders that may not be written to: each is made writable, and moved to the top.
    """
    if folder.is_symlink():
        folder.unlink()
        return
    mark, waiting = secrets.token_hex(8), [folder]
    for place in waiting:
        with suppress(OSError):
            place.chmod(0o700)
            for entry in os.scandir(place):
                path = Path(entry.path)
                with suppress(OSError):
                    if not entry.is_dir(follow_symlinks=False):
                        path.unlink()
                    elif place == folder:
                        waiting.append(path)
                    else:
                        path.chmod(0o700)  # else it may not be moved
                        waiting.append(path.rename(folder / f".{mark}-{len(waiting)}"))
    for place in reversed(waiting):
        with suppress(OSError):
            place.rmdir()


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """A scratch file beside `path` that takes its place once it is whole and on the disk.

    All may read it who may read its folder; a private one its owner, and the group of a folder
    that is a group's (setgid).
    """
    sweep(path.parent, INCOMING)
    handle, name = tempfile.mkstemp(prefix=INCOMING, dir=path.parent)
    os.close(handle)
    made = Path(name)
    try:
        yield made
        place(made, path, private=private)
    finally:
        made.unlink(missing_ok=True)


def place(made: Path, path: Path, *, private: bool = False) -> None:
    """Give a whole file another name of the same file system, once it is on the disk."""
    _sync(made, os.O_RDWR)
    folder = path.parent.stat().st_mode
    made.chmod(0o600 | (0o044 & folder & (_kept(folder) if private else 0o777)))
    made.replace(path)
    sync_folder(path.parent)


def close(folder: Path) -> None:
    """Take a folder and its files from others, and from its group unless it is setgid.

    Its files may be read by the owner, and the group: 0600, or 0640.
    """
    kept = _kept(folder.stat().st_mode)
    for file in folder.iterdir():
        file.chmod(0o640 & kept)
    folder.chmod(kept)


def _kept(mode: int) -> int:
    """The rights that a folder keeps when it is closed to others."""
    return mode & (0o2770 if mode & stat.S_ISGID else 0o700)


def sync_folder(folder: Path) -> None:
    """See that the names of files in a folder outlive a loss of power, where the system can."""
    if os.name == "posix":
        _sync(folder, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(parent: Path, prefix: str) -> None:
    """Remove what killed processes left under such names; what cannot be removed stays."""
    for path in parent.glob(f"{escape(prefix)}*"):
        try:
            age = abs(time.time() - path.stat().st_mtime)  # the clock may have jumped back
            if age > _STALE_SECONDS and path.is_dir():
                with _held(path) as free:
                    if free:  # a long search holds what it made
                        remove(path)
            elif age > _STALE_SECONDS:
                path.unlink()
        except OSError:
            continue


_SEALED: dict[Path, dict[Path, str]] = {}


@contextmanager
def sealed(folder: Path) -> Iterator[None]:
    """Let `file_sha256` read each file of a folder once: nobody may write to it meanwhile."""
    outer = folder in _SEALED
    _SEALED.setdefault(folder, {})
    try:
        yield
    finally:
        if not outer:
            del _SEALED[folder]


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    known = _SEALED.get(path.parent, {})
    if path not in known:
        with path.open("rb") as stream:
            known[path] = hashlib.file_digest(stream, "sha256").hexdigest()
    return known[path]


def other_line_ends(path: Path) -> frozenset[str]:
    """What the sha256 of a text file is with other line ends; git for Windows changes them.

    None of a binary file, as git sees it: one with a NUL near its beginning; nor of one that is
    larger than texts are.
    """
    with path.open("rb") as file:
        head = file.read(8_000)
        if b"\0" in head or path.stat().st_size > _LARGEST_TEXT:
            return frozenset()
        content = head + file.read()
    unix = content.replace(b"\r\n", b"\n")
    both = (unix, unix.replace(b"\n", b"\r\n"))
    return frozenset(hashlib.sha256(one).hexdigest() for one in both if one != content)


def with_line_ends(path: Path, sha256: str) -> bytes:
    """What is in a text file, with the line ends that give this sha256: see `other_line_ends`."""
    unix = path.read_bytes().replace(b"\r\n", b"\n")
    both = (unix, unix.replace(b"\n", b"\r\n"))
    return next(one for one in both if hashlib.sha256(one).hexdigest() == sha256)
