"""Trainings as jobs: each is one model, in a process that has its own rows alone.

    Trainings.submit -> an executor, here or on a cluster -> train -> Children -> Worker

A job is plain values, and so is what comes of it, beside Parquet files. It holds out a fold, or, if
`fold` is None, learns from the whole train part and predicts the test part.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from podium import scratch
from podium.competition import folders as competition
from podium.competition import model_file as model
from podium.data.dataset import Data, load
from podium.data.reader import read
from podium.errors import PodiumError
from podium.execution import executors, out_of_fold, provenance, views
from podium.execution.executors import LOOK, Cluster, Executor, Job
from podium.execution.live import LiveModel, LiveWorker
from podium.execution.training import Folds, aligned
from podium.execution.worker import Done, Limits, Worker, refusal
from podium.scoring import submission

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.metric import Table
    from podium.competition.model_file import ModelFile
    from podium.competition.part import Progress
    from podium.execution.out_of_fold import MemberFile

_PACKAGE = Path(__file__).resolve().parents[1]


class Stopped(BaseException):
    """A job ends because its command does; no `Exception`, since nothing has failed."""


class Children:
    """A model's processes for the jobs of one command, on this machine.

    One takes job after job of its fold, whose rows are written when they are first asked for; as
    many work at a fold as jobs ask for at a time.

    Args:
        data: The dataset.
        file: The model's.
        folds: Of the train part, where they are read already.
        by: The kind of group that folds hold out whole; None for the fixed ones.
        limits: Of a job: time, and memory of all that a process starts.
        share: How many jobs divide the cores.
        progress: Shows the trainings.
    """

    def __init__(
        self,
        data: Data,
        file: ModelFile,
        *,
        folds: Folds | None,
        by: str | None,
        limits: Limits,
        share: int,
        progress: Progress | None = None,
    ) -> None:
        self._data, self._file, self._folds, self._by = data, file, folds, by
        self._limits, self._progress = limits, progress
        self._threads = executors.threads(share)
        if limits.memory is None and math.isfinite(free := limits.memory_mb):
            # As it is now: a process that begins beside others at work may take no less.
            self._limits = replace(limits, memory=free / share)
        self._lock, self._over = threading.Lock(), threading.Event()
        self._stack = ExitStack()
        self._folder = self._stack.enter_context(scratch.directory("podium-folds-"))
        self._views = dict[int | None, views.View]()
        self._all = dict[int | None, list[Worker | LiveWorker]]()
        self._idle = dict[int | None, list[Worker | LiveWorker]]()
        self._ahead, self._begun = ThreadPoolExecutor(1), dict[int | None, Future[None]]()

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
        see = tuple(map(Path, job["see"]))
        limits = Limits(seconds=job["limit_seconds"], memory=job["limit_memory"], see=see)
        share, by = job["share"], job["by"]
        return cls(data, file, folds=None, by=by, limits=limits, share=share)

    @property
    def folds(self) -> Folds:
        """The folds of the train part, read once."""
        if self._folds is None:
            self._folds = Folds.of(self._data, self._by)
        return self._folds

    def predict(self, job: Job) -> Done:
        """Predict the rows that a job holds out by a model that never saw their answers.

        What the model of a fold draws from `part.rng` follows from seed and fold, whatever was run
        before.

        Raises:
            PodiumError: If the model fails or takes too much.
            Stopped: If the command ends.
        """
        fold, seed, data = job["fold"], job["seed"], self._data
        if begun := self._begun.pop(fold, None):
            begun.result()
        with self._taken(fold) as worker:
            if fold is None:
                title, own = f"{self._file.name}: training", dict[str, Any]()
                rows = {"test": data.rows("test")}
                if data.has_open:
                    rows["open"] = data.rows("open")
            else:
                title, own = f"{self._file.name}, fold {fold}", {"draws": [seed, fold, *b"train"]}
                rows = {"test": int((self.folds.fold == fold).sum())}
            if job["members"]:
                own["members"] = self._members(job["members"])
            done = worker.predict(
                job["params"],
                {part: data.expected(count).limit for part, count in rows.items()},
                seed=seed,
                report=self._progress.stage(title) if self._progress else None,
                seconds=job["seconds"],
                **own,
            )
        done.members = tuple(own.get("members", ()))
        return done

    def _members(self, files: Mapping[str, str]) -> dict[str, pd.DataFrame]:
        """Kept predictions of a stack's members; {} if one of the files is broken."""
        tables = {name: out_of_fold.read(self._data, Path(file)) for name, file in files.items()}
        ids = self._data.ids("train")
        frames = {
            name: submission.frame(ids, table, self._data.genes)
            for name, table in tables.items()
            if table is not None
        }
        return frames if len(frames) == len(files) else {}

    def changed(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Changes to the model's `DEFAULTS` as it takes them.

        Raises:
            PodiumError: If they are wrong, or the model does not load.
        """
        with self._taken(None) as worker:
            return worker.model.changed(params)

    def begin_ahead(self, folds: list[int]) -> None:
        """Start the processes of folds whose jobs come later, while others are at work."""
        self._begun |= {fold: self._ahead.submit(self._begin, fold) for fold in folds}

    def close_fold(self, fold: int | None) -> None:
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
        with suppress(PodiumError, Stopped), self._taken(fold) as worker:
            worker.begin()  # a job meets the same errors, and says them

    @contextmanager
    def _taken(self, fold: int | None) -> Iterator[Worker | LiveWorker]:
        """A process of the fold that is at rest, or a new one."""
        with self._lock:
            if error := self._stop():
                raise error
            idle = self._idle.setdefault(fold, [])
            worker = idle.pop() if idle else self._new(fold)
        try:
            yield worker
        finally:
            with self._lock:
                idle.append(worker)

    def _new(self, fold: int | None) -> Worker | LiveWorker:
        if fold not in self._views:
            self._views[fold] = (
                views.whole(self._data)
                if fold is None
                else views.of_fold(self.folds, fold, self._folder / f"fold-{fold}")
            )
        worker: Worker | LiveWorker
        if isinstance(self._file, LiveModel):
            worker = LiveWorker(self._file, self._views[fold])
        else:
            worker = Worker(
                *(self._data.competition, self._file, self._views[fold]),
                limits=self._limits,
                stop=self._stop,
                threads=self._threads,
            )
        self._all.setdefault(fold, []).append(worker)
        return worker

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


def train(job: Job) -> dict[str, Any]:
    """Do a job here; its predictions are files, one a part.

    Raises:
        PodiumError: If the model fails or takes too much.
    """
    done = _children(job).predict(job)
    files = {part: str(file) for part, file in done.files.items()}
    facts = ("params", "seconds", "train_seconds", "peak_memory_mb", "left_open", "see", "members")
    curve = done.curve and done.curve.as_json
    return {"files": files, "curve": curve, **{name: getattr(done, name) for name in facts}}


def train_far(job: Job) -> dict[str, Any]:
    """Do a job for another machine: predictions are bytes, and a refusal is plain values."""
    if why := lacks(job):
        return {"unfit": why, "job": job}
    try:
        answer = train(job)
    except PodiumError as error:
        return {"refused": error.told}
    contents = {}
    for part, file in answer.pop("files").items():
        contents[part] = Path(file).read_bytes()
        Path(file).unlink()
    return {**answer, "contents": contents, "machine": provenance.machine()}


def lacks(job: Job) -> str:
    """Why this machine cannot do a job; nothing if it can."""
    try:
        _children(job)
    except PodiumError as error:
        return " ".join([error.message, *error.problems, error.hint]).strip()
    return ""


def end_all() -> None:
    """End whatever this process does for any command."""
    for command in list(_COMMANDS):
        end(command)


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


class Trainings:
    """The jobs of one command, and what came of them. Use it as a context.

    Args:
        data: The dataset.
        file: The model's.
        folds: Of its train part, for jobs that hold one out.
        limits: Of a job.
        executor: Does them.
        progress: Shows the trainings; those of other machines are not shown.

    Attributes:
        children: What does the jobs here; None where a cluster does them.

    Raises:
        PodiumError: If no worker of a cluster can do them.
    """

    def __init__(
        self,
        data: Data,
        file: ModelFile,
        *,
        folds: Folds | None = None,
        limits: Limits,
        executor: Executor,
        progress: Progress | None = None,
    ) -> None:
        self._data, self._file, self._folds, self._executor = data, file, folds, executor
        self.far = isinstance(executor, Cluster)
        by = folds.by if folds else None
        self._facts = {
            "command": secrets.token_hex(8),
            "podium": own_code() if self.far else "",
            "competition": data.competition.name,
            "dataset": data.dataset.name,
            "version": data.version.name,
            "by": by,
            "model": file.name if file.shipped else str(file.path.absolute()),
            "model_sha256": file.sha256,
            "limit_seconds": limits.seconds,
            "limit_memory": limits.memory,
            "see": list(map(str, limits.see)),
            "share": executor.share,
        }
        if isinstance(file, LiveModel) and (self.far or executor.slots > 1 or limits != Limits()):
            raise PodiumError(
                "A live object trains in this process, one training at a time, without limits.",
                hint="Write the model into a file, model.py, and name that: files train in "
                "processes of their own.",
            )
        self._stack = ExitStack()
        self._folder = self._stack.enter_context(scratch.directory("podium-answers-"))
        self.children: Children | None = None
        if not self.far:
            share = executor.share
            self.children = Children(
                data, file, folds=folds, by=by, limits=limits, share=share, progress=progress
            )
            _COMMANDS[str(self._facts["command"])] = self.children

    def __enter__(self) -> Self:
        if isinstance(self._executor, Cluster):
            self._stack.enter_context(suppress(OSError))  # a cluster that is gone has ended all
            self._stack.callback(self._executor.on_each, end, self._facts["command"])
            try:
                self._leave_unfit_out()
            except BaseException:
                self._stack.close()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        end(str(self._facts["command"]))
        self._stack.close()

    def _leave_unfit_out(self) -> None:
        if isinstance(self._executor, Cluster):
            self._executor.keep_fit(self._executor.on_each(lacks, self._facts))

    def changed(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Changes to the model's `DEFAULTS` as it takes them; a cluster's workers look later.

        Raises:
            PodiumError: If they are wrong, or the model does not load.
        """
        return self.children.changed(params) if self.children else self._file.changed(params)

    def submit(
        self, fold: int | None, params: Mapping[str, Any], seed: int, seconds: float | None
    ) -> Future[dict[str, Any]]:
        """Have a fold predicted, or the test part and the open one.

        Args:
            fold: Which; None for the test part.
            params: Changes to the model's `DEFAULTS`.
            seed: Everything random follows from it.
            seconds: That the model's code may take; None for any time.
        """
        members = self.members(params, seed)
        kept = members if out_of_fold.all_kept(members) else {}
        own = {
            "fold": fold,
            "params": dict(params),
            "seed": seed,
            "seconds": seconds,
            "members": {name: str(member.file) for name, member in kept.items()},
        }
        if isinstance(self._file, LiveModel):  # in this thread: Ctrl+C must reach it
            done = Future[dict[str, Any]]()
            done.set_result(train({**self._facts, **own}))
            return done
        function = train_far if self.far else train
        return self._executor.submit(function, {**self._facts, **own})

    def members(self, params: Mapping[str, Any], seed: int) -> dict[str, MemberFile]:
        """A stack's members, whose out-of-fold predictions may be kept.

        None where folds are others than those of kept ones, and where far machines train.
        """
        if self.far or self._facts["by"]:
            return {}
        return out_of_fold.of_members(self._data, self._file, params, seed)

    def result(self, future: Future[dict[str, Any]]) -> dict[str, Any]:
        """What came of a job that is done; `files` has its predictions by part, as they were left.

        Raises:
            PodiumError: If the model failed or took too much.
            UnfitError: If the cluster has no worker left that can do it.
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
        if "unfit" in answer:  # by a worker that came after the others had been asked
            self._leave_unfit_out()
            again = self._executor.submit(train_far, answer["job"])
            while not wait([again], LOOK).done:
                self._executor.check()
            return self.result(again)
        if "refused" in answer:
            raise refusal(answer["refused"], theirs=False)
        files = {part: Path(file) for part, file in answer.get("files", {}).items()}
        for part, content in answer.pop("contents", {}).items():
            files[part] = self._folder / f"{secrets.token_hex(8)}.parquet"
            files[part].write_bytes(content)
        return {**answer, "files": files}

    def held_out(self, fold: int, future: Future[dict[str, Any]]) -> tuple[dict[str, Any], Table]:
        """What came of a fold's job that is done, and its predictions, checked.

        Raises:
            PodiumError: If the model failed, took too much, or gave what cannot be scored.
            UnfitError: If the cluster has no worker left that can do it.
        """
        answer = self.result(future)
        part, data, file = self.folds.held(fold), self._data, answer["files"]["test"]
        try:
            table = read(file, data.expected(len(part)))
        finally:
            file.unlink(missing_ok=True)
        return answer, aligned(data, table, part)

    @property
    def folds(self) -> Folds:
        """Those that its jobs hold out."""
        if self._folds is None:
            raise AssertionError("these jobs hold out no folds")
        return self._folds
