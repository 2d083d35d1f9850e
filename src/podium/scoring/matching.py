"""Match two columns of ids that hold the same ids in another order, as every submission should.

A hash join whose table of ids is a few arrays: what found its place taken in the first stands in
the next, under another hash. Every match is compared byte by byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from podium.machine import cores

Words = NDArray[np.uint64]
_WIDEST = 64
"""Bytes of the longest id that is matched so."""
_LEVELS = 32
_BLOCK = 1 << 16
"""Rows that are looked up at once."""
_THREADS = 8
"""So many keep the memory busy."""
_MIX, _STIR = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
"""Odd multipliers of splitmix64 (Steele, Lea and Flood 2014)."""


def permutation(given: pa.StringArray, ids: pa.StringArray) -> NDArray[np.int32] | None:
    """The row of each of `ids` in `given`, if these are the same ids, each once.

    Returns:
        [ids], or None where they are not the same, or too long, or end with a space.
    """
    width = _width(ids)
    if not width or width != _width(given) or len(given) != len(ids):
        return None
    with ThreadPoolExecutor(min(cores(), _THREADS)) as pool:
        words, key = _prepared(ids, width, pool)
        levels = _levels(key)
        if levels is None:
            return None
        rows = np.full(len(ids), -1, dtype=np.int32)

        def look_up(start: int) -> bool:
            block = _words(given.slice(start, _BLOCK), width)
            return _look_up(block, start, words, levels, rows)

        all_found = all(pool.map(look_up, range(0, len(given), _BLOCK)))
    return rows if all_found and rows.min() >= 0 else None


def _prepared(ids: pa.StringArray, width: int, pool: ThreadPoolExecutor) -> tuple[Words, Words]:
    """The words of all ids [width / 8, ids], and their hashes [ids]."""
    words = np.empty((width // 8, len(ids)), dtype=np.uint64)
    key = np.empty(len(ids), dtype=np.uint64)

    def prepare(start: int) -> None:
        rows = slice(start, start + _BLOCK)
        words[:, rows] = block = _words(ids.slice(start, _BLOCK), width)
        key[rows] = _hashed(block)

    list(pool.map(prepare, range(0, len(ids), _BLOCK)))
    return words, key


def _look_up(
    block: Words,
    start: int,
    words: Words,
    levels: Sequence[NDArray[np.int32]],
    rows: NDArray[np.int32],
) -> bool:
    """Note the row of each id of a block, which begins at row `start`; whether all were found."""
    key, left = _hashed(block), np.arange(block.shape[1])
    for table in levels:
        candidate = table.take(_place(key, table))
        same = np.ones(len(left), dtype=bool)
        for theirs, ours in zip(block, words, strict=True):
            same &= theirs.take(left) == ours.take(candidate)
        rows[candidate[same]] = start + left[same]
        other = np.flatnonzero(~same)
        if not len(other):
            return True
        left, key = left.take(other), key.take(other) * _STIR
    return False


def _levels(key: Words) -> list[NDArray[np.int32]] | None:
    """Tables of row numbers by hash; an id stands in the first where it has a place of its own."""
    levels: list[NDArray[np.int32]] = []
    left = np.arange(len(key), dtype=np.int32)
    while len(left):
        if len(levels) == _LEVELS:
            return None  # an id is there twice, or two have the same hash
        table = np.zeros(1 << (3 * len(left) // 2).bit_length(), dtype=np.int32)
        place = _place(key, table)
        table[place] = left
        taken = np.flatnonzero(table.take(place) != left)
        levels.append(table)
        left, key = left.take(taken), key.take(taken) * _STIR
    return levels


def _place(key: Words, table: NDArray[np.int32]) -> NDArray[np.int64]:
    """The place of each hash in a table of 2^bits: its upper bits."""
    return (key >> np.uint64(65 - len(table).bit_length())).view(np.int64)


def _width(texts: pa.StringArray) -> int:
    """Bytes that the longest text needs, in whole words; 0 where padding could hide something."""
    longest = pc.max(pc.binary_length(texts)).as_py() or 0
    hidden = texts.null_count or pc.any(pc.ends_with(texts, " ")).as_py()
    return 0 if hidden or longest > _WIDEST else -(-longest // 8) * 8


def _words(texts: pa.StringArray, width: int) -> Words:
    """Texts padded with spaces, as whole words [width / 8, texts]: `take` wants whole columns."""
    padded = pc.ascii_rpad(texts, width=width, padding=" ")
    data: Any = padded.buffers()[2]
    words = np.frombuffer(data, np.uint64, len(padded) * width // 8)
    return np.ascontiguousarray(words.reshape(len(padded), -1).T)


def _hashed(words: Words) -> Words:
    """64 bits of the words [words, texts] of each text."""
    key: Words = words[0].copy()
    for column in words[1:]:
        key *= _MIX
        key ^= key >> np.uint64(29)
        key ^= column
    key *= _MIX
    key ^= key >> np.uint64(32)
    key *= _STIR
    return key
