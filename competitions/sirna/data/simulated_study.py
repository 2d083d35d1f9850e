"""Who measured what in the `demo` dataset: publications, genes, duplexes, doses; no outcome yet.

The table of publications is invented, but its proportions are those of the real data: a long tail
of sizes, one to three chemistry styles a publication, dose series, missing fields in whole
publications. `simulate.py` adds what came out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from ..shared import rules

GUIDE = 23
SERIES = (10.0, 1.0, 0.1)
WIDE = (50.0, 10.0, 1.0, 0.1)


class Publication(NamedTuple):
    """What one publication did; `named` and `told` say whether it gives genes and conditions."""

    rows: int
    genes: tuple[str, ...]
    doses: tuple[float, ...]
    cells: tuple[str, ...]
    styles: tuple[str, ...]
    method: str = "Lipofectamine"
    hours: float = 24.0
    named: bool = True
    told: bool = True


LIVER, PRIMARY, NERVE = "Hepatoma Cells", "Primary Human Hepatocytes", "Neuroblastoma Cells"
MOUSE, MONKEY, EYE = "Primary Mouse Hepatocytes", "Primary Monkey Hepatocytes", "Retina Cells"
KIDNEY, LUNG = "Kidney Cells", "Lung Cells"

# Symbols in capitals are human genes, "Sim.." their mouse counterparts, "hidden.." never shown.
PUBLICATIONS = (
    Publication(500, ("SIMG01",), WIDE, (LIVER, PRIMARY), ("dna", "dna+gna")),
    Publication(470, ("SIMG02",), SERIES, (LIVER,), ("fluoro", "gna")),
    Publication(450, ("SIMG03", "Simg03"), SERIES, (NERVE, KIDNEY), ("lipid", "lipid+ligand")),
    Publication(395, ("SIMG04",), SERIES, (PRIMARY,), ("dna", "gna")),
    Publication(350, ("hidden1",), WIDE, (EYE,), ("lipid", "vinyl"), hours=48.0, named=False),
    Publication(330, ("SIMG05",), (100.0, *SERIES, 0.01), (PRIMARY,), ("dna", "2-5")),
    Publication(315, ("SIMG06",), SERIES, (NERVE,), ("lipid+ligand", "vinyl+gna")),
    Publication(300, ("SIMG07", "SIMG08"), SERIES, (LIVER, PRIMARY), ("sparse", "dna+gna")),
    Publication(255, ("SIMG09", "Simg09"), (10.0, 0.1), (LIVER, MOUSE), ("gna", "2-5")),
    Publication(250, ("SIMG10",), SERIES, (LIVER,), ("fluoro", "lipid+dna"), told=False),
    Publication(220, ("SIMG11",), WIDE, (PRIMARY,), ("dna", "2-5"), "Free uptake"),
    Publication(200, ("hidden2",), SERIES, (NERVE,), ("lipid", "lipid sparse"), named=False),
    Publication(190, ("SIMG12", "SIMG13"), SERIES, (LIVER,), ("dna", "2-5")),
    Publication(190, ("SIMG14",), (10.0, 0.1), (PRIMARY,), ("dna",)),
    Publication(
        180, ("SIMG05",), (250.0, 100.0, 10.0), (PRIMARY,), ("dna",), "Free uptake", hours=48.0
    ),
    Publication(160, ("SIMG15", "SIMG16"), SERIES, (NERVE,), ("lipid", "vinyl+gna")),
    Publication(155, ("SIMG17",), WIDE, (MONKEY,), ("fluoro", "dna+gna")),
    Publication(130, ("SIMG02", "Simg02"), SERIES, (LIVER, MOUSE), ("fluoro", "sparse")),
    Publication(110, ("SIMG18", "SIMG19"), (10.0, 0.1), (LUNG,), ("lipid", "lipid sparse")),
    Publication(110, ("SIMG20",), (10.0,), (LIVER,), ("dna",)),
    Publication(105, ("SIMG21", "Simg21"), (10.0,), (LUNG, MOUSE), ("fluoro",), hours=48.0),
    Publication(95, ("hidden3",), (10.0,), (KIDNEY,), ("lipid",), named=False),
    Publication(90, ("SIMG22",), SERIES, (NERVE,), ("lipid", "lipid+ligand")),
    Publication(80, ("SIMG23",), (10.0,), (LIVER,), ("gna",)),
    Publication(75, ("SIMG24",), (1.0,), (LIVER,), ("short",)),
    Publication(60, ("hidden4",), SERIES, (LIVER,), ("fluoro", "alternating"), named=False),
    Publication(60, ("Simg25",), (10.0,), (MOUSE,), ("sparse",)),
    Publication(45, ("SIMG26",), SERIES, (LUNG,), ("vinyl", "lipid sparse")),
    Publication(45, ("SIMG27",), SERIES, (PRIMARY,), ("dna",)),
    Publication(45, ("Simg28",), (10.0, 0.1), (MOUSE,), ("dna+gna",)),
    Publication(40, ("SIMG29",), SERIES, (KIDNEY,), ("alternating", "fluoro")),
)
FIRST_GENE = 0.65
"""Share of a publication's guides that go to the first of its two genes."""
STYLE_TRIED, CELL_TRIED, WELL_KEPT = 0.75, 0.85, 0.95
"""Chances that a guide is made in a style, tried in a cell line, and that a well is reported."""
LENGTHS = (500, 3000)
DIVERGENCE = 0.12
"""Share of bases in which a mouse mRNA differs from its human counterpart."""


