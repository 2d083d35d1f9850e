"""Features of DNA for models of tables: words, composition, and elements of the core promoter.

`build` gives one column a feature, named `group.rest`; models choose by group:

    word         counts of 3-mers, and of 4- and 5-mers of either strand
    word6        counts of 6-mers of either strand
    composition  bases in windows of the whole sequence, 10 bases each where it is short
    region       GC, skews and CpG in regions around the start site
    core         the base at each place of the core promoter, from -60 to +5
    tata         how well a TATA box fits: anywhere, on either strand, and where it works
    element      other elements of core promoters, in windows before the start site

Core promoters have a direction and a fixed distance from the start site, so places count from it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.errors import ModelError

from . import kmers, motifs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition import Part

    from .kmers import Codes, Floats

    Group = Callable[[Codes, int], tuple[Floats, list[str]]]

STARTS = {"leaf": 165, "proto": 165, "simulated": 800}
"""Where the start site (+1) is, by assay; Jores et al. 2021 took bases -165 to +5."""
SPECIES = ("maize", "sorghum", "arabidopsis")

RHO = 1.0
"""Variance of the families' effects over that of the noise, which models assume."""
CHUNK = 1 << 21
"""Bases that are described in one go: what bounds the memory."""
WINDOW, MOST_WINDOWS = 10, 40
REGIONS = ((-165, 0), (-165, -80), (-80, 0), (-50, 0), (-25, 0), (-65, -35), (-35, 5))
CORE = (-60, 5)
TATA_WINDOWS = ((-45, -25), (-55, -15), (-40, -28))
ELEMENT_WINDOWS = ((-105, -60), (-60, -35), (-35, 0), (-7, 0))
"""First base, and the one after the last, from the start site, which is 0 here."""


def length(part: Part) -> int:
    """Bases of each sequence of a part."""
    assert part.sequences is not None
    return part.sequences.length


def check_length(part: Part, trained: int) -> None:
    """Refuse sequences of another length than those that trained.

    Raises:
        ModelError: Which names both lengths.
    """
    if length(part) != trained:
        raise ModelError(
            f"These sequences have {length(part):,} bases, those of train {trained:,}: what this "
            "model learned counts places from the first base.",
            hint=f"Give sequences of {trained:,} bases with the start site where train has it; "
            "fill with N what is not known.",
        )


