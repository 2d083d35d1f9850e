"""Limits on a model's own code: how long it may run, and how much of what it prints is shown.

What a model prints belongs to stderr, since stdout is for results, and a flood of it to nobody.
A model that is past its time is interrupted. One that cannot be, because it swallows the
interruption or never leaves its C code, ends the process after a grace; then the message comes
from a child process, as nothing else here can still speak.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

from podium.errors import ModelError, PodiumError

PRINTED = 1 << 20
"""Characters of a model's prints that are shown, and bytes of what its libraries print."""
GRACE = 2.0
"""Seconds that a model has to let itself be interrupted."""
LONGEST = 10**8
"""Seconds that a limit may be: three years; timers take no more everywhere."""
_DROPPED = "(The model printed more than 1 MiB: the rest is dropped.)"
_PATIENCE = 0.2  # seconds for the last prints, which processes that the model left may hold up


class Halted(BaseException):
    """Interrupts a model; no `Exception`, so that `except Exception` does not swallow it."""


class TimeUp(Halted):
    """Its time is up."""


@contextmanager
def contained(seconds: float | None = None) -> Iterator[None]:
    """Run a model's code: for a limited time, printing to stderr, leaving the directory as it was.

    Args:
        seconds: How long it may take in all; None for any time.

    Raises:
        ModelError: If it takes longer.
        PodiumError: If the limit is out of range, or none is possible here: it needs POSIX
            signals and the main thread.
    """
    with _prints(), contextlib.chdir(Path.cwd()), _time(seconds):
        yield


@contextmanager
def _time(seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    if not 0 < seconds <= LONGEST:
        raise PodiumError(f"A time limit is more than 0 and at most {LONGEST:,} seconds.")
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        raise PodiumError("A time limit needs a POSIX system and the main thread.")
    error = ModelError(
        f"The model ran longer than the limit of {seconds:g} seconds: nothing was kept.",
        hint="Give it more time with --limit-time, or make it faster.",
    )
    late = threading.Event()

    def interrupt(*_: object) -> NoReturn:
        late.set()
        raise TimeUp

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with _ended_after(seconds + GRACE, f"error: {error}"):
            try:
                signal.setitimer(signal.ITIMER_REAL, seconds)
                yield
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    except TimeUp:
        raise error from None
    finally:
        signal.signal(signal.SIGALRM, before)
    if late.is_set():
        raise error


@contextmanager
def _ended_after(seconds: float, text: str) -> Iterator[None]:
    """End the process with status 1 and a message, even if the interpreter never runs again."""
    clear = '[ -t 2 ] && printf "\\r\\033[K\\033[?25h" >&2'  # a progress line, its hidden cursor
    script = f'read -r _ && {{ {clear}; printf "%s\\n" "$0" >&2; }}'
    speaker = subprocess.Popen(["sh", "-c", script, text], stdin=subprocess.PIPE)
    if speaker.stdin is None:
        return
    with speaker.stdin as pipe:
        faulthandler.dump_traceback_later(seconds, exit=True, file=pipe)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            speaker.kill()
            speaker.wait()


@contextmanager
def _prints() -> Iterator[None]:
    """Show the first of what is printed on stderr, by Python and (on stdout) by anything else."""
    capped = _Capped(sys.stderr)
    with contextlib.redirect_stdout(capped), contextlib.redirect_stderr(capped):
        if os.name != "posix":
            yield
            return
        with _descriptor_to_stderr():
            yield


class _Capped:
    """A text stream that drops what is too much."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream, self._left = stream, PRINTED

    def write(self, text: str) -> int:
        """Write what there is room for."""
        if self._left > 0:
            self._stream.write(text[: self._left])
            self._left -= len(text)
            if self._left <= 0:
                self._stream.write(f"\n{_DROPPED}\n")
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


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
