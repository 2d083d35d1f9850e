"""Prints of a model's own code: they belong to stderr, since stdout is for results.

A flood of them belongs to nobody.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from podium.errors import Plain

PRINTED = 1 << 20
"""Characters of a model's prints that are shown, and bytes of what its libraries print."""
LONGEST = 10**8
"""Seconds that a limit on time may be: three years."""
_DROPPED = "(The model printed more than 1 MiB: the rest is dropped.)"
_PATIENCE = 0.2  # seconds for the last prints, which processes that the model left may hold up


class Halted(BaseException):
    """Interrupts a model; no `Exception`, so that `except Exception` does not swallow it."""


@contextmanager
def contained() -> Iterator[None]:
    """Run a model's code in this process: printing to stderr, leaving the directory as it was."""
    with _prints(), contextlib.chdir(Path.cwd()):
        yield


@contextmanager
def _prints() -> Iterator[None]:
    """Show the first of what is printed on stderr, by Python and (on stdout) by anything else."""
    capped = Printed(sys.stderr)
    with contextlib.redirect_stdout(capped), contextlib.redirect_stderr(capped):
        if os.name != "posix":
            yield
            return
        with _descriptor_to_stderr():
            yield


class Printed(Plain):
    """One that drops what is too much."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(stream)
        self._left = PRINTED

    def write(self, text: str) -> int:
        """Write what there is room for."""
        if self._left > 0:
            shown = self.plain(text[: self._left])
            self._stream.write(shown[: self._left])
            self._left -= len(shown)
            if self._left <= 0:
                self._stream.write(f"\n{_DROPPED}\n")
        return len(text)


@contextmanager
def _descriptor_to_stderr() -> Iterator[None]:
    """File descriptor 1, which libraries and other processes print to, through a filter.

    The filter is a process: a library may print while it holds the interpreter's lock.
    """
    script = f'head -c {PRINTED}; rest=$(wc -c); [ "$rest" -eq 0 ] || printf "\\n%s\\n" "$0"'
    shown = subprocess.Popen(["sh", "-c", script, _DROPPED], stdin=subprocess.PIPE, stdout=2)
    if shown.stdin is None:
        return
    stdout = os.dup(1)
    os.dup2(shown.stdin.fileno(), 1)
    shown.stdin.close()
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)  # C keeps what it printed until its buffer is full
        os.dup2(stdout, 1)
        os.close(stdout)
        try:
            shown.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            shown.kill()
            shown.wait()