class Gene(NamedTuple):
    """A simulated mRNA, base codes [length], and the guide's first base for every site."""

    mrna: rules.Bases
    first: rules.Bases


class Study(NamedTuple):
    """The measurements to be made.

    Attributes:
        rows: publication, gene, site, style, cell, dose; one row a measurement.
        genes: By name.
        guide: Base codes [rows, 23], full even where the strand made is shorter.
    """

    rows: pd.DataFrame
    genes: dict[str, Gene]
    guide: rules.Bases


def plan(rng: np.random.Generator) -> Study:
    """Draw genes, sites and the wells of all publications, 6,000 rows in random order."""
    genes = _genes(rng)
    parts = [_wells(rng, number, genes) for number in range(len(PUBLICATIONS))]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.iloc[rng.permutation(len(rows))].reset_index(drop=True)
    return Study(rows, genes, _guides(rows, genes))


def _genes(rng: np.random.Generator) -> dict[str, Gene]:
    """All genes; a mouse gene is a mutated copy of its human counterpart where there is one."""
    genes: dict[str, Gene] = {}
    for name in dict.fromkeys(name for publication in PUBLICATIONS for name in publication.genes):
        human = genes.get(name.upper())
        mrna = _mrna(rng) if human is None else _mutate(rng, human.mrna)
        # Real designs put A or U at the guide's 5' end whatever the target has there.
        first = rng.choice(np.array([rules.A, rules.U], np.int8), size=len(mrna), p=[0.54, 0.46])
        genes[name] = Gene(mrna, first)
    return genes


def _mrna(rng: np.random.Generator) -> rules.Bases:
    """A random mRNA whose GC content drifts along it, as between structured and open regions."""
    length = int(rng.integers(*LENGTHS, endpoint=True))
    drift = wave(rng, length, shortest=100, longest=600)
    gc = np.clip(rng.normal(0.48, 0.05) + 0.09 * drift, 0.25, 0.75)
    strong, second = rng.random(length) < gc, rng.random(length) < 0.5
    return np.where(
        strong, np.where(second, rules.G, rules.C), np.where(second, rules.A, rules.U)
    ).astype(np.int8)


def _mutate(rng: np.random.Generator, mrna: rules.Bases) -> rules.Bases:
    other = (mrna + rng.integers(1, 4, size=len(mrna))) % 4
    return np.where(rng.random(len(mrna)) < DIVERGENCE, other, mrna).astype(np.int8)


def wave(rng: np.random.Generator, length: int, shortest: float, longest: float) -> rules.Floats:
    """A smooth random curve [length] of variance about 1: five cosines of random lengths, in nt."""
    periods = rng.uniform(shortest, longest, size=(5, 1))
    phases = rng.uniform(0, 2 * np.pi, size=(5, 1))
    waves = np.cos(2 * np.pi * np.arange(length) / periods + phases)
    curve: rules.Floats = waves.sum(axis=0) / np.sqrt(2.5)
    return curve


def _wells(rng: np.random.Generator, number: int, genes: dict[str, Gene]) -> pd.DataFrame:
    """One publication: each guide in some styles and some cell lines, at all doses but lost wells.

    More guides are drawn than are needed and the list is cut, so that `rows` is met exactly.
    """
    publication = PUBLICATIONS[number]
    styles, cells, doses = publication.styles, publication.cells, publication.doses
    n = 2 * publication.rows
    made = rng.random((n, len(styles), 1, 1)) < (STYLE_TRIED if len(styles) > 1 else 1)
    tried = rng.random((n, 1, len(cells), 1)) < (CELL_TRIED if len(cells) > 1 else 1)
    kept = rng.random((n, len(styles), len(cells), len(doses))) < WELL_KEPT
    wells = np.argwhere(made & tried & kept)[: publication.rows]
    guide, style, cell, dose = wells.T
    second = (rng.random(guide.max() + 1) >= FIRST_GENE) & (len(publication.genes) > 1)
    gene = np.array(publication.genes)[second.astype(int)]
    return pd.DataFrame(
        {
            "publication": number,
            "gene": gene[guide],
            "site": _sites(rng, gene, genes)[guide],
            "style": np.array(styles)[style],
            "cell": np.array(cells)[cell],
            "dose": np.array(doses)[dose],
        }
    )


def _sites(rng: np.random.Generator, gene: np.ndarray, genes: dict[str, Gene]) -> rules.Ints:
    """Where on its mRNA each guide binds (first base of the site); no site twice."""
    sites = np.empty(len(gene), dtype=np.int64)
    for name in np.unique(gene):
        here = gene == name
        last = len(genes[name].mrna) - GUIDE
        sites[here] = rng.permutation(last + 1)[: here.sum()]
    return sites


def _guides(rows: pd.DataFrame, genes: dict[str, Gene]) -> rules.Bases:
    guide = np.empty((len(rows), GUIDE), dtype=np.int8)
    for name, index in rows.groupby("gene").indices.items():
        gene, sites = genes[str(name)], rows["site"].to_numpy()[index]
        guide[index] = rules.reverse_complement(sliding_window_view(gene.mrna, GUIDE)[sites])
        guide[index, 0] = gene.first[sites]
    return guide
