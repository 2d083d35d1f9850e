"""Submissions: check, submit, score-all, rescore, plot, withdraw, remark, pick, blend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from podium import api
from podium.cli import answers, completing
from podium.cli.display import live, printing
from podium.cli.options import (
    Comp,
    DatasetName,
    File,
    Json,
    LimitMemory,
    LimitTime,
    Message,
    Name,
    See,
    Submission,
    Submissions,
    Team,
    Yes,
)
from podium.competition.folders import name_of

if TYPE_CHECKING:
    from podium.leaderboard.record import Record


def _said(record: Record, *names: str) -> dict[str, Any]:
    """Fields of a record, and of whose board it is."""
    board = {"competition": name_of(record.competition), "dataset": record.dataset}
    return {name: getattr(record, name) for name in names} | board


def check(comp: Comp, file: File, dataset: DatasetName = None, as_json: Json = False) -> None:
    """Check a predictions file without scoring it."""
    checked = api.check(comp, file, dataset=dataset)
    if as_json:
        rows, notes = checked.rows, list(checked.notes)
        printing.document({"file": str(file), "rows": rows, "ok": True, "notes": notes})
        return
    printing.out(f"{file} can be scored: {checked.rows:,} rows.")
    for note in checked.notes:
        printing.out(f"note: {note}")


def submit(
    comp: Comp,
    file: File,
    dataset: DatasetName = None,
    team: Team = None,
    name: Name = None,
    message: Message = "",
    as_json: Json = False,
) -> None:
    """Hand in a predictions file: check, score, rank."""
    outcome = api.submit(comp, file, dataset=dataset, team=team, name=name, message=message)
    answers.outcome(comp, dataset, outcome, as_json)


def score_all(
    comp: Annotated[str | None, typer.Argument(metavar="COMP", help="Default: all.")] = None,
    models: Annotated[
        bool, typer.Option("--models", help="Run the model files (.py) there, too, walled in.")
    ] = False,
    limit_time: LimitTime = None,
    limit_memory: LimitMemory = None,
    see: See = None,
    as_json: Json = False,
) -> None:
    """Score every file under submissions/ that was not scored yet."""
    with live.progress() as progress:
        handled = api.score_all(
            comp,
            models=models,
            limit_time=limit_time,
            limit_memory=limit_memory,
            see=see,
            progress=progress,
        )
    answers.handled(handled, as_json)


def rescore(comp: Comp, dataset: DatasetName = None, as_json: Json = False) -> None:
    """Score the files of outdated records again, by the present data, split and metric."""
    with live.progress() as progress:
        handled = api.rescore(comp, dataset, progress=progress)
    answers.handled(handled, as_json)


def plot(
    comp: Comp,
    submissions: Annotated[
        list[str],
        typer.Argument(
            metavar="A...",
            help="IDs, names, TEAM/NAME, or teams for their best.",
            autocompletion=completing.submissions,
        ),
    ],
    dataset: DatasetName = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where to write the pictures.")
    ] = Path("plots"),
    as_json: Json = False,
) -> None:
    """Draw submissions; the truth stands beside them once the board is revealed."""
    files = api.plot(comp, *submissions, dataset=dataset, out=out)
    if as_json:
        printing.document({"files": [str(file) for file in files]})
        return
    for file in files:
        printing.out(str(file))


def withdraw(
    submission: Submission, team: Team = None, yes: Yes = False, as_json: Json = False
) -> None:
    """Take a submission of your team out of the ranking, for good; on a terminal it asks first."""
    record, new = api.withdraw(submission, team=team, confirm=answers.confirmation(yes))
    if as_json:
        printing.document({**_said(record, "submission", "team", "name"), "new": new})
        return
    state = "is withdrawn" if new else "was withdrawn already"
    where = f"{name_of(record.competition)}/{record.dataset}"
    printing.out(f"{record.submission} ({record.name}, team {record.team}) on {where} {state}.")


def remark(
    submission: Submission,
    message: Annotated[str, typer.Argument(metavar="TEXT", help="The new remark.")],
    team: Team = None,
    as_json: Json = False,
) -> None:
    """Change the remark on a submission of your team."""
    record = api.remark(submission, message, team=team)
    if as_json:
        printing.document(_said(record, "submission", "team", "name", "message"))
    else:
        printing.out(f"{record.submission} ({record.name}, team {record.team}): {record.message}")


def pick(
    comp: Comp,
    submissions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID...",
            help="At most two: IDs, how they begin, or names.",
            autocompletion=completing.submissions,
        ),
    ] = None,
    dataset: DatasetName = None,
    team: Team = None,
    none: Annotated[bool, typer.Option("--none", help="Take back what was picked.")] = False,
    as_json: Json = False,
) -> None:
    """Pick what your team is ranked by on the private part; without IDs, show what is picked."""
    competition, chosen = api.load(comp, dataset)
    rows = api.pick(comp, *(submissions or []), dataset=dataset, team=team, none=none)
    if as_json:
        names = {"competition": competition.name, "dataset": chosen.name}
        printing.document({**names, "picks": [row.submission for row in rows]})
        return
    for row in rows:
        printing.out(f"picked: {row.submission} ({row.name}, team {row.team})")
    if not rows:
        printing.out("Nothing is picked: the best public submission counts.")


def blend(
    comp: Comp,
    submissions: Submissions,
    dataset: DatasetName = None,
    equal: Annotated[bool, typer.Option("--equal", help="Equal weights in any case.")] = False,
    cv: Annotated[
        bool, typer.Option("--cv", help="Make out-of-fold predictions that are missing.")
    ] = False,
    team: Team = None,
    name: Name = None,
    message: Message = "",
    no_submit: Annotated[
        bool, typer.Option("--no-submit", help="Only write the predictions.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Blend submissions, by weights from out-of-fold predictions, and hand the blend in."""
    with live.progress() as progress:
        blended = api.blend(
            comp,
            *submissions,
            dataset=dataset,
            equal=equal,
            cv=cv,
            team=team,
            name=name,
            message=message,
            submit=not no_submit,
            progress=progress,
        )
    answers.blended(comp, dataset, blended, as_json)
