"""Families, and that no two relatives stand on different sides, by other code than makes them."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from podium.competitions.maize.data import families, simulate, split
from podium.competitions.maize.data import prepare as rooms

from podium.competition import folders as competition
from podium.competition.sequences import Sequences

MAIZE = competition.load("maize")
PAIRS = {"A": "T", "C": "G", "G": "C", "T": "A"}


def random_codes(rng, rows, length=170):
    return rng.integers(0, 4, (rows, length)).astype(np.uint8)


def kin(texts, k):
    """Canonical words of each text, by plain Python."""
    words = []
    for text in texts:
        other = "".join(PAIRS.get(letter, "N") for letter in reversed(text))
        count = len(text) - k + 1
        pairs = ((text[i : i + k], other[count - 1 - i : count - 1 - i + k]) for i in range(count))
        words.append({min(pair) for pair in pairs if "N" not in pair[0]})
    return words


def relatives(words, rows, others):
    """Pairs of `rows` and `others` that share a tenth of the words of the one with fewer."""
    index = {}
    for other in others:
        for word in words[other]:
            index.setdefault(word, []).append(other)
    for row in rows:
        shared = Counter(other for word in words[row] for other in index.get(word, ()))
        for other, count in shared.items():
            if count * 10 >= min(len(words[row]), len(words[other])):
                yield row, other


def test_words_are_those_of_both_strands():
    rng = np.random.default_rng(0)
    sequences = Sequences(
        np.where(rng.random((20, 40)) < 0.03, 4, random_codes(rng, 20, 40)).astype("u1")
    )
    expected = kin(sequences.texts(), 5)
    for codes, words in zip(sequences.codes, expected, strict=True):
        numbers = families.canonical(codes[None], 5)
        assert len(set(numbers[numbers >= 0].tolist())) == len(words)
    turned = families.canonical(sequences.reverse_complement().codes, 5)[:, ::-1]
    assert (turned == families.canonical(sequences.codes, 5)).all()


def test_copies_of_either_strand_are_one_family():
    rng = np.random.default_rng(1)
    codes = random_codes(rng, 30)
    copies = np.where(rng.random(codes.shape) < 0.1, (codes + 1) % 4, codes).astype(np.uint8)
    other = Sequences(copies).reverse_complement().codes
    names = families.names(Sequences(np.concatenate([codes, other])))
    assert names[:30] == names[30:]
    assert len(set(names)) == 30
    assert names[0] == "f00001"


def test_families_reach_through_others():
    a, b = random_codes(np.random.default_rng(2), 2)
    names = families.names(Sequences(np.stack([a, np.r_[a[:85], b[85:]], b])))
    assert len(set(names)) == 1


def test_sequences_without_words_are_compared_whole():
    codes = np.full((4, 20), 4, dtype=np.uint8)
    codes[:2, 3] = 1
    assert families.names(Sequences(codes)) == ["f00001", "f00001", "f00003", "f00003"]
    assert families.names(Sequences(np.zeros((2, 1), dtype=np.uint8)))


@pytest.mark.parametrize(("length", "k"), [(170, 10), (1000, 11), (3000, 12)])
def test_words_are_long_enough_to_be_shared_by_descent_alone(length, k):
    assert families.word_length(length) == k


def test_long_sequences_are_compared_by_a_sketch():
    codes = random_codes(np.random.default_rng(3), 8, 3000)
    sketch = families.words(Sequences(np.concatenate([codes, codes])))
    assert 300 < np.diff(sketch.indptr).mean() < 700
    assert len(set(families.names(Sequences(np.concatenate([codes, codes]))))) == 8


@pytest.mark.parametrize(
    ("length", "expected"),
    [(20, (7, 13)), (50, (8, 42)), (100, (1, 10)), (170, (1, 10)), (1000, (1, 10))],
)
def test_short_sequences_must_share_more(length, expected):
    codes = random_codes(np.random.default_rng(0), 9507, length)
    assert families.least_shared(Sequences(codes)) == expected


def test_short_strangers_make_no_families():
    """Of random sequences about one in a hundred has a relative; a tenth would chain them up."""
    sequences = Sequences(random_codes(np.random.default_rng(0), 6000, 50))
    sketch = families.words(sequences)
    by_tenth = Counter(families.components(sketch).tolist())
    assert len(by_tenth) < 5500
    sizes = Counter(Counter(families.names(sequences)).values())
    assert sizes[1] > 0.98 * 6000
    assert max(sizes) <= 3


def test_short_relatives_are_a_family_all_the_same():
    rng = np.random.default_rng(1)
    codes = random_codes(rng, 300, 50)
    copies = np.where(rng.random(codes.shape) < 0.03, (codes + 1) % 4, codes).astype(np.uint8)
    names = families.names(Sequences(np.concatenate([codes, copies])))
    assert np.mean([a == b for a, b in zip(names[:300], names[300:], strict=True)]) > 0.97


def test_halves_and_folds_hold_as_many_rows_as_whole_families_allow():
    sizes = [40, 30, 9, 9, 5, 5, 5, 1, 1, 1]
    family = pd.Series(np.repeat([f"f{n}" for n in range(len(sizes))], sizes))
    part = split._even(family, pd.Series("other", family.index), 2)
    assert np.bincount(part).tolist() == [53, 53]
    assert all(len(set(part[family == name])) == 1 for name in set(family))
    stratum = pd.Series(np.where(family == "f0", "maize", "other"))
    part = split._even(family, stratum, 2)
    others = stratum == "other"
    assert np.bincount(part[others]).tolist() == [33, 33]
    assert len(set(part[family == "f0"])) == 1


def frozen(name):
    return pd.read_csv(MAIZE.data_folder / "splits" / f"{name}.csv", dtype={"id": str})


@pytest.fixture(scope="module")
def demo():
    return simulate.demo()


@pytest.fixture(scope="module")
def jores(raw_folder):
    folder = raw_folder("maize")
    return rooms.both({name: folder / name for name in rooms.FILES.values()})


def same_as_frozen(made, name):
    pd.testing.assert_frame_equal(
        made.reset_index(drop=True), frozen(name), check_dtype=False, check_names=False
    )


def test_the_frozen_split_of_the_demo(demo):
    same_as_frozen(split.demo(demo), "demo")


@pytest.mark.slow
@pytest.mark.realdata
def test_the_frozen_splits_of_the_promoters(jores):
    same_as_frozen(split.jores_leaf(jores), "jores-leaf")
    same_as_frozen(split.jores_proto(jores), "jores-proto")


@pytest.mark.slow
@pytest.mark.realdata
def test_no_relatives_on_different_sides(jores):
    """Over all 14,749 rows of both files: parts, halves of the test, and folds."""
    words = kin(jores.sequences.texts(), 10)
    leaf, proto = frozen("jores-leaf"), frozen("jores-proto")
    main = leaf["id"].str.startswith("leaf")
    part = leaf["part"].where(main, proto["part"]).to_numpy()
    fold = leaf["fold"].where(main, proto["fold"]).fillna(-1).to_numpy()
    public, private, train = (np.flatnonzero(part == p) for p in ("public", "private", "train"))
    assert len(public) + len(private) + len(train) == len(part) == 14749
    assert list(relatives(words, np.r_[public, private], train)) == []
    assert list(relatives(words, public, private)) == []
    for held in range(5):
        inside, others = train[fold[train] == held], train[fold[train] > held]
        assert list(relatives(words, inside, others)) == []


@pytest.mark.slow
@pytest.mark.realdata
def test_the_other_assay_helps_to_train_and_tells_no_answers(jores):
    leaf, proto = frozen("jores-leaf"), frozen("jores-proto")
    texts = np.array(jores.sequences.texts())
    for table, assay in ((leaf, "leaf"), (proto, "proto")):
        main = table["id"].str.startswith(assay)
        part = table["part"]
        assert part[main].isin(["train", "public", "private"]).all()
        assert part[~main].isin(["extra", "unused"]).all()
        test = set(texts[part.isin(["public", "private"])])
        assert not test & set(texts[part.isin(["train", "extra"])])
        assert 0.18 < part[main].isin(["public", "private"]).mean() < 0.22
    train = set(leaf.loc[leaf["part"].isin(["train", "extra"]), "id"])
    assert train == set(proto.loc[proto["part"].isin(["train", "extra"]), "id"])
