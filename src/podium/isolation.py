"""Safe runs: a model's code runs in a process of its own, which sees the public data only.

    here: starts, watches and ends it, and takes what it left   <-- messages, Parquet files --
    podium.worker: runs the model    podium.walls: what holds it    podium.sight: what it may see

What comes back is data and never code: messages are lines of JSON, predictions are files that pass
the same checks as any that is handed in. docs/decisions/0013 says what is guarded and what is not.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Any, cast

from podium import errors, sight
from podium.data import Data
from podium.errors import ModelError, PodiumError, SubmissionError
from podium.limits import LONGEST, Printed
from podium.model import ModelFile

if TYPE_CHECKING:
    import pandas as pd

    from podium.model import Part, Report
    from podium.training import Progress

_TICK = 0.05  # seconds between two looks at the process
_LINE = 1 << 20  # bytes of a message
_MIB = 1 << 20
_SHARE = 0.9  # of the free memory, where no limit is named
_GOING = 0.5  # seconds that a process which is done has to go by itself
_ENDING = 10.0  # seconds in which everything that a model started must have ended


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a model's process may take.

    Attributes:
        seconds: From the model's import to its last prediction; None for any time.
        memory: MiB of it and all that it starts; None for nine tenths of what is free.
    """

    seconds: float | None = None
    memory: float | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not 0 < self.seconds <= LONGEST:
            raise PodiumError(f"A time limit is more than 0 and at most {LONGEST:,} seconds.")
        if self.memory is not None and not 0 < self.memory <= 1 << 40:
            raise PodiumError("A memory limit is a number of MiB, more than 0.")

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return self.seconds is not None or self.memory is not None

    @property
    def memory_mb(self) -> float:
        """The limit on memory, or the default."""
        if self.memory is not None:
            return self.memory
        with suppress(OSError, StopIteration):
            lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
            free = next(line for line in lines if line.startswith("MemAvailable"))
            return _SHARE * int(free.split()[1]) / 1024
        return float("inf")


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


