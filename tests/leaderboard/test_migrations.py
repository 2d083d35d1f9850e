"""Older boards open: those of before metrics had versions, in SQLite and PostgreSQL."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

import podium
from podium import workspace
from podium.competition.folders import load
from podium.data import dataset as data
from podium.errors import BoardError
from podium.leaderboard import files, migrations, schema
from podium.leaderboard.board import open_board
from podium.leaderboard.contest import Contest

NAMES = ("demo", "table")
OLD = Path(__file__).parents[1] / "toy" / "boards" / "3040642"


@pytest.fixture
def prepared_table(toy):
    """The toy's raw table, prepared."""
    podium.prepare("toy", "table", source=Path(__file__).parents[1] / "toy" / "raw")


@pytest.fixture
def old(database, workspace, toy, prepared_table):
    """A board of that commit with its submissions, in either database; gives its address."""
    shutil.copytree(OLD / "submissions", workspace / "submissions")
    if database.startswith("sqlite"):
        (workspace / "leaderboard").mkdir()
        shutil.copy(OLD / "board.sqlite", workspace / "leaderboard" / "board.sqlite")
    else:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute((OLD / "board.sql").read_text())
    return database


def board(dataset="demo", part="public"):
    rows = podium.board("toy", dataset, part=part)
    return [(row.rank, row.team, row.name, row.status) for row in rows]


def tables(url):
    """Columns, indexes and keys of every table."""
    opened = open_board(url)  # which closes its connections when it goes
    names = [*schema.SCHEMA.tables, migrations.STAMP]
    with opened.write() as connection:
        inspector = sa.inspect(connection.engine)
    return {
        name: (
            [(c["name"], c["nullable"]) for c in sorted(inspector.get_columns(name), key=str)],
            sorted(inspector.get_pk_constraint(name)["constrained_columns"]),
            sorted(tuple(i["column_names"]) for i in inspector.get_indexes(name)),
            [sorted(u["column_names"]) for u in inspector.get_unique_constraints(name)],
        )
        for name in names
    }


def test_the_newest_change_is_what_the_tables_are():
    assert migrations._script().get_current_head() == migrations.HEAD


def test_an_old_board_opens_after_one_line_that_says_what_was_done(old, caplog):
    assert board() == [
        (None, "podium", "ceiling", "ceiling"),
        (1, "ana", "first", "scored"),
        (None, "podium", "zero", "control"),
        (2, "carl", "carl submits", "scored"),
        (3, "bob", "änderung ✓", "scored"),
        (None, "eve", "claimed", "unverified"),
        (None, "ana", "older", "outdated"),
        (None, "bob", "worse", "withdrawn"),
    ]
    (line,) = [entry.getMessage() for entry in caplog.records]
    assert "12 records, 3 of them claims" in line
    assert "kept their scores" in line
    caplog.clear()
    assert board("table", "private") == [
        (1, "ana", "line", "scored"),
        (None, "podium", "zero", "control"),
        (None, "ana", "line slope=False", "late"),
    ]
    assert not caplog.records


def test_nothing_is_scored_again_and_every_file_is_found(old):
    opened = open_board(old)
    present = {data.load(*podium.load("toy", name)).version.name for name in NAMES}
    own = opened.records(["own"], competition="toy")
    assert {record.version for record in own} == present
    kept = [record for record in own if record.file]
    assert len(kept) == 6
    assert [files.checked(record).name for record in kept]
    assert podium.rescore("toy") == []
    assert [r.version for r in opened.records() if r.name == "older"] == ["0123456789abcdef"]
    assert kept[1].message == "a remark\nof two lines"


def test_its_tables_become_those_of_a_new_board(old, tmp_path):
    new = f"sqlite:///{tmp_path}/new.sqlite"
    fresh, changed = tables(new), tables(old)
    for name, (columns, key, indexes, unique) in fresh.items():
        names = sorted(column for column, _ in columns)
        assert sorted(column for column, _ in changed[name][0]) == names
        assert changed[name][1] == key
        assert set(indexes) <= set(changed[name][2])
        assert changed[name][3] == unique


@pytest.mark.slow
def test_it_goes_on_as_any_board(old, sample, workspace, podium_cli):
    sample.assign(y=1.5).to_csv("new.csv", index=False)
    assert podium_cli("submit", "toy", "new.csv", "--team", "dora").status == 0
    assert "dora" in [row[1] for row in board()]
    podium.reveal("toy")
    assert podium.board("toy", part="private")
    podium.export_records("again.jsonl")
    assert podium.import_records("again.jsonl").new == 0


