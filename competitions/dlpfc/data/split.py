"""Which spots train and which are scored.

Whole slices (of whole donors, where donors are known) are train, public or private; folds are
slices. A single slice is all test: blocks of it are public or private.
`podium freeze` writes the splits of the public datasets to `splits/`; those of people's own
files are made by the same rules when they are prepared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from podium.errors import DataError

from ..metric import SLICE

if TYPE_CHECKING:
    from podium.data import Prepared

SEED = 1
SLICES, BLOCKS = "slices", "blocks"
"""Strata: slices are the independent units where each half has three or more, else blocks are."""
ENOUGH = 3
HALVES = ("public", "private")


def demo(prepared: Prepared) -> pd.DataFrame:
    """Donor 1 trains, donor 2 is public, donor 3 private."""
    return by_slice(prepared)


def dataset_151510(prepared: Prepared) -> pd.DataFrame:
    """One slice: half of its blocks each."""
    return by_slice(prepared)


def starmap(prepared: Prepared) -> pd.DataFrame:
    """BZ5 trains, BZ9 is public, BZ14 private."""
    return by_slice(prepared)


def course(prepared: Prepared) -> pd.DataFrame:
    """Thirds of the annotated slices in the order of their names, as numbers where they are."""
    return by_slice(prepared)


def libd12(prepared: Prepared) -> pd.DataFrame:
    """Donor 1 (151507-510) trains, donor 2 (151669-672) is public, donor 3 (151673-676) private."""
    return by_slice(prepared)


def by_slice(prepared: Prepared) -> pd.DataFrame:
    """Train, public and private: thirds of the slices, in their order in the data.

    Two slices are public and private; of one slice the blocks are.

    Returns:
        `id`, `part`, `fold` (the number of the slice among those of train) and `stratum`.
    """
    groups = prepared.groups
    slices = list(dict.fromkeys(groups[SLICE]))
    parts = ["train", *HALVES] if len(slices) > 2 else [*HALVES]
    if len(slices) == 1:
        part = groups["block"].map(_halves(groups["block"]))
        held = dict.fromkeys(HALVES, slices)
    else:
        shares = np.array_split(np.array(slices, dtype=object), len(parts))
        held = {name: list(share) for name, share in zip(parts, shares, strict=True)}
        part = groups[SLICE].map({one: name for name, share in held.items() for one in share})
    train = held.get("train", [])
    many = min(len(held["public"]), len(held["private"])) >= ENOUGH
    split = pd.DataFrame(
        {
            "id": groups["id"],
            "part": part,
            "fold": groups[SLICE].map({name: fold for fold, name in enumerate(train)}),
            "stratum": SLICES if many else BLOCKS,
        }
    )
    split["fold"] = split["fold"].astype("Int64")
    unknown = prepared.features["id"][~prepared.features["id"].isin(groups["id"])]
    return pd.concat([split, pd.DataFrame({"id": unknown, "part": "open"})], ignore_index=True)


def _halves(block: pd.Series[str]) -> dict[str, str]:
    """Blocks in random order, each to the half with fewer spots."""
    sizes = block.value_counts().sort_index()
    if len(sizes) < len(HALVES):
        raise DataError(
            f"The slice is too small to be a public and a private half: {len(block)} spots.",
            hint="Give more than one slice, or a larger one.",
        )
    order = np.random.default_rng(SEED).permutation(len(sizes))
    spots = dict.fromkeys(HALVES, 0)
    half = {}
    for place in order:
        smaller = min(spots, key=lambda name: spots[name])
        half[str(sizes.index[place])] = smaller
        spots[smaller] += int(sizes.iloc[place])
    return half
