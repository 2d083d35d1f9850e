"""The search of a model's parameters: tune."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from podium import api
from podium.cli.options import Comp, DatasetName, Json, ModelName, Seed, Set, Storage, Study
from podium.display import live, printing, tuning


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
        with live.searching(trials, timeout) as watch:
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
        printing.say("What is done is kept: the same command again goes on.")
        raise
    competition, _ = api.load(comp, dataset)
    if as_json:
        printing.document(tuning.tuned_json(competition, found))
    else:
        tuning.tuned(competition, model, found)
