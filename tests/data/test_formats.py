"""Files as people have them: every form gives the same, and a line says how it was read."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import podium
from podium import api
from podium.creating.making import make as new
from podium.creating.options import NewOptions
from podium.data import dataset as data
from podium.data import fasta, tables
from podium.data.formats import Expected
from podium.data.reader import read
from podium.errors import DataError, PodiumError, capped, no_file

ROWS = 108


def zipped(table, path):
    """As a Mac packs a folder: with files beside that are none of ours."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("answers/README.md", "mine")
        archive.writestr("answers/p.csv", table.to_csv(index=False))
        archive.writestr("__MACOSX/answers/._p.csv", b"\x00\x05")


def tabs_in_zip(table, path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("p.tsv", table.to_csv(index=False, sep="\t"))


def csv(**options):
    return lambda table, path: table.to_csv(path, index=False, **options)


FORMS = {
    "p.csv.gz": (csv(), "Read as CSV from a gzip archive."),
    "P.CSV.GZ": (csv(compression="gzip"), "Read as CSV from a gzip archive."),
    "p.tsv": (csv(sep="\t"), "Read as CSV with tabs."),
    "p.tsv.gz": (csv(sep="\t"), "Read as CSV with tabs from a gzip archive."),
    "p.zip": (zipped, "Read as CSV from a zip archive."),
    "p.csv.zip": (tabs_in_zip, "Read as CSV with tabs from a zip archive."),
    "p.feather": (lambda table, path: table.to_feather(path), "Read as Feather."),
    "lz4.feather": (
        lambda table, path: table.astype({"id": "category"}).to_feather(path, compression="lz4"),
        "Read as Feather.",
    ),
    "index.csv": (lambda table, path: table.to_csv(path), "1 column left out: ''."),
    "more.csv": (
        lambda table, path: table.assign(sd=0.1, note="x").to_csv(path, index=False),
        "2 columns left out: 'sd', 'note'.",
    ),
}


@pytest.fixture
def predictions(sample):
    """Values with all their digits."""
    values = np.random.default_rng(0).uniform(-1, 1, len(sample))
    return sample.assign(y=values).sample(frac=1, random_state=0).reset_index(drop=True)


@pytest.mark.parametrize("name", FORMS)
def test_predictions_of_every_form_score_the_same(name, predictions, podium_cli, workspace):
    write, said = FORMS[name]
    predictions.to_csv("plain.csv", index=False)
    write(predictions, Path(name))
    checked = podium_cli("check", "toy", name, "--json").json
    assert (checked["rows"], checked["notes"]) == (ROWS, [said])
    scores = [api.submit("toy", file).card["scores"] for file in ("plain.csv", name)]
    assert scores[0] == scores[1]
    kept = [path for path in workspace.glob("submissions/**/*") if path.is_file()]
    ending = name.lower().removeprefix(name.lower().split(".")[0])
    (own,) = [path for path in kept if path.read_bytes() == Path(name).read_bytes()]
    assert own.name.endswith(ending if not name.endswith(".zip") else ".zip")
    assert podium_cli("rescore", "toy").status == 0


def test_a_submission_is_called_after_its_file_and_known_by_its_bytes(predictions, podium_cli):
    predictions.to_csv("mine.v2.csv.gz", index=False)
    outcome = api.submit("toy", "mine.v2.csv.gz")
    assert outcome.row.name == "mine.v2"
    place = Path("submissions/toy/demo/bob")
    place.mkdir(parents=True)
    predictions.to_csv(place / "mine.v2.csv.gz", index=False)
    (place / "some.fasta").write_text(">a\nACGT\n")
    handled = podium_cli("score-all", "--json").json
    status = {Path(one["file"]).name: one["status"] for one in handled}
    assert status["mine.v2.csv.gz"] == "scored"
    assert status["some.fasta"] == "ignored"
    assert outcome.file.name == f"{outcome.row.submission}.csv.gz"
    assert outcome.file.read_bytes() == Path("mine.v2.csv.gz").read_bytes()


def packed(*names):
    def write(text, path):
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, text)

    return write


