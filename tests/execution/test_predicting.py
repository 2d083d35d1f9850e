"""Rows of one's own: read, checked, predicted by a model that is trained once."""

import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import podium
from podium import api
from podium.data import dataset as data
from podium.data.formats import Expected
from podium.data.reader import read
from podium.errors import ModelError, PodiumError
from podium.execution import predicting
from podium.execution.predicting import _converted
from suites import mostly_slow


@pytest.fixture
def rows(toy, own_cache):
    """The toy's test rows, in a cache of their own."""
    ready = data.load(*api.load("toy"))
    return pd.read_parquet(ready.folder / "public" / "test.parquet")


def predict(rows, model="line", **options):
    return podium.predict("toy", model, rows, **options)


def test_how_long_a_training_may_take_is_said():
    assert predicting._training("dca", {"epochs": 1200}) == "dca: training, 1,200 epochs at most"
    assert predicting._training("svd", {"rank": 3}) == "svd: training"


def test_the_same_rows_give_the_predictions_of_a_run(rows):
    kept = pd.read_parquet(podium.run("toy", "line", submit=False).file)
    for suffix in ("csv", "parquet"):
        getattr(rows, f"to_{suffix}")(f"rows.{suffix}", index=False)
        found = predict(f"rows.{suffix}", output=f"out.{suffix}")
        read = getattr(pd, f"read_{suffix}")(f"out.{suffix}")
        pd.testing.assert_frame_equal(read, kept, check_dtype=False, check_exact=True)
        assert found.file.name == f"out.{suffix}"


def test_rows_keep_their_order_and_get_numbers_for_ids(rows):
    found = predict(rows.iloc[::-1].drop(columns="id"))
    assert list(found.table["id"][:2]) == ["1", "2"]
    straight = predict(rows).table["y"].to_numpy()
    np.testing.assert_array_equal(found.table["y"], straight[::-1])


@pytest.mark.parametrize("name", ["ID", "Id", " id"])
def test_ids_are_not_lost_where_their_column_is_nearly_named_so(rows, name, workspace):
    near = rows.rename(columns={"id": name})
    near.to_csv("near.csv", index=False)
    for given in (near, near.set_index(name), "near.csv"):
        with pytest.raises(PodiumError) as error:
            predict(given)
        problem = f"column 'id' is missing (there is {name!r})"
        assert error.value.problems == (problem, f"1 unexpected column: {name!r}")


def test_an_index_named_id_has_the_ids(rows):
    pd.testing.assert_frame_equal(predict(rows.set_index("id")).table, predict(rows).table)
    numbered = rows.rename_axis("id")
    assert list(predict(numbered).table["id"]) == list(rows["id"])  # the column is meant


def test_trained_once_then_loaded(rows):
    first, again = predict(rows), predict(rows)
    assert (first.loaded, again.loaded) == (False, True)
    pd.testing.assert_frame_equal(first.table, again.table)
    assert not predict(rows, params={"jitter": 0.5}).loaded
    assert not predict(rows, seed=1).loaded
    assert not predict(rows, "constant").loaded


def test_another_file_beside_the_model_trains_again(rows, workspace):
    source = (api.load("toy")[0].folder / "models" / "line.py").read_text()
    (workspace / "mine.py").write_text(source)
    assert [predict(rows, "mine.py").loaded for _ in range(2)] == [False, True]
    (workspace / "helper.py").write_text("x = 1\n")
    assert not predict(rows, "mine.py").loaded
    (workspace / "mine.py").write_text(source + "\n")
    assert not predict(rows, "mine.py").loaded


def test_what_does_not_load_is_trained_again(rows, own_cache):
    wanted = predict(rows).table
    (kept,) = own_cache.rglob("*.pickle")
    for content in (b"", b"x" * 100, kept.read_bytes()[:-5]):
        kept.write_bytes(content)
        found = predict(rows)
        assert not found.loaded
        pd.testing.assert_frame_equal(found.table, wanted)


def test_a_kept_model_of_another_user_is_not_loaded(rows, own_cache, monkeypatch):
    predict(rows)
    assert predict(rows).loaded
    monkeypatch.setattr("os.getuid", lambda: -1)
    assert not predict(rows).loaded


