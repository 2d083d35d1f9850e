"""docs/notebook.ipynb is what docs/notebook_source.py says, and runs."""

import importlib.util
import json
import re
from pathlib import Path

import nbformat
import pytest

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOK = DOCS / "notebook.ipynb"
PRIVATE = re.compile(r"/(home|root|tmp|work|Users)/|\d{4}-\d\d-\d\dT|\d seconds")


@pytest.fixture(scope="module")
def execute():
    """The program that writes the notebook."""
    spec = importlib.util.spec_from_file_location("execute", DOCS / "execute.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_notebook_is_what_its_source_says(execute):
    committed = nbformat.read(NOTEBOOK, as_version=4)
    kept = [(cell.id, cell.cell_type, cell.source) for cell in committed.cells]
    wanted = [(cell.id, cell.cell_type, cell.source) for cell in execute.cells().cells]
    assert kept == wanted, "run: make notebook"
    assert committed.metadata == execute.cells().metadata


def test_the_notebook_is_small_and_names_no_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 300_000
    for cell in json.loads(text)["cells"]:
        assert not cell["metadata"]
        for output in cell.get("outputs", ()):
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr"
            shown = {k: v for k, v in output.get("data", {}).items() if k != "image/png"}
            assert not PRIVATE.search(json.dumps(shown)), shown


@pytest.mark.slow
def test_the_notebook_runs(execute, workspace, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # a command that a test called here has set it
    made = execute.executed(workspace)
    assert all(cell.execution_count for cell in made.cells if cell.cell_type == "code")
    pictures = [
        o for c in made.cells for o in c.get("outputs", ()) if "image/png" in o.get("data", {})
    ]
    assert len(pictures) == 2
