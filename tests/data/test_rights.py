"""Who may read what Podium writes, and whose programs it runs."""

import os
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_leaderboard import record

import podium
from podium import api
from podium.competition import version
from podium.data import dataset as data
from podium.errors import DataError
from podium.execution import provenance
from podium.leaderboard.board import open_board

pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights of files as POSIX has them")
UMASKS = [0o002, 0o022, 0o077]


@contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def rights(path):
    return stat.S_IMODE(path.stat().st_mode)


def of_a_group(folder):
    """Make a folder that gives what is made in it to a group which is not the user's own."""
    folder.mkdir(parents=True, exist_ok=True)
    others = [group for group in os.getgroups() if group != os.getgid()]
    group = 12345 if os.geteuid() == 0 else next(iter(others), os.getgid())
    os.chown(folder, -1, group)
    folder.chmod(0o2775)
    return group


@pytest.mark.parametrize("mask", UMASKS)
def test_the_group_may_write_the_board_as_far_as_the_umask_lets_it(mask, workspace):
    group = of_a_group(workspace / "leaderboard")
    with umask(mask):
        board = open_board(f"sqlite:///{workspace / 'leaderboard' / 'board.sqlite'}")
        with board.write():
            files = list((workspace / "leaderboard").iterdir())
            assert {file.name for file in files} == {
                "board.sqlite",
                "board.sqlite-wal",
                "board.sqlite-shm",
            }
            assert {rights(file) for file in files} == {0o660 & ~mask}
            assert {file.stat().st_gid for file in files} == {group}


def test_a_board_keeps_the_rights_that_it_has(workspace):
    file = workspace / "board.sqlite"
    open_board(f"sqlite:///{file}").add(record("a", 1.0))
    file.chmod(0o600)
    open_board(f"sqlite:///{file}").add(record("b", 1.0))
    assert rights(file) == 0o600


@pytest.mark.slow
@pytest.mark.parametrize("mask", [0o002, 0o022])
@pytest.mark.parametrize("shared", [False, True])
def test_answers_and_fitted_models_are_for_their_owner_or_a_group(mask, shared, own_cache):
    group = of_a_group(own_cache) if shared else os.getgid()
    with umask(mask):
        ready = data.load(*api.load("toy"))
        podium.predict("toy", "line", ready.table("public/test.parquet"))
        podium.run("toy", "line")  # keeps more beside the answers
    answers = list((ready.folder / "solution").iterdir())
    fitted = list((own_cache / "fitted").rglob("*.pickle"))
    assert {"solution.parquet", "split.csv", "cells.npz"} <= {file.name for file in answers}
    assert len(fitted) == 1
    assert {rights(file) for file in answers + fitted} == {0o640 if shared else 0o600}
    assert {file.stat().st_gid for file in answers + fitted} == {group}
    closed = 0o2770 & ~mask if shared else 0o700
    assert rights(ready.folder / "solution") == closed
    assert {rights(file) & 0o444 for file in (ready.folder / "public").iterdir()} == {0o444}
    assert data.damaged(ready) == []


def test_an_open_cache_of_an_older_podium_is_closed_when_it_is_used(own_cache):
    solution = data.load(*api.load("toy")).folder / "solution"
    solution.chmod(0o755)
    for file in solution.iterdir():
        file.chmod(0o644)
    data.load(*api.load("toy"))
    assert {rights(file) for file in solution.iterdir()} == {0o600}
    assert rights(solution) == 0o700


def test_answers_of_somebody_else_are_named(own_cache, monkeypatch):
    ready = data.load(*api.load("toy"))

    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(version, "file_sha256", denied)
    with pytest.raises(DataError, match="its owner alone") as error:
        ready.file("solution/solution.parquet")
    assert "PODIUM_DATA=DIR" in error.value.hint


def git(*command):
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *command],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def repository(workspace):
    git("init", "--quiet", ".")
    Path("notes.txt").write_text("a\n")
    git("add", "notes.txt")
    git("commit", "--quiet", "--message", "first")
    return workspace


def planted(name):
    """A program that leaves a trace if it is run."""
    script = Path(name)
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(f"#!/bin/sh\ntouch '{Path.cwd()}/.git/ran-{script.name}'\ncat\n")
    script.chmod(0o755)
    return str(script.absolute())


def test_git_runs_nothing_of_the_workspace(repository):
    for hook in ("post-index-change", "pre-commit", "post-checkout", "reference-transaction"):
        planted(f".git/hooks/{hook}")
    git("config", "core.fsmonitor", planted(".git/monitor"))
    for kind in ("clean", "process"):
        program = planted(f".git/{kind}")
        git("config", f"filter.a=b {kind}.{kind}", program)
        git("config", f"filter.a=b {kind}.required", "true")
    Path(".git/info/attributes").write_text('notes.txt filter="a=b clean"\n')
    git("config", "filter.plain.clean", planted(".git/plain"))
    Path(".gitattributes").write_text("notes.txt filter=plain\n")
    os.utime("notes.txt", (1, 1))  # its content must be looked at
    found = provenance.collect()["git"]
    assert found is not None
    assert found["dirty"] is True  # .gitattributes is new
    assert list(Path(".git").glob("ran-*")) == []


def test_git_tells_of_a_workspace_that_is_a_link_into_a_repository(
    repository, monkeypatch, tmp_path_factory
):
    inside, link = repository / "inside", tmp_path_factory.mktemp("elsewhere") / "link"
    inside.mkdir()
    link.symlink_to(inside)
    monkeypatch.setenv("PODIUM_WORKSPACE", str(link))
    assert provenance.collect()["git"]["dirty"] is False


def test_git_still_tells_of_commit_and_changes(repository, monkeypatch):
    index = Path(".git/index").read_bytes()
    os.utime("notes.txt", (1, 1))
    found = provenance.collect()["git"]
    assert len(found["commit"]) == 40
    assert found["dirty"] is False
    assert Path(".git/index").read_bytes() == index  # looked at, not written
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")  # what the user has set there holds
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "status.showUntrackedFiles")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "no")
    git("config", "filter.plain.clean", "cat")
    Path("new.txt").write_text("b\n")
    assert provenance.collect()["git"]["dirty"] is False
    Path("notes.txt").write_text("b\n")
    assert provenance.collect()["git"]["dirty"] is True
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert provenance.collect()["git"] is None
