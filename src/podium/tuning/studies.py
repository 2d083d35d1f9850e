"""Studies: what one search is of, how it is named, found and begun, and where it stands.

A study is `<competition>/<dataset>/<label>`; its label is the model's name and a hash of all that
its values depend on, so that values that do not compare never come into one study.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.exceptions import DuplicatedStudyError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from podium import workspace
from podium.competition.model_file import parse_settings
from podium.competition.version import former_names
from podium.errors import ModelError, PodiumError
from podium.leaderboard.record import now
from podium.tuning.storages import Storage, replaced

if TYPE_CHECKING:
    from podium.competition.model_file import ModelFile
    from podium.data.dataset import Data
    from podium.execution.worker import Worker

FOLDER = "studies"
FACTS = "podium"
"""Attribute of a study: what it is of."""
_MAKING = 5.0  # seconds that making a study may take
DEFAULT, CHANGES, FAILURE = "defaults", "changes", "failure"
"""Attributes of a trial: that it is of the model as it comes; the parameters as the model takes
them; why it failed."""
INSIDE, OUTSIDE = "inside", "outside"
"""Whether the model as it comes is a point of its space."""
HOPELESS = 3
"""A study whose first trials all fail, so many, is stopped: it is the model that is broken."""
WARM = 5
"""Trials of an earlier study that a new one begins with."""
_LABEL = re.compile(r"[\w.+-]{0,79}[\w+-]")
_WORDS = {
    "model_sha256": "the model file has changed",
    "space": "its space has changed",
    "params": "other parameters are fixed",
    "seed": "the seed is another",
    "pruner": "the pruner is another",
    "edition": "data, split or metric have changed",
}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a study is of: all that the value of a trial depends on but its parameters.

    Attributes:
        file: The model, with the parameters that no trial changes.
        fixed: Those of them that were set: what a trial suggests for these does not count.
        pruner: The one of the study.
        worker: The model's process that says what to try. It sees no rows at all: what it could
            look up would reach the folds in a parameter.
    """

    data: Data
    file: ModelFile
    fixed: Mapping[str, Any]
    seed: int
    pruner: str
    worker: Worker

    @property
    def place(self) -> str:
        """Competition and dataset, as they begin a study's name."""
        return f"{self.data.competition.id}/{self.data.dataset.name}"

    @property
    def direction(self) -> StudyDirection:
        """What Optuna calls better."""
        better = self.data.competition.primary.higher_is_better
        return StudyDirection.MAXIMIZE if better else StudyDirection.MINIMIZE

    def command(self, name: str) -> str:
        """A command that takes the same model, set as it is, and dataset, as one would type it."""
        model = self.file.name if self.file.shipped else str(self.file.path)
        words = ["podium", name, self.data.competition.name, model]
        settings = []
        for name, value in self.fixed.items():
            text = f"{name}={value}"
            same = parse_settings([text]) == {name: value}  # a text such as "3" needs quotes
            settings.append(text if same else f"{name}={json.dumps(value)}")
        words += ["--dataset", self.data.dataset.name]
        return shlex.join(words + [word for text in settings for word in ("--set", text)])

    def facts(self, space: Mapping[str, BaseDistribution]) -> dict[str, Any]:
        """What is kept with the study."""
        facts = {
            "model": self.file.name,
            "model_sha256": self.file.sha256,
            "params": dict(self.file.params),
            "seed": self.seed,
            "pruner": self.pruner,
            "edition": self.data.version.name,
            "space": {name: distribution_to_json(kind) for name, kind in sorted(space.items())},
        }
        known: dict[str, Any] = json.loads(json.dumps(facts))  # as it comes back from a storage
        return known


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a search stands.

    Attributes:
        complete, pruned, failed, running, waiting: Trials; those that were queued again under
            another number are not counted twice.
        best: Number and value of the best complete trial.
        defaults: Value of the model as it comes.
    """

    complete: int
    pruned: int
    failed: int
    running: int
    waiting: int
    best: tuple[int, float] | None
    defaults: float | None

    @property
    def done(self) -> int:
        """Trials that have come to an end."""
        return self.complete + self.pruned + self.failed

    @property
    def hopeless(self) -> bool:
        """Whether nothing but failures came so far, and enough of them."""
        return self.failed >= HOPELESS and not self.complete and not self.pruned


def folder(place: str) -> Path:
    """Where the studies of a competition's dataset lie in the workspace."""
    return workspace.root() / FOLDER / place


