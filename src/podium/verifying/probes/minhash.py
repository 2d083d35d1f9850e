"""Which texts are nearly the same? MinHash sketches of their k-mers (Broder 1997).

The share of sketch entries that two texts have in common estimates the Jaccard index of their sets
of k-mers. Pairs are found by bands of two entries; nothing is compared with everything.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Sketches = NDArray[np.uint32]
"""[texts, entries]"""

ENTRIES, BAND = 32, 2
"""At a Jaccard index of 0.5, 99 pairs of 100 share a band."""
LONGEST = 400
"""Characters of a text that are looked at."""
CANDIDATES = 3
"""Texts of one band that are compared."""
_BASE = np.uint64(1_000_003)


def sketch(texts: Sequence[str | bytes], k: int) -> Sketches:
    """Sketches of the sets of k-mers; shorter texts are filled up."""
    coded = [text if isinstance(text, bytes) else text[:LONGEST].encode() for text in texts]
    encoded = [text[:LONGEST].ljust(k, b"\x00") for text in coded]
    length = np.array([len(text) for text in encoded])
    letters = np.frombuffer(b"".join(encoded), dtype=np.uint8).astype(np.uint64)
    windows = len(letters) - k + 1
    code = np.zeros(windows, dtype=np.uint64)
    for place in range(k):
        code = code * _BASE + letters[place : place + windows] + np.uint64(1)
    starts = np.cumsum(length) - length
    ends = np.repeat(starts + length, length)[:windows]
    inside = np.arange(windows) + k <= ends  # not over the end of its text
    code = code[inside]
    counts = length - k + 1
    first = np.cumsum(counts) - counts
    rng = np.random.default_rng(0)
    sketches = np.empty((len(texts), ENTRIES), dtype=np.uint32)
    for entry in range(ENTRIES):
        factor, shift = rng.integers(1, 2**63, size=2, dtype=np.uint64)
        mixed = (code ^ shift) * (factor | np.uint64(1))
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        sketches[:, entry] = np.minimum.reduceat((mixed >> np.uint64(32)).astype(np.uint32), first)
    return sketches


def nearest(ours: Sketches, theirs: Sketches) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The most alike of the other texts that a band finds: share in common, and which it is.

    Returns:
        Two arrays [ours]; 0 and -1 where none was found.
    """
    best, where = np.zeros(len(ours)), np.full(len(ours), -1)
    for start in range(0, ENTRIES, BAND):
        keys = [_key(side[:, start : start + BAND]) for side in (theirs, ours)]
        order = np.argsort(keys[0], kind="stable")
        place = np.searchsorted(keys[0][order], keys[1])
        for step in range(CANDIDATES):
            at = np.minimum(place + step, len(order) - 1)
            other = order[at]
            alike = np.mean(ours == theirs[other], axis=1)
            alike[keys[0][other] != keys[1]] = 0.0
            better = alike > best
            best[better], where[better] = alike[better], other[better]
    return best, where


def _key(entries: Sketches) -> NDArray[np.uint64]:
    first, second = entries.astype(np.uint64).T
    return np.asarray((first << np.uint64(32)) | second)
