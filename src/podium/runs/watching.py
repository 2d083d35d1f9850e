"""Watch a model's process: understand what it says, measure what it takes, end all of it.

What it says is data, and it may lie: messages are lines of JSON, of which nothing is believed that
could harm another than the model itself.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from podium import errors
from podium.errors import ModelError, PodiumError, SubmissionError
from podium.runs import sight, usage
from podium.runs.limits import Printed

if TYPE_CHECKING:
    from podium.model import Report
    from podium.training import Progress

_TICK = 0.05  # seconds between two looks at the process
_LINE = 1 << 20  # bytes of a message
_MIB = 1 << 20
_GOING = 0.5  # seconds that a process which is done has to go by itself
_ENDING = 10.0  # seconds in which everything that a model started must have ended


@dataclass(kw_only=True)
class Ran:
    """What a model's process did.

    Attributes:
        params: The model's complete parameters.
        train_seconds: As the process measured it.
        peak_memory_mb: Of the largest process, MiB; None where the system does not say.
        left_open: What this system does not guard.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    train_seconds: float | None = None
    peak_memory_mb: float | None = None
    left_open: tuple[str, ...] = ()


class Watched:
    """A process at work: its messages, its prints and what it takes."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        work: Path,
        seconds: float | None,
        memory: float,
        progress: Progress | None,
    ) -> None:
        self._child, self._work, self._seconds, self._memory = child, work, seconds, memory
        self._progress = progress
        self._report: Report | None = None
        self._deadline = float("inf")
        self._messages: queue.Queue[bytes | None] = queue.Queue(maxsize=100)
        self._found, self._begun, self._done = Ran(), False, False
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._read_messages, daemon=True),
            threading.Thread(target=self._read_prints, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def send(self, job: Mapping[str, Any]) -> None:
        """Give it its job."""
        pipe = cast("IO[bytes]", self._child.stdin)
        with suppress(BrokenPipeError):  # it has died: following it says how
            pipe.write(json.dumps(job).encode() + b"\n")
            pipe.flush()

    def follow(self) -> Ran:
        """Watch until it is done.

        Raises:
            PodiumError: If it is refused, dies or takes too much.
        """
        looks = 0
        while True:
            looks += 1
            self._look(with_disk=looks % 4 == 0)
            with suppress(queue.Empty):
                line = self._messages.get(timeout=_TICK)
                while line is not None:
                    if self._understand(_message(line)):
                        self._look(with_disk=True)
                        self._done = True
                        return self._found
                    line = self._messages.get_nowait()
                raise _died(self._child.wait(_ENDING))

    def end(self) -> None:
        """End it, and everything that it started."""
        self._over.set()
        if self._done:  # it goes when nobody listens any more
            cast("IO[bytes]", self._child.stdin).close()
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(_GOING)
        deadline = time.monotonic() + _ENDING
        while time.monotonic() < deadline and self._child.poll() is None:
            others = usage.family(self._child.pid, sys.maxsize)[1:]
            if not others:
                break
            for process in others:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.001)
        if os.name == "posix":
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
        self._child.kill()
        self._child.wait()
        for thread in self._threads:
            thread.join(1.0)
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _understand(self, message: Mapping[str, Any]) -> bool:
        """Whether it is done."""
        for name, value in message.items():
            if name == "begin" and not self._begun:  # from here on the model may speak
                self._begun = True
                self._deadline = time.monotonic() + (self._seconds or float("inf"))
            elif name == "left_open" and isinstance(value, list) and not self._begun:
                self._found.left_open = tuple(map(str, value))
            elif name == "params" and isinstance(value, dict):
                self._found.params = value
            elif name == "train_seconds" and isinstance(value, int | float):
                self._found.train_seconds = float(value)
            elif name == "stage" and self._progress:
                self._report = self._progress.stage(errors.in_one_line(str(value)[:100]))
            elif name == "step" and self._report:
                self._show(value)
            elif name == "ended" and isinstance(value, int):
                raise _died(value)
            elif name == "refused":
                raise _refusal(value, theirs=self._begun)
            elif name == "fault":
                said = errors.in_one_line(str(value)[:1000])
                raise RuntimeError(f"in the model's process: {said}")
        return "done" in message

    def _show(self, value: Any) -> None:
        with suppress(TypeError, ValueError):
            step, figure, others = value
            figures = {str(name)[:20]: float(other) for name, other in list(others.items())[:5]}
            cast("Report", self._report)(int(step), float(figure), **figures)

    def _look(self, *, with_disk: bool) -> None:
        """Measure what it takes.

        Raises:
            ModelError: If that is too much.
        """
        if time.monotonic() > self._deadline:
            raise ModelError(
                f"The model ran longer than the limit of {self._seconds:g} seconds: "
                "nothing was kept.",
                hint="Give it more time with --limit-time, or make it faster.",
            )
        family = usage.family(self._child.pid, sight.PROCESSES)
        if len(family) > sight.PROCESSES:
            raise ModelError(
                f"The model started more than {sight.PROCESSES:,} processes: nothing was kept."
            )
        sizes = [usage.memory(process) for process in family]
        peak = max((peak for _, peak in sizes), default=0.0)
        if peak:
            self._found.peak_memory_mb = max(self._found.peak_memory_mb or 0.0, round(peak, 1))
        taken = sum(size for size, _ in sizes)
        if taken > self._memory and sum(map(usage.own_memory, family)) > self._memory:
            raise ModelError(
                f"The model took more than the limit of {self._memory:,.0f} MiB of memory: "
                "nothing was kept.",
                hint="Give it more with --limit-memory, or have it hold less at a time.",
            )
        if with_disk and usage.written(self._work) > sight.SCRATCH:
            raise ModelError(
                f"The model wrote more than {sight.SCRATCH / _MIB:,.0f} MiB of files: "
                "nothing was kept."
            )

    def _read_messages(self) -> None:
        pipe = cast("IO[bytes]", self._child.stdout)
        with suppress(ValueError, OSError):
            while (line := pipe.readline(_LINE)) and not self._over.is_set():
                self._put(line)
        self._put(None)

    def _put(self, line: bytes | None) -> None:
        while not self._over.is_set():
            with suppress(queue.Full):
                self._messages.put(line, timeout=_TICK)
                return

    def _read_prints(self) -> None:
        pipe = cast("IO[bytes]", self._child.stderr)
        printed = Printed(sys.stderr)
        with suppress(ValueError, OSError):
            while chunk := os.read(pipe.fileno(), 1 << 16):
                printed.write(chunk.decode(errors="replace"))


def _message(line: bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise ModelError("The model's process sent something that is no message.")
    return message


def _no_number(text: str) -> None:
    raise ValueError(text)


def _refusal(told: Any, *, theirs: bool) -> PodiumError:
    """The error that the process told of; as its words where the model's code may have said it."""
    if not isinstance(told, dict):
        return ModelError("The model's process failed.")
    kinds = {kind.__name__: kind for kind in (ModelError, SubmissionError, errors.DataError)}
    kind = kinds.get(str(told.get("kind")), PodiumError)
    given = told.get("problems")
    problems = [str(problem) for problem in given[:1000]] if isinstance(given, list) else []
    message, hint = str(told.get("message")), str(told.get("hint") or "")
    if theirs:
        message = f"The model's process says: {errors.in_one_line(message)}"
        problems = [errors.in_one_line(problem) for problem in problems]
        hint = hint and f"It says, too: {errors.in_one_line(hint)}"
    return kind(message, problems=problems, hint=hint)


def _died(code: int) -> ModelError:
    """How a process ended that should have gone on."""
    number = -code if code < 0 else code - 128  # a process in between passes signals on so
    try:
        how = f"it was ended by the signal {signal.Signals(number).name}"
    except ValueError:
        how = f"its exit status is {code}"
    return ModelError(
        f"The model's process ended before it gave predictions: {how}.",
        hint="A model returns; it does not exit. A library in C may have crashed, or the "
        "machine's memory was full.",
    )
