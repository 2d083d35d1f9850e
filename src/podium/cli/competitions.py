"""Competitions: list, show, data; new and verify for organisers."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from podium import api
from podium.cli import answers, completing
from podium.cli.display import competitions, live, printing
from podium.cli.options import Comp, CsvFile, DatasetName, Json

if TYPE_CHECKING:
    from podium.leaderboard.listing import Entry


def list_(as_json: Json = False) -> None:
    """List the competitions, their datasets and how many submissions each has."""
    entries = api.list_competitions()
    if as_json:
        printing.document([asdict(entry) for entry in entries])
        return
    terminal = sys.stdout.isatty()  # a line each, without the competition's title
    rows = [
        [
            entry.competition,
            entry.dataset,
            _short(entry) if terminal else entry.title,
            entry.metric,
            entry.status,
            str(entry.submissions),
        ]
        for entry in entries
    ]
    header = ["competition", "dataset", "title", "metric", "data", "submissions"]
    printing.table(header, rows, right=[5], spare=[3], clip=2)


def _short(entry: Entry) -> str:
    """The dataset's title alone; of what is broken, all that is said."""
    return entry.title if entry.status == "broken" else entry.title.partition(": ")[2]


def show(
    comp: Comp,
    submission: Annotated[
        str | None,
        typer.Argument(
            metavar="SUBMISSION",
            help="An ID, name, TEAM/NAME, or a team's best.",
            autocompletion=completing.submissions,
        ),
    ] = None,
    dataset: DatasetName = None,
    as_json: Json = False,
) -> None:
    """Show a competition (task, columns, scores, models, files), or all of a submission."""
    if submission is not None:
        answers.details(comp, api.show(comp, submission, dataset=dataset), as_json)
        return
    about = api.show(comp, dataset=dataset)
    if as_json:
        printing.document(about)
    else:
        competitions.facts(about)


def data(
    comp: Comp,
    dataset: DatasetName = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="DIR", help="A folder, zip, URL or DOI with the files."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="K=V", help="Say how the raw files are to be read."),
    ] = None,
    annotated: Annotated[
        Path | None,
        typer.Option("--h5ad", metavar="DIR", help="Write its slices as AnnData files, too."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch a dataset, prepare it once and verify it."""
    from podium.competition.model_file import parse_settings

    options = parse_settings(settings or [])
    with live.progress(silent=as_json) as progress:
        ready = api.prepare(comp, dataset, source=source, options=options, progress=progress)
    if annotated:
        api.annotate(comp, ready.dataset.name, annotated)
    public = ready.folder / "public"
    if as_json:
        files = {file.name: file.stat().st_size for file in sorted(public.iterdir())}
        printing.document({**ready.manifest, "folder": str(public), "public": files})
        return
    printing.out(f"{comp}/{ready.dataset.name} is ready: {ready.dataset.title}")
    if counts := ready.manifest.get("rows"):
        printing.out("rows: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    rows = [[f.name, f"{f.stat().st_size / 1024:,.0f} KiB"] for f in sorted(public.iterdir())]
    printing.table([str(public), "size"], rows, right=[1])


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the competition: a Python name.")],
    table: CsvFile = None,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", metavar="COLUMN", help="What to predict; may be given again."),
    ] = None,
    row_id: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="Ids. Default: the column `id`.")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="rmse, auc, f1_macro, ... or a metric file."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="HOW", help="random, stratified, grouped, time or given."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="COLUMN", help="Groups that stay whole, times, or parts."),
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
    stratum: Annotated[
        str | None,
        typer.Option("--stratum", metavar="COLUMN", help="Scored by its values, too."),
    ] = None,
    weight: Annotated[
        str | None, typer.Option("--weight", metavar="COLUMN", help="How much each row counts.")
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--given", metavar="COLUMN", help="For a metric file, beside the answers."),
    ] = None,
    predict: Annotated[
        str | None,
        typer.Option("--predict", metavar="KIND", help="Of a metric file: number, label or text."),
    ] = None,
    lower_is_better: Annotated[
        bool | None,
        typer.Option("--lower-is-better/--higher-is-better", help="Of a metric file."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="DIR", help="A folder, URL or DOI with all the files."),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option("--beside", metavar="PATH", help="A file or folder that models are handed."),
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="TEXT", help="Of the data, in words.")
    ] = None,
    citation: Annotated[
        str | None, typer.Option("--citation", metavar="TEXT", help="Of the data.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a competition of a table: folder, frozen split, metric, models."""
    from podium.creating.kit import look
    from podium.creating.options import NewOptions
    from podium.creating.spec import missing

    kit = None

    options = NewOptions(
        name,
        table=table,
        target=target or None,
        metric=metric,
        row_id=row_id,
        split=split,
        by=by,
        test=test,
        sample=sample,
        solution=solution,
        positive=positive,
        stratum=stratum,
        weight=weight,
        given=given or None,
        predict=predict,
        lower_is_better=lower_is_better,
        source=source,
        beside=beside or None,
        licence=licence,
        citation=citation,
    )
    if options.source is not None:
        kit = look(options.source)
        competitions.guessed(kit)
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
    if kit is not None:
        options = kit.options(competitions.chosen(options, kit) if asks else options)
    if asks:
        options = competitions.asked(options, missing(options))
    made = api.new(**vars(options))
    if as_json:
        document = {**asdict(made), "folder": str(made.folder)}
        printing.document(document)
    else:
        competitions.created(made)


def verify(
    comp: Annotated[
        str | None, typer.Argument(metavar="COMP", help="Or the path of its folder. Default: all.")
    ] = None,
    dataset: DatasetName = None,
    as_json: Json = False,
) -> None:
    """Run the conformance suite on competitions and their datasets."""
    with live.progress() as progress:
        verdicts = api.verify(comp, dataset, progress=progress)
    failed = [verdict for verdict in verdicts if verdict.problem]
    if as_json:
        printing.document([asdict(verdict) for verdict in verdicts])
    else:
        competitions.verdicts(verdicts)
    if failed:
        raise typer.Exit(1)


def freeze(
    comp: Comp,
    dataset: DatasetName = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="A folder or zip that has the raw files."),
    ] = None,
    new_rows: Annotated[
        Literal["train"] | None,
        typer.Option("--new-rows", help="Where labelled rows go that the split does not have."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Freeze raw files, data, split and metric as they are now, after a change."""
    frozen = api.freeze(comp, dataset, source=source, new_rows=new_rows)
    if as_json:
        printing.document(asdict(frozen))
    else:
        competitions.frozen(frozen)


def rename(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD", help="A competition.", autocompletion=completing.competitions
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name: a Python name.")],
    as_json: Json = False,
) -> None:
    """Give a competition another name; board, submissions and studies come along."""
    renamed = api.rename(old, new)
    if as_json:
        printing.document({**asdict(renamed), "folder": str(renamed.folder)})
        return
    printing.out(f"{old} is called {renamed.name} now: {printing.near(renamed.folder)}")
    for place in renamed.left:
        printing.out(f"the old name still stands in {place}")