def marked(place, value):
    """A zip whose member says something else of itself: 6 flags, 8 the method."""

    def write(text, path):
        packed("a.csv")(text, path)
        content = bytearray(path.read_bytes())
        content[place] = value
        content[content.index(b"PK\x01\x02") + place + 2] = value
        path.write_bytes(content)

    return write


REFUSED = {
    "two.zip": (packed("a.csv", "b.csv"), "it has 2 CSV files (a.csv, b.csv); one is expected"),
    "same.zip": (packed("a.csv", "./a.csv"), "it has 2 CSV files (a.csv, a.csv); one is expected"),
    "none.zip": (packed("a.parquet"), "it has 0 CSV files; one is expected"),
    "secret.zip": (marked(6, 1), "a.csv is encrypted: unpack it by another tool, and give what"),
    "by 9.zip": (marked(8, 9), "a.csv is packed by deflate64, not by deflate: unpack it by"),
    "by 14.zip": (marked(8, 14), "a.csv is packed by LZMA, not by deflate"),
    "sheet.xlsx": (packed("[Content_Types].xml"), "to_csv(FILE, index=False) or to_parquet(FILE)"),
    "sheet.csv": (packed("[Content_Types].xml"), "holds an Excel file, not CSV"),
    "mac.zip": (packed("__MACOSX/a.csv", "b/._a.csv"), "it has 0 CSV files; one is expected"),
    "plain.csv.gz": (lambda text, path: path.write_text(text), "Not a gzipped file"),
    "half.csv.gz": (
        lambda text, path: path.write_bytes(gzip.compress(text.encode())[:-9]),
        "ended before the end-of-stream marker",
    ),
    "wrong.csv.gz": (
        lambda text, path: path.write_bytes(gzip.compress(text.encode())[:-8] + bytes(8)),
        "CRC check failed",
    ),
    "half.zip": (
        lambda text, path: path.write_bytes(b"PK\x03\x04" + text.encode()),
        "File is not a zip file",
    ),
    "utf-16.csv": (
        lambda text, path: path.write_text(text, encoding="utf-16"),
        'Save it with encoding="utf-8", or convert it: iconv -f utf-16 -t utf-8',
    ),
    "no header.csv": (
        lambda text, path: path.write_text(text.partition("\n")[2]),
        "has no header: its first line is 'r",
    ),
    "comment.csv": (
        lambda text, path: path.write_text("# made by hand\n" + text),
        "begins with a comment, '# made by hand'; the names of the columns are expected",
    ),
    "commas.tsv": (lambda text, path: path.write_text(text), "by commas; tabs are expected"),
    "first.feather": (lambda text, path: path.write_bytes(b"FEA1" + bytes(99)), "first version"),
    "broken.feather": (
        lambda text, path: path.write_bytes(b"ARROW1\0\0" + bytes(99)),
        "cannot be read as Feather",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_change_a_value_is_refused_by_name(name, sample, podium_cli):
    write, words = REFUSED[name]
    write(sample.to_csv(index=False), Path(name))
    done = podium_cli("check", "toy", name)
    assert (done.status, done.out) == (1, "")
    assert words in done.err


@pytest.fixture
def rows(toy, own_cache):
    ready = data.load(*api.load("toy"))
    return pd.read_parquet(ready.folder / "public" / "test.parquet")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FORMS, "rows.h5", "rows.h5ad"])
def test_rows_of_every_form_are_predicted_the_same(name, rows, capsys):
    expected = podium.predict("toy", "line", rows).table
    capsys.readouterr()
    if name.startswith("rows."):
        import h5py

        ids = "obs/_index" if name.endswith("ad") else "id"
        with h5py.File(name, "w") as file:
            file[ids] = rows["id"].tolist()
            for column in rows.columns.drop("id"):
                texts = rows[column].dtype.kind == "O" or rows[column].dtype == "str"
                values = rows[column].astype(object).tolist() if texts else rows[column].to_numpy()
                file[f"obs/{column}" if name.endswith("ad") else column] = values
            if name.endswith("ad"):
                file.attrs["encoding-type"] = "anndata"
        said = ""
    else:
        write, said = FORMS[name]
        write(rows, Path(name))
    given = podium.predict("toy", "line", name).table
    pd.testing.assert_frame_equal(given, expected)
    notes = capsys.readouterr().err
    if name == "index.csv":
        said = "the first column, '', has names of rows: it is left out"
    assert said in notes


