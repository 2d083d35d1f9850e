"""What a model's process takes: looked at by the clock, and ended when it is too much.

A thread of its own looks, whatever the model says or prints meanwhile. On Linux all is read from
`/proc`, at every look in well under a millisecond; elsewhere psutil tells processes and memory.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from podium.errors import ModelError
from podium.execution import policy
from podium.machine import memory_left

if TYPE_CHECKING:
    from typing import IO

    from podium.execution.starting import Process

PROC = sys.platform == "linux"
"""Whether this system tells everything in `/proc`."""
TICK = 0.05
"""Seconds between two looks."""
_SLOW = 4  # looks, of which the last one sees files, too
_SELDOM = 20  # looks, of which one is taken at a process that has no task
_MIB = 1 << 20
_GOING = 0.5  # seconds that a process which is done has to go by itself
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # which Windows takes as the same
_RESIDENT = (b"VmRSS", b"VmHWM")  # memory of a process, and its peak
_ENDING = 10.0  # seconds in which everything that a model started must have ended


def too_long(seconds: float) -> ModelError:
    """The error where a model's code takes more than so many seconds."""
    return ModelError(
        f"The model ran longer than the limit of {seconds:g} seconds: nothing was kept.",
        hint="Give it more time with --limit-time, or make it faster.",
    )


class Monitor(threading.Thread):
    """Watches a process, and all that it starts, until it is ended.

    Attributes:
        verdict: Why it was ended from here; None if it was not.
        peak: Memory of the largest process, MiB; None where the system does not say.
        idle: Whether it has no task.
    """

    def __init__(self, process: Process, work: Path, memory: float) -> None:
        super().__init__(daemon=True)
        self.verdict: ModelError | None = None
        self.peak: float | None = None
        self.idle = False
        self._process, self._work, self._memory = process, work, memory
        self._seconds, self._deadline = 0.0, float("inf")
        self._over = threading.Event()
        self._ending = threading.Lock()

    def allow(self, seconds: float | None, named: float | None) -> None:
        """Give it time from now on: so many seconds of a limit of so many; None for any time."""
        self._seconds = named or 0.0
        self._deadline = float("inf") if seconds is None else time.monotonic() + seconds

    def run(self) -> None:
        """Look, until it is over."""
        looks = 0
        while not self._over.wait(TICK):
            looks += 1
            if self.idle and looks % _SELDOM:
                continue
            if problem := self.problem(with_files=looks % _SLOW == 0):
                self.verdict = problem
                self._end()
                return

    def problem(self, *, with_files: bool) -> ModelError | None:
        """What it takes too much of."""
        if time.monotonic() > self._deadline:
            return too_long(self._seconds)
        family = _family(self._process.pid, policy.PROCESSES)
        if len(family) > policy.PROCESSES:
            return ModelError(
                f"The model started more than {policy.PROCESSES:,} processes: nothing was kept."
            )
        sizes = [resident(process) for process in family]
        peak = max((peak for _, peak in sizes), default=0.0)
        if peak:
            self.peak = max(self.peak or 0.0, round(peak, 1))
        try:
            shared, files = _nameless(family) if with_files else (0.0, 0)
            if with_files:
                files += _written(self._work, policy.FILES)
        except PermissionError:
            return ModelError("The model hides what it holds or writes: nothing was kept.")
        shared += _shared_memory(self._process.pid, family)
        if sum(size for size, _ in sizes) + shared > self._memory:
            own = [_own_memory(process) for process in family]
            alone = sum(size for size, _ in own)
            if alone + max(shared, sum(part for _, part in own)) > self._memory:
                return ModelError(
                    f"The model took more than the limit of {self._memory:,.0f} MiB of memory: "
                    "nothing was kept.",
                    hint="Give it more with --limit-memory, or have it hold less at a time.",
                )
        if files > policy.SCRATCH:
            return ModelError(
                f"The model wrote more than {policy.SCRATCH / _MIB:,.0f} MiB of files: "
                "nothing was kept."
            )
        return None

    def end(self, *, done: bool) -> None:
        """End the process, and everything that it started; one that is done goes by itself."""
        self._over.set()
        if done:
            with suppress(OSError):
                cast("IO[bytes]", self._process.stdin).close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GOING)
        self._end()
        self.join()

    def _end(self) -> None:
        with self._ending:
            deadline, looked = time.monotonic() + _ENDING, False
            while time.monotonic() < deadline and self._process.poll() is None:
                # Its child is the first of a namespace, mostly: with that one all of them end.
                others = [*_children(self._process.pid)] if PROC else []
                others += _family(self._process.pid, sys.maxsize)[1:] if looked or not PROC else []
                if not others and looked:
                    break
                looked = True
                for process in others:
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(process, _KILL)
                time.sleep(0.001)
            if sys.platform != "win32" and self._process.poll() is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()


