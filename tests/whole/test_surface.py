"""A command and its call have the same names and defaults."""

import inspect
from dataclasses import fields

import pytest
import typer

from podium import api, cli
from podium.tuning.tuning import Settings

COMMANDS = typer.main.get_command(cli.command_line()).commands
CALLS = {
    "cv": "cross_validate",
    "data": "prepare",
    "export": "export_records",
    "import": "import_records",
    "list": "list_competitions",
    "score-all": "score_all",
}
"""Calls that Python has other words for."""
ARGUMENTS = {"comp": "competition", "comps": "competitions", "settings": "params"}
"""A letter is saved where one types."""
PRINTED = {"as_json", "form"}
"""How a command prints."""
OF_COMMANDS = {
    "no_submit": "submit",
    "annotated": "annotate",
    "yes": "confirm",
    "copies": "podium.copies",
}
"""Said otherwise on the command line, or another call."""
OF_CALLS = {"progress", "watch", "submit", "confirm"}
"""What a command has for itself."""


def call_of(name):
    return getattr(api, CALLS.get(name, name))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_names_and_defaults_are_those_of_the_call(name):
    known = {n: p.default for n, p in inspect.signature(call_of(name)).parameters.items()}
    if name == "tune":
        known.pop("settings")
        known |= {field.name: field.default for field in fields(Settings)}
    if name == "board":
        known.pop("view", None)
    mine = {}
    for parameter in COMMANDS[name].params:
        if parameter.name not in {"help", *PRINTED, *OF_COMMANDS}:
            plain = "options" if (name, parameter.name) == ("data", "settings") else None
            mine[plain or ARGUMENTS.get(parameter.name, parameter.name)] = parameter
    assert set(mine) == set(known) - OF_CALLS
    for own, parameter in mine.items():
        if not parameter.required and known[own] is not inspect.Parameter.empty:
            assert str(parameter.default) == str(known[own]), own
