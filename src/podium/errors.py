"""Errors that are the user's to mend: what is wrong, where, and what to do next.

`podium` shows them without a traceback and exits with status 1. Anything else that is raised is a
fault of Podium itself (status 3).
"""

from __future__ import annotations

import difflib
import errno
import logging
import os
import re
import stat
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_LENGTH = 2000  # characters of a message or problem
_OF_A_KIND = 5  # problems that are shown


def reason(error: OSError) -> str:
    """Why the system refused, in words."""
    return os.strerror(error.errno) if error.errno else str(error)


_NO_FILE = (21, 123, 1921)  # of Windows: a drive that is empty, no name, a link in a circle
IRREGULAR = "is no regular file but a pipe or a device"


def no_file(path: Path) -> str:
    """What a path is that must be a file's; nothing if it is one.

    Raises:
        OSError: If the system refuses to look; `Path.is_file` hides that from Python 3.14 on.
    """
    try:
        mode = path.stat().st_mode
    except ValueError:  # a NUL in it
        return "does not exist"
    except OSError as error:
        none = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
        if not none and getattr(error, "winerror", None) not in _NO_FILE:
            raise
        return "is a link that leads nowhere" if path.is_symlink() else "does not exist"
    if stat.S_ISDIR(mode):
        return "is a directory"
    return "" if stat.S_ISREG(mode) else IRREGULAR


def in_one_line(text: str) -> str:
    """Words of others, such that no line of them passes for one of ours."""
    return visible(" ".join(text.split()))


def visible(text: str) -> str:
    """Control characters, marks of direction and bytes of no encoding as escapes.

    Nothing that is printed must steer a terminal.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


class Plain:
    """A text stream that passes on what others print, such that none of it steers a terminal.

    Tabs and ends of lines stay, and so do bars of progress, which go back in their line.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write it, control characters as escapes."""
        self._stream.write(self.plain(text))
        return len(text)

    @staticmethod
    def plain(text: str) -> str:
        """What is written instead."""
        return re.sub(r"[^\t\r\n]+", lambda part: visible(part[0]), text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class PodiumError(Exception):
    """An input that was refused.

    Args:
        message: What is wrong, in one sentence.
        problems: Everything that is wrong, one line each, all at once; see `capped`.
        hint: What to do next: a command where one helps.
    """

    def __init__(self, message: str, *, problems: Iterable[str] = (), hint: str = "") -> None:
        super().__init__(visible(message[:_LENGTH]))
        self.message = visible(message[:_LENGTH])
        self.problems = tuple(visible(problem[:_LENGTH]) for problem in capped(problems))
        self.hint = visible(hint[:_LENGTH])

    def rename(self, old: Path, new: Path) -> None:
        """Call a file what its user calls it: what was read was a copy."""
        names = visible(str(old)), visible(str(new))
        self.message, self.hint = (text.replace(*names) for text in (self.message, self.hint))
        self.problems = tuple(problem.replace(*names) for problem in self.problems)
        self.args = (self.message,)

    @property
    def as_json(self) -> dict[str, Any]:
        """What it says, as plain values."""
        return {"message": self.message, "problems": list(self.problems), "hint": self.hint}

    @property
    def told(self) -> dict[str, Any]:
        """The same for another process, which makes an error of it again."""
        return {"kind": type(self).__name__, **self.as_json}

    def __str__(self) -> str:
        lines = [self.message, *(f"  - {problem}" for problem in self.problems)]
        return "\n".join([*lines, self.hint] if self.hint else lines)


def capped(problems: Iterable[str]) -> list[str]:
    """Of problems that differ in quoted names and numbers alone, the first five and a count."""
    counts, lines, like = Counter[str](), list[str](), dict[str, str]()
    for problem in problems:
        kind = re.sub(r"'[^']*'|[\d.,]+", "", problem)
        counts[kind] += 1
        like.setdefault(kind, problem)
        if counts[kind] <= _OF_A_KIND:
            lines.append(problem)
    more = {kind: count - _OF_A_KIND for kind, count in counts.items() if count > _OF_A_KIND}
    return lines + [f"and {count:,} more like this: {like[kind]}" for kind, count in more.items()]


def one_line(error: Exception) -> str:
    """What is wrong, in one line."""
    if isinstance(error, OSError):
        return f"The system refused: {visible(reason(error))}."
    if not isinstance(error, PodiumError):
        return in_one_line(f"{type(error).__name__}: {error}"[:_LENGTH])
    if not error.problems:
        return error.message
    return f"{error.message.rstrip('.')}: {'; '.join(error.problems)}"


class UnknownNameError(PodiumError):
    """A name that nothing has; the nearest one is suggested."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, hint: str = "") -> None:
        names = sorted(known)
        near = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.5)
        suggestion = f" Did you mean {near[0]!r}?" if near else ""
        listing = ", ".join(names) or "none"
        super().__init__(f"Unknown {kind} {name!r}.{suggestion} Known: {listing}.", hint=hint)


