"""The real slices, and people's own files: whole ones, odd ones and broken ones."""

import h5py
import numpy as np
import pandas as pd
import pytest
from podium.competitions.dlpfc.competition import SLICES
from podium.competitions.dlpfc.data import blocks, split, tissue
from podium.competitions.dlpfc.data import prepare as rooms
from scipy.sparse import csc_array, csr_array

from podium import api
from podium.competition.part import Part
from podium.data import dataset as data
from podium.data import h5ad
from podium.errors import DataError, ModelError, PodiumError
from podium.verifying import checks, verify
from podium.verifying.under_test import DatasetUnderTest

LAYERS = np.array(["L1", "L2", "L3"], dtype=object)


def lattice(spots):
    """Rows and columns of a Visium lattice, where row + column is even."""
    row, column = np.divmod(np.arange(spots), 15)
    return np.array([row, 2 * column + row % 2])


def sample(folder, name, *, spots=60, columns=8, seed=0, **changes):
    """A file in the course's format; a change of None leaves a dataset out."""
    rng = np.random.default_rng(seed)
    arrays = {
        "X": rng.poisson(1.0, (spots, columns)).astype(np.float32),
        "Y": np.repeat([1.0, 2.0, 3.0], spots // 3),
        "pos": lattice(spots).astype(float),
        **changes,
    }
    with h5py.File(folder / f"sample_{name}.h5", "w") as file:
        for key, values in arrays.items():
            if values is not None:
                file[key] = values
    return folder


def course(folder):
    return api.prepare("dlpfc", "course", source=folder)


@pytest.mark.slow
@pytest.mark.realdata
def test_slice_151510(raw_folder):
    ready = api.prepare("dlpfc", "151510", source=raw_folder("dlpfc"))
    test = ready.part("test")
    assert len(test) == 4595
    assert len(ready.train()) == 0
    (one,) = test.slices()
    assert one.counts.shape == (4595, 500)
    assert one.counts.sum() > 1e6
    assert one.features["domains"].unique().tolist() == [7]
    places = one.features[["x", "y"]].to_numpy()
    assert np.hypot(*(places[1:] - places[0]).T).min() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.slow
@pytest.mark.realdata
def test_starmap(raw_folder):
    ready = api.prepare("dlpfc", "starmap", source=raw_folder("dlpfc"))
    train, test = ready.train(), ready.part("test")
    assert [(s.name, len(s), len(s.genes)) for s in train.slices()] == [("BZ5", 1049, 166)]
    assert [(s.name, len(s)) for s in test.slices()] == [("BZ9", 1053), ("BZ14", 1088)]
    assert train.targets["domain"].value_counts().sort_index().index.tolist() == list("1234")


@pytest.mark.slow
def test_course_with_three_slices(tmp_path, own_cache):
    for number, name in enumerate(["151507", "151669", "151673"]):
        sample(tmp_path, name, seed=number, columns=8 + number)
    ready = course(tmp_path)
    train, test = ready.train(), ready.part("test")
    assert set(train.features["slice"]) == {"151507"}
    assert set(test.features["slice"]) == {"151669", "151673"}
    assert train.targets["domain"].unique().tolist() == ["1", "2", "3"]
    assert len(train.ids) == 60
    genes = {one.name: set(one.genes) for one in test.slices()}
    assert not genes["151669"] & genes["151673"]  # without names no gene is known to be the same
    run = api.run("dlpfc", "kmeans", dataset="course")
    assert run.row.score is not None
    assert api.board("dlpfc", "course")[0].name == "kmeans"


@pytest.mark.slow
def test_course_keeps_the_contract(tmp_path, own_cache):
    for number in range(3):
        sample(tmp_path, number, seed=number, spots=150)
    course(tmp_path)
    case = DatasetUnderTest(*api.load("dlpfc", "course"))
    slow = (checks.models_keep_the_contract, checks.imports_are_light)
    for check in set(verify.CHECKS) - set(slow):
        assert list(check(case)) == []


def test_numbers_in_names_are_numbers(tmp_path, own_cache):
    for number in (1, 2, 3, 9, 10, 11):
        sample(tmp_path, number, seed=number)
    ready = course(tmp_path)
    assert ready.train().features["slice"].unique().tolist() == ["1", "2"]
    assert ready.part("test").features["slice"].unique().tolist() == ["3", "9", "10", "11"]


def test_long_labels_stay_apart(tmp_path, own_cache):
    labels = np.repeat([1234567.0, 1234568.0, 1234569.0], 150)
    sample(tmp_path, "1", spots=450, Y=labels, y=np.zeros(450))
    (one,) = course(tmp_path).part("test").slices()
    assert one.features["domains"].unique().tolist() == [3]


def test_genes_of_one_name_are_told_apart(tmp_path, own_cache):
    names = np.array([b"G", b"G", b"H", b"G-1", b"G", b"I", b"J", b"K"])
    for number in range(3):
        sample(tmp_path, number, seed=number, genes=names)
    (one, _) = course(tmp_path).part("test").slices()
    assert list(one.genes) == ["G", "G-2", "H", "G-1", "G-3", "I", "J", "K"]
    assert api.run("dlpfc", "lightgbm", dataset="course").row.score is not None


def test_course_has_a_board_for_each_content(tmp_path, own_cache):
    sample(tmp_path, "a", seed=1, spots=450)
    first = course(tmp_path).version.name
    assert course(tmp_path).version.name == first
    sample(tmp_path, "a", seed=2, spots=450)
    assert course(tmp_path).version.name != first


def test_course_forms_that_are_understood(tmp_path, own_cache, capsys):
    rng = np.random.default_rng(3)
    counts = rng.poisson(1.0, (450, 8))
    names = np.array([f"G{gene}" for gene in range(8)], dtype="S")
    labels = np.array(["A", "B", ""] * 150, dtype="S")
    sample(tmp_path, "1", X=counts.T, pos=None, Pos=lattice(450).T, Y=labels, genes=names)
    (one,) = course(tmp_path).part("test").slices()
    assert len(one) == 300  # of 450; nobody annotated the others
    assert "sample_1: 450 spots x 8 genes, genes in rows of X" in capsys.readouterr().err
    assert list(one.genes) == [f"G{gene}" for gene in range(8)]
    known = np.flatnonzero(labels != b"")
    assert (one.counts.toarray() == counts[known]).all()
    assert one.features["domains"].unique().tolist() == [2]


def categorical(file, codes, categories):
    group = file.create_group("Y")
    group["codes"], group["categories"] = codes, categories
    group.attrs["encoding-type"] = "categorical"


def test_labels_and_counts_as_anndata_saves_them(tmp_path, own_cache, capsys):
    labels = np.array(["L1", "L2", ""] * 150, dtype="S")
    for name in ("plain", "saved"):
        (tmp_path / name).mkdir()
        sample(tmp_path / name, "1", spots=450, Y=labels if name == "plain" else None)
    wanted = course(tmp_path / "plain").manifest["data"]
    with h5py.File(tmp_path / "saved" / "sample_1.h5", "a") as file:
        categorical(file, np.array([0, 1, -1] * 150, dtype=np.int8), np.array([b"L1", b"L2"]))
        counts = csr_array(file["X"][:])
        del file["X"]
        group = file.create_group("X")
        group.attrs["shape"] = counts.shape
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(counts, part)
    assert course(tmp_path / "saved").manifest["data"] == wanted
    assert "nobody annotated" not in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["group", "codes", "compound", "link", "scalar"])
