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

from podium.competition import ends
from podium.errors import note

from .rules import NONE, A, C, G, U

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Codes = NDArray[np.int8]

SUGARS = ("none", "ribo", "ome", "fluoro", "deoxy", "gna", "hexadecyl", "two_prime", "other")
"""Codes 0..8: none is the end of the strand; other is a token that the vocabulary does not have.

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
"""All tokens of the field's notation; any other reads as `other`."""

PADDING, UNKNOWN, FIRST_TOKEN = 0, 1, 2
"""Numbers of `tokens`: an unknown token is not padding."""

_EXAMPLES = 5

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
        thio: bool [strands, width], whether a phosphorothioate follows the nucleotide.
        flags: int64 [strands, 4], how often each of `CAPS` and then `THIO` occurs.
    """

    base: Codes
    sugar: Codes
    thio: NDArray[np.bool_]
    flags: NDArray[np.int64]

    def reversed(self) -> Strands:
        """The same strands read from 3' to 5', so that the last nucleotide comes first."""
        length = (self.sugar != ABSENT).sum(axis=1, keepdims=True)
        width = self.sugar.shape[1]
        position = length - 1 - np.arange(width)
        there = position >= 0
        position = np.maximum(position, 0)
        return Strands(
            base=np.where(there, np.take_along_axis(self.base, position, 1), NONE).astype(np.int8),
            sugar=np.where(there, np.take_along_axis(self.sugar, position, 1), ABSENT),
            thio=there & np.take_along_axis(self.thio, position, 1),
            flags=self.flags,
        )


def cleaned(strands: Iterable[str], ids: Sequence[str], what: str) -> tuple[list[str], list[str]]:
    """Strands without the marks of their ends, which a note mentions, and what is wrong with them.

    Args:
        strands: Tokens with spaces between.
        ids: What messages call the rows.
        what: What the note calls all of them.

    Returns:
        The strands, and a line for rows with an unknown token or written from 3' to 5'.
    """
    clean, marked, wrong = [], 0, []
    given = list(strands)
    read = {text: ends(" ".join(text.split())) for text in set(given)}  # rows repeat
    foreign = {strand: set(strand.split()) - _CODE.keys() for strand, _ in read.values()}
    for text, row in zip(given, ids, strict=True):
        strand, forward = read[text]
        unknown = sorted(foreign[strand])
        clean.append(strand)
        marked += forward is not None
        if forward is False:
            wrong.append(f"row {row!r} is written from 3' to 5'")
        elif unknown:
            wrong.append(f"row {row!r} has {unknown[0][:20]!r}")
        elif not strand:
            wrong.append(f"row {row!r} is empty")
    if wrong:
        listed = ", ".join(wrong[:_EXAMPLES]) + (", ..." if len(wrong) > _EXAMPLES else "")
        known = " ".join(VOCABULARY)
        return clean, [f"{listed}; tokens from 5' to 3', blanks between, are expected: {known}"]
    if marked:
        note(f"{what}: {marked:,} strands read without the marks of their ends")
    return clean, []


def parse(strands: Iterable[str], width: int) -> Strands:
    """Read strands written as tokens with spaces between.

    Args:
        strands: For example `a Uf g u c (Agn)`; empty text is a strand without tokens.
        width: Positions to keep; what a longer strand has beyond is dropped.
    """
    lists = [text.split() for text in strands]
    row, codes = _codes(lists)
    base, sugar, flag = _PROPERTIES[codes].T

    flags = np.zeros((len(lists), len(CAPS) + 1), dtype=np.int64)
    np.add.at(flags, (row[flag != NONE], flag[flag != NONE]), 1)

    nucleotide = sugar != ABSENT
    thio = np.append(flag[1:] == len(CAPS), False) & (np.append(row[1:], -1) == row)
    row, base, sugar, thio = (column[nucleotide] for column in (row, base, sugar, thio))
    position = _position(row)
    kept = position < width
    place = row[kept], position[kept]
    strand = Strands(
        base=np.full((len(lists), width), NONE, dtype=np.int8),
        sugar=np.full((len(lists), width), ABSENT, dtype=np.int8),
        thio=np.zeros((len(lists), width), dtype=np.bool_),
        flags=flags,
    )
    strand.base[place], strand.sugar[place], strand.thio[place] = (
        base[kept],
        sugar[kept],
        thio[kept],
    )
    return strand


def tokens(strands: Iterable[str]) -> NDArray[np.int64]:
    """Read strands as numbers of tokens, in order: `PADDING`, `UNKNOWN`, then `VOCABULARY`.

    Returns:
        [strands, longest], at least one wide.
    """
    lists = [text.split() for text in strands]
    row, codes = _codes(lists)
    numbers = np.full((len(lists), max(map(len, lists), default=1) or 1), PADDING, dtype=np.int64)
    known = codes < len(VOCABULARY)
    numbers[row, _position(row)] = np.where(known, codes + FIRST_TOKEN, UNKNOWN)
    return numbers


def _codes(lists: list[list[str]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of all tokens one after the other: the strand, and the place in the vocabulary."""
    row = np.repeat(np.arange(len(lists)), [len(tokens) for tokens in lists])
    codes = [_CODE.get(token, len(VOCABULARY)) for tokens in lists for token in tokens]
    return row, np.array(codes, dtype=np.int64)


def _position(row: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of the same row are before each; rows ascend."""
    position: NDArray[np.int64] = np.arange(len(row)) - np.searchsorted(row, row)
    return position
