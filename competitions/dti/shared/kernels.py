"""How alike drugs are, and how alike proteins are: between 0 and 1.

Drugs: Tanimoto's coefficient of n-gram counts, the sum of the smaller over that of the larger ones.
Proteins: cosine of standardised words, nothing below 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .features import Standard, grams, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

LEVELS = 4
"""Counts above this are this."""


class Drugs:
    """Drugs that train."""

    def __init__(self, smiles: Sequence[str]) -> None:
        self.levels = _levels(smiles)

    def alike(self, smiles: Sequence[str]) -> Floats:
        """Similarity to each that trains [drugs, trained]."""
        return tanimoto(_levels(smiles), self.levels)


class Proteins:
    """Proteins that train."""

    def __init__(self, proteins: Sequence[str]) -> None:
        table = words(proteins)
        self.standard = Standard(table)
        self.unit = _unit(self.standard(table))

    def alike(self, proteins: Sequence[str]) -> Floats:
        """Similarity to each that trains [proteins, trained]."""
        cosine: Floats = _unit(self.standard(words(proteins))) @ self.unit.T
        return np.maximum(cosine, 0.0)


def tanimoto(some: Floats, others: Floats) -> Floats:
    """Tanimoto's coefficient of sets [some, others]."""
    common = some @ others.T
    either = some.sum(axis=1)[:, None] + others.sum(axis=1) - common
    ratio: Floats = common / np.maximum(either, 1.0)
    return ratio


def _levels(smiles: Sequence[str]) -> Floats:
    """A set of (n-gram, how often at least): its Tanimoto is that of counts."""
    counts = grams(smiles)
    return np.hstack([counts >= level for level in range(1, LEVELS + 1)]).astype(np.float32)


def _unit(table: Floats) -> Floats:
    length: Floats = np.sqrt((table**2).sum(axis=1, keepdims=True))
    unit: Floats = (table / np.maximum(length, 1e-12)).astype(np.float32)
    return unit
