import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from podium.competitions.sirna.data.split import FOLDS, STRATA, shanghai, split
from podium.competitions.sirna.data.split import demo as of_demo

from podium import api
from podium.data.dataset import build
from podium.errors import DataError

FOLDER = api.load("sirna")[0].data_folder
REAL = Path(os.environ.get("PODIUM_RAW") or FOLDER.parents[3] / "shared" / "data" / "sirna")


def invented(genes: int = 40, rows: int = 4000) -> pd.DataFrame:
    """Rows of genes of very different sizes, about four rows a guide."""
    rng = np.random.default_rng(5)
    share = 1 / np.arange(1, genes + 1)
    gene = rng.choice(genes, size=rows, p=share / share.sum())
    guide = rng.integers(0, np.bincount(gene)[gene] // 4 + 1)
    return pd.DataFrame(
        {
            "id": [str(7 * row) for row in range(rows)],
            "gene": [f"gene{name}" for name in gene],
            "guide": [f"guide{a}.{b}" for a, b in zip(gene, guide, strict=True)],
        }
    )


def frozen(dataset: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / "splits" / f"{dataset}.csv", dtype={"id": str, "fold": "Int64"})


def check(table: pd.DataFrame, groups: pd.DataFrame) -> None:
    """Everything that a split promises, whatever the dataset."""
    table = table[table["part"] != "open"].merge(groups, on="id", validate="1:1")
    train, test = table[table["part"] == "train"], table[table["part"] != "train"]
    assert len(table) == len(groups)
    assert len(test) / len(table) == pytest.approx(0.2, abs=0.01)
    assert test["stratum"].value_counts(normalize=True).to_numpy() == pytest.approx(1 / 3, abs=0.02)
    assert train["stratum"].value_counts(normalize=True).to_numpy() == pytest.approx(
        1 / 3, abs=0.02
    )
    assert train["fold"].notna().all()
    assert test["fold"].isna().all()

    rows = {name: test[test["stratum"] == name] for name in STRATA}
    sizes = rows["unseen_gene"]["gene"].value_counts()
    assert len(sizes) >= 8
    assert sizes.max() <= sizes.sum() / 4
    situations(train, rows)
    for name in STRATA:
        assert (rows[name]["part"] == "public").mean() == pytest.approx(0.3, abs=0.02)
    assert not test.drop_duplicates(["guide", "part"])["guide"].duplicated().any()

    loads = train["fold"].value_counts()
    assert set(loads.index) == set(range(FOLDS))
    assert loads.to_numpy() == pytest.approx(len(train) / FOLDS, rel=0.1)
    for fold in range(FOLDS):
        held = train[train["fold"] == fold]
        situations(
            train[train["fold"] != fold], {name: held[held["stratum"] == name] for name in STRATA}
        )


def situations(train: pd.DataFrame, held: dict[str, pd.DataFrame]) -> None:
    """Each held-out row is in the situation that its stratum names."""
    assert not held["unseen_gene"]["gene"].isin(train["gene"]).any()
    assert not held["unseen_gene"]["guide"].isin(train["guide"]).any()
    assert not held["unseen_guide"]["guide"].isin(train["guide"]).any()
    assert held["unseen_guide"]["gene"].isin(train["gene"]).mean() > 0.99
    assert held["seen"]["guide"].isin(train["guide"]).all()


def test_keeps_its_promises() -> None:
    groups = invented()
    check(split(groups), groups)


def test_same_seed_same_split_whatever_else() -> None:
    groups = invented()
    assert split(groups, 3).equals(split(groups.copy(), 3))
    assert not split(groups, 3).equals(split(groups, 4))


def test_open_rows_come_last_and_are_in_no_stratum() -> None:
    table = split(invented(), open_ids=["x", "y"])
    assert list(table["id"].tail(2)) == ["x", "y"]
    assert (table["part"] == "open").sum() == 2
    assert table.loc[table["part"] == "open", ["fold", "stratum"]].isna().all(axis=None)


def test_refuses_a_guide_of_two_genes() -> None:
    groups = invented()
    groups.loc[0, "guide"] = groups.loc[groups["gene"] != groups.loc[0, "gene"], "guide"].iloc[0]
    with pytest.raises(DataError, match="1 guides belong to two genes"):
        split(groups)


def test_refuses_too_few_genes() -> None:
    with pytest.raises(DataError, match="No 8 of"):
        split(invented(genes=6))


def test_demo_is_frozen() -> None:
    prepared = build(*api.load("sirna"))
    again = of_demo(prepared).to_csv(index=False, lineterminator="\n")
    assert again == (FOLDER / "splits" / "demo.csv").read_bytes().decode()
    check(frozen("demo"), prepared.groups)


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.skipif(not REAL.exists(), reason=f"no raw files in {REAL}")
def test_shanghai_is_frozen() -> None:
    prepared = build(*api.load("sirna", "shanghai"), source=REAL)
    again = shanghai(prepared).to_csv(index=False, lineterminator="\n")
    assert again == (FOLDER / "splits" / "shanghai.csv").read_bytes().decode()
    check(frozen("shanghai"), prepared.groups)
    assert prepared.groups["gene"].nunique() == 38
    assert (prepared.groups["gene"] == "sod1").sum() == 501 + 1010  # 1,010 of them are nameless
