"""What commands that hand in print, for people or as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer

from podium import api
from podium.cli.display import comparisons, printing, submissions


def outcome(comp: str, dataset: str | None, found: Any, as_json: bool) -> None:
    """Print what handing in gave."""
    if as_json:
        printing.document({**asdict(found.row), "seconds": round(found.seconds, 3)})
    else:
        submissions.outcome(*api.load(comp, dataset), found)


def kept(found: Any, as_json: bool) -> None:
    """Print where predictions lie that were not handed in."""
    files = {"file": str(found.file), "open_file": found.open_file and str(found.open_file)}
    if as_json:
        printing.document({**files, "seconds": round(found.seconds, 3)})
        return
    for file in filter(None, files.values()):
        printing.out(file)
    printing.out(f"{found.seconds:.1f} s")


def blended(comp: str, dataset: str | None, found: Any, as_json: bool) -> None:
    """Print how a blend was made, and what became of it."""
    from podium.leaderboard.entry import Kept

    aside = isinstance(found.outcome, Kept)
    if as_json:
        handed_in = {"file": str(found.outcome.file)} if aside else asdict(found.outcome.row)
        seconds = round(found.outcome.seconds, 3)
        printing.document({**handed_in, "seconds": seconds, "blend": found.blend.as_json})
        return
    competition, chosen = api.load(comp, dataset)
    comparisons.blended(competition, found.blend)
    if aside:
        kept(found.outcome, as_json)
    else:
        submissions.outcome(competition, chosen, found.outcome)


def handled(found: Any, as_json: bool) -> None:
    """Print what became of files.

    Raises:
        typer.Exit: If any was refused, with status 1.
    """
    if as_json:
        printing.document([asdict(handled) for handled in found])
    else:
        submissions.handled(found)
    if any(handled.problem for handled in found):
        raise typer.Exit(1)
