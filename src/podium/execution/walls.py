"""What a model wanted that its walls refuse: told that it is on purpose, and what to do instead.

The model's process says which wall it met (`met`); the words are of the process that started it.
"""

from __future__ import annotations

import errno
import shlex
import socket
import subprocess
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from podium.execution import packages, policy, secret
from podium.execution.sandbox import FILES, NETWORK, Policy

if TYPE_CHECKING:
    from podium.competition.contract import Competition

_DEEP = 20  # errors that led to each other
_UNREACHABLE = {
    *(errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH),
    *(errno.EADDRNOTAVAIL, errno.ECONNREFUSED),
}
_DENIED = {errno.EACCES, errno.EPERM}
_WORDS = {
    "network": (
        NETWORK,
        "On purpose a model has no network. Data come through the competition: {get}. Other files, "
        "as weights, may lie beside the model file: Path(__file__).parent",
    ),
    "files": (
        FILES,
        "On purpose a model reads only the public data, its file and what lies beside that "
        "(Path(__file__).parent), and writes only to its working directory, which is gone "
        "afterwards. Data come through the competition: {get}. A folder of yours that it needs is "
        "shown to it by --see DIR",
    ),
    "program": (
        NETWORK,
        "On purpose a program that a model starts is behind the same walls: no network, and it "
        "writes only to the model's working directory, which is gone afterwards. Data come "
        "through the competition: {get}",
    ),
}
_MORE = "What a model may do: docs/competitor.md"


def met(error: BaseException) -> str | None:
    """The wall that a model's error came of; None if of none, as far as that shows."""
    for one in _led(error):
        if isinstance(one, subprocess.CalledProcessError):
            return "program"
        if isinstance(one, OSError) and (wall := _of(one)):
            return wall
    return None


def lacking(error: BaseException) -> list[str] | None:
    """What a model's error says of a module that it could not import; see `packages.lacking`."""
    return next(filter(None, map(packages.lacking, _led(error))), None)


def of_package(told: object, seen: Policy, competition: Competition) -> str:
    """What to tell about a package that a model does not see whole; nothing if it does.

    Args:
        told: What the model's process said that it lacks.
        seen: What it sees.
        competition: Whose raw files are not shown.
    """
    package, places = packages.leads(told, policy.python_path(), partial(policy.is_seen, seen))
    if not places:
        return ""
    shown = " and ".join(map(str, places))
    text = f"The package {package} leads to {shown}, which a model does not see: "
    reasons = (secret.why_not(place, competition) for place in places)
    if why := next(filter(None, reasons), ""):
        return f"{text}{why}. Install it elsewhere"
    return text + "add " + " ".join(f"--see {shlex.quote(str(place))}" for place in places)


def words(wall: object, left_open: Sequence[str], get: str) -> str:
    """What to tell about a wall: nothing of one that is not known, or is not up on this system.

    Args:
        wall: What the model's process said that it met.
        left_open: What is not guarded there.
        get: The command that fetches the data.
    """
    guarded, text = _WORDS.get(str(wall), ("", ""))
    return f"{text.format(get=get)}. {_MORE}" if text and guarded not in left_open else ""


def _led(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it."""
    for _ in range(_DEEP):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _of(error: OSError) -> str | None:
    if isinstance(error, socket.gaierror) or error.errno in _UNREACHABLE:
        return "network"
    if error.filename is None:
        return "network" if error.errno == errno.EACCES else None
    if error.errno == errno.ENOENT:
        return "program" if _in_subprocess(error) else "files"
    return "files" if error.errno in {*_DENIED, errno.EROFS} else None


def _in_subprocess(error: OSError) -> bool:
    """Whether it is a program that is not there."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__") == "subprocess"
