"""What probes share: how columns read, what they explain, how far predictions get to perfect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_float_dtype, is_numeric_dtype

from podium.data.tables import moments
from podium.metrics.stats import difference

if TYPE_CHECKING:
    from podium.verifying.under_test import DatasetUnderTest

DECIMALS = 8
"""Decimals that are told from each other."""
SURE, WORTH = 3.0, 0.02
"""A score is above a control by so many standard errors, and so much of the way to perfect."""


def as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as text, empty where nothing is; of whatever kind it was."""
    return column.astype(object).where(column.notna(), "").astype(str)


def readings(column: pd.Series[Any]) -> Iterator[tuple[str, pd.Series[Any]]]:
    """What a column says: itself, as a number or time that is written out, its lengths, decimals.

    Yields:
        Words that say how it was read (none for itself), and what was read.
    """
    yield "", column
    if is_float_dtype(column):
        yield ", by its decimals,", decimals(column)
    elif not is_numeric_dtype(column):
        there = column.dropna()
        for how, read in ((" as a time", moments), (" as a number", _numbers)):
            if read(there[:50]).notna().all() and read(there).notna().mean() > 0.99:
                yield how, read(column)
        yield ", by its length,", as_text(column).str.len()


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_numeric(column, errors="coerce")


def decimals(column: pd.Series[Any]) -> pd.Series[Any]:
    """How many decimals each number has, 9 where they are more than 8."""
    values, digits = column.to_numpy(np.float64), np.full(len(column), DECIMALS + 1)
    for places in range(DECIMALS, -1, -1):
        digits[np.round(values, places) == values] = places
    return pd.Series(digits, index=column.index)


def share_between(kinds: Any, values: NDArray[np.float64]) -> float:
    """Share of the variance that lies between kinds, without what chance gives (omega squared)."""
    code, names = pd.factorize(kinds)
    groups, known = len(names), code >= 0
    code, values = code[known], values[known]
    if not values.shape[1] or len(code) <= groups:
        return 0.0
    values = values - values.mean(axis=0)
    count = np.maximum(np.bincount(code, minlength=groups), 1)
    sums = np.stack([np.bincount(code, column, minlength=groups) for column in values.T], axis=1)
    total = np.square(values).sum()
    within = total - (np.square(sums) / count[:, None]).sum()
    return float(1 - (within / (len(code) - groups)) / max(total / (len(code) - 1), 1e-300))


def share_along(column: pd.Series[Any], values: NDArray[np.float64]) -> float:
    """Share of the variance that a number explains as such, by its twentieths."""
    if not is_numeric_dtype(column):
        return 0.0
    part = np.floor(column.rank(pct=True).fillna(0).to_numpy() * 19.99).astype(np.int64)
    return max(0.0, share_between(part, values))


def lead_of(
    tested: DatasetUnderTest, predicted: Mapping[str, Any], over: Mapping[str, Any] | None = None
) -> tuple[float, str] | None:
    """How far predictions get from the best control to perfect, if they are surely above it.

    Args:
        tested: What they are of.
        predicted: Columns of the test part.
        over: Predictions to compare with instead of the best control.
    """
    control = tested.estimate(over) if over else tested.best_control
    if control is None:
        return None
    primary = tested.competition.primary
    estimate = tested.estimate(predicted)
    gap, se, _ = difference(estimate, control, primary.name)
    reached, before = estimate.scores[primary.name], control.scores[primary.name]
    perfect = tested.best[primary.name] if primary.perfect is None else primary.perfect
    way = abs(perfect - before)
    if se is None or tested.sign * gap <= SURE * se or not way:
        return None
    return tested.sign * gap / way, f"{reached:.4g}, the best control {before:.4g}"


def everywhere(tested: DatasetUnderTest, values: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Columns of the test part; a single value is that of every row."""
    rows = len(tested.data.ids("test"))
    kinds = {t.name: object if t.label else np.float64 for t in tested.competition.targets}
    return {
        name: value if np.ndim(value) else np.full(rows, value, dtype=kinds[name])
        for name, value in values.items()
    }
