"""Boards: board, compare, report, reveal, export, import."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from podium import api, figures
from podium.cli.display import boards, comparisons, live, printing, submissions
from podium.cli.options import Comp, DatasetName, Format, Json, Part

TABLE_ROWS = 200
"""Rows of a board that a table shows unless told otherwise."""


def board(
    comp: Comp,
    dataset: DatasetName = None,
    part: Annotated[Part, typer.Option("--part", help="Others than public after reveal.")] = (
        Part.PUBLIC
    ),
    team: Annotated[str | None, typer.Option("--team", metavar="T", help="Only this team.")] = None,
    best_per_team: Annotated[
        bool,
        typer.Option(
            "--best-per-team",
            help="A row a team: its best public one or, after reveal, the better of its picks.",
        ),
    ] = False,
    best_of_all: Annotated[
        bool, typer.Option("--best-of-all", help="A row a team: the best of all its tries.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Handed in since: 2026-01-31, 12h, 7d, 2w."),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", metavar="COLUMN", help="A score, stratum, created, team, name."),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option("--top", metavar="N", min=0, help="So many rows; 0: all. A table: 200."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    as_json: Json = False,
) -> None:
    """Show the leaderboard."""
    competition, chosen = api.load(comp, dataset)
    top = _rows(top, whole=as_json or form != Format.TABLE)
    view = {
        "team": team,
        "best_per_team": best_per_team,
        "best_of_all": best_of_all,
        "since": since,
        "sort": sort,
        "top": top,
    }
    with _without_collector():
        found = api.standings(comp, dataset, part=part.value, **view)
        if found.rows or as_json or form != Format.TABLE:
            how = "json" if as_json else form.value
            boards.board(competition, chosen.name, found, part.value, how)
            return
    printing.out(f"Nothing was submitted to {comp}/{chosen.name} yet.")
    printing.say(f"Begin with: podium run {comp} {competition.controls[0].model}")


def compare(
    comp: Comp,
    submissions: Annotated[
        list[str],
        typer.Argument(metavar="A B...", help="IDs, names, TEAM/NAME, or teams for their best."),
    ],
    dataset: DatasetName = None,
    as_json: Json = False,
) -> None:
    """Compare submissions with the first: how much better, where, made how."""
    found = api.compare(comp, *submissions, dataset=dataset)
    if as_json:
        printing.document(asdict(found))
    else:
        comparisons.compared(api.load(comp, dataset)[0], found)


def report(
    comp: Annotated[str | None, typer.Argument(metavar="COMP", help="Default: all.")] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where to write the pages.")
    ] = Path("report"),
    as_json: Json = False,
) -> None:
    """Write the boards as a static site: an index, and a page for each."""
    with _without_collector(), live.progress() as progress:
        found = api.report(comp, out=out, progress=progress)
    if as_json:
        pages = [str(page) for page in found.pages]
        missing = list(found.missing)
        printing.document({"index": str(found.index), "pages": pages, "missing": missing})
        return
    for file in [found.index, *found.pages]:
        printing.out(str(file))
    for line in found.missing:
        printing.say(f"no page: {line}")


def reveal(comp: Comp, dataset: DatasetName = None, as_json: Json = False) -> None:
    """Open the private scores for good."""
    competition, chosen = api.load(comp, dataset)
    new = api.reveal(comp, dataset)
    if as_json:
        names = {"competition": competition.name, "dataset": chosen.name}
        printing.document({**names, "revealed": True, "new": new})
        return
    state = "are open now" if new else "were open already"
    printing.out(f"The private scores of {comp}/{chosen.name} {state}.")
    printing.say(f"See them: podium board {comp} --dataset {chosen.name} --part all")


def export(
    comps: Annotated[list[str] | None, typer.Argument(metavar="COMP", help="Default: all.")] = None,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, .jsonl.")],
    as_json: Json = False,
) -> None:
    """Write the board's records as JSON lines that merge in git."""
    found = api.export_records(file, *(comps or []))
    if as_json:
        printing.document({**asdict(found), "file": str(found.file)})
        return
    counts = (
        (found.records, "record"),
        (found.withdrawals, "withdrawal"),
        (found.reveals, "reveal"),
        (found.picks, "pick"),
    )
    printing.out(f"{found.file}: {figures.counted(counts)}")


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What podium export wrote.")],
    as_json: Json = False,
) -> None:
    """Add the records of another board; what can be computed again is verified."""
    with live.progress() as progress:
        found = api.import_records(file, progress=progress)
    if as_json:
        printing.document(asdict(found))
    else:
        submissions.imported(found)


def _rows(top: int | None, *, whole: bool) -> int | None:
    """How many rows of a board to show: what a program reads is whole unless it asks for less."""
    return (None if whole else TABLE_ROWS) if top is None else top or None


@contextmanager
def _without_collector() -> Iterator[None]:
    """Rows by the ten thousand live to the end: looking for dead ones is a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
