"""Predictions that equal, or nearly, those of another team: who is marked, and who is not."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import podium
from podium.figures import shown
from podium.leaderboard.board import Batch, open_board
from podium.leaderboard.record import now
from podium.scoring.likeness import _codes, _correlations, _equal, _matches


@pytest.fixture
def hand_in(toy, sample):
    """Hands in numbers, a file a call; gives the submission's ID."""

    def hand_in(team, y, file="f.csv", **names):
        table = sample.assign(y=np.clip(y, -100, 100))
        table.to_parquet(file) if file.endswith("parquet") else table.to_csv(file, index=False)
        return podium.submit("toy", file, team=team, **names).row.submission

    return hand_in


@pytest.fixture
def y(sample):
    return np.random.default_rng(0).normal(scale=9, size=len(sample))


def marked(found=None):
    return [(row.team, row.how, row.first) for row in (found or podium.copies("toy")).rows]


def test_a_copied_file_is_marked_and_its_source_is_not(hand_in, y):
    source = hand_in("ana", y)
    hand_in("bob", y)
    hand_in("cid", y[::-1])
    assert marked() == [("bob", "same file", source)]
    assert podium.copies("toy").compared == 3


def test_the_same_values_in_another_file_and_nearly_the_same(hand_in, y):
    rng = np.random.default_rng(1)
    source = hand_in("ana", y)
    hand_in("bob", y, "f.parquet")
    hand_in("cid", 0.9 * y + 1)
    hand_in("dan", y + 0.001 * rng.normal(size=len(y)))
    few = y.copy()
    few[:3] = 50
    hand_in("eve", few)
    hand_in("fay", y + 2 * rng.normal(size=len(y)))
    ways = ["same values", "nearly", "nearly", "nearly"]
    assert marked() == [
        (team, how, source) for team, how in zip(("bob", "cid", "dan", "eve"), ways, strict=True)
    ]
    for row in podium.copies("toy").rows:
        assert (row.agreement, row.same) == shown((row.agreement, row.same))


def test_what_only_a_metric_that_ranks_takes_for_the_same_is_marked(hand_in, y):
    source = hand_in("ana", y)
    hand_in("bob", np.sign(y) * np.abs(y) ** 1.2)
    assert marked() == [("bob", "nearly", source)]


def test_what_a_team_makes_of_its_own_is_no_copy_of_those_who_copied_it(hand_in, y):
    source = hand_in("ana", y)
    hand_in("bob", 0.9 * y)
    hand_in("bob", 0.8 * y)
    hand_in("ana", 0.7 * y)
    hand_in("ana", 0.9 * y, "again.parquet")  # the values that bob had first
    assert marked() == [("bob", "nearly", source)] * 2


def test_withdrawn_ones_tell_all_the_same(hand_in, y):
    source = hand_in("ana", y)
    podium.withdraw(source, team="ana")
    hand_in("bob", y)
    assert marked() == [("bob", "same file", source)]


def test_a_model_that_both_trained_says_so(toy):
    podium.run("toy", "constant", team="ana")
    podium.run("toy", "constant", team="bob")
    (row,) = podium.copies("toy").rows
    assert row.trained_alike
    assert row.how == "same file"


def test_files_that_are_missing_are_told_and_compared_by_sha256(hand_in, y, podium_cli):
    source = hand_in("ana", y)
    gone = hand_in("bob", 2 * y)
    next(Path("submissions").rglob(f"{gone}.csv")).unlink()
    board = open_board()
    record = next(r for r in board.records() if r.submission == source)
    claim = {"submission": "claimed", "team": "cid", "file": None, "created": now()}
    board.merge(Batch(claims=[replace(record, **claim)]))
    found = podium.copies("toy")
    assert marked(found) == [("cid", "same file", source)]
    assert list(found.missing) == [gone]
    told = podium_cli("board", "toy", "--copies").err
    assert f"{gone} was compared by its sha256 alone" in told
    assert ".csv is missing" in told


def test_every_form_has_it(hand_in, y, podium_cli):
    source = hand_in("ana", y, name="mine")
    assert podium_cli("board", "toy", "--copies").err.startswith("0 of 1 submissions")
    assert "agreement" in podium.copies("toy").to_frame()
    copy = hand_in("bob", y, name="=mine")
    shown = podium_cli("board", "toy", "--copies")
    assert shown.out.split("\n")[1].split() == [
        copy, "bob/=mine", "1.0000", "100", "%", "same", "file", source, "ana/mine",
    ]  # fmt: skip
    assert podium_cli("board", "toy", "--copies", "--json").json["rows"][0]["first"] == source
    (row,) = csv.DictReader(
        io.StringIO(podium_cli("board", "toy", "--copies", "--format", "csv").out)
    )
    assert (row["how"], row["name"], row["first_team"]) == ("same file", "'=mine", "ana")
    assert podium_cli("board", "toy", "--copies", "--format", "markdown").out.count("| ") > 10
    for choice in (["--team", "ana"], ["--team", ""], ["--top", "0"]):
        refused = podium_cli("board", "toy", "--copies", *choice)
        assert refused.status == 1
        assert "podium board toy --dataset demo --copies" in refused.err
    assert "<Copies: 1 of 2 submissions" in repr(podium.copies("toy"))
    assert len(podium.copies("toy").to_frame()) == 1


def test_likeness_of_labels_whatever_they_are_called():
    within = np.repeat([0, 1], 50)
    rng = np.random.default_rng(0)
    labels = rng.choice(list("abc"), 100)
    renamed = np.where(within == 0, np.char.add("x", labels), labels)
    changed = labels.copy()
    changed[[3, 60]] = "d"
    codes = np.array([_codes(some, within) for some in (labels, renamed, changed)])
    assert (codes[0] == codes[1]).all()
    share = _matches(codes, within)
    assert share[0, 1] == 1
    assert share[0, 2] == share[2, 0] == 0.98


def test_constants_and_what_is_commonest_tell_nothing():
    values = np.array([[0, 0, 0, 0, 1], [0, 0, 0, 2, 0], [0, 0, 0, 0, 0]], dtype=np.float32)
    assert _equal(values)[0, 1] == 0
    assert _equal(values)[0, 2] == 0
    assert _correlations(values)[0, 2] == 0
    assert np.allclose(_correlations(values)[:2, :2], np.corrcoef(values[:2]))