def test_labels_that_cannot_be_read_are_never_taken_for_none(kind, tmp_path, own_cache):
    sample(tmp_path, "good", spots=450)
    sample(tmp_path, "bad", Y=None)
    with h5py.File(tmp_path / "sample_bad.h5", "a") as file:
        if kind == "group":
            file.create_group("Y")["axis0"] = np.arange(60)
        elif kind == "codes":
            categorical(file, np.full(60, 7), np.array([b"L1"]))
        elif kind == "compound":
            file["Y"] = np.zeros(60, dtype=[("a", int), ("b", int)])
        elif kind == "link":
            file["Y"] = h5py.SoftLink("/nowhere")
        else:
            file["Y"] = 3
    with pytest.raises(DataError, match=r"sample_bad\.h5|sample_bad"):
        course(tmp_path)


def test_a_slice_that_nobody_annotated_is_open(tmp_path, own_cache, capsys):
    sample(tmp_path, "1", spots=450)
    sample(tmp_path, "2", Y=None, seed=1)
    ready = course(tmp_path)
    assert ready.has_open
    assert set(ready.part("open").features["slice"]) == {"2"}
    assert capsys.readouterr().err.startswith("slice 2: nobody annotated its spots")
    run = api.run("dlpfc", "kmeans", dataset="course")
    assert len(pd.read_csv(run.open_file)) == 60