def start_site(features: pd.DataFrame, length: int, start: int | None = None) -> int:
    """Where the start site is: as given, as the assay has it, else the middle.

    Args:
        features: With a column `assay`, the same in all rows.
        length: Bases of a sequence.
        start: Base of the start site, counted from 0.
    """
    if start is not None:
        return start
    assay = str(features["assay"].iloc[0]) if len(features) else ""
    return STARTS.get(assay, length // 2)


def build(codes: Codes, start: int, groups: Iterable[str]) -> tuple[Floats, list[str]]:
    """Compute the features of some groups.

    Args:
        codes: Bases, 0 to 3, and 4 for N [rows, length]; a memory map is read in chunks.
        start: Base of the start site, counted from 0.
        groups: Names of groups.

    Returns:
        [rows, features], and what the features are called.
    """
    chosen = list(groups)
    empty = codes[:0]
    names = [f"{group}.{name}" for group in chosen for name in GROUPS[group](empty, start)[1]]
    table = np.empty((len(codes), len(names)), dtype=np.float32)
    step = max(1, CHUNK // max(1, codes.shape[1]))
    for first in range(0, len(codes), step):
        some = np.ascontiguousarray(codes[first : first + step])
        end = 0
        for group in chosen:
            values = GROUPS[group](some, start)[0]
            begin, end = end, end + values.shape[1]
            table[first : first + step, begin:end] = values
    return table, names


def species(features: pd.DataFrame) -> tuple[Floats, list[str]]:
    """Which species a row is of [rows, 3]; all 0 for another one."""
    known = features["species"].to_numpy(object)[:, None] == np.array(SPECIES, dtype=object)
    return known.astype(np.float32), [f"species.{name}" for name in SPECIES]


def family(part: Part) -> NDArray[np.str_]:
    """The family of each row [rows]; each row its own where a part does not say."""
    if part.groups is None:
        return np.asarray(part.ids, dtype=np.str_)
    return part.groups["family"].to_numpy(dtype=np.str_)


def gc(codes: Codes) -> Floats:
    """Share of G and C among the known bases [rows]; a half where none is known."""
    strong = ((codes == 1) | (codes == 2)).sum(axis=1)
    known = (codes < 4).sum(axis=1)
    share = np.where(known > 0, strong / np.maximum(known, 1), 0.5)
    return share.astype(np.float32)


def _word(codes: Codes, start: int) -> tuple[Floats, list[str]]:
    return _side_by_side(
        kmers.counts(codes, 3, canonical=False),
        kmers.counts(codes, 4, canonical=True),
        kmers.counts(codes, 5, canonical=True),
    )


def _word6(codes: Codes, start: int) -> tuple[Floats, list[str]]:
    return kmers.counts(codes, 6, canonical=True)


def _composition(codes: Codes, start: int) -> tuple[Floats, list[str]]:
    length = codes.shape[1]
    count = max(1, min(length // WINDOW, MOST_WINDOWS))
    borders = np.linspace(0, length, count + 1).astype(int)
    shares = [_shares(codes[:, a:b]) for a, b in pairwise(borders)]
    names = [f"{base}{a - start:+d}" for a in borders[:-1] for base in kmers.LETTERS]
    return np.concatenate(shares, axis=1), names


def _region(codes: Codes, start: int) -> tuple[Floats, list[str]]:
    columns, names = [], []
    for first, last in REGIONS:
        part = _window(codes, start, first, last)
        shares = _shares(part)
        a, c, g, t = shares.T
        cpg = ((part[:, :-1] == 1) & (part[:, 1:] == 2)).sum(axis=1) / max(part.shape[1] - 1, 1)
        columns += [shares, c + g, g - c, a - t, cpg, cpg / (c * g + 0.01)]
        what = (*kmers.LETTERS, "gc", "gc_skew", "at_skew", "cpg", "cpg_ratio")
        names += [f"{name}{first:+d}{last:+d}" for name in what]
    return np.column_stack(columns).astype(np.float32), names


def _core(codes: Codes, start: int) -> tuple[Floats, list[str]]:
    part = _window(codes, start, *CORE)
    first = max(start + CORE[0], 0) - start
    return part.astype(np.float32), [f"{first + place:+d}" for place in range(part.shape[1])]


def _tata(codes: Codes, start: int) -> tuple[Floats, list[str]]:
    forward = motifs.scan(codes, motifs.tata())
    reverse = motifs.scan(codes, motifs.reverse_complement(motifs.tata()))
    columns, names = [], []
    strands = {"forward": forward, "reverse": reverse, "either": np.maximum(forward, reverse)}
    for strand, fit in strands.items():
        columns += _best(fit)
        names += [f"{strand}_{what}" for what in ("fit", "place", "occupancy")]
    thirds = np.linspace(0, forward.shape[1], 4).astype(int)
    for number, (a, b) in enumerate(pairwise(thirds)):
        for strand in ("forward", "reverse"):
            columns.append(_best(strands[strand][:, a:b])[2])
            names.append(f"{strand}_occupancy_third{number}")
    for first, last in TATA_WINDOWS:
        columns += _best(_window(forward, start, first, last))
        names += [f"{what}{first:+d}{last:+d}" for what in ("fit", "place", "occupancy")]
    return np.column_stack(columns), names


def _element(codes: Codes, start: int) -> tuple[Floats, list[str]]:
    columns, names = [], []
    for element, letters in motifs.ELEMENTS.items():
        fit = motifs.scan(codes, motifs.matrix(letters))
        for first, last in ELEMENT_WINDOWS:
            columns += _best(_window(fit, start, first, last))[:2]
            names += [f"{element}_{what}{first:+d}{last:+d}" for what in ("fit", "place")]
    return np.column_stack(columns), names


GROUPS: dict[str, Group] = {
    "word": _word,
    "word6": _word6,
    "composition": _composition,
    "region": _region,
    "core": _core,
    "tata": _tata,
    "element": _element,
}


def _window(values: NDArray[np.generic], start: int, first: int, last: int) -> NDArray[Any]:
    """Places of a window around the start site, as far as the sequence has them."""
    return values[:, max(start + first, 0) : max(start + last, 0)]


def _shares(codes: Codes) -> Floats:
    """Share of each base [rows, 4]; 0 for an empty window."""
    counts = [(codes == base).sum(axis=1) for base in range(4)]
    return np.stack(counts, axis=1).astype(np.float32) / np.float32(max(codes.shape[1], 1))


def _best(fit: Floats) -> list[Floats]:
    """Highest score, its place, and the occupancy; 0 where there is no place."""
    if not fit.shape[1]:
        return [np.zeros(len(fit), dtype=np.float32)] * 3
    return [fit.max(axis=1), fit.argmax(axis=1).astype(np.float32), motifs.occupancy(fit)]


def _side_by_side(*tables: tuple[Floats, list[str]]) -> tuple[Floats, list[str]]:
    values = np.concatenate([table for table, _ in tables], axis=1)
    return values, [name for _, names in tables for name in names]
