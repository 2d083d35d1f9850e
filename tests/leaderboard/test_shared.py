"""Boards that several users of one machine share: whose the files are, what a reader leaves."""

import os
import pickle
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from test_leaderboard import record

from podium import workspace
from podium.errors import BoardError
from podium.leaderboard.board import Board, open_board

ANA, BOB, GROUP = 12_001, 12_002, 12_345
as_root = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root acts for several users"
)


@pytest.fixture
def folder():
    """A folder that others may enter, as those of pytest may not be."""
    made = Path(tempfile.mkdtemp(prefix="shared-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@contextmanager
def acting(user, *groups, mask=0o022):
    """A process of a user that does what it is given; gives a function that has it do that."""
    there, here = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        try:
            os.umask(mask)
            os.setgroups(groups)
            os.setgid(user)
            os.setuid(user)
            _serve(there[0], here[1])
        finally:
            os._exit(0)
    with os.fdopen(there[1], "wb") as ask, os.fdopen(here[0], "rb") as told:

        def do(name, *arguments):
            pickle.dump(name, ask)
            pickle.dump(arguments, ask)
            ask.flush()
            return pickle.load(told)

        try:
            yield do
        finally:
            pickle.dump(None, ask)
            ask.flush()
            os.waitpid(child, 0)


def _serve(asked, told):
    with os.fdopen(asked, "rb") as asked, os.fdopen(told, "wb") as told:
        while call := _CALLS.get(pickle.load(asked)):
            try:
                answer = call(*pickle.load(asked))
            except Exception as error:  # noqa: BLE001  for the test to see
                answer = error
            pickle.dump(answer, told)
            told.flush()
    for engine in [board._engine for board in _OPEN if board._engine]:
        engine.dispose()


_OPEN = []


def _add(file, name):
    board = Board(sa.URL.create("sqlite", database=str(file)))
    _OPEN.append(board)
    return board.add(record(name, 1.0))


def _read(file):
    board = Board(sa.URL.create("sqlite", database=str(file)))
    _OPEN.append(board)  # it stays open, as that of a notebook
    return sorted(one.name for one in board.records())


def _again(file):
    """As `_read`, by the board that the last call opened."""
    return sorted(one.name for one in _OPEN[-1].records()) if _OPEN else _read(file)


def _refused(file):
    try:
        _add(file, "x")
    except BoardError as error:
        return [error.message, *error.problems, error.hint]


_CALLS = {"add": _add, "read": _read, "refused": _refused, "again": _again}


def rights(path):
    status = path.stat()
    return stat.S_IMODE(status.st_mode), status.st_gid


@as_root
@pytest.mark.parametrize("mode", [0o2775, 0o775])
def test_a_group_reads_and_writes_in_turn(mode, folder):
    place, file = folder / "leaderboard", folder / "leaderboard" / "board.sqlite"
    place.mkdir()
    os.chown(place, ANA, GROUP)
    place.chmod(mode)
    with acting(ANA, GROUP, mask=0o002) as ana, acting(BOB, GROUP, mask=0o002) as bob:
        assert ana("add", file, "a") is True
        assert bob("read", file) == ["a"]
        assert bob("add", file, "b") is True
        assert ana("add", file, "c") is True
        assert bob("read", file) == ["a", "b", "c"]
        assert {rights(one) for one in place.iterdir()} == {(0o660, GROUP)}
    with acting(BOB, GROUP, mask=0o002) as bob, acting(ANA, GROUP, mask=0o002) as ana:
        assert bob("read", file) == ["a", "b", "c"]  # who comes first makes the log
        assert {rights(one) for one in place.iterdir()} == {(0o660, GROUP)}
        assert ana("add", file, "d") is True


@as_root
@pytest.mark.parametrize("mode", [0o1777, 0o755, 0o555])
def test_a_reader_locks_the_owner_out_of_nothing(mode, folder):
    """As where everybody may make files, but the board's file is its owner's."""
    place, file = folder / "leaderboard", folder / "leaderboard" / "board.sqlite"
    place.mkdir()
    os.chown(place, ANA, ANA)
    with acting(ANA) as ana:
        assert ana("add", file, "a") is True
    file.chmod(0o644)
    place.chmod(mode)
    with acting(BOB) as bob:
        assert bob("read", file) == ["a"]
        assert [one.name for one in place.iterdir()] == ["board.sqlite"]
        place.chmod(mode | 0o200)
        with acting(ANA) as ana:
            assert ana("add", file, "b") is True
            place.chmod(mode)
            assert bob("read", file) == ["a", "b"]


@pytest.fixture
def of_ana(folder):
    """A board of Ana's that others may read, in a folder that is hers."""
    place, file = folder / "leader board", folder / "leader board" / "board.sqlite"
    place.mkdir()
    os.chown(place, ANA, ANA)
    place.chmod(0o755)
    with acting(ANA) as ana:
        assert ana("add", file, "a") is True
    file.chmod(0o644)
    return file


@as_root
def test_a_board_whose_owner_was_killed_is_not_the_readers_to_chmod(of_ana):
    with acting(ANA) as ana:
        ana("add", of_ana, "b")
        left = {path: path.read_bytes() for path in of_ana.parent.iterdir()}
    assert len(left) == 3
    for path, content in left.items():  # as before its owner let others read it
        path.write_bytes(content)
        os.chown(path, ANA, ANA)
        path.chmod(0o644 if path == of_ana else 0o640)
    with acting(BOB) as bob:
        error = bob("read", of_ana)
        assert "was not closed" in error.message
        assert "podium board COMP" in error.hint
    with acting(ANA) as ana:
        assert ana("read", of_ana) == ["a", "b"]


@as_root
def test_an_open_reader_sees_what_came_later(of_ana):
    with acting(BOB) as bob:
        assert bob("again", of_ana) == ["a"]
        with acting(ANA) as ana:
            assert ana("add", of_ana, "b") is True
        assert bob("again", of_ana) == ["a", "b"]


@as_root
def test_whose_permission_is_missing_is_said(folder):
    place, file = folder / "leaderboard", folder / "leaderboard" / "board.sqlite"
    place.mkdir()
    os.chown(place, ANA, GROUP)
    place.chmod(0o775)
    with acting(ANA, GROUP) as ana, acting(BOB, GROUP) as bob:
        ana("add", file, "a")
        file.chmod(0o644)
        said = " ".join(bob("refused", file))
        assert f"{file} belongs to user {ANA}" in said
        assert "you (user 12002) may not write it" in said
        assert f"chmod g+w {file}" in said
    with acting(BOB) as bob:
        said = " ".join(bob("refused", place / "other.sqlite"))
        assert f"{place} belongs to user {ANA}" in said
        assert f"chmod 2775 {place}" in said


@pytest.mark.parametrize("name", ["team%20ana", "a?b", "a#b", "a b", "é:@"])
def test_a_workspace_is_itself_whatever_its_name(name, tmp_path, monkeypatch):
    for place in (name, "team ana", "a"):
        (tmp_path / place).mkdir(exist_ok=True)
    monkeypatch.setenv("PODIUM_WORKSPACE", str(tmp_path / name))
    assert open_board().add(record("a", 1.0))
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("board.sqlite")] == [
        f"{name}/leaderboard/board.sqlite"
    ]
    assert open_board(workspace.database_url()).counts() == {("toy", "demo"): 1}
    assert workspace.database_file() == tmp_path / name / "leaderboard" / "board.sqlite"
    assert [one.name for one in open_board().records()] == ["a"]