def run(
    task: str,
    data: Data,
    model: str | Path,
    out: Path,
    *,
    files: Iterable[str],
    params: Mapping[str, Any],
    limits: Limits,
    progress: Progress | None = None,
    **job: Any,
) -> Ran:
    """Have a task of `podium.worker` done by a process of its own.

    Args:
        task: `run` or `cross_validate`.
        data: Of which the process sees the public files.
        model: A shipped model's name, or the path of a file.
        out: An empty folder.
        files: Predictions that are there in the end.
        params: Changes to the model's `DEFAULTS`.
        limits: On its time and memory.
        progress: Shows how far it is.
        job: What else the task needs.

    Raises:
        PodiumError: If the model is refused, or ends without predictions; with the reason.
    """
    path = Path(model).resolve() if str(model).endswith(".py") else None
    most = limits.memory_mb
    shared = int(min(most * _MIB, 1 << 50))
    seen = sight.of(data, path, out, shared)
    work = out / "work"
    work.mkdir()
    Path(seen.root).mkdir()
    line = {
        "task": task,
        "competition": data.competition.name,
        "roots": [str(data.competition.folder.parent.absolute())],
        "dataset": data.dataset.name,
        "folder": str(data.folder.absolute()),
        "manifest": dict(data.manifest),
        "model": str(model if path is None else path),
        "params": dict(params),
        "out": str(work),
        "path": sight.python_path(),
        "sight": asdict(seen),
        **job,
    }
    child = subprocess.Popen(
        [sys.executable, "-P", "-B", str(Path(__file__).with_name("worker.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=work,
        env=sight.environment(work),
        start_new_session=True,
    )
    watched = _Watched(child, work, limits.seconds, most, progress)
    try:
        watched.send(line)
        import_module("podium.scoring")  # what comes next is loaded meanwhile
        found = watched.follow()
    except PodiumError as error:
        raise _shown(error, line["model"], str(model)) from None
    finally:
        watched.end()
    for name in files:
        _take(work / name, out / name)
    return found


class _Watched:
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
        self._found, self._done = Ran(), False
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
            others = _family(self._child.pid, sys.maxsize)[1:]
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
            if name == "begin" and self._seconds is not None:
                self._deadline = time.monotonic() + self._seconds
            elif name == "left_open" and isinstance(value, list):
                self._found.left_open = tuple(map(str, value))
            elif name == "params" and isinstance(value, dict):
                self._found.params = value
            elif name == "train_seconds" and isinstance(value, int | float):
                self._found.train_seconds = float(value)
            elif name == "stage" and self._progress:
                self._report = self._progress.stage(errors.visible(str(value)[:100]))
            elif name == "step" and self._report:
                self._show(value)
            elif name == "ended":
                raise _died(os.waitstatus_to_exitcode(int(value)))
            elif name == "refused":
                raise _refusal(value)
            elif name == "fault":
                raise RuntimeError(f"in the model's process: {str(value)[:1000]}")
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
        family = _family(self._child.pid, sight.PROCESSES)
        if len(family) > sight.PROCESSES:
            raise ModelError(
                f"The model started more than {sight.PROCESSES:,} processes: nothing was kept."
            )
        sizes = [_memory(process) for process in family]
        peak = max((peak for _, peak in sizes), default=0.0)
        if peak:
            self._found.peak_memory_mb = max(self._found.peak_memory_mb or 0.0, round(peak, 1))
        taken = sum(size for size, _ in sizes)
        if taken > self._memory and sum(map(_own_memory, family)) > self._memory:
            raise ModelError(
                f"The model took more than the limit of {self._memory:,.0f} MiB of memory: "
                "nothing was kept.",
                hint="Give it more with --limit-memory, or have it hold less at a time.",
            )
        if with_disk and _written(self._work) > sight.SCRATCH:
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


def replayed(data: Data, ran: Ran, model: Path, files: Mapping[int, Path], rows: int) -> ModelFile:
    """A model that gives the predictions that a process left, for each seed those of its file.

    So they pass the same checks, part by part, as those of a model that runs here.
    """
    tables = {seed: _table(data, path, rows) for seed, path in files.items()}
    module = SimpleNamespace(DEFAULTS=ran.params, build=lambda _, seed: _Replayed(tables[seed]))
    return ModelFile(
        name=model.stem,
        path=model,
        shipped=False,
        sha256="",
        module=cast("Any", module),
        params=ran.params,
    )


@dataclass(frozen=True)
class _Replayed:
    """A model that was fitted elsewhere."""

    table: pd.DataFrame

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Nothing is left to do."""

    def predict(self, part: Part) -> pd.DataFrame:
        """What the other process predicted."""
        return self.table[self.table["id"].isin(part.ids)]


def _table(data: Data, path: Path, rows: int) -> pd.DataFrame:
    from podium import formats

    found: Any = formats.read(path, data.competition, rows, data.genes)  # a table, as Parquet is
    return cast("pd.DataFrame", found.to_pandas(ignore_metadata=True))


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


def _refusal(told: Any) -> PodiumError:
    """The error that the process told of."""
    if not isinstance(told, dict):
        return ModelError("The model's process failed.")
    kinds = {kind.__name__: kind for kind in (ModelError, SubmissionError, errors.DataError)}
    kind = kinds.get(str(told.get("kind")), PodiumError)
    problems = [str(problem) for problem in told.get("problems") or ()][:1000]
    return kind(str(told.get("message")), problems=problems, hint=str(told.get("hint") or ""))


def _shown(error: PodiumError, path: str, name: str) -> PodiumError:
    """The same error with the model's file named as the user did."""
    message, hint, *problems = (
        text.replace(path, name) for text in (error.message, error.hint, *error.problems)
    )
    return type(error)(message, problems=problems, hint=hint)


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


def _family(process: int, most: int) -> list[int]:
    """A process and all that it and its children started; a few more than `most` at most."""
    found = [process]
    for one in found:
        if len(found) > most:
            break
        found += _children(one)
    return found


def _children(process: int) -> Iterator[int]:
    with suppress(OSError):
        for task in os.listdir(f"/proc/{process}/task"):  # noqa: PTH208  thousands of them
            with (
                suppress(OSError),
                open(f"/proc/{process}/task/{task}/children", "rb") as file,  # noqa: PTH123
            ):
                yield from map(int, file.read().split())


def _memory(process: int) -> tuple[float, float]:
    """Resident memory of a process and its peak, MiB; 0 where the system does not say."""
    known = {b"VmRSS": 0.0, b"VmHWM": 0.0}
    with suppress(OSError), open(f"/proc/{process}/status", "rb") as file:  # noqa: PTH123
        for line in file:
            name, _, value = line.partition(b":")
            if name in known:
                known[name] = int(value.split()[0]) / 1024
    return known[b"VmRSS"], known[b"VmHWM"]


def _own_memory(process: int) -> float:
    """Resident memory of a process, MiB, what it shares with others in equal parts."""
    with suppress(OSError), open(f"/proc/{process}/smaps_rollup", "rb") as file:  # noqa: PTH123
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) / 1024
    return _memory(process)[0]


def _written(folder: Path) -> int:
    """Bytes of all files in a folder, as far as they can be seen."""
    total, todo = 0, [str(folder)]
    while todo:
        with suppress(OSError), os.scandir(todo.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    known = entry.stat(follow_symlinks=False)
                    total += getattr(known, "st_blocks", 0) * 512 or known.st_size
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
    return total


def _take(left: Path, path: Path) -> None:
    """Copy predictions to where the model's process could not write.

    Raises:
        ModelError: If they are no plain file.
    """
    known = left.lstat() if os.path.lexists(left) else None
    if known is None or not stat.S_ISREG(known.st_mode) or known.st_nlink != 1:
        raise ModelError("The model's process left no predictions.")
    shutil.copyfile(left, path, follow_symlinks=False)
