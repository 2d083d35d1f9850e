"""The one validated join: formats, order, and everything that is refused."""

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import podium
from podium.competition.contract import Target
from podium.competition.folders import load
from podium.data import parsing
from podium.data.formats import Expected
from podium.data.reader import Reader, read
from podium.errors import SubmissionError
from podium.scoring import submission

IDS = pa.array([f"{row:03d}" for row in range(12)])
TOY = Expected.of(load("toy"), len(IDS))
GOOD = pd.DataFrame({"id": IDS.to_pylist(), "y": np.linspace(-100, 100, 12)})


def read_text(text, name="p.csv"):
    path = Path(name)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return submission.align(read(path, TOY), load("toy"), IDS)["y"]


def refused(text, name="p.csv"):
    with pytest.raises(SubmissionError) as error:
        read_text(text, name)
    return str(error.value)


def csv(frame=GOOD, **options):
    return frame.to_csv(index=False, **options)


@pytest.mark.parametrize("ending", ["csv", "CSV", "parquet", "h5", "hdf5"])
def test_formats(ending, tmp_path):
    path = tmp_path / f"p.{ending}"
    shuffled = GOOD.sample(frac=1, random_state=1)
    if ending == "parquet":
        shuffled.to_parquet(path)
    elif ending.startswith("h"):
        with h5py.File(path, "w") as file:
            file["id"] = shuffled["id"].tolist()
            file["y"] = shuffled["y"].to_numpy()
    else:
        shuffled.to_csv(path, index=False)
    values = submission.align(read(path, TOY), load("toy"), IDS)["y"]
    assert np.array_equal(values, GOOD["y"])


def test_other_writers_are_understood():
    assert np.array_equal(
        read_text(b"\xef\xbb\xbf" + csv(lineterminator="\r\n").encode()), GOOD["y"]
    )
    assert np.array_equal(read_text(csv(quoting=1)), GOOD["y"])
    categories = GOOD.astype({"id": "category"})
    categories.to_parquet("c.parquet")
    aligned = submission.align(read(Path("c.parquet"), TOY), load("toy"), IDS)
    assert np.array_equal(aligned["y"], GOOD["y"])


@pytest.mark.parametrize("size", [1, 5])
def test_ids_in_parquet_are_read_plainly_only_where_all_are_short(tmp_path, size):
    path, names = tmp_path / "p.parquet", [*IDS.to_pylist()[:-1], "x" * 5000]
    pq.write_table(pa.table({"id": names, "y": GOOD["y"]}), path, row_group_size=size)
    metadata = pq.read_metadata(path)
    assert not parsing._few_bytes(path, metadata, pa.string())
    with pytest.raises(SubmissionError, match="column 'id' has a value of 5,000 bytes"):
        read(path, TOY)
    pq.write_table(pa.table({"id": IDS, "y": GOOD["y"]}), path, row_group_size=size)
    assert parsing._few_bytes(path, pq.read_metadata(path), pa.string())
    assert read(path, TOY).column("id").type == pa.string()


def test_ids_are_text_and_keep_their_zeros():
    assert "12 unknown ids: 0, 1, 2, 3, 4, ..." in refused(csv(GOOD.assign(id=range(12))))


def test_everything_is_said_at_once():
    text = refused("id,y\n000,1\n000,abc\n001,\n002,inf\n003,101\n004,-inf\nxyz,1\n,2\n")
    for words in (
        "1 row without an id",
        "1 unknown id: xyz",
        "7 ids missing: 005, 006, 007, 008, 009, ...",
        "1 id more than once: 000",
        "1 value no number: row 2 ('abc')",
        "1 value missing or NaN: row 3 (None)",
        "2 values infinite: row 4 ('inf'), row 6 ('-inf')",
        "1 value outside [-100, 100]: row 5 ('101')",
    ):
        assert words in text


def test_columns():
    assert "column 'y' is missing" in refused(csv(GOOD[["id"]]))
    assert "column 'id' is missing" in refused(csv(GOOD[["y"]]))
    said = refused(csv(GOOD.drop(columns="y").assign(z=1, Y=1)))
    assert "column 'y' is missing (there is 'Y')" in said
    assert "2 unexpected columns: 'z', 'Y'" in said
    assert "column 'y' is there twice" in refused(csv(GOOD[["id", "y", "y"]]))
    assert "if it has the ids, call it 'id'" in refused(GOOD.set_index("id").to_csv(index_label=""))
    assert "commas are expected" in refused(csv(sep=";"))


