"""Real rows as they come: read, counted and said; and what the simulator promises."""

import numpy as np
import pandas as pd
import pytest
from podium.competitions.dti.data import clusters, prepare, rows, simulate
from podium.competitions.dti.metric import TARGET, metric
from sklearn.metrics import roc_auc_score

from podium import api
from podium.data.dataset import build

ROWS = """SMILES,Protein,Y
CC(N)C(=O)O,MKT,1
C[C@H](N)C(=O)O,MKT,1
CCO,MKT,1
CCO,MKUX,0
CCO,MKT,1
OCC,MKUX,1
oops,MKT,0
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Small files of `human`, with its drugs as RDKit would say them."""
    raw = {}
    for name in prepare.FILES["human"]:
        raw[name] = tmp_path / name.replace("/", "-")
        raw[name].write_text(ROWS if "train" in name else "SMILES,Protein,Y\n")
    table = pd.DataFrame({"drug": [0, 0, 2, 2, -1], "cluster": [0, 0, 2, 2, -1], "near": [0] * 5})
    table.to_csv(tmp_path / "human.csv", index=False)
    monkeypatch.setattr(clusters, "DRUGS", tmp_path)
    return raw


def test_what_is_odd_is_counted_and_said(files, capsys):
    prepared = prepare.human(files)
    assert len(prepared.features) == 2
    told = capsys.readouterr().err
    for words in (
        "of 6 different rows",
        "1 whose SMILES RDKit cannot read",
        "2 of one compound and protein that have both labels",
        "1 that name a pair again",
        "2 have residues other than the usual twenty (UX) and stay",
    ):
        assert words in told


def test_a_compound_has_one_spelling_without_stereo_marks(files):
    prepared = prepare.human(files)
    assert set(prepared.features["smiles"]) == {"CC(N)C(=O)O", "CCO"}
    assert prepared.groups["drug"].nunique() == 2
    assert prepare.STEREO.sub("", "C/C=C/[C@@H](N)O") == "CC=C[CH](N)O"


def test_rows_of_ones_own_are_cleaned_and_all_that_is_wrong_is_said():
    smiles = pd.Series([" C[C@H](N)O", "CCO", "c1cc", ""], dtype="str")
    protein = pd.Series(["mkt a", "MK7", "MKT", ""], dtype="str")
    columns, problems = rows.cleaned({"smiles": smiles, "protein": protein}, ["a", "b", "c", "d"])
    assert columns["smiles"][0] == "C[CH](N)O"
    assert columns["protein"][0] == "MKTA"
    told = "\n".join(problems)
    for words in (
        "1 cannot be read (there is no atom): d ('')",
        "1 cannot be read (rings do not close): c ('c1cc')",
        "letters other than",
    ):
        assert words in told


def test_the_same_demo_on_every_call():
    one, other = simulate.demo(), simulate.demo()
    pd.testing.assert_frame_equal(one.features, other.features)
    pd.testing.assert_frame_equal(one.targets, other.targets)


def test_demo_is_like_biosnap():
    demo = simulate.demo()
    binds, ceiling = demo.targets[TARGET], demo.ceiling[TARGET]
    assert len(binds) == 12_000
    assert binds.mean() == 0.5
    assert not demo.features.duplicated(["smiles", "protein"]).any()
    assert demo.groups["drug"].value_counts().median() == pytest.approx(4, abs=1)
    assert demo.groups["protein"].value_counts().median() == pytest.approx(8, abs=2)
    assert roc_auc_score(binds, ceiling) == pytest.approx(0.96, abs=0.02)
    assert abs(binds.mean() - ceiling.mean()) < 0.02  # the ceiling is calibrated
    solution = {TARGET: binds.to_numpy(), "protein": demo.groups["protein"].to_numpy(object)}
    best = metric.score(solution, {TARGET: ceiling.to_numpy()})
    assert best["auc_within"] > 0.85


def rate(prepared):
    """AUROC of how often the protein of each pair binds in the other pairs."""
    binds, protein = prepared.targets[TARGET], prepared.groups["protein"]
    known = binds.groupby(protein)
    others = (known.transform("sum") - binds + 0.5) / known.transform("size")
    return roc_auc_score(binds, others)


def test_random_negatives_make_proteins_tell_by_themselves():
    assert rate(simulate.demo()) == pytest.approx(0.80, abs=0.01)
    assert rate(simulate.simulate(popular=True)) == pytest.approx(0.65, abs=0.01)


def test_smiles_of_the_demo_are_molecules():
    chemistry = pytest.importorskip("rdkit.Chem")
    texts = simulate.demo().features["smiles"].unique()
    assert all(chemistry.MolFromSmiles(text) is not None for text in texts[::10])


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "rows", "drugs", "proteins"),
    [
        ("biosnap", 24_416, 4_393, 2_179),
        ("biosnap-cluster", 13_366, 4_120, 2_159),
        ("gpcr", 15_310, 5_346, 356),
        ("human", 5_963, 2_516, 2_001),
    ],
)
def test_real_rows(name, rows, drugs, proteins, raw_folder):
    prepared = build(*api.load("dti", name), source=raw_folder("dti"))
    assert len(prepared.features) == rows
    assert not prepared.features.duplicated(["smiles", "protein"]).any()
    counts = prepared.groups.nunique()
    assert (counts["drug"], counts["protein"]) == (drugs, proteins)
    assert set(np.unique(prepared.targets[TARGET])) == {0, 1}
