"""Words that go with expression: what of the residuals a word at some place explains.

Relatives share an effect that no sequence tells, so residuals are those of a fit with a random
intercept by family. A scan sums them by word and bin of places; the word, window and strand whose
sum is farthest from chance joins the fit, and the scan begins anew until none is far enough. Then
words that work together with one of these are sought around its sites, in the same way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from . import kmers
from .features import RHO, family, gc, species
from .sites import FLANK, Motif, Word, around, matching, number, place_word, windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from podium.competition import Part

    from .kmers import Codes, Floats, Words

    Values = NDArray[np.float64]

PRIOR = 10.0
"""Sites of average residuals that each sum is held against: few sites prove little."""
K, WIDTH = 8, 20
"""Bases of a word, and places of a bin."""
PARTNER_K, PARTNER_WIDTH, PARTNER_Z, MOST_PARTNERS = 6, 4, 5.5, 3
MOST_BINS = 50
EQUAL = 1e-9
"""Residuals that differ by less are equal."""
NOTHING = (
    "No word of train goes with expression by z of {z:g} or more (too few rows or families, or "
    "answers that hardly vary): what is left to learn from is composition and species."
)


def discover(train: Part, answers: Values, least_z: float, most: int) -> list[Motif]:
    """Motifs that go with the answers, those that explain most first; none where nothing does.

    Args:
        train: Rows with sequences, and families if they are known.
        answers: [rows].
        least_z: How far from chance a word must be.
        most: Words at most.
    """
    assert train.sequences is not None
    codes = np.asarray(train.sequences.codes)
    families = Families(family(train))
    if families.count < 2:
        return []  # what relatives share is no evidence
    plain = composition(train)
    numbers, scan = kmers.words(codes, K), Scan(codes, K, WIDTH)
    words: list[Word] = []
    table = plain
    while len(words) < most:
        word = scan.best(families.residuals(table, answers), words)
        if word is None or abs(word.z) < least_z:
            break
        words.append(word)
        table = np.column_stack([table, matching(numbers, word).any(axis=1)])
    worth = families.fit(table, answers)[plain.shape[1] :]
    motifs = []
    for word, gain in zip(words, worth, strict=True):
        motif = Motif(word, matrix(codes, numbers, word), worth=float(gain))
        partners, table = _partners(codes, answers, families, table, motif)
        motifs.append(replace(motif, partners=partners))
    return motifs


def composition(part: Part) -> Values:
    """What is in the fit before any word: 1, GC and its square, and the species [rows, 6]."""
    assert part.sequences is not None
    share = gc(np.asarray(part.sequences.codes)).astype(np.float64) - 0.5
    return np.column_stack([np.ones(len(part)), share, share**2, species(part.features)[0]])


def matrix(codes: Codes, numbers: Words, word: Word) -> Floats:
    """Bits of each base over a random sequence at a word's sites, and beside it [places, 4].

    Args:
        codes: Bases [rows, length].
        numbers: Their words of as many bases.
        word: Whose sites.
    """
    counts = np.ones((len(word.letters) + 2 * FLANK, 4))
    for other in (False, True) if word.both else (False,):
        row, place = np.nonzero(matching(numbers, word, other=other))
        first = place + word.first - FLANK
        cut = windows(codes[row], first, len(counts), np.full(len(row), other))
        counts += np.stack([(cut == base).sum(axis=0) for base in range(4)], axis=1)
    bits: Floats = np.log2(4 * counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
    return bits


def _partners(
    codes: Codes, answers: Values, families: Families, table: Values, motif: Motif
) -> tuple[tuple[Word, ...], Values]:
    """Words that matter around a motif's sites, and the fit's table with those of all rows."""
    numbers = kmers.words(codes, K)
    has = matching(numbers, motif.word).any(axis=1)
    cut = around(codes, place_word(codes, motif), K)
    near, scan = kmers.words(cut, PARTNER_K), Scan(cut[has], PARTNER_K, PARTNER_WIDTH)
    partners: list[Word] = []
    while len(partners) < MOST_PARTNERS:
        word = scan.best(families.residuals(table, answers)[has], partners)
        if word is None or abs(word.z) < PARTNER_Z:
            break
        partners.append(word)
        table = np.column_stack([table, has & matching(near, word).any(axis=1)])
    return tuple(partners), table


class Families:
    """Rows whose families have effects of their own: V is 1 on the diagonal, plus `RHO` within.

    Args:
        names: The family of each row [rows].
    """

    def __init__(self, names: NDArray[np.str_]) -> None:
        _, self.number, size = np.unique(names, return_inverse=True, return_counts=True)
        self.count = len(size)
        self.size: Values = size[self.number].astype(np.float64)
        """Rows of each row's family [rows]."""

    def weighed(self, values: Values) -> Values:
        """V^-1 times values [rows]."""
        return values - RHO / (1 + RHO * self.size) * self._sums(values)

    def fit(self, table: Values, answers: Values) -> Values:
        """Weights by generalised least squares [columns]."""
        whitened = np.column_stack([self._whitened(column) for column in table.T])
        weights = np.linalg.lstsq(whitened, self._whitened(answers))[0]
        return np.asarray(weights, dtype=np.float64)

    def residuals(self, table: Values, answers: Values) -> Values:
        """V^-1 times what a fit leaves [rows]."""
        return self.weighed(answers - table @ self.fit(table, answers))

    def _whitened(self, values: Values) -> Values:
        """V^-1/2 times values [rows]."""
        share = (1 - 1 / np.sqrt(1 + RHO * self.size)) / self.size
        return values - share * self._sums(values)

    def _sums(self, values: Values) -> Values:
        sums = np.bincount(self.number, weights=values)[self.number]
        return np.asarray(sums, dtype=np.float64)


