"""The board as it is shown: tiers, chances, looks, and what a reader may choose."""

from dataclasses import replace

import numpy as np
import pytest
from test_leaderboard import contest, reveal

from podium import api
from podium.competition import folders as competition
from podium.errors import BoardError, UnknownNameError
from podium.figures import shown as shown_figures
from podium.leaderboard.board import open_board
from podium.leaderboard.record import Record, Withdrawal, now
from podium.leaderboard.standings import View, shaken, standings

GROUPS = 40


@pytest.fixture
def board(database):
    return open_board(database)


def add(
    board, name, level, *, team="ana", created="2026-01-01T00:00:00+00:00", groups=GROUPS, **more
):
    """A submission whose error is `level` and whose groups differ a little."""
    noise = np.random.default_rng(abs(hash_of(name))).normal(size=groups)
    influence = (0.1 * (noise - noise.mean())).astype(np.float32).tobytes()
    strata = {"new": {"scores": {"rmse": 9 - level}}}
    whole = {
        "rows": 100, "groups": groups, "scores": {"rmse": level, "mae": -level}, "se": 0.1,
        "ci": [level - 0.2, level + 0.2] if groups > 4 else None, "strata": strata,
    }  # fmt: skip
    values = {
        "submission": f"{team}-{name}", "competition": "toy", "dataset": "demo",
        "version": "now", "answers": "answers",
        "team": team, "name": name, "model": None, "message": "", "kind": "scored",
        "created": created, "file": None, "sha256": name, "provenance": {}, "public": whole,
        "private": whole, "all": whole, "public_influence": influence,
        "private_influence": influence,
    }  # fmt: skip
    board.add(Record(**{**values, **more}))


def hash_of(name):
    return sum(ord(letter) * 31**place for place, letter in enumerate(name))


def shown(board, part="public", **view):
    return standings(contest(board), part, View(**view))


def test_tiers_are_of_the_best_of_each_team_and_chances_of_neighbours(board):
    for name, level, team in (
        ("a", 1.0, "ana"), ("b", 1.01, "bob"), ("a2", 2.0, "ana"), ("c", 3.0, "cem"),
    ):  # fmt: skip
        add(board, name, level, team=team)
    found = {row.name: row for row in shown(board).rows}
    assert {name: row.tier for name, row in found.items()} == {"a": 1, "b": 1, "a2": None, "c": 2}
    assert 0.5 < found["a"].win_next < 0.9  # lower RMSE is better
    assert found["b"].win_next > 0.999
    assert found["c"].win_next is None
    assert shown(board).groups == GROUPS


def test_an_outdated_row_of_the_same_submission_is_told_nothing(board):
    """Its tier and its chance were those of the record in the present version."""
    add(board, "a", 1.0, version="before")
    add(board, "a", 1.0)
    add(board, "b", 3.0, team="bob")
    rows = shown(board).rows
    assert [row.status for row in rows] == ["scored", "scored", "outdated"]
    assert (rows[0].tier, rows[2].tier, rows[2].win_next) == (1, None, None)


def test_few_groups_have_chances_but_no_tiers(board):
    add(board, "a", 1.0, groups=7)
    add(board, "b", 3.0, team="bob", groups=7)
    found = shown(board)
    assert [row.tier for row in found.rows] == [None, None]
    assert (found.groups, found.rows[0].win_next > 0.99) == (7, True)


def test_without_intervals_nothing_is_compared(board):
    add(board, "a", 1.0, groups=4)
    add(board, "b", 3.0, team="bob", groups=4)
    assert [(row.tier, row.win_next) for row in shown(board).rows] == [(None, None)] * 2


def test_a_claim_of_another_size_is_left_out(board):
    for name in "abc":
        add(board, name, 1.0 + hash_of(name) / 1000, team=name * 3)
    add(board, "odd", 0.1, team="eve", public_influence=b"\0" * 4 * 3)
    found = {row.name: row.tier for row in shown(board).rows}
    assert found["odd"] is None
    assert found["a"] == 1


def test_looks_count_withdrawn_ones_and_flatter(board):
    for name, level in (("a", 1.0), ("b", 1.05), ("c", 1.1)):
        add(board, name, level)
    gone = Withdrawal(
        submission="ana-c",
        competition="toy",
        dataset="demo",
        team="ana",
        who="ana",
        created="2026-01-31T12:00:00+00:00",
    )
    board.withdraw(gone)
    found = shown(board)
    assert found.looks == {"ana": 3}
    assert found.flattery.looks == 3
    assert 0 < found.flattery.expected <= found.flattery.bound
    assert shown(board, team="nobody").flattery is None


def test_the_best_of_each_team_is_ranked_again(board):
    for name, level, team in (("a", 1, "ana"), ("a2", 2, "ana"), ("b", 3, "bob"), ("c", 3, "cem")):
        add(board, name, float(level), team=team)
    found = shown(board, best_per_team=True).rows
    assert [(row.rank, row.name) for row in found] == [(1, "a"), (2, "b"), (2, "c")]


