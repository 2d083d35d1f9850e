"""Arguments and options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from podium.cli import completing


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


Comp = Annotated[
    str,
    typer.Argument(
        metavar="COMP",
        help="A competition: see `podium list`.",
        autocompletion=completing.competitions,
    ),
]
Submissions = Annotated[
    list[str],
    typer.Argument(
        metavar="A B...",
        help="IDs, names, TEAM/NAME, or teams for their best.",
        autocompletion=completing.submissions,
    ),
]
ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A shipped model, or the path of a model file (.py).",
        autocompletion=completing.models,
    ),
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="Predictions: .csv, .parquet or .h5.")]
CsvFile = Annotated[
    Path | None, typer.Option("--table", metavar="FILE", help="A CSV file with the answers.")
]
DatasetName = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        "-d",
        metavar="D",
        help="Default: the simulated one.",
        autocompletion=completing.datasets,
    ),
]
Team = Annotated[
    str | None,
    typer.Option("--team", metavar="T", help="Default: PODIUM_TEAM, podium.toml, the login name."),
]
Name = Annotated[str | None, typer.Option("--name", metavar="N", help="What the board shows.")]
Message = Annotated[str, typer.Option("--message", "-m", metavar="TEXT", help="A remark.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="K=V",
        help="Change a parameter; repeatable. See `podium models`.",
        autocompletion=completing.settings,
    ),
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
See = Annotated[
    list[Path] | None,
    typer.Option("--see", metavar="DIR", help="Show the model a folder of yours; repeatable."),
]
Submission = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="Its ID, how that begins, its name, or TEAM/NAME.",
        autocompletion=completing.submissions,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; wanted where there is no terminal.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", metavar="J", min=1, help="Trainings side by side; default: 1."),
]
Dask = Annotated[
    str | None,
    typer.Option(
        "--dask", metavar="ADDRESS", help="A Dask scheduler, whose workers do the trainings."
    ),
]