def test_values_of_other_types():
    frame = GOOD.assign(y=pd.date_range("2020-01-01", periods=12))
    frame.to_parquet("p.parquet")
    with pytest.raises(SubmissionError, match="numbers are expected"):
        submission.align(read(Path("p.parquet"), TOY), load("toy"), IDS)


def test_a_table_that_was_handed_in_is_not_of_a_predict(toy):
    nested = GOOD.assign(y=[[0.0]] * 12)
    for call in (podium.check, podium.submit):
        with pytest.raises(SubmissionError, match=r"^The table has columns that are no plain"):
            call("toy", nested)
    with pytest.raises(SubmissionError, match=r"^predict\(\) returned columns that are no plain"):
        submission.from_pandas(nested)


def test_decimal_ids_get_a_hint():
    ids = pa.array([str(row) for row in range(12)])
    frame = GOOD.assign(id=[f"{row}.0" for row in range(12)])
    with pytest.raises(SubmissionError, match="saved as decimals"):
        submission.align(submission.from_pandas(frame), load("toy"), ids)


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (b"", "p.csv", "p.csv is empty"),
        (b"id,y\n", "p.csv", "the table has no rows"),
        (b"id,y\n000,1,5\n001\n", "p.csv", "2 rows do not have 2 fields"),
        (b"PAR1 broken", "p.parquet", "cannot be read as Parquet"),
        (b"no hdf5", "p.h5", "cannot be read as HDF5"),
        (b"\x80\x04\x95", "p.pkl", "no format that Podium reads"),
    ],
)
def test_files_that_are_no_tables(text, name, words):
    assert words in refused(text, name)


def test_a_directory_and_a_missing_file(tmp_path):
    with pytest.raises(SubmissionError, match="is a directory"):
        read(tmp_path, TOY)
    with pytest.raises(SubmissionError, match="does not exist"):
        read(tmp_path / "none.csv", TOY)


def test_hdf5_of_another_shape(tmp_path):
    with h5py.File(tmp_path / "p.h5", "w") as file:
        file["id"], file["y"] = ["a", "b"], np.zeros((2, 2))
    with pytest.raises(SubmissionError, match="one dimension: y"):
        read(tmp_path / "p.h5", TOY)
    with h5py.File(tmp_path / "p.h5", "w") as file:
        file["id"], file["y"] = ["a", "b"], np.zeros(3)
    with pytest.raises(SubmissionError, match="differ in length: id 2, y 3"):
        read(tmp_path / "p.h5", TOY)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.floats(-100, 100), min_size=12, max_size=12), st.permutations(range(12)))
def test_any_order_gives_the_same_values_exactly(values, order):
    frame = GOOD.assign(y=values).iloc[list(order)]
    assert np.array_equal(read_text(csv(frame)), values)


def test_files_are_kept_whole_and_once(tmp_path):
    source = tmp_path / "p.csv"
    source.write_text(csv())
    kept = submission.keep(source, tmp_path / "folder", "name.csv")
    source.write_text(csv())
    again = submission.keep(source, tmp_path / "folder", "name.csv")
    assert kept == again
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["name.csv"]
    assert kept.read_text() == csv()


@pytest.mark.parametrize(
    ("ids", "y", "words"),
    [
        (pa.array([b"\xff"] * 12), pa.array([1.0] * 12), "column 'id' has type binary"),
        (pa.array([[1]] * 12), pa.array([1.0] * 12), "column 'id' has type list"),
        (pa.nulls(12), pa.array([1.0] * 12), "12 rows without an id"),
        (IDS, pa.array([True] * 12), "column 'y' has type bool"),
        (IDS, pa.nulls(12), "column 'y' has type null"),
        (IDS, pa.array([2**62 + 1] * 12), "12 values outside"),
        (IDS, pa.array(["1e999"] * 12), "12 values infinite"),
        (IDS, pa.array(["0x10"] * 12), "12 values no number"),
    ],
)
def test_columns_of_any_type_are_scored_or_named(ids, y, words):
    with pytest.raises(SubmissionError, match=words):
        submission.align(pa.table({"id": ids, "y": y}), load("toy"), IDS)


@pytest.mark.parametrize(
    "y",
    [
        pa.array(range(12), pa.uint8()),
        pa.array(np.arange(12, dtype=np.float16)),
        pa.array([f" {row} " for row in range(12)]).cast(pa.string_view()),
        pa.array([str(row) for row in range(12)]).dictionary_encode(),
    ],
)
def test_numbers_in_any_guise_are_understood(y):
    table = pa.table({"id": IDS.dictionary_encode(), "y": y})
    assert np.array_equal(submission.align(table, load("toy"), IDS)["y"], np.arange(12))


