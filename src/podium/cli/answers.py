"""What commands that hand in print, for people or as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer

from podium import api
from podium.cli.display import comparisons, printing, submissions


def outcome(comp: str, dataset: str | None, done: Any, as_json: bool) -> None:
    """Print what handing in gave."""
    if as_json:
        printing.document({**asdict(done.row), "seconds": round(done.seconds, 3)})
    else:
        submissions.outcome(*api.load(comp, dataset), done)


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
    competition, chosen = api.load(comp, dataset)
    comparisons.blended(competition, done.blend)
    if aside:
        kept(done.outcome, as_json)
    else:
        submissions.outcome(competition, chosen, done.outcome)


def handled(files: Any, as_json: bool) -> None:
    """Print what became of files.

    Raises:
        typer.Exit: If any was refused, with status 1.
    """
    if as_json:
        printing.document([asdict(handled) for handled in files])
    else:
        submissions.handled(files)
    if any(handled.problem for handled in files):
        raise typer.Exit(1)
