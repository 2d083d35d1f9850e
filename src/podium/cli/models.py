"""Models: run, cv, predict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from podium import api, figures
from podium.cli import answers
from podium.cli.display import live, printing, submissions
from podium.cli.options import (
    Comp,
    DatasetName,
    Json,
    LimitMemory,
    LimitTime,
    Message,
    ModelName,
    Name,
    Seed,
    Set,
    Storage,
    Study,
    Team,
)


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
    from podium.competition.model_file import parse_settings
    from podium.leaderboard.entry import Kept

    with live.progress() as progress:
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
    submissions.left_open(found.left_open)
    if isinstance(found, Kept):
        answers.kept(found, as_json)
    else:
        answers.outcome(comp, dataset, found, as_json)


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
    from podium.competition.model_file import parse_settings
    from podium.leaderboard.entry import card_json

    with live.progress() as progress:
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
    submissions.left_open(found.left_open)
    if as_json:
        known = {"by_seed": found.by_seed, "spread": found.spread, "seconds": found.seconds}
        printing.document({**card_json(found.card), **known})
        return
    competition, _ = api.load(comp, dataset)
    submissions.card(competition, found.card)
    if found.spread is not None:
        scores = ", ".join(map(figures.figure, found.by_seed))
        printing.out(f"training seeds: {scores}; standard deviation {found.spread:.4f}")
    printing.out(f"{found.seconds:.1f} s")


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
    limit_time: LimitTime = None,
    limit_memory: LimitMemory = None,
    as_json: Json = False,
) -> None:
    """Train a model once (or load it) and predict rows of your own."""
    from podium.competition.model_file import parse_settings

    with live.progress() as progress:
        found = api.predict(
            comp,
            model,
            rows,
            dataset=dataset,
            params=parse_settings(settings or []),
            seed=seed,
            output=output,
            force=force,
            limit_time=limit_time,
            limit_memory=limit_memory,
            progress=progress,
        )
    submissions.left_open(found.left_open)
    if as_json:
        known = {"file": found.file and str(found.file), "rows": len(found.table)}
        predictions = [] if found.file else found.table.to_dict("records")
        how = {"loaded": found.loaded, "seconds": round(found.seconds, 3)}
        printing.document({**known, **how, "predictions": predictions})
    else:
        submissions.predicted(found)