@pytest.mark.parametrize("end", [".fa", ".fasta", ".fas", ".fna", ".ffn", ".faa", ".FA"])
def test_fasta_may_be_packed_and_masked(end, tmp_path):
    text = ">a species=x\nACgt\nNN\n>b species=y\nacgtnn\n"
    (tmp_path / f"a{end}").write_text(text)
    (tmp_path / f"a{end}.gz").write_bytes(gzip.compress(text.encode()))
    plain, unpacked = (fasta.read(tmp_path / name) for name in (f"a{end}", f"a{end}.gz"))
    pd.testing.assert_frame_equal(plain, unpacked)
    assert plain["sequence"].tolist() == ["ACgtNN", "acgtnn"]


def test_a_zip_of_a_mac_or_of_windows_has_one_table(tmp_path):
    text = "id,y\na,1.5\n"
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("all\\", "")
        archive.writestr("all\\deep\\t.tsv", text.replace(",", "\t"))
        archive.writestr("__MACOSX/all/t.csv", text)
        archive.writestr("all\\._t.csv", text)
    file = tmp_path / "t.zip"
    assert read(file, Expected.own(file, ["id", "y"])).to_pydict() == {"id": ["a"], "y": ["1.5"]}


@pytest.mark.parametrize("name", ["t.csv.gz", "t.zip", "t.tsv"])
def test_a_competition_is_made_of_tables_as_people_have_them(name, workspace, own_cache):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"id": range(200), "a": rng.normal(size=200), "word": ["01", "x, y"] * 100}
    )
    table["value"] = table["a"] + rng.normal(size=200)
    write = {"t.zip": zipped, "t.tsv": csv(sep="\t")}.get(name, csv())
    write(table, Path(name))
    made = new(NewOptions("mine", table=Path(name), target="value", metric="rmse"))
    raw = made.folder / "raw" / "train.csv"
    pd.testing.assert_frame_equal(pd.read_csv(raw), table)
    assert tables.read(raw, row_id="id", text=["word"])["word"].isin(["01", "x, y"]).all()


def test_problems_of_one_kind_are_five_and_a_count():
    many = [f"column 'x{number}' has {number:,} gaps" for number in range(1190)]
    assert capped(["another", *many])[:2] == ["another", "column 'x0' has 0 gaps"]
    error = PodiumError("It is wrong.", problems=["another", *many, "and a last"])
    assert len(error.problems) == 8
    assert error.problems[-2:] == (
        "and a last",
        "and 1,185 more like this: column 'x0' has 0 gaps",
    )


@pytest.mark.parametrize(("row_id", "ids"), [("row", "the ids 'row'"), (None, "row numbers")])
def test_a_column_does_not_take_the_place_of_the_ids(tmp_path, row_id, ids):
    file = tmp_path / "rows.csv"
    file.write_text("row,id,x\n1,2,3\n2,1,4\n")
    with pytest.raises(DataError, match=f"there is a column 'id' beside {ids}: rename it"):
        tables.read(file, row_id=row_id)
    assert [*tables.read(file, row_id="row", only=["x"])] == ["id", "x"]
    assert sorted(tables.read(file, row_id="id")["id"]) == ["1", "2"]


@pytest.mark.parametrize("code", [21, 123, 1921])
def test_what_windows_calls_no_name_is_no_file(code, monkeypatch):
    error = OSError(22, "no name")
    error.winerror = code

    def refuse(path):
        raise error

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(Path, "is_symlink", lambda path: False)
    assert no_file(Path("a:b")) == "does not exist"


def test_no_file_has_a_nul_in_its_name():
    assert no_file(Path("a\0b.csv")) == "does not exist"
