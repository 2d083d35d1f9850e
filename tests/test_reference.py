"""leaderboard/README.md says what the exports beside it say."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "leaderboard"
EXPORTS = sorted(FOLDER.glob("*.jsonl"))


@pytest.fixture
def reference(monkeypatch, tmp_path):
    """The script as a module, without prepared data."""
    spec = importlib.util.spec_from_file_location("reference", FOLDER / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("PODIUM_DATA", str(tmp_path / "no data"))
    return module


def test_the_page_is_what_the_exports_say(reference):
    pages = reference.pages()
    assert FOLDER / "README.md" in pages
    for file, text in pages.items():
        assert file.read_text(encoding="utf-8") == text, file


def test_a_model_that_changed_since_is_marked(reference, monkeypatch):
    monkeypatch.setattr(reference, "file_sha256", lambda _: "another")
    assert reference.OLDER in reference.pages()[FOLDER / "README.md"]


@pytest.mark.parametrize("export", EXPORTS, ids=lambda path: path.stem)
def test_exports_tell_nothing_of_the_machine(export):
    text = export.read_text(encoding="utf-8")
    for line in map(json.loads, text.splitlines()):
        assert line["type"] in ("record", "reveal")
        assert not str(line.get("file") or "").startswith("/")
    assert "/home/" not in text
    assert "/tmp/" not in text


def test_there_is_an_export(podium_cli):
    assert EXPORTS
    assert podium_cli("import", EXPORTS[0]).status == 0


def test_the_script_explains_itself():
    done = subprocess.run(
        [sys.executable, FOLDER / "reference.py", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "--readme" in done.stdout
