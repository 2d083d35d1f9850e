"""A course's files: arrays of either orientation, FASTA with a table, odd ones and broken ones."""

import gzip
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from podium.competitions.maize.data import course_files
from podium.competitions.maize.data import prepare as rooms

from podium import api
from podium.competition.sequences import Sequences
from podium.errors import DataError

ROWS = {"train": 60, "validation": 10, "test": 30}


def made(rows, length=60, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.choice(5, (rows, length), p=[0.247] * 4 + [0.012])
    return codes.astype(np.uint8), rng.normal(size=rows)


def hot(codes, kind=np.float32):
    return (codes[:, None, :] == np.arange(4)[:, None]).astype(kind)


def arrays(folder, parts=ROWS, turned=False, column=False, **how):
    """Folders of two `.npz` files each; those of one name differ in content."""
    for seed, (part, rows) in enumerate(parts.items()):
        (folder / part).mkdir(parents=True, exist_ok=True)
        codes, y = made(rows, seed=seed, **how)
        for name, some in (("a", slice(None, 7)), ("b", slice(7, None))):
            x = hot(codes[some])
            x = x.transpose(0, 2, 1) if turned else x
            np.savez(folder / part / f"{name}.npz", x, y[some, None] if column else y[some])
    return folder


def texts(folder, parts=ROWS, **columns):
    for seed, (part, rows) in enumerate(parts.items()):
        codes, y = made(rows, seed=seed)
        names = [f"{part}{row}" for row in range(rows)]
        lines = (f">{n} text\n{t}\n" for n, t in zip(names, Sequences(codes).texts(), strict=True))
        (folder / f"{part}.fasta").write_text("".join(lines))
        table = pd.DataFrame({"id": names, "expression": y, **columns})
        table.iloc[::-1].to_csv(folder / f"{part}.csv", index=False)
    return folder


def same(prepared):
    codes, y = zip(*(made(ROWS[part], seed=seed) for seed, part in enumerate(ROWS)), strict=True)
    expression = dict(zip(prepared.sequences.texts(), prepared.targets["expression"], strict=True))
    expected = zip(Sequences(np.concatenate(codes)).texts(), np.concatenate(y), strict=True)
    assert expression == pytest.approx(dict(expected))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("column", [False, True])
def test_arrays_of_either_orientation(tmp_path, turned, column, own_cache):
    ready = api.prepare(
        "maize", "course", source=arrays(tmp_path / "x", turned=turned, column=column)
    )
    train, test = ready.train(), ready.part("test")
    assert len(train) == 70
    assert len(test) == 30
    assert set(train.strata) == {"other"}
    assert "test/a:1" in list(test.ids)
    assert test.sequences.texts()[0] == Sequences(made(30, seed=2)[0]).text(0)


def test_large_files_are_read_some_rows_at_a_time(tmp_path, monkeypatch):
    folder = arrays(tmp_path)
    files = {f"{path.parent.name}/{path.name}": path for path in folder.rglob("*.npz")}
    whole = rooms.course(files)
    monkeypatch.setattr(course_files, "_CHUNK", 4000)
    assert (rooms.course(files).sequences.codes == whole.sequences.codes).all()
    same(whole)


@pytest.mark.parametrize("save", ["fortran", "int8", "bool", "float64", "compressed"])
def test_arrays_of_other_kinds(tmp_path, save, own_cache):
    folder = arrays(tmp_path / "x")
    for path in folder.rglob("*.npz"):
        with np.load(path) as file:
            x, y = file["arr_0"], file["arr_1"]
        x = np.asfortranarray(x) if save == "fortran" else x
        x = x.astype(save) if save in ("int8", "bool", "float64") else x
        (np.savez_compressed if save == "compressed" else np.savez)(path, x, y)
    files = {f"{path.parent.name}/{path.name}": path for path in folder.rglob("*.npz")}
    same(rooms.course(files))


@pytest.mark.parametrize("species", [None, "maize", "Maize", "rice"])
def test_fasta_and_a_table(tmp_path, species, own_cache):
    (tmp_path / "x").mkdir()
    columns = {"species": species} if species else {}
    ready = api.prepare("maize", "course", source=texts(tmp_path / "x", **columns))
    known = species and species.lower() == "maize"
    assert set(ready.train().features["species"]) == {"maize" if known else "other"}
    assert set(ready.train().strata) == {"maize" if known else "other"}
    assert ready.part("test").ids[0] == "test/test0"
    table = dict(zip(ready.train().ids, ready.train().targets["expression"], strict=True))
    assert table["train/train3"] == made(60)[1][3]


def test_without_validation_and_in_a_zip(tmp_path, own_cache):
    arrays(tmp_path / "x", {"train": 60, "test": 30})
    archive = shutil.make_archive(str(tmp_path / "course"), "zip", tmp_path / "x")
    assert len(api.prepare("maize", "course", source=Path(archive)).train()) == 60


def test_relatives_of_the_test_do_not_train(tmp_path, own_cache):
    folder = arrays(tmp_path / "x")
    with np.load(folder / "test" / "b.npz") as file:
        np.savez(folder / "train" / "c.npz", file["arr_0"][:5, ::-1, ::-1], file["arr_1"][:5])
    ready = api.prepare("maize", "course", source=folder)
    assert len(ready.train()) == 70
    assert not any(name.startswith("train/c") for name in ready.train().ids)


def test_what_does_not_train_is_said_and_counted(tmp_path, own_cache, caplog, podium_cli):
    folder = arrays(tmp_path / "x")
    with np.load(folder / "test" / "b.npz") as file:
        np.savez(folder / "train" / "c.npz", file["arr_0"][:5], file["arr_1"][:5])
    ready = api.prepare("maize", "course", source=folder)
    (said,) = [record.getMessage() for record in caplog.records if record.name == "podium"]
    assert said.startswith(
        "5 of 75 rows outside the folder test do not train (5 of train): they are relatives of "
        "test rows, in 5 families"
    )
    assert ready.manifest["rows"] == {"train": 70, "test": 30, "unused": 5}
    assert "rows: train 70, test 30, unused 5\n" in podium_cli("data", "maize", "-d", "course").out
    parts = pd.read_csv(ready.folder / "solution" / "split.csv")["part"].value_counts()
    assert parts["public"] == parts["private"] == 15


def test_uneven_halves_are_said(tmp_path, own_cache, caplog):
    folder = arrays(tmp_path / "x", {"train": 30, "test": 30})
    x, y = np.repeat(hot(made(1)[0]), 40, axis=0), np.arange(40.0)
    np.savez(folder / "test" / "c.npz", x, y)
    api.prepare("maize", "course", source=folder)
    assert "The halves of the test are uneven, 40 rows public and 30 private" not in caplog.text
    np.savez(folder / "test" / "c.npz", np.repeat(x, 2, axis=0), np.arange(80.0))
    api.prepare("maize", "course", source=folder)
    assert "The halves of the test are uneven, " in caplog.text
    assert "families stay whole, and the largest has 80." in caplog.text


def refused(folder):
    with pytest.raises(DataError) as error:
        api.prepare("maize", "course", source=folder)
    return str(error.value)


def change(folder, name, x=None, y=None):
    path = folder / name
    with np.load(path) as file:
        before = file["arr_0"], file["arr_1"]
    np.savez(path, *(f(b) if f else b for f, b in zip((x, y), before, strict=True)))


def half(x):
    return x * 0.5


def gap(y):
    return np.where(np.arange(len(y)) == 2, np.nan, y)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (half, None, "arr_0: not one-hot: 7 of 7 rows"),
        (lambda x: x[:, :3], None, "arr_0: shape 7 x 3 x 60"),
        (lambda x: x[0], None, "arr_0 has shape 4 x 60"),
        (lambda x: x[:, :, :4], None, "which side is the bases cannot be told"),
        (lambda x: x[:0], lambda y: y[:0], "arr_0 has no sequences"),
        (
            lambda x: x[:, :, :50],
            None,
            "sequences of different lengths: most 60, train/a.npz has 50",
        ),
        (lambda x: x.astype("S1"), None, "0 and 1 are expected"),
        (lambda x: x.astype(object), None, "type object"),
        (None, lambda y: y[:5], "arr_1 has shape 5 for 7 sequences"),
        (None, lambda y: np.stack([y, y], 1), "arr_1 has shape 7 x 2 for 7"),
        (None, lambda y: y[0], "arr_1 has shape a single number"),
        (None, gap, "arr_1: 1 values missing or infinite: row 3"),
        (None, lambda y: y.astype(str), "arr_1 has values of type"),
        (None, lambda y: y.astype(object), "cannot be read as .npz"),
    ],
)
def test_wrong_arrays_are_named_by_file(tmp_path, x, y, words, own_cache):
    folder = arrays(tmp_path / "x")
    change(folder, "train/a.npz", x, y)
    said = refused(folder)
    assert words in said
    assert "train/a.npz" in said


