"""The board: ranks, versions, seals, and a database that several processes share."""

import multiprocessing
from dataclasses import replace
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from podium.competition.folders import load
from podium.errors import BoardError
from podium.leaderboard.board import Batch, open_board
from podium.leaderboard.contest import Contest
from podium.leaderboard.record import Pick, Record, Reveal

NOW = SimpleNamespace(name="now", answers="answers")
"""The present version."""


def reveal(who="ana", created="2026-06-01T00:00:00+00:00", answers="answers"):
    return Reveal(competition="toy", dataset="demo", answers=answers, who=who, created=created)


def card(score):
    strata = {"new": {"scores": {"rmse": score + 1}}}
    ci = [score - 0.1, score + 0.1]
    return {
        "rows": 9,
        "groups": 9,
        "scores": {"rmse": score, "mae": 0.0},
        "ci": ci,
        "strata": strata,
    }


def record(name, score, *, team="ana", kind="scored", version="now", private=None):
    return Record(
        submission=f"{team}-{name}",
        competition="toy",
        dataset="demo",
        version=version,
        answers="answers",
        team=team,
        name=name,
        model=None,
        message="",
        kind=kind,
        created="2026-01-01T00:00:00+00:00",
        file=None,
        sha256=name,
        provenance={"seed": 0},
        public=card(score),
        private=card(private or score),
        all=card(score),
        public_influence=b"",
        private_influence=b"",
    )


@pytest.fixture
def board(database):
    return open_board(database)


def contest(board, version=NOW, toy=None):
    toy = toy or load("toy")
    return Contest(competition=toy, dataset=toy.dataset("demo"), version=version, board=board)


def rows(board, part="public"):
    return rows_of(contest(board), part)


def rows_of(chosen, part="public"):
    ranking = chosen.ranking(part)
    return chosen.rows(ranking, list(ranking))


def test_ranks_by_full_precision_and_shares_equal_ones(board):
    for name, score in (("c", 0.3), ("b", 0.2), ("a", 0.2 + 1e-12), ("b2", 0.2), ("d", 0.4)):
        assert board.add(record(name, score))
    found = [(row.rank, row.name) for row in rows(board)]
    assert found == [(1, "b"), (1, "b2"), (3, "a"), (4, "c"), (5, "d")]  # lower RMSE is better


def test_controls_stand_without_a_rank_and_set_the_scale(board):
    board.add(record("bad", 4.0, team="podium", kind="control"))
    board.add(record("zero", 2.0, team="podium", kind="control"))
    board.add(record("a", 0.5))
    board.add(record("b", 3.0))
    found = {row.name: row for row in rows(board)}
    assert [row.name for row in rows(board)] == ["a", "zero", "b", "bad"]
    assert found["zero"].rank is None
    assert (found["a"].rank, found["b"].rank) == (1, 2)
    assert found["a"].normalised == pytest.approx(0.75)
    assert found["zero"].normalised == 0
    assert found["b"].normalised == pytest.approx(-0.5)


def test_the_same_submission_makes_no_second_row(board):
    assert board.add(record("a", 1.0))
    assert not board.add(record("a", 1.0))
    assert board.add(record("a", 1.0, team="bob"))
    assert len(rows(board)) == 2
    assert board.counts() == {("toy", "demo"): 2}


def test_another_edition_stays_marked_and_never_mixes(board):
    board.add(record("old", 0.1, version="before"))
    board.add(record("new", 0.5))
    first, last = rows(board)
    assert (first.name, first.rank) == ("new", 1)
    assert (last.name, last.rank, last.status) == ("old", None, "outdated")


def test_private_is_sealed_until_reveal(board):
    board.add(record("a", 1.0, private=0.25))
    for part in ("private", "all"):
        with pytest.raises(BoardError, match="sealed"):
            rows(board, part)
    assert board.reveal(reveal())
    assert not board.reveal(reveal(who="bob"))
    assert rows(board, "private")[0].score == 0.25


def test_a_fault_while_writing_shows_no_private_figure(board):
    entry = replace(record("a", 1.0), private_influence=b"sealed")
    with pytest.raises(sa.exc.StatementError) as error:
        board.merge(Batch(records=[replace(entry, provenance={"no JSON": object()})]))
    assert "sealed" not in str(error.value)


def test_entries_are_counted_by_team(board):
    for name, team in (("a", "ana"), ("b", "ana"), ("c", "bob")):
        board.add(record(name, 1.0, team=team))
    assert {row.team: row.entries for row in rows(board)} == {"ana": 2, "bob": 1}


def test_a_reader_waits_for_no_writer(board):
    board.add(record("a", 1.0))
    with board.write():
        assert [row.name for row in rows(board)] == ["a"]


def test_claims_stand_apart_until_they_are_made_good(board):
    for name, score in (("a", 0.5), ("b", 0.2), ("c", 0.4)):
        board.add(record(name, score))
    board.merge(Batch(claims=[record("e", 0.1), record("f", 0.45)]))
    board.add(record("d", 0.3))
    assert [(row.rank, row.name, row.status) for row in rows(board)] == [
        *((1, "b", "scored"), (2, "d", "scored"), (3, "c", "scored"), (4, "a", "scored")),
        *((None, "e", "unverified"), (None, "f", "unverified")),
    ]
    board.add(record("e", 0.1))
    assert next((row.rank, row.name, row.status) for row in rows(board)) == (1, "e", "scored")
    assert len(rows(board)) == 6


