"""Models: what there is, run, cv, predict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from podium import api, figures
from podium.cli import answers, completing
from podium.cli.display import competitions, curves, live, printing, submissions, validations
from podium.cli.options import (
    Comp,
    Dask,
    DatasetName,
    Jobs,
    Json,
    LimitMemory,
    LimitTime,
    Message,
    ModelName,
    Name,
    See,
    Seed,
    Set,
    Storage,
    Study,
    Team,
)
from podium.errors import PodiumError


def models(
    comp: Comp,
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A shipped model, or the path of a model file (.py).",
            autocompletion=completing.models,
        ),
    ] = None,
    dataset: DatasetName = None,
    as_json: Json = False,
) -> None:
    """Show the models, or the parameters of one: defaults, what is allowed, what is searched."""
    known = api.models(comp, model, dataset=dataset)
    if as_json:
        printing.document(known)
    elif model is None:
        competitions.models(known)
    else:
        competitions.parameters(known[0])


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
    dask: Dask = None,
    limit_time: LimitTime = None,
    limit_memory: LimitMemory = None,
    see: See = None,
    as_json: Json = False,
) -> None:
    """Train a model, predict the test part and hand the predictions in."""
    from podium.competition.model_file import parse_settings
    from podium.leaderboard.submit import Outcome

    with live.progress() as progress:
        outcome = api.run(
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
            dask=dask,
            limit_time=limit_time,
            limit_memory=limit_memory,
            see=see,
            progress=progress,
        )
    submissions.left_open(outcome.left_open)
    if isinstance(outcome, Outcome):
        answers.outcome(comp, dataset, outcome, as_json)
    else:
        answers.kept(outcome, as_json)


def cv(
    comp: Comp,
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A shipped model, or the path of a model file (.py); none lists earlier ones.",
            autocompletion=completing.models,
        ),
    ] = None,
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
    jobs: Jobs = None,
    dask: Dask = None,
    limit_time: LimitTime = None,
    limit_memory: LimitMemory = None,
    see: See = None,
    as_json: Json = False,
) -> None:
    """Cross-validate a model on the fixed folds of the train part, or list what was before."""
    if model is None:
        title = f"{comp}/{api.load(comp, dataset)[1].name}"
        validations.earlier(title, api.validations(comp, dataset), as_json=as_json)
        return
    from podium.competition.model_file import parse_settings
    from podium.leaderboard.submit import card_json

    with live.progress() as progress:
        validation = api.cross_validate(
            comp,
            model,
            dataset=dataset,
            params=parse_settings(settings or []),
            seed=seed,
            seeds=seeds,
            by=by,
            plots=plots,
            jobs=jobs,
            dask=dask,
            limit_time=limit_time,
            limit_memory=limit_memory,
            see=see,
            progress=progress,
        )
    submissions.left_open(validation.left_open)
    if as_json:
        known = {
            "by_seed": validation.by_seed,
            "spread": validation.spread,
            "by_fold": validation.by_fold,
            "curves": {fold: curve.as_json for fold, curve in validation.curves.items()},
            "file": validation.file and str(printing.near(validation.file)),
            "members": list(validation.members),
            "seconds": validation.seconds,
        }
        printing.document({**card_json(validation.card), **known})
        return
    competition, _ = api.load(comp, dataset)
    submissions.card(competition, validation.card)
    printing.out(f"folds: {', '.join(map(figures.figure, validation.by_fold.values()))}")
    if validation.curves:
        curves.drawn({f"fold {fold}": curve for fold, curve in validation.curves.items()})
    if validation.spread is not None:
        scores = ", ".join(map(figures.figure, validation.by_seed))
        printing.out(f"training seeds: {scores}; standard deviation {validation.spread:.4f}")
    of_dataset = f" -d {dataset}" if dataset else ""
    if validation.members:
        printing.out(f"kept predictions of its members: {', '.join(validation.members)}")
    if validation.file:
        printing.out(f"out-of-fold predictions: {printing.near(validation.file)}")
    printing.out(f"{validation.seconds:.1f} s; podium cv {comp}{of_dataset} lists all")


def predict(
    comp: Comp,
    model: ModelName,
    rows: Annotated[
        Path,
        typer.Option(
            "--input", metavar="FILE", help="Rows to predict: .csv, .parquet, .h5ad, .fasta, ..."
        ),
    ],
    tables: Annotated[
        list[str] | None,
        typer.Option(
            "--table", metavar="NAME=FILE", help="More rows of a table beside the rows; repeatable."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write there: .csv, .parquet, .h5 or .h5ad."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
    dataset: DatasetName = None,
    settings: Set = None,
    seed: Seed = 0,
    limit_time: LimitTime = None,
    limit_memory: LimitMemory = None,
    see: See = None,
    as_json: Json = False,
) -> None:
    """Train a model once (or load it) and predict rows of your own."""
    from podium.competition.model_file import parse_settings

    with live.progress() as progress:
        predicted = api.predict(
            comp,
            model,
            rows,
            dataset=dataset,
            params=parse_settings(settings or []),
            tables=_files(tables or []),
            seed=seed,
            output=output,
            force=force,
            limit_time=limit_time,
            limit_memory=limit_memory,
            see=see,
            progress=progress,
        )
    submissions.left_open(predicted.left_open)
    if as_json:
        known = {"file": predicted.file and str(predicted.file), "rows": len(predicted.table)}
        predictions = [] if predicted.file else predicted.table.to_dict("records")
        how = {"loaded": predicted.loaded, "seconds": round(predicted.seconds, 3)}
        printing.document({**known, **how, "predictions": predictions})
    else:
        submissions.predicted(predicted)


def _files(named: list[str]) -> dict[str, str]:
    """Tables of `--table NAME=FILE`."""
    files: dict[str, str] = {}
    for text in named:
        name, _, file = text.partition("=")
        if not name or not file or name in files:
            raise PodiumError(
                f"{text!r} names no table, or one again.",
                hint="Write it as name=file, each name once: --table lines=mine.csv",
            )
        files[name] = file
    return files
