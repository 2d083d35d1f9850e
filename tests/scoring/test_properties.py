"""Readers of predictions over generated files: any guise gives the same values, no other error."""

import csv
import io
import tempfile
from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.competition.folders import load
from podium.data import formats, parsing, reader
from podium.errors import SubmissionError
from podium.scoring import submission

ROWS = 9
IDS = pa.array([f"{row:02d} ä" for row in range(ROWS)])
VALUES = st.lists(st.floats(-100, 100), min_size=ROWS, max_size=ROWS)
ORDER = st.permutations(range(ROWS))
ANY_VALUE = st.one_of(st.floats(), st.integers(), st.text(max_size=8), st.booleans(), st.none())
NAMES = st.sampled_from(["id", "y", "Y", "", "z", "__index_level_0__", "a.b", "\u202e"])


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """HDF5 without a process of its own, which takes its time."""
    process = mock.MagicMock()
    process.return_value.__enter__.return_value.read = parsing.parse
    monkeypatch.setattr(reader, "Reader", process)


def aligned(path):
    toy = load("toy")
    return submission.align(reader.read(path, formats.Expected.of(toy, ROWS)), toy, IDS)["y"]


def through(ending, write):
    """Write a file of that ending, read it, align it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"p{ending}"
        write(path)
        return aligned(path)


def same_bits(found, values):
    return found.tobytes() == np.array(values, dtype=float).tobytes()


def frame(values, order, swap):
    table = pd.DataFrame({"id": IDS.to_pylist(), "y": values}).iloc[list(order)]
    return table[["y", "id"]] if swap else table


@given(
    VALUES,
    ORDER,
    st.booleans(),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.sampled_from(["{!r}", "{:.17g}", "{:.20e}", "{:+.17G}"]),
    st.booleans(),
)
def test_any_csv_gives_the_same_bits(values, order, swap, ending, quoting, encoding, form, last):
    table = frame([form.format(value) for value in values], order, swap)
    text = io.StringIO()
    table.to_csv(text, index=False, quoting=quoting, lineterminator="\n")
    content = text.getvalue() if last else text.getvalue().rstrip("\n")
    content = content.replace("\n", ending).encode(encoding)
    assert same_bits(through(".csv", lambda path: path.write_bytes(content)), values)


@given(
    VALUES,
    ORDER,
    st.booleans(),
    st.sampled_from(["none", "snappy", "zstd", "gzip"]),
    st.booleans(),
    st.sampled_from([1, 4, 100]),
    st.sampled_from(["str", "category", "string[pyarrow]", object]),
)
def test_any_parquet_gives_the_same_bits(values, order, swap, packed, coded, rows, kind):
    table = frame(values, order, swap).astype({"id": kind})
    options = {"compression": packed, "use_dictionary": coded, "row_group_size": rows}
    assert same_bits(through(".parquet", lambda path: table.to_parquet(path, **options)), values)


@given(
    VALUES,
    ORDER,
    st.booleans(),
    st.sampled_from(["", "predictions/"]),
    st.sampled_from(["<f8", ">f8"]),
    st.booleans(),
    st.sampled_from([None, "latest"]),
)
def test_any_hdf5_gives_the_same_bits(values, order, fixed, group, kind, packed, version):
    table = frame(values, order, swap=False)
    names = [text.encode() for text in table["id"]] if fixed else table["id"].tolist()

    def write(path):
        options = {"compression": "gzip", "chunks": (4,)} if packed else {}
        with h5py.File(path, "w", libver=version) as file:
            file.create_dataset(f"{group}id", data=names, **options)
            file.create_dataset(f"{group}y", data=table["y"].to_numpy().astype(kind), **options)

    assert same_bits(through(".h5", write), values)


@given(VALUES, ORDER)
def test_what_a_model_returns_is_written_and_read_bit_for_bit(values, order):
    table = frame(values, order, swap=False)
    assert same_bits(through(".parquet", lambda path: submission.write(table, path)), values)


def scored_or_refused(ending, write):
    """A table that does not fit is refused in words, never by another error."""
    said = ""
    try:
        found = through(ending, write)
    except SubmissionError as error:
        said = str(error)
    assert all(c.isprintable() or c == "\n" for c in said)
    assert said or (np.abs(found) <= 100).all()


@given(st.lists(NAMES, max_size=4), st.lists(st.lists(ANY_VALUE, max_size=4), max_size=5))
def test_tables_that_do_not_fit_as_csv(header, rows):
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    content = text.getvalue().encode("utf-8", "surrogatepass")
    scored_or_refused(".csv", lambda path: path.write_bytes(content))


@given(st.binary(max_size=200), st.sampled_from(formats.TABLES))
def test_bytes_that_are_no_table(content, ending):
    scored_or_refused(ending, lambda path: path.write_bytes(content))


COLUMN = st.one_of(
    st.lists(st.floats(), min_size=3, max_size=3),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3),
    st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.lists(st.none(), min_size=3, max_size=3),
    st.lists(st.dates(), min_size=3, max_size=3),
    st.lists(st.lists(st.integers(0, 9), max_size=2), min_size=3, max_size=3),
    st.lists(st.decimals(-9, 9, places=2), min_size=3, max_size=3),
    st.lists(st.binary(max_size=4), min_size=3, max_size=3),
)


@given(st.lists(st.tuples(NAMES, COLUMN), max_size=4))
def test_tables_that_do_not_fit_as_parquet(columns):
    import pyarrow.parquet as pq

    names = [name for name, _ in columns]
    table = pa.Table.from_arrays([pa.array(values) for _, values in columns], names=names)
    scored_or_refused(".parquet", lambda path: pq.write_table(table, path))


@given(st.dictionaries(NAMES.filter(bool), st.lists(st.floats(), max_size=3), max_size=4))
def test_tables_that_do_not_fit_as_hdf5(columns):
    def write(path):
        with h5py.File(path, "w") as file:
            for name, values in columns.items():
                file[name] = np.array(values)

    scored_or_refused(".h5", write)
