"""Out-of-fold predictions: each job is one training, in a process that has its fold's rows alone.

    FoldJobs.submit -> an executor, here or on a cluster -> predict_fold -> Children -> Worker

A job is plain values, and so is what comes of it, beside a Parquet file.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from podium import scratch
from podium.competition import folders as competition
from podium.competition import model_file as model
from podium.data import formats
from podium.data.dataset import Data, load
from podium.data.expected import Expected
from podium.errors import PodiumError
from podium.execution import executors, views
from podium.execution.executors import LOOK, Cluster, Executor, Job
from podium.execution.monitor import too_long
from podium.execution.training import Folds, aligned
from podium.execution.worker import Done, Limits, Worker, refusal

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.metric import Table
    from podium.competition.model_file import ModelFile
    from podium.execution.training import Progress
    from podium.metrics.stats import Card

SHORTEST = 1e-3
"""Seconds that are left of a limit that was reached."""
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """Out-of-fold scores on the train part.

    Attributes:
        card: Of the first seed, with its interval.
        by_seed: Primary score of each training seed.
        spread: Their standard deviation; None with one seed.
        predictions: Out-of-fold predictions of the first seed: id and targets.
        params: Complete parameters of the model.
        model_sha256: Of the model file, as it was when it was loaded.
        left_open: What this system did not guard from the model's code.
    """

    card: Card
    by_seed: list[float]
    spread: float | None
    predictions: pd.DataFrame
    seconds: float
    params: Mapping[str, Any]
    model_sha256: str
    left_open: tuple[str, ...] = ()


class Stopped(BaseException):
    """A job ends because its command does; no `Exception`, since nothing has failed."""


class UnfitError(PodiumError):
    """A worker of a cluster that cannot do the job: it lacks something, or has another version."""


class Children:
    """A model's processes for the folds of one command, on this machine.

    One takes job after job of its fold, whose rows are written when they are first asked for; as
    many work at a fold as jobs ask for at a time.

    Args:
        folds: Whose rows.
        file: The model's.
        limits: Of a job: time, and memory of all that a process starts.
        share: How many jobs divide the cores.
        progress: Shows the trainings.
    """

    def __init__(
        self,
        folds: Folds,
        file: ModelFile,
        *,
        limits: Limits,
        share: int,
        progress: Progress | None = None,
    ) -> None:
        self._folds, self._file, self._limits, self._progress = folds, file, limits, progress
        self._threads = executors.threads(share)
        if limits.memory is None and math.isfinite(free := limits.memory_mb):
            # As it is now: a process that begins beside others at work may take no less.
            self._limits = replace(limits, memory=free / share)
        self._lock, self._over = threading.Lock(), threading.Event()
        self._stack = ExitStack()
        self._folder = self._stack.enter_context(scratch.directory("podium-folds-"))
        self._views = dict[int, views.View]()
        self._all, self._idle = dict[int, list[Worker]](), dict[int, list[Worker]]()
        self._ahead, self._begun = ThreadPoolExecutor(1), dict[int, Future[None]]()

    @classmethod
    def of(cls, job: Job) -> Self:
        """What a job needs on a machine that has seen none of its command yet.

        Raises:
            PodiumError: If this machine has not what the job is of.
        """
        if job["podium"] != own_code():
            raise PodiumError("its Podium is another version")
        known = competition.load(job["competition"])
        data = load(known, known.dataset(job["dataset"]))
        if data.version.name != job["version"]:
            raise PodiumError(f"its data, split or metric of {known.name} are another version")
        file = model.find(known, job["model"])
        if file.sha256 != job["model_sha256"]:
            raise PodiumError(f"its model file {file.path} is another version")
        limits = Limits(seconds=job["limit_seconds"], memory=job["limit_memory"])
        return cls(Folds.of(data, job["by"]), file, limits=limits, share=job["share"])

    def predict(self, job: Job) -> Done:
        """Predict the rows that a fold holds out by a model that never saw their answers.

        What the model draws from `part.rng` follows from seed and fold, whatever was run before.

        Raises:
            PodiumError: If the model fails or takes too much.
            Stopped: If the command ends.
        """
        fold, seed, data = job["fold"], job["seed"], self._folds.data
        if begun := self._begun.pop(fold, None):
            begun.result()
        worker = self._taken(fold)
        title = f"{self._file.name}, fold {fold}"
        try:
            return worker.predict(
                job["params"],
                {"test": predictions_limit(data, int((self._folds.fold == fold).sum()))},
                seed=seed,
                report=self._progress.stage(title) if self._progress else None,
                seconds=job["seconds"],
                draws=[seed, fold, *b"train"],
            )
        finally:
            with self._lock:
                self._idle[fold].append(worker)

    def begin_ahead(self, folds: list[int]) -> None:
        """Start the processes of folds whose jobs come later, while others are at work."""
        self._begun |= {fold: self._ahead.submit(self._begin, fold) for fold in folds}

    def close_fold(self, fold: int) -> None:
        """End the processes of a fold, which are at rest."""
        with self._lock:
            workers = self._all.pop(fold, [])
        for worker in workers:
            worker.__exit__()

    def close(self) -> None:
        """End all of it, work in progress included."""
        self._over.set()
        self._ahead.shutdown(cancel_futures=True)
        for fold in list(self._all):
            self.close_fold(fold)
        self._stack.close()

    def _begin(self, fold: int) -> None:
        with suppress(PodiumError, Stopped):  # a job meets the same, and says it
            worker = self._taken(fold)
            try:
                worker.begin()
            finally:
                with self._lock:
                    self._idle[fold].append(worker)

    def _taken(self, fold: int) -> Worker:
        """A process of the fold that is at rest, or a new one."""
        with self._lock:
            if error := self._stop():
                raise error
            if fold not in self._views:
                folder = self._folder / f"fold-{fold}"
                self._views[fold] = views.of_fold(self._folds, fold, folder)
            idle = self._idle.setdefault(fold, [])
            if not idle:
                worker = Worker(
                    *(self._folds.data.competition, self._file, self._views[fold]),
                    limits=self._limits,
                    stop=self._stop,
                    threads=self._threads,
                )
                self._all.setdefault(fold, []).append(worker)
                return worker
            return idle.pop()

    def _stop(self) -> Stopped | None:
        return Stopped() if self._over.is_set() else None


_COMMANDS: dict[str, Children] = {}
"""What this process has of each command at work; a cluster's worker makes it with the first job."""
_FIRST = threading.Lock()


