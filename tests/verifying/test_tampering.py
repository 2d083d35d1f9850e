"""What is changed by hand: `podium verify` sees all that contradicts something else."""

import json
import shutil
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import podium
from podium import api, workspace
from podium.data import dataset as data
from podium.leaderboard import journal, schema, submit
from podium.leaderboard.board import open_board
from podium.leaderboard.contest import Contest
from podium.scratch import file_sha256
from podium.verifying import board, checks, verify
from podium.verifying.under_test import DatasetUnderTest
from suites import mostly_slow

CHECKS = (
    checks.board_is_whole,
    *board.BOARD,
    checks.checksums_agree,
    checks.answers_follow_from_raw_files,
    checks.raw_files_are_those_that_were_frozen,
    checks.metric_is_that_of_its_version,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace with a board of three teams and its cache, as they were left."""
    place = tmp_path_factory.mktemp("tampering")
    with pytest.MonkeyPatch.context() as patch:
        (place / "workspace").mkdir()
        patch.chdir(place / "workspace")
        patch.setenv("PODIUM_DATA", str(place / "cache"))
        for name in ("PODIUM_DB", "PODIUM_WORKSPACE"):
            patch.delenv(name, raising=False)
        ready = data.load(*api.load("toy"))
        sample = pd.read_csv(ready.folder / "public" / data.SAMPLE, dtype={"id": str})
        for shift, team in enumerate(("ana", "bob", "carl")):
            sample.assign(y=sample["y"] + shift).to_csv(f"{team}.csv", index=False)
            podium.submit("toy", f"{team}.csv", team=team)
        sample.assign(y=3.0).to_csv("second.csv", index=False)
        podium.submit("toy", "second.csv", team="carl")
        podium.withdraw(ids()["carl"], team="carl")
        podium.pick("toy", ids()["ana"], team="ana")
        raw = Path(__file__).parents[1] / "toy" / "raw"
        podium.prepare("toy", "table", source=raw)
    return place


@pytest.fixture
def there(made, workspace, monkeypatch):
    """A copy of the workspace, in which one may do as one likes."""
    shutil.copytree(made / "workspace", workspace, dirs_exist_ok=True)
    monkeypatch.setenv("PODIUM_DATA", str(made / "cache"))
    monkeypatch.setattr(submit, "_LEFT_OUT", set())


@pytest.fixture
def own(made, there, own_cache, monkeypatch):
    """A copy of the cache, too."""
    shutil.copytree(made / "cache", own_cache)
    monkeypatch.setenv("PODIUM_DATA", str(own_cache))


def ids():
    """A submission of each team."""
    return {row.team: row.submission for row in podium.board("toy") if row.status == "scored"}


def problems(*chosen):
    case = DatasetUnderTest(*api.load("toy"))
    verdicts = (verify.judged(case, check) for check in chosen or CHECKS)
    return {verdict.check: verdict.problem for verdict in verdicts if verdict.problem}


def sql(*statements):
    file = Path("leaderboard/board.sqlite")
    with sqlite3.connect(file) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount
    connection.close()


def cover():
    """Write a new journal, as whoever owns the whole database can."""
    opened = open_board(workspace.database_url())
    with opened.write() as connection:
        connection.execute(schema.JOURNAL.delete())
        for table in journal.KEYS:
            rows = connection.execute(table.select()).mappings().all()
            journal.note(connection, table, rows)


BY_EVE = {"competition": "toy", "dataset": "demo", "who": "eve", "created": "2026-01-01"}
BOB = "team = 'bob'"


def update(*values, where=BOB, table="records"):
    return lambda: sql(*(f"UPDATE {table} SET {value} WHERE {where}" for value in values))


def in_json(column, path, value):
    return update(f'"{column}" = json_set("{column}", \'$.{path}\', {value})')


def insert(table, where, **values):
    """A copy of a row with other values."""

    def put_in():
        names = [column.name for column in schema.SCHEMA.tables[table].columns]
        chosen = [values.get(name, f'"{name}"') for name in names]
        sql(f"INSERT INTO {table} SELECT {', '.join(chosen)} FROM {table} WHERE {where}")

    return put_in


def new_row(table, **values):
    names = ", ".join(f'"{name}"' for name in values)
    said = ", ".join(f"'{value}'" for value in values.values())
    return lambda: sql(f"INSERT INTO {table} ({names}) VALUES ({said})")


def reveal():
    answers = open_board(workspace.database_url()).records()[0].answers
    new_row("reveals", **BY_EVE, answers=answers)()


def withdrawal():
    new_row("withdrawals", **BY_EVE, submission=ids()["bob"], team="bob", origin="own")()


def foreign_withdrawal():
    new_row("withdrawals", **BY_EVE, submission=ids()["bob"], team="ana", origin="own")()


def kept(team="bob"):
    return next(Path(f"submissions/toy/demo/{team}").iterdir())


def change_kept():
    kept().write_text(kept().read_text().replace("0", "1", 1))


def swap_kept():
    bob, ana = kept().read_bytes(), kept("ana").read_bytes()
    kept().write_bytes(ana)
    kept("ana").write_bytes(bob)


def cached(name, dataset="demo"):
    return data.cache_folder(*api.load("toy", dataset)) / name


def in_manifest(**values):
    """Change the manifest, or its sha256 of files that were changed."""
    file = cached("manifest.json")
    manifest = json.loads(file.read_text())
    changed = {n: file_sha256(cached(n)) for n in manifest["files"] if cached(n).is_file()}
    file.write_text(json.dumps({**manifest, "files": changed, **values}))


def in_table(name, change, covered=True):
    def tamper():
        table = pd.read_parquet(cached(name))
        cached(name).chmod(0o600)
        change(table).to_parquet(cached(name), index=False)
        if covered:
            in_manifest()

    return tamper


def in_split():
    file = cached("solution/split.csv")
    file.chmod(0o600)
    file.write_text(file.read_text().replace("public", "private", 1))
    in_manifest()


def swapped_halves(table):
    other = {"public": "private", "private": "public"}
    return table.assign(part=table["part"].map(other))


def in_cells():
    file = cached("solution/cells.npz")
    file.chmod(0o600)
    with np.load(file) as cells:
        changed = {**cells, "code": cells["code"][::-1]}
    np.savez(file, **changed)


HIGHER = "json_extract(public, '$.scores.rmse') + 1e-6"
RECORDS = {
    "a public score": in_json("public", "scores.rmse", HIGHER),
    "a private score": in_json("private", "scores.rmse", 0.001),
    "a score of the whole": in_json("all", "scores.mae", 0.001),
    "a standard error": in_json("public", "se", 0.001),
    "an interval": in_json("private", "ci", "json('[0.1, 0.2]')"),
    "a stratum": in_json("public", "strata.new.scores.rmse", 0.001),
    "a card of another form": update("public = '[]'"),
    "no provenance": update("provenance = 'null'"),
    "a count of rows": in_json("all", "rows", 1),
    "influence on public": update("public_influence = zeroblob(length(public_influence))"),
    "influence on private": update("private_influence = zeroblob(length(private_influence))"),
    "halves": update(
        "public = private, private = public, public_influence = private_influence, "
        "private_influence = public_influence, public_score = private_score, "
        "private_score = public_score"
    ),
    "another team": update("team = 'eve'"),
    "a version": update("version = '0123456789abcdef'"),
    "answers": update("answers = '0123456789abcdef'"),
    "a kind": update("kind = 'control'"),
    "a sha256": update("sha256 = printf('%064d', 1)"),
    "a file": update("file = 'submissions/toy/demo/bob/none.csv'"),
    "a file of another": update(
        "file = (SELECT file FROM records WHERE team = 'ana'), "
        "sha256 = (SELECT sha256 FROM records WHERE team = 'ana')"
    ),
    "data in its provenance": in_json("provenance", "data", "'0'"),
    "the public score that ranks": update("public_score = 0.001"),
    "the private score that ranks": update("private_score = 0.001"),
    "a copy under another version": insert(
        "records", BOB, number="99", version="'0123456789abcdef'"
    ),
    "a copy for another team": insert("records", BOB, number="99", team="'eve'", submission="'ee'"),
    "a better copy": insert(
        "records",
        BOB,
        number="99",
        submission="'ee'",
        sha256="printf('%064d', 1)",
        public="json_set(public, '$.scores.rmse', 0.001)",
    ),
    "a withdrawal for another team": foreign_withdrawal,
    "a withdrawal of nothing": new_row(
        "withdrawals",
        submission="ee",
        team="eve",
        **BY_EVE,
    ),
    "a reveal of other answers": new_row(
        "reveals",
        answers="0",
        **BY_EVE,
    ),
    "an origin": update("origin = 'reference'"),
    "a record that is gone": lambda: sql(f"DELETE FROM records WHERE {BOB}"),
    "a pick of another's": lambda: sql(f"UPDATE picks SET submissions = '[\"{ids()['bob']}\"]'"),
}
"""These contradict other things than the journal."""
JOURNAL = {
    "a time": update("created = '2020-01-01T00:00:00+00:00'"),
    "a name": update("name = 'best'"),
    "a model": update("model = 'line'"),
    "a message": update("message = 'better than all'"),
    "parameters": in_json("provenance", "params", "json('{\"a\": 1}')"),
    "a commit": in_json("provenance", "git", "'0'"),
    "which score ranks": update("score = 'mae'"),
    "the order": update("number = 99 - number", where="1"),
    "a withdrawal": withdrawal,
    "a withdrawal that is gone": lambda: sql("DELETE FROM withdrawals"),
    "a withdrawal's origin": update("origin = 'claim'", where="1", table="withdrawals"),
    "a reveal": reveal,
    "a pick that is gone": lambda: sql("DELETE FROM picks"),
    "an older pick": update("created = '2020-01-01T00:00:00+00:00'", where="1", table="picks"),
}
"""These contradict the journal alone: whoever writes a new one is not seen."""
ENTRIES = {
    "an entry that is gone": lambda: sql("DELETE FROM journal WHERE number = 2"),
    "the first one": lambda: sql("DELETE FROM journal WHERE number = 1"),
    "another sha256": lambda: sql("UPDATE journal SET sha256 = '0' WHERE number = 2"),
    "an order": lambda: sql(
        *(
            f"UPDATE journal SET number = {b} WHERE number = {a}"
            for a, b in ((4, 0), (5, 4), (0, 5))
        )
    ),
    "a record and its entry": lambda: sql(
        f"DELETE FROM journal WHERE fact LIKE '%{ids()['bob']}%'",
        f"DELETE FROM records WHERE {BOB}",
        "UPDATE journal SET number = number - 1 WHERE number > 4",
    ),
}
FILES = {
    "kept predictions": change_kept,
    "kept predictions that are gone": lambda: kept().unlink(),
    "kept predictions of each other": swap_kept,
    "answers": in_table("solution/solution.parquet", lambda t: t.assign(y=t["y"] + 1), False),
    "answers and the manifest": in_table(
        "solution/solution.parquet", lambda t: t.assign(y=t["y"] + 1)
    ),
    "halves": in_table("solution/solution.parquet", swapped_halves),
    "groups": in_table(
        "solution/groups.parquet", lambda t: t.assign(group=t["group"].to_numpy()[::-1])
    ),
    "the split": in_split,
    "cells": in_cells,
}


def test_what_nobody_changed_is_all_right(there):
    assert problems() == {}
    cover()
    assert problems() == {}


@pytest.mark.parametrize("name", [*RECORDS, *JOURNAL])
def test_what_is_changed_in_the_database_is_seen(name, there):
    {**RECORDS, **JOURNAL}[name]()
    assert problems(board.board_is_as_it_was_written)


@pytest.mark.slow
@pytest.mark.parametrize("name", mostly_slow(RECORDS, 3, 5, 12, -1))
def test_a_new_journal_does_not_hide_what_contradicts_the_rest(name, there):
    RECORDS[name]()
    cover()
    assert problems(checks.board_is_whole, *board.BOARD)


@pytest.mark.parametrize("name", mostly_slow(JOURNAL, 0, -1))
def test_whoever_owns_the_database_is_not_seen(name, there):
    """As docs/boards.md says; an export that others keep tells."""
    JOURNAL[name]()
    cover()
    assert problems(checks.board_is_whole, *board.BOARD) == {}


@pytest.mark.parametrize("name", mostly_slow(ENTRIES, 0, -1))
def test_the_journal_itself(name, there):
    ENTRIES[name]()
    assert "journal: entry" in problems()["board is as it was written"]


def test_a_record_that_is_no_json(there, podium_cli):
    update("public = '{x'")()
    done = podium_cli("board", "toy")
    assert done.status == 1
    assert "has a record that was changed by hand" in done.err
    assert "has a record that was changed by hand" in problems()["board is as it was written"]


@pytest.mark.slow
@pytest.mark.parametrize("name", mostly_slow(FILES, 0, 4, -1))
def test_files(name, own):
    FILES[name]()
    assert problems()


def test_golden_scores(there, monkeypatch):
    competition = api.load("toy")[0]
    golden = json.loads((competition.folder / "golden.json").read_text())
    golden["scores"]["demo"]["slight"]["rmse"] *= 1.001
    monkeypatch.setattr("podium.scoring.golden.read_golden", lambda _: golden)
    assert "gives other scores" in problems()["metric is that of its version"]


def test_raw_files(own, own_cache):
    kept = own_cache / "raw" / "toy" / "table" / "toy.zip"
    kept.parent.mkdir(parents=True)
    raw = Path(__file__).parents[1] / "toy" / "raw" / "toy.csv"
    with zipfile.ZipFile(kept, "w") as archive:
        archive.writestr("toy.csv", raw.read_text().replace("1", "2", 1))
    case = DatasetUnderTest(*api.load("toy", "table"))
    assert "sha256 is" in next(checks.raw_files_are_those_that_were_frozen(case))


def test_in_either_database(database, toy, sample, monkeypatch):
    monkeypatch.setattr(submit, "_LEFT_OUT", set())
    for shift, team in enumerate(("ana", "bob")):
        sample.assign(y=sample["y"] + shift).to_csv(f"{team}.csv", index=False)
        podium.submit("toy", f"{team}.csv", team=team)
    podium.withdraw(ids()["bob"], team="bob")
    podium.pick("toy", ids()["ana"], team="ana")
    podium.reveal("toy")
    opened = open_board(workspace.database_url())
    contest = Contest.find(toy, toy.dataset("demo"), opened)
    assert contest.tampering() == []
    with opened.write() as connection:
        connection.execute(schema.RECORDS.update().values(message="better"))
        connection.execute(schema.WITHDRAWALS.delete())
    told = contest.tampering()
    assert len(told) == 5  # of both teams, the control and the ceiling
    assert {line.split(" was ", 1)[1] for line in told} == {
        "changed after it was written",
        "removed",
    }
