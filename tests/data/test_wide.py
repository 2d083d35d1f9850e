"""A target that is a matrix: every format gives the same, and what is wrong is said by entry."""

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.sparse import csc_array, csr_array

from podium.competition.contract import Target
from podium.competition.folders import load
from podium.data import h5ad
from podium.data.formats import Expected
from podium.data.reader import read
from podium.errors import SubmissionError
from podium.scoring import submission
from suites import mostly_slow

IDS = [f"c{row}" for row in range(30)]
GENES = [f"Gene{column}" for column in range(8)]
SHUFFLED = np.random.default_rng(1).permutation(30)


@pytest.fixture
def values(workspace):
    found = np.random.default_rng(0).poisson(0.6, (30, 8)).astype(np.float64)
    found[0, 0] = 0.1
    return found


def competition():
    target = Target(name="count", low=0.0, matrix=True)
    return dataclasses.replace(load("toy"), targets=(target,))


def aligned(path):
    table = read(Path(path), Expected.of(competition(), len(IDS), GENES))
    found = submission.align(table, competition(), pa.array(IDS), genes=GENES)["count"]
    return found.toarray() if hasattr(found, "toarray") else found


def refused(path):
    with pytest.raises(SubmissionError) as error:
        aligned(path)
    return str(error.value)


def frame(values, rows=SHUFFLED, genes=GENES[::-1]):
    table = pd.DataFrame(values, columns=GENES)[genes]
    table.insert(0, "id", IDS)
    return table.iloc[rows]


def write_hdf5(path, values, rows=SHUFFLED, form=None, group="/", name="count"):
    with h5py.File(path, "w") as file:
        top = file.require_group(group)
        top["id"], top["genes"] = [IDS[row] for row in rows], GENES
        if form is None:
            top[name] = values[rows]
            return
        sparse = form(values[rows])
        made = top.create_group(name)
        made.attrs["encoding-type"] = f"{sparse.format}_matrix"
        for key in ("data", "indices", "indptr"):
            made[key] = getattr(sparse, key)


def test_tables(values):
    frame(values).to_csv("p.csv", index=False)
    frame(values).to_parquet("p.parquet", index=False)
    frame(values).astype(dict.fromkeys(GENES, str)).to_parquet("text.parquet", index=False)
    for name in ("p.csv", "p.parquet", "text.parquet"):
        assert np.array_equal(aligned(name), values), name


def test_a_single_precision_file_stays_so(values):
    frame(values).astype(dict.fromkeys(GENES, np.float32)).to_parquet("p.parquet", index=False)
    found = aligned("p.parquet")
    assert found.dtype == np.float32
    assert np.array_equal(found, values.astype(np.float32))


@pytest.mark.slow
@pytest.mark.parametrize("form", mostly_slow([None, csr_array, csc_array], 1))
def test_hdf5(values, form):
    write_hdf5("p.h5", values, form=form)
    write_hdf5("group.h5", values, form=form, group="predictions", name="X")
    for name in ("p.h5", "group.h5"):
        assert np.array_equal(aligned(name), values), name


def test_hdf5_with_a_dataset_for_each_gene(values):
    with h5py.File("p.h5", "w") as file:
        file["id"] = IDS
        for place, gene in enumerate(GENES):
            file[gene] = values[:, place]
    assert np.array_equal(aligned("p.h5"), values)


@pytest.mark.slow
def test_anndata(values):
    rows = pd.DataFrame(index=[IDS[row] for row in SHUFFLED])
    matrix = csr_array(values[SHUFFLED][:, ::-1])
    h5ad.write(Path("p.h5ad"), h5ad.Annotated(rows, matrix, np.array(GENES[::-1]), None))
    assert np.array_equal(aligned("p.h5ad"), values)


@pytest.mark.slow
def test_what_is_wrong_is_said_by_entry(values):
    bad = values.copy()
    bad[2, 3], bad[4, 5], bad[29, 0] = -1, np.nan, np.inf
    frame(bad, np.arange(30), GENES).to_parquet("p.parquet", index=False)
    write_hdf5("p.h5", bad, np.arange(30))
    write_hdf5("s.h5", bad, np.arange(30), csr_array)
    for name in ("p.parquet", "p.h5", "s.h5"):
        said = refused(name)
        assert "1 value outside [0, inf]: row 3, column 'Gene3' (-1)" in said
        assert "1 value missing or NaN: row 5, column 'Gene5' (nan)" in said
        assert "1 value infinite: row 30, column 'Gene0' (inf)" in said


def test_texts_and_types(values):
    text = frame(values, np.arange(30), GENES).astype({"Gene1": object})
    text.iloc[3, 2] = "many"
    text.to_csv("p.csv", index=False)
    assert "1 value no number: row 4, column 'Gene1' ('many')" in refused("p.csv")
    frame(values).assign(Gene2=pd.Timestamp("2026-01-01")).to_parquet("p.parquet", index=False)
    assert "1 column of another type than numbers: 'Gene2'" in refused("p.parquet")


@pytest.mark.slow
def test_columns(values):
    whole = frame(values)
    whole.drop(columns=GENES[:6]).to_csv("p.csv", index=False)
    assert "6 columns missing: 'Gene0', 'Gene1', 'Gene2', 'Gene3', 'Gene4', ..." in refused("p.csv")
    whole.assign(other="text").to_csv("p.csv", index=False)
    assert np.array_equal(aligned("p.csv"), values)
    more = np.hstack([values, np.full((30, 1), np.nan)])
    rows = pd.DataFrame(index=IDS)
    names = np.array([*GENES, "other"])
    h5ad.write(Path("p.h5ad"), h5ad.Annotated(rows, csr_array(more), names, None))
    assert np.array_equal(aligned("p.h5ad"), values)  # what is wrong with others is no matter
    whole.set_index("id").T.rename_axis("id").reset_index().to_csv("p.csv", index=False)
    assert "save the matrix the other way round" in refused("p.csv")
    whole.set_index("id").T.to_csv("p.csv")
    said = refused("p.csv")
    assert "column 'id' is missing" in said
    assert "8 columns missing: 'Gene0'" in said
    assert "save the matrix the other way round" in said
    whole.assign(**{"Gene1 ": 0, "Gene2 ": 0}).rename(columns=str.strip).to_csv(
        "p.csv", index=False
    )
    assert "column 'Gene2' is there twice" in refused("p.csv")
    whole.iloc[:-2].to_csv("p.csv", index=False)
    assert "2 ids missing" in refused("p.csv")


@pytest.mark.slow
def test_parts_that_do_not_fit(values):
    write_hdf5("p.h5", values[:, :7])
    said = refused("p.h5")
    assert "30 ids and 8 genes, but 30 x 7 values" in said
    assert "other way round" not in said
    with h5py.File("p.h5", "w") as file:
        file["id"], file["genes"], file["count"] = IDS, GENES, values.T
    assert "but 8 x 30 values: save them the other way round" in refused("p.h5")
    with h5py.File("p.h5", "w") as file:
        file["id"], file["count"] = IDS, values
    assert "'genes' is missing" in refused("p.h5")
    write_hdf5("p.h5", values, form=csr_array)
    with h5py.File("p.h5", "r+") as file:
        file["count/indices"][0] = 99
    assert "cannot be read as HDF5" in refused("p.h5")
    with h5py.File("p.h5", "w") as file:
        file["id"], file["genes"] = IDS, GENES
        file.create_dataset("count", (30, 1_000_000_000), "f4", compression="gzip")
    assert "too many bytes" in refused("p.h5")
