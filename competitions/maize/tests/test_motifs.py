"""Motif discovery: the scan, places of motifs, and what happens where there is nothing to find."""

import logging
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from podium.competitions.maize.metric import TARGET
from podium.competitions.maize.models import motifs as model
from podium.competitions.maize.shared import discovery, kmers, sites
from podium.competitions.maize.shared.features import RHO
from podium.competitions.maize.shared.sites import Motif, Word

from podium.competition import defaults
from podium.competition.part import Part
from podium.competition.sequences import Sequences
from podium.errors import ModelError

RNG = np.random.default_rng(0)
LENGTH, FIRST = 100, 40


def codes(*texts):
    return np.array([["ACGTN".index(letter) for letter in text] for text in texts], dtype=np.uint8)


def part(bases, answers, families=None):
    rows = len(bases)
    names = [f"f{row}" for row in range(rows)] if families is None else families
    return Part(
        name="train",
        ids=pd.Index([str(row) for row in range(rows)]),
        features=pd.DataFrame({"species": ["maize"] * rows, "assay": "simulated"}),
        sequences=Sequences(bases),
        targets=pd.DataFrame({TARGET: np.asarray(answers, dtype=np.float64)}),
        folds=np.arange(rows) % 5,
        groups=pd.DataFrame({"family": names}),
    )


@pytest.fixture(scope="module")
def planted():
    """A third has one word near its middle, on either strand, which alone is worth 2."""
    bases = RNG.integers(0, 4, (300, LENGTH)).astype(np.uint8)
    there, flip = RNG.random(300) < 0.35, RNG.random(300) < 0.5
    word = codes("GTCACGTA")[0]
    first = FIRST + RNG.integers(0, 10, 300)
    for row in np.flatnonzero(there):
        bases[row, first[row] : first[row] + 8] = 3 - word[::-1] if flip[row] else word
    return part(bases, 2 * there + RNG.normal(0, 0.5, 300)), there


def built(train, **changes):
    made = model.build({**defaults(model.PARAMETERS), **model.QUICK, **changes}, 0)
    made.fit(train)
    return made


def test_families_are_a_dense_covariance():
    names = np.array(list("abacbadee"))
    same = names[:, None] == names
    inverse = np.linalg.inv(np.eye(len(names)) + RHO * same)
    values, table = RNG.normal(size=len(names)), RNG.normal(size=(len(names), 2))
    families = discovery.Families(names)
    np.testing.assert_allclose(families.weighed(values), inverse @ values)
    weights = np.linalg.solve(table.T @ inverse @ table, table.T @ inverse @ values)
    np.testing.assert_allclose(families.fit(table, values), weights)
    np.testing.assert_allclose(
        families.residuals(table, values), inverse @ (values - table @ weights)
    )


def test_the_scan_is_that_of_a_slow_search():
    bases = RNG.integers(0, 5, (12, 11)).astype(np.uint8)
    residuals = RNG.normal(size=12)
    scan = discovery.Scan(bases, 2, 3)
    numbers = kmers.words(bases, 2)
    assert (scan.places, scan.bins) == (10, 4)
    highest = 0.0
    for letters in (a + b for a in "ACGT" for b in "ACGT"):
        for first, last in combinations((0, 3, 6, 9, 10), 2):
            for both in (False, True):
                count = sites.matching(numbers, Word(letters, first, last, both, 0)).sum(axis=1)
                spread = count @ residuals**2 + discovery.PRIOR * np.mean(residuals**2)
                highest = max(highest, abs(count @ residuals) / np.sqrt(spread))
    best = scan.best(residuals)
    assert abs(best.z) == pytest.approx(highest, rel=1e-5)
    count = sites.matching(numbers, best).sum(axis=1)
    assert np.sign(count @ residuals) == np.sign(best.z)


def test_long_sequences_have_wider_bins():
    scan = discovery.Scan(np.zeros((1, 3000), np.uint8), 2, 20)
    assert scan.width == 60
    assert scan.bins == discovery.MOST_BINS


def test_finds_what_was_planted_where_it_was(planted):
    train, there = planted
    [motif, *others] = discovery.discover(train, train.targets[TARGET].to_numpy(), 5.0, 20)
    assert not others
    assert motif.word.letters in {"GTCACGTA", "TACGTGAC"}
    assert motif.word.both
    assert motif.word.first <= FIRST < FIRST + 10 <= motif.word.last <= FIRST + 40
    assert motif.word.z > 8
    assert motif.worth == pytest.approx(2, abs=0.3)
    bits = motif.matrix[sites.FLANK : -sites.FLANK]
    assert "".join("ACGT"[base] for base in bits.argmax(axis=1)) == motif.word.letters
    assert bits.max(axis=1).min() > 1.5 > motif.matrix[: sites.FLANK].max()
    table, names = sites.build(np.asarray(train.sequences.codes), [motif])
    assert (table[:, names.index(f"{motif.word.letters}.count")] > 0).sum() == there.sum()


