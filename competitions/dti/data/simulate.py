"""The `demo` dataset: 12,000 simulated pairs of drugs and proteins that need no download.

A drug is a chain of fragments, written as SMILES; drugs of a series have a scaffold and two
fragments in common. A protein is a mutated copy of its family's ancestor, with pocket motifs
planted. Fragments fit motifs: few of them, some well, some badly. Scaffolds and families have a
taste that no motif tells.

As in BioSNAP, half of the pairs are known to bind, drawn by how much their drug and protein were
studied, and half are random pairs of the same drugs and proteins: so a protein that was much
studied is positive for that alone. One in twenty of these negatives binds, and nobody has reported
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.data import Prepared

from ..metric import TARGET
from . import clusters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SEED = 23
PAIRS, DRUGS, PROTEINS = 12_000, 2_500, 1_000
UNREPORTED = 0.05
"""Share of the negatives that bind."""
SERIES, FAMILIES, MOTIFS = 600, 60, 30
SCAFFOLDS = (
    *("c1ccc(cc1)", "c1ccnc(c1)", "c1cnc(nc1)", "c1ccc2cc(ccc2c1)", "C1CCN(CC1)", "C1CCC(CC1)"),
    *("c1csc(c1)", "c1coc(c1)", "C1CN(CCN1)", "c1ccc2nc(ccc2c1)", "C1COC(CN1)", "C1CCC(C1)"),
    *("c1cc(ncn1)", "c1ccc2sc(nc2c1)", "c1ccc2oc(cc2c1)", "C1CC(CN1)", "C1CSC(N1)", "c1cnc(s1)"),
    *("C1CC(=O)N(C1)", "c1cc(on1)", "C1CCN(C1)", "c1ccc2c(c1)CCN(C2)", "c1ccc2c(c1)CC(C2)"),
    "c1ccc2c(c1)OCC(O2)",
)
FRAGMENTS = (
    *("C(=O)N", "C(=O)O", "S(=O)(=O)N", "N", "O", "C", "CC", "CCC", "C(C)", "C(F)(F)", "CO"),
    *("C(=O)", "NC(=O)", "NC(=O)N", "OC", "SC", "C=C", "C#C", "C(O)", "C(N)", "C(Cl)", "C(C)(C)"),
    *("c1ccc(cc1)", "c1cccc(c1)", "c1ccc(nc1)", "c1cc(F)c(cc1)", "c1cc(Cl)c(cc1)", "C1CC(C1)"),
    *("c1cc(OC)c(cc1)", "c1cc(O)c(cc1)", "C1CCN(CC1)", "C1CN(C1)", "C1CC1C", "C(C#N)", "CCO"),
    *("CCN", "N(C)C", "C(=O)NC", "S(=O)(=O)C", "OCC"),
)
RESIDUES = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
USUAL = np.array([8, 1, 5, 7, 4, 7, 2, 6, 6, 10, 2, 4, 5, 4, 5, 7, 5, 7, 1, 3], dtype=float)
"""About how often residues are, in per cent."""

DRUG_STUDIED, PROTEIN_STUDIED = 0.6, 1.25
"""Spread of how much a drug or protein was studied (natural logarithm)."""
FIT, FITTING, TASTE, LIKED, BASE = 6.0, 0.06, 2.5, 0.8, -6.0
"""What a fragment and a motif that matter to each other give, as a spread, and how many such pairs
there are; the spread of what scaffold and family give, and of what a fragment gives with any
protein; what all have (logit)."""


def demo() -> Prepared:
    """Simulate the dataset: the same 12,000 pairs on every call."""
    return simulate(popular=False)


def simulate(*, popular: bool) -> Prepared:
    """Simulate pairs.

    Args:
        popular: Whether negatives are drawn as positives are, by how much was studied; then a
            protein tells far less by itself.
    """
    rng = np.random.default_rng(SEED)
    drugs, has_fragment, scaffold, series = _drugs(rng)
    proteins, has_motif, family = _proteins(rng)
    binds = _binds(rng, has_fragment, scaffold, has_motif, family)
    studied = np.outer(
        np.exp(DRUG_STUDIED * rng.standard_normal(DRUGS)),
        np.exp(PROTEIN_STUDIED * rng.standard_normal(PROTEINS)),
    )
    positive, negative = binds * studied, (1 - binds) * (studied if popular else 1.0)
    positive /= positive.sum()
    negative /= negative.sum()
    told = (1 - UNREPORTED) * negative + UNREPORTED * positive
    yes = rng.choice(positive.size, PAIRS // 2, replace=False, p=positive.ravel())
    left = told.ravel().copy()
    left[yes] = 0.0
    no = rng.choice(left.size, PAIRS // 2, replace=False, p=left / left.sum())
    cell = rng.permutation(np.concatenate([yes, no]))
    drug, protein = np.divmod(cell, PROTEINS)
    ids = [f"d{row:05d}" for row in range(1, PAIRS + 1)]
    chance = (positive / (positive + told)).ravel()[cell]
    cluster = clusters.of_proteins(list(proteins))
    return Prepared(
        features=pd.DataFrame({"id": ids, "smiles": drugs[drug], "protein": proteins[protein]}),
        targets=pd.DataFrame({"id": ids, TARGET: np.isin(cell, yes).astype(np.float64)}),
        groups=pd.DataFrame(
            {
                "id": ids,
                "drug": _names("d", drug),
                "protein": _names("p", protein),
                "drug_cluster": _names("d", series[drug]),
                "protein_cluster": _names("p", cluster[protein]),
            }
        ),
        ceiling=pd.DataFrame({"id": ids, TARGET: chance.round(6)}),
    )


def _names(letter: str, numbers: NDArray[np.int64]) -> NDArray[np.object_]:
    return np.array([f"{letter}{number + 1}" for number in numbers], dtype=object)


def _drugs(rng: np.random.Generator) -> tuple[Any, Floats, Any, Any]:
    """Different SMILES [drugs]; which fragments [drugs, fragments], scaffold, series [drugs]."""
    scaffold_of = rng.integers(len(SCAFFOLDS), size=SERIES)
    common = rng.integers(len(FRAGMENTS), size=(SERIES, 2))
    texts: dict[str, tuple[int, list[int]]] = {}
    while len(texts) < DRUGS:
        series = int(rng.integers(SERIES))
        own = rng.integers(len(FRAGMENTS), size=rng.integers(1, 6))
        parts = [*common[series], *own]
        text = "".join(FRAGMENTS[part] for part in own) + SCAFFOLDS[scaffold_of[series]]
        text += "".join(FRAGMENTS[part] for part in common[series])
        texts.setdefault(text, (series, parts))
    has = np.zeros((DRUGS, len(FRAGMENTS)))
    for row, (_, parts) in enumerate(texts.values()):
        has[row, parts] = 1.0
    series_of = np.array([series for series, _ in texts.values()])
    return np.array(list(texts), dtype=object), has, scaffold_of[series_of], series_of


def _proteins(rng: np.random.Generator) -> tuple[Any, Floats, Any]:
    """Sequences [proteins]; which motifs they have [proteins, motifs], family [proteins]."""
    usual = USUAL / USUAL.sum()
    motifs = [rng.choice(20, size=rng.integers(5, 8), p=usual) for _ in range(MOTIFS)]
    tolerated = [(rng.integers(len(m)), rng.choice(20, p=usual)) for m in motifs]
    ancestors = [rng.choice(20, size=rng.integers(150, 601), p=usual) for _ in range(FAMILIES)]
    pockets = [rng.choice(MOTIFS, size=rng.integers(2, 6), replace=False) for _ in range(FAMILIES)]
    family = rng.integers(FAMILIES, size=PROTEINS)
    has = np.zeros((PROTEINS, MOTIFS))
    texts = []
    for row, own in enumerate(family):
        codes = ancestors[own].copy()
        changed = rng.random(len(codes)) < rng.uniform(0.2, 0.5)
        codes[changed] = rng.choice(20, size=changed.sum(), p=usual)
        kept = pockets[own][rng.random(len(pockets[own])) < 0.85]
        for place, motif in enumerate(kept):
            start = (place + 1) * len(codes) // 7
            word = motifs[motif].copy()
            if rng.random() < 0.5:
                position, residue = tolerated[motif]
                word[position] = residue
            codes[start : start + len(word)] = word
            has[row, motif] = 1.0
        texts.append("".join(RESIDUES[codes]))
    return np.array(texts, dtype=object), has, family


def _binds(
    rng: np.random.Generator, has_fragment: Floats, scaffold: Any, has_motif: Floats, family: Any
) -> Floats:
    """How likely each drug binds each protein [drugs, proteins]."""
    shape = (len(FRAGMENTS), MOTIFS)
    fit = FIT * rng.standard_normal(shape) * (rng.random(shape) < FITTING)
    taste = TASTE * rng.standard_normal((len(SCAFFOLDS), FAMILIES))
    liked = has_fragment @ (LIKED * rng.standard_normal(len(FRAGMENTS)))
    logit = BASE + has_fragment @ fit @ has_motif.T + taste[scaffold][:, family] + liked[:, None]
    chance: Floats = 1 / (1 + np.exp(-logit))
    return chance
