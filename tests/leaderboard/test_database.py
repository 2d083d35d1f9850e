"""Databases that several processes share, and servers that refuse: SQLite and PostgreSQL."""

import math
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from test_leaderboard import record, reveal

from podium import api
from podium.errors import BoardError
from podium.leaderboard import schema, submit
from podium.leaderboard.board import open_board
from postgres import PASSWORD

PROCESSES = 6


def _at_once(target, url):
    """Run `target(url)` in several processes that start together; gives what each returned."""
    context = multiprocessing.get_context("fork")
    start, answers = context.Barrier(PROCESSES), context.Queue()

    def work():
        start.wait()
        answers.put(target(url))

    workers = [context.Process(target=work) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    found = [answers.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    return found


def _open(url):
    return open_board(url).counts()


def _add(url):
    return open_board(url).add(record("same", 1.0))


def _reveal(url):
    return open_board(url).reveal(reveal())


@pytest.mark.slow
def test_tables_that_all_make_at_the_same_moment(database):
    assert _at_once(_open, database) == [{}] * PROCESSES


@pytest.mark.slow
@pytest.mark.parametrize("target", [_add, _reveal])
def test_of_those_who_write_the_same_at_once_one_is_first(target, database):
    assert sorted(_at_once(target, database)) == [False] * (PROCESSES - 1) + [True]
    assert open_board(database).counts() == ({("toy", "demo"): 1} if target is _add else {})


def test_json_comes_back_as_it_went(database):
    """Order, numbers, NUL and other alphabets, in every database alike."""
    odd = {"z": 1, "a": [0.1 + 0.2, 1e308, -0.0], "nul": "a\0b", "σ": "ß\U0001f9ec", "none": None}
    board = open_board(database)
    board.add(replace(record("odd", 1.0), provenance=odd))
    with board.read() as connection:
        (found,) = connection.execute(sa.select(schema.RECORDS.c.provenance)).scalars()
    assert list(found) == list(odd)
    assert found == odd


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"provenance": {"params": {"a": math.inf}}}, "'provenance': a figure that is infinite"),
        ({"provenance": {"params": {"a": math.nan}}}, "'provenance': a figure that is infinite"),
        ({"provenance": {"params": {"a": 10**5000}}}, "'provenance': a figure that is infinite"),
        ({"provenance": {"params": {"a": nested(60)}}}, "more than 50 objects or lists"),
        ({"provenance": {"params": {"a": nested(5000)}}}, "more than 50 objects or lists"),
        ({"provenance": {"params": {"a": {1, 2}}}}, "neither number, text"),
        ({"provenance": {"params": {"a": "x" * 2**20}}}, "1,048,576 are kept at most"),
        ({"provenance": {"params": {"a": "\udcff"}}}, "'provenance': text that is no UTF-8"),
        ({"message": "\udcff"}, "'message' has characters that cannot be printed"),
        ({"name": "\x1b[2J"}, "'name' has characters that cannot be printed"),
        ({"team": "\ud800"}, "'team' has characters that cannot be printed"),
        ({"model": "m" * 201}, "'model' must be text of at most 200 characters"),
        ({"public_influence": np.float32([1, np.inf]).tobytes()}, "a figure that is too large"),
        ({"private_influence": np.float32([np.nan]).tobytes()}, "a figure that is too large"),
        ({"all": {"scores": {"rmse": math.inf}}}, "'all': a figure that is infinite"),
    ],
)
def test_what_cannot_be_exported_cannot_be_recorded(fields, words, database):
    board = open_board(database)
    with pytest.raises(BoardError) as error:
        board.add(replace(record("odd", 1.0), **fields))
    assert [problem for problem in error.value.problems if words in problem]
    assert board.records() == []


def test_long_names_and_bytes_fit(database):
    board = open_board(database)
    vector = bytes(range(64)) * 1600
    long = replace(record("a", 1.0), name="x" * 120, model="m" * 200, public_influence=vector)
    board.add(long)
    with board.read() as connection:
        columns = (schema.RECORDS.c.model, schema.RECORDS.c.public_influence)
        (found,) = connection.execute(sa.select(*columns)).all()
    assert found == ("m" * 200, vector)


@pytest.mark.parametrize("message", ["a\0b", "a\udcffb", "x" * 10_001])
@pytest.mark.usefixtures("database")
def test_a_message_that_no_database_takes_is_refused_before_anything_is_written(
    message, podium_cli, sample, workspace
):
    sample.to_csv("mine.csv", index=False)
    with pytest.raises(submit.PodiumError, match=r"The message .* cannot be used"):
        api.submit("toy", "mine.csv", message=message)
    assert not (workspace / "submissions").exists()
    assert not (workspace / "leaderboard").exists()


