"""Circular fingerprints: the surroundings of each atom, up to two bonds away, as counts.

Extended-connectivity fingerprints (Rogers and Hahn 2010, doi:10.1021/ci100050t): an atom starts as
its element, neighbours, hydrogens, charge and whether it is in a ring; in each round what lies
around it is added to its code. All drugs are one graph, so a round is a few sums over its bonds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from .molecules import joined, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .molecules import Molecule

    Codes = NDArray[np.uint64]
    Bools = NDArray[np.bool_]

RADIUS, HASHES, FOLDED = 2, 1 << 18, 1 << 10
PLANAR_WITH_THREE, PLANAR_WITH_TWO = (5, 7, 15), (8, 16, 34)
"""Elements whose free orbital or electrons take part in a ring's, by their number of neighbours."""


def circular(smiles: Sequence[str]) -> csr_array:
    """Counts of surroundings, hashed [drugs, 262,144].

    Aromatic rings count the same in small letters and with single and double bonds in turn.

    Raises:
        ValueError: If a text is no SMILES.
    """
    molecules = [parse(text) for text in smiles]
    drug = np.repeat(np.arange(len(molecules)), [len(molecule) for molecule in molecules])
    whole = joined(molecules)
    source, target = np.vstack([whole.bonds, whole.bonds[:, ::-1]]).T
    kind = np.where(_conjugated(whole), 15, 10 * whole.orders).astype(np.uint64)
    by_bond = np.tile(_mixed(kind), 2)
    neighbours = whole.degrees + whole.hydrogens
    code = np.zeros(len(whole), dtype=np.uint64)
    for trait in (whole.numbers, neighbours, whole.hydrogens, whole.charges, whole.rings):
        code = _mixed(code ^ trait.astype(np.int64).astype(np.uint64))
    codes, bonded = [code], whole.degrees > 0
    for _ in range(RADIUS):
        around = np.zeros_like(code)
        np.add.at(around, target, _mixed(code[source] ^ by_bond))
        code = _mixed(_mixed(code) + around)
        codes.append(code[bonded])
    column = (np.concatenate(codes) % np.uint64(HASHES)).astype(np.int64)
    row = np.concatenate([drug, *[drug[bonded]] * RADIUS])
    ones = np.ones(len(row), dtype=np.float32)
    counts = csr_array((ones, (row, column)), shape=(len(molecules), HASHES))
    counts.sum_duplicates()
    return counts


def folded(smiles: Sequence[str]) -> NDArray[np.float32]:
    """The same counts in fewer columns, dense [drugs, 1024]."""
    counts = circular(smiles).tocoo()
    row, column = counts.coords
    table: NDArray[np.float32] = csr_array(
        (counts.data, (row, column % FOLDED)), shape=(len(smiles), FOLDED)
    ).toarray()
    return table


def _conjugated(molecule: Molecule) -> Bools:
    """Which bonds of rings join two planar atoms [bonds]."""
    neighbours = molecule.degrees + molecule.hydrogens
    planar = molecule.aromatic.copy()
    planar[molecule.bonds[molecule.orders == 2]] = True
    planar |= np.isin(molecule.numbers, PLANAR_WITH_THREE) & (neighbours <= 3)
    planar |= np.isin(molecule.numbers, PLANAR_WITH_TWO) & (neighbours == 2)
    joins: Bools = molecule.ring_bonds & planar[molecule.bonds].all(axis=1)
    return joins


def _mixed(codes: Codes) -> Codes:
    """A hash that is the same on every machine (the finaliser of splitmix64)."""
    codes = codes + np.uint64(0x9E3779B97F4A7C15)
    codes = (codes ^ (codes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    codes = (codes ^ (codes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Codes = codes ^ (codes >> np.uint64(31))
    return mixed