BROKEN = {
    "missing X": ({"X": None}, "'X' is missing"),
    "shapes that do not fit": ({"X": np.ones((50, 8))}, "they do not fit"),
    "labels that do not fit": ({"Y": np.ones(59)}, "Y 59 spots"),
    "places of three numbers": ({"pos": np.ones((3, 60))}, "pos must be numbers"),
    "text": ({"X": np.array([b"a"] * 60)}, "X must be numbers"),
    "negative": ({"X": np.full((60, 8), -1.0)}, "480 counts are negative, the first is -1"),
    "fractions": ({"X": np.full((60, 8), 0.5)}, "480 counts are no whole numbers"),
    "NaN": ({"X": np.full((60, 8), np.nan)}, "480 counts are missing or infinite"),
    "names that do not fit": ({"genes": np.array([b"G"] * 7)}, "genes has 7 names for 8 columns"),
    "fractions for labels": ({"Y": np.full(60, 0.5)}, "Y has fractions"),
    "no genes": ({"X": np.ones((60, 0))}, "nothing to cluster"),
    "huge": ({"X": np.full((60, 8), 1e19)}, "480 counts are above"),
    "NaN places": ({"pos": np.full((2, 60), np.nan)}, "60 spots have no place"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_course_files(kind, tmp_path, own_cache):
    changes, words = BROKEN[kind]
    sample(tmp_path, "good")
    sample(tmp_path, "bad", **changes)
    with pytest.raises(DataError, match=words) as told:
        course(tmp_path)
    assert "bad" in str(told.value)
    assert not (own_cache / "dlpfc" / "course").exists()


def test_all_broken_files_are_named_at_once(tmp_path, own_cache):
    sample(tmp_path, "1", pos=np.ones(60))
    sample(tmp_path, "2", X=None)
    (tmp_path / "sample_3.h5").write_text("no HDF5")
    with pytest.raises(DataError) as told:
        course(tmp_path)
    assert len(told.value.problems) == 3


def test_a_slice_too_small_for_two_halves(tmp_path, own_cache):
    sample(tmp_path, "1")
    with pytest.raises(DataError, match="too small"):
        course(tmp_path)


def test_no_slice_is_annotated(tmp_path, own_cache):
    sample(tmp_path, "1", Y=None)
    with pytest.raises(DataError, match="nothing to score"):
        course(tmp_path)


def test_course_files_are_nowhere_to_fetch(own_cache):
    with pytest.raises(DataError, match="their owners have them"):
        api.prepare("dlpfc", "course")


def tenx(folder, name, barcodes, genes=40, seed=0):
    counts = csc_array(np.random.default_rng(seed).poisson(1.0, (genes, len(barcodes))))
    with h5py.File(folder / f"{name}_filtered_feature_bc_matrix.h5", "w") as file:
        matrix = file.create_group("matrix")
        matrix["shape"] = counts.shape
        for part in ("data", "indices", "indptr"):
            matrix[part] = getattr(counts, part)
        matrix["barcodes"] = np.array(barcodes, dtype="S")
        matrix.create_group("features")["id"] = np.array([f"ENSG{g}" for g in range(genes)], "S")


@pytest.fixture
def libd(tmp_path, monkeypatch):
    """The twelve files, small; the layer map's sha256 is that of the public one, so not asked."""
    barcodes = [f"B{spot:03d}-1" for spot in range(45)]
    row, column = lattice(45)
    for number, name in enumerate(SLICES):
        tenx(tmp_path, name, barcodes[: 40 + number % 3], seed=number)
    layers = [f"{b}\t{n}\t{LAYERS[i % 3]}" for n in SLICES for i, b in enumerate(barcodes[:39])]
    (tmp_path / "barcode_level_layer_map.tsv").write_text("\n".join(layers) + "\n")
    places = [f"{b},1,{r},{c},0,0" for b, r, c in zip(barcodes, row, column, strict=True)]
    (tmp_path / "tissue_positions_list.txt").write_text("\n".join(places) + "\n")
    return tmp_path


def prepared(folder):
    return rooms.libd12({file.name: file for file in folder.iterdir()})


def test_libd12_in_its_layout(libd):
    dataset = prepared(libd)
    assert len(dataset.targets) == 12 * 39  # spots without a layer are dropped
    assert dataset.features["slice"].nunique() == 12
    assert dataset.features["domains"].unique().tolist() == [3]
    table = split.libd12(dataset)
    parts = table.groupby("part")["id"].agg(lambda ids: set(ids.str[:6]))
    assert parts["train"] == set(SLICES[:4])
    assert parts["public"] == set(SLICES[4:8])
    assert set(table["stratum"]) == {"slices"}
    assert data.fingerprint(dataset) == data.fingerprint(prepared(libd))


def test_libd12_without_a_place(libd):
    places = (libd / "tissue_positions_list.txt").read_text().splitlines()
    (libd / "tissue_positions_list.txt").write_text("\n".join(places[1:]))
    with pytest.raises(DataError, match="1 barcodes have no position, the first is B000-1"):
        prepared(libd)


@pytest.mark.parametrize("text", ["", "a,b\n", "B,1,x,y,0,0\n"])
def test_libd12_with_other_positions(libd, text):
    (libd / "tissue_positions_list.txt").write_text(text)
    with pytest.raises(DataError, match="tissue_positions_list"):
        prepared(libd)


def test_libd12_with_a_changed_map(libd, own_cache):
    with pytest.raises(DataError, match="changed or truncated"):
        api.prepare("dlpfc", "libd12", source=libd)


def test_an_empty_part_has_no_slices():
    frame = pd.DataFrame({"slice": []})
    assert list(Part(name="train", ids=pd.Index([]), features=frame).slices()) == []


def test_places_that_are_all_one():
    places = np.ones((5, 2))
    assert (tissue.spaced(places) == places).all()


def test_a_course_without_positions_is_clustered_by_expression_alone(
    tmp_path, own_cache, podium_cli
):
    sample(tmp_path, "1", spots=450, pos=None)
    done = podium_cli("data", "dlpfc", "--dataset", "course", "--from", tmp_path)
    assert done.status == 0, done.err
    assert "models that look at expression alone take it (ae_" in done.err
    test = data.load(*api.load("dlpfc", "course")).part("test")
    assert test.features[["x", "y"]].isna().all(axis=None)
    assert api.run("dlpfc", "kmeans", dataset="course").row.score is not None
    pytest.importorskip("torch")
    done = podium_cli("run", "dlpfc", "graph_ae", "--dataset", "course")
    assert "Slice 1 has no positions" in done.err


def test_a_slice_without_positions_has_blocks_as_large_as_others():
    features = pd.DataFrame({"slice": "a", "x": np.nan, "y": np.nan}, index=range(450))
    names, sizes = np.unique(blocks.blocks(features), return_counts=True)
    assert names.tolist() == ["a:0", "a:1", "a:2"]
    assert sizes.tolist() == [150, 150, 150]


def own_rows(folder):
    """The same slice in every form, with its positions or without."""
    rng = np.random.default_rng(0)
    counts, places = rng.poisson(1.0, (60, 8)), lattice(60).T.astype(float)
    names = np.array([f"g{gene}" for gene in range(8)])
    rows = pd.DataFrame(index=[str(spot) for spot in range(1, 61)])
    for name, there in (("placed.h5ad", places), ("placeless.h5ad", None)):
        h5ad.write(folder / name, h5ad.Annotated(rows, csr_array(counts), names, there))
    sample(folder, "one", X=counts, Y=None, genes=names.astype("S"))
    sample(folder, "two", X=counts, Y=None, pos=None, genes=names.astype("S"))
    with h5py.File(folder / "tenx.h5", "w") as file:
        group, sparse = file.create_group("matrix"), csc_array(counts.T)
        group["shape"], group["barcodes"] = (8, 60), rows.index.to_numpy().astype("S")
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(sparse, part)
        group.create_group("features")["id"] = names.astype("S")


def test_rows_of_ones_own_come_in_every_form_with_positions_or_without(tmp_path, capsys):
    own_rows(tmp_path)
    wanted = api.predict("dlpfc", "kmeans", tmp_path / "placed.h5ad").table
    said = capsys.readouterr().err
    assert "placed.h5ad: taken for what is left out: domains (7)." in said
    assert "no positions" not in said
    for name in ("placeless.h5ad", "sample_one.h5", "sample_two.h5", "tenx.h5"):
        pd.testing.assert_frame_equal(api.predict("dlpfc", "kmeans", tmp_path / name).table, wanted)
        assert ("no positions" in capsys.readouterr().err) == (name != "sample_one.h5"), name
    with pytest.raises(ModelError, match=r"Slice placeless has no positions"):
        api.predict("dlpfc", "spatial_gmm", tmp_path / "placeless.h5ad")


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("indices", 8, "indices must be < 8"),
        ("indices", -1, "indices must be >= 0"),
        ("barcodes", None, "it is no 10x matrix"),
    ],
)
def test_a_damaged_matrix_is_refused_before_any_model_reads_it(part, value, words, tmp_path):
    own_rows(tmp_path)
    with h5py.File(tmp_path / "tenx.h5", "a") as file:
        entries = np.arange(60) if value is None else file["matrix"][part][:]
        if value is not None:
            entries[5] = value
        del file["matrix"][part]
        file["matrix"][part] = entries
    with pytest.raises(DataError, match="cannot be used") as error:
        api.predict("dlpfc", "kmeans", tmp_path / "tenx.h5")
    assert words in error.value.problems[0]


