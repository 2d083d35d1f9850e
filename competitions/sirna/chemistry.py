"""Chemical modification: the 33 tokens of a modified strand, and strands as matrices.

A strand is written as tokens from 5' to 3', such as `VP u Gf c c a (Agn) dT a L96`. Case is
chemistry: `A` is ribose, `a` is 2'-O-methyl. Tokens of nucleotides get the position of their base;
caps and linkages (`VP`, `P`, `L96`, `s`) get none, so that position 2 is position 2 whatever hangs
on the end. The vocabulary is fixed, so no dataset can change a code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .rules import NONE, A, C, G, U

if TYPE_CHECKING:
    from collections.abc import Iterable

Codes = NDArray[np.int8]

SUGARS = ("none", "ribo", "ome", "fluoro", "deoxy", "gna", "hexadecyl", "two_prime", "other")
"""Codes 0..8: none is the end of the strand; other is a token that the vocabulary has not.

ribo: unmodified; ome: 2'-O-methyl; fluoro: 2'-fluoro; deoxy: DNA; gna: glycol nucleic acid;
hexadecyl: 2'-O-hexadecyl (C16, a lipid); two_prime: 2'-5'-linked.
"""
ABSENT, RIBO, OME, FLUORO, DEOXY, GNA, HEXADECYL, TWO_PRIME, OTHER = range(len(SUGARS))

CAPS = ("VP", "P", "L96")
"""5'-vinyl-phosphonate, 5'-phosphate and the GalNAc ligand."""
THIO = "s"
"""Phosphorothioate linkage between the neighbours."""

_BASES = {"A": A, "C": C, "G": G, "U": U, "T": U}
_PATTERNS = (
    ("{}", "ACGU", RIBO),
    ("{}", "acgut", OME),
    ("{}f", "ACGU", FLUORO),
    ("d{}", "ACGT", DEOXY),
    ("({}gn)", "ACGT", GNA),
    ("({}hd)", "ACGU", HEXADECYL),
    ("({}2p)", "ACGU", TWO_PRIME),
)
NUCLEOTIDES = {
    pattern.format(letter): (_BASES[letter.upper()], sugar)
    for pattern, letters, sugar in _PATTERNS
    for letter in letters
}
"""Token to base and sugar; t and dT count as U."""

VOCABULARY = (*NUCLEOTIDES, *CAPS, THIO)
"""All tokens of the field's notation; one that is not among them reads as `other`."""

# Rows: base, sugar and which of CAPS and THIO a token is; the last row is for unknown tokens.
_PROPERTIES = np.array(
    [(base, sugar, NONE) for base, sugar in NUCLEOTIDES.values()]
    + [(NONE, ABSENT, flag) for flag in range(len(CAPS) + 1)]
    + [(NONE, OTHER, NONE)],
    dtype=np.int8,
)
_CODE = {token: code for code, token in enumerate(VOCABULARY)}


class Strands(NamedTuple):
    """Modified strands as matrices, one row a strand, 5' to 3'.

    Attributes:
        base: int8 [strands, width], A C G U = 0..3, -1 after the end and for unknown tokens.
        sugar: int8 [strands, width], codes of `SUGARS`.
        flags: int64 [strands, 4], how often each of `CAPS` and then `THIO` occurs.
    """

    base: Codes
    sugar: Codes
    flags: NDArray[np.int64]


def parse(strands: Iterable[str], width: int) -> Strands:
    """Read strands written as tokens with spaces between.

    Args:
        strands: For example `a Uf g u c (Agn)`; empty text is a strand without tokens.
        width: Positions to keep; what a longer strand has beyond is dropped.
    """
    lists = [text.split() for text in strands]
    row = np.repeat(np.arange(len(lists)), [len(tokens) for tokens in lists])
    codes = [_CODE.get(token, len(VOCABULARY)) for tokens in lists for token in tokens]
    base, sugar, flag = _PROPERTIES[np.array(codes, dtype=np.int64)].T

    flags = np.zeros((len(lists), len(CAPS) + 1), dtype=np.int64)
    np.add.at(flags, (row[flag != NONE], flag[flag != NONE]), 1)

    nucleotide = sugar != ABSENT
    row, base, sugar = row[nucleotide], base[nucleotide], sugar[nucleotide]
    first = np.searchsorted(row, row)  # rows ascend: where the own strand begins
    position = np.arange(len(row)) - first
    kept = position < width
    bases = np.full((len(lists), width), NONE, dtype=np.int8)
    sugars = np.full((len(lists), width), ABSENT, dtype=np.int8)
    bases[row[kept], position[kept]] = base[kept]
    sugars[row[kept], position[kept]] = sugar[kept]
    return Strands(base=bases, sugar=sugars, flags=flags)
