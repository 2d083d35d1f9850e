"""Studies that were begun: listed, shown trial by trial, written as CSV, deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from podium import scratch
from podium.competition.contract import Competition, Dataset
from podium.errors import PodiumError, reason
from podium.results import Results
from podium.tuning import search, storages, studies


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study, and where it stands.

    Attributes:
        study: Its label; in full it is `<id of the competition>/<dataset>/<label>`.
        model: Which model it searches.
        created: When it was begun; UTC, ISO 8601.
        complete, pruned, failed, running, waiting: Trials.
        trial, value: Number and value of the best complete trial; None without any.
    """

    study: str
    model: str | None
    created: str | None
    complete: int
    pruned: int
    failed: int
    running: int
    waiting: int
    trial: int | None
    value: float | None


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A trial of a study.

    Attributes:
        number: From 0.
        state: `complete`, `pruned`, `fail`, `running` or `waiting`.
        value: Its score out of fold; of a pruned one that of the folds it had.
        params: What it changes of the model's parameters.
        seconds: How long it took; None as long as it has not ended.
        failure: Why it failed.
    """

    number: int
    state: str
    value: float | None
    params: Mapping[str, Any]
    seconds: float | None
    failure: str | None


@contextmanager
def opened(
    place: str, name: str, url: str | None
) -> Iterator[tuple[storages.Storage, optuna.Study]]:
    """A study and its storage, while inside.

    Args:
        place: Competition and dataset, `<competition>/<dataset>`.
        name: The study's label or its name in full.
        url: The database that it lies in; None for this workspace.

    Raises:
        PodiumError: If there is none of that name.
    """
    full = studies.full_name(place, name)
    folder = studies.folder(full.rsplit("/", 1)[0])
    if url is None and not (folder / storages.JOURNAL).is_file():
        raise PodiumError(
            f"There is no study {full}: nothing was tuned there in this workspace.",
            hint="Name the database if it lies in one: --storage URL",
        )
    with search.quiet(), storages.opened(url, folder) as storage:
        yield storage, studies.find(storage, full)


def listed(competition: Competition, dataset: Dataset, url: str | None = None) -> Results[Study]:
    """The studies of a dataset, the last begun first.

    Args:
        competition: Whose they are.
        dataset: Of which dataset.
        url: The database that they lie in; None for this workspace.
    """
    place = f"{competition.id}/{dataset.name}"
    folder = studies.folder(place)
    rows = []
    if url is not None or (folder / storages.JOURNAL).is_file():
        with search.quiet(), storages.opened(url, folder) as storage:
            names = optuna.get_all_study_names(storage.optuna)
            here = [name for name in names if name.startswith(f"{place}/")]
            rows = [
                _row(optuna.load_study(study_name=name, storage=storage.optuna)) for name in here
            ]
    rows.sort(key=lambda row: row.created or "", reverse=True)
    return Results(rows, f"studies of {place}")


def trials(
    competition: Competition,
    dataset: Dataset,
    name: str,
    url: str | None = None,
    *,
    csv: Path | None = None,
    delete: bool = False,
    confirm: Callable[[str], None] | None = None,
) -> Results[Trial]:
    """The trials of a study.

    Args:
        competition: Whose it is.
        dataset: Of which dataset.
        name: Its label or its name in full.
        url: The database that it lies in; None for this workspace.
        csv: Where they are written, a row for each.
        delete: The study is deleted for good, once it is written.
        confirm: Is told what is about to be deleted, and may raise.

    Raises:
        PodiumError: If there is no such study, the file cannot be written, or what is to be
            deleted is being searched.
    """
    with opened(f"{competition.id}/{dataset.name}", name, url) as (storage, study):
        rows = Results([_trial(one) for one in study.get_trials(deepcopy=False)], study.study_name)
        if csv is not None:
            _write(rows, csv)
        if delete:
            if confirm is not None:
                confirm(f"The study {study.study_name} is deleted, with {len(rows)} trials.")
            _delete(storage, study)
    return rows


def _delete(storage: storages.Storage, study: optuna.Study) -> None:
    with storage.searching(study):  # of a journal, it raises where another process searches
        if study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            raise PodiumError(
                f"Another command is searching {study.study_name} now.",
                hint="Run the same command again once that has ended.",
            )
        optuna.delete_study(study_name=study.study_name, storage=storage.optuna)


def _row(study: optuna.Study) -> Study:
    facts, stands = study.user_attrs.get(studies.FACTS, {}), studies.standing(study)
    trial, value = stands.best or (None, None)
    return Study(
        study=study.study_name.rsplit("/", 1)[1],
        model=facts.get("model"),
        created=facts.get("created"),
        complete=stands.complete,
        pruned=stands.pruned,
        failed=stands.failed,
        running=stands.running,
        waiting=stands.waiting,
        trial=trial,
        value=value,
    )


def _trial(trial: FrozenTrial) -> Trial:
    spent = trial.duration
    return Trial(
        number=trial.number,
        state=trial.state.name.lower(),
        value=trial.value,
        params=studies.changes(trial),
        seconds=None if spent is None else round(spent.total_seconds(), 3),
        failure=trial.user_attrs.get(studies.FAILURE),
    )


def _write(rows: Results[Trial], file: Path) -> None:
    try:
        with scratch.replacing(file) as part:
            rows.to_frame().to_csv(part, index=False, lineterminator="\n")
    except OSError as error:
        raise PodiumError(
            f"The trials cannot be written to {file}: {reason(error)}.", hint="Name another file."
        ) from error
