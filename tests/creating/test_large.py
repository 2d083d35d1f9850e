"""Large tables: read once and piece by piece, written piece by piece, and all is as it was."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from test_new import named

from podium import api, scratch
from podium.columns import among
from podium.creating.making import make as new
from podium.creating.options import NewOptions
from podium.data import dataset as data
from podium.data import tables
from podium.errors import DataError

TABLES = {
    "types": "id,a,b,c,d,e\n"
    + "".join(
        f"{n:03d},{'NA' if n == 7 else n},{'x' if n > 5 else n},{'-0' if n % 3 else '0.5'},"
        f"{'True' if n < 5 else ''},0.{n}000000000000000055511151231257827\n"
        for n in range(12)
    ),
    "beyond 64 bits": "id,a\n" + "".join(f"{n},{2**64 - 1 if n == 5 else n}\n" for n in range(9)),
    "no rows": "id,a,b\n",
    "lines in texts": 'id,a\n1,"x\ny"\n2,"u\n\n\nv"\n3,z\n\n4,"a,b"\n',
    "returns in texts": 'id,a,b\n1,2,\n2,3,0\n3,"x\ry",\n4,"",7\n5,"u""v",NA\n6,é,-0\n',
    "an index": ",a,b\n0,1,x\n1,2,\n2,3,NA\n",
    "other line ends": "id,a\n1,2\r3,4\n5,6.5\r7,8\r\n9,10\r11,12\n",
    "words beyond 64 bits": "id,a\n"
    + "".join(f"{n},{'NA' if n % 3 == 0 else 7 if n < 5 else 2**63 + n}\n" for n in range(12)),
    "whole numbers with gaps": "id,a,b,c,d\n"
    + "".join(
        f"{n},{n % 3 if n < 6 else ''},{'-0' if n else ''},{2**53 + n if n < 9 else ''},"
        f"{'00000000000000000007' if n < 9 else ''}\n"
        for n in range(12)
    ),
    "numbers and texts in turns": "id,a\n1,1\n2,2\n3,x\n4,y\n5,5\n6,\n7,7\n8,8\n9,z\n",
    "words for gaps": "id,a,b\n1,null,n/a\n2,None,NA\n3,1,x\n4,,\n",
}


@pytest.fixture
def pieces(monkeypatch):
    """Read, and write, a few values at a time."""

    def cut():
        monkeypatch.setattr(tables, "_CHUNK", 1)
        monkeypatch.setattr(tables, "_FIRST", 2)
        monkeypatch.setattr(data, "_VALUES", 50)

    return cut


@pytest.fixture
def place(workspace):
    """A named workspace."""
    with named(workspace):
        yield workspace


@pytest.mark.parametrize("text", [(), ("id",), ("a", "b"), ("id", "c", "e")])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_read_in_pieces_is_the_same(name, text, tmp_path, pieces):
    file = tmp_path / "t.csv"
    file.write_bytes(TABLES[name].encode())
    _, whole, _ = tables._read(file, text)
    some = tables._read(file, text, ["a"])[1]
    pieces()
    _, cut, _ = tables._read(file, text)
    pd.testing.assert_frame_equal(cut, whole)
    pd.testing.assert_frame_equal(tables._read(file, text, ["a"])[1], some)
    numbers = [table.select_dtypes("float").to_numpy() for table in (whole, cut)]
    np.testing.assert_array_equal(*map(np.signbit, numbers))


@pytest.mark.parametrize("last", ["", "0.5"])
def test_whole_numbers_with_gaps_are_never_texts(last, tmp_path, pieces, monkeypatch):
    file = tmp_path / "t.csv"
    file.write_text("id,a\n" + "".join(f"{n},{n % 3}\n" for n in range(9)) + f"9,{last}\n")
    whole = tables._read(file)[1]
    pieces()
    monkeypatch.delattr(tables, "BytesIO")
    pd.testing.assert_frame_equal(tables._read(file)[1], whole)


def test_lines_that_are_no_rows_take_no_room(tmp_path):
    row = ",".join(["1.5"] * 1000)
    file = tmp_path / "t.csv"
    file.write_text(f"{','.join(f'x{n}' for n in range(1000))}\n{row}\n{row}\n" + "\n" * 200_000)
    assert tables._read(file)[1].shape == (2, 1000)


def test_a_file_is_let_go_where_reading_fails(tmp_path, pieces, monkeypatch):
    file = tmp_path / "t.csv"
    file.write_text("a\n1\n2\n3\n")
    read, parts = tables._parts, []
    monkeypatch.setattr(tables, "_parts", lambda *given: parts.append(read(*given)) or parts[-1])
    monkeypatch.setattr(tables, "_with", lambda *_: 1 / 0)
    pieces()
    with pytest.raises(ZeroDivisionError):
        tables._read(file)
    assert [part.gi_frame for part in parts] == [None]


def test_a_row_that_is_too_long_is_named_by_its_line(tmp_path, pieces):
    file = tmp_path / "t.csv"
    file.write_text("a,b\n" + "1,2\n" * 6 + "0,2,3\n" + "1,2\n" * 6)
    for cut in (lambda: None, pieces):
        cut()
        with pytest.raises(DataError, match="line 8, saw 3"):
            tables._read(file)


@pytest.mark.parametrize("start", ["\n", "\ufeff\n", "\ufeff", "  \n"])
def test_blank_lines_above_the_header_are_none(start, tmp_path, pieces):
    file = tmp_path / "t.csv"
    file.write_text(f"{start}a,b\n1,2\n3,4\n5,6\n")
    whole = tables._read(file)[1]
    assert whole["b"].tolist() == [2, 4, 6]
    pieces()
    pd.testing.assert_frame_equal(tables._read(file)[1], whole)


@pytest.mark.parametrize("text", [(), ("id",)])
def test_gaps_are_those_of_pandas_and_texts_are_as_they_stand(text, tmp_path):
    file = tmp_path / "t.csv"
    file.write_text(TABLES["words for gaps"])
    table = tables._read(file, text)[1]
    expected = pd.read_csv(file, dtype=dict.fromkeys(text, str))
    pd.testing.assert_frame_equal(table, expected)
    stands = tables._read(file, ["a", "b"])[1]
    assert stands["a"].tolist()[:3] == ["null", "None", "1"]
    assert stands["b"].isna().tolist() == [False, False, False, True]


@pytest.mark.parametrize("first", ["1,4,7", "1,2,5", "x,y,z"])
def test_rows_with_more_fields_than_the_header_are_refused(first, tmp_path, pieces):
    file = tmp_path / "t.csv"
    file.write_text("a,b\n" + "".join(f"{one},2,3\n" for one in first.split(",")))
    for cut in (lambda: None, pieces):
        cut()
        with pytest.raises(DataError, match="cannot be read"):
            tables._read(file)


def table():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"case": [f"{n:03d}" for n in rng.permutation(120)]})
    rows["a"], rows["b"] = rng.normal(size=120), rng.integers(0, 9, 120)
    rows["word"] = rng.choice(["NA", "01", "x"], 120)
    rows["gaps"] = rows["a"].where(rows["b"] > 2)
    rows["ward"] = rng.choice([f"w{n}" for n in range(30)], 120)
    rows["y"] = rows["a"] + rng.normal(size=120)
    return rows


@pytest.mark.parametrize("more", [{}, {"split": "grouped", "by": "ward", "weight": "b"}])
def test_a_table_is_read_once_and_as_its_file_says(more, place, own_cache, monkeypatch):
    table().assign(b=lambda t: t["b"] + 1).to_csv("t.csv", index=False)
    read, times = tables._joined, []
    monkeypatch.setattr(tables, "_joined", lambda *given: times.append(1) or read(*given))
    made = new(NewOptions("mine", table="t.csv", target="y", metric="rmse", row_id="case", **more))
    assert len(times) == 1
    competition, dataset = api.load("mine")
    prepared = data.build(competition, dataset)
    assert len(times) == 3  # rows, and answers
    ready = data.load(competition, dataset)
    assert data.fingerprint(prepared) == ready.manifest["data"]
    assert not tables._KNOWN
    assert (made.folder / "raw" / "train.csv").read_bytes() == Path("t.csv").read_bytes()


@pytest.mark.parametrize(("target", "metric"), [("y", "rmse"), ("word", "accuracy")])
def test_parts_written_in_pieces_are_the_same(target, metric, place, own_cache, pieces):
    table().to_csv("t.csv", index=False)
    wish = {"table": "t.csv", "target": target, "metric": metric, "row_id": "case"}
    names = (f"whole_{target}", f"cut_{target}")
    made = {}
    for name in names:
        new(NewOptions(name, **wish))
        ready = data.load(*api.load(name))
        made[name] = [ready.train(), ready.part("test"), ready.manifest["data"]]
        pieces()
    whole, cut = (made[name] for name in names)
    assert whole[2] == cut[2]
    pd.testing.assert_frame_equal(cut[0].features, whole[0].features)
    pd.testing.assert_frame_equal(cut[0].targets, whole[0].targets)
    pd.testing.assert_frame_equal(cut[1].features, whole[1].features)


def test_labels_are_written_in_pieces_unless_they_are_of_several_types(tmp_path, pieces):
    texts = pd.Series([None, "b", *["a"] * 58], dtype=object)
    for name, labels in (("texts", texts), ("bytes", texts.map(lambda t: t and t.encode()))):
        rows = pd.DataFrame({"x": np.arange(60.0), "label": labels})
        for cut in (lambda: None, pieces):
            cut()
            data._save(rows, np.arange(60)[::-1], tmp_path / name)
            read = pd.read_parquet(tmp_path / name)
            assert read["label"].fillna("").tolist() == labels.fillna("").tolist()[::-1]
    groups = [pq.ParquetFile(tmp_path / name).num_row_groups for name in ("texts", "bytes")]
    assert groups == [3, 1]


ODD = ["", ":", "1:a", "é", "日本", "x" * 300, "a\nb", None, "1:a"]


@pytest.mark.parametrize("kind", ["str", object])
def test_the_bytes_of_texts_are_each_after_its_length(kind):
    column = pd.Series(ODD, dtype=kind)
    codes, values = pd.factorize(column)
    texts = [str(value).encode() for value in values]
    whole = b"".join(b"%d:%b" % (len(text), text) for text in texts)
    assert [bytes(chunk) for chunk in data._content(column)] == [codes.tobytes(), whole]
    assert [bytes(chunk) for chunk in data._content(column[:0])] == [b"", b""]


def test_the_bytes_of_numbers_have_one_way_to_say_nothing():
    odd = np.array([0.0, -0.0, np.inf, 1 / 3, np.nan])
    odd[4:].view(np.int64)[:] |= 7  # another NaN
    assert np.isnan(odd[4])
    bits = [bytes(chunk) for chunk in data._content(pd.Series(odd))]
    assert bits == [np.array([0.0, -0.0, np.inf, 1 / 3, np.nan]).tobytes()]
    small = pd.Series(np.array([1.5, 2], np.float32))
    assert [bytes(chunk) for chunk in data._content(small)] == [np.array([1.5, 2]).tobytes()]


def test_a_file_of_a_sealed_folder_is_read_once(tmp_path):
    file = tmp_path / "a"
    file.write_text("1")
    first = scratch.file_sha256(file)
    with scratch.sealed(tmp_path):
        assert scratch.file_sha256(file) == first
        with scratch.sealed(tmp_path):
            file.write_text("2")
        assert scratch.file_sha256(file) == first
    assert scratch.file_sha256(file) != first


@pytest.mark.parametrize("kind", ["str", object])
def test_which_texts_are_among_others(kind):
    texts = pd.Series(["a", "b", None, "a"], dtype=kind)
    assert among(texts, pd.Series(["a", "c"], dtype="str")).tolist() == [True, False, False, True]
    assert among(texts, pd.Index(["b"])).tolist() == [False, True, False, False]
