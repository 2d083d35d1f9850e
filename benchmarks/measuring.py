"""What the programs of this folder share: whole processes timed in turn, and results as JSON.

Two ways are compared by running them alternately, so that both meet the same state of the machine;
the ratio is the median of the ratios of the pairs. Beside wall time stands processor time, which
depends little on what else the machine does, and the highest memory that the process had.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
FRAME = """
import json, sys, time
from pathlib import Path
file, began, score = sys.argv[1] if len(sys.argv) > 1 else "", [], 0.0
def start():
    began.extend([time.perf_counter(), time.process_time()])
{code}
wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
status = Path("/proc/self/status")  # its peak begins with this program, that of getrusage before
lines = status.read_text().splitlines() if status.is_file() else []
peak = next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)
print(json.dumps(dict(wall=wall, cpu=cpu, peak=peak, score=float(score))))
"""
"""Around code that calls `start()` after its imports, reads `file` and sets `score`."""
LIBRARIES = ("numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "lightgbm", "torch")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
PODIUM = str(Path(sys.executable).parent / "podium")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One process: seconds of wall and of processors, peak memory in MiB, and what it found.

    Attributes:
        peak: 0 where the process says nothing of it.
        inner: The same since its `start()`, where it has one.
    """

    wall: float
    cpu: float
    peak: float = 0.0
    score: float = 0.0
    inner: Run | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """A section of the page.

    Attributes:
        text: What was compared, in Markdown.
        header: Names of the columns.
        rows: Cells as they are shown.
        notes: Findings, one a line.
        picture: A PNG file beside the result.
    """

    title: str
    text: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default=())
    picture: str | None = None

    def write(self, name: str) -> None:
        """Keep it, with the machine, for `page.py`; and show it."""
        RESULTS.mkdir(exist_ok=True)
        document = {**asdict(self), "machine": machine()}
        (RESULTS / f"{name}.json").write_text(
            json.dumps(document, indent=1) + "\n", encoding="utf-8"
        )
        for row in (self.header, *self.rows):
            print("  ".join(f"{cell:>14}" for cell in row))
        for note in self.notes:
            print(note)


def script(code: str, *arguments: str) -> list[str]:
    """The command that runs some code within the frame."""
    return [sys.executable, "-c", FRAME.format(code=code), *arguments]


def process(command: Sequence[str], **options: Any) -> Run:
    """Run a command, and read what a frame prints in the end.

    Raises:
        subprocess.CalledProcessError: If it fails.
    """
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    said = ""
    if child.stdout:
        with child.stdout:
            said = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    wall, cpu = time.perf_counter() - start, used.ru_utime + used.ru_stime
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, said)
    last = said.strip().rpartition("\n")[2]
    if not last.startswith('{"wall"'):
        return Run(wall=wall, cpu=cpu)
    inner = Run(**json.loads(last))
    return Run(wall=wall, cpu=cpu, peak=inner.peak, score=inner.score, inner=inner)


def paired(ways: Mapping[str, Callable[[], Run]], runs: int) -> dict[str, list[Run]]:
    """Run each way in turn, `runs` times."""
    by_way: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            by_way[name].append(way())
    return by_way


def in_turn(ways: Mapping[str, Callable[[], float]], turns: int) -> dict[str, list[float]]:
    """What each way gives, in turn; once before, uncounted, since the first time is never typical.

    Args:
        ways: Functions that give seconds.
        turns: How often each is asked.
    """
    for way in ways.values():
        way()
    by_way: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            by_way[name].append(way())
    return by_way


def against_first(by_way: Mapping[str, Sequence[float]]) -> list[list[str]]:
    """Rows of a table: each way, its median, and how many times faster than the first, by pairs."""
    first = next(iter(by_way.values()))
    return [
        [
            name,
            seconds(median(taken)),
            f"{median([a / b for a, b in zip(first, taken, strict=True)]):.1f}",
        ]
        for name, taken in by_way.items()
    ]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def middle(runs: Sequence[Run], what: str) -> float:
    """Median of one figure of some runs."""
    return median([getattr(run, what) for run in runs])


def ratio(above: Sequence[Run], below: Sequence[Run], what: str = "wall") -> float:
    """Median of the ratios of the pairs."""
    return median([getattr(a, what) / getattr(b, what) for a, b in zip(above, below, strict=True)])


def inside(runs: Sequence[Run]) -> list[Run]:
    """The same runs since their `start()`."""
    return [run.inner for run in runs if run.inner is not None]


def seconds(value: float) -> str:
    """A time with the unit that suits it."""
    if value < 0.1:
        return f"{1000 * value:.3g} ms"
    return f"{value:.2f} s" if value < 100 else f"{value:,.0f} s"


def machine() -> dict[str, str]:
    """What the figures depend on."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
    return {
        "processor": f"{model or platform.machine()}, {os.cpu_count()} cores",
        "system": f"{platform.system()}, Python {platform.python_version()}",
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }
