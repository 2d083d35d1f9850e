"""What commands that hand in print, for people or as JSON."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from podium.cli.display import comparisons, printing, submissions
from podium.competition import folders
from podium.errors import PodiumError, visible

if TYPE_CHECKING:
    from podium.leaderboard.details import Details


def outcome(comp: str, dataset: str | None, done: Any, as_json: bool) -> None:
    """Print what handing in gave."""
    if as_json:
        printing.document({**asdict(done.row), "seconds": round(done.seconds, 3)})
    else:
        competition = folders.load(comp)
        submissions.outcome(competition, competition.dataset(dataset), done)


def kept(done: Any, as_json: bool) -> None:
    """Print where predictions lie that were not handed in."""
    files = {"file": str(done.file), "open_file": done.open_file and str(done.open_file)}
    if as_json:
        printing.document({**files, "seconds": round(done.seconds, 3)})
        return
    for file in filter(None, files.values()):
        printing.out(file)
    printing.out(f"{done.seconds:.1f} s")


def blended(comp: str, dataset: str | None, done: Any, as_json: bool) -> None:
    """Print how a blend was made, and what became of it."""
    from podium.leaderboard.submit import Outcome

    aside = not isinstance(done.outcome, Outcome)
    if as_json:
        handed_in = {"file": str(done.outcome.file)} if aside else asdict(done.outcome.row)
        seconds = round(done.outcome.seconds, 3)
        printing.document({**handed_in, "seconds": seconds, "blend": done.blend.as_json})
        return
    competition = folders.load(comp)
    comparisons.blended(competition, done.blend)
    if aside:
        kept(done.outcome, as_json)
    else:
        submissions.outcome(competition, competition.dataset(dataset), done.outcome)


def details(comp: str, shown: Details, as_json: bool) -> None:
    """Print all that is told of a submission."""
    if as_json:
        printing.document(shown.as_json)
    else:
        submissions.details(folders.load(comp), shown)


def confirmation(yes: bool) -> Callable[[str], None] | None:
    """What asks before something that is for good; None where `--yes` says so already.

    It raises, on a terminal where the answer is no, and elsewhere always.
    """

    def ask(what: str) -> None:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise PodiumError(
                f"{what} This is for good, and here nobody can be asked: nothing was done.",
                hint=f"Say that you mean it: podium {shlex.join([*sys.argv[1:], '--yes'])}",
            )
        typer.confirm(f"{visible(what)} This is for good. Go on?", abort=True, err=True)

    return None if yes else ask


def handled(files: Any, as_json: bool) -> None:
    """Print what became of files.

    Raises:
        typer.Exit: If any was refused or ignored, with status 1.
    """
    if as_json:
        printing.document([asdict(handled) for handled in files])
    else:
        submissions.handled(files)
    if any(handled.problem or handled.status == "ignored" for handled in files):
        raise typer.Exit(1)