LABELLED = dataclasses.replace(load("toy"), targets=(Target(name="y", label=True),))
ABC = pa.array(["a", "b", "c"])


def labels(values, known=None, notes=None):
    """The labels that a column of three stands for."""
    column = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    known = None if known is None else {"y": known}
    table = pa.table({"id": ABC, "y": column})
    return list(submission.align(table, LABELLED, ABC, known=known, notes=notes)["y"])


@pytest.fixture(scope="module")
def one_reader():
    """The process that reads files, started once."""
    with Reader() as reader:
        yield reader


def in_every_guise(texts, values, reader):
    """The same column in CSV, quoted CSV, Parquet, memory, HDF5 and AnnData."""
    table = pd.DataFrame({"id": ABC.to_pylist(), "y": values})
    Path("plain.csv").write_text(
        "id,y\n" + "".join(f"{i},{t}\n" for i, t in zip("abc", texts, strict=True))
    )
    quoted = "".join(f'"{i}","{t}"\n' for i, t in zip("abc", texts, strict=True))
    Path("quoted.csv").write_text("id,y\n" + quoted)
    table.to_parquet("plain.parquet")
    table.astype({"y": "category"}).to_parquet("categories.parquet")
    with h5py.File("plain.h5", "w") as file:
        file["id"] = ABC.to_pylist()
        file["y"] = values
    codes = table["y"].astype("category").cat
    with h5py.File("plain.h5ad", "w") as file:
        file.attrs["encoding-type"] = "anndata"
        obs = file.create_group("obs")
        obs.attrs["_index"] = "name"
        obs["name"] = ABC.to_pylist()
        obs["y/categories"], obs["y/codes"] = codes.categories.tolist(), codes.codes
    names = ["plain.csv", "quoted.csv", "plain.parquet", "categories.parquet", "plain.h5"]
    names.append("plain.h5ad")
    tables = [read(Path(name), Expected.of(LABELLED, 3), reader) for name in names]
    return [list(submission.align(t, LABELLED, ABC)["y"]) for t in tables] + [
        list(submission.align(submission.from_pandas(table), LABELLED, ABC)["y"])
    ]


@pytest.mark.parametrize(
    ("texts", "values", "expected"),
    [
        (["2.0", "3.0", "2.0"], [2.0, 3.0, 2.0], ["2", "3", "2"]),
        (["-1.0", "0.0", "10.0"], [-1.0, 0.0, 10.0], ["-1", "0", "10"]),
        (["2", "3", "2"], [2, 3, 2], ["2", "3", "2"]),
        (["True", "False", "True"], [True, False, True], ["True", "False", "True"]),
        (["01", "1", "1.0"], ["01", "1", "1.0"], ["01", "1", "1.0"]),
        (["1E2", "100", "100.0"], ["1E2", "100", "100.0"], ["1E2", "100", "100.0"]),
        (["NA", "None", "nan"], ["NA", "None", "nan"], ["NA", "None", "nan"]),
        (["+2", "2", "x"], ["+2", "2", "x"], ["+2", "2", "x"]),
    ],
)
def test_labels_are_the_same_in_every_guise(workspace, one_reader, texts, values, expected):
    for guise in in_every_guise(texts, values, one_reader):
        assert guise == expected


