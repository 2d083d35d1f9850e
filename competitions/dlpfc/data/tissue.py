"""A slice as it was read, and slices as one dataset.

Spots that nobody annotated are dropped before anything else; a slice without any annotation is
open: predicted, never scored. Positions are in distances between neighbouring spots, NaN
where a slice has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from podium.competition import Counts
from podium.data import Prepared
from podium.errors import DataError

from ..competition import competition
from ..metric import SLICE, TARGET
from ..shared.expression import ALONE
from .blocks import blocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

PLACES = 6
"""Decimals of positions: square roots may differ in the last bits between machines."""
MOST_COUNTS = 1 << 31
"""Counts of one gene at one spot."""
NO_PLACES = (
    "no positions (obsm['spatial'], obs x and y; pos in a course's file): models that look at "
    f"expression alone take it ({', '.join(ALONE)})"
)


class Tissue(NamedTuple):
    """One slice.

    Attributes:
        spots: Names of the spots [spots].
        places: Position of each [spots, 2], in distances between neighbours; None if not known.
        labels: Domain of each, as text; empty where nobody annotated it [spots].
        counts: Whole numbers [spots, genes].
        genes: Names [genes].
    """

    spots: Sequence[str]
    places: NDArray[np.float64] | None
    labels: NDArray[np.object_]
    counts: csr_array[Any]
    genes: Sequence[str]


def assemble(tissues: Mapping[str, Tissue]) -> Prepared:
    """Slices as one dataset: annotated spots, then the slices that nobody annotated.

    Raises:
        DataError: With everything that is wrong with the slices.
    """
    problems = [f"{name}: {line}" for name, one in tissues.items() for line in wrong(one)]
    if problems:
        raise DataError("The slices cannot be used.", problems=problems)
    labelled = {name: _annotated(t) for name, t in tissues.items() if (t.labels != "").any()}
    unknown = {name: t for name, t in tissues.items() if name not in labelled}
    ordered = {**labelled, **unknown}
    if not labelled:
        raise DataError("No slice has annotated spots: there is nothing to score.")
    features = pd.concat([_features(name, t) for name, t in ordered.items()], ignore_index=True)
    known = features[SLICE].isin(labelled).to_numpy()
    ids = features.loc[known, "id"].reset_index(drop=True)
    answers = np.concatenate([t.labels for t in labelled.values()])
    groups = features.loc[known, [SLICE]].reset_index(drop=True)
    return Prepared(
        features=features,
        targets=pd.DataFrame({"id": ids, TARGET: answers}),
        groups=pd.DataFrame({"id": ids, SLICE: groups[SLICE], "block": blocks(features[known])}),
        counts=Counts.of({name: (t.counts, t.genes) for name, t in ordered.items()}),
    )


def wrong(one: Tissue) -> list[str]:
    """What makes a slice unusable, a line each."""
    counts, spots = one.counts, len(one.spots)
    values = counts.data
    names = pd.Index(one.spots)
    problems = []
    if not spots or not len(one.genes):
        problems.append(f"{spots} spots and {len(one.genes)} genes: there is nothing to cluster")
    if counts.shape != (spots, len(one.genes)):
        problems.append(f"counts are {counts.shape[0]} x {counts.shape[1]} for {spots} spots")
    if one.places is not None:
        problems += _misplaced(one.places, spots)
    if (bad := ~np.isfinite(values)).any():
        problems.append(f"{int(bad.sum()):,} counts are missing or infinite")
    if (bad := np.isfinite(values) & (values > MOST_COUNTS)).any():
        problems.append(f"{int(bad.sum()):,} counts are above {MOST_COUNTS:,}")
    if (bad := values < 0).any():
        problems.append(f"{int(bad.sum()):,} counts are negative, the first is {values[bad][0]:g}")
    if (bad := np.isfinite(values) & (values != np.floor(values))).any():
        problems.append(
            f"{int(bad.sum()):,} counts are no whole numbers, the first is {values[bad][0]:g}: "
            "give raw counts, nothing normalised"
        )
    if not names.is_unique:
        problems.append(f"{int(names.duplicated().sum())} spots have the name of another")
    return problems


def _misplaced(places: NDArray[np.float64], spots: int) -> list[str]:
    if places.shape != (spots, 2):
        return [f"places have shape {places.shape} for {spots} spots"]
    lacking = int((~np.isfinite(places)).any(axis=1).sum())
    return [f"{lacking} spots have no place"] if lacking else []


def hexagonal(row: NDArray[np.float64], column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places of a Visium lattice, where neighbours in a row are two columns apart [spots, 2]."""
    return np.column_stack([column / 2, row * np.sqrt(3) / 2])


def spaced(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same places in units of the median distance to the nearest other place."""
    from scipy.spatial import KDTree

    different = np.unique(places, axis=0)
    if len(different) < 2 or not np.isfinite(different).all():
        return places
    distances = np.asarray(KDTree(different).query(different, k=2)[0])
    apart = np.median(distances[:, 1])
    return np.asarray(places / apart)


def _annotated(one: Tissue) -> Tissue:
    known = np.flatnonzero(one.labels != "")
    return one._replace(
        spots=[one.spots[spot] for spot in known.tolist()],
        places=None if one.places is None else one.places[known],
        labels=one.labels[known],
        counts=one.counts[known],
    )


def _features(name: str, one: Tissue) -> pd.DataFrame:
    places = np.full((len(one.spots), 2), np.nan) if one.places is None else one.places
    return pd.DataFrame(
        {
            "id": [f"{name}:{spot}" for spot in one.spots],
            SLICE: name,
            "x": places[:, 0].round(PLACES),
            "y": places[:, 1].round(PLACES),
            "domains": np.int64(_domains(one)),
        }
    )


def _domains(one: Tissue) -> int:
    """How many domains a slice has; of one that nobody annotated the usual."""
    return len(set(one.labels) - {""}) or int(competition.optional["domains"])
