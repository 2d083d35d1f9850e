"""What is known of good siRNAs, as arrays: classic design rules and stacking energies.

Sequences are matrices of base codes, one row a sequence, 5' to 3', made by `encode`. The classic
rules speak of the 19 base pairs next to the guide's 5' end, numbered along the sense strand, so
that sense base 19 pairs with guide base 1; `core` gives these 19 sense bases whatever the length
and overhangs of the duplex (23/21, 21/19, 21/21).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

Bases = NDArray[np.int8]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

A, C, G, U, NONE = 0, 1, 2, 3, -1

CORE = 19
"""Base pairs that the classic rules look at."""

# Stacking energy of a step XY (5'->3', rows X, columns Y, order A C G U) on its complement,
# kcal/mol at 37 degrees; this and the two constants from Xia et al. 1998, doi:10.1021/bi9809425.
STACKING = np.array(
    [
        [-0.93, -2.24, -2.08, -1.10],
        [-2.11, -3.26, -2.36, -2.08],
        [-2.35, -3.42, -3.26, -2.24],
        [-1.33, -2.35, -2.11, -0.93],
    ]
)
INITIATION = 4.09
TERMINAL_AU = 0.45

_CODES = np.full(256, NONE, dtype=np.int8)
for _letters, _code in (("Aa", A), ("Cc", C), ("Gg", G), ("UuTt", U)):
    _CODES[[ord(letter) for letter in _letters]] = _code


def encode(sequences: Iterable[str], width: int | None = None) -> Bases:
    """Turn RNA or DNA text into base codes.

    Args:
        sequences: Text, upper or lower case; T counts as U, other letters as none.
        width: Columns of the result; the longest sequence if not given.

    Returns:
        int8 [sequences, width], A C G U = 0..3; -1 for none and after the end of a sequence.
    """
    raw = [text.encode("ascii", "replace") for text in sequences]
    columns = max(map(len, raw), default=0) if width is None else width
    padded = b"".join(text[:columns].ljust(columns) for text in raw)
    return _CODES[np.frombuffer(padded, dtype=np.uint8)].reshape(len(raw), columns)


def reverse_complement(bases: Bases) -> Bases:
    """The other strand, 5' to 3'; rows must be full, or what is missing comes first."""
    flipped = bases[:, ::-1]
    return np.where(flipped == NONE, NONE, U - flipped).astype(np.int8)


def core(guide: Bases) -> Bases:
    """The 19 sense bases that pair with guide bases 19..1: what the classic rules number 1..19."""
    return reverse_complement(guide[:, :CORE])


def is_au(bases: Bases) -> NDArray[np.bool_]:
    """Where a base is A or U; False where there is none."""
    return np.isin(bases, (A, U))


def is_gc(bases: Bases) -> NDArray[np.bool_]:
    """Where a base is G or C; False where there is none."""
    return np.isin(bases, (G, C))


def longest_run(mask: NDArray[np.bool_]) -> Ints:
    """Length of the longest run of True in each row."""
    run = np.zeros(len(mask), dtype=np.int64)
    longest = run.copy()
    for column in mask.T:
        run = (run + 1) * column
        np.maximum(longest, run, out=longest)
    return longest


def stacking_energy(bases: Bases) -> Floats:
    """Stacking energy of each step of a strand paired with its complement (Xia 1998).

    Returns:
        [sequences, length - 1], kcal/mol; 0 where a base of the step is missing.
    """
    first, second = bases[:, :-1], bases[:, 1:]
    known = (first != NONE) & (second != NONE)
    energy: Floats = np.where(known, STACKING[first, second], 0.0)
    return energy


def duplex_energy(bases: Bases) -> Floats:
    """Free energy of a full duplex of each strand with its complement, kcal/mol (Xia 1998).

    The ends that count for the terminal AU penalty are the first and the last known base.
    """
    rows = np.arange(len(bases))
    known = bases != NONE
    last = bases.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    ends = np.stack([bases[rows, known.argmax(axis=1)], bases[rows, last]], axis=1)
    penalty = TERMINAL_AU * is_au(ends).sum(axis=1)
    energy: Floats = INITIATION + penalty + stacking_energy(bases).sum(axis=1)
    return energy


def end_energy(bases: Bases, pairs: int = 4) -> Floats:
    """Energy of the first `pairs` base pairs from the 5' end, terminal AU included, kcal/mol."""
    penalty = TERMINAL_AU * is_au(bases[:, 0])
    energy: Floats = stacking_energy(bases[:, :pairs]).sum(axis=1) + penalty
    return energy


def asymmetry(guide: Bases, pairs: int = 4) -> Floats:
    """How much weaker the duplex is at the guide's 5' end than at the other, kcal/mol.

    RISC keeps the strand whose 5' end is the easier to open (Schwarz et al. 2003,
    doi:10.1016/S0092-8674(03)00759-1), so high is good.
    """
    return end_energy(guide, pairs) - end_energy(core(guide), pairs)


def reynolds(sense: Bases) -> Ints:
    """Score of Reynolds et al. 2004, doi:10.1038/nbt936, without its hairpin criterion: -2..9.

    One point for 7 to 10 G/C, each A/U at 15-19, A3, U10, A19; minus one for G13 and for G/C19.

    Args:
        sense: The 19 bases of `core`.
    """
    gc = is_gc(sense).sum(axis=1)
    score: Ints = (
        ((gc >= 7) & (gc <= 10)).astype(np.int64)
        + is_au(sense[:, 14:19]).sum(axis=1)
        + (sense[:, 2] == A)
        + (sense[:, 9] == U)
        + (sense[:, 18] == A)
        - (sense[:, 12] == G)
        - is_gc(sense[:, 18])
    )
    return score


def ui_tei(sense: Bases) -> Ints:
    """How many of the four rules of Ui-Tei et al. 2004, doi:10.1093/nar/gkh247, hold: 0..4.

    A/U at the guide's 5' end; G/C at the sense 5' end; at least four A/U in guide bases 1-7; no
    G/C run of 9 or more.

    Args:
        sense: The 19 bases of `core`; guide bases 1-7 pair with the last seven.
    """
    score: Ints = (
        is_au(sense[:, 18]).astype(np.int64)
        + is_gc(sense[:, 0])
        + (is_au(sense[:, 12:19]).sum(axis=1) >= 4)
        + (longest_run(is_gc(sense)) < 9)
    )
    return score


def amarzguioui(sense: Bases) -> Ints:
    """Score of Amarzguioui and Prydz 2004, doi:10.1016/j.bbrc.2004.02.157: -2..4.

    One point for more A/U in the last three pairs than in the first three, G/C1, A6, A/U19; minus
    one for U1 and for G19.

    Args:
        sense: The 19 bases of `core`.
    """
    differential = is_au(sense[:, 16:19]).sum(axis=1) - is_au(sense[:, :3]).sum(axis=1)
    score: Ints = (
        (differential > 0).astype(np.int64)
        + is_gc(sense[:, 0])
        + (sense[:, 5] == A)
        + is_au(sense[:, 18])
        - (sense[:, 0] == U)
        - (sense[:, 18] == G)
    )
    return score
