"""Where motifs are in rows of DNA, and that as features for trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import kmers
from .motifs import reverse_complement, scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .kmers import Codes, Floats, Words

FLANK = 3
"""Bases on either side of a word that its matrix has, too."""
REACH = 60
"""Bases on either side of a site in which its partners lie."""
CHUNK = 1 << 22
"""Bases that are described in one go: what bounds the memory."""
NONE = 1000
"""Distance of a partner that is not there."""


@dataclass(frozen=True)
class Word:
    """A word that goes with expression where it begins in a window.

    Attributes:
        letters: As read on its strand.
        first, last: Places of its lowest base, without the last, from 0; of a partner from `REACH`
            bases before the word that it belongs to, along that one's strand.
        both: Whether it counts on the other strand, too.
        z: How far from chance the residuals at its sites are; below 0 if it goes with less.
    """

    letters: str
    first: int
    last: int
    both: bool
    z: float


@dataclass(frozen=True)
class Motif:
    """A word with what lies around it.

    Attributes:
        matrix: Bits over a random sequence, with `FLANK` bases on either side [places, 4].
        partners: Words that matter at a distance from it.
        worth: Expression that goes with the word, the others and composition given.
    """

    word: Word
    matrix: Floats
    partners: tuple[Word, ...] = ()
    worth: float = 0.0


@dataclass(frozen=True)
class Place:
    """Where a motif fits its window best, on the strand or strands that count.

    Attributes:
        bits: Highest and second highest there, and highest in the whole row [rows, 3].
        first: Lowest base of the word at the best place [rows].
        flip: Whether that is on the other strand [rows].
    """

    bits: Floats
    first: NDArray[np.int64]
    flip: NDArray[np.bool_]


def number(letters: str) -> int:
    """A word as `kmers.words` has it."""
    total = 0
    for letter in letters:
        total = 4 * total + kmers.LETTERS.index(letter)
    return total


def matching(numbers: Words, word: Word, *, other: bool | None = None) -> NDArray[np.bool_]:
    """Where a word begins in its window [rows, places of the window].

    Args:
        numbers: Words of as many bases, of all places [rows, places].
        word: Which.
        other: On the other strand only, or not there; None for where it counts.
    """
    own = number(word.letters)
    turned = int(kmers.reverse_complements(len(word.letters))[own])
    part = numbers[:, word.first : word.last]
    if other is None:
        return np.isin(part, [own, turned] if word.both else [own])
    return np.isin(part, [turned if other else own])


def windows(codes: Codes, first: NDArray[np.int64], length: int, flip: NDArray[np.bool_]) -> Codes:
    """Some bases of each row, along either strand; N where the row has none [rows, length].

    Args:
        codes: Bases [rows, places].
        first: The lowest place, which may lie outside [rows].
        length: Bases.
        flip: Whether to read the other strand [rows].
    """
    place = first[:, None] + np.arange(length)
    known = (place >= 0) & (place < codes.shape[1])
    cut = np.take_along_axis(codes, np.clip(place, 0, codes.shape[1] - 1), axis=1)
    cut = np.where(known, cut, np.uint8(4))
    turned = np.where(cut < 4, 3 - cut, cut)[:, ::-1]
    return np.where(flip[:, None], turned, cut)


def around(codes: Codes, place: Place, k: int) -> Codes:
    """Bases around a motif's best site, along its strand [rows, 2 `REACH` + k].

    Args:
        codes: Bases [rows, length].
        place: Of the motif.
        k: Bases of its word.
    """
    return windows(codes, place.first - REACH, 2 * REACH + k, place.flip)


def place_word(codes: Codes, motif: Motif) -> Place:
    """Scan rows with a motif's matrix."""
    word = motif.word
    padded = np.pad(codes, ((0, 0), (FLANK, FLANK)), constant_values=4)
    strands = [scan(padded, motif.matrix)]
    if word.both:
        strands.append(scan(padded, reverse_complement(motif.matrix)))
    every = np.stack(strands, axis=1)  # place 0 is where the word itself begins at base 0
    inside = every[:, :, word.first : word.last].reshape(len(codes), -1)
    strand, first = np.divmod(inside.argmax(axis=1), inside.shape[1] // len(strands))
    second = -np.partition(-inside, min(1, inside.shape[1] - 1), axis=1)[:, :2]
    bits = np.column_stack([second[:, 0], second[:, -1], every.max(axis=(1, 2))])
    return Place(bits, first + word.first, strand > 0)


def build(codes: Codes, motifs: Sequence[Motif]) -> tuple[Floats, list[str]]:
    """Features of motifs, a chunk of rows at a time.

    Args:
        codes: Bases [rows, length].
        motifs: Which.

    Returns:
        [rows, features], and what they are called: of each motif how often its word is in its
        window, the highest and second highest bits there, the highest anywhere, and the best place;
        of each partner whether it is in its window, and its distance.
    """
    names = [
        f"{motif.word.letters}.{what}"
        for motif in motifs
        for what in (
            *("count", "bits", "second", "anywhere", "place"),
            *(
                f"{partner.letters}_{what}"
                for partner in motif.partners
                for what in ("there", "distance")
            ),
        )
    ]
    table = np.empty((len(codes), len(names)), dtype=np.float32)
    step = max(1, CHUNK // max(1, codes.shape[1]))
    for first in range(0, len(codes) if names else 0, step):
        some = np.ascontiguousarray(codes[first : first + step])
        columns = [column for motif in motifs for column in _columns(some, motif)]
        table[first : first + step] = np.column_stack(columns)
    return table, names


def _columns(codes: Codes, motif: Motif) -> list[NDArray[np.generic]]:
    word = motif.word
    place = place_word(codes, motif)
    count = matching(kmers.words(codes, len(word.letters)), word).sum(axis=1)
    columns = [count, *place.bits.T, place.first]
    cut = around(codes, place, len(word.letters)) if motif.partners else codes
    for partner in motif.partners:
        numbers = kmers.words(cut, len(partner.letters))
        columns.append(matching(numbers, partner).any(axis=1))
        wide = matching(numbers, Word(partner.letters, 0, numbers.shape[1], partner.both, 0.0))
        distance = np.where(wide, np.abs(np.arange(numbers.shape[1]) - REACH), NONE)
        columns.append(distance.min(axis=1))
    return columns