class DataError(PodiumError):
    """Raw or prepared data that is missing, changed or damaged."""


class SubmissionError(PodiumError):
    """A predictions table that cannot be scored."""


class ModelError(PodiumError):
    """A model file, or its parameters, that does not keep the contract."""


EXTRAS = {
    "torch": ("torch", "neural"),
    "RNA": ("viennarna", "bio"),
    "rdkit": ("rdkit", "chem"),
    "rdata": ("rdata", "bio"),
    "igraph": ("igraph", "bio"),
    "leidenalg": ("leidenalg", "bio"),
    "matplotlib": ("matplotlib", "plot"),
    "plotly": ("plotly", "tune"),
    "cmaes": ("cmaes", "tune"),
    "dask": ("dask", "dask"),
    "distributed": ("distributed", "dask"),
    "psycopg": ("psycopg[binary]", "postgres"),
}
"""Modules that come with an extra: the package that brings each, and the extra."""


class MissingPackageError(PodiumError):
    """An optional package that is needed now and is not installed."""

    def __init__(self, what: str, module: str) -> None:
        package, extra = EXTRAS[module]
        super().__init__(
            f"{what} needs the package {package}, which is not installed.",
            hint=f"Install it: pip install {package}; or Podium with its extra '{extra}'",
        )


@contextmanager
def require_extra(what: str) -> Iterator[None]:
    """Say in words which extra is missing when code inside imports from it.

    Raises:
        MissingPackageError: Instead of `ImportError`, for the modules in `EXTRAS`.
    """
    try:
        yield
    except ImportError as error:
        for one in (error, error.__cause__):  # Optuna has words of its own
            if isinstance(one, ModuleNotFoundError) and one.name in EXTRAS:
                raise MissingPackageError(what, one.name) from error
        raise


class BoardError(PodiumError):
    """A request that the leaderboard refuses."""


_LOG = logging.getLogger("podium")


class _Stderr(logging.Handler):
    """Writes to what stderr is at the time: tests and notebooks put another one in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line."""
        sys.stderr.write(record.getMessage() + "\n")


if not _LOG.handlers:
    _LOG.addHandler(_Stderr())


def note(text: str) -> None:
    """Say in one line how something was read, what was left out, or what came of it."""
    _LOG.warning("%s", visible(text))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what `note` would say inside: models are only tried there."""
    before = _LOG.level
    _LOG.setLevel(logging.ERROR)
    try:
        yield
    finally:
        _LOG.setLevel(before)


def _inside(function: str) -> str:
    return "" if function == "<module>" else f" in {function}"


def own_lines(error: BaseException, is_own: Callable[[Path], bool]) -> list[str]:
    """The lines of some files that an error came through, the innermost last.

    Args:
        error: As it was caught.
        is_own: Which files are meant.

    Returns:
        Such as `model.py, line 3 in fit: 1 / 0`.
    """
    lines = [
        f"{Path(frame.filename).name}, line {frame.lineno}{_inside(frame.name)}: {frame.line}"
        for frame in traceback.extract_tb(error.__traceback__)
        if is_own(Path(frame.filename))
    ]
    if isinstance(error, SyntaxError) and error.lineno and isinstance(error.filename, str):
        file = Path(error.filename)
        if is_own(file):
            lines.append(f"{file.name}, line {error.lineno}: {error.msg}")
    return lines
