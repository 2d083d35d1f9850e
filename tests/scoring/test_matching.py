import numpy as np
import pyarrow as pa
import pytest

from podium.scoring import matching
from podium.scoring.matching import permutation


def texts(values):
    return pa.array(list(values), pa.string())


@pytest.mark.parametrize("width", [1, 8, 9, 40])
@pytest.mark.parametrize("count", [1, 2, 1000, 70_000])
def test_the_same_ids_in_another_order(count, width):
    rng = np.random.default_rng(0)
    ids = [f"{number:>0{width}}" for number in range(count)]
    rng.shuffle(ids)
    order = rng.permutation(count)
    rows = permutation(texts(ids[row] for row in order), texts(ids))
    assert order[rows].tolist() == list(range(count))


def test_ids_of_other_scripts_and_lengths():
    ids = ["", "é", "e", "日本", "a\0", "a", "\0", "x" * 64]
    assert permutation(texts(reversed(ids)), texts(ids)).tolist() == list(range(8))[::-1]


@pytest.mark.parametrize(
    "given",
    [
        ["a", "b"],  # one is missing
        ["a", "b", "b"],
        ["a", "b", "d"],
        ["a", "b", None],
        ["a", "b", "c", "d"],
        ["a", "b", "c "],  # padding could hide it
        ["a", "b", "c" * 65],
        [],
    ],
)
def test_other_ids_are_not_matched(given):
    assert permutation(texts(given), texts(["a", "b", "c"])) is None


def test_ids_that_padding_could_hide_or_that_are_there_twice_are_left_to_others():
    assert permutation(texts(["b", "a "]), texts(["a ", "b"])) is None
    assert permutation(texts(["a", "a"]), texts(["a", "a"])) is None
    assert permutation(texts([]), texts([])) is None
    assert permutation(texts(["x" * 65]), texts(["x" * 65])) is None


def test_many_blocks_and_levels(monkeypatch):
    monkeypatch.setattr(matching, "_BLOCK", 10)
    monkeypatch.setattr(matching, "_hashed", lambda words: words[0] >> np.uint64(3))  # a bad one
    ids = [f"{number:06}" for number in range(500)]
    rows = permutation(texts(ids[::-1]), texts(ids))
    assert rows is None or rows.tolist() == list(range(500))[::-1]
