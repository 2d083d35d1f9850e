"""The search of a model's parameters: tune."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from podium import api
from podium.cli import answers, completing
from podium.cli.display import live, printing, tuning
from podium.cli.options import (
    Comp,
    Dask,
    DatasetName,
    Jobs,
    Json,
    LimitMemory,
    LimitTime,
    ModelName,
    See,
    Seed,
    Set,
    Storage,
    Study,
    Yes,
)

Trials = Annotated[
    int | None, typer.Option("--trials", metavar="N", min=1, help="In all, resumed or not.")
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", min=0.01, help="End by then.")
]
Sampler = Annotated[
    str,
    typer.Option(
        "--sampler",
        metavar="S",
        help=f"{' '.join(completing.SAMPLERS)}.",
        autocompletion=completing.samplers,
    ),
]
Pruner = Annotated[str, typer.Option("--pruner", metavar="P", help="folds none.")]
WarmStart = Annotated[
    str | None,
    typer.Option("--warm-start", metavar="STUDY", help="Begin with the best of that search."),
]
Plots = Annotated[
    Path | None, typer.Option("--plot", metavar="DIR", help="Write pictures as HTML.")
]


def tune(
    comp: Comp,
    model: ModelName,
    dataset: DatasetName = None,
    trials: Trials = None,
    timeout: Timeout = None,
    jobs: Jobs = None,
    dask: Dask = None,
    sampler: Sampler = "tpe",
    pruner: Pruner = "folds",
    warm_start: WarmStart = None,
    study: Study = None,
    storage: Storage = None,
    settings: Set = None,
    seed: Seed = 0,
    limit_time: LimitTime = None,
    limit_memory: LimitMemory = None,
    see: See = None,
    plots: Plots = None,
    as_json: Json = False,
) -> None:
    """Search a model's parameters on the folds of the train part; again, to go on."""
    from podium.competition.model_file import parse_settings

    try:
        with live.searching(trials, timeout) as watch:
            tuned = api.tune(
                comp,
                model,
                dataset=dataset,
                params=parse_settings(settings or []),
                seed=seed,
                limit_time=limit_time,
                limit_memory=limit_memory,
                see=see,
                watch=watch,
                trials=trials,
                timeout=timeout,
                jobs=jobs,
                dask=dask,
                storage=storage,
                study=study,
                sampler=sampler,
                pruner=pruner,
                warm_start=warm_start,
                plots=plots,
            )
    except KeyboardInterrupt:
        printing.say("What is done is kept: the same command again goes on.")
        raise
    competition, _ = api.load(comp, dataset)
    if as_json:
        printing.document(tuning.tuned_json(competition, tuned))
    else:
        tuning.tuned(competition, model, tuned)


def studies(
    comp: Comp,
    study: Annotated[
        str | None, typer.Argument(metavar="STUDY", help="One to show; default: list all.")
    ] = None,
    dataset: DatasetName = None,
    storage: Storage = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write its trials there.")
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete it; it asks first.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """List the searches that were begun, or show the trials of one, write them or delete it."""
    known: Any = api.studies(
        comp,
        study,
        dataset=dataset,
        storage=storage,
        csv=csv,
        delete=delete,
        confirm=answers.confirmation(yes),
    )
    if as_json:
        printing.document([asdict(one) for one in known])
    elif study is None:
        tuning.studies(*api.load(comp, dataset), known)
    elif csv is None and not delete:
        tuning.trials(known)
    if csv is not None:
        printing.say(f"{len(known)} trials are in {csv}.")
    if delete:
        printing.say(f"The study {study} is deleted.")
