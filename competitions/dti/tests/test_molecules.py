"""Molecules read from SMILES: by hand, and as RDKit reads them where it is installed."""

import re
from dataclasses import fields

import numpy as np
import pytest
from podium.competitions.dti.data import rows
from podium.competitions.dti.shared.fingerprints import HASHES, circular
from podium.competitions.dti.shared.kernels import tanimoto
from podium.competitions.dti.shared.molecules import joined, parse

from podium import api
from podium.data import dataset

REAL = ("biosnap", "gpcr", "human")


@pytest.mark.parametrize(
    ("smiles", "symbols", "hydrogens"),
    [
        ("CCO", "C C O", [3, 2, 1]),
        ("C(=O)(O)C#N", "C O O C N", [0, 0, 1, 0, 0]),
        ("c1cc[nH]c1", "C C C N C", [1, 1, 1, 1, 1]),
        ("c1ccncc1", "C C C N C C", [1, 1, 1, 0, 1, 1]),
        ("Cn1c(=O)cccc1", "C N C O C C C C", [3, 0, 0, 0, 1, 1, 1, 1]),
        ("c1ccsc1Cl", "C C C S C Cl", [1, 1, 1, 0, 0, 0]),
        ("C[N+](C)(C)C.[Cl-]", "C N C C C Cl", [3, 0, 3, 3, 3, 0]),
        ("CN(=O)=O", "C N O O", [3, 0, 0, 0]),
        ("CS(=O)(=O)N", "C S O O N", [3, 0, 0, 0, 2]),
        ("OP(O)(O)=O", "O P O O O", [1, 0, 1, 1, 0]),
        ("[13CH3:1][C@@H](F)Br", "C C F Br", [3, 1, 0, 0]),
        ("F/C=C\\F", "F C C F", [0, 1, 1, 0]),
        ("[se]1cccc1*", "Se C C C C *", [0, 1, 1, 1, 0, 0]),
        ("[H]N([H])[H]", "N", [3]),
        ("[H][H].[H+].[2H]O", "H H H O", [0, 0, 0, 2]),
        ("CB(O)O", "C B O O", [3, 0, 1, 1]),
    ],
)
def test_atoms_and_hydrogens(smiles, symbols, hydrogens):
    molecule = parse(smiles)
    assert molecule.symbols == symbols.split()
    assert molecule.hydrogens.tolist() == hydrogens
    assert len(molecule) == len(hydrogens)


def test_charges():
    charges = parse("[Fe+3].[O--].[Ca++].[NH4+].[O-2].[Cl-].C").charges
    assert charges.tolist() == [3, -2, 2, 1, -2, -1, 0]


@pytest.mark.parametrize(
    ("smiles", "bonds"),
    [
        ("C=CC#N", [(0, 1, 2), (1, 2, 1), (2, 3, 3)]),
        ("C1CC=1", [(0, 1, 1), (1, 2, 1), (0, 2, 2)]),
        ("C%12CC%12", [(0, 1, 1), (1, 2, 1), (0, 2, 1)]),
        ("C%(120)CC%(120)", [(0, 1, 1), (1, 2, 1), (0, 2, 1)]),
        ("C1.C1", [(0, 1, 1)]),
        (
            "C1CC1C1CC1",
            [(0, 1, 1), (1, 2, 1), (0, 2, 1), (2, 3, 1), (3, 4, 1), (4, 5, 1), (3, 5, 1)],
        ),
        ("C(C(N)O)S", [(0, 1, 1), (1, 2, 1), (1, 3, 1), (0, 4, 1)]),
        ("c1cc1c", [(0, 1, 1.5), (1, 2, 1.5), (0, 2, 1.5), (2, 3, 1)]),
        ("c1cc1-c", [(0, 1, 1.5), (1, 2, 1.5), (0, 2, 1.5), (2, 3, 1)]),
        ("C:C~C$C", [(0, 1, 1.5), (1, 2, 1), (2, 3, 4)]),
        ("[Na+].[Cl-]", []),
    ],
)
def test_bonds(smiles, bonds):
    molecule = parse(smiles)
    assert molecule.bonds.shape == (len(bonds), 2)
    read = np.column_stack([molecule.bonds, molecule.orders]).tolist()
    assert sorted(map(tuple, read)) == sorted(bonds)