class Scan:
    """Sums of residuals by word and bin of places.

    Args:
        codes: Bases [rows, length].
        k: Bases of a word.
        width: Places of a bin; more where there would be more than `MOST_BINS`.
    """

    def __init__(self, codes: Codes, k: int, width: int) -> None:
        numbers = kmers.words(codes, k)
        self.k = k
        self.places = numbers.shape[1]
        self.width = max(width, -(-self.places // MOST_BINS))
        self.bins = -(-self.places // self.width)
        self.turned = kmers.reverse_complements(k)
        bins = np.arange(self.places, dtype=np.int64) // self.width
        self.cells = (bins * (4**k + 1) + numbers).ravel()

    def best(self, residuals: Values, joined: Sequence[Word] = ()) -> Word | None:
        """The word farthest from chance, of all words, windows, and one strand or both.

        Args:
            residuals: [rows].
            joined: Words of the fit, which count no more in their windows: the fit has whether
                they are there, so where they repeat in a row their sums stay far from chance.

        Returns:
            None where there is nothing to explain, or no place.
        """
        squares = residuals**2
        if not self.cells.size or np.ptp(residuals) < EQUAL:
            return None
        prior = float(PRIOR * squares.mean())
        sums, spreads = self._sums(residuals, joined), self._sums(squares, joined)
        every = np.arange(4**self.k)
        first = np.flatnonzero(every < self.turned)  # a palindrome has no other strand
        either, wide = (t[:, first] + t[:, self.turned[first]] for t in (sums, spreads))
        words = (
            self._farthest(sums, spreads, prior, every, both=False),
            self._farthest(either, wide, prior, first, both=True),
        )
        return max(words, key=lambda word: abs(word.z))

    def _sums(self, values: Values, joined: Sequence[Word]) -> Floats:
        """Of each word up to each bin [bins + 1, words]."""
        every = np.repeat(values, self.places)
        size = self.bins * (4**self.k + 1)
        table = np.bincount(self.cells, weights=every, minlength=size).reshape(self.bins, -1)
        for word in joined:
            own = number(word.letters)
            strands = [own, self.turned[own]] if word.both else [own]
            table[word.first // self.width : -(-word.last // self.width), strands] = 0
        sums = np.zeros((self.bins + 1, 4**self.k), dtype=np.float32)
        np.cumsum(table[:, :-1], axis=0, out=sums[1:])
        return sums

    def _farthest(
        self, sums: Floats, spreads: Floats, prior: float, words: NDArray[np.int64], *, both: bool
    ) -> Word:
        """Of all intervals of bins that whose sum squared is largest against its spread."""
        highest, where = -1.0, (0, 0, 1)
        for first in range(self.bins):
            for last in range(first + 1, self.bins + 1):
                square = sums[last] - sums[first]
                square *= square
                square /= spreads[last] - spreads[first] + np.float32(prior)
                word = int(square.argmax())
                if square[word] > highest:
                    highest, where = float(square[word]), (word, first, last)
        word, first, last = where
        return Word(
            letters=kmers.spelled(int(words[word]), self.k),
            first=first * self.width,
            last=min(last * self.width, self.places),
            both=both,
            z=float(np.sqrt(highest) * np.sign(sums[last, word] - sums[first, word])),
        )