def test_all_that_is_wrong_in_all_files(tmp_path, own_cache):
    folder = arrays(tmp_path / "x")
    change(folder, "train/a.npz", half)
    change(folder, "test/b.npz", None, gap)
    (folder / "train" / "b.npz").write_bytes(b"PK\x03\x04 and no more")
    np.savez(folder / "validation" / "a.npz", x=np.zeros(3))
    said = refused(folder)
    assert "train/a.npz: arr_0: not one-hot" in said
    assert "test/b.npz: arr_1: 1 values missing" in said
    assert "train/b.npz: it cannot be read as .npz" in said
    assert "validation/a.npz: arr_0 and arr_1 is missing; it has x" in said


def test_a_truncated_file(tmp_path, own_cache):
    folder = arrays(tmp_path / "x")
    path = folder / "train" / "b.npz"
    path.write_bytes(path.read_bytes()[:-300])
    assert "train/b.npz: it cannot be read as .npz" in refused(folder)


def test_missing_parts(tmp_path, own_cache):
    said = refused(arrays(tmp_path / "x", {"validation": 9}))
    assert "train: neither a folder with .npz files nor train.fasta was found" in said
    assert "test: neither" in said
    (tmp_path / "y").mkdir()
    folder = texts(tmp_path / "y")
    (folder / "test.csv").unlink()
    assert "test.fasta: test.csv is missing beside it" in refused(folder)
    assert "no such file or folder" in refused(tmp_path / "nowhere")