def test_a_fuller_claim_replaces_one_that_tells_less(board):
    part = replace(record("a", 0.1), private={}, all={})
    board.merge(Batch(claims=[part]))
    board.reveal(reveal())
    assert [row.score for row in rows(board, "private")] == [None]
    board.merge(Batch(claims=[record("a", 0.1, private=0.7)]))
    assert [row.score for row in rows(board, "private")] == [0.7]
    board.merge(Batch(claims=[part]))
    assert [row.score for row in rows(board, "private")] == [0.7]


def test_references_rank_among_themselves_and_their_private_scores_are_open(board):
    shipped = [record(n, s, team="reference", private=s / 2) for n, s in (("r", 0.3), ("s", 0.5))]
    board.merge(Batch(references=shipped))
    board.add(record("a", 0.4))
    assert [(r.rank, r.reference_rank, r.name, r.status) for r in rows(board)] == [
        *((None, 1, "r", "reference"), (1, None, "a", "scored"), (None, 2, "s", "reference")),
    ]
    assert [(row.name, row.score) for row in rows(board, "private")] == [("r", 0.15), ("s", 0.25)]
    assert board.counts() == {("toy", "demo"): 1}
    board.reveal(reveal())
    assert [row.name for row in rows(board, "private")] == ["r", "s", "a"]


def test_what_is_handed_in_after_the_reveal_is_late(board):
    board.add(record("a", 0.5))
    board.reveal(reveal(created="2026-01-01T00:00:00+00:00"))
    board.add(replace(record("b", 0.1), created="2026-01-01T00:00:01+00:00"))
    for part in ("public", "private"):
        assert [(row.rank, row.name, row.status) for row in rows(board, part)] == [
            *((1, "a", "scored"), (None, "b", "late")),
        ]


def test_a_reveal_is_of_data_and_split_and_not_of_the_metric(board):
    board.add(record("a", 1.0))
    board.reveal(reveal(answers="other answers"))
    with pytest.raises(BoardError, match="sealed"):
        rows(board, "private")
    board.reveal(reveal())
    board.add(record("a", 2.0, version="another metric"))
    newer = SimpleNamespace(name="another metric", answers="answers")
    found = rows_of(contest(board, newer), "private")
    assert [(row.score, row.status) for row in found] == [(2.0, "scored"), (1.0, "outdated")]


def test_of_several_picks_the_latest_counts_and_none_after_the_reveal(board):
    def pick(*submissions, created):
        names = {"competition": "toy", "dataset": "demo", "answers": "answers", "team": "ana"}
        board.merge(Batch(picks=[Pick(**names, submissions=submissions, who="x", created=created)]))
        return [one.submissions for one in board.picks()]

    assert pick("a", created="2026-01-02T00:00:00+00:00") == [("a",)]
    assert pick("b", created="2026-01-01T00:00:00+00:00") == [("a",)]
    assert pick(created="2026-01-03T00:00:00+00:00") == [()]
    board.reveal(reveal(created="2026-01-04T00:00:00+00:00"))
    assert pick("c", created="2026-01-05T00:00:00+00:00") == [()]


def test_another_primary_score_is_taken_from_the_figures(board, monkeypatch):
    board.add(record("a", 0.1))
    toy = load("toy")
    other = replace(toy, scores=tuple(reversed(toy.scores)))
    with monkeypatch.context() as changed:
        changed.setattr(toy.module("competition"), "competition", other)
        board.add(record("b", 0.2))
    assert {row.name: row.score for row in rows(board)} == {"a": 0.1, "b": 0.2}
    assert {row.name: row.score for row in rows_of(contest(board, toy=other))} == {
        "a": 0.0,
        "b": 0.0,
    }


def test_a_record_of_an_unknown_competition_ranks_once_that_is_known(board):
    board.add(replace(record("a", 0.1), competition="moon"))
    moon = replace(load("toy"), name="moon", id="moon")
    assert [(row.rank, row.score) for row in rows_of(contest(board, toy=moon))] == [(1, 0.1)]


def test_reading_makes_no_database(workspace):
    board = open_board(f"sqlite:///{workspace}/leaderboard/board.sqlite")
    assert not board.exists
    assert (board.counts(), board.records(), rows(board)) == ({}, [], [])
    assert not (workspace / "leaderboard").exists()


def test_a_damaged_database_is_refused(workspace):
    file = workspace / "board.sqlite"
    file.write_bytes(b"this is no database" * 100)
    with pytest.raises(BoardError, match="cannot be opened"):
        open_board(f"sqlite:///{file}").counts()


def test_a_network_file_system_is_refused_with_advice(workspace, monkeypatch):
    mounts = workspace / "mounts"
    mounts.write_text(f"server:/x {workspace} nfs4 rw 0 0\ndisk / ext4 rw 0 0\n")
    monkeypatch.setattr("podium.leaderboard.database._MOUNTS", mounts)
    with pytest.raises(BoardError, match=r"network file system \(nfs4\)") as error:
        open_board(f"sqlite:///{workspace}/leaderboard/board.sqlite").add(record("a", 1.0))
    assert "PODIUM_DB" in error.value.hint


def _fill(url, worker):
    for entry in range(8):
        open_board(url).add(record(f"{worker}-{entry}", 1.0, team=f"t{worker}"))


@pytest.mark.slow
def test_processes_write_together_and_lose_nothing(board, database):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_fill, args=(database, worker)) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert board.counts() == {("toy", "demo"): 32}
    assert open_board(database).exists
