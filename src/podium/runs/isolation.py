"""Safe runs: a model's code runs in a process of its own, which sees the public data only.

    here: starts it, and takes what it left    <-- Parquet files --    worker: runs the model
    watching: follows and ends it              <-- messages --         walls: what holds it
    usage: what it takes                                               sight: what it sees

What comes back is data and never code: messages are lines of JSON, predictions are files that pass
the same checks as any that is handed in. docs/decisions/0013 says what is guarded and what is not.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from podium.data import Data
from podium.errors import ModelError, PodiumError
from podium.machine import python
from podium.model import ModelFile
from podium.runs import sight
from podium.runs.limits import LONGEST
from podium.runs.watching import Ran, Watched

if TYPE_CHECKING:
    import pandas as pd

    from podium.model import Part, Report
    from podium.training import Progress

_MIB = 1 << 20
_SHARE = 0.9  # of the free memory, where no limit is named


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
    sha256: str,
    **job: Any,
) -> Ran:
    """Have a task of `podium.runs.worker` done by a process of its own.

    Args:
        task: `run` or `cross_validate`.
        data: Of which the process sees the public files.
        model: A shipped model's name, or the path of a file.
        out: An empty folder.
        files: Predictions that are there in the end.
        params: Changes to the model's `DEFAULTS`.
        limits: On its time and memory.
        progress: Shows how far it is.
        sha256: What the model's file must be when the process loads it.
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
    known = str(model if path is None else path)
    line = {
        **_facts(data),
        "task": task,
        "model": known,
        "sha256": sha256,
        "params": dict(params),
        "out": str(work),
        "path": sight.python_path(),
        "sight": asdict(seen),
        **job,
    }
    watched = Watched(_started(work), work, limits.seconds, most, progress)
    try:
        watched.send(line)
        import_module("podium.scoring")  # what comes next is loaded meanwhile
        found = watched.follow()
    except PodiumError as error:
        raise _shown(error, known, str(model)) from None
    finally:
        watched.end()
    for name in files:
        _take(work / name, out / name)
    return found


def _facts(data: Data) -> dict[str, Any]:
    """Where a process finds the competition and its prepared data."""
    return {
        "competition": data.competition.name,
        "roots": [str(data.competition.folder.parent.absolute())],
        "dataset": data.dataset.name,
        "folder": str(data.folder.absolute()),
        "manifest": dict(data.manifest),
    }


def _started(work: Path) -> subprocess.Popen[bytes]:
    """A worker that waits for its job."""
    return subprocess.Popen(
        python("-B", str(Path(__file__).with_name("worker.py"))),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=work,
        env=sight.environment(work),
        start_new_session=True,
    )


def replayed(
    data: Data, ran: Ran, model: Path, files: Mapping[int, Path], *, rows: int, sha256: str
) -> ModelFile:
    """A model that gives the predictions that a process left, for each seed those of its file.

    So they pass the same checks, part by part, as those of a model that runs here.
    """
    tables = {seed: _table(data, path, rows) for seed, path in files.items()}
    module = SimpleNamespace(DEFAULTS=ran.params, build=lambda _, seed: _Replayed(tables[seed]))
    return ModelFile(
        name=model.stem,
        path=model,
        shipped=False,
        sha256=sha256,
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


def _shown(error: PodiumError, path: str, name: str) -> PodiumError:
    """The same error with the model's file named as the user did."""
    message, hint, *problems = (
        text.replace(path, name) for text in (error.message, error.hint, *error.problems)
    )
    return type(error)(message, problems=problems, hint=hint)


def _take(left: Path, path: Path) -> None:
    """Copy predictions to where the model's process could not write.

    Raises:
        ModelError: If they are no plain file.
    """
    known = left.lstat() if os.path.lexists(left) else None
    if known is None or not stat.S_ISREG(known.st_mode) or known.st_nlink != 1:
        raise ModelError("The model's process left no predictions.")
    shutil.copyfile(left, path, follow_symlinks=False)
