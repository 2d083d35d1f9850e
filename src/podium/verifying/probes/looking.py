"""What probes look at: features, answers, and how far predictions get above the controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.tables import moments
from podium.metrics.stats import difference

if TYPE_CHECKING:
    from podium.competition.contract import Target
    from podium.verifying.case import Case

DECIMALS = 8
"""Decimals that are told from each other."""
SURE, WORTH = 3.0, 0.02
"""A score is above a control by so many standard errors, and so much of the way to perfect."""


class Note(str):
    """A finding that only the organiser can judge."""

    __slots__ = ()


def features(case: Case) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of train and of test."""
    return case.data.train().features, case.data.part("test").features


def answers_of(case: Case, target: Target) -> pd.Series[Any]:
    """The answers of train and then of test."""
    train, test = case.data.train().targets, pd.Series(case.solution.targets[target.name])
    return test if train is None else pd.concat([train[target.name], test], ignore_index=True)


def as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as text, empty where nothing is; of whatever kind it was."""
    return column.astype(object).where(column.notna(), "").astype(str)


def readings(column: pd.Series[Any]) -> Iterator[tuple[str, pd.Series[Any]]]:
    """What a column says: itself, as a number or time that is written out, its lengths, decimals.

    Yields:
        Words that say how it was read (none for itself), and what was read.
    """
    yield "", column
    if pd.api.types.is_float_dtype(column.dtype):
        yield ", by its decimals,", decimals(column)
    elif not pd.api.types.is_numeric_dtype(column.dtype):
        there = column.dropna()
        for how, read in ((" as a time", moments), (" as a number", _numbers)):
            if read(there[:50]).notna().all() and read(there).notna().mean() > 0.99:
                yield how, read(column)
        yield ", by its length,", as_text(column).str.len()


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_numeric(column, errors="coerce")


def decimals(column: pd.Series[Any]) -> pd.Series[Any]:
    """How many decimals each number has, 9 where they are more than 8."""
    values, found = column.to_numpy(np.float64), np.full(len(column), DECIMALS + 1)
    for places in range(DECIMALS, -1, -1):
        found[np.round(values, places) == values] = places
    return pd.Series(found, index=column.index)


def values_of(case: Case) -> NDArray[np.float64]:
    """Answers of train and test as columns of numbers [rows, columns]: one for each label."""
    columns = []
    for target in case.competition.targets:
        if target.matrix:
            continue
        values = answers_of(case, target)
        if target.label:
            columns += [(values == label).to_numpy(np.float64) for label in values.unique()[:30]]
        else:
            columns.append(values.to_numpy(np.float64))
    rows = len(case.data.train()) + len(case.data.ids("test"))
    return np.column_stack(columns) if columns else np.zeros((rows, 0))


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
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return 0.0
    part = np.floor(column.rank(pct=True).fillna(0).to_numpy() * 19.99).astype(np.int64)
    return max(0.0, share_between(part, values))


def lead_of(
    case: Case, predicted: Mapping[str, Any], over: Mapping[str, Any] | None = None
) -> tuple[float, str] | None:
    """How far predictions get from the best control to perfect, if they are surely above it.

    Args:
        case: What they are of.
        predicted: Columns of the test part.
        over: Predictions to compare with instead of the best control.
    """
    control = case.solution.score(over)["all"].whole if over else case.best_control
    if control is None:
        return None
    primary, sign = case.competition.primary.name, sign_of(case)
    found = case.solution.score(predicted)["all"].whole
    gap, se, _ = difference(found, control, primary)
    way = abs(perfect(case) - control.scores[primary])
    if se is None or sign * gap <= SURE * se or not way:
        return None
    scores = found.scores[primary], control.scores[primary]
    return sign * gap / way, "{:.4g}, the best control {:.4g}".format(*scores)


def everywhere(case: Case, values: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Columns of the test part; a single value is that of every row."""
    rows = len(case.data.ids("test"))
    kinds = {t.name: object if t.label else np.float64 for t in case.competition.targets}
    return {
        name: value if np.ndim(value) else np.full(rows, value, dtype=kinds[name])
        for name, value in values.items()
    }


def perfect(case: Case) -> float:
    """The primary score of the answers themselves."""
    primary = case.competition.primary
    if primary.perfect is not None:
        return primary.perfect
    return case.solution.perfect()["all"].whole.scores[primary.name]


def sign_of(case: Case) -> int:
    """1 where more is better, else -1."""
    return 1 if case.competition.primary.higher_is_better else -1