def _children(job: Job) -> Children:
    with _FIRST:
        if job["command"] not in _COMMANDS:
            _COMMANDS[job["command"]] = Children.of(job)
        return _COMMANDS[job["command"]]


def predict_fold(job: Job) -> dict[str, Any]:
    """Do a job here; its predictions are a file.

    Raises:
        PodiumError: If the model fails or takes too much.
    """
    done = _children(job).predict(job)
    return {
        "file": str(done.files["test"]),
        "params": done.params,
        "seconds": done.seconds,
        "left_open": done.left_open,
    }


def predict_far(job: Job) -> dict[str, Any]:
    """Do a job for another machine: predictions are bytes, and a refusal is plain values."""
    if why := lacks(job):
        return {"unfit": why}
    try:
        answer = predict_fold(job)
    except PodiumError as error:
        return {"refused": error.told}
    file = Path(answer.pop("file"))
    content = file.read_bytes()
    file.unlink()
    return {**answer, "content": content}


def lacks(job: Job) -> str:
    """Why this machine cannot do a job; nothing if it can."""
    try:
        _children(job)
    except PodiumError as error:
        return " ".join([error.message, *error.problems, error.hint]).strip()
    return ""


def end(command: str) -> None:
    """End what this process does for a command, and forget it."""
    with _FIRST:
        children = _COMMANDS.pop(command, None)
    if children:
        children.close()


def own_code() -> str:
    """The sha256 of Podium's own code: both ends of a job must be of one version."""
    files = sorted(_PACKAGE.rglob("*.py"))
    files = [file for file in files if "competitions" not in file.relative_to(_PACKAGE).parts]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


class FoldJobs:
    """The jobs of one command, and what came of them. Use it as a context.

    Args:
        folds: Whose rows are predicted.
        file: The model's.
        limits: Of a job.
        executor: Does them.
        progress: Shows the trainings; those of other machines are not shown.

    Raises:
        PodiumError: If no worker of a cluster can do them.
    """

    def __init__(
        self,
        folds: Folds,
        file: ModelFile,
        *,
        limits: Limits,
        executor: Executor,
        progress: Progress | None = None,
    ) -> None:
        self.folds, self._executor = folds, executor
        self.far = isinstance(executor, Cluster)
        self._facts = {
            "command": secrets.token_hex(8),
            "podium": own_code() if self.far else "",
            "competition": folds.data.competition.name,
            "dataset": folds.data.dataset.name,
            "version": folds.data.version.name,
            "by": folds.by,
            "model": file.name if file.shipped else str(file.path.absolute()),
            "model_sha256": file.sha256,
            "limit_seconds": limits.seconds,
            "limit_memory": limits.memory,
            "share": executor.share,
        }
        self._stack = ExitStack()
        self._folder = self._stack.enter_context(scratch.directory("podium-answers-"))
        self.children: Children | None = None
        if not self.far:
            self.children = Children(
                folds, file, limits=limits, share=executor.share, progress=progress
            )
            _COMMANDS[str(self._facts["command"])] = self.children

    def __enter__(self) -> Self:
        if isinstance(self._executor, Cluster):
            self._stack.enter_context(suppress(OSError))  # a cluster that is gone has ended all
            self._stack.callback(self._executor.on_each, end, self._facts["command"])
            try:
                self._executor.keep_fit(self._executor.on_each(lacks, self._facts))
            except BaseException:
                self._stack.close()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        end(str(self._facts["command"]))
        self._stack.close()

    def submit(
        self, fold: int, params: Mapping[str, Any], seed: int, seconds: float | None
    ) -> Future[dict[str, Any]]:
        """Have a fold predicted.

        Args:
            fold: Which.
            params: Changes to the model's `DEFAULTS`.
            seed: Everything random follows from it.
            seconds: That the model's code may take; None for any time.
        """
        own = {"fold": fold, "params": dict(params), "seed": seed, "seconds": seconds}
        function = predict_far if self.far else predict_fold
        return self._executor.submit(function, {**self._facts, **own})

    def result(self, fold: int, future: Future[dict[str, Any]]) -> tuple[dict[str, Any], Table]:
        """What came of a job that is done, and its predictions, checked.

        Raises:
            PodiumError: If the model failed, took too much, or gave what cannot be scored.
            UnfitError: If it was given to a machine that cannot do it.
        """
        try:
            answer = future.result()
        except Exception as error:
            if not self.far:
                raise
            raise PodiumError(
                f"The Dask cluster gave a job up: {type(error).__name__}: {error}",
                hint="See its workers' logs. Do all have the same Podium?",
            ) from error
        if "unfit" in answer:
            raise UnfitError(f"A worker of the Dask cluster cannot do the job: {answer['unfit']}")
        if "refused" in answer:
            raise refusal(answer["refused"], theirs=False)
        part, data = self.folds.held(fold), self.folds.data
        file = Path(answer.get("file") or self._folder / f"{secrets.token_hex(8)}.parquet")
        if "content" in answer:
            file.write_bytes(answer.pop("content"))
        try:
            table = formats.read(file, data.competition, len(part), data.genes)
        finally:
            file.unlink(missing_ok=True)
        return answer, aligned(data, table, part)


