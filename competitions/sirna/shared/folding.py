"""Folding energies and open sites by ViennaRNA (Lorenz et al. 2011, doi:10.1186/1748-7188-6-26).

Needs the extra `bio`. A guide that folds on itself does not bind; a site that the mRNA folds away
is not found.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import RNA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

WIDTHS = (8, 21)
"""Bases of a stretch: those that pair with the guide's 5' end, which find the site; the site."""

WINDOW, SPAN = 80, 40
"""Bases that fold together, and the widest pair: the usual settings for siRNA sites."""

_LEAST = 1e-12


def fold_energy(strands: Iterable[str]) -> NDArray[np.float64]:
    """Minimum free energy of each strand folded on itself, kcal/mol; 0 where nothing folds."""
    return np.array([RNA.fold(strand)[1] if strand else 0.0 for strand in strands])


def pair_energy(guides: Iterable[str], senses: Iterable[str]) -> NDArray[np.float64]:
    """Free energy of the best duplex of each guide with its sense strand, kcal/mol."""
    pairs = zip(guides, senses, strict=True)
    return np.array([RNA.duplexfold(*pair).energy if all(pair) else 0.0 for pair in pairs])


def openness(mrna: str, ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """How likely stretches of an mRNA are free of pairs, by local partition functions.

    Args:
        mrna: The sequence.
        ends: Last base of each stretch, from 1.

    Returns:
        log10 of the probability of stretches of each of `WIDTHS`, [stretches, widths]; NaN where
        a stretch leaves the mRNA.
    """
    free = _free(mrna)
    inside = (ends[:, None] >= WIDTHS) & (ends[:, None] <= len(mrna))
    place = np.clip(ends, 0, len(mrna))
    return np.where(inside, free[place], np.nan)


@lru_cache(maxsize=1024)
def _free(mrna: str) -> NDArray[np.float64]:
    """Of stretches that end at each base: an mRNA has hundreds of sites and takes a second."""
    probabilities = np.full((len(mrna) + 1, len(WIDTHS)), np.nan)
    if len(mrna) >= min(WIDTHS):
        widest = min(max(WIDTHS), len(mrna))
        chances = RNA.pfl_fold_up(mrna, widest, min(WINDOW, len(mrna)), min(SPAN, len(mrna)))
        for column, width in enumerate(WIDTHS):
            if width <= widest:
                probabilities[1:, column] = [row[width] for row in chances[1 : len(mrna) + 1]]
    logged: NDArray[np.float64] = np.log10(np.maximum(probabilities, _LEAST))
    return logged