def edit(folder, name, before, after, count=1):
    path = folder / name
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, count))


@pytest.mark.parametrize(
    ("file", "before", "after", "words"),
    [
        ("train.fasta", ">train3 ", ">train2 ", "1 ids more than once in train.fasta: 'train2'"),
        ("train.fasta", ">train3 ", ">other ", "1 ids not in train.csv: 'other'"),
        ("train.fasta", ">train3 ", ">other ", "1 ids in train.csv alone: 'train3'"),
        ("train.csv", "train3,", "train2,", "1 ids more than once in train.csv: 'train2'"),
        ("train.csv", "train3,", "train3,x", "1 ids whose expression is no number: 'train3'"),
        ("train.csv", "expression", "level", "train.csv lacks the column 'expression'"),
        ("train.csv", "id,", "id,,,\n,", "train.csv"),
        ("train.fasta", "T", "U", "U (is it RNA? write T) in 1 row: row 'train0'"),
        ("train.fasta", "A", "X", "letters other than ACGTN in 1 row: row 'train0'"),
        ("train.fasta", "A", "", "mixed lengths: 60 in most rows, another in 1 row: row 'train0'"),
        ("train.fasta", ">train0", "train0", "train.fasta is no FASTA file"),
    ],
)
def test_wrong_texts_are_named_by_file(tmp_path, file, before, after, words, own_cache):
    (tmp_path / "x").mkdir()
    folder = texts(tmp_path / "x")
    edit(folder, file, before, after)
    said = refused(folder)
    assert words in said
    assert "train." in said


def test_texts_as_people_write_them(tmp_path, capsys):
    for name in ("plain", "written"):
        (tmp_path / name).mkdir()
    plain, written = (texts(tmp_path / name) for name in ("plain", "written"))
    lines = (written / "train.fasta").read_text().splitlines()
    lines[1], lines[3] = f"5'-{lines[1].lower()}-3'", f" {lines[3][:9]} {lines[3][9:]}"
    (written / "train.fasta").write_text("\n".join(lines))
    wanted, rows = (course_files.read({p.name: p for p in f.iterdir()}) for f in (plain, written))
    assert rows[1].texts() == wanted[1].texts()
    said = capsys.readouterr().err
    assert "train.fasta: 1 sequence with marks of their ends, small letters" in said


@pytest.mark.parametrize("end", [".fa", ".fna", ".fasta.gz", ".fa.gz"])
def test_texts_under_every_ending_of_fasta(end, tmp_path, own_cache):
    (tmp_path / "x").mkdir()
    folder = texts(tmp_path / "x")
    wanted = api.prepare("maize", "course", source=folder).manifest["data"]
    for file in list(folder.glob("*.fasta")):
        content = file.read_bytes()
        file.with_suffix(end).write_bytes(gzip.compress(content) if end[-3:] == ".gz" else content)
        file.unlink()
    assert api.prepare("maize", "course", source=folder).manifest["data"] == wanted
    (folder / "train.fas").write_text(">a\nACGT\n")
    said = refused(folder)
    assert re.search(r"train: one FASTA file is expected, not train\.\S+ and train\.\S+", said)


def test_nothing_left_to_train_on_and_a_test_of_one_family(tmp_path, own_cache):
    folder = arrays(tmp_path / "x", {"train": 30, "test": 30})
    for name in ("a", "b"):
        (folder / "train" / f"{name}.npz").write_bytes(
            (folder / "test" / f"{name}.npz").read_bytes()
        )
    assert "No row is left to train on: the 30 outside the folder test" in refused(folder)
    folder = arrays(tmp_path / "y", {"train": 30, "test": 30})
    x, y = np.repeat(hot(made(1)[0]), 9, axis=0), np.arange(9.0)
    for name in ("a", "b"):
        np.savez(folder / "test" / f"{name}.npz", x, y)
    assert "are one family" in refused(folder)


@pytest.mark.slow
def test_the_conformance_suite_holds_on_a_course(tmp_path, own_cache):
    from podium.verifying import verify

    api.prepare("maize", "course", source=arrays(tmp_path / "x"))
    verdicts = list(verify.verify("maize", "course"))
    assert [(v.check, v.problem) for v in verdicts if v.problem] == []
