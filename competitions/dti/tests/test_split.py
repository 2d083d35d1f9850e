"""What the splits promise, of the frozen ones too; clusters against the published ids."""

import numpy as np
import pandas as pd
import pytest
from podium.competitions.dti.data import clusters, split
from podium.competitions.dti.data import prepare as rooms
from sklearn.metrics import adjusted_rand_score

from podium import api
from podium.data import raw
from podium.data.dataset import build

DTI = api.load("dti")[0]
REAL = ("biosnap", "biosnap-cluster", "gpcr", "human")
UNSEEN = {stratum.name: stratum.unseen for stratum in DTI.strata}


def frozen(name):
    file = DTI.data_folder / "splits" / f"{name}.csv"
    return pd.read_csv(file, dtype={"id": str, "fold": "Int64"})


def check(table, groups):
    """Each held-out row is in the situation that its stratum names; halves share no cluster."""
    table = table.merge(groups, on="id", validate="1:1")
    test = table[table["part"].isin(["public", "private"])]
    train = table[table["part"] == "train"]
    assert train["fold"].notna().all()
    assert set(train["fold"]) == set(range(split.FOLDS))
    assert test["fold"].isna().all()
    situations(train, test)
    for fold in range(split.FOLDS):
        situations(train[train["fold"] != fold], train[train["fold"] == fold])
    seen = test[test["stratum"] == "seen"]
    assert seen["drug"].isin(train["drug"]).all()
    assert seen["protein"].isin(train["protein"]).all()
    assert (
        not test.drop_duplicates(["protein_cluster", "part"])["protein_cluster"].duplicated().any()
    )
    assert (test["part"] == "public").mean() == pytest.approx(split.PUBLIC, abs=0.01)


def situations(train, held):
    for name, kinds in UNSEEN.items():
        rows = held[held["stratum"] == name]
        for kind in kinds:
            assert not rows[kind].isin(train[kind]).any(), (name, kind)


@pytest.fixture(scope="module")
def demo():
    return build(*api.load("dti"))


def test_demo_is_frozen(demo):
    made = split.demo(demo).to_csv(index=False, lineterminator="\n")
    assert made == (DTI.data_folder / "splits" / "demo.csv").read_bytes().decode()
    check(frozen("demo"), demo.groups)


def test_strata_are_of_comparable_size():
    for name in ("demo", "biosnap"):
        table = frozen(name)
        test = table[table["part"].isin(["public", "private"])]
        assert 0.2 <= len(test) / len(table) <= 0.25
        assert test["stratum"].value_counts(normalize=True).between(0.14, 0.31).all()


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("name", REAL)
def test_real_splits_are_frozen(name, raw_folder):
    prepared = build(*api.load("dti", name), source=raw_folder("dti"))
    made = getattr(split, name.replace("-", "_"))(prepared)
    made = made.to_csv(index=False, lineterminator="\n")
    assert made == (DTI.data_folder / "splits" / f"{name}.csv").read_bytes().decode()
    check(frozen(name), prepared.groups)


def test_proteins_are_alike_from_half_of_the_cosine_on():
    rng = np.random.default_rng(0)
    base, other = ("".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), 200)) for _ in range(2))
    near = base[:160] + other[160:]
    assert clusters.of_proteins([base, other, near, base]).tolist() == [0, 1, 0, 0]
    assert clusters.near_proteins([base, other], [near]).tolist() == [True, False]
    assert clusters.of_proteins([base, "AC"]).tolist() == [0, 1]


def test_drugs_are_one_whatever_their_spelling():
    pytest.importorskip("rdkit")
    smiles = [
        "C1=CC=CC=C1O",
        "c1ccccc1O",
        "not one",
        "CCCCCCCC(=O)O",
        "C[C@H](N)C(=O)O",
        "CC(N)C(=O)O",
    ]
    table = clusters.of_drugs(smiles, targets=["c1ccccc1O"])
    assert table["drug"].tolist() == [0, 0, -1, 3, 4, 4]
    assert table["cluster"].tolist()[:3] == [0, 0, -1]
    assert table["near"].tolist() == [1, 1, 0, 0, 0, 0]


@pytest.mark.slow
@pytest.mark.realdata
def test_clusters_are_those_that_were_published(raw_folder):
    """Those of the cross-domain task, whose ids stand in its files; 884 of ours are 859 there."""
    pytest.importorskip("rdkit")
    with raw.members(*api.load("dti", "biosnap"), source=raw_folder("dti"), progress=None) as files:
        names = [name for name in files if name.startswith(rooms.TARGETS)]
        rows = pd.concat([pd.read_csv(files[name]) for name in names])
        everything = rooms.read(files, "biosnap")
    proteins = rows.drop_duplicates("Protein")
    ours = clusters.of_proteins(list(proteins["Protein"]))
    assert len(set(ours)) == proteins["target_cluster"].nunique() == 775
    assert adjusted_rand_score(proteins["target_cluster"], ours) > 0.99
    drugs = rows.drop_duplicates("SMILES")
    ours = clusters.of_drugs(list(drugs["SMILES"]))["cluster"]
    assert ours.nunique() == 884
    assert adjusted_rand_score(drugs["drug_cluster"], ours) > 0.98
    spelled = list(everything["smiles"].unique())
    made = clusters.of_drugs(spelled, list(drugs["SMILES"]))
    kept = pd.read_csv(clusters.DRUGS / "biosnap.csv")
    pd.testing.assert_frame_equal(made, kept)