def test_finds_a_partner():
    """A word counts only beside another, 20 to 30 bases behind it."""
    bases = RNG.integers(0, 4, (600, 160)).astype(np.uint8)
    anchor, partner = RNG.random((2, 600)) < 0.6
    bases[anchor, 60:68] = codes("CATGACTG")[0]
    bases[partner, 91:97] = codes("TTGACC")[0]
    answers = anchor + 3.0 * (anchor & partner) + RNG.normal(0, 0.5, 600)
    motifs = discovery.discover(part(bases, answers), answers, 5.0, 1)
    assert motifs[0].word.letters in {"CATGACTG", "CAGTCATG"}
    assert motifs[0].partners[0].letters in {"TTGACC", "GGTCAA"}
    table, names = sites.build(bases, motifs)
    column = next(name for name in names if name.endswith("_there"))
    there = table[:, names.index(column)]
    distance = table[anchor & partner, names.index(column.replace("there", "distance"))]
    assert np.mean(distance == (31 if motifs[0].word.letters == "CATGACTG" else 29)) > 0.95
    assert there[anchor & partner].all()
    assert there[~partner].mean() < 0.1


def test_windows_read_either_strand_and_n_outside():
    cut = sites.windows(codes("AACGN", "AACGN"), np.array([-1, 1]), 4, np.array([False, True]))
    assert cut.tolist() == codes("NAAC", "NCGT").tolist()


def test_a_motif_is_placed_on_the_strand_that_counts():
    rows = codes("GGGGGGGGGAACCTGGGGGG", "GGGGGGGGGAGGTTGGGGGG", "NNNNNNNNNNNNNNNNNNNN")
    matrix = np.pad(np.full((5, 4), -2.0), ((3, 3), (0, 0)))
    matrix[range(3, 8), codes("AACCT")[0]] = 2
    matrix = matrix.astype(np.float32)
    word = Word("AACCT", 0, 16, both=True, z=9.0)
    place = sites.place_word(rows, Motif(word, matrix))
    assert place.bits[:2, 0].tolist() == [10, 10]
    assert place.first[:2].tolist() == [9, 9]
    assert place.flip.tolist() == [False, True, False]
    assert not place.bits[2].any()
    forward = sites.place_word(rows, Motif(replace(word, both=False), matrix))
    assert forward.bits[1, 0] < 10
    outside = sites.place_word(rows, Motif(replace(word, last=8), matrix))
    assert outside.bits[0, 0] < outside.bits[0, 2] == 10


def test_chunks_change_nothing(planted, monkeypatch):
    train, _ = planted
    bases = np.asarray(train.sequences.codes)
    motifs = discovery.discover(train, train.targets[TARGET].to_numpy(), 3.5, 3)
    whole, names = sites.build(bases, motifs)
    assert whole.shape == (300, len(names))
    monkeypatch.setattr(sites, "CHUNK", 7 * LENGTH)
    np.testing.assert_array_equal(sites.build(bases, motifs)[0], whole)


def nothing_to_find():
    bases = RNG.integers(0, 4, (60, 50)).astype(np.uint8)
    answers = RNG.normal(size=60)
    yield "one family", part(bases, answers, ["f"] * 60)
    yield "equal answers", part(bases, np.full(60, 0.1))
    yield "only N", part(np.full_like(bases, 4), answers)
    yield "few rows", part(bases[:3], answers[:3])
    yield "one row", part(bases[:1], answers[:1])
    yield "short", part(bases[:, :5], answers)
    yield "no families told", replace(part(bases, answers), groups=None)


@pytest.mark.parametrize(("what", "train"), list(nothing_to_find()))
def test_where_nothing_is_found_a_sentence_says_so(what, train, caplog):
    with caplog.at_level(logging.WARNING):
        fallen = built(train)
    assert fallen.motifs == [], what
    assert "No word of train goes with expression" in caplog.text
    predicted = fallen.predict(train.without_answers())[TARGET]
    assert np.isfinite(predicted).all()
    if what == "equal answers":
        np.testing.assert_allclose(predicted, 0.1)


def test_one_fold_is_enough(planted):
    train, _ = planted
    fitted = built(train.take(train.folds == 0), least_z=2.0)
    assert np.isfinite(fitted.predict(train.without_answers())[TARGET]).all()


@pytest.mark.parametrize("other", [LENGTH - 10, LENGTH + 1])
def test_sequences_of_another_length_are_refused(planted, other):
    train, _ = planted
    longer = part(np.zeros((4, other), np.uint8), np.zeros(4)).without_answers()
    with pytest.raises(ModelError, match=f"{other} bases, those of train {LENGTH}"):
        built(train).predict(longer)


def test_a_word_that_repeats_in_a_row_joins_once():
    """Answers go with the length of a run of A, of which one fit of presence leaves much."""
    bases, runs = RNG.integers(0, 4, (300, 60)).astype(np.uint8), RNG.integers(0, 30, 300)
    for row, run in enumerate(runs):
        bases[row, 20 : 20 + run] = 0
    answers = runs / 5 + RNG.normal(0, 0.5, 300)
    motifs = discovery.discover(part(bases, answers), answers, 5.0, 20)
    for words in [motif.word for motif in motifs], *(motif.partners for motif in motifs):
        assert len({(word.letters, word.first, word.last, word.both) for word in words}) == len(
            words
        )
    for one, other in combinations([motif.word for motif in motifs], 2):
        apart = one.last <= other.first or other.last <= one.first
        assert one.letters != other.letters or apart
