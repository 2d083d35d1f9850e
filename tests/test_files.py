"""A submission's file: there with its record, and gone with a refusal."""

import os
import signal
import sqlite3
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

import podium
from podium import workspace as places
from podium.boards import database, files
from podium.boards.leaderboard import Board, find_board
from podium.errors import BoardError


@pytest.fixture
def mine(sample):
    """A predictions file."""
    sample.assign(y=1.0).to_csv("mine.csv", index=False)
    return Path("mine.csv")


def lying():
    return sorted(path.name for path in Path("submissions").rglob("*") if path.is_file())


def test_a_locked_database_leaves_nothing_behind(mine, sample, monkeypatch, podium_cli):
    """The file was kept before its record: `score-all` then gave it another name."""
    sample.to_csv("before.csv", index=False)
    podium.submit("toy", "before.csv")
    before = lying()
    monkeypatch.setattr(database, "_OPTIONS", {"sqlite": {"timeout": 0.1}})
    with sqlite3.connect("leaderboard/board.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        done = podium_cli("submit", "toy", mine, "--name", "mine", "--message", "a remark")
        other.execute("ROLLBACK")
    other.close()
    assert done.status == 1
    assert "locked" in done.err
    assert lying() == before
    assert [entry.status for entry in podium.score_all()] == ["known"]
    assert podium_cli("submit", "toy", mine, "--name", "mine").status == 0


def _killed_before_the_file_has_its_name():
    add = Board.add

    def kill(*arguments, **options):
        add(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    Board.add = kill
    podium.submit("toy", "mine.csv", name="mine", message="a remark")


def killed():
    podium.board("toy")
    worker = get_context("fork").Process(target=_killed_before_the_file_has_its_name)
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL


@pytest.fixture
def with_controls(sample):
    """A board that has its controls already."""
    sample.to_csv("before.csv", index=False)
    return podium.submit("toy", "before.csv")


def test_what_is_killed_after_its_record_keeps_name_and_message(mine, with_controls):
    killed()
    assert len([name for name in lying() if name.startswith(".staged-")]) == 1
    assert [entry.status for entry in podium.score_all()] == ["known"]
    (record,) = [r for r in find_board(places.database_url()).records() if r.name == "mine"]
    assert record.message == "a remark"
    assert files.checked(record).read_bytes() == mine.read_bytes()
    assert not [name for name in lying() if name.startswith(".")]


def test_the_same_again_finishes_what_was_killed(mine, with_controls):
    killed()
    done = podium.submit("toy", mine, name="again")
    assert (done.new, done.row.name) == (False, "mine")
    assert done.file.read_bytes() == mine.read_bytes()


def test_old_copies_get_their_name_or_go(mine, with_controls, sample):
    killed()
    folder = Path("submissions/toy/demo/ana")
    (folder / ".staged-000000000000.csv-abc").write_text("nobody's")
    for path in folder.glob(".staged-*"):
        os.utime(path, (time.time() - 2 * 86400,) * 2)
    sample.assign(y=2.0).to_csv("next.csv", index=False)
    podium.submit("toy", "next.csv")
    assert len(lying()) == 3
    assert not [name for name in lying() if name.startswith(".")]


def test_what_is_missing_or_changed_is_named(mine, with_controls):
    record = find_board(places.database_url()).find(with_controls.row.submission)
    path = files.checked(record)
    path.write_text("changed")
    with pytest.raises(BoardError, match="has changed since it was handed in"):
        files.checked(record)
    path.unlink()
    with pytest.raises(BoardError, match="is missing"):
        files.checked(record)
    assert files.find(record) is None