def test_what_may_be_left_out_is_not_called_nearly_so(tmp_path):
    counts = csr_array(np.ones((3, 2), dtype=int))
    rows = pd.DataFrame({"Domains": 3, "X": 1.0, "y": 1.0}, index=list("abc"))
    h5ad.write(tmp_path / "own.h5ad", h5ad.Annotated(rows, counts, np.array(["g", "h"]), None))
    with pytest.raises(DataError, match="cannot be predicted") as error:
        api.predict("dlpfc", "kmeans", tmp_path / "own.h5ad")
    assert [one.partition(" ")[0] for one in error.value.problems] == ["obs['Domains']", "obs['X']"]


def test_rows_in_another_form_say_what_is_wrong(tmp_path):
    sample(tmp_path, "bad", X=None)
    with pytest.raises(DataError, match=r"sample_bad\.h5 cannot be used") as error:
        api.predict("dlpfc", "kmeans", tmp_path / "sample_bad.h5")
    assert error.value.problems == ("'X' is missing",)


@pytest.mark.parametrize("text", ["slice.csv", "nothing.h5ad"])
def test_own_rows_need_an_annotated_file(text, workspace):
    (workspace / "slice.csv").write_text("id\n1\n")
    with pytest.raises(PodiumError, match="AnnData"):
        api.predict("dlpfc", "kmeans", text)
