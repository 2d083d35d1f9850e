"""Families: sequences that share a part of their words, directly or through others.

A word is k bases, read on whichever strand comes first in the alphabet. k is so large that two
sequences share no more than about a thousandth of their words by chance. Two sequences are
relatives if they share at least a tenth of the words of the one that has fewer; of short sequences
more, since a tenth is a handful in a row there, and strangers that share it by chance would chain
up (`least_shared`). A family is a connected component. Of long sequences a sketch of the words is
compared: those with the smallest hash, the same words in all (FracMinHash, Irber et al. 2022,
doi:10.1101/2022.01.11.475838).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from podium.competition import Sequences

SHARED = 10
"""Relatives share at least one word in this many: a tenth."""
CHANCE = 1 / 1000
"""Share of its words that a sequence may share by chance with one other."""
STRANGERS = 1 / 100
"""Rows that may share enough words with one row by chance, expected. Chains of strangers would hold
most of the rows from about 1 on; real bases are less random than those assumed here."""
SKETCH = 500
"""Words of a sequence that are compared, about; all of them where it has no more."""
COMMON = 2000
"""A word that more sequences have is a repeat that says nothing of descent, and is left out."""
_ROWS = 500
_MIX = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))


def names(sequences: Sequences) -> list[str]:
    """The family of each row, called by its first row from 1, such as `f00001`."""
    sketch = words(sequences)
    family = components(sketch, *least_shared(sequences))
    bare = np.flatnonzero(np.diff(sketch.indptr) == 0)
    if len(bare):  # too many N for a word: equal sequences are still one family
        _, kind = np.unique(sequences.codes[bare], axis=0, return_inverse=True)
        family[bare] = len(family) + kind.reshape(-1)
    _, first, place = np.unique(family, return_index=True, return_inverse=True)
    return [f"f{row + 1:05d}" for row in first[place]]


def least_shared(sequences: Sequences) -> tuple[int, int]:
    """How many of how many words relatives share at least, by the length of the sequences.

    A tenth, or more where chance would make more than `STRANGERS` relatives of a row by that.

    Bases are taken as drawn one by one, as often as they are in all rows: two of them are the same
    with probability p. Two sequences of L bases have m in a row in common, on either strand, at
    2 (L - m + 1)^2 p^m places in expectation; m bases are m - k + 1 words. Of 10,000 sequences of
    50 bases relatives share 8 of 42 words (16 bases); of 170 bases 9 of 161 would do, so a tenth.
    """
    length, k = sequences.length, word_length(sequences.length)
    often = np.bincount(sequences.codes.reshape(-1), minlength=5)[:4]
    same = float(np.square(often / max(1, often.sum())).sum())
    bases = np.arange(k, max(k, length) + 1)
    strangers = len(sequences) * 2.0 * np.square(length - bases + 1.0) * same**bases
    few = strangers <= STRANGERS
    least = 1 + int(few.argmax() if few.any() else len(few) - 1)
    return max((1, SHARED), (least, len(bases)), key=lambda share: share[0] / share[1])


def components(sketch: csr_array, least: int = 1, of: int = SHARED) -> NDArray[np.int32]:
    """Number of the connected component of each row.

    Args:
        sketch: Which row has which word [rows, words].
        least: Words that relatives share at least, ...
        of: ... out of this many words of the one with fewer.
    """
    from scipy.sparse import coo_array, csr_array
    from scipy.sparse.csgraph import connected_components

    size = np.diff(sketch.indptr)
    other = csr_array(sketch.T)
    pairs = []
    for start in range(0, sketch.shape[0], _ROWS):
        shared = (sketch[start : start + _ROWS] @ other).tocoo()
        row, column = shared.row + start, shared.col
        near = shared.data * of >= least * np.minimum(size[row], size[column])
        near &= row < column
        pairs.append((row[near], column[near]))
    row, column = (np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(row), np.int8), (row, column)), shape=(len(size),) * 2)
    component: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return component


def words(sequences: Sequences) -> csr_array:
    """Which row has which word, as 0 and 1 [rows, words]; words with an N do not count."""
    from scipy.sparse import csr_array

    k = word_length(sequences.length)
    count = sequences.length - k + 1
    share = min(1.0, SKETCH / max(1, count))
    rows, kept_words = [], []
    for start in range(0, len(sequences), _ROWS):
        numbers = canonical(np.asarray(sequences.codes[start : start + _ROWS]), k)
        kept = (numbers >= 0) & (_hash(numbers) < share)
        row, _ = np.nonzero(kept)
        row, word = np.divmod(np.unique(row * 4**k + numbers[kept]), 4**k)
        rows.append(row + start)
        kept_words.append(word)
    row = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    known, column, times = np.unique(
        np.concatenate(kept_words) if kept_words else row, return_inverse=True, return_counts=True
    )
    kept = (times <= COMMON)[column]
    ones = np.ones(int(kept.sum()), np.int32)
    shape = len(sequences), len(known)
    return csr_array((ones, (row[kept], column[kept])), shape=shape)


def word_length(length: int) -> int:
    """Bases of a word: of the 4^k / 2 words a sequence has `length`, another one shares few."""
    return max(1, int(np.ceil(np.log(2 * max(1, length) / CHANCE) / np.log(4))))


def canonical(codes: NDArray[np.uint8], k: int) -> NDArray[np.int64]:
    """Number of the word at each position, the smaller of both strands; -1 where it has an N.

    Args:
        codes: Bases [rows, length].
        k: Bases of a word, 31 at most.

    Returns:
        [rows, length - k + 1]
    """
    count = max(0, codes.shape[1] - k + 1)
    forward = np.zeros((len(codes), count), dtype=np.int64)
    backward, known = forward.copy(), np.ones(forward.shape, dtype=bool)
    for place in range(k):
        base = codes[:, place : place + count].astype(np.int64)
        known &= base < 4
        forward = 4 * forward + base
        backward += (3 - base) << (2 * place)
    return np.where(known, np.minimum(forward, backward), -1)


def _hash(numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Spread over 0 to 1 (the last steps of MurmurHash3)."""
    mixed = numbers.astype(np.uint64)
    for factor in _MIX:
        mixed = (mixed ^ (mixed >> np.uint64(33))) * factor
    return (mixed ^ (mixed >> np.uint64(33))).astype(np.float64) / 2.0**64