def test_what_cannot_be_pickled_is_trained_each_time(rows, own_cache, workspace):
    source = (api.load("toy")[0].folder / "models" / "line.py").read_text()
    source = source.replace("self.params = params", "self.params = params; self.f = lambda: 0")
    (workspace / "lambda_model.py").write_text(source)
    assert [predict(rows, "lambda_model.py").loaded for _ in range(2)] == [False, False]
    assert not list(own_cache.rglob("*.pickle"))


def test_a_model_that_keeps_its_rows_is_kept_with_them(rows, own_cache, workspace):
    source = (api.load("toy")[0].folder / "models" / "line.py").read_text()
    source = source.replace("        if report:", "        self.train = train\n        if report:")
    assert "self.train = train" in source
    (workspace / "keeps.py").write_text(source)
    assert [predict(rows, "keeps.py").loaded for _ in range(2)] == [False, True]


def test_a_model_is_trained_again_where_the_data_lie_elsewhere(rows, own_cache, monkeypatch):
    """What it keeps may read from where they lay."""
    predict(rows)
    moved = own_cache.rename(own_cache.with_name("moved"))
    monkeypatch.setenv("PODIUM_DATA", str(moved))
    assert not predict(rows).loaded
    assert predict(rows).loaded


def test_everything_that_is_wrong_is_said_at_once(rows, own_cache):
    bad = rows.head(4).drop(columns="kind").assign(y=1.0, x=["1", "two", "", "inf"])
    bad["id"] = ["a", "a", "b", ""]
    bad.to_csv("bad.csv", index=False)
    with pytest.raises(PodiumError) as error:
        predict("bad.csv")
    assert error.value.problems == (
        "column 'kind' is missing: text expected",
        "1 unexpected column: 'y'",
        "column 'x': numbers expected: 2 rows (row 2, 4) ('two', 'inf')",
        "column 'x': no value in 1 row (row 3); in the train part every row has one",
        "column 'id': 1 row (row 4) without an id",
        "column 'id': 1 row (row 2) with an id that was there before",
    )
    assert not list(own_cache.rglob("*.pickle"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": True}, "numbers expected; it has type bool"),
        ({"kind": 1}, "text expected; it has type int64"),
        ({"id": 1.5}, "column 'id': decimals"),
    ],
)
def test_wrong_types_in_a_table(rows, change, words):
    with pytest.raises(PodiumError, match=r"cannot be predicted: \d problem") as error:
        predict(rows.head(1).assign(**change))
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.csv", None, "does not exist"),
        ("rows.xlsx", b"x", "is no format"),
        ("rows.xlsx", b"x", "to_csv(FILE, index=False) or to_parquet(FILE)"),
        ("rows.parquet", b"x", "cannot be read as Parquet"),
        ("rows.csv", b"x,kind\n1,a,2\n", "1 rows do not have 2 fields"),
        ("rows.csv", b"x,kind\n", "the table has no rows"),
        ("rows.csv", b"x,x,kind\n1,2,a\n", "column 'x' is there twice"),
        ("rows.csv", b"\xff\xfe\x00", "holds UTF-16 text, not CSV"),
        ("rows.csv", b"# from R\nx,kind\n1,a\n", "begins with a comment, '# from R'"),
        ("rows.csv", b"1.5,a\n2,b\n", "has no header: its first line is '1.5,a'"),
        ("rows.csv", b"", "rows.csv is empty"),
    ],
)
def test_files_that_are_no_rows(rows, name, content, words, podium_cli, workspace):
    if content is not None:
        (workspace / name).write_bytes(content)
    done = podium_cli("predict", "toy", "line", "--input", name)
    assert (done.status, done.out) == (1, "")
    assert words in done.err


@pytest.mark.parametrize("column", mostly_slow(["id", "kind", "x"], 1))
@pytest.mark.parametrize("kind", ["text", "date", "time", "list", "bytes", "nothing"])
def test_parquet_with_values_that_are_none(rows, column, kind, podium_cli):
    """Text that is no UTF-8, days that no calendar has."""
    count = len(rows)
    damaged = pa.array([b"\xff\xfe"] * count).buffers()
    values = {
        "text": pa.Array.from_buffers(pa.string(), count, damaged),
        "date": pa.array([2**31 - 1] * count, pa.int32()).cast(pa.date32()),
        "time": pa.array([2**62] * count, pa.int64()).cast(pa.time64("us")),
        "list": pa.array([[1, 2]] * count),
        "bytes": pa.array([b"a"] * count),
        "nothing": pa.nulls(count),
    }[kind]
    table = pa.Table.from_pandas(rows, preserve_index=False)
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, values), "rows.parquet")
    done = podium_cli("predict", "toy", "line", "--input", "rows.parquet")
    assert (done.status, done.out) == (1, "")
    assert "rows.parquet cannot be " in done.err


