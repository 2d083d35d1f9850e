"""Frozen splits for `podium new`: a fifth of the labelled rows is test, half of that public.

`stratified` gives each class (or tenth of the values) its share in every part, `grouped` keeps
groups whole, `time` takes the last rows for test, the earlier of them public. Train rows have five
folds that are made like the test part. Drawn once, written, never drawn again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SEED = 0
TEST, PUBLIC = 0.2, 0.5
FOLDS = 5
GROUPS = 10
"""Fewest groups of a grouped split."""
LARGEST = 0.05
"""Groups with a larger share of the rows train: they would be most of a half of the test part."""

Parts = NDArray[np.object_]
Numbers = NDArray[np.float64]


class How(StrEnum):
    """How rows come into parts."""

    RANDOM = "random"
    STRATIFIED = "stratified"
    GROUPED = "grouped"
    TIME = "time"
    GIVEN = "given"


def draw(how: How, target: pd.Series, unit: pd.Series | None) -> tuple[Parts, Numbers]:
    """Part and fold (NaN but in train) of each labelled row.

    Args:
        how: Any but `given`.
        target: Answers, which `stratified` looks at.
        unit: Groups of `grouped`, sorted periods of `time`.

    Raises:
        DataError: If there are too few groups or periods.
    """
    rng = np.random.default_rng(SEED)
    if how in (How.RANDOM, How.STRATIFIED):
        return _dealt(_classes(target) if how == How.STRATIFIED else np.zeros(len(target)), rng)
    assert unit is not None  # noqa: S101  the caller asked for --by
    return _grouped(unit, rng) if how == How.GROUPED else _timed(unit)


def halves(target: pd.Series) -> Parts:
    """Public and private for rows that are test already, each class (or tenth) in both."""
    share, _ = _share(_classes(target), np.random.default_rng(SEED))
    return np.where(share < PUBLIC, "public", "private").astype(object)


def _classes(target: pd.Series) -> Numbers:
    """A number for each class, or for each tenth of the values where there are many."""
    import pandas as pd

    numeric = pd.api.types.is_numeric_dtype(target.dtype)
    if numeric and target.nunique() > 20:
        return np.asarray(np.floor(target.rank(pct=True).to_numpy(np.float64) * 9.999))
    return np.asarray(pd.factorize(target, sort=True)[0], dtype=np.float64)


def _share(kind: Numbers, rng: np.random.Generator) -> tuple[Numbers, NDArray[np.int64]]:
    """Where each row stands among those of its kind, in random order: from 0 to 1, and counted."""
    order = np.lexsort([rng.random(len(kind)), kind])
    starts = np.flatnonzero(np.diff(kind[order], prepend=-1))
    counts = np.diff(starts, append=len(kind))
    rank = np.empty(len(kind), dtype=np.int64)
    rank[order] = np.arange(len(kind)) - np.repeat(starts, counts)
    total = np.empty(len(kind), dtype=np.int64)
    total[order] = np.repeat(counts, counts)
    shift = np.empty(len(kind))
    shift[order] = np.repeat(rng.random(len(starts)), counts)
    return (rank + shift) / total, rank


def _dealt(kind: Numbers, rng: np.random.Generator) -> tuple[Parts, Numbers]:
    share, rank = _share(kind, rng)
    return _parts(share < TEST * PUBLIC, share < TEST, rank % FOLDS)


def _grouped(unit: pd.Series, rng: np.random.Generator) -> tuple[Parts, Numbers]:
    import pandas as pd

    code, names = pd.factorize(unit, sort=True)
    if len(names) < GROUPS:
        raise DataError(
            f"A grouped split needs {GROUPS} groups or more; there are {len(names)}.",
            hint="Name another column with --by, or take another --split.",
        )
    size = np.bincount(code)
    order = rng.permutation(len(names))
    small = size[order] <= max(LARGEST * len(code), np.median(size))
    order = np.concatenate([order[small], order[~small]])  # large groups come last: they train
    before = np.cumsum(size[order]) - size[order]
    place = np.empty(len(names))
    place[order] = (before + size[order] / 2) / len(code)
    public, test = place < TEST * PUBLIC, place < TEST
    fold = _even(np.where(test, 0, size))
    if min(public.sum(), (test & ~public).sum()) < 2:
        raise DataError(
            "The groups are too large to leave two or more for each half of the test part.",
            hint="Name a column with smaller groups with --by, or take another --split.",
        )
    return _parts(public[code], test[code], fold[code])


def _timed(period: pd.Series) -> tuple[Parts, Numbers]:
    import pandas as pd

    code, names = pd.factorize(period, sort=True)
    if len(names) < GROUPS:
        raise DataError(
            f"A split by time needs {GROUPS} different times or more.",
            hint="Name another column with --by, or take another --split.",
        )
    size = np.bincount(code)
    place = (np.cumsum(size) - size / 2) / len(code)
    test, public = place > 1 - TEST, place <= 1 - TEST * (1 - PUBLIC)
    fold = np.minimum(place / (1 - TEST) * FOLDS, FOLDS - 1).astype(np.int64)
    return _parts((test & public)[code], test[code], fold[code])


def _parts(
    public: NDArray[np.bool_], test: NDArray[np.bool_], fold: NDArray[np.int64]
) -> tuple[Parts, Numbers]:
    part = np.where(public, "public", np.where(test, "private", "train")).astype(object)
    return part, np.where(test, np.nan, fold)


def folds(how: How, target: pd.Series, unit: pd.Series | None) -> NDArray[np.int64]:
    """Five folds of rows that all train."""
    if how == How.TIME and unit is not None:
        rank = unit.rank(method="dense", pct=True).to_numpy()
        return np.asarray(np.minimum(np.ceil(rank * FOLDS) - 1, FOLDS - 1), dtype=np.int64)
    if how == How.GROUPED and unit is not None:
        import pandas as pd

        code = np.asarray(pd.factorize(unit, sort=True)[0])
        return _even(np.bincount(code))[code]
    rng = np.random.default_rng(SEED)
    return _share(_classes(target), rng)[1] % FOLDS


def _even(size: NDArray[np.int64]) -> NDArray[np.int64]:
    """A fold for each group, so that folds have about equally many rows."""
    fold, rows = np.empty(len(size), dtype=np.int64), np.zeros(FOLDS)
    for group in np.argsort(-size, kind="stable"):
        fold[group] = rows.argmin()
        rows[fold[group]] += size[group]
    return fold
