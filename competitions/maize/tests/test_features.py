import numpy as np
import pandas as pd
import pytest
from podium.competitions.maize.shared import features, kmers, motifs

RNG = np.random.default_rng(0)


def codes(*texts: str) -> np.ndarray:
    return np.array([["ACGTN".index(letter) for letter in text] for text in texts], dtype=np.uint8)


def random(rows: int, length: int, bases: int = 4) -> np.ndarray:
    return RNG.integers(0, bases, (rows, length)).astype(np.uint8)


def text(row: np.ndarray) -> str:
    return "".join("ACGTN"[code] for code in row)


def reversed_complement(word: str) -> str:
    return word.translate(str.maketrans("ACGT", "TGCA"))[::-1]


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("canonical", [True, False])
def test_counts_are_those_of_slow_counting(k: int, canonical: bool) -> None:
    sequences = random(7, 40, bases=5)
    table, names = kmers.counts(sequences, k, canonical=canonical)
    counts = pd.DataFrame(table, columns=names)
    slow = pd.DataFrame(0.0, index=counts.index, columns=names)
    for row, sequence in enumerate(sequences):
        for place in range(40 - k + 1):
            word = text(sequence)[place : place + k]
            if "N" not in word:
                slow.loc[row, min(word, reversed_complement(word)) if canonical else word] += 1
    pd.testing.assert_frame_equal(counts, slow, check_dtype=False)


def test_sequences_shorter_than_a_word_have_none() -> None:
    table, names = kmers.counts(codes("ACG", "NNN"), 5, canonical=True)
    assert table.shape == (2, 512)
    assert table.sum() == 0
    assert names[0] == "AAAAA"


def test_scores_and_places_of_a_tata_box() -> None:
    tata = motifs.tata()
    rows = codes("GCGCGCTATAAATAGCGCGC", "GCGCGCGCGCGCGCGCGCGC", "N" * 20)
    fit = motifs.scan(rows, tata)
    assert fit.shape == (3, 13)
    assert fit[0].argmax() == 6
    assert fit[0, 6] == pytest.approx(
        sum(tata[place, "ACGT".index(base)] for place, base in enumerate("TATAAATA"))
    )
    assert fit[0].max() > 8 > -8 > fit[1].max()
    assert not fit[2].any()
    turned = motifs.scan(3 - rows[:2, ::-1], motifs.reverse_complement(tata))
    np.testing.assert_allclose(turned[:, ::-1], fit[:2], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("letters", motifs.ELEMENTS.values())
def test_words_of_the_literature(letters: str) -> None:
    scores = motifs.matrix(letters)
    np.testing.assert_allclose(np.exp2(scores).mean(axis=1), 1, rtol=1e-5)
    best = np.exp2(scores).max(axis=1) > 1.5
    assert best.tolist() == [letter != "N" for letter in letters]


@pytest.mark.parametrize("length", [1, 6, 30, 170, 1000])
@pytest.mark.parametrize("start", [0, 165, 800, 5000])
def test_any_length_and_start(length: int, start: int) -> None:
    sequences = np.concatenate([random(2, length, bases=5), np.full((1, length), 4, np.uint8)])
    table, names = features.build(sequences, start, features.GROUPS)
    assert table.shape == (3, len(names))
    assert table.dtype == np.float32
    assert np.isfinite(table).all()
    assert len(set(names)) == len(names)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = random(23, 170, bases=5)
    whole, names = features.build(sequences, 165, features.GROUPS)
    monkeypatch.setattr(features, "CHUNK", 5 * 170)
    chunked, same = features.build(sequences, 165, features.GROUPS)
    assert whole.tobytes() == chunked.tobytes()
    assert names == same


def test_a_feature_says_what_its_name_says() -> None:
    sequences = np.full((2, 170), 1, dtype=np.uint8)
    sequences[0, 131:139] = codes("TATAAATA")
    sequences[1, 160:165] = codes("GAGAT")
    table = pd.DataFrame(*features.build(sequences, 165, features.GROUPS)[:1])
    table.columns = features.build(sequences[:0], 165, features.GROUPS)[1]
    assert table["word.ATA"].tolist() == [2, 0]
    assert table["composition.A-35"].tolist() == pytest.approx([0.5, 0])
    assert table["core.-1"].tolist() == [1, 3]
    assert table["core.-2"].tolist() == [1, 0]
    assert table["region.gc-25+0"].tolist() == pytest.approx([1, 22 / 25])
    assert table["tata.fit-40-28"][0] > 8 > table["tata.fit-40-28"][1]
    assert table["tata.place-40-28"][0] == 131 - (165 - 40)
    assert table["tata.forward_place"][0] == 131


def test_no_rows() -> None:
    table, names = features.build(random(0, 170), 165, features.GROUPS)
    assert table.shape == (0, len(names))


def test_gc_counts_known_bases_only() -> None:
    assert features.gc(codes("GCNN", "ATGC", "NNNN")).tolist() == [1.0, 0.5, 0.5]


@pytest.mark.parametrize(
    ("assay", "given", "start"),
    [("leaf", None, 165), ("simulated", None, 800), ("mine", None, 100), ("leaf", 7, 7)],
)
def test_where_the_start_site_is(assay: str, given: int | None, start: int) -> None:
    table = pd.DataFrame({"assay": [assay] * 2})
    assert features.start_site(table, 200, given) == start


@pytest.mark.parametrize(
    ("word", "both", "element"),
    [
        ("TATAAATA", False, "tata"),
        ("CTATATAA", False, "tata"),
        ("TTTATAGC", True, "tata"),
        ("GAGAGAGA", True, "y_patch"),
        ("GAGAGAGA", False, ""),
        ("AGCCAATC", False, "ccaat"),
        ("CTCAATCC", False, "initiator"),
        ("AACCGGTT", True, ""),
    ],
)
def test_known_elements_are_named(word: str, both: bool, element: str) -> None:
    assert motifs.name(word, both=both) == element


def test_few_words_of_chance_are_named() -> None:
    rng = np.random.default_rng(0)
    named = [motifs.name(text(row), both=True) for row in rng.integers(0, 4, (60, 8))]
    assert sum(element != "" for element in named) <= 8
