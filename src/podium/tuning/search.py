"""A search: trials ask Optuna for parameters, have their folds trained as jobs, and tell the score.

All of it is threads of the one process that searches; what trains is an executor's. A trial's value
is the score that `podium cv` gives for its parameters.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import TrialState

from podium.errors import MissingPackageError, PodiumError, one_line
from podium.execution.executors import LOOK, UnfitError
from podium.execution.jobs import Trainings
from podium.execution.worker import rest
from podium.tuning import samplers, storages, studies
from podium.tuning.pruning import KEPT, Kept, Race
from podium.tuning.studies import Standing, Subject

if TYPE_CHECKING:
    from podium.competition.metric import Table
    from podium.execution.executors import Executor
    from podium.tuning.storages import Storage

IDLE = 0.2
"""Seconds between looks of a trial at its job, and of who waits for other processes' trials."""
Watch = Callable[[Standing], None]


class Ended(BaseException):
    """A trial ends that has not failed: the time is up, or the user interrupts."""


class Clock:
    """Says whether a search is over: by the time, or since somebody ended it."""

    def __init__(self, seconds: float | None) -> None:
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._over = threading.Event()

    def end(self) -> None:
        """Nothing more shall be done."""
        self._over.set()

    def ended(self) -> Ended | None:
        """What ends a trial now, if anything does."""
        late = self._deadline is not None and time.monotonic() >= self._deadline
        return Ended() if late or self._over.is_set() else None


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search at work.

    Attributes:
        subject: What the study is of.
        study: Its full name.
        storage: Where it lies.
        sampler: See `podium.tuning.samplers`.
        trials: How many the study shall have in all; None for any number.
        seconds: That the model's code may take for a trial; None for any time.
        jobs: Of this search.
        executor: Does them.
        clock: Says when it is over.
    """

    subject: Subject
    study: str
    storage: Storage
    sampler: str
    trials: int | None
    seconds: float | None
    jobs: Trainings
    executor: Executor
    clock: Clock
    _asking: threading.Lock = field(default_factory=threading.Lock)
    _mine: set[int] = field(default_factory=set)

    def run(self, watch: Watch | None) -> None:
        """Do trials until the study has enough of them, the time is up, or all of the first fail.

        Args:
            watch: Is told where the search stands.

        Raises:
            PodiumError: If the storage does not answer, a package is missing, or nobody works.
        """
        study = self._load()
        with ThreadPoolExecutor(self.executor.slots) as pool:
            try:
                working = [pool.submit(self._work) for _ in range(self.executor.slots)]
                while wait(working, LOOK, FIRST_EXCEPTION).not_done:
                    self.executor.check()
                    self.storage.beat(self._mine)
                    if watch:
                        watch(studies.standing(study))
                    if any(one.done() and one.exception() for one in working):
                        break
            finally:
                self.clock.end()
        for one in working:
            one.result()
        if watch:
            watch(studies.standing(study))

    def _load(self) -> optuna.Study:
        """The study with a sampler of its own: one belongs to one thread."""
        return optuna.load_study(
            study_name=self.study,
            storage=self.storage.optuna,
            sampler=samplers.make(self.sampler, self.subject.seed),
            pruner=optuna.pruners.NopPruner(),
        )

    def _work(self) -> None:
        study = self._load()
        try:
            while trial := self._ask(study):
                self._do(study, trial)
                self._kept.tidy(study)
        except Ended:
            pass

    def _ask(self, study: optuna.Study) -> optuna.Trial | None:
        """The next trial; None once there is nothing more to do."""
        while True:
            with self._asking:  # else more would begin than were asked for
                self.storage.reap(study)
                stands = studies.standing(study)
                if self.clock.ended() or stands.hopeless or self._enough(stands.done):
                    return None
                if not self._enough(stands.done + stands.running):
                    trial = study.ask()
                    self._mine.add(trial._trial_id)  # noqa: SLF001  what a heartbeat asks for
                    self.storage.beat(self._mine, now=True)
                    return trial
            time.sleep(IDLE)

    def _enough(self, count: int) -> bool:
        return self.trials is not None and count >= self.trials

    def _do(self, study: optuna.Study, trial: optuna.Trial) -> None:
        """Do a trial, and tell what came of it; what has not failed and ends is queued again."""
        try:
            try:
                value = self._value(study, trial)
            except (MissingPackageError, UnfitError):
                raise
            except PodiumError as error:
                trial.set_user_attr(studies.FAILURE, one_line(error))
                study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
            else:
                state = TrialState.PRUNED if value is None else None
                study.tell(trial, value, state, skip_if_finished=True)
        except UpdateFinishedTrialError:
            pass  # this machine slept or hung, and its trial was taken for a dead one's
        except BaseException:
            storages.requeue(study, trial.number)
            raise
        finally:
            self._mine.discard(trial._trial_id)  # noqa: SLF001

    def _changes(self, trial: optuna.Trial) -> Mapping[str, Any]:
        """What a trial changes of the model's `DEFAULTS`."""
        own = trial.user_attrs.get(studies.DEFAULT)
        if own == studies.OUTSIDE:
            return self.subject.fixed
        changes = studies.suggested(self.subject, trial)
        if own:
            return self.subject.fixed
        if changes != trial.params:
            trial.set_user_attr(studies.CHANGES, changes)
        return {**self.subject.fixed, **changes}

    def _value(self, study: optuna.Study, trial: optuna.Trial) -> float | None:
        """The out-of-fold score over all folds; None if the trial is not going to be the best.

        Raises:
            PodiumError: If the model fails, or cannot be scored.
            Ended: If the search is over.
        """
        params, left = self._changes(trial), self.seconds
        done: dict[int, Table] = {}
        for fold in self.jobs.folds.numbers:
            future = self.jobs.submit(fold, params, self.subject.seed, left)
            self._wait(future)
            answer, done[fold] = self.jobs.held_out(fold, future)
            left = rest(left, answer["seconds"])
            if self._pruned(study, trial, done):
                return None
        predictions = self.jobs.folds.join(done)
        value = self.jobs.folds.estimate(predictions).scores[self._primary]
        if trial.user_attrs.get(studies.DEFAULT) or self._is_good(study, value):
            self._kept.write(self.jobs.folds, trial.number, predictions)
        return value

    def _wait(self, future: Future[dict[str, Any]]) -> None:
        while wait([future], IDLE).not_done:
            if ended := self.clock.ended():
                raise ended

    def _pruned(self, study: optuna.Study, trial: optuna.Trial, done: dict[int, Table]) -> bool:
        """Whether a trial ends here, some folds in."""
        if self.subject.pruner == "none" or len(done) == len(self.jobs.folds.numbers):
            return False
        estimate = self._race.score(done)
        if estimate is None:
            return False
        trial.report(estimate.scores[self._primary], len(done))
        return self._race.lost(study, estimate, len(done))

    def _is_good(self, study: optuna.Study, value: float) -> bool:
        rivals = studies.best(study, count=KEPT)
        sign = 1 if study.direction == StudyDirection.MAXIMIZE else -1
        return len(rivals) < KEPT or any(
            sign * value > sign * (rival.value or 0.0) for rival in rivals
        )

    @property
    def _primary(self) -> str:
        return self.subject.data.competition.primary.name

    @cached_property
    def _kept(self) -> Kept:
        return Kept(folder=studies.folder(self.study))

    @cached_property
    def _race(self) -> Race:
        return Race(folds=self.jobs.folds, kept=self._kept)


@contextmanager
def quiet() -> Iterator[None]:
    """Without Optuna's own lines and its warnings of what is new in it, in all threads."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.filterwarnings("ignore", "Heartbeat of storage")  # `Storage.beat` is ours
        try:
            yield
        finally:
            optuna.logging.set_verbosity(before)
