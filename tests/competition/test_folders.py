"""Folders of competitions: a module is what its file says now."""

import os
import shutil
import sys
from pathlib import Path

import pytest

import podium.competitions
from podium.competition import folders
from podium.competition.importing import import_part
from podium.errors import PodiumError

TOY = Path(__file__).parents[1] / "toy"


@pytest.mark.parametrize("module", ["metric", "models.beside"])
def test_an_edit_within_the_second_counts(tmp_path, monkeypatch, module):
    """As long a text, in the same second: Python's own bytecode would be taken for its."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(podium.competitions, "__path__", [*podium.competitions.__path__])
    folder = tmp_path / "edited"
    shutil.copytree(TOY, folder, ignore=shutil.ignore_patterns("__pycache__"))
    facts = folder / "competition.py"
    facts.write_text(facts.read_text().replace('"toy"', '"edited"'))
    name = folders.at(folder)
    file = folder / f"{module.replace('.', '/')}.py"
    for number in (1, 2, 3):
        file.write_text(f"WHICH = {number}\n")
        os.utime(file, ns=(10**18, 10**18 + number))
        folders.forget(name)
        assert vars(import_part(name, module))["WHICH"] == number
    folders.forget(name)


@pytest.mark.parametrize("optional", ['({"x0": 0.0},)', '["x0"]', "{1: 0.0}"])
def test_what_stands_for_optional_features_is_given_by_name(workspace, monkeypatch, optional):
    monkeypatch.setattr(podium.competitions, "__path__", [*podium.competitions.__path__])
    folder = workspace / "competitions" / "filled"
    shutil.copytree(TOY, folder, ignore=shutil.ignore_patterns("__pycache__"))
    facts = folder / "competition.py"
    text = facts.read_text().replace('"toy"', '"filled"')
    facts.write_text(text.replace("    controls=", f"    optional={optional},\n    controls="))
    name = folders.at(folder)
    with pytest.raises(PodiumError) as error:
        folders.load(name)
    assert error.value.problems == ("optional must be a dict: what stands in each row, by feature",)
    folders.forget(name)
