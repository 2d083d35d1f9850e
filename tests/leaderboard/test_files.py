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
from podium.data import dataset as data
from podium.errors import BoardError, SubmissionError
from podium.leaderboard import database, files
from podium.leaderboard.board import Board, open_board
from podium.leaderboard.submit import Scorer


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
    (record,) = [r for r in open_board(places.database_url()).records() if r.name == "mine"]
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
    record = open_board(places.database_url()).records(submission=with_controls.row.submission)[-1]
    path = files.checked(record)
    path.write_text("changed")
    with pytest.raises(BoardError, match="has changed since it was handed in"):
        files.checked(record)
    path.unlink()
    with pytest.raises(BoardError, match="is missing"):
        files.checked(record)
    assert files.find(record) is None


def test_what_was_staged_and_is_another_file_never_takes_a_name(mine, with_controls, sample):
    """An empty copy of a kill, days ago, took the place of the predictions."""
    kept = with_controls.file
    whole = kept.read_bytes()
    empty = kept.with_name(f".staged-{kept.name}-abcd1234")
    empty.touch()
    os.utime(empty, (time.time() - 3 * 86400,) * 2)
    podium.submit("toy", mine)
    assert kept.read_bytes() == whole
    assert not empty.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_answer_that_is_lost_after_the_commit_loses_no_file(
    error, mine, with_controls, monkeypatch
):
    add = Board.add

    def interrupted(*arguments, **options):
        add(*arguments, **options)
        raise error

    monkeypatch.setattr(Board, "add", interrupted)
    with pytest.raises((KeyboardInterrupt, SubmissionError)):
        podium.submit("toy", mine, name="mine")
    (record,) = [r for r in open_board(places.database_url()).records() if r.name == "mine"]
    assert files.checked(record).read_bytes() == mine.read_bytes()


def test_a_reader_may_give_the_file_its_name_first(mine, with_controls, monkeypatch):
    add = Board.add

    def looked_at(board, record, **options):
        new = add(board, record, **options)
        assert files.find(record)
        return new

    monkeypatch.setattr(Board, "add", looked_at)
    assert podium.submit("toy", mine).file.read_bytes() == mine.read_bytes()


def swapped_by(monkeypatch, mine, call):
    """Another's text takes the place of a file as soon as a step of its scoring is done."""
    step, broken = getattr(Scorer, call), b"id,y\n\xff\xfe no table at all"

    def swap(desk, *arguments, **options):
        result = step(desk, *arguments, **options)
        mine.write_bytes(broken)
        return result

    monkeypatch.setattr(Scorer, call, swap)


@pytest.mark.parametrize("call", ["check", "score", "record_controls"])
def test_a_file_that_changes_meanwhile_is_kept_as_it_was_scored(call, mine, monkeypatch):
    """A file swapped between reads was ranked with a kept file of broken text."""
    whole = mine.read_bytes()
    swapped_by(monkeypatch, mine, call)
    done = podium.submit("toy", mine)
    record = open_board(places.database_url()).records(submission=done.row.submission)[-1]
    assert files.checked(record).read_bytes() == whole
    assert len(lying()) == 1
    monkeypatch.undo()


@pytest.mark.slow
@pytest.mark.parametrize("call", ["check", "score", "record_controls"])
def test_a_file_that_lies_where_it_is_kept_and_changes_is_refused(call, mine, monkeypatch):
    place = Path("submissions/toy/demo/bob/mine.csv")
    place.parent.mkdir(parents=True)
    mine.rename(place)
    swapped_by(monkeypatch, place, call)
    (handled,) = podium.score_all()
    assert (handled.status, handled.score) == ("refused", None)
    assert "has changed while it was scored" in handled.problem
    assert not [row for row in podium.board("toy") if row.team == "bob"]
    assert lying() == ["mine.csv"]


def test_a_kept_file_that_changes_while_it_is_scored_again(mine, monkeypatch, with_controls):
    """The copy of a record's file is looked at, and what is said names the file."""
    record = open_board(places.database_url()).records(submission=with_controls.row.submission)[-1]
    desk = Scorer.of(data.load(*podium.api.load("toy")))
    with files.taken(record, desk.expected) as copy:
        with_controls.file.write_bytes(b"broken")
        assert desk.check(copy, foreign=True)["y"].shape == (108,)
    with pytest.raises(BoardError, match="has changed"), files.taken(record, desk.expected):
        pass
    assert lying() == [with_controls.file.name]


def test_a_refusal_names_the_file_and_not_its_copy(mine, sample):
    sample.assign(y=1000.0).to_csv("mine.csv", index=False)
    mine.rename("mine.parquet")
    before = sorted(Path().rglob("*"))
    with pytest.raises(SubmissionError, match=r"^mine\.parquet cannot be read as Parquet"):
        podium.submit("toy", "mine.parquet")
    assert sorted(Path().rglob("*")) == before
