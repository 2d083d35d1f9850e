"""Workers side by side: processes of this machine, or of a cluster through Dask.

Here each worker is a new Python that reads its job on stdin: threads are divided before anything
that counts them is imported, and a notebook or script is not run again.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.errors import PodiumError, needing_extras
from podium.machine import cores, python
from podium.tuning import studies
from podium.tuning.search import INTERRUPTED, Job, Watch, answer

if TYPE_CHECKING:
    import optuna

BACKENDS = ("local", "dask")
LOOK = 0.5
"""Seconds between looks at the study while workers work."""
GRACE = 5.0
"""Seconds that workers have to end once they are told to."""
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "LOKY_MAX_CPU_COUNT"),
)
_CODE = "import sys; from podium.tuning.search import main; sys.exit(main())"
_TAIL = 2000


def local(job: Job, count: int, study: optuna.Study, watch: Watch | None) -> None:
    """Search with processes of this machine, which divide its cores between them.

    Args:
        job: What each is told.
        count: How many.
        study: What they search.
        watch: Is told where the search stands.

    Raises:
        PodiumError: If a worker was refused something, or all were killed.
        RuntimeError: If one met a fault of ours.
    """
    with tempfile.TemporaryDirectory(prefix="podium-tune-") as folder:
        workers = [_Process(job, count, Path(folder, str(n))) for n in range(count)]
        with _ended(workers):
            while any(worker.runs for worker in workers):
                _look(study, watch)
                if job.deadline is not None and time.time() > job.deadline + GRACE:
                    break
                time.sleep(LOOK)
        _look(study, watch)
        problems = [worker.problem() for worker in workers]
    killed = [worker for worker in workers if worker.code < 0]
    if len(killed) == len(workers) and not job.late():
        raise PodiumError(
            f"All workers were killed (signal {-killed[0].code}): for want of memory, perhaps.",
            hint="What is done is kept: run the same command again, with fewer --jobs.",
        )
    for problem in filter(None, problems):
        raise problem


def dask(
    job: Job,
    count: int | None,
    study: optuna.Study,
    watch: Watch | None,
    scheduler: str | None = None,
) -> None:
    """Search with the workers of a Dask cluster, through joblib's backend.

    Args:
        job: What each is told.
        count: How many workers; None for all that the cluster has now.
        study: What they search.
        watch: Is told where the search stands.
        scheduler: The cluster's address.

    Raises:
        PodiumError: If Dask is missing, no scheduler answers, or a worker was refused something.
    """
    with needing_extras("The backend dask"):
        import distributed
        import joblib

    try:
        client = distributed.Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise PodiumError(f"No Dask scheduler answers at {scheduler}: {error}") from None
    found: list[Any] = []
    with client:
        number = count or max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)

        def search() -> None:
            with joblib.parallel_config(backend="dask", client=client):
                tasks = [joblib.delayed(answer)(job) for _ in range(number)]
                found.extend(joblib.Parallel(n_jobs=number, batch_size=1)(tasks))

        thread = threading.Thread(target=search, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                _look(study, watch)
                thread.join(LOOK)
        except KeyboardInterrupt:
            job.stop(study)
            raise
        _look(study, watch)
    if not found:
        raise PodiumError("The Dask cluster gave the search up.", hint="See its workers' logs.")
    for refused in filter(None, found):
        raise PodiumError(refused["message"], problems=refused["problems"], hint=refused["hint"])


def _look(study: optuna.Study, watch: Watch | None) -> None:
    if watch:
        watch(studies.standing(study))


class _Process:
    """A worker in a process of its own."""

    def __init__(self, job: Job, count: int, path: Path) -> None:
        self._said, self._log = path.with_suffix(".out"), path.with_suffix(".log")
        with self._said.open("wb") as said, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                python("-c", _CODE),
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=log,
                env={**os.environ, **_threads(count)},
                start_new_session=True,  # an interruption comes from us alone
            )
        if self._process.stdin:
            pickle.dump(job, self._process.stdin)
            self._process.stdin.flush()

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def code(self) -> int:
        """Its exit status once it has ended."""
        return self._process.returncode

    def end(self, deadline: float) -> None:
        """Interrupt it, and kill it if it does not end in time."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(deadline - time.monotonic(), 0))
        if self.runs:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()

    def interrupt(self) -> None:
        """Ask it to end."""
        if self.runs:
            self._process.send_signal(signal.SIGINT)

    def problem(self) -> Exception | None:
        """What stopped it, if anything but a signal did."""
        said = self._said.read_text("utf-8")
        log = self._log.read_text("utf-8", "replace")
        if self.code == 1 and said:
            known = json.loads(said)
            return PodiumError(known["message"], problems=known["problems"], hint=known["hint"])
        if self.code > 0 and self.code != INTERRUPTED:
            return RuntimeError(f"a worker ended with status {self.code}: {log[-_TAIL:]}")
        return None


@contextmanager
def _ended(workers: list[_Process]) -> Iterator[None]:
    """See to it that no worker is left behind."""
    try:
        yield
    finally:
        for worker in workers:
            worker.interrupt()
        deadline = time.monotonic() + GRACE
        for worker in workers:
            worker.end(deadline)


def _threads(count: int) -> dict[str, str]:
    """How many threads each of so many workers may use, as libraries are told."""
    named = os.environ.get("OMP_NUM_THREADS", "")
    limit = int(named) if named.isdigit() and int(named) else cores()
    each = str(max(1, min(limit, cores() // count)))
    return dict.fromkeys(_THREADS, each)
