"""Drugs and proteins as numbers: each different one is computed once.

A drug is the counts of its SMILES' n-grams, hashed; a protein its composition, its pairs of
residues, and its conjoint triads (Shen et al. 2007, doi:10.1073/pnas.0607879104): words of three
residues of seven kinds.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from podium.competition import Part

    Floats = NDArray[np.float32]

DRUG, PROTEIN = "smiles", "protein"
GRAMS, HASHES = (2, 3, 4, 5), 1024
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
KINDS = ("AGV", "ILFP", "YMTS", "HNQW", "RK", "DE", "C")
"""Residues of like dipole and volume."""


def items(part: Part, column: str) -> tuple[list[str], NDArray[np.int64]]:
    """The different values of a column, sorted, and the place of each row's [rows]."""
    place, values = pd.factorize(part.features[column], sort=True)
    return [str(value) for value in values], np.asarray(place, dtype=np.int64)


def grams(smiles: Sequence[str]) -> Floats:
    """Counts of n-grams with marks at both ends [drugs, 1024]."""
    counts = np.zeros((len(smiles), HASHES), dtype=np.float32)
    for row, text in enumerate(smiles):
        counts[row] = np.bincount(_hashed(text), minlength=HASHES)
    return counts


@lru_cache(maxsize=1 << 13)  # folds and members ask for the same drugs again and again
def _hashed(smiles: str) -> NDArray[np.uint16]:
    """The hash of each n-gram."""
    marked = f"^{smiles}$".encode()
    return np.array(
        [
            zlib.crc32(marked[start : start + n]) % HASHES
            for n in GRAMS
            for start in range(len(marked) - n + 1)
        ],
        dtype=np.uint16,
    )


def words(proteins: Sequence[str]) -> Floats:
    """Shares of residues, of pairs of them, and of triads [proteins, 20 + 400 + 343].

    Residues other than the twenty are passed over.
    """
    letter = np.full(256, -1)
    letter[np.frombuffer(RESIDUES.encode(), np.uint8)] = np.arange(20)
    kind = np.full(256, -1)
    for number, letters in enumerate(KINDS):
        kind[np.frombuffer(letters.encode(), np.uint8)] = number
    table = np.zeros((len(proteins), 20 + 400 + 343), dtype=np.float32)
    for row, text in enumerate(proteins):
        bytes_ = np.frombuffer(text.encode(), np.uint8)
        one, seven = letter[bytes_], kind[bytes_]
        one, seven = one[one >= 0], seven[seven >= 0]
        counts = np.concatenate(
            [
                np.bincount(one, minlength=20),
                np.bincount(20 * one[:-1] + one[1:], minlength=400),
                np.bincount(49 * seven[:-2] + 7 * seven[1:-1] + seven[2:], minlength=343),
            ]
        )
        table[row] = counts / max(1, len(one))
    return table


def spelled(proteins: Sequence[str], length: int) -> csr_array:
    """Whole counts of words of some letters, A to Z [proteins, 26^length]."""
    rows, columns = [], []
    for row, text in enumerate(proteins):
        letters = np.frombuffer(text.encode(), np.uint8).astype(np.int64) - ord("A")
        starts = max(0, len(letters) - length + 1)
        word = np.zeros(starts, dtype=np.int64)
        for offset in range(length):
            word = 26 * word + letters[offset : offset + starts]
        rows.append(np.full(starts, row))
        columns.append(word)
    place = (np.concatenate(rows), np.concatenate(columns))
    shape = (len(proteins), 26**length)
    counts: csr_array = csr_array((np.ones(len(place[0]), np.int64), place), shape=shape)
    counts.sum_duplicates()
    return counts


class Standard:
    """Standardises features by the mean and spread of what trains."""

    def __init__(self, table: Floats) -> None:
        self.mean, self.scale = table.mean(axis=0), table.std(axis=0)
        self.scale[self.scale == 0] = 1.0

    def __call__(self, table: Floats) -> Floats:
        """Standardise a table of the same columns."""
        scaled: Floats = (table - self.mean) / self.scale
        return scaled


def rows_of(part: Part, *sides: tuple[str, Callable[[Sequence[str]], Any]]) -> Floats:
    """Features of each pair: those of its drug, of its protein, or of both [rows, features]."""
    tables = []
    for column, features in sides:
        values, place = items(part, column)
        tables.append(features(values)[place])
    return np.hstack(tables)
