"""Does a feature name groups that should stay together, or is it the answer itself?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_float_dtype, is_numeric_dtype

from podium.verifying.probes.helpers import readings, share_along, share_between

if TYPE_CHECKING:
    from podium.competition.contract import Target
    from podium.verifying.under_test import DatasetUnderTest

ENOUGH = 60
"""Rows from which a feature that goes with the answers does not do so by chance."""
COPY = 0.995
"""Rank correlation of a feature that is the target written in another way."""
PAIR_ROWS, PAIR_COLUMNS = 4000, 1000
"""What pairs of features are looked at by: so many rows, where there are no more columns."""
TOGETHER = 0.3
"""Share of the target's variance that lies between groups whose rows should stay together."""
FEW_ROWS = 20
"""Rows of a group, in the mean, below which a column names patients rather than kinds."""


def groups_stay_together(tested: DatasetUnderTest) -> Iterator[str]:
    """No column names groups (patients, plates) whose rows are alike and in train and test both."""
    train, test = tested.features
    if not len(train):
        return
    both = pd.concat([train, test], ignore_index=True)
    held = {kind for stratum in tested.competition.strata for kind in stratum.unseen}
    for name in both:
        column = both[name]
        names = column.dropna().unique()
        few = len(column) / max(1, len(names)) <= FEW_ROWS
        if name in held or is_float_dtype(column) or not few:
            continue
        if not 10 <= len(names) <= len(column) / 2:
            continue
        shared = test[name].isin(set(train[name])).mean()
        share = share_between(column, tested.values) - share_along(column, tested.values)
        if shared > 0.5 and share > TOGETHER:
            yield (
                f"{share:.0%} of what differs in the target lies between the {len(names):,} values "
                f"of {name!r}, and {shared:.0%} of the test rows have one that trains"
            )


def no_feature_is_the_target(tested: DatasetUnderTest) -> Iterator[str]:
    """No feature, and no two features together, are the answer written in another way."""
    train, test = tested.features
    if len(train) + len(test) < ENOUGH:
        return
    both = pd.concat([train, test], ignore_index=True)
    numbers = both.select_dtypes("number")
    for target in tested.competition.targets:
        if target.matrix:
            continue
        answers = tested.answers(target).to_numpy(object if target.label else np.float64)
        for name in both:
            for how, values in readings(both[name]):
                if _is_copy(values, answers, target):
                    yield f"the feature {name!r}{how} gives {target.name!r} away"
                    break
        if not target.label:
            for pair in _making(numbers, answers):
                yield f"the features {pair} together give {target.name!r} away"


def _is_copy(column: pd.Series[Any], answers: NDArray[Any], target: Target) -> bool:
    """Whether one column alone gives the answers."""
    if not target.label and len(np.unique(answers)) > 2:
        if not is_numeric_dtype(column) or column.nunique() < 3:
            return False
        ranks = [pd.Series(side).rank().to_numpy() for side in (column.fillna(0), answers)]
        return bool(abs(np.corrcoef(ranks[0], ranks[1])[0, 1]) > COPY)
    code, names = pd.factorize(answers)
    if len(names) < 2:
        return False
    if not is_numeric_dtype(column):
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


def _making(numbers: pd.DataFrame, answers: NDArray[np.float64]) -> Iterator[str]:
    """Pairs of columns that make the target: sums and differences, products and ratios."""
    rows = np.arange(0, len(numbers), max(1, len(numbers) // PAIR_ROWS))
    table = numbers.iloc[rows].astype(np.float64)
    table = table.fillna(table.mean())
    values, names = table.to_numpy(), np.array([repr(name) for name in table])
    positive = (values > 0).all(axis=0)
    yield from _adding(values, names, answers[rows])
    if (answers[rows] > 0).all():
        yield from _adding(np.log(values[:, positive]), names[positive], np.log(answers[rows]))


def _adding(
    values: NDArray[np.float64], names: NDArray[np.str_], answers: NDArray[np.float64]
) -> Iterator[str]:
    """Pairs of columns whose weighted sum goes with the answers as no single one does."""
    kept = np.isfinite(values).all(axis=0) & (values.std(axis=0) > 0)
    if not 2 <= kept.sum() <= PAIR_COLUMNS or not answers.std():
        return
    both = np.corrcoef(values[:, kept], answers, rowvar=False)
    alone, between = both[:-1, -1], both[:-1, :-1]
    free = 1 - np.square(between)
    sums = np.square(alone)[:, None] + np.square(alone) - 2 * np.outer(alone, alone) * between
    explained = np.divide(sums, free, out=np.zeros_like(sums), where=free > 1e-6)
    single = np.abs(alone) > COPY
    explained[single] = explained[:, single] = 0
    for first, second in zip(*np.nonzero(np.triu(explained, 1) > COPY**2), strict=True):
        yield " and ".join(names[kept][[first, second]])
