"""A search as one worker does it: take a trial, have folds trained, tell its value, until enough.

Workers share nothing but the storage. Each asks for a trial while it has the turn, so that all
together begin as many as were asked for and no more; whoever has the turn also queues again what
dead workers left. The value of a trial is the score that `podium cv` gives for its parameters. The
model's own code runs in processes of its own (`podium.execution`): one that dies is a failed trial.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import TrialState

from podium import scratch
from podium.competition import folders as competition
from podium.competition import model_file as model
from podium.data.dataset import load
from podium.errors import MissingPackageError, PodiumError, one_line
from podium.execution import views
from podium.execution.folds import Clock, FoldViews, FoldWorkers
from podium.execution.training import Folds
from podium.execution.worker import Limits, Worker
from podium.tuning import pruning, samplers, storages, studies
from podium.tuning.studies import Standing, Subject

if TYPE_CHECKING:
    from podium.competition.model_file import ModelFile
    from podium.data.dataset import Data
    from podium.tuning.storages import Storage

IDLE = 0.2
"""Seconds between looks of a worker that waits for the others' trials."""
STOPPED = "stopped"
"""Attribute of a study: the token of a call that was interrupted."""
Watch = Callable[[Standing], None]
Stop = Callable[[], BaseException | None]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker is told: plain values, since it may be another process or machine.

    Attributes:
        model: A shipped model's name, or the path of a model file.
        model_sha256: What it must be for every worker, wherever that is.
        params: Changes that hold for every trial.
        study: Its full name.
        storage: The database's address; None for the journal of this workspace.
        limits: Of the model's code: time for a trial, memory for the process of a fold.
        threads: How many the libraries of a process may use; None for what the environment says.
        trials: How many the study shall have in all; None for any number.
        deadline: When to stop, as `time.time()` counts; None for never.
        token: Of this call, by which those far away are told to stop; see `stop`.
    """

    competition: str
    dataset: str
    model: str
    model_sha256: str
    params: Mapping[str, Any]
    seed: int
    pruner: str
    sampler: str
    study: str
    storage: str | None
    limits: Limits
    threads: int | None
    trials: int | None
    deadline: float | None
    token: str | None = None

    @contextmanager
    def subject(self) -> Iterator[Subject]:
        """What the study is of.

        Raises:
            ModelError: If the model's file is not what it was when the search began.
        """
        known = competition.load(self.competition)
        data = load(known, known.dataset(self.dataset))
        file = model.find(known, self.model)
        if file.sha256 != self.model_sha256:
            raise model.changed_since(file.path)
        ended = stopper(self.deadline, threading.Event())
        with opened(data, file, self.params, self.seed, self.pruner, self.limits, ended) as subject:
            yield subject

    def open(self) -> AbstractContextManager[Storage]:
        """Where the study lies."""
        return storages.opened(self.storage, studies.folder(self.study.rsplit("/", 1)[0]))

    def load(self, storage: Storage) -> optuna.Study:
        """The study, ready to be searched."""
        return optuna.load_study(
            study_name=self.study,
            storage=storage.optuna,
            sampler=samplers.make(self.sampler, self.seed),
            pruner=optuna.pruners.NopPruner(),
        )

    def late(self) -> bool:
        """Whether the time is up."""
        return self.deadline is not None and time.time() >= self.deadline

    def stop(self, study: optuna.Study) -> None:
        """Tell workers far away to begin no more trials."""
        study.set_user_attr(STOPPED, self.token)

    def stopped(self, study: optuna.Study) -> bool:
        """Whether they were told so."""
        return self.token is not None and study.user_attrs.get(STOPPED) == self.token


def stopper(deadline: float | None, over: threading.Event) -> Stop:
    """What says that a trial ends now: at a time, or when nothing more shall be done."""

    def stop() -> Ended | None:
        if over.is_set():
            return Stopped()
        return Late() if deadline is not None and time.time() >= deadline else None

    return stop


@contextmanager
def opened(
    data: Data,
    file: ModelFile,
    params: Mapping[str, Any],
    seed: int,
    pruner: str,
    limits: Limits,
    stop: Stop,
) -> Iterator[Subject]:
    """What a study of a model with some parameters changed is of.

    Raises:
        ModelError: If the model's file does not load.
        UnknownNameError: For a parameter that it does not have.
    """
    with Worker(data.competition, file, views.nothing(data), limits=limits, stop=stop) as worker:
        whole = worker.model.with_params(params)
        yield Subject(data=data, file=whole, seed=seed, pruner=pruner, worker=worker)


def work(job: Job, subject: Subject, given: FoldViews, over: threading.Event) -> None:
    """Do trials until the study has enough of them, the time is up, or all of the first fail.

    Args:
        job: What to do.
        subject: What the study is of.
        given: The rows of its folds.
        over: Set when nothing more shall be begun.

    Raises:
        PodiumError: If the storage does not answer, or a package is missing.
    """
    stop = stopper(job.deadline, over)
    with ExitStack() as stack:
        storage = stack.enter_context(job.open())
        study = job.load(storage)
        workers = stack.enter_context(
            FoldWorkers(given, subject.file, limits=job.limits, stop=stop, threads=job.threads)
        )
        searcher = Searcher(
            job=job,
            subject=subject,
            study=study,
            storage=storage,
            given=given,
            workers=workers,
            over=over,
        )
        with storage.alive(searcher.name):
            try:
                while searcher.turn():
                    pass
            finally:
                searcher.give_back()


@dataclass(frozen=True, kw_only=True)
class Searcher:
    """One worker of a study, with the model's processes that it has."""

    job: Job
    subject: Subject
    study: optuna.Study
    storage: Storage
    given: FoldViews
    workers: FoldWorkers
    over: threading.Event
    name: str = field(default_factory=lambda: f"{os.getpid()}-{secrets.token_hex(6)}")

    def turn(self) -> bool:
        """Do a trial, or wait for others; False once there is nothing more to do."""
        with ExitStack() as stack:
            stack.enter_context(self.storage.turn())
            self.storage.reap(self.study)
            stands = studies.standing(self.study)
            over = self.over.is_set() or self.job.late() or self.job.stopped(self.study)
            if over or stands.hopeless or self._enough(stands.done):
                return False
            if not self._enough(stands.done + stands.running):
                with stack.pop_all() as begun:  # the turn ends once the trial is this worker's
                    return self._optimize(begun)
        time.sleep(IDLE)
        return True

    def give_back(self) -> None:
        """Queue again what this worker began and did not end."""
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.user_attrs.get(storages.WORKER) == self.name:
                storages.requeue(self.study, trial)

    def _optimize(self, begun: ExitStack) -> bool:
        try:
            self.study.optimize(lambda t: self._trial(t, begun), n_trials=1, catch=(Failed,))
        except Taken:
            return True
        except (Late, Stopped):
            return False
        self._kept.tidy(self.study)
        return True

    def _trial(self, trial: optuna.Trial, begun: ExitStack) -> float:
        """What is no failure of a trial passes Optuna by: it is none of Optuna's exceptions."""
        try:
            return self._objective(trial, begun)
        except UpdateFinishedTrialError:
            raise Taken from None

    def _objective(self, trial: optuna.Trial, begun: ExitStack) -> float:
        trial.set_user_attr(storages.WORKER, self.name)
        begun.close()
        try:
            value = self._value(trial, self._changes(trial))
        except MissingPackageError:
            raise
        except PodiumError as error:
            trial.set_user_attr(studies.FAILURE, one_line(error))
            raise Failed from error
        if trial.number in storages.replaced(self.study.get_trials(deepcopy=False)):
            raise Taken
        return value

    def _changes(self, trial: optuna.Trial) -> Mapping[str, Any]:
        """What a trial changes of the model's `DEFAULTS`."""
        own = trial.user_attrs.get(studies.DEFAULT)
        if own == studies.OUTSIDE:
            return self.job.params
        changes = studies.suggested(self.subject, trial)
        if own:
            return self.job.params
        if changes != trial.params:
            trial.set_user_attr(studies.CHANGES, changes)
        return {**self.job.params, **changes}

    def _value(self, trial: optuna.Trial, params: Mapping[str, Any]) -> float:
        """The out-of-fold score over all folds.

        Raises:
            optuna.TrialPruned: If it is not going to be the best.
            PodiumError: If the model fails, or cannot be scored.
            Late: If the time is up.
        """
        done: dict[int, Mapping[str, Any]] = {}
        left = Clock(self.job.limits.seconds)
        for fold in self._folds.numbers:
            _, done[fold] = self.workers.predict(fold, params, self.job.seed, seconds=left.seconds)
            left.spend(self.workers.of(fold).seconds)
            if self._pruned(trial, done):
                raise optuna.TrialPruned
        predictions = self._folds.join(done)
        value = self._folds.estimate(predictions).scores[self._primary]
        if trial.user_attrs.get(studies.DEFAULT) or self._is_good(value):
            self._kept.write(self._folds, trial.number, predictions)
        return value

    def _pruned(self, trial: optuna.Trial, done: dict[int, Mapping[str, Any]]) -> bool:
        """Whether a trial ends here, some folds in."""
        if self.job.pruner == "none" or len(done) == len(self._folds.numbers):
            return False
        found = self._race.score(done)
        if found is None:
            return False
        trial.report(found.scores[self._primary], len(done))
        return self._race.lost(self.study, found, len(done))

    def _is_good(self, value: float) -> bool:
        rivals = studies.best(self.study, count=pruning.KEPT)
        sign = 1 if self.study.direction == StudyDirection.MAXIMIZE else -1
        return len(rivals) < pruning.KEPT or any(
            sign * value > sign * (rival.value or 0.0) for rival in rivals
        )

    @property
    def _primary(self) -> str:
        return self.subject.data.competition.primary.name

    @property
    def _folds(self) -> Folds:
        return self.given.folds

    @cached_property
    def _kept(self) -> pruning.Kept:
        return pruning.Kept(folder=studies.folder(self.job.study))

    @cached_property
    def _race(self) -> pruning.Race:
        return pruning.Race(folds=self._folds, kept=self._kept)

    def _enough(self, count: int) -> bool:
        return self.job.trials is not None and count >= self.job.trials


class Failed(Exception):  # noqa: N818 - a trial failed, not the search
    """A trial failed for a reason that is recorded."""


class Ended(BaseException):
    """A trial ends that has not failed; no `Exception`, which Optuna takes for a failure."""


class Late(Ended):
    """The time of the search is up in the middle of a trial."""


class Taken(Ended):
    """This machine slept or hung, and its trial was taken for a dead worker's."""


class Stopped(Ended):
    """The user has interrupted a trial."""


@contextmanager
def quiet() -> Iterator[None]:
    """Without Optuna's own lines: what there is to say, Podium says."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def answer(job: Job) -> dict[str, Any] | None:
    """Work as another machine: what was refused comes back as plain values."""
    try:
        with quiet(), job.subject() as subject, given(subject) as rows:
            work(job, subject, rows, threading.Event())
    except PodiumError as error:
        return {"message": error.message, "problems": error.problems, "hint": error.hint}
    except Ended:
        pass
    return None


@contextmanager
def given(subject: Subject) -> Iterator[FoldViews]:
    """The rows of the folds, for as long as a search is at work."""
    with scratch.directory("podium-folds-") as folder:
        yield FoldViews(folds=Folds.of(subject.data), folder=folder)
