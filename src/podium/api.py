"""Everything that the command line does, as one call each: `import podium`.

Imports are inside the functions, so that a call loads only what it needs.
"""

from __future__ import annotations

import inspect
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from podium import workspace
from podium.arguments import check_fields, checked
from podium.competition import folders as competitions
from podium.creating.options import NewOptions
from podium.errors import BoardError, PodiumError, SubmissionError
from podium.machine import user
from podium.results import Results

if TYPE_CHECKING:
    import pandas as pd

    from podium.blending.blending import Blended
    from podium.competition.contract import Competition, Dataset
    from podium.competition.metric import Table
    from podium.competition.model_file import ModelFile
    from podium.competition.part import Progress
    from podium.creating.freezing import Frozen
    from podium.creating.making import Created
    from podium.creating.renaming import Renamed
    from podium.data.dataset import Data
    from podium.execution.folds import CrossValidation
    from podium.execution.predicting import Predicted
    from podium.execution.worker import Limits
    from podium.leaderboard.board import Board
    from podium.leaderboard.comparing import Compared
    from podium.leaderboard.contest import Contest
    from podium.leaderboard.copies import Copies
    from podium.leaderboard.details import Details, Mine
    from podium.leaderboard.exchange import Exported, Imported
    from podium.leaderboard.listing import Entry, Facts, Models
    from podium.leaderboard.ranking import Row
    from podium.leaderboard.record import Record
    from podium.leaderboard.rescore import Handled
    from podium.leaderboard.standings import Standings
    from podium.leaderboard.submit import Kept, Outcome
    from podium.leaderboard.validations import Validation
    from podium.reporting import Report
    from podium.scoring.submission import Checked
    from podium.tuning.kept import Study, Trial
    from podium.tuning.search import Watch
    from podium.tuning.tuning import Tuned
    from podium.verifying.verify import Verdict

Fields = ParamSpec("Fields")
Options = TypeVar("Options")
Result = TypeVar("Result")


def _by_fields(
    options: Callable[Fields, Options],
) -> Callable[[Callable[[Options], Result]], Callable[Fields, Result]]:
    """Let a call take the fields of its options as arguments: they are spelled once, and typed."""

    def of(call: Callable[[Options], Result]) -> Callable[Fields, Result]:
        @wraps(call)
        def by_fields(*args: Fields.args, **fields: Fields.kwargs) -> Result:
            return call(options(*args, **fields))

        given, gives = inspect.signature(options), inspect.signature(call).return_annotation
        vars(by_fields)["__signature__"] = given.replace(return_annotation=gives)
        return by_fields

    return of


@checked
def load(competition: str, dataset: str | None = None) -> tuple[Competition, Dataset]:
    """A competition and one of its datasets (the default one if None), by name."""
    known = competitions.load(competition)
    return known, known.dataset(dataset)


@checked
def list_competitions() -> Results[Entry]:
    """All competitions with their datasets: whether the data are here, how many submissions."""
    from podium.leaderboard.listing import listing

    return listing()