def test_nothing_is_overwritten_unasked(rows, podium_cli, workspace):
    rows.to_csv("rows.csv", index=False)
    (workspace / "out.csv").write_text("mine")
    command = ("predict", "toy", "line", "--input", "rows.csv", "--output")
    for name, words in (
        ("out.csv", "--force overwrites it"),
        ("rows.csv", "it is the input"),
        ("out.txt", "must end in .csv, .parquet, .h5 or .h5ad"),
        ("no/out.csv", "does not exist"),
    ):
        done = podium_cli(*command, name)
        assert done.status == 1
        assert words in done.err
    assert (workspace / "out.csv").read_text() == "mine"
    done = podium_cli(*command, "out.csv", "--force", "--json").json
    assert (done["file"], done["rows"], done["predictions"]) == ("out.csv", 108, [])
    assert len(pd.read_csv("out.csv")) == 108
    assert podium_cli(*command, "rows.csv", "--force").status == 1


@pytest.mark.parametrize("end", predicting.OUTPUTS)
def test_what_is_written_is_read_again(end, tmp_path):
    table = pd.DataFrame({"id": ["a", "b"], "y": [0.5, 2.0], "name": ["x", "z"]})
    path = tmp_path / f"out{end}"
    predicting._write(table, path, "")
    again = read(path, Expected(names=["id", "y", "name"], rows=2, texts=["id", "name"]))
    for name in table:
        assert again.column(name).to_pylist() == list(table[name])
    wide = tmp_path / f"wide{end}"
    predicting._write(table[["id", "y"]], wide, "count")
    again = read(wide, Expected(names=["id", "y"], rows=2, matrix="count"))
    assert list(again.column_names) == ["id", "y"]
    assert again.column("id").to_pylist() == ["a", "b"]


def test_without_an_output_the_first_rows_are_shown(rows, podium_cli):
    rows.to_csv("rows.csv", index=False)
    done = podium_cli("predict", "toy", "line", "--input", "rows.csv")
    assert done.out.splitlines()[0].split() == ["id", "y"]
    assert len(done.out.splitlines()) == 21
    assert "The first 20 of 108 rows" in done.err
    found = podium_cli("predict", "toy", "line", "--input", "rows.csv", "--json").json
    assert [row["id"] for row in found["predictions"]] == list(rows["id"])


def test_a_shipped_model_that_fails_on_the_users_rows_is_no_fault_of_ours(
    rows, toy, workspace, monkeypatch
):
    folder = shutil.copytree(toy.folder, workspace / "others" / "toy")
    line = folder / "models" / "line.py"
    line.write_text(line.read_text().replace("y = np.polyval", "1 / 0; y = np.polyval"))
    monkeypatch.setattr(type(toy), "folder", property(lambda _: folder))  # where the process looks
    with pytest.raises(ModelError, match="failed in predict: ZeroDivisionError"):
        predict(rows)


@pytest.mark.slow
def test_types_of_a_real_table_come_through_csv(own_cache):
    """Texts with gaps, categories and numbers: the same predictions as from Parquet."""
    ready = data.load(*api.load("sirna"))
    rows = pd.read_parquet(ready.folder / "public" / "test.parquet")
    rows.to_csv("rows.csv", index=False)
    whole = podium.predict("sirna", "ridge", rows).table
    found = podium.predict("sirna", "ridge", "rows.csv")
    assert found.loaded
    pd.testing.assert_frame_equal(found.table, whole)


@pytest.mark.parametrize(
    ("expected", "given", "found"),
    [
        ([1, 2], ["3", " 4 "], [3, 4]),
        ([1, 2], ["3", "4.5"], None),
        ([1, 2], ["3", None], None),
        ([1.0, np.nan], ["3", "NA"], [3.0, np.nan]),
        ([True, False], ["true", "0"], [True, False]),
        ([True, False], ["yes", "0"], None),
        ([True, False], [1, 0], None),
        (["a", None], [None, "b"], [None, "b"]),
        (pd.Categorical(["a", "b"]), ["b", "new"], ["b", "new"]),
        ([1.0, np.nan], [None, None], [np.nan, np.nan]),
    ],
)
def test_columns_take_the_type_of_the_train_part(expected, given, found):
    expected = pd.Series(expected)
    column, problems = _converted(pd.Series(given), expected)
    assert bool(problems) is (found is None)
    if found is not None:
        pd.testing.assert_series_equal(column, pd.Series(found, dtype=column.dtype))
        assert column.dtype == expected.dtype or column.dtype == "category"