def test_labels_are_whole_numbers_or_text():
    assert labels([1, 2, 2]) == ["1", "2", "2"]
    assert labels(["L1", "WM", "L1"]) == ["L1", "WM", "L1"]
    assert labels(["2.0", "3", "-0.0"]) == ["2", "3", "0"]
    assert labels(["2.0", "3", "x"]) == ["2.0", "3", "x"]
    assert labels([1.0, 2.0, 2.0]) == ["1", "2", "2"]
    assert labels(pa.array([1, 2, 2]).cast(pa.decimal128(25, 2))) == ["1", "2", "2"]
    assert labels(pa.array(np.array([1, 2, 2], dtype=np.float16))) == ["1", "2", "2"]
    assert labels([True, False, True]) == ["True", "False", "True"]
    assert labels(pa.array(["u", "v", "u"]).dictionary_encode()) == ["u", "v", "u"]
    for values, words in (
        ([1.5, 2.0, 2.0], "labels are wanted: whole numbers or text"),
        ([1.0, float("nan"), 2.0], "1 value missing or NaN: row 2"),
        (["a", None, ""], "2 values missing or NaN: row 2, row 3"),
        ([None, None, None], "3 values missing or NaN"),
        ([1e300, 2.0, 2.0], "whole numbers or text are expected"),
    ):
        with pytest.raises(SubmissionError, match=words):
            labels(values)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_of_text_only_the_empty_field_is_missing(workspace, ending):
    text = 'id,y\n"",NA\nb,""\nNA,x\n'
    Path("p.csv").write_text(text)
    if ending == "parquet":
        pd.DataFrame({"id": ["", "b", "NA"], "y": ["NA", "", "x"]}).to_parquet("p.parquet")
    table = read(Path(f"p.{ending}"), Expected.of(LABELLED, 3))
    with pytest.raises(SubmissionError) as error:
        submission.align(table, LABELLED, pa.array(["a", "b", "NA"]))
    assert list(error.value.problems) == [
        "1 row without an id",
        "1 id missing: a",
        "column 'y': 1 value missing or NaN: row 2",
    ]


@pytest.mark.parametrize("values", [["0.25", "0.75", "1"], ["1e-3", ".5", "2"], [0.25, 0.75, 1.0]])
def test_probabilities_are_no_labels(values):
    with pytest.raises(SubmissionError) as error:
        labels(values, known=["yes", "no"])
    assert list(error.value.problems) == [
        "column 'y' has numbers with fractions; these look like probabilities; labels are wanted, "
        "one of 'no', 'yes'"
    ]
    with pytest.raises(SubmissionError, match="labels are wanted: whole numbers or text"):
        labels(values, known=[])  # of clusters


def test_labels_that_no_train_row_has_are_noted():
    notes = []
    assert labels(["yes", "No", "no "], known=["yes", "no"], notes=notes) == ["yes", "No", "no "]
    assert notes == ["Column 'y' has 2 labels that no train row has, in 2 rows: 'No', 'no '."]
    for values, known in ((["no", "yes", "no"], ["yes", "no"]), (["a", "b", "c"], [])):
        notes = []
        labels(values, known=known, notes=notes)
        assert notes == []
    assert labels(["0.5", "1.5", "0.5"], known=["0.5", "1.5"]) == ["0.5", "1.5", "0.5"]


MIXED = ["01", "1", "NA", "None", "2.0"]


@pytest.mark.parametrize(
    ("values", "known", "expected"),
    [
        (["2.0", "1", "2.0"], MIXED, ["2.0", "1", "2.0"]),
        (["2.0", "1", "7"], MIXED, ["2.0", "1", "7"]),
        ([2.0, 2.0, 2.0], MIXED, ["2.0", "2.0", "2.0"]),
        ([1.0, 2.0, 2.0], ["1", "2"], ["1", "2", "2"]),
        (["1", "2.0", "2.0"], ["1", "2"], ["1", "2", "2"]),
        (["1.0", "3.0", "3.0"], ["1", "2"], ["1", "3", "3"]),
        (["2.0", "3.0", "4.0"], [], ["2", "3", "4"]),
        (["2", "2.0", "2"], ["2", "2.0", "x"], ["2", "2.0", "2"]),
        ([0.5, 1.5, 0.5], ["0.5", "1.5"], ["0.5", "1.5", "0.5"]),
        ([0.5, 1.0, 0.5], ["0.5", "1.0"], ["0.5", "1.0", "0.5"]),
        ([True, False, True], ["False", "True"], ["True", "False", "True"]),
    ],
)
def test_labels_stay_as_they_are_known(values, known, expected):
    assert labels(values, known=known) == expected
    assert labels(pa.array(values).dictionary_encode(), known=known) == expected


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("values", [[0.97, 0.2, 1.0], [0.97, 1.0, 0.0]])
def test_probabilities_beside_labels_are_no_labels(workspace, ending, values):
    table = pd.DataFrame({"id": ABC.to_pylist(), "y": values})
    if ending == "csv":
        Path("p.csv").write_text("id,y\n" + "".join(f"{i},{v:g}\n" for i, v in table.to_numpy()))
    else:
        table.to_parquet("p.parquet")
    given = read(Path(f"p.{ending}"), Expected.of(LABELLED, 3))
    with pytest.raises(SubmissionError, match="these look like probabilities"):
        submission.align(given, LABELLED, ABC, known={"y": ["0", "1"]})
