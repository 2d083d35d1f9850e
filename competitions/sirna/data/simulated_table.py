"""Write a simulated study down as the real data are written: the same columns, the same formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..shared import rules
from .simulated_study import PUBLICATIONS

if TYPE_CHECKING:
    from .simulated_study import Study

OVERHANG = 2
"""Bases at the guide's 3' end that the sense strand leaves unpaired."""

# Sugar of each position of both strands, sense and guide, 5' to 3': m 2'-OMe, f 2'-F, d DNA, g GNA,
# p 2'-5' linked, h 2'-hexadecyl; V and L are the caps VP and L96. The commonest real designs.
STYLES = {
    "dna": ("mmmmmmmmfffmmmmmmmmmmL", "mdmmdmdmmmmdmfmmmmmmmmm"),
    "fluoro": ("mmmmmmfmfffmmmmmmmmmmL", "mfmmmfmffmmmmfmfmmmmmmm"),
    "sparse": ("mmmmmmfmfffmmmmmmmmmmL", "mfmmmfmmmmmmmfmfmmmmmmm"),
    "gna": ("mmmmmmfmfffmmmmmmmmmmL", "mfmmmmgmmmmmmfmfmmmmmmm"),
    "dna+gna": ("mmmmmmfmfffmmmmmmmmmmL", "mfmmdmgmmmmmmfmfmmmmmmm"),
    "2-5": ("mmmmmmfmfffmmmmmmmmmmL", "mfmmdmpmmmmmmfmfmmmmmmm"),
    "vinyl": ("mmmmmmfmfffmmmmmmmmmmL", "Vmfmmmfmffmmmmfmfmmmmmmm"),
    "vinyl+gna": ("mmmmmhfmfffmmmmmmmmmmL", "Vmfmmmmgmmmmmmfmfmmmmmmm"),
    "lipid": ("mmmmmhfmfffmmmmmmmmmm", "Vmfmmmfmffmmmmfmfmmmmmmm"),
    "lipid+ligand": ("mmmmmhfmfffmmmmmmmmmmL", "Vmfmmmfmffmmmmfmfmmmmmmm"),
    "lipid sparse": ("mmmmmhfmfffmmmmmmmmmm", "Vmfmmmfmmmmmmmfmfmmmmmmm"),
    "lipid+dna": ("mmmmmhmmdmdmmmmmmmmmmL", "Vmdmmdmdmmmmdmdmmmmmmmmm"),
    "alternating": ("fmfmfmfmfffmfmfmfmfmfL", "mfmfmfmfmfmmmfmfmfmfmmm"),
    "short": ("mmmmmmfffmmmmmmmmmmL", "mdmmdmdmmmmdmfmmmmmmm"),
}
TOKENS = {
    "m": ["a", "c", "g", "u"],
    "f": ["Af", "Cf", "Gf", "Uf"],
    "d": ["dA", "dC", "dG", "dT"],
    "g": ["(Agn)", "(Cgn)", "(Ggn)", "(Tgn)"],
    "p": ["(A2p)", "(C2p)", "(G2p)", "(U2p)"],
    "h": ["(Ahd)", "(Chd)", "(Ghd)", "(Uhd)"],
}
LETTERS = ["A", "C", "G", "U"]
MONKEY_GENES = ("SIMG17",)


def features(rng: np.random.Generator, study: Study) -> pd.DataFrame:
    """The feature table, ids included. [rows].

    Row ids follow the random order of the rows and duplex ids are dealt at random, so that neither
    says anything.
    """
    rows = study.rows
    publication = pd.DataFrame(PUBLICATIONS).iloc[rows["publication"]].reset_index(drop=True)
    named, told = publication["named"], publication["told"]
    strands = _strands(study)
    return pd.DataFrame(
        {
            "id": [f"d{number:05d}" for number in range(1, len(rows) + 1)],
            "publication_id": [f"P{number:02d}" for number in rows["publication"] + 1],
            "gene_target_symbol_name": rows["gene"].where(named),
            "gene_target_ncbi_id": rows["gene"].map(_accessions(study)).where(named),
            "gene_target_species": rows["gene"].map(_species).where(named),
            "siRNA_duplex_id": _duplex_ids(rng, rows),
            "siRNA_sense_seq": strands["sense"],
            "siRNA_antisense_seq": strands["guide"],
            "cell_line_donor": rows["cell"].where(told),
            "siRNA_concentration": rows["dose"],
            "concentration_unit": "nM",
            "Transfection_method": publication["method"].where(told),
            "Duration_after_transfection_h": publication["hours"].where(told),
            "modified_siRNA_sense_seq": strands["sense tokens"].str.replace(" ", ""),
            "modified_siRNA_antisense_seq": strands["guide tokens"].str.replace(" ", ""),
            "modified_siRNA_sense_seq_list": strands["sense tokens"],
            "modified_siRNA_antisense_seq_list": strands["guide tokens"],
            "gene_target_seq": _transcripts(study, named),
        }
    )


def _accessions(study: Study) -> dict[str, str]:
    return {name: f"SIM_{number:06d}.1" for number, name in enumerate(study.genes, start=1)}


def _species(gene: str) -> str:
    if gene in MONKEY_GENES:
        return "Macaca fascicularis"
    return "Homo sapiens" if gene.isupper() else "Mus musculus"


def _duplex_ids(rng: np.random.Generator, rows: pd.DataFrame) -> list[str]:
    duplex = rows.groupby(["publication", "gene", "site", "style"]).ngroup().to_numpy()
    numbers = 1000 + rng.permutation(duplex.max() + 1)
    return [f"SD-{number}.1" for number in numbers[duplex]]


def _transcripts(study: Study, named: pd.Series[bool]) -> pd.Series[Any]:
    """The mRNA of each row as DNA text; as categories, since many rows share one."""
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    texts = {name: letters[gene.mrna].tobytes().decode() for name, gene in study.genes.items()}
    return study.rows["gene"].where(named).map(texts).astype("category")


def _strands(study: Study) -> pd.DataFrame:
    """Both strands of each row, bare and as tokens, in the lengths that the style makes them."""
    parts = []
    for style, index in study.rows.groupby("style").indices.items():
        passenger, pattern = STYLES[str(style)]
        guide = study.guide[index, : len(pattern.strip("VL"))]
        sense = rules.reverse_complement(guide[:, :-OVERHANG])
        texts = {
            "sense": _join(sense, [LETTERS] * sense.shape[1], ""),
            "guide": _join(guide, [LETTERS] * guide.shape[1], ""),
            "sense tokens": _modified(sense, passenger),
            "guide tokens": _modified(guide, pattern),
        }
        parts.append(pd.DataFrame(texts, index=index))
    return pd.concat(parts).sort_index()


def _modified(bases: rules.Bases, pattern: str) -> list[str]:
    first = "VP " if pattern.startswith("V") else ""
    last = " L96" if pattern.endswith("L") else ""
    texts = _join(bases, [TOKENS[sugar] for sugar in pattern.strip("VL")], " ")
    return [f"{first}{text}{last}" for text in texts]


def _join(bases: rules.Bases, tokens: list[list[str]], separator: str) -> list[str]:
    """Text of each row of bases, given the four tokens of each position."""
    chosen = np.array(tokens)[np.arange(bases.shape[1]), bases]
    return [separator.join(row) for row in chosen.tolist()]