def dna(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return tmp_path / name


HEAD = "species=maize assay=simulated"


@pytest.mark.slow
def test_sequences_from_a_table_and_from_fasta_are_the_same(tmp_path):
    test = data.load(*api.load("maize")).part("test")
    texts = test.sequences.take(np.arange(3)).texts()
    table = test.features[:3].assign(id=list("abc"), sequence=texts)
    lines = (
        f">{row.id} species={row.species} assay={row.assay} more=text\n{row.sequence[:70]}\r\n"
        f"{row.sequence[70:]}\n"
        for row in table.itertuples()
    )
    file = dna(tmp_path, "a.fasta", "".join(lines))
    found = [podium.predict("maize", "constant", rows).table for rows in (table, file)]
    assert list(found[0]["id"]) == ["a", "b", "c"]
    pd.testing.assert_frame_equal(*found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a.fa is empty"),
        ("\n", "is no FASTA file: it begins with nothing"),
        ("ACGT\n", "is no FASTA file: it begins with 'ACGT'"),
        (">\nACGT\n", "record 1 has no name"),
        (f">a {HEAD}\nACGT\n", "4 bases in each row; those of the train part have 1,000"),
        (f">a {HEAD}\nACGu\n", "U (is it RNA? write T) in 1 row: row 'a' position 4"),
        (f">a {HEAD}\n3'-ACGT-5'\n", "written from 3' to 5' (write it from 5' to 3') in 1 row"),
        (f">a {HEAD}\n", "empty sequences in 1 row: row 'a'"),
        (f">a {HEAD}\nAC\n>a {HEAD}\nAC\n", "with an id that was there before"),
        (">a\nACGT\n", "column 'species' is missing"),
        (">a\nACGT\n", "In FASTA the columns stand behind the name: >name species="),
    ],
)
def test_wrong_fasta_is_refused(tmp_path, text, words):
    with pytest.raises(PodiumError) as error:
        podium.predict("maize", "constant", dna(tmp_path, "a.fa", text))
    assert words in str(error.value)


def test_sequences_as_people_write_them_are_the_same(tmp_path, capsys):
    test = data.load(*api.load("maize")).part("test")
    (text,) = test.sequences.take(np.arange(1)).texts()
    lines = [f">plain {HEAD}", text, f">masked {HEAD}", text[:50].lower() + text[50:]]
    lines += [f">marked {HEAD}", f"5'-{text[:3]} {text[3:]}-3'"]
    found = podium.predict("maize", "gc", dna(tmp_path, "a.fa", "\n".join(lines))).table
    assert set(found["expression"]) == {found["expression"][0]}
    said = "column 'sequence': 2 sequences with marks of their ends, small letters read as plain"
    assert said in capsys.readouterr().err


@pytest.fixture
def strands():
    """Some rows of the simulated siRNAs."""
    ready = data.load(*api.load("sirna"))
    rows = pd.read_parquet(ready.folder / "public" / "test.parquet")
    return rows[rows["gene_target_seq"].notna()].head(40).reset_index(drop=True)


@pytest.mark.parametrize(
    ("column", "change"),
    mostly_slow(
        [
            ("siRNA_antisense_seq", lambda text: f" {text}"),
            ("siRNA_antisense_seq", lambda text: f"5'-{text}-3'"),
            ("siRNA_antisense_seq", lambda text: f"{text[:3]} {text[3:6]} {text[6:]}"),
            ("siRNA_antisense_seq", str.lower),
            ("siRNA_sense_seq", lambda text: f"5\u2032 {text} 3\u2032"),
            ("gene_target_seq", str.lower),
            ("gene_target_seq", lambda text: f"{text[:60]}\n{text[60:]}"),
            ("modified_siRNA_antisense_seq_list", lambda text: f"5'- {text} -3'"),
            ("modified_siRNA_antisense_seq_list", lambda text: f"  {text.replace(' ', '  ')}"),
        ],
        *(1, -1),
    ),
)
def test_strands_as_people_write_them_are_the_same(strands, column, change, capsys):
    written = strands.assign(**{column: strands[column].astype(object).map(change)})
    written.to_csv("rows.csv", index=False)
    wanted = podium.predict("sirna", "ridge", strands).table
    assert capsys.readouterr().err == ""
    found = podium.predict("sirna", "ridge", "rows.csv").table
    pd.testing.assert_frame_equal(found, wanted)
    said = capsys.readouterr().err
    assert f"column {column!r}: 40 " in said or (column.endswith("list") and not said)