@pytest.mark.parametrize(
    ("smiles", "rings"),
    [
        ("CC1CC1C", "01110"),
        ("C1CC1CC1CC1", "1110111"),
        ("c1ccccc1Cc1ccccc1", "1111110111111"),
        ("C12C3C4C1C5C2C3C45", "11111111"),
        ("C1CC2C.C1CC2C", "11101110"),
        ("C1.C1", "00"),
    ],
)
def test_rings(smiles, rings):
    molecule = parse(smiles)
    assert "".join(map(str, molecule.rings.astype(int))) == rings
    assert molecule.degrees.sum() == 2 * len(molecule.bonds)


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("", "there is no atom"),
        ("..", "there is no atom"),
        ("aspirin", "'a' is no part"),
        ("C()C", "a branch or a fragment is empty"),
        ("C((C))C", "a branch or a fragment is empty"),
        ("C.", "a branch or a fragment is empty"),
        (".C", "there is no atom"),
        ("C..C", "a branch or a fragment is empty"),
        ("C(.C)C", "a branch or a fragment is empty"),
        ("C(C1)1", "a ring closes where there is a bond already"),
        ("CC(=O", "brackets do not close"),
        ("C)C(", "brackets do not close"),
        ("[NaCl", "brackets do not close"),
        ("[NaCl]", "[NaCl] is no atom"),
        ("[Xx]", "[Xx] is no atom"),
        ("[C+999]", "[C+999] is no atom"),
        ("c1ccccc", "rings do not close"),
        ("C=", "a bond leads nowhere"),
        ("C=.C", "a bond leads nowhere"),
        ("C(=)C", "a bond leads nowhere"),
        ("C==C", "a bond leads nowhere"),
        ("=C", "a bond leads nowhere"),
        ("(C)C", "a branch opens before any atom"),
        ("1CC1", "a ring opens before any atom"),
        ("C-1CC=1", "a ring has different bonds"),
        ("C11", "a ring closes where"),
        ("C1C1", "a ring closes where"),
        ("C12CC12", "a ring closes where"),
    ],
)
def test_what_is_no_smiles_is_refused(smiles, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse(smiles)
    assert rows.fault(smiles).startswith(reason)


def test_joined_is_the_molecules_with_dots_between():
    texts = ("CCO", "c1ccccc1", "[Na+]", "CC1CC1")
    whole, dotted = joined([parse(text) for text in texts]), parse(".".join(texts))
    for field in fields(whole):
        assert np.array_equal(getattr(whole, field.name), getattr(dotted, field.name))


def test_a_fingerprint_counts_the_surroundings_of_atoms():
    counts = circular(["C", "CC", "CCC", "CCCCCC", "CC"]).toarray()
    assert counts.shape == (5, HASHES)
    # an atom alone; two alike ones in three rounds; ends and middle; ends, next ones, middle ones
    assert [sorted(row[row > 0]) for row in counts] == [
        [1],
        [2, 2, 2],
        [1, 1, 1, 2, 2, 2],
        [2, 2, 2, 2, 2, 2, 2, 4],
        [2, 2, 2],
    ]
    assert (counts[1] == counts[4]).all()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CC(=O)Oc1ccccc1C(=O)O", "OC(=O)C1=CC=CC=C1OC(C)=O"),
        ("Cn1cnc2c1c(=O)n(C)c(=O)n2C", "CN1C=NC2=C1C(=O)N(C)C(=O)N2C"),
        ("c1ccc2[nH]ccc2c1", "C1=CC2=C(C=C1)NC=C2"),
        ("[O-][n+]1ccccc1", "C1=CC=[N+]([O-])C=C1"),
        ("c1ccc2c(c1)sc(N)n2", "NC1=NC2=CC=CC=C2S1"),
        ("[H]N([H])CCO", "OCCN"),
    ],
)
def test_a_molecule_has_one_fingerprint_however_it_is_spelled(one, other):
    counts = circular([one, other]).toarray()
    assert (counts[0] == counts[1]).all()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("CCO", "CCN"), ("CC", "C=C"), ("CC[O-]", "CCO"), ("C1CCCCC1", "c1ccccc1")),
        *(("CCCCCC", "C1CCCCC1"), ("Cc1ccccc1C", "Cc1cccc(C)c1")),
    ],
)
def test_other_molecules_have_other_fingerprints(one, other):
    counts = circular([one, other]).toarray()
    assert (counts[0] != counts[1]).any()


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("name", REAL)
def test_similarity_is_that_of_rdkits_morgan_fingerprints(name, raw_folder):
    """Both unfolded, or nearly: folded to 1,024 bits RDKit's agree with themselves to .95."""
    chemistry = pytest.importorskip("rdkit.Chem")
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    prepared = dataset.build(*api.load("dti", name), source=raw_folder("dti"))
    texts = prepared.features["smiles"].drop_duplicates().sample(500, random_state=0).tolist()
    theirs = GetMorganGenerator(radius=2, fpSize=1 << 14)
    bits = np.stack(
        [theirs.GetFingerprintAsNumPy(chemistry.MolFromSmiles(text)) for text in texts]
    ).astype(np.float32)
    ours = (circular(texts) > 0).astype(np.float32)
    pairs = np.triu_indices(len(texts), 1)
    assert np.corrcoef(tanimoto(ours, ours)[pairs], tanimoto(bits, bits)[pairs])[0, 1] > 0.98


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("name", ["demo", "biosnap-cluster", *REAL])
def test_as_rdkit_reads_them(name, raw_folder):
    """Every atom's element, hydrogens, rings and neighbours; RDKit rewrites some charges.

    RDKit writes `N(=O)=O` and other atoms with too many bonds as ions, and keeps hydrogens of
    known mass as atoms.
    """
    chemistry = pytest.importorskip("rdkit.Chem")
    source = None if name == "demo" else raw_folder("dti")
    prepared = dataset.build(*api.load("dti", name), source=source)
    as_written = chemistry.SmilesParserParams()
    as_written.sanitize = as_written.removeHs = False
    atoms = wrong = charges = 0
    for smiles in prepared.features["smiles"].unique():
        if "[2H]" in smiles or "[3H]" in smiles:
            continue
        molecule = parse(smiles)
        theirs = list(chemistry.MolFromSmiles(smiles).GetAtoms())
        written = [
            atom
            for atom in chemistry.MolFromSmiles(smiles, as_written).GetAtoms()
            if atom.GetAtomicNum() > 1 or atom.GetFormalCharge() or atom.GetDegree() != 1
        ]
        pairs = (
            (molecule.numbers, [atom.GetAtomicNum() for atom in theirs]),
            (molecule.hydrogens, [atom.GetTotalNumHs() for atom in theirs]),
            (molecule.degrees, [atom.GetDegree() for atom in theirs]),
            (molecule.rings, [atom.IsInRing() for atom in theirs]),
            (molecule.aromatic, [atom.GetIsAromatic() for atom in written]),
        )
        atoms += len(molecule)
        charges += np.sum(molecule.charges != [atom.GetFormalCharge() for atom in theirs])
        wrong += np.any([mine != right for mine, right in pairs], axis=0).sum()
    assert wrong <= 0.0001 * atoms
    assert charges <= 0.001 * atoms
