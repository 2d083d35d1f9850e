"""How alike drugs are, and how alike proteins are: between 0 and 1.

Drugs: Tanimoto's coefficient of counts, the sum of the smaller over that of the larger ones: of
circular fingerprints, of n-grams of the SMILES, or the mean of both.
Proteins: cosine of standardised composition, nothing below 0; of words of four residues, rare ones
weighing more (tf-idf); or the mean of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, hstack, issparse
from sklearn.feature_extraction.text import TfidfTransformer

from .features import Standard, grams, spelled, words
from .fingerprints import circular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Sets = Any  # 0 and 1, dense or sparse

COUNTS: dict[str, Callable[[Sequence[str]], Sets]] = {"circular": circular, "grams": grams}
LENGTH, LEVELS = 4, 4
"""Residues in a word; counts above four are four."""


class Drugs:
    """Drugs that train, compared `by` circular fingerprints, grams, or both."""

    def __init__(self, smiles: Sequence[str], by: str = "both") -> None:
        self.kinds = [kind for name, kind in COUNTS.items() if by in (name, "both")]
        self.levels = [levels(kind(smiles)) for kind in self.kinds]

    def alike(self, smiles: Sequence[str]) -> Floats:
        """Similarity to each that trains [drugs, trained]."""
        pairs = zip(self.kinds, self.levels, strict=True)
        return _mean([tanimoto(levels(kind(smiles)), known) for kind, known in pairs])


class Proteins:
    """Proteins that train, compared `by` composition, words, or both."""

    def __init__(self, proteins: Sequence[str], by: str = "both") -> None:
        self.kinds = [kind(proteins) for name, kind in COSINES.items() if by in (name, "both")]

    def alike(self, proteins: Sequence[str]) -> Floats:
        """Similarity to each that trains [proteins, trained]."""
        return _mean([kind.alike(proteins) for kind in self.kinds])


class Composition:
    """Cosine of standardised shares of residues, pairs and triads."""

    def __init__(self, proteins: Sequence[str]) -> None:
        table = words(proteins)
        self.standard = Standard(table)
        self.unit = _unit(self.standard(table))

    def alike(self, proteins: Sequence[str]) -> Floats:
        """Similarity to each that trains [proteins, trained]."""
        cosine: Floats = _unit(self.standard(words(proteins))) @ self.unit.T
        return np.maximum(cosine, 0.0)


class Words:
    """Cosine of counts of words of four residues, weighed by how few proteins have each."""

    def __init__(self, proteins: Sequence[str]) -> None:
        self.weigh = TfidfTransformer()
        self.unit = self.weigh.fit_transform(self._counts(proteins))

    def alike(self, proteins: Sequence[str]) -> Floats:
        """Similarity to each that trains [proteins, trained]."""
        cosine: Floats = (self.weigh.transform(self._counts(proteins)) @ self.unit.T).toarray()
        return cosine

    def _counts(self, proteins: Sequence[str]) -> Any:
        return spelled(proteins, LENGTH).astype(np.float32)


COSINES: dict[str, type[Composition | Words]] = {"composition": Composition, "words": Words}


def _mean(each: Sequence[Floats]) -> Floats:
    mean: Floats = sum(each[1:], each[0]) / np.float32(len(each))
    return mean


def tanimoto(some: Sets, others: Sets) -> Floats:
    """Tanimoto's coefficient of sets, dense or sparse [some, others]."""
    common = some @ others.T
    if not isinstance(common, np.ndarray):
        common = common.toarray()
    size, of_others = (np.asarray(sets.sum(axis=1)).ravel() for sets in (some, others))
    ratio: Floats = common / np.maximum(size[:, None] + of_others - common, 1.0)
    return ratio


def levels(counts: Sets) -> Sets:
    """A set of (what is counted, how often at least): its Tanimoto is that of counts."""
    each = [(counts >= level).astype(np.float32) for level in range(1, LEVELS + 1)]
    return csr_array(hstack(each)) if issparse(counts) else np.hstack(each)


def _unit(table: Floats) -> Floats:
    length: Floats = np.sqrt((table**2).sum(axis=1, keepdims=True))
    unit: Floats = (table / np.maximum(length, 1e-12)).astype(np.float32)
    return unit