def test_new_guides_need_no_publication_number_or_unit(strands, capsys):
    names = {"publication_id": "new", "siRNA_duplex_id": "new", "concentration_unit": "nM"}
    filled = podium.predict("sirna", "ridge", strands.assign(**names)).table
    assert capsys.readouterr().err == ""
    bare = strands.drop(columns=[*names])
    pd.testing.assert_frame_equal(podium.predict("sirna", "ridge", bare).table, filled)
    assert capsys.readouterr().err == (
        "the table: taken for what is left out: publication_id ('new'), siRNA_duplex_id ('new'), "
        "concentration_unit ('nM').\n"
    )
    with pytest.raises(PodiumError, match="'publication_id' is missing") as error:
        podium.predict("sirna", "ridge", bare.assign(Publication_ID="P01"))
    assert "siRNA_duplex_id, concentration_unit may be left out" in str(error.value)


@pytest.mark.parametrize(
    ("column", "change", "words"),
    [
        ("siRNA_antisense_seq", lambda text: f"3'-{text}-5'", "written from 3' to 5'"),
        ("siRNA_antisense_seq", lambda text: text[:-2] + "TT", "(write U for T) in 40 rows"),
        ("siRNA_antisense_seq", lambda _: "  ", "empty in 40 rows"),
        ("siRNA_sense_seq", lambda text: f"{text}dTdT", "letters other than ACGU"),
        ("gene_target_seq", lambda text: text.replace("T", "U"), "letters other than ACGTN"),
        ("modified_siRNA_sense_seq_list", lambda text: text.replace(" ", ""), "tokens from 5' to"),
        ("modified_siRNA_sense_seq_list", lambda text: f"3'- {text} -5'", "from 3' to 5'"),
        ("modified_siRNA_sense_seq_list", lambda text: text.replace("f", "F"), "F'"),
    ],
)
def test_strands_that_would_be_others_are_refused(strands, column, change, words):
    written = strands.assign(**{column: strands[column].astype(object).map(change)})
    with pytest.raises(PodiumError, match=f"column '{column}': ") as error:
        podium.predict("sirna", "ridge", written)
    assert words in str(error.value)


def test_gaps_as_r_writes_them_are_gaps(strands, capsys):
    strands["cell_line_donor"] = strands["cell_line_donor"].astype(object).where(strands.index > 2)
    strands.to_csv("rows.csv", index=False)
    wanted = podium.predict("sirna", "ridge", "rows.csv").table
    strands.to_csv("rows.csv", index=False, na_rep="NA")
    assert "NA" not in capsys.readouterr().err
    pd.testing.assert_frame_equal(podium.predict("sirna", "ridge", "rows.csv").table, wanted)
    said = "column 'cell_line_donor': NA in 4 rows (row 1, 2, 3, 29) is read as no value"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("corner", mostly_slow(["", "X", "V1", "rownames", "Unnamed: 0"], 0))
def test_row_names_that_r_writes_are_ids(rows, corner, capsys):
    named = rows.drop(columns="id").set_index(rows["id"].to_numpy())
    named.to_csv("rows.csv", index_label=corner)
    found = predict("rows.csv").table
    pd.testing.assert_frame_equal(found, predict(rows).table)
    said = f"rows.csv: the first column, {corner!r}, has names of rows: they are the ids"
    assert said in capsys.readouterr().err
    rows.to_csv("rows.csv", index_label=corner)  # beside ids
    pd.testing.assert_frame_equal(predict("rows.csv").table, found)
    assert "it is left out" in capsys.readouterr().err


def test_a_table_without_sequences_is_refused():
    features = data.load(*api.load("maize")).part("test").features[:2]
    with pytest.raises(PodiumError, match="column 'sequence' is missing"):
        podium.predict("maize", "constant", features)
    with pytest.raises(PodiumError, match="is no format that Podium reads"):
        podium.predict("toy", "constant", __file__)
