"""Cells of one's own, in every form in which they lie around."""

import gzip
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from podium.competitions.imputation.data import rows
from scipy.io import mmwrite
from scipy.sparse import csc_array, csr_array

from podium import api
from podium.data import h5ad, hdf5
from podium.errors import DataError, PodiumError

CELLS, GENES = 12, 7
COUNTS = np.random.default_rng(0).poisson(0.7, (CELLS, GENES))
TABLE = pd.DataFrame(
    COUNTS,
    index=[f"cell_{number}" for number in range(CELLS)],
    columns=[f"WBGene{number:08d}" for number in range(GENES)],
)


def tenx(folder: Path) -> Path:
    """The folder of 10x: genes in rows."""
    with gzip.open(folder / "matrix.mtx.gz", "wb") as file:
        mmwrite(file, csr_array(COUNTS.T))
    with gzip.open(folder / "barcodes.tsv.gz", "wt") as file:
        file.write("\n".join(TABLE.index))
    lines = [f"id{number}\t{name}\tGene Expression" for number, name in enumerate(TABLE)]
    (folder / "features.tsv").write_text("\n".join(lines) + "\n")
    return folder


def tenx_hdf5(path: Path) -> Path:
    matrix = csc_array(COUNTS.T)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(matrix, name)
        group["shape"] = COUNTS.T.shape
        group["barcodes"] = list(TABLE.index)
        group["features/name"] = list(TABLE.columns)
    return path


def own_hdf5(path: Path) -> Path:
    hdf5.write(path, TABLE.astype(float).reset_index(names="id"), "count")
    return path


def text(path: Path, *, turned: bool = False, **how: Any) -> Path:
    (TABLE.T if turned else TABLE).to_csv(path, **how)
    return path


def parquet(path: Path) -> Path:
    TABLE.reset_index(names="cell").to_parquet(path)
    return path


FORMS = {
    "csv": lambda folder: text(folder / "a.csv"),
    "genes in rows": lambda folder: text(folder / "a.csv.gz", turned=True),
    "tabs": lambda folder: text(folder / "a.tsv", sep="\t"),
    "parquet": lambda folder: parquet(folder / "a.parquet"),
    "folder of 10x": tenx,
    "mtx": lambda folder: tenx(folder) / "matrix.mtx.gz",
    "hdf5 of 10x": lambda folder: tenx_hdf5(folder / "a.h5"),
    "as written": lambda folder: own_hdf5(folder / "a.h5"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same(form: str, tmp_path: Path) -> None:
    annotated = rows.read(FORMS[form](tmp_path))
    assert list(annotated.rows.index) == list(TABLE.index)
    assert list(annotated.genes) == list(TABLE.columns)
    assert (annotated.counts.toarray() == COUNTS).all()
    _, counts = rows.taken("a", annotated)
    assert (counts.matrix().toarray() == COUNTS).all()


def test_genes_of_the_dataset_tell_the_side(tmp_path: Path) -> None:
    plain = TABLE.set_axis([f"w{n}" for n in range(CELLS)]).set_axis(list("abcdefg"), axis=1)
    plain.T.to_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match="rows cells, or the 12 columns"):
        rows.read(tmp_path / "a.csv")
    annotated = rows.read(tmp_path / "a.csv", list("abcdefg"))
    assert (annotated.counts.toarray() == COUNTS).all()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "no table of numbers"),
        ("a.csv", b"gene,c1\nx,1.5\n", "no whole numbers"),
        ("a.h5", b"nothing of the kind", "cannot be read as counts"),
        ("a.parquet", b"PAR1", "cannot be read as counts"),
        ("a.mtx", b"%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 1\n", "names"),
    ],
)
def test_what_cannot_be_read(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as told:
        rows.read(tmp_path / name)
    assert said in str(told.value)


def test_a_folder_without_a_matrix(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no matrix"):
        rows.read(tmp_path)


def test_a_gene_may_not_be_called_id() -> None:
    annotated = h5ad.Annotated(TABLE[[]], csr_array(COUNTS), np.array(["id", *"abcdef"]), None)
    with pytest.raises(DataError, match="called 'id'"):
        rows.taken("a", annotated)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["csv", "parquet", "h5", "h5ad"])
def test_predicts_cells_of_any_genes(end: str, tmp_path: Path) -> None:
    output = tmp_path / f"out.{end}"
    given = text(tmp_path / "mine.csv")
    predicted = api.predict("imputation", "knn_smooth", given, output=output)
    assert list(predicted.table["id"]) == list(TABLE.index)
    if end == "csv":
        values = pd.read_csv(output, index_col="id")
    elif end == "parquet":
        values = pd.read_parquet(output).set_index("id")
    else:
        made = h5ad.read(output) if end == "h5ad" else rows.read(output)
        values = pd.DataFrame(made.counts.toarray(), made.rows.index, made.genes)
    assert list(values.columns) == list(TABLE.columns)
    assert (values.to_numpy()[COUNTS > 0] == COUNTS[COUNTS > 0]).all()


@pytest.mark.slow
def test_models_that_learn_from_answers_say_which_genes_they_need(tmp_path: Path) -> None:
    with pytest.raises(PodiumError) as told:
        api.predict("imputation", "lightgbm", text(tmp_path / "mine.csv"))
    assert "lacks 1,000 of the 1,000 genes of demo" in str(told.value)
    assert "take any: dca, diffusion, knn_smooth, nb_posterior, svd" in str(told.value)
