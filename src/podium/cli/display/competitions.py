"""Competitions: their facts, what verifying them gave, how a new one comes to be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from podium.cli.display.printing import near, out, say, table

if TYPE_CHECKING:
    from podium.creating.freezing import Frozen
    from podium.creating.kit import Kit
    from podium.creating.making import Created
    from podium.creating.options import NewOptions
    from podium.verifying.verify import Verdict


def facts(about: Mapping[str, Any]) -> None:
    """Print the facts of a competition."""
    out(f"{about['title']} ({about['name']}/{about['dataset']}): {about['summary']}")
    out(f"data: {about['data']}; read more: {about['readme']}")
    if about["daily_limit"]:
        out(f"a team may hand in {about['daily_limit']} submissions a day (UTC)")
    for title, rows in (
        ("submission column", about["columns"]),
        ("score", about["scores"]),
        ("stratum", about["strata"]),
        ("dataset", about["datasets"]),
        ("model", about["models"]),
    ):
        out()
        table([title, ""], [[name, text] for name, text in rows.items()])
    for source in about["sources"]:
        out(f"\nsource: {source['url']}\nlicence: {source['licence']}")
    for file in about["files"]:
        out(file)


def models(known: Sequence[Mapping[str, Any]]) -> None:
    """Print models: how many parameters each has, how long it trains, what it is."""
    rows = [
        [
            one["model"],
            str(len(one["parameters"])),
            "" if one["train_seconds"] is None else f"{one['train_seconds']:.1f}",
            one["summary"],
        ]
        for one in known
    ]
    table(["model", "parameters", "seconds", "what it is"], rows, right=[1, 2])


def parameters(model: Mapping[str, Any]) -> None:
    """Print a model and its parameters."""
    out(f"{model['model']}: {model['summary']}")
    if model["train_seconds"] is not None:
        out(f"trained in {model['train_seconds']:.1f} s when it last ran here")
    rows = [
        [one["name"], json.dumps(one["default"]), one["allowed"], one["search"], one["what"]]
        for one in model["parameters"]
    ]
    if rows:
        table(["parameter", "default", "allowed", "searched", "what it is"], rows)
    else:
        out("It declares no parameters.")


def verdicts(checks: Sequence[Verdict]) -> None:
    """Say what each check found, and below what to do."""

    def said(one: Verdict) -> str:
        return one.problem or one.skipped or (f"note: {one.note}" if one.note else "ok")

    rows = [[one.competition, one.dataset, one.check, said(one)] for one in checks]
    table(["competition", "dataset", "check", "verdict"], rows)
    for one in checks:
        if one.advice:
            out(f"{one.competition}/{one.dataset}, {one.check}: {one.advice}")
    failed = sum(bool(one.problem) for one in checks)
    say(f"{len(checks)} checks, {failed} failed.")


def asked(options: NewOptions, missing: Sequence[str]) -> NewOptions:
    """Ask on a terminal for what is missing."""
    import typer

    from podium.creating.spec import NEEDED

    if not missing:
        return options
    say("Press Ctrl-C to stop; nothing is written before all is known.")
    answers = {name: typer.prompt(NEEDED[name].partition(": ")[2], err=True) for name in missing}
    return replace(options, **answers)


def guessed(kit: Kit) -> None:
    """Show what the files of a folder are taken for."""
    say(f"{kit.folder} has:")
    for file, what in kit.rows:
        say(f"  {file}: {what}")


def chosen(options: NewOptions, kit: Kit) -> NewOptions:
    """Ask on a terminal which of several files is meant."""
    import typer

    answers: dict[str, Any] = {}
    for role, files in kit.open.items():
        if getattr(options, role) is None:
            names = [str(file.relative_to(kit.folder)) for file in files]
            fetched_code = role == "metric" and kit.fetched  # it is run: nothing for a mere Enter
            default = None if fetched_code else names[0]
            name = typer.prompt(f"--{role} FILE: {', '.join(names)}", default=default, err=True)
            file = kit.folder / name
            answers[role] = file if file.is_file() else name
    if kit.fetched and not (options.licence or kit.fetched.licence):
        answers["licence"] = typer.prompt("--licence TEXT: the licence of the data", err=True)
    return replace(options, **answers)


def created(made: Created) -> None:
    """Say what `podium new` made and what comes next."""
    parts = ", ".join(f"{name} {count:,}" for name, count in sorted(made.rows.items()))
    out(f"{made.name} is made: {near(made.folder)} ({parts} rows)")
    for note in made.notes:
        out(f"  {note}")
    if not made.found:
        root = made.folder.parents[1]
        out(f"Podium looks there once you name the workspace: export PODIUM_WORKSPACE={root}")
    out("Next:")
    for command in (f"verify {made.name}", f"run {made.name} {made.model}", f"board {made.name}"):
        out(f"  podium {command}")


def frozen(made: Frozen) -> None:
    """Say what has changed, what was written, and what it means for the boards."""
    out(f"{made.competition} is frozen, its metric in version {made.metric_version}.")
    for line in made.changes or ["nothing has changed"]:
        out(f"  {line}")
    if made.written:
        out(f"Written, to be committed: {', '.join(made.written)}")
    for dataset, count in made.outdated.items():
        are = "submission is" if count == 1 else "submissions are"
        out(f"{dataset}: {count:,} {are} outdated; score them again:")
        out(f"  podium rescore {made.competition} --dataset {dataset}")
