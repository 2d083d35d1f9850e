"""Does a feature name groups that should stay together, or is it the answer itself?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.verifying.probes.looking import answers_of, features

if TYPE_CHECKING:
    from podium.competition import Target
    from podium.verifying.case import Case

ENOUGH = 60
"""Rows from which a feature that goes with the answers does not do so by chance."""
COPY = 0.995
"""Rank correlation of a feature that is the target in other clothes."""
TOGETHER = 0.3
"""Share of the target's variance that lies between groups whose rows should stay together."""
FEW_ROWS = 20
"""Rows of a group, in the mean, below which a column names patients rather than kinds."""


def groups_stay_together(case: Case) -> Iterator[str]:
    """No column names groups (patients, plates) whose rows are alike and in train and test both."""
    train, test = features(case)
    if not len(train):
        return
    values = _values(case)
    both = pd.concat([train, test], ignore_index=True)
    held = {kind for stratum in case.competition.strata for kind in stratum.unseen}
    for name in both:
        column = both[name]
        code, names = pd.factorize(column)
        few = len(column) / max(1, len(names)) <= FEW_ROWS
        if name in held or pd.api.types.is_float_dtype(column.dtype) or not few:
            continue
        if not 10 <= len(names) <= len(column) / 2:
            continue
        shared = test[name].isin(set(train[name])).mean()
        share = _between(code, len(names), values) - _along(column, values)
        if shared > 0.5 and share > TOGETHER:
            yield (
                f"{share:.0%} of what differs in the target lies between the {len(names):,} values "
                f"of {name!r}, and {shared:.0%} of the test rows have one that trains"
            )


def no_feature_is_the_target(case: Case) -> Iterator[str]:
    """No feature is the answer in other clothes."""
    train, test = features(case)
    if len(train) + len(test) < ENOUGH:
        return
    both = pd.concat([train, test], ignore_index=True)
    for target in case.competition.targets:
        if target.matrix:
            continue
        answers = answers_of(case, target).to_numpy(object if target.label else np.float64)
        for name in both:
            if _is_copy(both[name], answers, target):
                yield f"the feature {name!r} gives {target.name!r} away"


def _values(case: Case) -> NDArray[np.float64]:
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


def _between(code: NDArray[np.int64], groups: int, values: NDArray[np.float64]) -> float:
    """Share of the variance that lies between groups, without what chance gives (omega squared)."""
    known = code >= 0
    code, values = code[known], values[known]
    if not values.shape[1] or len(code) <= groups:
        return 0.0
    values = values - values.mean(axis=0)
    count = np.maximum(np.bincount(code, minlength=groups), 1)
    sums = np.stack([np.bincount(code, column, minlength=groups) for column in values.T], axis=1)
    total = np.square(values).sum()
    within = total - (np.square(sums) / count[:, None]).sum()
    return float(1 - (within / (len(code) - groups)) / max(total / (len(code) - 1), 1e-300))


def _along(column: pd.Series[Any], values: NDArray[np.float64]) -> float:
    """Share of the variance that a number explains as such, by its twentieths."""
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return 0.0
    part = np.floor(column.rank(pct=True).fillna(0).to_numpy() * 19.99).astype(np.int64)
    return max(0.0, _between(part, 20, values))


def _is_copy(column: pd.Series[Any], answers: NDArray[Any], target: Target) -> bool:
    """Whether one column alone gives the answers."""
    if not target.label and len(np.unique(answers)) > 2:
        if not pd.api.types.is_numeric_dtype(column.dtype) or column.nunique() < 3:
            return False
        ranks = [pd.Series(side).rank().to_numpy() for side in (column.fillna(0), answers)]
        return bool(abs(np.corrcoef(ranks[0], ranks[1])[0, 1]) > COPY)
    code, names = pd.factorize(answers)
    if len(names) < 2:
        return False
    if not pd.api.types.is_numeric_dtype(column.dtype):
        kinds, different = pd.factorize(column)
        if not 2 <= len(different) <= len(column) / 10:
            return False
        table = pd.crosstab(kinds, code).to_numpy()
        return bool(table.max(axis=1).sum() >= 0.999 * len(column))
    order = np.argsort(column.to_numpy(np.float64), kind="stable")
    values, sorted_code = column.to_numpy(np.float64)[order], code[order]
    if len(np.unique(values)) > len(names) and (np.diff(values) == 0).mean() > 0.9:
        return False
    return int((np.diff(sorted_code) != 0).sum()) == len(names) - 1
