"""The command line: each command is one call of `podium.api`, and its display."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from podium.cli.faults import Exits
from podium.cli.helping import Command, Group

COMMANDS = {  # in the order in which help lists them
    "list": "competitions.list_",
    "show": "competitions.show",
    "data": "competitions.data",
    "models": "models.models",
    "run": "models.run",
    "cv": "models.cv",
    "tune": "tuning.tune",
    "studies": "tuning.studies",
    "predict": "models.predict",
    "check": "submissions.check",
    "submit": "submissions.submit",
    "score-all": "submissions.score_all",
    "rescore": "submissions.rescore",
    "plot": "submissions.plot",
    "withdraw": "submissions.withdraw",
    "remark": "submissions.remark",
    "pick": "submissions.pick",
    "export": "boards.export",
    "import": "boards.import_",
    "board": "boards.board",
    "mine": "boards.mine",
    "compare": "boards.compare",
    "report": "boards.report",
    "blend": "submissions.blend",
    "reveal": "boards.reveal",
    "new": "competitions.new",
    "verify": "competitions.verify",
    "freeze": "competitions.freeze",
    "rename": "competitions.rename",
}
"""Where each command is: a module of this package, and its function."""
TRAIN = {"run", "cv", "tune", "predict"}
"""Commands that run models."""


def command_line(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line with these commands; only their modules are imported."""
    app = typer.Typer(
        cls=Group,
        help="Kaggle-style competitions for machine learning in biology.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    # a callback, so that a name is a command's even where there is only one
    app.callback(invoke_without_command=True)(_podium)
    for name in names:
        module, _, function = COMMANDS[name].partition(".")
        app.command(name, cls=Command)(getattr(import_module(f"{__name__}.{module}"), function))
    return app


def main() -> None:
    """Run the command line; exit status 0 fine, 1 refused input, 2 usage, 3 our fault."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed: nobody reads what is printed
            nobody = Path(os.devnull).open("w", encoding="utf-8", newline="\n")  # noqa: SIM115
            setattr(sys, name, nobody)
        getattr(sys, name).reconfigure(errors="backslashreplace")  # letters that it does not know
    os.environ["MPLBACKEND"] = "Agg"  # files are drawn, whatever a notebook around this says
    named = sys.argv[1:2]
    try:
        with Exits():
            others = ("--jobs", "--dask", "--help", "-h")
            elsewhere = len(sys.argv) < 4 or any(word.startswith(others) for word in sys.argv)
            if set(named) & TRAIN and not elsewhere:
                from podium.execution import starting

                starting.prepare()  # models' processes, while this one imports what it needs
            command_line(named if set(named) & set(COMMANDS) else COMMANDS)(prog_name="podium")
    finally:
        gc.freeze()  # what ends with the process need not be looked through once more


def _podium(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --version: of system and packages, too.")
    ] = False,
) -> None:
    if version:
        import podium
        from podium.cli.display import printing

        if as_json:
            from podium.machine import installed

            printing.document(installed())
        else:
            printing.out(f"podium {podium.__version__}")
        raise typer.Exit
    if as_json:
        raise typer.BadParameter("--json comes after the command, or with --version.")
    if context.invoked_subcommand is None:
        raise typer.BadParameter("Name a command: see podium --help.")