def full_name(place: str, name: str) -> str:
    """A study's name in full: its label alone is of this competition and dataset.

    Raises:
        PodiumError: If it could not be the name of a folder.
    """
    label = name.removeprefix(f"{place}/")
    parts = label.split("/")
    named = all(_LABEL.fullmatch(part) and not workspace.is_device(part) for part in parts)
    if len(parts) not in (1, 3) or not named:
        raise PodiumError(
            f"The name {name[:80]!r} cannot be a study's.",
            problems=["1 to 80 letters, digits or _ . + -, no dot last, and no device of Windows"],
        )
    return label if len(parts) == 3 else f"{place}/{label}"


def begin(
    subject: Subject, storage: Storage, name: str | None, warm: Sequence[Mapping[str, Any]] = ()
) -> tuple[optuna.Study, str]:
    """The study of a subject, made where it is missing, and why a new one was needed.

    Args:
        subject: What it is of.
        storage: Where it lies.
        name: A name of the user's own; else it follows from the subject.
        warm: Parameters that a new study begins with, after the model's own.

    Raises:
        ModelError: If the model's space has nothing to search.
        PodiumError: If a study of that name is of something else.
    """
    space = _suggested(subject, None)[0].distributions
    if not space:
        why = "all that it searches is set" if subject.fixed else "its space suggests nothing"
        raise ModelError(
            f"{subject.file.name} has nothing to search: {why}.",
            hint=f"Score it as it is: {subject.command('cv')}",
        )
    facts = subject.facts(space)
    former = sorted(former_names(subject.data.competition, subject.data.version))
    versions = [facts["edition"], *former]  # one version by each name that it has had
    labels = [f"{subject.file.name}-{_hash({**facts, 'edition': entry})}" for entry in versions]
    names = [full_name(subject.place, name or label) for label in labels]
    known = {summary.study_name: summary for summary in _summaries(storage)}
    full = next((entry for entry in names if entry in known), names[0])
    if full in known:
        old = _begun(storage, full).user_attrs.get(FACTS, {})
        same = {"edition": facts["edition"]} if old.get("edition") in versions else {}
        differs = _differences({**old, **same}, facts)
        if differs:
            raise PodiumError(
                f"The study {full} is of something else.",
                problems=differs,
                hint="Name another, or leave --study out: then names follow from these.",
            )
        return optuna.load_study(study_name=full, storage=storage.optuna), ""
    if twins := [entry for entry in known if entry.casefold() == full.casefold()]:
        raise PodiumError(
            f"The study {full} would share a folder with {twins[0]} where case does not count.",
            hint="Name another.",
        )
    point = _own_point(subject, space)
    try:
        study = optuna.create_study(
            study_name=full, storage=storage.optuna, direction=subject.direction
        )
    except DuplicatedStudyError:  # another process has begun it in this moment
        return _begun(storage, full), ""
    study.set_user_attr(FACTS, {**facts, "created": now()})
    study.enqueue_trial(point, user_attrs={DEFAULT: INSIDE if point else OUTSIDE})
    for near in warm:
        study.enqueue_trial({k: v for k, v in near.items() if _lies_in(v, space.get(k))})
    return study, _why_new(full, known, facts)


def _begun(storage: Storage, full: str) -> optuna.Study:
    """A study once whoever makes it has said what it is of, and queued its first trial."""
    until = time.monotonic() + _MAKING
    while True:
        study = optuna.load_study(study_name=full, storage=storage.optuna)
        if study.user_attrs.get(FACTS) and study.get_trials(deepcopy=False):
            return study
        if time.monotonic() > until:  # who began to make it has died
            return study
        time.sleep(0.1)


def find(storage: Storage, full: str) -> optuna.Study:
    """An existing study.

    Raises:
        PodiumError: If no study has that name; with the names of those that exist.
    """
    names = sorted(summary.study_name for summary in _summaries(storage))
    if full not in names:
        raise PodiumError(
            f"There is no study {full}. Known: {', '.join(names) or 'none'}.",
            hint="See them all: podium studies {} --dataset {}".format(*full.split("/")),
        )
    return optuna.load_study(study_name=full, storage=storage.optuna)


def standing(study: optuna.Study) -> Standing:
    """Count the trials."""
    trials = study.get_trials(deepcopy=False)
    again = replaced(trials)
    counted = [trial for trial in trials if trial.number not in again]
    states = [trial.state for trial in counted]
    leader = best(study, trials)
    own = [t.value for t in counted if t.user_attrs.get(DEFAULT) and t.state == TrialState.COMPLETE]
    return Standing(
        complete=states.count(TrialState.COMPLETE),
        pruned=states.count(TrialState.PRUNED),
        failed=states.count(TrialState.FAIL),
        running=states.count(TrialState.RUNNING),
        waiting=states.count(TrialState.WAITING),
        best=(leader[0].number, float(leader[0].value or 0.0)) if leader else None,
        defaults=own[0] if own else None,
    )


