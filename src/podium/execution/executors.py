"""Where jobs are done: side by side on this machine, or on a Dask cluster.

Both take a function of a module that can be imported and a job of plain values, and give a future
of what the function gives. Here a thread waits for each job's sandboxed process; a worker of the
cluster does the same there.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from podium.errors import PodiumError, note, require_extra
from podium.machine import cores, is_limited

if TYPE_CHECKING:
    import distributed

Job = Mapping[str, Any]
Work = Callable[[Job], dict[str, Any]]

LOOK = 0.5
"""Seconds between looks at jobs that are at work."""
_PATIENCE = 30.0  # seconds that a cluster may be without workers
_ANSWER = 10.0  # seconds until a scheduler must have answered


@contextmanager
def opened(jobs: int | None, dask: str | None) -> Iterator[Executor]:
    """The executor that a command's options name: this machine with one job at a time by default.

    Raises:
        PodiumError: If both are named, `jobs` is no number of jobs, or no scheduler answers.
    """
    if dask is not None:
        if jobs is not None:
            raise PodiumError(
                "--jobs is for this machine, --dask for a cluster: one of both is expected.",
                hint="A cluster does as many jobs at a time as its workers have threads.",
            )
        with _cluster(dask) as cluster:
            yield cluster
        return
    if jobs is not None and jobs < 1:
        raise PodiumError(f"jobs={jobs}: 1 or more is expected.")
    machine = Machine(jobs or 1)
    try:
        yield machine
    finally:
        machine.close()


def threads(share: int) -> int | None:
    """How many threads a job's libraries may use; None for what the environment says."""
    said = "OMP_NUM_THREADS" in os.environ or not is_limited()
    return None if share == 1 and said else max(1, cores() // share)


class UnfitError(PodiumError):
    """No worker of a cluster can do the jobs: each lacks something, or has another version."""


class Machine:
    """This machine: a thread waits for each job's process, and all divide the cores.

    Attributes:
        slots: How many are done at a time.
        share: How many divide the cores of one machine.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.share = slots
        self._pool = ThreadPoolExecutor(slots)

    def submit(self, function: Work, job: Job) -> Future[dict[str, Any]]:
        """Have a job done by a function."""
        return self._pool.submit(function, job)

    def check(self) -> None:
        """This machine is always there."""

    def close(self) -> None:
        """Begin no more jobs, and wait for those that have begun."""
        self._pool.shutdown(cancel_futures=True)


@contextmanager
def _cluster(address: str) -> Iterator[Cluster]:
    with require_extra("A Dask cluster"):
        import distributed
    try:
        client = distributed.Client(address, timeout=_ANSWER, set_as_default=False)
    except (TimeoutError, OSError, ValueError) as error:
        raise PodiumError(f"No Dask scheduler answers at {address}: {error}") from None
    with client:
        yield Cluster(client)


class Cluster:
    """A Dask cluster: a job of a worker that dies is done by another one.

    Attributes:
        slots: How many are done at a time.
        share: How many divide the cores of one machine.
    """

    def __init__(self, client: distributed.Client) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._fit: set[str] = set()  # addresses that jobs are given to; none for all
        self._left_out: set[str] = set()
        self._seen = time.monotonic()
        workers = self._workers()
        if not workers:
            raise PodiumError(
                "The Dask cluster has no workers.", hint="Start some: dask worker ADDRESS"
            )
        self._count(workers)

    def submit(self, function: Work, job: Job) -> Future[dict[str, Any]]:
        """Have a job done by a function."""
        future: Future[dict[str, Any]] = self._executor.submit(function, dict(job))
        return future

    def on_each(self, function: Callable[..., Any], *given: Any) -> dict[str, Any]:
        """Call a function on each worker; gives what came of it by the worker's address."""
        answers: dict[str, Any] = self._client.run(function, *given, on_error="return")
        return answers

    def keep_fit(self, lacks: Mapping[str, Any]) -> None:
        """Give jobs to fit workers alone, if others are there.

        Args:
            lacks: By a worker's address, what it lacks for the job; nothing where it is fit.

        Raises:
            UnfitError: If none is fit.
        """
        problems = {address: why for address, why in lacks.items() if why}
        said = {address: f"{address}: {why}" for address, why in problems.items()}
        if len(problems) == len(lacks):
            raise UnfitError(
                "No worker of the Dask cluster can do the jobs.",
                problems=list(said.values()),
                hint="Each needs the same Podium, the prepared data (podium data) and the same "
                "model file under the same path.",
            )
        if problems:
            for address in said.keys() - self._left_out:
                note(f"A worker of the Dask cluster is left out: {said[address]}")
            self._left_out = set(said)
            self._fit = set(lacks) - set(problems)
            fit = self._workers()
            self._executor = self._client.get_executor(pure=False, workers=list(fit))
            self._count(fit)

    def check(self) -> None:
        """Look whether somebody is there to do jobs.

        Raises:
            PodiumError: If nobody is, and nobody comes.
        """
        with suppress(OSError):
            if self._workers():
                self._seen = time.monotonic()
        if time.monotonic() > self._seen + _PATIENCE:
            raise PodiumError(
                "The Dask cluster has lost all of its workers.",
                hint="Start some, and run the same command again. See the logs of those that died.",
            )

    def _workers(self) -> dict[str, Any]:
        workers: dict[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        return {a: facts for a, facts in workers.items() if not self._fit or a in self._fit}

    def _count(self, workers: Mapping[str, Any]) -> None:
        together = Counter[str]()
        for worker in workers.values():
            together[worker["host"]] += worker["nthreads"]
        self.slots, self.share = together.total(), max(together.values())


Executor = Machine | Cluster
