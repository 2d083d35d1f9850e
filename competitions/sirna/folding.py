"""Folding energies and open sites by ViennaRNA (Lorenz et al. 2011, doi:10.1186/1748-7188-6-26).

Needs the extra `bio`. A guide that folds on itself does not bind; a site that the mRNA folds away
is not found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from podium.errors import MissingPackageError

try:
    import RNA
except ModuleNotFoundError as error:
    raise MissingPackageError("Folding", "viennarna", extra="bio") from error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

SEED = 8
"""Bases at the guide's 5' end that find the site."""

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


def openness(mrna: str, ends: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """How likely stretches of an mRNA are free of pairs, by local partition functions.

    Args:
        mrna: The sequence.
        ends: Last base of each stretch, from 1.
        width: Bases of a stretch.

    Returns:
        log10 of the probability, [stretches]; NaN where a stretch leaves the mRNA.
    """
    inside = (ends >= width) & (ends <= len(mrna))
    found = np.full(len(ends), np.nan)
    if inside.any():
        free = RNA.pfl_fold_up(mrna, width, min(WINDOW, len(mrna)), min(SPAN, len(mrna)))
        chances = np.array([free[end][width] for end in ends[inside]])
        found[inside] = np.log10(np.maximum(chances, _LEAST))
    return found
