"""The command line: each command is one call of `podium.api`, and its display."""

from __future__ import annotations

from collections.abc import Callable

import typer

from podium.cli import boards, competitions, models, submissions, tuning
from podium.cli.faults import Exits

app = typer.Typer(
    help="Kaggle-style competitions for machine learning in biology.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS: dict[str, Callable[..., None]] = {  # in the order in which help lists them
    "list": competitions.list_,
    "show": competitions.show,
    "data": competitions.data,
    "run": models.run,
    "cv": models.cv,
    "tune": tuning.tune,
    "predict": models.predict,
    "check": submissions.check,
    "submit": submissions.submit,
    "score-all": submissions.score_all,
    "rescore": submissions.rescore,
    "plot": submissions.plot,
    "withdraw": submissions.withdraw,
    "export": boards.export,
    "import": boards.import_,
    "board": boards.board,
    "compare": boards.compare,
    "report": boards.report,
    "blend": submissions.blend,
    "reveal": boards.reveal,
    "new": competitions.new,
    "verify": competitions.verify,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)


def main() -> None:
    """Run the command line; exit status 0 fine, 1 refused input, 2 usage, 3 our fault."""
    with Exits():
        app(prog_name="podium")