def test_lines_of_before_versions_are_read(prepared_table, database):
    """An export of that commit: what the old board said, but for what nobody here can verify."""
    found = podium.import_records(OLD / "board.jsonl")
    assert (found.new, found.verified, found.sealed) == (12, 3, ["toy/table"])
    ready = data.load(*podium.load("toy"))
    records = open_board(workspace_url()).records(competition="toy", dataset="demo")
    assert {record.answers for record in records} == {ready.version.answers}
    assert {r.version for r in records if r.name != "older"} == {ready.version.name}
    podium.export_records("new.jsonl")
    assert '"edition"' not in Path("new.jsonl").read_text()
    assert podium.import_records("new.jsonl").known == 12


def workspace_url():
    return workspace.database_url()


def test_a_newer_board_is_refused_with_advice(database, podium_cli, toy):
    with open_board(database).write() as connection:
        connection.execute(sa.text(f"UPDATE {migrations.STAMP} SET version_num = '9999'"))
    done = podium_cli("board", "toy")
    assert done.status == 1
    assert "A newer Podium made this board: its tables are of version 9999" in done.err
    assert "pip install --upgrade podium" in done.err


def _die_in_the_middle(url):
    drop = schema.REVEALS.create

    def killed(*arguments, **options):
        drop(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    schema.REVEALS.create = killed
    open_board(url).counts()


@pytest.mark.slow
def test_a_kill_in_the_middle_leaves_the_old_board_whole(old):
    worker = multiprocessing.get_context("fork").Process(target=_die_in_the_middle, args=(old,))
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
    if old.startswith("sqlite"):
        with sqlite3.connect(old.removeprefix("sqlite:///")) as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        connection.close()
        assert {"claims", "scores"} <= names
        assert migrations.STAMP not in names
    assert len(board()) == 8


@pytest.mark.parametrize("provenance", ["{}", '{"data": "x", "split": "y", "metric": "z"}'])
def test_a_claim_tells_nothing_of_what_was_scored(provenance, workspace, prepared_table):
    """Nobody has checked it, and it came last: a revealed board was sealed again by one."""
    (workspace / "leaderboard").mkdir()
    file = workspace / "leaderboard" / "board.sqlite"
    shutil.copy(OLD / "board.sqlite", file)
    with sqlite3.connect(file) as connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(claims)")]
        values = {name: f'"{name}"' for name in names}
        values |= {"number": "99", "submission": "'forged'", "provenance": f"'{provenance}'"}
        connection.execute(
            f"INSERT INTO claims SELECT {', '.join(values.values())} FROM records "
            "WHERE dataset = 'table' AND kind = 'scored' LIMIT 1"
        )
    connection.close()
    assert (1, "ana", "line", "scored") in board("table", "private")
    opened = open_board(workspace_url())
    (reveal,) = opened.reveals()
    assert reveal.answers == data.load(*podium.load("toy", "table")).version.answers


def _open(url):
    return len(open_board(url).records())


@pytest.mark.slow
def test_several_who_open_it_at_once_change_it_once(old):
    context = multiprocessing.get_context("fork")
    with context.Pool(4) as pool:
        assert pool.map(_open, [old] * 4) == [12] * 4


def test_a_competition_that_is_not_here_keeps_its_records(old):
    (moon,) = open_board(old).records(competition="moon")
    assert moon.name == "of a competition that is not here"
    assert load("toy")


def test_a_board_that_nobody_may_write_says_why(old, workspace, monkeypatch):
    def refuse(*_):
        raise sa.exc.OperationalError("", {}, Exception("attempt to write a readonly database"))

    monkeypatch.setattr(migrations, "_migrate", refuse)
    with pytest.raises(BoardError, match="cannot be opened"):
        open_board(old).counts()


def test_a_board_of_before_the_journal_gets_one(database, sample, workspace, caplog):
    sample.to_csv("mine.csv", index=False)
    mine = podium.submit("toy", "mine.csv", team="ana").row.submission
    podium.withdraw(mine, team="ana")
    with open_board(database).write() as connection:
        schema.JOURNAL.drop(connection)
        connection.execute(sa.text("ALTER TABLE withdrawals DROP COLUMN origin"))
        connection.execute(sa.text(f"UPDATE {migrations.STAMP} SET version_num = '0001'"))
    caplog.clear()
    assert (None, "ana", "mine", "withdrawn") in board()
    (line,) = [entry.getMessage() for entry in caplog.records]
    assert "podium verify sees from now on what is changed by hand" in line
    opened = open_board(database)
    contest = Contest.find(*podium.load("toy"), opened)
    assert contest.tampering() == []
    with opened.write() as connection:
        connection.execute(schema.RECORDS.update().values(created="2020-01-01T00:00:00+00:00"))
    assert len(contest.tampering()) == 3