def predictions_limit(data: Data, rows: int) -> int:
    """Bytes that a file of predictions may have."""
    return Expected.of(data.competition, rows, data.genes).limit


def cross_validate(
    data: Data,
    file: ModelFile,
    *,
    params: Mapping[str, Any],
    seed: int = 0,
    seeds: int = 1,
    by: str | None = None,
    limits: Limits,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
) -> CrossValidation:
    """Out-of-fold score on the train part: each row by a model that never saw its fold.

    Args:
        data: A prepared dataset.
        file: The model's.
        params: Changes to the model's `DEFAULTS`.
        seed: The first training seed.
        seeds: How many training seeds; they show how much of a difference is luck.
        by: A kind of group to hold out whole (five folds), instead of the fixed folds.
        limits: For all folds and seeds together.
        jobs: How many are trained side by side here, dividing the cores; None for one.
        dask: The address of a Dask scheduler whose workers train them.
        progress: Shows the folds.

    Raises:
        DataError: If the dataset has no folds.
        PodiumError: If the model fails, or its predictions cannot be scored.
    """
    start = time.perf_counter()
    folds = Folds.of(data, by)
    tables: dict[int, dict[int, Table]] = {number: {} for number in range(seed, seed + seeds)}
    waiting = deque((fold, number) for fold in folds.numbers for number in tables)
    working: dict[Future[dict[str, Any]], tuple[int, int]] = {}
    left = limits.seconds
    with (
        executors.opened(jobs, dask) as executor,
        FoldJobs(folds, file, limits=limits, executor=executor, progress=progress) as fold_jobs,
    ):
        ahead = fold_jobs.children if limits == Limits() else None
        while waiting or working:
            while waiting and len(working) < executor.slots:
                fold, number = waiting.popleft()
                working[fold_jobs.submit(fold, params, number, left)] = fold, number
                if ahead and waiting and waiting[0][0] != fold:  # one, for what it may take
                    ahead.begin_ahead([waiting[0][0]])
            for future in wait(working, LOOK, FIRST_COMPLETED).done:
                fold, number = working.pop(future)
                answer, tables[number][fold] = fold_jobs.result(fold, future)
                left = rest(left, answer["seconds"])
                if left == SHORTEST:  # those beside it were given time before they had taken it
                    raise too_long(limits.seconds or 0.0)
                if fold_jobs.children and all(fold in done for done in tables.values()):
                    fold_jobs.children.close_fold(fold)
            executor.check()
    model.note_change(file.path, file.sha256)
    joined = [folds.join(parts) for parts in tables.values()]
    cards = [folds.card(predictions) for predictions in joined]
    by_seed = [card.whole.scores[data.competition.primary.name] for card in cards]
    return CrossValidation(
        card=cards[0],
        by_seed=by_seed,
        spread=float(np.std(by_seed, ddof=1)) if seeds > 1 else None,
        predictions=folds.table(joined[0]),
        seconds=time.perf_counter() - start,
        params=answer["params"],
        model_sha256=file.sha256,
        left_open=tuple(answer["left_open"]),
    )


def rest(left: float | None, taken: float) -> float | None:
    """What is left of a limit on the time of a model's code; None for any time."""
    return None if left is None else max(left - taken, SHORTEST)
