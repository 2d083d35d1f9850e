"""Elements of plant core promoters as matrices, and how well each place of a sequence fits them.

TATA box: counts in 389 eukaryotic promoters (Bucher 1990, doi:10.1016/0022-2836(90)90223-9; JASPAR
MA0108.2). The others are words of the literature, with the letters of IUPAC: Y patch and initiator
(Yamamoto et al. 2007, doi:10.1093/nar/gkm685), CCAAT box, upstream element recognised by TFIIB
(Lagrange et al. 1998, doi:10.1101/gad.12.1.34), telo box (Tremousaygue et al. 1999).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.uint8]
    Floats = NDArray[np.float32]

TATA_COUNTS = (
    (61, 16, 352, 3, 354, 268, 360, 222, 155, 56, 83, 82, 82, 68, 77),
    (145, 46, 0, 10, 0, 0, 3, 2, 44, 135, 147, 127, 118, 107, 101),
    (152, 18, 2, 2, 5, 0, 20, 44, 157, 150, 128, 128, 128, 139, 140),
    (31, 309, 35, 374, 30, 121, 6, 121, 33, 48, 31, 52, 61, 75, 71),
)
"""A, C, G and T at each place."""
TATA_PLACES = slice(1, 9)
"""The places that tell TATA boxes from other sequences."""

ELEMENTS = {
    "y_patch": "CTCTCTCC",
    "y_patch_tt": "TCTTCTTC",
    "initiator": "YTCANTYY",
    "ccaat": "CCAATSR",
    "bre": "SSRCGCC",
    "telo": "AAACCCTA",
}
_IUPAC = {
    **{base: base for base in "ACGT"},
    "R": "AG",
    "Y": "CT",
    "S": "CG",
    "W": "AT",
    "N": "ACGT",
}
_FIT = 0.85
"""Probability of the bases that a letter allows, over that of a random base."""
CHANCE, OVERLAP = 0.005, 5
"""Of a word that is called by an element: words that fit as well, and bases that both have."""


def tata() -> Floats:
    """The TATA box [places, 4], bits over a random sequence."""
    counts = np.array(TATA_COUNTS, dtype=np.float64).T[TATA_PLACES] + 1
    share = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(np.log2(4 * share), dtype=np.float32)


def matrix(letters: str) -> Floats:
    """A word of IUPAC letters as a matrix [places, 4], bits over a random sequence."""
    chance = np.full((len(letters), 4), (1 - _FIT) / 4)
    for place, letter in enumerate(letters):
        for base in _IUPAC[letter]:
            chance[place, "ACGT".index(base)] += _FIT / len(_IUPAC[letter])
    return np.asarray(np.log2(4 * chance), dtype=np.float32)


def reverse_complement(scores: Floats) -> Floats:
    """The matrix of the other strand."""
    return scores[::-1, ::-1]


def scan(codes: Codes, scores: Floats) -> Floats:
    """How well the element fits at each place where it may begin [rows, length - places + 1].

    Args:
        codes: Bases; 4, for N, adds nothing [rows, length].
        scores: The element [places, 4].

    Returns:
        Bits; no place in sequences shorter than the element.
    """
    places = max(codes.shape[1] - len(scores) + 1, 0)
    total = np.zeros((len(codes), places), dtype=np.float32)
    for offset, row in enumerate(np.pad(scores, ((0, 0), (0, 1)))):
        total += row[codes[:, offset : offset + places]]
    return total


def occupancy(fit: Floats) -> Floats:
    """How much of the element there is over all places: log2 of the mean likelihood ratio [rows].

    Args:
        fit: Bits [rows, places].
    """
    return np.asarray(np.log2(np.exp2(fit).mean(axis=1)), dtype=np.float32)


def name(letters: str, *, both: bool) -> str:
    """The element that a word is part of, or that is part of it; empty where it matches none.

    It matches if at most `CHANCE` of all words of its length fit the element as well.

    Args:
        letters: The word.
        both: Whether the other strand may be meant as well.
    """
    own = int(sum("ACGT".index(base) * 4**place for place, base in enumerate(reversed(letters))))
    likely = {
        element: float((fit >= fit[own]).mean())
        for element, fit in _fit_of_words(len(letters), both).items()
    }
    best = min(likely, key=lambda element: likely[element])
    return best if likely[best] <= CHANCE else ""


@cache
def _fit_of_words(k: int, both: bool) -> dict[str, Floats]:
    """How well each word of k bases fits each element [4^k]."""
    every = np.arange(4**k)
    codes = np.stack([every // 4**place % 4 for place in reversed(range(k))], axis=1)
    codes = codes.astype(np.uint8)
    fit = {}
    for element, scores in {"tata": tata(), **{n: matrix(w) for n, w in ELEMENTS.items()}}.items():
        strands = [scores, reverse_complement(scores)] if both else [scores]
        fit[element] = np.max([_fits(codes, strand) for strand in strands], axis=(0, 1))
    return fit


def _fits(codes: Codes, scores: Floats) -> list[Floats]:
    """Bits of rows against an element, shifted so that they overlap by `OVERLAP` or more."""
    k, least = codes.shape[1], min(OVERLAP, codes.shape[1], len(scores))
    padded = np.pad(codes, ((0, 0), (len(scores), len(scores))), constant_values=4)
    bits = scan(padded, scores)
    return list(bits[:, least : len(scores) + k - least + 1].T)
