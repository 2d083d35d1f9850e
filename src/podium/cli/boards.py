"""Boards: board, compare, mine, report, reveal, export, import."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from podium import api, figures
from podium.cli import answers
from podium.cli.display import boards, comparisons, live, printing, submissions
from podium.cli.options import Comp, DatasetName, Format, Json, Part, Submissions, Team, Yes
from podium.errors import PodiumError

TABLE_ROWS = 200
"""Rows of a board that a table shows unless told otherwise."""


def board(
    comp: Comp,
    dataset: DatasetName = None,
    part: Annotated[
        Part | None,
        typer.Option(
            "--part", metavar="PART", help="public, private, all; default: private once open."
        ),
    ] = None,
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
    form: Annotated[
        Format, typer.Option("--format", metavar="FORM", help="table, json, csv or markdown.")
    ] = Format.TABLE,
    copies: Annotated[
        bool,
        typer.Option("--copies", help="Predictions that equal, or nearly, those of another team."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the leaderboard."""
    from podium.leaderboard.contest import nothing_submitted

    competition, chosen = api.load(comp, dataset)
    how = "json" if as_json else form.value
    if copies:
        chosen_rows = any(value is not None for value in (part, team, since, sort, top))
        if chosen_rows or best_per_team or best_of_all:
            raise PodiumError(
                "--copies compares whole submissions: no other choice of rows goes with it.",
                hint=f"Alone: podium board {comp} --dataset {chosen.name} --copies",
            )
        boards.copies(api.copies(comp, dataset), how)
        return
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
        standings = api.standings(comp, dataset, part=part and part.value, **view)
        if standings.rows or as_json or form != Format.TABLE:
            boards.board(competition, chosen.name, standings, how)
            return
    nothing = nothing_submitted(competition, chosen)
    printing.out(nothing.message)
    for line in (*nothing.problems, nothing.hint):
        printing.say(line)


def compare(
    comp: Comp,
    submissions: Submissions,
    dataset: DatasetName = None,
    as_json: Json = False,
) -> None:
    """Compare submissions with the first: how much better, where, made how."""
    comparison = api.compare(comp, *submissions, dataset=dataset)
    if as_json:
        printing.document(asdict(comparison))
    else:
        comparisons.compared(api.load(comp, dataset)[0], comparison)


def mine(team: Team = None, as_json: Json = False) -> None:
    """Show what your team has on all boards: its best, the rank of that, the last."""
    boards_of_team = api.mine(team)
    if as_json:
        printing.document([asdict(one) for one in boards_of_team])
    else:
        boards.mine(boards_of_team)


def report(
    comp: Annotated[str | None, typer.Argument(metavar="COMP", help="Default: all.")] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where to write the pages.")
    ] = Path("report"),
    as_json: Json = False,
) -> None:
    """Write the boards as a static site: an index, and a page for each."""
    with _without_collector(), live.progress(silent=as_json) as progress:
        written = api.report(comp, out=out, progress=progress)
    if as_json:
        pages = [str(page) for page in written.pages]
        missing = list(written.missing)
        printing.document({"index": str(written.index), "pages": pages, "missing": missing})
        return
    for file in [written.index, *written.pages]:
        printing.out(str(file))
    for line in written.missing:
        printing.say(f"no page: {line}")


def reveal(
    comp: Comp, dataset: DatasetName = None, yes: Yes = False, as_json: Json = False
) -> None:
    """Open the private scores for good; on a terminal it asks first."""
    competition, chosen = api.load(comp, dataset)
    new = api.reveal(comp, dataset, confirm=answers.confirmation(yes))
    if as_json:
        names = {"competition": competition.name, "dataset": chosen.name}
        printing.document({**names, "revealed": True, "new": new})
        return
    state = "are open now" if new else "were open already"
    printing.out(f"The private scores of {comp}/{chosen.name} {state}.")
    printing.say(f"See them: podium board {comp} --dataset {chosen.name}")


def export(
    comps: Annotated[list[str] | None, typer.Argument(metavar="COMP", help="Default: all.")] = None,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, .jsonl.")],
    as_json: Json = False,
) -> None:
    """Write the board's records as JSON lines that merge in git."""
    exported = api.export_records(file, *(comps or []))
    if as_json:
        printing.document({**asdict(exported), "file": str(exported.file)})
        return
    counts = (
        (exported.records, "record"),
        (exported.withdrawals, "withdrawal"),
        (exported.reveals, "reveal"),
        (exported.picks, "pick"),
    )
    printing.out(f"{exported.file}: {figures.counted(counts)}")


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What podium export wrote.")],
    as_json: Json = False,
) -> None:
    """Add the records of another board; what can be computed again is verified."""
    with live.progress() as progress:
        imported = api.import_records(file, progress=progress)
    if as_json:
        printing.document(asdict(imported))
    else:
        submissions.imported(imported)


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
