"""Sequences: one byte a base; what is no DNA is said at once; a file is read when it is used."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from podium.competition.sequences import Sequences, cleaned
from podium.errors import DataError

TEXTS = ["ACGTN", "TTTTT", "NACGA"]
IDS = ["a", "b", "c"]


@pytest.mark.parametrize("kind", [list, pd.Series, np.array, pa.array, pa.chunked_array])
def test_letters_to_codes_and_back(kind):
    found = Sequences.of(kind([TEXTS] if kind is pa.chunked_array else TEXTS), IDS)
    assert found.codes.dtype == np.uint8
    assert found.codes[0].tolist() == [0, 1, 2, 3, 4]
    assert (len(found), found.length) == (3, 5)
    assert found.texts() == TEXTS
    assert found.text(2) == "NACGA"
    assert found.take(np.array([2, 0])).texts() == ["NACGA", "ACGTN"]


def test_a_column_of_a_joined_table():
    column = pd.concat([pd.Series(TEXTS[:1], dtype="str"), pd.Series(TEXTS[1:], dtype="str")])
    assert Sequences.of(column, IDS).texts() == TEXTS
    assert Sequences.of(pd.concat([pd.Series(TEXTS)] * 2), IDS * 2).texts() == TEXTS * 2


def test_a_part_of_an_arrow_array_is_that_part():
    assert Sequences.of(pa.array(["GGG", *TEXTS, "CC"])[1:4], IDS).texts() == TEXTS


def test_the_other_strand():
    found = Sequences.of(TEXTS, IDS)
    assert found.reverse_complement().texts() == ["NACGT", "AAAAA", "TCGTN"]
    assert (found.reverse_complement().reverse_complement().codes == found.codes).all()


def refused(texts, ids=None):
    with pytest.raises(DataError) as error:
        Sequences.of(texts, ids or [f"r{row}" for row in range(len(texts))])
    return list(error.value.problems)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["ACGT", "ACXT"], "letters other than ACGTN in 1 row: row 'r1' position 3 'X'"),
        (["ACGT", "AC T"], "letters other than ACGTN in 1 row: row 'r1' position 3 ' '"),
        (["ACGT", "A\u00c9GX"], "letters other than ACGTN in 1 row: row 'r1' position 2 '\u00c9'"),
        (
            ["acGT", "ACGt"],
            "(write ACGTN in capitals) in 2 rows: row 'r0' position 1 'a', row 'r1'",
        ),
        (["ACGU", "ACGT"], "U (is it RNA? write T) in 1 row: row 'r0' position 4 'U'"),
        (["ACGT", "ACGT", "ACG"], "4 in most rows, another in 1 row: row 'r2' has 3"),
        (["ACGT", ""], "empty sequences in 1 row: row 'r1'"),
        (["ACGT", None], "missing sequences in 1 row: row 'r1'"),
        (["ACGT", float("nan")], "missing sequences in 1 row: row 'r1'"),
        ([1, 2], "not text"),
        ([b"ACGT", 2], "not text"),
        ([b"ACG\xff", "ACGT"], "not text"),
    ],
)
def test_what_is_no_dna_is_refused(texts, words):
    assert words in "; ".join(refused(texts))


def test_all_problems_at_once_with_five_examples_each():
    problems = refused(["AXXX"] * 7 + ["acgu", "", "ACGT", "ACG", None, "AUUU"])
    assert len(problems) == 6
    assert problems[-1].startswith("letters other than ACGTN in 7 rows: row 'r0' position 2 'X'")
    assert problems[-1].endswith("row 'r4' position 2 'X', ...")


@pytest.mark.parametrize("kind", [np.int8, np.uint8, bool, np.float16, np.float32, np.float64])
def test_one_hot_either_way_round(kind):
    codes = np.random.default_rng(0).integers(0, 5, (6, 9)).astype(np.uint8)
    hot = (codes[:, None, :] == np.arange(4)[:, None]).astype(kind)
    for array in (hot, hot.transpose(0, 2, 1)):
        assert (Sequences.of_one_hot(array).codes == codes).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda hot: hot * 0.5, "not one-hot: 3 of 3 rows"),
        (lambda hot: hot + np.eye(3)[0][:, None, None], "not one-hot: 1 of 3 rows have"),
        (lambda hot: np.where(hot == 1, np.nan, 0), "not one-hot"),
        (lambda hot: -hot, "not one-hot"),
        (lambda hot: hot[0], "shape 4 x 7"),
        (lambda hot: hot[:, :3], "shape 3 x 3 x 7"),
        (lambda hot: hot[:, :, :4], "cannot be told"),
        (lambda hot: hot[:, :, :0], "empty sequences"),
        (lambda hot: hot.astype(str), "0 and 1 are expected"),
    ],
)
def test_what_is_not_one_hot_is_refused(change, words):
    hot = np.eye(4)[np.random.default_rng(0).integers(0, 4, (3, 7))].transpose(0, 2, 1)
    with pytest.raises(DataError, match=words):
        Sequences.of_one_hot(change(hot))


def test_a_file_is_mapped_and_has_the_same_content(tmp_path):
    found = Sequences.of(TEXTS, IDS)
    found.write(tmp_path / "a.npy")
    again = Sequences.open(tmp_path / "a.npy")
    assert isinstance(again.codes, np.memmap)
    assert not isinstance(again.take(np.array([0])).codes, np.memmap)
    assert b"".join(again.content()) == b"".join(found.content())
    assert b"".join(found.content()) != b"".join(found.take(np.array([0, 2, 1])).content())


@pytest.mark.parametrize(
    "text",
    [
        *(" ACGTN", "ACGTN\t", "ACG TN", "AC GT N", "acgtn", "ACgtN", "ACG\u00a0TN", "\ufeffACGTN"),
        *(
            "5'-ACGTN-3'",
            "5\u2032-ACGTN-3\u2032",
            "5' ACGTN 3'",
            "5\u2019ACGTN3\u2019",
            "5-ACGTN-3",
        ),
        *("5'-ACGTN", "ACGTN-3'", " 5'-acg tn-3' ", "5'\u2013ACGTN\u20133'"),
    ],
)
def test_what_people_write_is_read_and_said(text, capsys):
    assert Sequences.written([text, *TEXTS], ["x", *IDS], "mine.csv").texts() == ["ACGTN", *TEXTS]
    said = capsys.readouterr().err
    assert said.startswith("mine.csv: 1 sequence with ")
    assert said.endswith("read as plain capitals, the first in row 'x'\n")
    assert cleaned([text], ["x"], "mine.csv", "ACGTN") == (["ACGTN"], [])


def test_plain_sequences_are_left_alone_without_a_word(capsys):
    assert Sequences.written(TEXTS, IDS, "mine.csv").texts() == TEXTS
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3'-ACGU-5'", "written from 3' to 5' (write it from 5' to 3') in 1 row: row 'x'"),
        ("ACGU-5'", "written from 3' to 5'"),
        ("3'-ACGU", "written from 3' to 5'"),
        ("ACGT", "letters other than ACGU (write U for T) in 1 row: row 'x' position 4 'T'"),
        ("5'-ACGUdTdT-3'", "letters other than ACGU (write U for T) in 1 row: row 'x' position 5"),
        ("ACGU3", "row 'x' position 5 '3'"),
        ("ACG-UUU", "row 'x' position 4 '-'"),
        ("  ", "empty in 1 row: row 'x'"),
        ("", "empty in 1 row: row 'x'"),
        ("5'-3'", "empty in 1 row: row 'x'"),
    ],
)
def test_what_would_be_another_sequence_is_refused(text, words, capsys):
    _, problems = cleaned(["ACGU", text], ["a", "x"], "mine.csv", "ACGU")
    assert words in "; ".join(problems)
    assert capsys.readouterr().err == ""


def test_residues_have_a_t_of_their_own():
    _, problems = cleaned(["MKT1"], ["x"], "mine.csv", "ACDEFGHIKLMNPQRSTVWYU")
    assert problems == ["letters other than ACDEFGHIKLMNPQRSTVWYU in 1 row: row 'x' position 4 '1'"]


def test_dna_that_is_written_backwards_or_as_rna_is_refused():
    with pytest.raises(DataError) as error:
        Sequences.written(["3'-ACGT-5'", "acgu", "ACX"], IDS, "mine.csv")
    begin = [line.split()[0] for line in error.value.problems]
    assert begin == ["written", "mixed", "U", "letters"]


def test_long_gaps_and_blanks_cost_no_time():
    texts = ["A" + "-" * 200_000 + "C", " " * 200_000 + "A", "5" * 200_000]
    assert "letters other than ACGU" in cleaned(texts, IDS, "mine.csv", "ACGU")[1][0]