@checked
def prepare(
    competition: str,
    dataset: str | None = None,
    *,
    source: Path | str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Data:
    """Fetch, prepare and verify a dataset; see `podium.data.dataset.get`.

    Args:
        competition: Its name.
        dataset: One of its datasets.
        source: A folder, an archive, an address or a DOI that has its raw files.
        options: What is said of the raw files.
        progress: Shows how far it is.
    """
    from podium.data.dataset import get
    from podium.data.remote import fetch, is_address

    wanted = load(competition, dataset)
    if source is not None:
        fetched = fetch(str(source), progress=progress).folder if is_address(source) else source
        source = Path(fetched)
    return get(*wanted, source=source, options=options or {}, progress=progress)


@checked
@_by_fields(NewOptions)
def new(options: NewOptions) -> Created:
    """Make a competition of a table, or of a Kaggle-style set: `new("mine", table="a.csv", ...)`.

    Args:
        options: Its fields are the arguments, the name first: see `NewOptions`.

    Raises:
        DataError: With everything that is wrong with the name, the flags and the tables.
    """
    from podium.creating.making import make

    return make(options)


@checked
def freeze(
    competition: str,
    dataset: str | None = None,
    *,
    source: Path | str | None = None,
    new_rows: str | None = None,
) -> Frozen:
    """For organisers: freeze raw files, data, split and metric as they are now, after a change.

    Args:
        competition: Its name.
        dataset: Which dataset to prepare again; None for all that are at hand.
        source: A folder or zip that holds the raw files of that dataset.
        new_rows: `train` puts labelled rows that the split does not have into train.

    Returns:
        What has changed, what was written, and how many submissions are to be scored again.

    Raises:
        PodiumError: If something is missing or does not fit; the folder is left as it is then.
    """
    from podium.creating import freezing

    made = freezing.freeze(
        competitions.load(competition),
        dataset,
        source=None if source is None else Path(source),
        new_rows=new_rows,
    )
    return replace(made, outdated=_outdated(competition))


@checked
def rename(old: str, new: str) -> Renamed:
    """Give a competition another name; its board, submissions and studies come along.

    Args:
        old: Its name.
        new: What it is to be called.

    Returns:
        Its new folder, which files say the new name, and where the old one still stands.

    Raises:
        PodiumError: If the name cannot be used, or the folder not be written: all is as it was.
    """
    from podium.creating import renaming

    return renaming.rename(old, new)


def _outdated(name: str) -> dict[str, int]:
    """Submissions of each dataset that have no record in its present version."""
    from podium.competition.version import find_version
    from podium.leaderboard.board import open_board
    from podium.leaderboard.record import CLAIM, OWN
    from podium.leaderboard.rescore import outdated

    board, competition, counts = open_board(), competitions.load(name), {}
    for dataset in competition.datasets:
        version = find_version(competition, dataset)
        present = version.name if version else None
        old = outdated(board, competition.id, dataset.name, present, done_by=[OWN, CLAIM])
        if old:
            counts[dataset.name] = len(old)
    return counts


@checked
def verify(
    competition: str | None = None,
    dataset: str | None = None,
    *,
    progress: Progress | None = None,
) -> list[Verdict]:
    """Run the conformance suite; real datasets that are not prepared are skipped and say so.

    Args:
        competition: Its name, or the path of its folder; None for all.
        dataset: Its name; None for all of the competition.
        progress: Shows the checks.

    Raises:
        PodiumError: If there is no such competition or dataset, or its folder does not load.
    """
    from podium.verifying import verify as suite

    return list(suite.verify(competition, dataset, progress=progress))


@checked
def annotate(competition: str, dataset: str | None, folder: Path | str) -> list[Path]:
    """Write the slices of a dataset as AnnData files; see `podium.data.h5ad.write_parts`."""
    from podium.data.dataset import load as load_data
    from podium.data.h5ad import write_parts

    return write_parts(load_data(*load(competition, dataset)), Path(folder))


@checked
def check(
    competition: str, file: Path | str | pd.DataFrame, *, dataset: str | None = None
) -> Checked:
    """Check predictions; gives their number of rows, and what should be looked at.

    Args:
        competition: Its name.
        file: A predictions file, or a table as one holds it.
        dataset: Its name; the default one is simulated.

    Raises:
        SubmissionError: With everything that is wrong.
    """
    from podium.data.dataset import load as load_data
    from podium.scoring import submission

    ready, notes = load_data(*load(competition, dataset)), list[str]()
    with _as_file(file) as path:
        submission.check(path, ready, notes)
    return submission.Checked(rows=ready.rows("test"), notes=tuple(notes))


@checked
def submit(
    competition: str,
    file: Path | str | pd.DataFrame,
    *,
    dataset: str | None = None,
    team: str | None = None,
    name: str | None = None,
    message: str = "",
) -> Outcome:
    """Check, score, keep and record predictions.

    Args:
        competition: Its name.
        file: A predictions file, or a table as one holds it: `id` and the targets.
        dataset: Its name; the default one is simulated.
        team: Who hands in.
        name: What the board shows; by default the file's name, or `table`.
        message: A remark for the board.

    Raises:
        SubmissionError: With everything that is wrong with the file; nothing is written then.
    """
    from podium.data.dataset import load as load_data
    from podium.data.formats import stem
    from podium.leaderboard import submit
    from podium.leaderboard.record import label, remark

    start = time.perf_counter()
    scorer = submit.Scorer.of(load_data(*load(competition, dataset)))
    with _as_file(file) as path:
        predictions = submit.Predictions(
            path=path,
            team=workspace.team(team),
            name=label(name or stem(path)),
            start=start,
            message=remark(message),
        )
        return submit.submit(scorer, predictions)


@contextmanager
def _as_file(given: Path | str | pd.DataFrame) -> Iterator[Path]:
    """A predictions file; one of a table is there as long as the context.

    Raises:
        SubmissionError: If the table cannot be written.
    """
    if isinstance(given, Path | str):
        yield Path(given)
        return
    import pandas as pd

    from podium import scratch
    from podium.scoring import submission

    if not isinstance(given, pd.DataFrame):
        raise SubmissionError(
            f"An object of {type(given).__name__} is no predictions.",
            hint="A predictions file is expected, or a pandas DataFrame with id and the targets.",
        )
    with scratch.directory("podium-table-") as folder:
        submission.write(given, folder / "table.parquet", "The table has")
        yield folder / "table.parquet"


@checked
def models(
    competition: str, model: str | Path | None = None, *, dataset: str | None = None
) -> Models:
    """What models declare: parameters, defaults, what is allowed, what a search tries.

    None of their code is run.

    Args:
        competition: Its name.
        model: A shipped model's name, or the path of a model file; None for all that are shipped.
        dataset: On which it is said what they cost, where this board knows; the default one is
            simulated.

    Raises:
        ModelError: If there is no such file, or its declarations are broken.
    """
    from podium.leaderboard import listing

    return listing.models(*load(competition, dataset), model)


@checked
def run(
    competition: str,
    model: str | Path | Any,
    *,
    dataset: str | None = None,
    params: Mapping[str, Any] | None = None,
    study: str | None = None,
    storage: str | None = None,
    seed: int = 0,
    team: str | None = None,
    name: str | None = None,
    message: str = "",
    submit: bool = True,
    dask: str | None = None,
    limit_time: float | None = None,
    limit_memory: float | None = None,
    see: Sequence[Path | str] | None = None,
    trust: bool = False,
    progress: Progress | None = None,
) -> Kept:
    """Train a model on the train part, predict the test part and hand the predictions in.

    Where the dataset has an open part, its predictions are written beside them. The model runs in
    a process of its own, which sees the public data only (docs/decisions/0013).

    Args:
        competition: Its name.
        model: A shipped model's name, the path of a model file, or a live object: a class with
            `fit(train)` and `predict(part)`, or a scikit-learn estimator, which gets the table of
            features. An object runs in this process, without walls, and the record says so.
        dataset: Its name; the default one is simulated.
        params: Changes to the model's `DEFAULTS`.
        study: A search of this model (see `tune`) whose best parameters are taken; `params`
            change these.
        storage: The database that the study lies in; None for this workspace.
        seed: Everything random follows from it.
        team: Who hands in.
        name: What the board shows; by default the model and the changed parameters.
        message: A remark for the board.
        submit: False only writes the predictions.
        dask: The address of a Dask scheduler, one of whose workers trains; None for this machine.
        limit_time: Seconds that the model's code may take in all, from its import to its last
            prediction.
        limit_memory: MiB that it and all that it starts may take; by default nine tenths of
            what is free.
        see: Files and folders of yours that it sees, too; none that hold what it must not see.
        trust: Whether code of yours may run where nothing guards your files from it.
        progress: Shows how far it is.

    Raises:
        ModelError: If the model file fails, or takes too much.
        SubmissionError: If its predictions cannot be scored.
    """
    start = time.perf_counter()
    ready, file, params = _to_train(competition, dataset, model, params)
    from podium.execution import executors, running
    from podium.execution.jobs import Trainings
    from podium.leaderboard import submit as handing_in
    from podium.leaderboard.record import label, remark

    limits = _limits(limit_time, limit_memory, see, trust=trust)
    message = remark(message)
    wanted, origin, changes = _wanted(ready, file.name, params, study, storage)
    with (
        executors.opened(None, dask) as executor,
        Trainings(ready, file, limits=limits, executor=executor, progress=progress) as trainings,
    ):
        wanted = trainings.changed(wanted)  # refused before a name is made of them
        shown = label(name or " ".join([file.name, *changes]))
        scorer, acting = handing_in.Scorer.of(ready), workspace.team(team)
        if submit:
            scorer.contest.refuse_over_limit(acting)  # before a long training
        made = running.predict_test(trainings, ready, file, params=wanted, seed=seed)
        predictions = handing_in.Predictions(
            path=made.path,
            team=acting,
            name=shown,
            model=file.name,
            message=message,
            code={**made.code, **origin},
            open_table=made.open_table,
            start=start,
        )
        hand_in = handing_in.submit if submit else handing_in.keep
        return replace(hand_in(scorer, predictions), left_open=made.left_open)


def _limits(
    seconds: float | None,
    memory: float | None,
    see: Sequence[Path | str] | None,
    *,
    trust: bool,
) -> Limits:
    """What a model's process may take, and what more it sees."""
    from podium.execution.worker import Limits

    places = [see] if isinstance(see, str | Path) else see or ()
    shown = tuple(Path(one).absolute() for one in places)
    return Limits(seconds=seconds, memory=memory, see=shown, trust=trust)


def _to_train(
    competition: str,
    dataset: str | None,
    model: str | Path | Any,
    params: Mapping[str, Any] | None,
    jobs: int | None = None,
) -> tuple[Data, ModelFile, dict[str, Any]]:
    """A dataset, a model's file and changes to its parameters.

    What its processes need is imported meanwhile, unless the changes are refused.

    Args:
        competition: Its name.
        dataset: Its name; the default one is simulated.
        model: A shipped model's name, the path of a model file, or a live object.
        params: The changes; checked if the file declares its parameters.
        jobs: How many such processes will divide the cores.
    """
    if not isinstance(model, str | Path):
        return _live(competition, dataset, model, params)
    from podium.execution import executors, starting

    threads = executors.threads(jobs or 1)
    starting.prepare(threads)
    from podium.competition import model_file as models
    from podium.data.dataset import load as load_data

    known, chosen = load(competition, dataset)
    file = models.find(known, model)
    changes = file.changed(params or {})
    starting.prepare(threads, file.source)
    return load_data(known, chosen), file, changes


def _live(
    competition: str, dataset: str | None, model: Any, params: Mapping[str, Any] | None
) -> tuple[Data, ModelFile, dict[str, Any]]:
    """The same of a live object."""
    from podium.data.dataset import load as load_data
    from podium.execution import live

    known, chosen = load(competition, dataset)
    file = live.model_of(known, model)
    return load_data(known, chosen), file, file.changed(params or {})


def _wanted(
    ready: Data, model: str, params: Mapping[str, Any], study: str | None, storage: str | None
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """The parameters of a run, the study that they are from, and how a board shows them."""
    changes = [f"{key}={value}" for key, value in params.items()]
    if study is None:
        return dict(params), {}, changes
    from podium.tuning import tuning

    best = tuning.best(ready, model, study, storage)
    shown = f"study {best.origin['study'].rsplit('/', 1)[1]}"
    return {**best.params, **params}, {"study": dict(best.origin)}, [shown, *changes]


@checked
def cross_validate(
    competition: str,
    model: str | Path | Any,
    *,
    dataset: str | None = None,
    params: Mapping[str, Any] | None = None,
    seed: int = 0,
    seeds: int = 1,
    by: str | None = None,
    plots: Path | str | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    limit_time: float | None = None,
    limit_memory: float | None = None,
    see: Sequence[Path | str] | None = None,
    trust: bool = False,
    progress: Progress | None = None,
) -> CrossValidation:
    """Out-of-fold score on the train part: each row by a model that never saw its answer.

    `model` may be a live object, as in `run`. The limits are for all folds and seeds together.
    Pictures of the predictions beside the truth are written to the folder `plots`, if it is named.
    The model sees the files and folders `see` of yours, too; where nothing guards your files from
    it, it runs with `trust` alone.
    `jobs` trainings run side by side (one by default) and divide the cores; on a Dask cluster,
    whose scheduler's address is `dask`, as many run as its workers have threads.
    """
    ready, file, params = _to_train(competition, dataset, model, params, jobs)
    from podium.execution import folds, out_of_fold
    from podium.leaderboard import validations
    from podium.reporting import plotting

    limits = _limits(limit_time, limit_memory, see, trust=trust)
    if plots is not None:
        plotting.check(ready.competition, Path(plots))
    validation = folds.cross_validate(
        ready,
        file,
        params=params,
        seed=seed,
        seeds=seeds,
        by=by,
        limits=limits,
        jobs=jobs,
        dask=dask,
        progress=progress,
    )
    if by is None:  # for blends
        sha256 = validation.model_sha256
        place = out_of_fold.place(ready, model_sha256=sha256, params=validation.params, seed=seed)
        out_of_fold.keep(place, validation.predictions)
        validation = replace(validation, file=place)
    shown = " ".join([file.name, *(f"{name}={value}" for name, value in params.items())])
    validations.note(ready, shown, validation, seed=seed, by=by)
    if plots is not None:
        plotting.plot_folds(ready, file.name, validation, Path(plots))
    return validation


@checked
def validations(competition: str, dataset: str | None = None) -> Results[Validation]:
    """Earlier cross-validations of a dataset, best first, each compared with the best."""
    from podium.data.dataset import load as load_data
    from podium.leaderboard.validations import earlier

    ready = load_data(*load(competition, dataset))
    return Results(earlier(ready), f"cross-validations of {ready.competition.name}")


@checked
def tune(
    competition: str,
    model: str | Path,
    *,
    dataset: str | None = None,
    params: Mapping[str, Any] | None = None,
    seed: int = 0,
    limit_time: float | None = None,
    limit_memory: float | None = None,
    see: Sequence[Path | str] | None = None,
    trust: bool = False,
    watch: Watch | None = None,
    **settings: Any,
) -> Tuned:
    """Search a model's own space on the fixed folds of the train part, or go on with a search.

    Args:
        competition: Its name.
        model: A shipped model's name, or the path of a model file.
        dataset: Its name; the default one is simulated.
        params: Changes to the model's `DEFAULTS` that hold for every trial.
        seed: Of all trainings and of the search.
        limit_time: Seconds that the model's code may take for a trial.
        limit_memory: MiB that the process of a fold, and all that it starts, may take.
        see: Files and folders of yours that it sees, too; none that hold what it must not see.
        trust: Whether code of yours may run where nothing guards your files from it.
        watch: Is told where the search stands.
        settings: `trials`, `timeout`, `jobs` and all else of `podium.tuning.tuning.Settings`.

    Raises:
        ModelError: If the model file is broken, or has nothing to search.
        PodiumError: If the settings do not fit together, or the study is of another kind.
    """
    from podium.tuning import tuning

    settings = check_fields("tune", tuning.Settings, settings)
    ready, file, params = _to_train(competition, dataset, model, params, settings.get("jobs"))

    return tuning.tune(
        ready,
        file,
        params=params,
        seed=seed,
        limits=_limits(limit_time, limit_memory, see, trust=trust),
        settings=tuning.Settings(**settings),
        watch=watch,
    )


@overload
def studies(
    competition: str, *, dataset: str | None = None, storage: str | None = None
) -> Results[Study]: ...


@overload
def studies(
    competition: str,
    study: str,
    *,
    dataset: str | None = None,
    storage: str | None = None,
    csv: Path | str | None = None,
    delete: bool = False,
    confirm: Callable[[str], None] | None = None,
) -> Results[Trial]: ...


@overload
def studies(
    competition: str,
    study: str | None,
    *,
    dataset: str | None = None,
    storage: str | None = None,
    csv: Path | str | None = None,
    delete: bool = False,
    confirm: Callable[[str], None] | None = None,
) -> Results[Study] | Results[Trial]: ...


@checked
def studies(
    competition: str,
    study: str | None = None,
    *,
    dataset: str | None = None,
    storage: str | None = None,
    csv: Path | str | None = None,
    delete: bool = False,
    confirm: Callable[[str], None] | None = None,
) -> Results[Study] | Results[Trial]:
    """The searches of a dataset that were begun, or the trials of one; see `podium.tuning.kept`.

    Args:
        competition: Its name.
        study: The label of a study, or its name in full.
        dataset: Its name; the default one is simulated.
        storage: The database that studies lie in; None for this workspace.
        csv: The trials are written there, a row for each.
        delete: The study is deleted for good, once its trials are written.
        confirm: Is told what is about to be deleted, and raises to prevent it.

    Raises:
        PodiumError: If there is no such study, or it is being searched and cannot be deleted.
    """
    from podium.tuning import kept

    names = load(competition, dataset)
    if study is not None:
        file = None if csv is None else Path(csv)
        return kept.trials(*names, study, storage, csv=file, delete=delete, confirm=confirm)
    if csv is not None or delete:
        raise PodiumError(
            "Which study? One is written or deleted at a time.",
            hint=f"See them all: podium studies {competition} --dataset {names[1].name}",
        )
    return kept.listed(*names, storage)


@checked
def predict(
    competition: str,
    model: str | Path,
    rows: Path | str | pd.DataFrame,
    *,
    dataset: str | None = None,
    params: Mapping[str, Any] | None = None,
    tables: Mapping[str, Any] | None = None,
    seed: int = 0,
    output: Path | str | None = None,
    force: bool = False,
    limit_time: float | None = None,
    limit_memory: float | None = None,
    see: Sequence[Path | str] | None = None,
    trust: bool = False,
    progress: Progress | None = None,
) -> Predicted:
    """Train a model on the train part, or load it fitted, and predict rows of one's own.

    Args:
        competition: Its name.
        model: A shipped model's name, or the path of a model file.
        rows: A table, or a file of any form, with the feature columns; `id` may be left out.
        dataset: Its name; the default one is simulated.
        params: Changes to the model's `DEFAULTS`.
        tables: Where the competition has tables beside the rows, further rows of these by their
            name: a table, or a file of any form.
        seed: Everything random follows from it.
        output: A file to write, .csv, .parquet, .h5 or .h5ad; None writes none.
        force: Whether `output` may take the place of a file.
        limit_time: Seconds that the model's code may take in all.
        limit_memory: MiB that it and all that it starts may take.
        see: Files and folders of yours that it sees, too; none that hold what it must not see.
        trust: Whether code of yours may run where nothing guards your files from it.
        progress: Shows how far it is.

    Raises:
        PodiumError: With everything that is wrong with the rows, or with `output`.
        ModelError: If the model file fails.
    """
    own = _file_or_table("rows", rows)
    beside = {n: _file_or_table(f"tables[{n!r}]", one) for n, one in (tables or {}).items()}
    ready, file, params = _to_train(competition, dataset, model, params)
    from podium.execution import predicting

    limits = _limits(limit_time, limit_memory, see, trust=trust)
    return predicting.predict(
        ready,
        file,
        own,
        params=params,
        tables=beside,
        limits=limits,
        seed=seed,
        output=None if output is None else Path(output),
        force=force,
        progress=progress,
    )


def _file_or_table(name: str, given: Any) -> Any:
    """An argument of `predict` that is a table, or a file of one."""
    if not isinstance(given, str | Path) and type(given).__name__ != "DataFrame":
        raise PodiumError(
            f"podium.predict: {name} is a file or a pandas DataFrame, not {repr(given)[:80]}."
        )
    return Path(given) if isinstance(given, str) else given


@checked
def plot(
    competition: str,
    *submissions: str,
    dataset: str | None = None,
    out: Path | str = "plots",
) -> list[Path]:
    """Draw submissions, named by the beginning of their IDs; gives the files that were written.

    Raises:
        PodiumError: If the competition has no pictures, or a submission no file.
    """
    from podium.data.dataset import load as load_data
    from podium.leaderboard.submit import Scorer
    from podium.reporting import plotting

    scorer = Scorer.of(load_data(*load(competition, dataset)))
    return plotting.plot(scorer, submissions, Path(out))


@checked
def score_all(
    competition: str | None = None,
    *,
    models: bool = False,
    limit_time: float | None = None,
    limit_memory: float | None = None,
    see: Sequence[Path | str] | None = None,
    trust: bool = False,
    progress: Progress | None = None,
) -> list[Handled]:
    """Score every file under the workspace's `submissions/` that has no record yet.

    One that is refused is said so and stops no other; see `podium.leaderboard.rescore.Handled`.

    Args:
        competition: Of one alone.
        models: Whether model files (`.py`) that lie there are run, each in a process with walls,
            and their predictions handed in for their team.
        limit_time: Seconds that the code of each model may take in all.
        limit_memory: MiB that it and all that it starts may take.
        see: Files and folders of yours that it sees, too; none that hold what it must not see.
        trust: Whether code of yours may run where nothing guards your files from it.
        progress: Shows how far it is.
    """
    from podium.leaderboard import rescore

    limits = _limits(limit_time, limit_memory, see, trust=trust)
    return rescore.score_all(competition, limits if models else None, progress)


@checked
def rescore(
    competition: str, dataset: str | None = None, *, progress: Progress | None = None
) -> list[Handled]:
    """Score the stored files of outdated records in the present version.

    Raises:
        BoardError: If nothing was ever submitted.
    """
    from podium.leaderboard import rescore as again

    return again.rescore(*load(competition, dataset), progress)


@checked
def withdraw(
    submission: str,
    *,
    team: str | None = None,
    confirm: Callable[[str], None] | None = None,
) -> tuple[Record, bool]:
    """Withdraw one's own submission for good; False if it is withdrawn already.

    Args:
        submission: Its ID, how that begins, its name, or `team/name`, on any board.
        team: Who acts; the submission must be theirs.
        confirm: Is told what is about to happen, and raises to prevent it.

    Raises:
        BoardError: If there is no such submission, or it is another team's or a control.
    """
    from podium.leaderboard.board import open_board
    from podium.leaderboard.record import OWN, Withdrawal, now, sealed

    board = open_board().must_exist()
    record = _own_record(board, submission, team, "withdraw", submission)
    if confirm and record.submission not in {w.submission for w in board.withdrawals([OWN])}:
        confirm(
            f"{record.submission} ({record.name}, team {record.team}) on "
            f"{competitions.name_of(record.competition)}/{record.dataset} will never rank again."
        )
    withdrawal = Withdrawal(
        submission=record.submission,
        competition=record.competition,
        dataset=record.dataset,
        team=record.team,
        who=user(),
        created=now(),
    )
    return sealed(record), board.withdraw(withdrawal)


@checked
def remark(submission: str, message: str, *, team: str | None = None) -> Record:
    """Change the remark on one's own submission; an empty one takes it away.

    Args:
        submission: Its ID, how that begins, its name, or `team/name`, on any board.
        message: The new remark.
        team: Who acts; the submission must be theirs.

    Raises:
        BoardError: If there is no such submission here, or it is another team's or a control.
    """
    from podium.leaderboard import record as records
    from podium.leaderboard.board import open_board

    board, text = open_board().must_exist(), records.remark(message)
    record = _own_record(board, submission, team, "remark", submission, message)
    board.remark(record.submission, text)
    return replace(records.sealed(record), message=text)


def _own_record(board: Board, submission: str, team: str | None, *command: str) -> Record:
    """The record of a team's submission, wherever it is.

    Args:
        board: Where it is looked for.
        submission: What a person calls it.
        team: Who acts.
        command: The words after `podium`, for hints.

    Raises:
        BoardError: If there is none, or it is another team's or a control.
    """
    from podium.leaderboard import naming
    from podium.leaderboard.record import SUBMISSION

    acting = workspace.team(team)
    record = naming.find_anywhere(board, submission, command)
    if record.kind != SUBMISSION:
        raise BoardError(f"{record.submission} is the {record.kind} {record.name!r}: it stays.")
    if record.team != acting:
        words = [record.submission if word == submission else word for word in command]
        raise BoardError(
            f"{record.submission} ({record.name}) belongs to team {record.team}, you are {acting}.",
            hint=f"Act for that team: podium {shlex.join([*words, '--team', record.team])}",
        )
    return record


@checked
def export_records(file: Path | str, *competitions: str) -> Exported:
    """Write the board as JSON lines: the named competitions', or all.

    Records, withdrawals and reveals are lines. A board that is not revealed gives nothing private,
    and public scores as they are shown: rounded.

    Raises:
        BoardError: If there is nothing to write, or `file` holds lines that would be lost.
    """
    from podium.leaderboard import exchange
    from podium.leaderboard.board import open_board

    return exchange.export(open_board().must_exist(), Path(file), competitions)


@checked
def import_records(file: Path | str, *, progress: Progress | None = None) -> Imported:
    """Add what another board exported; figures are computed again where the predictions are here.

    Raises:
        BoardError: With every line that is broken or not true; nothing is imported then.
    """
    from podium.leaderboard import exchange
    from podium.leaderboard.board import open_board

    board = open_board()
    batch, imported = exchange.merge(board, Path(file), progress)
    board.merge(batch)
    return imported


@checked
def board(
    competition: str,
    dataset: str | None = None,
    *,
    part: str | None = None,
    team: str | None = None,
    best_per_team: bool = False,
    best_of_all: bool = False,
    since: str | None = None,
    sort: str | None = None,
    top: int | None = None,
) -> Results[Row]:
    """The rows of the leaderboard; see `standings`."""
    view = {
        "team": team,
        "best_per_team": best_per_team,
        "best_of_all": best_of_all,
        "since": since,
        "sort": sort,
        "top": top,
    }
    shown = standings(competition, dataset, part=part, **view)
    name = load(competition, dataset)[1].name
    return Results(shown.rows, f"board of {competition}/{name}, {shown.part} part")


@checked
def standings(
    competition: str,
    dataset: str | None = None,
    *,
    part: str | None = None,
    **view: Any,
) -> Standings:
    """The leaderboard of one part, and what stands below it.

    Args:
        competition: Its name.
        dataset: Its name; the default one is simulated.
        part: `public`, or after reveal `private` and `all`; None for the private one as soon as it
            is revealed.
        **view: Which rows and in what order: the fields of `podium.leaderboard.standings.View`.

    Raises:
        BoardError: If the part is sealed or unknown, or the team has nothing there.
    """
    from podium.leaderboard.contest import Contest, nothing_submitted
    from podium.leaderboard.record import PARTS
    from podium.leaderboard.standings import Standings, View
    from podium.leaderboard.standings import standings as of_contest

    check_fields("standings", View, view)
    names = load(competition, dataset)
    if part not in (None, *PARTS):
        raise BoardError(f"Unknown part {part!r}. Known: {', '.join(PARTS)}.")
    contest = Contest.find(*names)
    if contest and contest.board.exists:
        if (team := view.get("team")) is not None:
            contest.must_have(team)
        return of_contest(contest, part, View(**view))
    if part not in (None, "public"):
        raise nothing_submitted(*names)
    return Standings(rows=[], looks={})


@checked
def copies(competition: str, dataset: str | None = None) -> Copies:
    """Submissions whose predictions equal, or nearly equal, earlier ones of another team.

    It is a mark for an organiser, no verdict: two teams that train one shipped model have the same.

    Args:
        competition: Its name.
        dataset: Its name; the default one is simulated.

    Raises:
        BoardError: If nothing was submitted.
    """
    from podium.leaderboard import copies as likeness

    return likeness.copies(_contest(competition, dataset))


@overload
def show(competition: str, *, dataset: str | None = None) -> Facts: ...


@overload
def show(competition: str, submission: str, *, dataset: str | None = None) -> Details: ...


@checked
def show(
    competition: str, submission: str | None = None, *, dataset: str | None = None
) -> Facts | Details:
    """What a competitor needs to know of a competition, or all that a board tells of a submission.

    Args:
        competition: Its name.
        submission: An ID or how it begins, a name, `team/name`, or a team for its best.
        dataset: Its name; the default one is simulated.

    Raises:
        BoardError: If the submission's name fits none or several.
    """
    if submission is None:
        from podium.leaderboard.listing import facts

        return facts(*load(competition, dataset))
    from podium.leaderboard.details import details

    return details(_contest(competition, dataset, references=True), submission)


@checked
def mine(team: str | None = None) -> Results[Mine]:
    """What a team has on all boards of this workspace: its best, the rank of that, the last."""
    from podium.leaderboard import details
    from podium.leaderboard.board import open_board

    return details.mine(open_board(), workspace.team(team))


@checked
def compare(competition: str, *submissions: str, dataset: str | None = None) -> Compared:
    """Compare the first submission with each of the others.

    Args:
        competition: Its name.
        *submissions: IDs or how they begin, names, `team/name`, or teams for their best.
        dataset: Its name; the default one is simulated.

    Raises:
        BoardError: If a name fits none or several, or fewer than two are named.
    """
    from podium.leaderboard import comparing

    return comparing.compare(_contest(competition, dataset, references=True), submissions)


@checked
def report(
    competition: str | None = None,
    *,
    out: Path | str = "report",
    progress: Progress | None = None,
) -> Report:
    """Write the boards of a competition, or of all, as a static site; see `podium.reporting`.

    Raises:
        BoardError: If there is nothing to show.
        PodiumError: If `out` cannot be written, or holds another site.
    """
    from podium.reporting import write

    return write(Path(out), competition, progress)


@checked
def blend(
    competition: str,
    *submissions: str,
    dataset: str | None = None,
    equal: bool = False,
    cv: bool = False,
    team: str | None = None,
    name: str | None = None,
    message: str = "",
    submit: bool = True,
    progress: Progress | None = None,
) -> Blended:
    """Blend submissions, and hand the blend in like any other.

    Weights are chosen on out-of-fold predictions of the train part where `podium cv` has made those
    of every member; else they are equal. Test rows choose nothing.

    Args:
        competition: Its name.
        *submissions: IDs or how they begin, names, `team/name`, or teams for their best.
        dataset: Its name; the default one is simulated.
        equal: Equal weights in any case.
        cv: Make the out-of-fold predictions that are missing.
        team: Who hands in.
        name: What the board shows; by default the members' names.
        message: A remark for the board.
        submit: False only writes the predictions.
        progress: Shows how far it is.

    Raises:
        BoardError: With every name that cannot be blended.
        PodiumError: If out of fold a member is better alone than any blend.
    """
    from podium import scratch
    from podium.blending import blending
    from podium.data.dataset import load as load_data
    from podium.leaderboard import submit as handing_in
    from podium.leaderboard.board import open_board
    from podium.leaderboard.record import label, remark

    start = time.perf_counter()
    message = remark(message)
    shown = label(name) if name else None
    board = open_board().must_exist()
    scorer = handing_in.Scorer.of(load_data(*load(competition, dataset)), board)
    acting = workspace.team(team)
    if submit:
        scorer.contest.refuse_over_limit(acting)
    blend = blending.blend(scorer, submissions, equal=equal, cv=cv, team=acting, progress=progress)
    with scratch.directory("podium-blend-") as folder:
        predictions = handing_in.Predictions(
            path=_written(scorer.data, blend.table, folder / "predictions.parquet"),
            team=acting,
            name=shown or blend.name,
            start=start,
            model="blend",
            message=message,
            code=blend.provenance,
        )
        hand_in = handing_in.submit if submit else handing_in.keep
        return blending.Blended(blend=blend, outcome=hand_in(scorer, predictions))


def _written(ready: Data, table: Table, path: Path) -> Path:
    """Write predictions of the test part as a file that can be handed in."""
    from podium.scoring import submission

    submission.write(submission.frame(ready.ids("test").to_pylist(), table, ready.genes), path)
    return path


@checked
def reveal(
    competition: str,
    dataset: str | None = None,
    *,
    confirm: Callable[[str], None] | None = None,
) -> bool:
    """Open the private scores for good; False if they are open already.

    They are those of the present data and split: other answers stay sealed.

    Args:
        competition: Its name.
        dataset: Its name; the default one is simulated.
        confirm: Is told what is about to happen, and raises to prevent it.

    Raises:
        BoardError: If there is nothing to reveal.
    """
    contest = _contest(competition, dataset)
    if confirm and contest.revealed() is None:
        confirm(f"The private scores of {contest.title} will be open to everybody.")
    return contest.reveal()


@checked
def pick(
    competition: str,
    *submissions: str,
    dataset: str | None = None,
    team: str | None = None,
    none: bool = False,
) -> list[Row]:
    """Choose what your team is ranked by on the private part; gives the rows that are picked.

    Without submissions nothing changes. A team that picks none is ranked by its best public score.

    Args:
        competition: Its name.
        *submissions: At most two: IDs or how they begin, or names.
        dataset: Its name; the default one is simulated.
        team: Whose; the default team if None.
        none: Take back what was picked before.

    Raises:
        BoardError: If one is not the team's or does not rank, or the answers are revealed.
    """
    acting = workspace.team(team)
    names = None if not submissions and not none else submissions
    return _contest(competition, dataset).pick(acting, names)


def _contest(competition: str, dataset: str | None, *, references: bool = False) -> Contest:
    """A dataset in its present version, and its board.

    Raises:
        BoardError: If nothing was submitted to it; with `references`, if Podium ships nothing
            of it that was imported, either.
    """
    from podium.leaderboard.contest import Contest, nothing_submitted

    names = load(competition, dataset)
    contest = Contest.find(*names)
    if contest is None or contest.place not in contest.board.counts(references=references):
        raise nothing_submitted(*names)
    return contest
