"""k-mers as integers: the word of each place, and how often a sequence has each word.

A word of k bases is a number in base 4, first base first; places whose word has an N have the
number 4^k, which no table counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.uint8]
    Floats = NDArray[np.float32]
    Words = NDArray[np.int32]

LETTERS = "ACGT"


def words(codes: Codes, k: int) -> Words:
    """The word that begins at each place [rows, length - k + 1]; none in shorter sequences.

    Args:
        codes: Bases, 0 to 3, and 4 for N [rows, length].
        k: Bases of a word, up to 12.
    """
    places = max(codes.shape[1] - k + 1, 0)
    word = np.zeros((len(codes), places), dtype=np.int32)
    known = np.ones(word.shape, dtype=bool)
    for offset in range(k):
        bases = codes[:, offset : offset + places]
        word = word * 4 + np.minimum(bases, 3)
        known &= bases < 4
    word[~known] = 4**k
    return word


def reverse_complements(k: int) -> NDArray[np.int64]:
    """The number of each word's reverse complement [4^k]."""
    rest = np.arange(4**k)
    turned = np.zeros_like(rest)
    for _ in range(k):
        turned = turned * 4 + 3 - rest % 4
        rest //= 4
    return turned


def columns(k: int, *, canonical: bool) -> tuple[NDArray[np.int32], list[str]]:
    """Which column each word is counted in [4^k + 1], and the columns' names.

    Args:
        k: Bases of a word.
        canonical: Whether a word and its reverse complement share a column. The number after the
            last column is for places that have an N.
    """
    every = np.arange(4**k)
    first = np.minimum(every, reverse_complements(k)) if canonical else every
    kept, column = np.unique(first, return_inverse=True)
    return np.append(column, len(kept)).astype(np.int32), [spelled(word, k) for word in kept]


def spelled(word: int, k: int) -> str:
    """A word in letters."""
    return "".join(LETTERS[word // 4**place % 4] for place in reversed(range(k)))


def counts(codes: Codes, k: int, *, canonical: bool) -> tuple[Floats, list[str]]:
    """How often each row has each word, and the words.

    Args:
        codes: Bases [rows, length].
        k: Bases of a word.
        canonical: Whether a word and its reverse complement are counted as one.

    Returns:
        [rows, words] and the words.
    """
    column, names = columns(k, canonical=canonical)
    width = len(names) + 1
    row = np.arange(len(codes), dtype=np.int64)[:, None] * width
    cells = (row + column[words(codes, k)]).ravel()
    table = np.bincount(cells, minlength=len(codes) * width).reshape(len(codes), width)
    return table[:, :-1].astype(np.float32), names
