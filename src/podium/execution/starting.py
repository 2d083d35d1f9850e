"""How a model's process begins: forked where the system does that well, else from nothing."""

from __future__ import annotations

import atexit
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol, cast

from podium.errors import PodiumError
from podium.execution import policy
from podium.machine import python


def _forks() -> bool:
    """Whether processes are forked here: on Linux, where one can be held by a handle."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):  # some builds of Python lack it, and old kernels
        return False
    return sys.platform == "linux"


FORKS = _forks()
_COMMON = (
    "podium.execution.child",
    "podium.execution.training",
    "podium.data.dataset",
    "pandas",
    "pyarrow.parquet",
)
_HEAVY = {
    "lightgbm": r"\blightgbm\b",
    "sklearn.linear_model": r"\bsklearn\b",
    "torch": r"\btorch\b|\bneural\b|[Aa]utoencoder",
    "h5py": r"\bslices\b",
    "scipy.sparse": r"\bscipy\b|\bslices\b",
}
"""Packages that take long to import, and how a model file that needs one looks."""


class Process(Protocol):
    """A process that was started: what `subprocess.Popen` has of one."""

    pid: int
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    stderr: IO[bytes] | None

    def poll(self) -> int | None:
        """Its exit status once it has ended; None before."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended."""

    def kill(self) -> None:
        """End it."""


def start(work: Path, source: bytes, threads: int | None = None) -> Process:
    """Start a process that waits for what it shall be: see `podium.execution.child`.

    Args:
        work: Its home.
        source: Of its model: heavy packages that it names are imported beforehand.
        threads: How many its libraries may use; None for what the environment says.
    """
    environment = policy.environment(threads)
    if not FORKS:
        return subprocess.Popen(
            python("-B", str(Path(__file__).with_name("child.py"))),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=work,
            env={**environment, **policy.places(work)},
            start_new_session=True,
        )
    text = source.decode(errors="replace")
    heavy = [name for name, pattern in _HEAVY.items() if re.search(pattern, text)]
    return _server(environment).fork([*_COMMON, *heavy])


class _Forked:
    """A process that is another one's child: it is known by a handle, not by its number."""

    def __init__(self, streams: tuple[int, int, int]) -> None:
        self.pid = 0
        self.stdin: IO[bytes] | None = os.fdopen(streams[0], "wb")
        self.stdout: IO[bytes] | None = os.fdopen(streams[1], "rb")
        self.stderr: IO[bytes] | None = os.fdopen(streams[2], "rb")
        self._handle: int | None = None

    def begun(self, process: int) -> None:
        """It has this number."""
        self.pid = process
        with suppress(ProcessLookupError):  # it has ended already
            self._handle = os.pidfd_open(process)

    def poll(self) -> int | None:
        """See `Process`; how it ended nobody knows but the one that it told."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """See `Process`.

        Raises:
            TimeoutExpired: If it has not ended by then.
        """
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("a model's process", timeout or 0)
        return code

    def kill(self) -> None:
        """See `Process`."""
        if self._handle is not None:
            with suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self._handle is not None:
            ended = select.poll()
            ended.register(self._handle, select.POLLIN)
            if not ended.poll(None if timeout is None else 1000 * timeout):
                return None
        return -signal.SIGKILL

    def __del__(self) -> None:
        if self._handle is not None:
            os.close(self._handle)


class _Server:
    """The server of this process, for children of one environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                python("-B", str(Path(__file__).with_name("forkserver.py"))),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,  # what a package prints is no result
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        atexit.register(self.close)

    def fork(self, modules: list[str]) -> _Forked:
        """A child that has imported these."""
        ours, theirs = zip(*(os.pipe() if n else os.pipe()[::-1] for n in range(3)), strict=True)
        request = json.dumps({"path": policy.python_path(), "modules": modules}).encode()
        forked = _Forked(cast("tuple[int, int, int]", ours))
        try:
            with self._lock:
                socket.send_fds(self._control, [request], theirs)
                forked.begun(int(self._control.recv(64)))
        except (OSError, ValueError):
            self.close()
            raise PodiumError(
                "The model's process could not be started.",
                hint="Is memory short? Run it again once other programs have ended.",
            ) from None
        except BaseException:
            self.close()  # the answer to this request must not be taken for that of the next
            raise
        finally:
            for stream in theirs:
                os.close(stream)
        return forked

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def close(self) -> None:
        """Let it go, with its children."""
        with suppress(OSError):  # also where a fork of this program holds it
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        self._process.wait()


_SERVERS: dict[tuple[int, str], _Server] = {}
_STARTING = threading.Lock()


def warm(threads: int | None = None) -> None:
    """Start the server now: it imports while this process does something else."""
    if FORKS:
        _server(policy.environment(threads))


def _server(environment: dict[str, str]) -> _Server:
    key = os.getpid(), json.dumps(environment, sort_keys=True)  # a fork of ours has none yet
    with _STARTING:
        if key not in _SERVERS or not _SERVERS[key].lives:
            _SERVERS[key] = _Server(environment)
        return _SERVERS[key]