def test_since_and_sort(board):
    add(board, "old", 1.0, created="2025-01-01T00:00:00+00:00")
    add(board, "new", 2.0, created="2026-02-01T00:00:00+00:00")
    add(board, "zero", 5.0, team="podium", kind="control")
    assert [row.name for row in shown(board, since="2026-01-01").rows] == ["new", "zero"]
    assert [row.name for row in shown(board, since="1h").rows] == ["zero"]
    assert [row.name for row in shown(board, sort="created").rows] == ["new", "zero", "old"]
    assert [row.name for row in shown(board, sort="mae").rows] == ["zero", "new", "old"]
    assert [row.name for row in shown(board, sort="new").rows] == ["zero", "new", "old"]
    assert [row.rank for row in shown(board, sort="name").rows] == [2, 1, None]
    with pytest.raises(UnknownNameError, match="Did you mean 'created'"):
        shown(board, sort="creatd")
    for text in ("soon", "99999999999d", "2026-13-01"):
        with pytest.raises(BoardError, match="is no time"):
            shown(board, since=text)


def test_the_first_rows_are_those_of_the_whole_board(board):
    for number in range(12):
        add(board, f"n{number}", 1 + number / 10, team=f"t{number % 4}")
    add(board, "zero", 5.0, team="podium", kind="control")
    whole, first = shown(board), shown(board, top=5)
    assert first.rows == [*whole.rows[:5], whole.rows[-1]]
    assert (first.more, first.ranked, whole.more) == (7, 12, 0)
    assert (first.looks, first.flattery) == (whole.looks, whole.flattery)
    assert [row.name for row in shown(board, top=2, sort="name").rows] == ["n0", "n1", "zero"]
    own = shown(board, top=2, team="t3")
    assert [(row.rank, row.name) for row in own.rows] == [(4, "n3"), (8, "n7"), (None, "zero")]
    assert own.more == 1


def test_after_reveal_the_ranks_of_both_parts_stand_there(board):
    add(board, "a", 1.0)
    add(board, "b", 2.0, private={**card_of(0.5)}, all=card_of(0.5))
    board.reveal(reveal())
    found = shown(board, "private")
    assert [row.name for row in found.rows] == ["b", "a"]
    assert found.public_ranks == {"ana-a": 1, "ana-b": 2}
    assert found.flattery is None
    assert all(row.win_next is None for row in shown(board, "all").rows)


def test_after_reveal_the_private_part_is_shown_and_whether_it_is_a_shake_up(board):
    for name, level in (("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0)):
        add(board, name, level, private=card_of(5 - level))
    assert standings(contest(board)).part == "public"
    assert standings(contest(board)).shake_up is None
    board.reveal(reveal())
    found = standings(contest(board))
    assert found.part == "private"
    assert found.shake_up.places == 8
    assert found.shake_up.p < 0.05
    assert vars(found.shake_up) == shown_figures(vars(found.shake_up))
    assert shaken(found.shake_up).startswith(
        "From the public part ranks moved by 8 places in all (equal predictions once, of 4 rows), "
        "more than chance explains: as "
    )
    assert shown(board, "public").shake_up is None
    assert shown(board, "all").shake_up is None
    assert shown(board, None, best_of_all=True).shake_up is None


def card_of(level):
    return {
        "rows": 9, "groups": GROUPS, "scores": {"rmse": level, "mae": 0.0}, "se": 0.1,
        "ci": [0.0, 1.0], "strata": {},
    }  # fmt: skip


@pytest.fixture
def limited(monkeypatch, toy):
    """The toy with two submissions a day."""
    monkeypatch.setattr(competition, "load", lambda _: replace(toy, daily_limit=2))
    return toy


@pytest.mark.slow
@pytest.mark.usefixtures("database", "limited")
def test_a_limit_a_day_counts_what_was_scored_and_nothing_else(sample, podium_cli):
    def hand_in(value, team="ana"):
        sample.assign(y=value).to_csv("mine.csv", index=False)
        return podium_cli("submit", "toy", "mine.csv", "--team", team)

    assert hand_in(999.0).status == 1  # out of range: a failure does not count
    assert [hand_in(value).status for value in (1.0, 2.0)] == [0, 0]
    third = hand_in(3.0)
    assert third.status == 1
    assert "Team ana has handed in 2 submissions today; the limit is 2 a day." in third.err
    assert "The next is possible from 20" in third.err
    assert hand_in(1.0).status == 0  # the same bytes again are no new look
    assert hand_in(3.0, team="bob").status == 0
    trained = podium_cli("run", "toy", "line")
    assert "the limit is 2 a day" in trained.err
    api.run("toy", "line", submit=False)
    assert len([row for row in api.board("toy") if row.team == "ana"]) == 2


@pytest.mark.usefixtures("limited")
def test_score_all_keeps_to_the_limit(sample, workspace, podium_cli):
    folder = workspace / "submissions" / "toy" / "demo" / "ana"
    folder.mkdir(parents=True)
    for value in range(3):
        sample.assign(y=float(value)).to_csv(folder / f"{value}.csv", index=False)
    found = podium_cli("score-all", "toy", "--json").json
    assert [entry["status"] for entry in found] == ["scored", "scored", "refused"]
    assert "the limit is 2 a day" in found[2]["problem"]


def test_a_limit_holds_against_two_at_once(board):
    add(board, "a", 1.0, created=now())
    late = contest(board).record("ana-a")
    with pytest.raises(BoardError, match="the limit is 1 a day"):
        board.add(Record(**{**vars(late), "submission": "ana-b"}), daily_limit=1)
    assert not board.add(late, daily_limit=1)
