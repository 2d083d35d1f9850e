"""Tuning: search a model's own space on the fixed folds of the train part, with Optuna.

    subject --begin--> study <--asks, tells-- search --folds as jobs--> podium.execution
                         |
                         +--> best parameters, gain over DEFAULTS, importances, plots

Test rows are never touched: the honest figure is the public score of a run with what was found.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import FrozenTrial

from podium.data.dataset import Data
from podium.errors import ModelError, PodiumError, UnknownNameError, require_extra
from podium.execution import executors, out_of_fold, views
from podium.execution.jobs import Trainings
from podium.execution.training import Folds
from podium.execution.worker import Limits, Worker
from podium.metrics.stats import difference
from podium.results import Result, scored
from podium.tuning import pruning, samplers, search, storages, studies
from podium.tuning.kept import opened
from podium.tuning.search import Clock, Ended, Search, Watch
from podium.tuning.studies import Standing, Subject

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.model_file import ModelFile

REMARK = (
    "The folds chose these parameters, so that their score flatters them: the public score of a "
    "run is the honest one."
)

ENOUGH = 4
"""Complete trials from which importances are given."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to search.

    Attributes:
        trials: How many the study shall have in all, those of earlier calls included.
        timeout: Seconds after which it ends in any case.
        jobs: Trials side by side on this machine, which divide the cores; None for one.
        dask: Address of a Dask scheduler, whose workers do as many as they have threads.
        storage: Address of a PostgreSQL database; None for a journal file in the workspace.
        study: A name of the user's own.
        sampler, pruner: See `podium.tuning.samplers` and `podium.tuning.pruning`.
        warm_start: An earlier study of the same model: its best trials come after `DEFAULTS`.
        plots: A folder for pictures as HTML.
    """

    trials: int | None = None
    timeout: float | None = None
    jobs: int | None = None
    dask: str | None = None
    storage: str | None = None
    study: str | None = None
    sampler: str = samplers.DEFAULT
    pruner: str = pruning.PRUNERS[0]
    warm_start: str | None = None
    plots: Path | None = None

    def check(self) -> None:
        """Refuse settings that no search could keep, before anything is begun.

        Raises:
            PodiumError: With what is wrong.
        """
        if self.pruner not in pruning.PRUNERS:
            raise UnknownNameError("pruner", self.pruner, pruning.PRUNERS)
        samplers.make(self.sampler, 0)
        if self.trials is None and self.timeout is None:
            raise PodiumError("When to end? Nothing says it.", hint="Say --trials N or --timeout S")
        problems = [
            f"{name}={value}: more than 0 is expected"
            for name, value in (("trials", self.trials), ("timeout", self.timeout))
            if value is not None and not value > 0
        ]
        if problems:
            raise PodiumError("These settings of a search are refused.", problems=problems)
        if self.plots is not None:
            with require_extra("A plot of a study"):
                import plotly  # noqa: F401


@dataclass(frozen=True, kw_only=True)
class Gain:
    """How much better the best trial is than the model as it comes, out of fold.

    Attributes:
        value: The difference of the scores; positive is higher.
        se, ci: Its standard error and 95 % interval, paired by groups; None with too few.
    """

    value: float
    se: float | None
    ci: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Tuned(Result):
    """What a search has found.

    Attributes:
        study: Its full name.
        storage: Where it lies, as optuna-dashboard takes it.
        why_new: Why a new study was begun, where there was an earlier one.
        trial, value: The best trial and its out-of-fold score.
        params: What it changes of the model's parameters; {} for `DEFAULTS` themselves.
        gain: Over `DEFAULTS`; None where these have failed.
        importances: Share of each parameter in what the score varied by; {} with few trials.
        failures: Why trials failed, each reason once.
        predictions: Files with the out-of-fold predictions of the best trials, the best first.
        plots: Files that were drawn.
        new: Trials that this call has added.
    """

    study: str
    storage: str
    why_new: str
    standing: Standing
    trial: int
    value: float
    params: Mapping[str, Any]
    gain: Gain | None
    importances: Mapping[str, float]
    failures: list[str]
    predictions: list[Path]
    plots: list[Path]
    new: int
    seconds: float
    remark: str = REMARK

    @property
    def score(self) -> float:
        """The out-of-fold score of the best trial, which the search has chosen by it."""
        return self.value

    def to_frame(self) -> pd.DataFrame:
        """What the best trial changes, and how much each parameter matters."""
        import pandas as pd

        names = list(dict.fromkeys([*self.params, *self.importances]))
        return pd.DataFrame(
            {
                "parameter": names,
                "best": [self.params.get(name) for name in names],
                "importance": [self.importances.get(name) for name in names],
            }
        )

    def _line(self) -> str:
        done = f"trial {self.trial} of {self.standing.done}"
        return f"{scored(self.value, None)} out of fold, {done}; study {self.study}"


def tune(
    data: Data,
    model: ModelFile,
    *,
    params: Mapping[str, Any],
    seed: int,
    limits: Limits,
    settings: Settings,
    watch: Watch | None = None,
) -> Tuned:
    """Search, or go on with a search; see `podium.api.tune`.

    Raises:
        PodiumError: If the settings are refused, or nothing came of it.
    """
    start, clock = time.perf_counter(), Clock(settings.timeout)
    with search.quiet():
        settings.check()
    folds = Folds.of(data)  # a dataset without folds is refused before anything is begun
    folder = studies.folder(f"{data.competition.id}/{data.dataset.name}")
    # What says which parameters to try sees no rows: what it looked up would reach the folds.
    asked = Worker(
        *(data.competition, model, views.nothing(data)),
        limits=limits,
        stop=clock.ended,
        threads=executors.threads(settings.jobs or 1),
    )
    with (
        _in_time(),
        search.quiet(),
        executors.opened(settings.jobs, settings.dask) as executor,
        Trainings(data, model, folds=folds, limits=limits, executor=executor) as jobs,
        asked as worker,
        storages.opened(settings.storage, folder) as storage,
    ):
        file = worker.model.with_params(params)
        subject = Subject(
            data=data,
            file=file,
            fixed={name: file.params[name] for name in params},
            seed=seed,
            pruner=settings.pruner,
            worker=worker,
        )
        study, why_new = studies.begin(subject, storage, settings.study, _warm(settings, subject))
        before = studies.standing(study)
        with storage.searching(study):
            Search(
                subject=subject,
                study=study.study_name,
                storage=storage,
                sampler=settings.sampler,
                trials=settings.trials,
                seconds=limits.seconds,
                jobs=jobs,
                executor=executor,
                clock=clock,
            ).run(watch)
        model.note_change()
        _refuse_hopeless(study, subject)
        tuned = outcome(study, subject, settings)
    return replace(
        tuned,
        why_new=why_new,
        new=tuned.standing.done - before.done,
        seconds=time.perf_counter() - start,
    )


@contextmanager
def _in_time() -> Iterator[None]:
    """Say that the time was up before the first trial began."""
    try:
        yield
    except Ended:
        raise PodiumError(
            "No trial is complete yet: the time was up while the model was loaded.",
            hint="Give it more time: --timeout SECONDS",
        ) from None


def outcome(study: optuna.Study, subject: Subject, settings: Settings) -> Tuned:
    """What a study has found so far.

    Raises:
        PodiumError: If no trial is complete.
    """
    stands = studies.standing(study)
    if stands.best is None:
        raise PodiumError(
            f"No trial of {study.study_name} is complete yet.",
            problems=studies.failures(study),
            hint="Give it more time: what is begun is kept.",
        )
    number, value = stands.best
    kept = pruning.Kept(folder=studies.folder(study.study_name))
    best = studies.best(study, count=pruning.KEPT)
    paths = [kept.path(trial.number) for trial in best]
    for trial, path in zip(best, paths, strict=True):
        out_of_fold.copy(_place(subject, trial), path)  # for blends
    return Tuned(
        study=study.study_name,
        storage=storages.shown(settings.storage, studies.folder(subject.place)),
        why_new="",
        standing=stands,
        trial=number,
        value=value,
        params=studies.changes(best[0]),
        gain=_gain(study, subject, kept),
        importances=_importances(_placed(study)),
        failures=studies.failures(study),
        predictions=[path for path in paths if path.is_file()],
        plots=_plots(study, settings.plots) if settings.plots else [],
        new=0,
        seconds=0.0,
    )


def _place(subject: Subject, trial: FrozenTrial) -> Path:
    """Where blends look for the out-of-fold predictions of a run with a trial's parameters."""
    file = subject.file.with_params(studies.changes(trial))
    return out_of_fold.place(
        subject.data, model_sha256=file.sha256, params=file.params, seed=subject.seed
    )


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best trial of a study, to train with.

    Attributes:
        params: Changes to the model's parameters.
        origin: Where they come from, for the provenance.
    """

    params: Mapping[str, Any]
    origin: Mapping[str, Any]


def best(data: Data, model: str, name: str, storage: str | None = None) -> Best:
    """The best parameters of a study, perhaps of another dataset.

    Raises:
        PodiumError: If there is no such study, or it is of another model, or has no trial yet.
    """
    with opened(f"{data.competition.id}/{data.dataset.name}", name, storage) as (_, study):
        facts = _facts(study, model)
        trials = studies.best(study)
        if not trials:
            raise PodiumError(f"No trial of {study.study_name} is complete yet.")
        return Best(
            params={**facts["params"], **studies.changes(trials[0])},
            origin={
                "study": study.study_name,
                "trial": trials[0].number,
                "value": trials[0].value,
                "model_sha256": facts["model_sha256"],
                "edition": facts["edition"],
            },
        )


def _facts(study: optuna.Study, model: str) -> Mapping[str, Any]:
    """What a study is of, if that is this model."""
    facts: Mapping[str, Any] = study.user_attrs.get(studies.FACTS, {})
    if facts.get("model") != model:
        raise ModelError(f"The study {study.study_name} is of the model {facts.get('model')!r}.")
    return facts


def _warm(settings: Settings, subject: Subject) -> list[Mapping[str, Any]]:
    """Where to begin: the best points of an earlier study of the same model."""
    if settings.warm_start is None:
        return []
    with opened(subject.place, settings.warm_start, settings.storage) as (_, study):
        _facts(study, subject.file.name)
        return [trial.params for trial in studies.best(study, count=studies.WARM) if trial.params]


def _refuse_hopeless(study: optuna.Study, subject: Subject) -> None:
    stands = studies.standing(study)
    if not stands.hopeless:
        return
    raise ModelError(
        f"The first {stands.failed} trials of {study.study_name} all failed: the search is "
        "stopped, since it is the model that needs mending.",
        problems=studies.failures(study),
        hint=f"See it fail alone: {subject.command('cv')}",
    )


def _gain(study: optuna.Study, subject: Subject, kept: pruning.Kept) -> Gain | None:
    trials = study.get_trials(deepcopy=False)
    complete = studies.best(study, trials, len(trials))
    own = [trial for trial in complete if trial.user_attrs.get(studies.DEFAULT)]
    if not own:
        return None
    first, second = complete[0], own[0]
    plain = Gain(value=(first.value or 0.0) - (second.value or 0.0), se=None, ci=None)
    if first.number == second.number:
        return plain
    folds = Folds.of(subject.data)
    one, other = kept.read(folds, first.number), kept.read(folds, second.number)
    if one is None or other is None:
        return plain
    competition = subject.data.competition
    enough = max(stratum.enough for stratum in competition.strata)
    value, se, ci = difference(
        folds.estimate(one), folds.estimate(other), competition.primary.name, enough
    )
    return Gain(value=value, se=se, ci=ci)


def _placed(study: optuna.Study) -> optuna.Study:
    """The same study without a trial 0 that has no place in the space."""
    trials = study.get_trials(deepcopy=False)
    if all(trial.user_attrs.get(studies.DEFAULT) != studies.OUTSIDE for trial in trials):
        return study
    copy = optuna.create_study(study_name=study.study_name, direction=study.direction)
    copy.add_trials([t for t in trials if t.user_attrs.get(studies.DEFAULT) != studies.OUTSIDE])
    return copy


def _importances(study: optuna.Study) -> dict[str, float]:
    """Importances of the parameters, or none where the trials are too few or all alike."""
    known = study.get_trials(deepcopy=False)
    trials = studies.best(study, known, len(known))
    if len(trials) < ENOUGH or len({trial.value for trial in trials}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # branches of a space that few trials took
        importances = optuna.importance.get_param_importances(study)
    return {name: float(value) for name, value in importances.items()}


def _plots(study: optuna.Study, folder: Path) -> list[Path]:
    """History, slices and importances on one page that needs no network."""
    from optuna import visualization

    study = _placed(study)
    figures = [visualization.plot_optimization_history(study), visualization.plot_slice(study)]
    if _importances(study):
        figures.append(visualization.plot_param_importances(study))
    parts = [
        figure.to_html(full_html=False, include_plotlyjs=not i) for i, figure in enumerate(figures)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{study.study_name.replace('/', '-')}.html"
    title = f"<title>{study.study_name}</title>"
    path.write_text(
        f'<!doctype html><meta charset="utf-8">{title}{"".join(parts)}', "utf-8", newline="\n"
    )
    return [path]
