"""The `demo` dataset: 6,000 simulated regions around start sites, and their expression.

A region reaches from 800 bases before the start site to 200 behind it. Its background is a chain
in which each base depends on the one before (CpG is rare), as rich in GC as its family. Into it
motifs are planted, and then families of paralogues descend from it: copies with substitutions,
which may break a motif. What a region does, its activity, follows from the bases that are there at
the end, by a grammar:

    TATA box            on the forward strand, 40 to 20 bases before the start
    enhancers           within a window, on any strand, or on the forward one alone
    a pair              two motifs on one strand, the second 8 to 20 bases behind the first
    repressors          before the start, and one behind it
    GC                  the richer, the weaker
    saturation          many motifs do less than the sum of what each does

    z = activity + effect of the family + noise
    expression = 0 for silent regions, else max(0, z)

The effect of a family (say, of chromatin) cannot be read from the sequence, but a paralogue
reveals it: a random split would leak it, and ours by families does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from podium.competition import Sequences
from podium.data import Prepared

from ..metric import TARGET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.uint8]
    Floats = NDArray[np.float64]

SEED = 1
REGIONS, LENGTH, START = 6000, 1000, 800
"""How many; bases of each; where the start site is."""
SPECIES = ("maize", "sorghum")
RELATED = 0.7
"""Share of the regions that have paralogues."""
LARGEST = 12
DIVERGENCE = (0.02, 0.12)
"""Share of the bases in which a copy differs from its ancestor."""
GC_MEAN, GC_SPREAD = 0.47, 0.07
"""GC of families (0.47 in the maize genome), and its standard deviation."""
CPG = 0.6
"""How often C is followed by G, over what chance gives."""
LEVEL, GC_EFFECT, CAP = 2.0, -6.0, 4.0
"""Activity without motifs, by GC above the mean, and the most that motifs add or take."""
SILENT = 0.05
FAMILY, NOISE = 0.8, 0.4
"""Standard deviations of the effect of a family, and of the noise."""
_IUPAC = {"A": 1, "C": 2, "G": 4, "T": 8, "W": 9, "S": 6, "R": 5, "Y": 10, "N": 15}
"""Bases of a letter, as bits."""


class Motif(NamedTuple):
    """A part of the grammar.

    Attributes:
        first, last: Where it may begin, in bases from the start site.
        both: Whether it works on either strand.
        effect: What it adds to the activity.
        share: Of the ancestors into which it is planted.
    """

    letters: str
    first: int
    last: int
    both: bool
    effect: float
    share: float


MOTIFS = (
    Motif("TATAWAWA", -40, -28, both=False, effect=1.8, share=0.35),
    Motif("GCCACGTGNC", -300, -40, both=True, effect=1.5, share=0.35),
    Motif("TGACGTCA", -500, -60, both=True, effect=1.2, share=0.35),
    Motif("AACCGGTTW", -250, -50, both=True, effect=1.1, share=0.35),
    Motif("GATTGGCTA", -200, -60, both=False, effect=1.4, share=0.35),
    Motif("CTCTTCGAC", -700, -50, both=True, effect=-1.4, share=0.35),
    Motif("AATAATGCC", 5, 150, both=False, effect=-1.2, share=0.25),
)
"""Those that are read alone."""
PAIR = Motif("ACAGGTAAG", -400, -80, both=False, effect=2.0, share=0.5)
PARTNER, GAP = "TTGACYTGA", (8, 20)
"""A pair works only together: the partner begins this many bases behind the end of the first."""


@dataclass(frozen=True, kw_only=True)
class Regions:
    """Simulated regions.

    Attributes:
        codes: Bases [regions, 1000].
        family: Number of the family [regions].
        species: 0 or 1, see `SPECIES` [regions].
        expression: What is measured [regions].
        best: Its expectation given the grammar and the bases, but no relative [regions].
    """

    codes: Codes
    family: NDArray[np.int64]
    species: NDArray[np.int64]
    expression: Floats
    best: Floats


def demo() -> Prepared:
    """Simulate the dataset: the same 6,000 regions on every call.

    Returns:
        Regions of two species, in random order. The ceiling is the expectation given the sequence.
    """
    regions = simulate(np.random.default_rng(SEED))
    ids = pd.Series([f"region{number:04d}" for number in range(1, REGIONS + 1)], name="id")
    species = np.array(SPECIES, dtype=object)[regions.species]
    return Prepared(
        features=pd.DataFrame({"id": ids, "species": species, "assay": "simulated"}),
        targets=pd.DataFrame({"id": ids, TARGET: regions.expression.round(4)}),
        groups=pd.DataFrame({"id": ids, "family": [f"f{n:04d}" for n in regions.family]}),
        ceiling=pd.DataFrame({"id": ids, TARGET: regions.best.round(4)}),
        sequences=Sequences(regions.codes),
    )


def simulate(rng: np.random.Generator, regions: int = REGIONS) -> Regions:
    """Draw families, their sequences and what is measured of them."""
    family = draw_families(rng, regions)
    ancestors = int(family.max()) + 1
    codes = plant(rng, background(rng, rng.normal(GC_MEAN, GC_SPREAD, ancestors)))
    codes = diverge(rng, codes[family], family)
    centre = activity(codes)
    z = centre + rng.normal(0, FAMILY, ancestors)[family] + rng.normal(0, NOISE, regions)
    silent = rng.random(regions) < SILENT
    order = rng.permutation(regions)
    return Regions(
        codes=codes[order],
        family=family[order],
        species=rng.choice(len(SPECIES), regions, p=(0.6, 0.4)),
        expression=np.where(silent, 0.0, np.maximum(z, 0.0))[order],
        best=expected(centre)[order],
    )


def draw_families(rng: np.random.Generator, regions: int) -> NDArray[np.int64]:
    """The family of each region: one alone, or 2 to 12, small ones more often."""
    sizes = np.arange(2, LARGEST + 1)
    chance = 1 / sizes**1.5
    related = int(regions * RELATED)
    drawn = rng.choice(sizes, related, p=chance / chance.sum())
    drawn = drawn[: np.searchsorted(np.cumsum(drawn), related)]
    return np.repeat(
        np.arange(len(drawn) + regions - int(drawn.sum())),
        np.concatenate([drawn, np.ones(regions - int(drawn.sum()), dtype=np.int64)]),
    )


def background(rng: np.random.Generator, gc: Floats) -> Codes:
    """Chains of bases, each drawn by the one before it, by the GC of each row [rows, 1000]."""
    gc = np.clip(gc, 0.25, 0.75)[:, None]
    share = np.concatenate([(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2], axis=1)
    chain = np.repeat(share[:, None, :], 4, axis=1)  # [rows, before, base]
    lost = chain[:, 1, 2] * (1 - CPG)
    chain[:, 1, 2] -= lost
    chain[:, 1, 3] += lost  # a methylated C decays to T: CpG to TpG
    borders = np.cumsum(chain, axis=2)[:, :, :3]
    codes = np.empty((len(gc), LENGTH), dtype=np.uint8)
    codes[:, 0] = (rng.random((len(gc), 1)) > np.cumsum(share, axis=1)[:, :3]).sum(axis=1)
    rows = np.arange(len(gc))
    for place in range(1, LENGTH):
        drawn = rng.random((len(gc), 1)) > borders[rows, codes[:, place - 1]]
        codes[:, place] = drawn.sum(axis=1)
    return codes


def plant(rng: np.random.Generator, codes: Codes) -> Codes:
    """Write motifs into some rows, each at a place of its window."""
    codes = codes.copy()
    for motif in MOTIFS:
        chosen = np.flatnonzero(rng.random(len(codes)) < motif.share)
        places = rng.integers(motif.first, motif.last + 1, len(chosen)) + START
        _write(rng, codes, chosen, places, motif.letters, flipped=motif.both)
    # Half of the pairs stand too far apart to work, and some have no partner.
    chosen = np.flatnonzero(rng.random(len(codes)) < PAIR.share)
    places = rng.integers(PAIR.first, PAIR.last + 1, len(chosen)) + START
    _write(rng, codes, chosen, places, PAIR.letters, flipped=False)
    gaps = np.where(
        rng.random(len(chosen)) < 0.5,
        rng.integers(GAP[0], GAP[1] + 1, len(chosen)),
        rng.integers(2 * GAP[1], 3 * GAP[1], len(chosen)),
    )
    _write(rng, codes, chosen, places + len(PAIR.letters) + gaps, PARTNER, flipped=False)
    return codes


def _write(
    rng: np.random.Generator,
    codes: Codes,
    rows: NDArray[np.int64],
    places: NDArray[np.int64],
    letters: str,
    *,
    flipped: bool,
) -> None:
    """Write one draw of a motif into each row, half of them on the other strand if it may be."""
    drawn = np.stack([rng.choice(_bases(letter), len(rows)) for letter in letters], axis=1)
    turned = (rng.random(len(rows)) < 0.5) & flipped
    drawn = np.where(turned[:, None], 3 - drawn[:, ::-1], drawn)
    codes[rows[:, None], places[:, None] + np.arange(len(letters))] = drawn


def diverge(rng: np.random.Generator, codes: Codes, family: NDArray[np.int64]) -> Codes:
    """Substitute bases of all rows that have relatives."""
    size = np.bincount(family)[family]
    rate = np.where(size > 1, rng.uniform(*DIVERGENCE, len(codes)), 0.0)
    hit = rng.random(codes.shape) < rate[:, None]
    shift = rng.integers(1, 4, codes.shape, dtype=np.uint8)
    return np.where(hit, (codes + shift) % 4, codes).astype(np.uint8)


def activity(codes: Codes) -> Floats:
    """What the grammar makes of sequences [rows]."""
    total = np.zeros(len(codes))
    for motif in MOTIFS:
        total += motif.effect * _window(_found(codes, motif), motif).any(axis=1)
    total += PAIR.effect * pairs(codes)
    gc = ((codes == 1) | (codes == 2)).mean(axis=1)
    return np.asarray(LEVEL + GC_EFFECT * (gc - GC_MEAN) + CAP * np.tanh(total / CAP))


def pairs(codes: Codes) -> NDArray[np.bool_]:
    """Whether a row has the pair, at the right distance and within the window [rows]."""
    first = _window(matches(codes, PAIR.letters), PAIR)
    second = matches(codes, PARTNER)
    there = np.zeros(len(codes), dtype=bool)
    for gap in range(GAP[0], GAP[1] + 1):
        begin = START + PAIR.first + len(PAIR.letters) + gap
        there |= (first & second[:, begin : begin + first.shape[1]]).any(axis=1)
    return there


def _found(codes: Codes, motif: Motif) -> NDArray[np.bool_]:
    """Where a motif begins, on the strands that it works on [rows, places]."""
    forward = matches(codes, motif.letters)
    if not motif.both:
        return forward
    return forward | matches(3 - codes[:, ::-1], motif.letters)[:, ::-1]


def _window(begins: NDArray[np.bool_], motif: Motif) -> NDArray[np.bool_]:
    return begins[:, START + motif.first : START + motif.last + 1]


def matches(codes: Codes, letters: str) -> NDArray[np.bool_]:
    """Whether a motif begins at each place [rows, length - motif + 1]."""
    bits = np.left_shift(np.uint8(1), codes)
    count = codes.shape[1] - len(letters) + 1
    there = np.ones((len(codes), count), dtype=bool)
    for place, letter in enumerate(letters):
        there &= (bits[:, place : place + count] & _IUPAC[letter]) > 0
    return there


def expected(centre: Floats) -> Floats:
    """Mean of the expression given the activity alone: that of a clipped normal."""
    spread = float(np.hypot(FAMILY, NOISE))
    scaled = centre / spread
    return np.asarray((1 - SILENT) * (centre * norm.cdf(scaled) + spread * norm.pdf(scaled)))


def _bases(letter: str) -> list[int]:
    return [base for base in range(4) if _IUPAC[letter] >> base & 1]