def best(
    study: optuna.Study, trials: Sequence[FrozenTrial] | None = None, count: int = 1
) -> list[FrozenTrial]:
    """The best complete trials; in a tie the earlier first."""
    trials = study.get_trials(deepcopy=False) if trials is None else trials
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    sign = -1 if study.direction == StudyDirection.MAXIMIZE else 1
    return sorted(complete, key=lambda t: (sign * (t.value or 0.0), t.number))[:count]


def failures(study: optuna.Study) -> list[str]:
    """Why trials failed, each reason once."""
    trials = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    again = replaced(study.get_trials(deepcopy=False))
    return list(
        dict.fromkeys(
            trial.user_attrs.get(FAILURE, "its search died, each time that it was tried")
            for trial in trials
            if trial.number not in again
        )
    )


def changes(trial: FrozenTrial) -> dict[str, Any]:
    """What a trial changes of the model's parameters."""
    if trial.user_attrs.get(DEFAULT):
        return {}
    return dict(trial.user_attrs.get(CHANGES, trial.params))


def suggested(subject: Subject, trial: optuna.Trial) -> dict[str, Any]:
    """What a model's space makes of a trial: changes to its parameters.

    Raises:
        ModelError: If it fails, or gives what the model does not take.
    """
    changes = subject.worker.space(partial(suggest, trial), trial.number, subject.fixed)
    return subject.file.changed(changes)


def suggest(trial: optuna.Trial, asked: Mapping[str, Any]) -> Any:
    """Answer what a model's space asks its trial; of choices, the place of the one to take."""
    name = asked["name"]
    if asked["suggest"] == "categorical":
        choices = list(asked["choices"])
        return choices.index(trial.suggest_categorical(name, choices))
    if asked["suggest"] == "int":
        limits = {key: asked[key] for key in ("low", "high", "step", "log")}
        return trial.suggest_int(name, **limits)
    return trial.suggest_float(
        name, asked["low"], asked["high"], step=asked["step"], log=asked["log"]
    )


def _suggested(
    subject: Subject, point: Mapping[str, Any] | None
) -> tuple[optuna.Trial, dict[str, Any]]:
    scratch = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    if point is not None:
        scratch.enqueue_trial(dict(point))
    trial = scratch.ask()
    return trial, suggested(subject, trial)


def _own_point(subject: Subject, space: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """The model's parameters as a point of its space; {} if they are none.

    They are none where a default lies outside of its range, stands for something else (None), or
    is made by `space` from what it suggests: then trial 0 is run all the same, without a place.
    """
    params = subject.file.params
    wanted = {name: _as_choice(params[name]) for name in space if name in params}
    if not all(_lies_in(wanted.get(name), kind) for name, kind in space.items()):
        return {}
    trial, taken = _suggested(subject, wanted)
    same = all(_as_choice(taken[name]) == _as_choice(params[name]) for name in taken)
    return wanted if same and set(trial.distributions) <= set(wanted) else {}


def _as_choice(value: Any) -> Any:
    """A parameter as its search knows it: a list and the like by its text."""
    return value if isinstance(value, str | int | float | None) else json.dumps(value)


def _lies_in(value: Any, kind: BaseDistribution | None) -> bool:
    if kind is None:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            inside = bool(kind._contains(kind.to_internal_repr(value)))  # noqa: SLF001
        except (TypeError, ValueError):
            return False
    return inside


def _summaries(storage: Storage) -> list[optuna.study.StudySummary]:
    return optuna.get_all_study_summaries(storage.optuna, include_best_trial=False)


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [words for key, words in _WORDS.items() if old.get(key) != new.get(key)]


def _why_new(full: str, known: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """What has changed since the last study of this model here; nothing if it is the first."""
    place = full.rsplit("/", 1)[0]
    earlier = [
        (summary.user_attrs[FACTS]["created"], name)
        for name, summary in known.items()
        if name.startswith(f"{place}/")
        and summary.user_attrs.get(FACTS, {}).get("model") == facts["model"]
    ]
    if not earlier:
        return ""
    name = max(earlier)[1]
    differs = _differences(known[name].user_attrs[FACTS], facts)
    reasons = ", ".join(differs) or "it was named otherwise"
    return f"a new study, since {name} was of something else: {reasons}"


def _hash(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
