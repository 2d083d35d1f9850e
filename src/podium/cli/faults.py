"""What a command raises, as a message and an exit status."""

from __future__ import annotations

import errno
import os
import signal
import sys
import tempfile
import traceback
from contextlib import suppress

from podium import workspace
from podium.cli.display import printing
from podium.errors import PodiumError, in_one_line, reason

_SYSTEM = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EFBIG, errno.EIO),
}
"""Errors that are the machine's or the user's to mend, not ours."""


_ENDINGS = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
"""Signals that end a command as Ctrl-C does: it cleans up first."""
_PIPE = 13
"""SIGPIPE, by which other tools end when nobody reads on."""
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)


class Exits:
    """Turns what a command raises into a message and an exit status."""

    def __enter__(self) -> None:
        self._signal = 0
        self._before = {
            number: signal.signal(number, self._interrupt)
            for number in (signal.SIGINT, *_ENDINGS)
            if signal.getsignal(number) in _DEFAULTS  # nohup has SIGHUP ignored
        }

    def _interrupt(self, number: int, _: object) -> None:
        self._signal = number  # what is raised may arrive as another error
        if number in _ENDINGS:  # the two may come together, and cleaning up goes on
            for other in _ENDINGS:
                signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        error = _printed(error)
        if _unheard(error):
            _drop_output()
            sys.exit(128 + _PIPE)
        if isinstance(error, OSError):
            error = _refusal(error) or error
        if isinstance(error, PodiumError):
            try:
                printing.error(error, as_json="--json" in sys.argv)
                sys.stdout.flush()
            except OSError:  # it may be the standard output that is full, or closed
                _drop_output()
            sys.exit(1)
        if isinstance(error, KeyboardInterrupt | SystemExit) and self._signal:
            printing.say("interrupted")
            sys.exit(128 + self._signal)
        if isinstance(error, Exception):
            what = in_one_line(f"{type(error).__name__}: {error}")
            printing.say(f"This is a fault of Podium: {what}")
            printing.say(f"Please report it with {_kept(error)}")
            sys.exit(3)


def _printed(error: BaseException | None) -> BaseException | None:
    """What has been raised, or what the last of the output meets on its way."""
    if error is None or isinstance(error, SystemExit):
        try:
            sys.stdout.flush()
        except OSError as lost:
            return lost
    return error


def _unheard(error: BaseException | None) -> bool:
    """Whether nobody reads what is printed: `podium list | head -1` has enough."""
    if isinstance(error, SystemExit):
        error = error.__context__  # click makes an exit of it
    return isinstance(error, BrokenPipeError)


def _drop_output() -> None:
    """Nothing more is printed, by Python itself at its end either."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refusal(error: OSError) -> PodiumError | None:
    """What the system refused; None where that is not for the user to mend."""
    if error.errno in _SYSTEM and error.filename:
        return PodiumError(f"The system refused: {reason(error)}: {str(error.filename)[:200]}.")
    no_scratch = error.errno == errno.ENOENT and error.filename is None  # from tempfile
    if error.errno not in _SYSTEM and not no_scratch:
        return None
    return PodiumError(
        f"The system refused: {error.strerror if no_scratch else reason(error)}.",
        hint=f"Look at the workspace {workspace.root()}, the data {workspace.cache()} "
        "(PODIUM_DATA), scratch (TMPDIR), and where the output goes.",
    )


def _kept(error: Exception) -> str:
    """Where the traceback is: in a file, or where the disk refuses one, here."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="podium-fault-", suffix=".txt", delete=False
        ) as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return "".join(traceback.format_exception(error))
    return file.name
