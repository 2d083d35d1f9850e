"""AnnData files: one that anndata 0.12 wrote, and our own read back."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from podium import api
from podium.data import h5ad, hdf5
from podium.data.formats import Expected
from podium.data.reader import read
from podium.errors import DataError

FILE = Path(__file__).parents[1] / "anndata.h5ad"
"""40 spots and 12 genes of the simulated slice d2s1, counts as CSC, places in another unit."""


def test_what_anndata_wrote():
    found = h5ad.read(FILE)
    assert found.counts.shape == (40, 12)
    assert found.rows.index[:2].tolist() == ["s0", "s1"]
    assert set(found.rows.columns) == {"slice", "domains"}
    assert found.rows["domains"].tolist() == [5] * 40
    assert len(found.genes) == 12
    assert found.places.shape == (40, 2)
    with h5py.File(FILE) as file:
        assert file["X"].attrs["encoding-type"] == "csc_matrix"
        assert found.counts.sum() == file["X/data"][:].sum()


def test_our_own_is_read_back(tmp_path):
    rows = pd.DataFrame({"slice": ["a", "b"], "x": [0.5, 1.5]}, index=["p", "q"])
    counts = csr_array(np.array([[0, 3, 1], [2, 0, 0]]))
    genes, places = np.array(["g1", "g2", "g3"]), np.array([[0.0, 1.0], [2.0, 3.0]])
    h5ad.write(tmp_path / "own.h5ad", h5ad.Annotated(rows, counts, genes, places))
    found = h5ad.read(tmp_path / "own.h5ad")
    assert (found.counts.toarray() == counts.toarray()).all()
    assert list(found.genes) == ["g1", "g2", "g3"]
    assert (found.places == places).all()
    assert found.rows.index.tolist() == ["p", "q"]
    assert found.rows["slice"].tolist() == ["a", "b"]
    assert found.rows["x"].tolist() == [0.5, 1.5]


def test_categories_and_missing_values(tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        group = file.create_group("kind")
        group["categories"] = np.array([b"u", b"v"])
        group["codes"] = np.array([1, -1, 0])
        masked = file.create_group("number")
        masked["values"], masked["mask"] = np.array([1, 2]), np.array([False, True])
        assert h5ad.column(file, "kind").tolist() in (["v", None, "u"], [b"v", None, b"u"])
        assert h5ad.column(file, "number").tolist() == [1, None]


def test_what_is_no_anndata(tmp_path):
    (tmp_path / "text.h5ad").write_text("no")
    with h5py.File(tmp_path / "other.h5ad", "w") as file:
        file["X"] = [1]
    for name, words in (("text", "cannot be read as an AnnData"), ("other", "no obs and var")):
        with pytest.raises(DataError, match=words):
            h5ad.read(tmp_path / f"{name}.h5ad")


TEXT = h5py.string_dtype()
COUNTS = np.array([[1, 0], [0, 2], [3, 0]])


def sparse(parent, name, values=COUNTS, **attributes):
    """A matrix by rows, marked as a version of anndata marks it."""
    group, matrix = parent.create_group(name), csr_array(values)
    for part in ("data", "indices", "indptr"):
        group[part] = getattr(matrix, part)
    group.attrs.update(attributes)


def version_7(path, change=lambda file: None):
    """A file as anndata 0.7 wrote it: nothing at the top, categories beside their columns."""
    with h5py.File(path, "w") as file:
        sparse(file, "X", **{"encoding-type": "csr_matrix", "shape": (3, 2)})
        obs = file.create_group("obs")
        obs.attrs.update({"encoding-type": "dataframe", "_index": "index"})
        obs["index"] = np.array(["a", "b", "c"], dtype=TEXT)
        obs["slice"] = np.array([0, 1, -1], dtype=np.int8)
        obs["__categories/slice"] = np.array(["s1", "s2"], dtype=TEXT)
        obs["slice"].attrs["categories"] = obs["__categories/slice"].ref
        obs["domains"] = [5, 5, 5]
        file["var/_index"] = np.array(["g1", "g2"], dtype=TEXT)
        file["obsm/spatial"] = np.arange(6.0).reshape(3, 2)
        change(file)


def version_6(path):
    """As 0.6 did: tables are compound datasets, categories lie in `uns`."""
    obs = [("index", "S1"), ("slice", "i1"), ("domains", "i8")]
    with h5py.File(path, "w") as file:
        sparse(file, "X", h5sparse_format="csr", h5sparse_shape=(3, 2))
        file["obs"] = np.array([(b"a", 0, 5), (b"b", 1, 5), (b"c", -1, 5)], dtype=obs)
        file["var"] = np.array([(b"g1",), (b"g2",)], dtype=[("index", "S2")])
        places = np.arange(6.0).reshape(3, 2)
        file["obsm"] = np.array([(place,) for place in places], dtype=[("spatial", "f8", (2,))])
        file["uns/slice_categories"] = np.array(["s1", "s2"], dtype=TEXT)


def places_in_a_table(file):
    del file["obsm/spatial"]
    table = file.create_group("obsm/spatial")
    table.attrs.update({"encoding-type": "dataframe", "column-order": ["x", "y"]})
    table["_index"], table["y"] = np.array(["a", "b", "c"], dtype=TEXT), [1, 3, 5]
    table["x"] = [0.0, 2.0, 4.0]


def called_as_at_first(file):
    file.move("obsm/spatial", "obsm/X_spatial")


def scaled(file):
    """Counts that only `raw` has, of other genes than `X`."""
    del file["X"]
    file["X"] = np.full((3, 1), 0.5)
    sparse(file, "raw/X", **{"encoding-type": "csr_matrix", "shape": (3, 2)})
    file.move("var", "raw/var")
    file["var/_index"] = np.array(["g1"], dtype=TEXT)


def scaled_long_ago(file):
    scaled(file)
    file.move("raw/X", "raw.X")
    file.move("raw/var", "raw.var")


@pytest.mark.parametrize(
    "change", [lambda _: None, places_in_a_table, called_as_at_first, scaled, scaled_long_ago, None]
)
def test_files_of_former_versions_say_the_same(change, tmp_path, capsys):
    if change is None:
        version_6(tmp_path / "old.h5ad")
    else:
        version_7(tmp_path / "old.h5ad", change)
    old = h5ad.read(tmp_path / "old.h5ad")
    assert old.rows.index.tolist() == ["a", "b", "c"]
    assert old.rows["slice"].tolist()[:2] == ["s1", "s2"]
    assert pd.isna(old.rows["slice"].iloc[2])
    assert old.rows["domains"].tolist() == [5, 5, 5]
    assert set(old.rows) == {"slice", "domains"}
    assert (old.counts.toarray() == COUNTS).all()
    assert old.genes.tolist() == ["g1", "g2"]
    assert (old.places == np.arange(6.0).reshape(3, 2)).all()
    said = "X holds no counts: they are raw.X." if change in (scaled, scaled_long_ago) else ""
    assert capsys.readouterr().err == (f"{tmp_path / 'old.h5ad'}: {said}\n" if said else "")


@pytest.mark.parametrize("write", [version_6, version_7])
def test_rows_of_former_versions_are_read_as_a_table(write, tmp_path):
    write(tmp_path / "old.h5ad")
    expected = Expected.own(tmp_path / "old.h5ad", ["id", "slice", "domains"])
    assert read(tmp_path / "old.h5ad", expected).to_pydict() == {
        "id": ["a", "b", "c"],
        "slice": ["s1", "s2", None],
        "domains": [5, 5, 5],
    }


def filtered(path, code):
    """A column that is said to be packed by a filter."""
    version_7(path)
    with h5py.File(path, "r+") as file:
        del file["obs/domains"]
        listed = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        listed.set_chunk((3,))
        listed.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (1,))
        space = h5py.h5s.create_simple((3,))
        made = h5py.h5d.create(file["obs"].id, b"domains", h5py.h5t.NATIVE_INT64, space, listed)
        made.write_direct_chunk((0,), np.arange(3).tobytes(), 0)


OTHERS = {"zeros": 0 * COUNTS, "ones": 1 * (COUNTS > 0), "negative": COUNTS - 1}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_holds_no_counts_is_not_taken_for_them(kind, tmp_path, capsys):
    def changed(file):
        del file["X"]
        sparse(file, "X", OTHERS[kind], **{"encoding-type": "csr_matrix", "shape": (3, 2)})
        sparse(file, "raw/X", **{"encoding-type": "csr_matrix", "shape": (3, 2)})
        file["raw/var/_index"] = np.array(["g1", "g2"], dtype=TEXT)

    version_7(tmp_path / "own.h5ad", changed)
    assert (h5ad.read(tmp_path / "own.h5ad").counts.toarray() == COUNTS).all()
    assert "X holds no counts: they are raw.X." in capsys.readouterr().err


def test_ones_alone_are_counts_where_nothing_says_more(tmp_path, capsys):
    def changed(file):
        del file["X"]
        sparse(file, "X", OTHERS["ones"], **{"encoding-type": "csr_matrix", "shape": (3, 2)})

    version_7(tmp_path / "own.h5ad", changed)
    assert (h5ad.read(tmp_path / "own.h5ad").counts.toarray() == OTHERS["ones"]).all()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("code", "name"),
    [
        *((32001, "blosc (32001)"), (32004, "lz4 (32004)"), (32008, "bitshuffle (32008)")),
        *((32015, "zstd (32015)"), (40_000, "a filter (40000)")),
    ],
)
def test_a_filter_that_is_missing_is_named(code, name, tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "plugins", lambda: None)
    monkeypatch.setattr(h5ad, "plugins", lambda: None)
    if h5py.h5z.filter_avail(code):
        pytest.skip("hdf5plugin is loaded")
    path = tmp_path / "packed.h5ad"
    filtered(path, code)
    way = "save it anew" if code == 40_000 else "pip install hdf5plugin"
    words = f"it is packed by the HDF5 filter {name}, which is not installed: {way}"
    with pytest.raises(DataError) as error:
        h5ad.read(path)
    assert words in error.value.message
    with pytest.raises(DataError) as error:
        read(path, Expected.own(path, ["id", "domains"]))
    assert words in error.value.problems[0]


@pytest.mark.slow
def test_slices_go_out_and_predictions_come_in(podium_cli, workspace):
    api.annotate("dlpfc", "demo", workspace / "out")
    names = sorted(file.name for file in (workspace / "out").iterdir())
    assert len(names) == 12
    assert names[0] == "test-d2s1.h5ad"
    train = h5ad.read(workspace / "out" / "train-d1s1.h5ad")
    assert set(train.rows.columns) == {"slice", "x", "y", "domains", "domain"}
    tests = [h5ad.read(workspace / "out" / name) for name in names if name.startswith("test")]
    assert not any("domain" in one.rows for one in tests)
    rows = pd.concat([one.rows for one in tests]).assign(domain="L1")
    empty = csr_array((len(rows), 1))
    h5ad.write(workspace / "mine.h5ad", h5ad.Annotated(rows, empty, np.array(["g"]), None))
    assert podium_cli("check", "dlpfc", "mine.h5ad").status == 0
    h5ad.write(workspace / "half.h5ad", h5ad.Annotated(rows[:9], empty[:9], np.array(["g"]), None))
    assert "ids missing" in podium_cli("check", "dlpfc", "half.h5ad").err


@pytest.mark.slow
def test_a_slice_of_ones_own(podium_cli, workspace):
    done = podium_cli("predict", "dlpfc", "kmeans", "--input", FILE, "--output", "mine.csv")
    assert done.status == 0, done.err
    found = pd.read_csv(workspace / "mine.csv")
    assert found["id"].tolist() == [f"s{row}" for row in range(40)]
    assert found["domain"].nunique() == 5


def test_a_competition_without_counts(podium_cli):
    assert "has no counts" in podium_cli("data", "sirna", "--h5ad", "out").err
    (Path("file")).write_text("")
    assert "cannot be written" in podium_cli("data", "dlpfc", "--h5ad", "file/out").err


def damaged(path, change):
    """A copy of the real file with something changed in it."""
    shutil.copyfile(FILE, path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replaced(name, values):
    def change(file):
        del file[name]
        file[name] = values

    return change


def linked(file):
    del file["obs/slice/categories"]
    file["obs/slice/categories"] = h5py.ExternalLink("other.h5ad", "obs/slice/categories")


DAMAGED = {
    "indices beyond": (replaced("X/indices", np.full(2, 10**6)), "cannot be read"),
    "places of one number": (replaced("obsm/spatial", np.zeros((40, 1))), "places have shape"),
    "places of few spots": (replaced("obsm/spatial", np.zeros((3, 2))), "places have shape"),
    "flat counts": (replaced("X", np.zeros(40)), "two dimensions"),
    "complex counts": (replaced("X", np.zeros((40, 12), complex)), "two dimensions"),
    "codes beyond": (replaced("obs/slice/codes", np.full(40, 7)), "beyond its"),
    "no slice": (replaced("obs/slice/codes", np.full(40, -1)), "40 spots have none"),
    "domains as text": (replaced("obs/domains", np.array([b"x"] * 40)), "obs domains"),
    "no domains": (replaced("obs/domains", np.zeros(40, int)), "obs domains"),
    "half a domain": (replaced("obs/domains", np.full(40, 3.7)), "obs domains"),
    "domains that differ": (replaced("obs/domains", np.arange(1, 41)), "one number for all"),
    "links": (linked, "is a link to other data"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_slices_are_refused_in_words(kind, podium_cli):
    change, words = DAMAGED[kind]
    if kind == "indices beyond":
        with h5py.File(FILE) as file:
            stored = len(file["X/indices"])
        change = replaced("X/indices", np.full(stored, 10**6))
    damaged("odd.h5ad", change)
    done = podium_cli("predict", "dlpfc", "kmeans", "--input", "odd.h5ad")
    assert done.status == 1, done.err
    assert words in done.err
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_predictions_may_not_lie_in_another_file(podium_cli):
    ready = api.prepare("dlpfc")
    ids = ready.part("test").ids
    rows = pd.DataFrame({"domain": "L1"}, index=ids)
    h5ad.write(Path("mine.h5ad"), h5ad.Annotated(rows, csr_array((len(ids), 1)), ["g"], None))
    assert podium_cli("check", "dlpfc", "mine.h5ad").status == 0
    with h5py.File("mine.h5ad", "r+") as file:
        del file["obs/domain"]
        group = file.create_group("obs/domain")
        group["codes"] = np.zeros(len(ids), np.int8)
        group["categories"] = h5py.ExternalLink("theirs.h5ad", "obs/domain/categories")
    done = podium_cli("check", "dlpfc", "mine.h5ad")
    assert done.status == 1
    assert "'categories' is a link to other data" in done.err