def _family(process: int, most: int) -> list[int]:
    """A process and all that it and its children started; a few more than `most` at most."""
    if not PROC:
        return [process, *_descendants(process)]
    family = [process]
    for one in family:
        if len(family) > most:
            break
        family += _children(one)
    return family


def _children(process: int) -> Iterator[int]:
    with suppress(OSError):
        for task in os.listdir(f"/proc/{process}/task"):  # noqa: PTH208  thousands of them
            with (
                suppress(OSError),
                open(f"/proc/{process}/task/{task}/children", "rb") as file,  # noqa: PTH123
            ):
                yield from map(int, file.read().split())


def _descendants(process: int) -> list[int]:
    import psutil

    with suppress(psutil.Error):
        return [child.pid for child in psutil.Process(process).children(recursive=True)]
    return []


def resident(process: int) -> tuple[float, float]:
    """Memory of a process and its peak as far as the system says it, MiB; 0 if it has ended."""
    if PROC:
        now, peak = _lines(process, "status", _RESIDENT)
        return now, peak
    import psutil

    with suppress(psutil.Error):
        memory = psutil.Process(process).memory_info()
        peak = getattr(memory, "peak_wset", memory.rss)
        return memory.rss / _MIB, peak / _MIB
    return 0.0, 0.0


def available() -> float:
    """Memory that is free for new work, MiB."""
    if PROC:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(line for line in lines if line.startswith("MemAvailable"))
        return min(int(free.split()[1]) / 1024, memory_left())
    import psutil

    return psutil.virtual_memory().available / _MIB


def _lines(process: int, name: str, wanted: tuple[bytes, ...]) -> list[float]:
    """Figures of a file of `/proc`, MiB; 0 where the system does not say."""
    known = dict.fromkeys(wanted, 0.0)
    with suppress(OSError), open(f"/proc/{process}/{name}", "rb") as file:  # noqa: PTH123
        for line in file:
            key, _, value = line.partition(b":")
            if key in known:
                known[key] = int(value.split()[0]) / 1024
    return list(known.values())


def _own_memory(process: int) -> tuple[float, float]:
    """Resident memory of a process, what it shares in equal parts; and what of it has no file."""
    size, shared = _lines(process, "smaps_rollup", (b"Pss", b"Pss_Shmem"))
    return (size - shared, shared) if size else (resident(process)[0], 0.0)


def _shared_memory(first: int, family: list[int]) -> float:
    """What lies in the `/dev/shm` of a process, MiB, if it has one of its own."""
    if sys.platform != "linux":
        return 0.0
    place = f"/proc/{family[-1]}/root/dev/shm"
    with suppress(OSError):
        if os.stat(place).st_dev != os.stat("/dev/shm").st_dev and family[-1] != first:  # noqa: PTH116, S108
            known = os.statvfs(place)
            return (known.f_blocks - known.f_bfree) * known.f_frsize / _MIB
    return 0.0


def _nameless(family: list[int]) -> tuple[float, int]:
    """What is held open and has no name: memory (MiB), and bytes of files."""
    if sys.platform != "linux":
        return 0.0, 0
    memory: dict[tuple[int, int], int] = {}
    files: dict[tuple[int, int], int] = {}
    for process in family:
        with suppress(FileNotFoundError, ProcessLookupError):
            for number in _descriptors(process):
                with suppress(OSError):
                    path = f"/proc/{process}/fd/{number}"
                    target = os.readlink(path)  # noqa: PTH115
                    if target.endswith(" (deleted)"):
                        known = os.stat(path)  # noqa: PTH116
                        kind = memory if target.startswith("/memfd:") else files
                        kind[known.st_dev, known.st_ino] = known.st_blocks * 512
    return sum(memory.values()) / _MIB, sum(files.values())


def _descriptors(process: int) -> list[str]:
    """Numbers of the files that a process has open.

    Raises:
        PermissionError: If it lives, and does not let its owner look.
    """
    try:
        return os.listdir(f"/proc/{process}/fd")  # noqa: PTH208
    except PermissionError:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        if state.rpartition(")")[2].split()[0] in "ZX":  # it has ended: it has none
            return []
        raise


def _written(folder: Path, most: int) -> int:
    """Bytes of all files in a folder.

    Raises:
        PermissionError: If some cannot be looked at: a folder is closed, or too deep, or there are
            too many.
    """
    total, count, todo = 0, 0, [str(folder)]
    while todo:
        place = todo.pop()
        try:
            entries = os.scandir(place)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            raise PermissionError(place) from None
        with entries:
            for entry in entries:
                count += 1
                if count > most:
                    raise PermissionError(place)
                try:
                    known = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                except OSError:  # its path is too long
                    raise PermissionError(place) from None
                total += getattr(known, "st_blocks", 0) * 512 or known.st_size
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
    return total
