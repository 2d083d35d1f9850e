"""A search as one worker does it: take a trial, train the folds, tell its value, until enough.

Workers share nothing but the storage. Each asks for a trial while it has the turn, so that all
together begin as many as were asked for and no more; whoever has the turn also queues again what
dead workers left. The value of a trial is the score that `podium cv` gives for its parameters.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import TrialState

from podium import competition, model
from podium.data import load
from podium.errors import MissingPackageError, PodiumError, one_line
from podium.runs.limits import Halted, contained
from podium.training import Folds
from podium.tuning import pruning, samplers, storages, studies
from podium.tuning.studies import Standing, Subject

if TYPE_CHECKING:
    from podium.model import ModelFile
    from podium.tuning.storages import Storage

IDLE = 0.2
"""Seconds between looks of a worker that waits for the others' trials."""
STOPPED = "stopped"
"""Attribute of a study: the token of a call that was interrupted."""
INTERRUPTED = 128 + signal.SIGINT
"""Exit status of a worker that was interrupted."""
Watch = Callable[[Standing], None]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker is told: plain values, since it may be another process or machine.

    Attributes:
        model: A shipped model's name, or the path of a model file.
        model_sha256: What it must be for every worker, wherever that is.
        params: Changes that hold for every trial.
        study: Its full name.
        storage: The database's address; None for the journal of this workspace.
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
    trials: int | None
    deadline: float | None
    token: str | None = None

    def subject(self) -> Subject:
        """What the study is of."""
        found = competition.load(self.competition)
        data = load(found, found.dataset(self.dataset))
        file = model.load(data.competition, self.model, sha256=self.model_sha256)
        file = file.with_params(self.params)
        return Subject(data=data, file=file, seed=self.seed, pruner=self.pruner)

    def open(self) -> AbstractContextManager[Storage]:
        """Where the study lies."""
        return storages.opened(self.storage, studies.folder(self.study.rsplit("/", 1)[0]))

    def load(self, storage: Storage) -> optuna.Study:
        """The study, ready to be searched."""
        return optuna.load_study(
            study_name=self.study,
            storage=storage.optuna,
            sampler=samplers.make(self.sampler, self.seed),
            pruner=pruning.optunas(self.pruner),
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


def work(job: Job, watch: Watch | None = None, subject: Subject | None = None) -> None:
    """Do trials until the study has enough of them, the time is up, or all of the first fail.

    Raises:
        PodiumError: If the storage does not answer, or a package is missing.
    """
    with quiet(), job.open() as storage:
        study = job.load(storage)
        worker = Worker(job=job, subject=subject or job.subject(), study=study, storage=storage)
        with contained(), storage.alive(worker.name):
            try:
                while worker.turn():
                    if watch:
                        watch(studies.standing(study))
            finally:
                worker.give_back()


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One worker of a study; it reads the train part once."""

    job: Job
    subject: Subject
    study: optuna.Study
    storage: Storage
    name: str = field(default_factory=lambda: f"{os.getpid()}-{secrets.token_hex(6)}")

    def turn(self) -> bool:
        """Do a trial, or wait for others; False once there is nothing more to do."""
        with ExitStack() as stack:
            stack.enter_context(self.storage.turn())
            self.storage.reap(self.study)
            stands = studies.standing(self.study)
            over = self.job.late() or self.job.stopped(self.study)
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
        except Late:
            return False
        except Taken:
            return True
        except Stopped:
            raise KeyboardInterrupt from None
        except UnboundLocalError as error:  # Optuna's, when it is interrupted as it records
            if isinstance(error.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise
        self._kept.tidy(self.study)
        return True

    def _trial(self, trial: optuna.Trial, begun: ExitStack) -> float:
        """What is no failure of a trial passes Optuna by: it is none of Optuna's exceptions."""
        try:
            return self._objective(trial, begun)
        except KeyboardInterrupt:
            raise Stopped from None
        except UpdateFinishedTrialError:
            raise Taken from None

    def _objective(self, trial: optuna.Trial, begun: ExitStack) -> float:
        trial.set_user_attr(storages.WORKER, self.name)
        begun.close()
        try:
            value = self._value(trial, self._file(trial))
        except MissingPackageError:
            raise
        except PodiumError as error:
            if isinstance(error.__cause__, StorageInternalError):  # met inside of the model's code
                raise error.__cause__ from None
            trial.set_user_attr(studies.FAILURE, one_line(error))
            raise Failed from error
        if trial.number in storages.replaced(self.study.get_trials(deepcopy=False)):
            raise Taken
        return value

    def _file(self, trial: optuna.Trial) -> ModelFile:
        """The model with the trial's parameters."""
        own = trial.user_attrs.get(studies.DEFAULT)
        if own == studies.OUTSIDE:
            return self.subject.file
        changes = studies.suggested(self.subject.file, trial)
        if own:
            return self.subject.file
        if changes != trial.params:
            trial.set_user_attr(studies.CHANGES, changes)
        return self.subject.file.with_params(changes)

    def _value(self, trial: optuna.Trial, file: ModelFile) -> float:
        """The out-of-fold score over all folds.

        Raises:
            optuna.TrialPruned: If it is not going to be the best.
            PodiumError: If the model fails, or cannot be scored.
            Late: If the time is up.
        """
        done: dict[int, Mapping[str, Any]] = {}
        for fold in self._order(trial):
            if self.job.late():
                raise Late
            inside = self._inside(trial) if self.job.pruner == "epochs" and not done else None
            try:
                with _until(self.job.deadline):
                    done[fold] = self._folds.predict(file, fold, self.job.seed, inside)
            except Lost:
                raise optuna.TrialPruned from None
            if inside and inside.lost:  # the model swallowed it
                raise optuna.TrialPruned
            if self._pruned(trial, done):
                raise optuna.TrialPruned
        predictions = self._folds.join(done)
        value = self._folds.estimate(predictions).scores[self._primary]
        if trial.user_attrs.get(studies.DEFAULT) or self._is_good(value):
            self._kept.write(self._folds, trial.number, predictions)
        return value

    def _order(self, trial: optuna.Trial) -> list[int]:
        numbers = self._folds.numbers
        if self.job.pruner != "wilcoxon":
            return numbers
        shuffled = np.random.default_rng([self.job.seed, trial.number]).permutation(numbers)
        return [int(fold) for fold in shuffled]

    def _pruned(self, trial: optuna.Trial, done: dict[int, Mapping[str, Any]]) -> bool:
        """Whether a trial ends here, some folds in."""
        lacking = len(done) < len(self._folds.numbers)
        if self.job.pruner == "folds" and lacking:
            found = self._race.score(done)
            if found is None:
                return False
            trial.report(found.scores[self._primary], len(done))
            return self._race.lost(self.study, found, len(done))
        if self.job.pruner == "wilcoxon":
            fold = next(reversed(done))
            found = self._folds.estimate(done[fold], [fold])
            trial.report(found.scores[self._primary], fold)
            return lacking and trial.should_prune()
        return False

    def _inside(self, trial: optuna.Trial) -> Epochs:
        higher = self.study.direction == StudyDirection.MAXIMIZE
        return Epochs(trial=trial, sign=-1.0 if higher else 1.0)

    def _is_good(self, value: float) -> bool:
        rivals = studies.best(self.study, count=pruning.KEPT)
        sign = 1 if self.study.direction == StudyDirection.MAXIMIZE else -1
        return len(rivals) < pruning.KEPT or any(
            sign * value > sign * (rival.value or 0.0) for rival in rivals
        )

    @property
    def _primary(self) -> str:
        return self.subject.data.competition.primary.name

    @cached_property
    def _folds(self) -> Folds:
        return Folds.of(self.subject.data)

    @cached_property
    def _kept(self) -> pruning.Kept:
        return pruning.Kept(folder=studies.folder(self.job.study))

    @cached_property
    def _race(self) -> pruning.Race:
        return pruning.Race(folds=self._folds, kept=self._kept)

    def _enough(self, count: int) -> bool:
        return self.job.trials is not None and count >= self.job.trials


@dataclass(kw_only=True)
class Epochs:
    """The report of a model's first fold: prunes on its losses, of which lower is better."""

    trial: optuna.Trial
    sign: float
    lost: bool = False
    _seen: set[int] = field(default_factory=set)

    def __call__(self, step: int, value: float, **_: float) -> None:
        """See `podium.model.Report`."""
        if step in self._seen or not math.isfinite(value):
            return
        self._seen.add(step)
        self.trial.report(self.sign * value, step)
        if self.trial.should_prune():
            self.lost = True
            raise Lost


class Failed(Exception):  # noqa: N818 - a trial failed, not the search
    """A trial failed for a reason that is recorded."""


class Late(Halted):
    """The time of the search is up in the middle of a trial."""


class Taken(Halted):
    """This machine slept or hung, and its trial was taken for a dead worker's."""


class Stopped(Halted):
    """The user has interrupted a trial: Optuna would take that for a failure."""


class Lost(Halted):
    """A trial is pruned inside of a fold."""


@contextmanager
def _until(deadline: float | None) -> Iterator[None]:
    """Interrupt what runs inside at the deadline, where the system and the thread allow it.

    Raises:
        Late: At the deadline.
    """
    main = threading.current_thread() is threading.main_thread()
    if deadline is None or not main or not hasattr(signal, "setitimer"):
        yield
        return

    def interrupt(*_: object) -> NoReturn:
        raise Late

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, max(deadline - time.time(), 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


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
    """Work as another process or machine: what was refused comes back as plain values."""
    try:
        work(job)
    except PodiumError as error:
        return {"message": error.message, "problems": error.problems, "hint": error.hint}
    return None


def main() -> int:
    """A worker process: a pickled `Job` on stdin, what was refused as JSON on stdout.

    It ends when stdin does, so that none outlives the process that started it.

    Returns:
        Its exit status.
    """
    # A shell's background jobs ignore interruptions, and so would this: but it is told to end so.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    job = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        found = answer(job)
    except KeyboardInterrupt:
        return INTERRUPTED
    sys.stdout.write(json.dumps(found) if found else "")
    return 1 if found else 0


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # not by `sys.stdin`, whose lock would be held at the end
    os.kill(os.getpid(), signal.SIGTERM)