def test_a_clock_that_jumps_back_changes_no_order(database, podium_cli, sample, monkeypatch):
    """Equal scores are listed as they came, whatever the time of day was."""
    times = iter([f"20{year}-01-01T00:00:00+00:00" for year in (30, 20, 25, 10, 70, 40, 41, 42)])
    monkeypatch.setattr(submit, "now", lambda: next(times))
    sample.to_csv("mine.csv", index=False)
    teams = ["dora", "carl", "bob", "ana"]
    names = [
        podium_cli("submit", "toy", "mine.csv", "--team", team, "--json").json["submission"]
        for team in teams
    ]
    rows = [row for row in podium_cli("board", "toy", "--json").json["rows"] if row["rank"]]
    assert [row["team"] for row in rows] == teams
    assert [row["rank"] for row in rows] == [1] * 4
    assert [row["submission"] for row in rows] == names
    assert [row["created"] for row in rows] != sorted(row["created"] for row in rows)
    again = podium_cli("submit", "toy", "mine.csv", "--team", "carl", "--json").json
    assert again["submission"] == names[1]


def _refused(done, *words):
    assert done.status == 1, done.err
    assert done.err.startswith("error: ")
    for word in words:
        assert word in done.err
    for secret in (PASSWORD, "Traceback"):
        assert secret not in done.err + done.out


def test_wrong_addresses_are_refused_in_words(podium_cli, sample, postgres, monkeypatch):
    sample.to_csv("mine.csv", index=False)
    port = str(postgres.port)
    server = f"postgresql://podium:{PASSWORD}@127.0.0.1"
    for url, words in (
        (postgres.url("postgres", password="wrong-" + PASSWORD), "password authentication failed"),
        (postgres.url("none"), 'database "none" does not exist'),
        (postgres.url("postgres").replace("//podium:", "//nobody:"), "authentication failed"),
        (f"{server}:1/postgres", "Connection refused"),
        (f"{server}:port/postgres", "PODIUM_DB is no address of a database"),
        (f"postgresql:/podium:{PASSWORD}@127.0.0.1", "PODIUM_DB is no address of a database"),
        (f"{server}:{port}/postgres?colour={PASSWORD}", "invalid connection option"),
        (f"{server}:{port}/postgres?connect_timeout=soon", "cannot be opened"),
        (f"postgresql+none://podium:{PASSWORD}@127.0.0.1/x", "No driver is installed"),
        (f"postgresql:///postgres?host=127.0.0.1&port=1&password={PASSWORD}", "refused"),
        ("sqlite:///board.sqlite?colour=red", "takes no options"),
        ("sqlite:///mine.csv/board.sqlite", "The board's folder mine.csv cannot be made"),
        ("sqlite://", "names no file"),
    ):
        monkeypatch.setenv("PODIUM_DB", url)
        for command in (["submit", "toy", "mine.csv"], ["board", "toy"], ["list"]):
            if "mine.csv" in url and command[0] != "submit":
                continue  # no file, no board: nothing was submitted
            _refused(podium_cli(*command), words)
    assert not Path("submissions").exists()


def test_who_may_not_make_tables_is_told(podium_cli, sample, postgres, monkeypatch):
    url = postgres.database("locked")
    postgres.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    monkeypatch.setenv("PODIUM_DB", url.replace("//podium:", "//guest:"))
    sample.to_csv("mine.csv", index=False)
    _refused(podium_cli("submit", "toy", "mine.csv"), "permission denied for schema public")


@pytest.mark.slow
def test_a_server_that_goes_away_and_comes_back(postgres, monkeypatch, podium_cli, sample):
    url = postgres.database("gone")
    monkeypatch.setenv("PODIUM_DB", url)
    sample.to_csv("mine.csv", index=False)
    board = open_board(url)
    assert board.add(record("before", 1.0))
    postgres.stop()
    try:
        for _ in range(2):
            with pytest.raises(BoardError, match="refused") as error:
                board.add(record("during", 1.0))
            assert PASSWORD not in str(error.value)
        _refused(podium_cli("submit", "toy", "mine.csv"), "Connection refused")
        _refused(podium_cli("board", "toy"), "Connection refused")
    finally:
        postgres.start()
    assert board.add(record("after", 2.0))
    assert podium_cli("submit", "toy", "mine.csv").status == 0
    assert board.counts() == {("toy", "demo"): 3}


@pytest.mark.slow
def test_a_server_that_goes_away_while_one_writes(postgres):
    url = postgres.database("halfway")
    board = open_board(url)
    with pytest.raises(BoardError, match="refused"), board.write() as connection:  # noqa: PT012
        connection.execute(schema.RECORDS.insert().values(vars(record("half", 1.0))))
        postgres.stop()
        try:
            connection.execute(schema.RECORDS.insert().values(vars(record("rest", 1.0))))
        finally:
            postgres.start()
    assert board.counts() == {}


def test_the_short_address_of_postgresql_is_enough(postgres, monkeypatch):
    """Whatever driver SQLAlchemy takes by itself, and as other programs spell it."""
    url = postgres.database("short").replace("postgresql://", "postgres://")
    assert open_board(url).add(record("a", 1.0))
    assert open_board(url).counts() == {("toy", "demo"): 1}
    assert os.environ.get("PODIUM_DB") is None
