"""Workers side by side: threads of this process, or workers of a cluster through Dask.

A thread waits for the model's processes, which divide the machine's cores between them.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from podium.errors import PodiumError, require_extra
from podium.machine import cores
from podium.tuning import search, studies
from podium.tuning.search import Job, Watch, answer

if TYPE_CHECKING:
    import optuna

    from podium.tuning.studies import Subject

BACKENDS = ("local", "dask")
LOOK = 0.5
"""Seconds between looks at the study while workers work."""


def threads(count: int) -> int | None:
    """How many threads each of so many workers may use; None where there is only one."""
    return None if count == 1 else max(1, cores() // count)


def local(
    job: Job,
    count: int,
    subject: Subject,
    study: optuna.Study,
    watch: Watch | None,
    over: threading.Event,
) -> None:
    """Search with workers of this machine.

    Args:
        job: What each is told.
        count: How many.
        subject: What the study is of.
        study: What they search.
        watch: Is told where the search stands.
        over: Is set when nothing more shall be done.

    Raises:
        PodiumError: If a worker was refused something.
    """
    with search.given(subject) as rows, ThreadPoolExecutor(count) as pool:
        try:
            working = [pool.submit(search.work, job, subject, rows, over) for _ in range(count)]
            while wait(working, LOOK, FIRST_EXCEPTION).not_done:
                _look(study, watch)
                if any(one.done() and one.exception() for one in working):
                    break
        finally:
            over.set()
        for one in working:
            one.result()
    _look(study, watch)


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
    with require_extra("The backend dask"):
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
