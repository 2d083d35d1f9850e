"""The command line: each command is one call of `podium.api`, and its display."""

from __future__ import annotations

import errno
import gc
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from podium import api, display
from podium.errors import PodiumError

_SYSTEM = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EFBIG, errno.EIO),
}
"""Errors that are the machine's or the user's to mend, not ours."""

app = typer.Typer(
    help="Kaggle-style competitions for machine learning in biology.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Format(StrEnum):
    """How a board is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


class Part(StrEnum):
    """Which test rows a board is of."""

    PUBLIC = "public"
    PRIVATE = "private"
    ALL = "all"


Comp = Annotated[str, typer.Argument(metavar="COMP", help="A competition: see `podium list`.")]
ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="A shipped model, or the path of a model file (.py).")
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="Predictions: .csv, .parquet or .h5.")]
CsvFile = Annotated[
    Path | None, typer.Option("--table", metavar="FILE", help="A CSV file with the answers.")
]
DatasetName = Annotated[
    str | None, typer.Option("--dataset", "-d", metavar="D", help="Default: the simulated one.")
]
Team = Annotated[
    str | None,
    typer.Option("--team", metavar="T", help="Default: PODIUM_TEAM, podium.toml, the login name."),
]
Name = Annotated[str | None, typer.Option("--name", metavar="N", help="What the board shows.")]
Message = Annotated[str, typer.Option("--message", "-m", metavar="TEXT", help="A remark.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="K=V", help="Change a parameter; repeatable.")
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="S", min=0, max=2**32 - 1, help="Random seed.")
]
LimitTime = Annotated[
    float | None,
    typer.Option("--limit-time", metavar="SECONDS", min=0.01, help="For the model's own code."),
]
Study = Annotated[str | None, typer.Option("--study", metavar="NAME", help="A search's name.")]
Storage = Annotated[
    str | None,
    typer.Option("--storage", metavar="URL", help="PostgreSQL; default: a file in the workspace."),
]
LimitMemory = Annotated[
    float | None,
    typer.Option("--limit-memory", metavar="MIB", min=1, help="For all that the model starts."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the competitions, their datasets and how many submissions each has."""
    from podium.boards.listing import listing

    found = listing()
    if as_json:
        display.document([asdict(entry) for entry in found])
        return
    rows = [
        [
            entry.competition,
            entry.dataset,
            entry.title,
            entry.metric,
            entry.status,
            str(entry.submissions),
        ]
        for entry in found
    ]
    header = ["competition", "dataset", "title", "metric", "data", "submissions"]
    display.table(header, rows, right=[5])


@app.command()
def show(comp: Comp, dataset: DatasetName = None, as_json: Json = False) -> None:
    """Show a competition: task, columns, scores, strata, datasets, models, files."""
    from podium.boards.listing import facts

    found = facts(*api.load(comp, dataset))
    if as_json:
        display.document(found)
    else:
        display.facts(found)


@app.command()
def data(
    comp: Comp,
    dataset: DatasetName = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="A folder or zip that has the raw files."),
    ] = None,
    annotated: Annotated[
        Path | None,
        typer.Option("--h5ad", metavar="DIR", help="Write its slices as AnnData files, too."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch a dataset, prepare it once and verify it."""
    found = api.prepare(comp, dataset, source=source, progress=sys.stderr.isatty())
    if annotated:
        api.annotate(comp, found.dataset.name, annotated)
    public = found.folder / "public"
    if as_json:
        files = {file.name: file.stat().st_size for file in sorted(public.iterdir())}
        display.document({**found.manifest, "folder": str(public), "public": files})
        return
    display.out(f"{comp}/{found.dataset.name} is ready: {found.dataset.title}")
    rows = [[f.name, f"{f.stat().st_size / 1024:,.0f} KiB"] for f in sorted(public.iterdir())]
    display.table([str(public), "size"], rows, right=[1])


@app.command()
def run(
    comp: Comp,
    model: ModelName,
    dataset: DatasetName = None,
    settings: Set = None,
    study: Study = None,
    storage: Storage = None,
    seed: Seed = 0,
    team: Team = None,
    name: Name = None,
    message: Message = "",
    no_submit: Annotated[
        bool, typer.Option("--no-submit", help="Only write the predictions.")
    ] = False,
    limit_time: LimitTime = None,
    limit_memory: LimitMemory = None,
    as_json: Json = False,
) -> None:
    """Train a model, predict the test part and hand the predictions in."""
    from podium.boards.entry import Kept
    from podium.model import parse_settings

    with display.progress() as progress:
        found = api.run(
            comp,
            model,
            dataset=dataset,
            params=parse_settings(settings or []),
            study=study,
            storage=storage,
            seed=seed,
            team=team,
            name=name,
            message=message,
            submit=not no_submit,
            limit_time=limit_time,
            limit_memory=limit_memory,
            progress=progress,
        )
    display.left_open(found.left_open)
    if isinstance(found, Kept):
        _kept(found, as_json)
    else:
        _outcome(comp, dataset, found, as_json)


@app.command()
def cv(
    comp: Comp,
    model: ModelName,
    dataset: DatasetName = None,
    settings: Set = None,
    seed: Seed = 0,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Training seeds.")] = 1,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="GROUP", help="Hold out whole groups of this kind."),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option("--plot", metavar="DIR", help="Write pictures of predictions and truth."),
    ] = None,
    limit_time: LimitTime = None,
    limit_memory: LimitMemory = None,
    as_json: Json = False,
) -> None:
    """Cross-validate a model on the fixed folds of the train part."""
    from podium.boards.entry import card_json
    from podium.model import parse_settings

    with display.progress() as progress:
        found = api.cross_validate(
            comp,
            model,
            dataset=dataset,
            params=parse_settings(settings or []),
            seed=seed,
            seeds=seeds,
            by=by,
            plots=plots,
            limit_time=limit_time,
            limit_memory=limit_memory,
            progress=progress,
        )
    display.left_open(found.left_open)
    if as_json:
        known = {"by_seed": found.by_seed, "spread": found.spread, "seconds": found.seconds}
        display.document({**card_json(found.card), **known})
        return
    competition, _ = api.load(comp, dataset)
    display.card(competition, found.card)
    if found.spread is not None:
        scores = ", ".join(map(display.figure, found.by_seed))
        display.out(f"training seeds: {scores}; standard deviation {found.spread:.4f}")
    display.out(f"{found.seconds:.1f} s")


@app.command()
def tune(
    comp: Comp,
    model: ModelName,
    dataset: DatasetName = None,
    trials: Annotated[
        int | None, typer.Option("--trials", metavar="N", min=1, help="In all, resumed or not.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", min=0.01, help="End by then.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="J", min=1, help="Processes side by side.")
    ] = None,
    sampler: Annotated[
        str, typer.Option("--sampler", metavar="S", help="tpe random cmaes gp qmc nsgaii.")
    ] = "tpe",
    pruner: Annotated[
        str, typer.Option("--pruner", metavar="P", help="folds none epochs wilcoxon.")
    ] = "folds",
    warm_start: Annotated[
        str | None,
        typer.Option("--warm-start", metavar="STUDY", help="Begin with the best of that search."),
    ] = None,
    study: Study = None,
    storage: Storage = None,
    backend: Annotated[
        str, typer.Option("--backend", metavar="B", help="local, or dask: a cluster.")
    ] = "local",
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            envvar="DASK_SCHEDULER_ADDRESS",
            help="Of the Dask cluster.",
        ),
    ] = None,
    settings: Set = None,
    seed: Seed = 0,
    plots: Annotated[
        Path | None, typer.Option("--plot", metavar="DIR", help="Write pictures as HTML.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Search a model's parameters on the folds of the train part; again, to go on."""
    from podium.model import parse_settings

    try:
        with display.searching(trials, timeout) as watch:
            found = api.tune(
                comp,
                model,
                dataset=dataset,
                params=parse_settings(settings or []),
                seed=seed,
                watch=watch,
                trials=trials,
                timeout=timeout,
                jobs=jobs,
                backend=backend,
                scheduler=scheduler,
                storage=storage,
                study=study,
                sampler=sampler,
                pruner=pruner,
                warm_start=warm_start,
                plots=plots,
            )
    except KeyboardInterrupt:
        display.say("What is done is kept: the same command again goes on.")
        raise
    competition, _ = api.load(comp, dataset)
    if as_json:
        display.document(display.tuned_json(competition, found))
    else:
        display.tuned(competition, model, found)


@app.command()
def predict(
    comp: Comp,
    model: ModelName,
    rows: Annotated[
        Path,
        typer.Option(
            "--input", metavar="FILE", help="Rows to predict: .csv, .parquet; DNA also .fasta."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write there: .csv or .parquet."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
    dataset: DatasetName = None,
    settings: Set = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Train a model once (or load it) and predict rows of your own."""
    from podium.model import parse_settings

    with display.progress() as progress:
        found = api.predict(
            comp,
            model,
            rows,
            dataset=dataset,
            params=parse_settings(settings or []),
            seed=seed,
            output=output,
            force=force,
            progress=progress,
        )
    if as_json:
        known = {"file": found.file and str(found.file), "rows": len(found.table)}
        predictions = [] if found.file else found.table.to_dict("records")
        how = {"loaded": found.loaded, "seconds": round(found.seconds, 3)}
        display.document({**known, **how, "predictions": predictions})
    else:
        display.predicted(found)


@app.command()
def check(comp: Comp, file: File, dataset: DatasetName = None, as_json: Json = False) -> None:
    """Check a predictions file without scoring it."""
    rows = api.check(comp, file, dataset=dataset)
    if as_json:
        display.document({"file": str(file), "rows": rows, "ok": True})
    else:
        display.out(f"{file} can be scored: {rows:,} rows.")


@app.command()
def submit(
    comp: Comp,
    file: File,
    dataset: DatasetName = None,
    team: Team = None,
    name: Name = None,
    message: Message = "",
    as_json: Json = False,
) -> None:
    """Hand in a predictions file: check, score, rank."""
    found = api.submit(comp, file, dataset=dataset, team=team, name=name, message=message)
    _outcome(comp, dataset, found, as_json)


@app.command("score-all")
def score_all(
    comp: Annotated[str | None, typer.Argument(metavar="COMP", help="Default: all.")] = None,
    as_json: Json = False,
) -> None:
    """Score every file under submissions/ that was not scored yet."""
    with display.progress() as progress:
        found = api.score_all(comp, progress=progress)
    _handled(found, as_json)


@app.command()
def rescore(comp: Comp, dataset: DatasetName = None, as_json: Json = False) -> None:
    """Score the files of outdated records again, by the present data, split and metric."""
    with display.progress() as progress:
        found = api.rescore(comp, dataset, progress=progress)
    _handled(found, as_json)


@app.command()
def plot(
    comp: Comp,
    submissions: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Submissions, or how their IDs begin.")
    ],
    dataset: DatasetName = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where to write the pictures.")
    ] = Path("plots"),
    as_json: Json = False,
) -> None:
    """Draw submissions; the truth stands beside them once the board is revealed."""
    files = api.plot(comp, *submissions, dataset=dataset, out=out)
    if as_json:
        display.document({"files": [str(file) for file in files]})
        return
    for file in files:
        display.out(str(file))


@app.command()
def withdraw(
    submission: Annotated[str, typer.Argument(metavar="ID", help="Its ID, or how it begins.")],
    team: Team = None,
    as_json: Json = False,
) -> None:
    """Take a submission of your team out of the ranking, for good."""
    found, new = api.withdraw(submission, team=team)
    if as_json:
        names = ("submission", "competition", "dataset", "team", "name")
        display.document({**{name: getattr(found, name) for name in names}, "new": new})
        return
    state = "is withdrawn" if new else "was withdrawn already"
    where = f"{found.competition}/{found.dataset}"
    display.out(f"{found.submission} ({found.name}, team {found.team}) on {where} {state}.")


@app.command("export")
def export(
    comps: Annotated[list[str] | None, typer.Argument(metavar="COMP", help="Default: all.")] = None,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, .jsonl.")],
    as_json: Json = False,
) -> None:
    """Write the board's records as JSON lines that merge in git."""
    found = api.export_records(file, *(comps or []))
    if as_json:
        display.document({**asdict(found), "file": str(found.file)})
        return
    counts = (found.records, "record"), (found.withdrawals, "withdrawal"), (found.reveals, "reveal")
    display.out(f"{found.file}: {display.counted(counts)}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What podium export wrote.")],
    as_json: Json = False,
) -> None:
    """Add the records of another board; what can be computed again is verified."""
    with display.progress() as progress:
        found = api.import_records(file, progress=progress)
    if as_json:
        display.document(asdict(found))
    else:
        display.imported(found)


@app.command()
def board(
    comp: Comp,
    dataset: DatasetName = None,
    part: Annotated[Part, typer.Option("--part", help="Others than public after reveal.")] = (
        Part.PUBLIC
    ),
    team: Annotated[str | None, typer.Option("--team", metavar="T", help="Only this team.")] = None,
    best_per_team: Annotated[
        bool, typer.Option("--best-per-team", help="The best of each team, ranked again.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Handed in since: 2026-01-31, 12h, 7d, 2w."),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", metavar="COLUMN", help="A score, stratum, created, team, name."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    as_json: Json = False,
) -> None:
    """Show the leaderboard."""
    competition, chosen = api.load(comp, dataset)
    view = {"team": team, "best_per_team": best_per_team, "since": since, "sort": sort}
    with _without_collector():
        found = api.standings(comp, dataset, part=part.value, **view)
        if found.rows or as_json or form != Format.TABLE:
            how = "json" if as_json else form.value
            display.board(competition, chosen.name, found, part.value, how)
            return
    display.out(f"Nothing was submitted to {comp}/{chosen.name} yet.")
    display.say(f"Begin with: podium run {comp} {competition.controls[0].model}")


@app.command()
def compare(
    comp: Comp,
    submissions: Annotated[
        list[str],
        typer.Argument(metavar="A B...", help="IDs, names, TEAM/NAME, or teams for their best."),
    ],
    dataset: DatasetName = None,
    as_json: Json = False,
) -> None:
    """Compare submissions with the first: how much better, where, made how."""
    found = api.compare(comp, *submissions, dataset=dataset)
    if as_json:
        display.document(asdict(found))
    else:
        display.compared(api.load(comp, dataset)[0], found)


@app.command()
def report(
    comp: Annotated[str | None, typer.Argument(metavar="COMP", help="Default: all.")] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where to write the pages.")
    ] = Path("report"),
    as_json: Json = False,
) -> None:
    """Write the boards as a static site: an index, and a page for each."""
    with _without_collector(), display.progress() as progress:
        found = api.report(comp, out=out, progress=progress)
    if as_json:
        pages = [str(page) for page in found.pages]
        missing = list(found.missing)
        display.document({"index": str(found.index), "pages": pages, "missing": missing})
        return
    for file in [found.index, *found.pages]:
        display.out(str(file))
    for line in found.missing:
        display.say(f"no page: {line}")


@app.command()
def blend(
    comp: Comp,
    submissions: Annotated[
        list[str],
        typer.Argument(metavar="A B...", help="IDs, names, TEAM/NAME, or teams for their best."),
    ],
    dataset: DatasetName = None,
    equal: Annotated[bool, typer.Option("--equal", help="Equal weights in any case.")] = False,
    cv: Annotated[
        bool, typer.Option("--cv", help="Make out-of-fold predictions that are missing.")
    ] = False,
    team: Team = None,
    name: Name = None,
    message: Message = "",
    no_submit: Annotated[
        bool, typer.Option("--no-submit", help="Only write the predictions.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Blend submissions, by weights from out-of-fold predictions, and hand the blend in."""
    with display.progress() as progress:
        found = api.blend(
            comp,
            *submissions,
            dataset=dataset,
            equal=equal,
            cv=cv,
            team=team,
            name=name,
            message=message,
            submit=not no_submit,
            progress=progress,
        )
    _blended(comp, dataset, found, as_json)


@app.command()
def reveal(comp: Comp, dataset: DatasetName = None, as_json: Json = False) -> None:
    """Open the private scores for good."""
    competition, chosen = api.load(comp, dataset)
    new = api.reveal(comp, dataset)
    if as_json:
        names = {"competition": competition.name, "dataset": chosen.name}
        display.document({**names, "revealed": True, "new": new})
        return
    state = "are open now" if new else "were open already"
    display.out(f"The private scores of {comp}/{chosen.name} {state}.")
    display.say(f"See them: podium board {comp} --dataset {chosen.name} --part all")


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the competition: a Python name.")],
    table: CsvFile = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="COLUMN", help="What to predict.")
    ] = None,
    row_id: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="Ids. Default: the column `id`.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="rmse, mae, auc, f1_macro, ...")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="HOW", help="random, stratified, grouped or time."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="COLUMN", help="Groups that stay whole, or times.")
    ] = None,
    test: Annotated[
        Path | None, typer.Option("--test", metavar="FILE", help="Rows without answers.")
    ] = None,
    sample: Annotated[
        Path | None, typer.Option("--sample", metavar="FILE", help="A sample submission.")
    ] = None,
    solution: Annotated[
        Path | None, typer.Option("--solution", metavar="FILE", help="The answers of --test.")
    ] = None,
    positive: Annotated[
        str | None, typer.Option("--positive", metavar="LABEL", help="Which class is positive.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a competition of a table: folder, frozen split, metric, models."""
    from podium.creating.plans import Wish, missing

    wish = Wish(
        name=name,
        table=table,
        target=target,
        metric=metric,
        row_id=row_id,
        split=split,
        by=by,
        test=test,
        sample=sample,
        solution=solution,
        positive=positive,
    )
    if sys.stdin.isatty() and sys.stdout.isatty() and not as_json:
        wish = display.asked(wish, missing(wish))
    found = api.new(**vars(wish))
    if as_json:
        document = {**asdict(found), "folder": str(found.folder)}
        display.document(document)
    else:
        display.created(found)


@app.command()
def verify(
    comp: Annotated[
        str | None, typer.Argument(metavar="COMP", help="Or the path of its folder. Default: all.")
    ] = None,
    dataset: DatasetName = None,
    as_json: Json = False,
) -> None:
    """Run the conformance suite on competitions and their datasets."""
    from podium.verifying.verify import verify as verify_all

    with display.progress() as progress:
        found = list(verify_all(comp, dataset, progress=progress))
    failed = [verdict for verdict in found if verdict.problem]
    if as_json:
        display.document([asdict(verdict) for verdict in found])
    else:
        display.verdicts(found)
    if failed:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; exit status 0 fine, 1 refused input, 2 usage, 3 our fault."""
    with _Exits():
        app(prog_name="podium")


@contextmanager
def _without_collector() -> Iterator[None]:
    """Rows by the ten thousand live to the end: looking for dead ones is a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Exits:
    """Turns what a command raises into a message and an exit status."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PodiumError):
            display.error(error, as_json="--json" in sys.argv)
            sys.exit(1)
        if isinstance(error, OSError) and error.errno in _SYSTEM:
            where = f": {str(error.filename)[:200]}" if error.filename else ""
            refused = PodiumError(f"The system refused: {error.strerror}{where}.")
            display.error(refused, as_json="--json" in sys.argv)
            sys.exit(1)
        if isinstance(error, KeyboardInterrupt):
            display.say("interrupted")
            sys.exit(130)
        if isinstance(error, Exception):
            with tempfile.NamedTemporaryFile(
                "w", prefix="podium-fault-", suffix=".txt", delete=False
            ) as file:
                traceback.print_exception(error, file=file)
            display.say(f"This is a fault of Podium: {type(error).__name__}: {error}")
            display.say(f"Please report it with {file.name}")
            sys.exit(3)


def _outcome(comp: str, dataset: str | None, found: Any, as_json: bool) -> None:
    if as_json:
        display.document({**asdict(found.row), "seconds": round(found.seconds, 3)})
    else:
        display.outcome(*api.load(comp, dataset), found)


def _blended(comp: str, dataset: str | None, found: Any, as_json: bool) -> None:
    from podium.boards.entry import Kept

    aside = isinstance(found.outcome, Kept)
    if as_json:
        handed_in = {"file": str(found.outcome.file)} if aside else asdict(found.outcome.row)
        seconds = round(found.outcome.seconds, 3)
        display.document({**handed_in, "seconds": seconds, "blend": found.blend.as_json})
        return
    competition, chosen = api.load(comp, dataset)
    display.blended(competition, found.blend)
    if aside:
        _kept(found.outcome, as_json)
    else:
        display.outcome(competition, chosen, found.outcome)


def _handled(found: Any, as_json: bool) -> None:
    if as_json:
        display.document([asdict(handled) for handled in found])
    else:
        display.handled(found)
    if any(handled.problem for handled in found):
        raise typer.Exit(1)


def _kept(found: Any, as_json: bool) -> None:
    files = {"file": str(found.file), "open_file": found.open_file and str(found.open_file)}
    if as_json:
        display.document({**files, "seconds": round(found.seconds, 3)})
        return
    for file in filter(None, files.values()):
        display.out(file)
    display.out(f"{found.seconds:.1f} s")
