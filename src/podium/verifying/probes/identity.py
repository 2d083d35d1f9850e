"""Do ids, the order of rows, lengths or missing values tell the answers? Trees try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_float_dtype, is_numeric_dtype

from podium.competition.part import Part
from podium.verifying.probes.helpers import (
    WORTH,
    as_text,
    decimals,
    lead_of,
    share_along,
    share_between,
)
from podium.verifying.under_test import DatasetUnderTest, Note

if TYPE_CHECKING:
    from podium.competition.contract import Target

Parts = tuple[Part, Part]

STRONG = 0.5
"""Lengths and missing values that lead so far on the way to perfect are no mere features."""
TELLING = 0.05
"""Share of the target's variance below which lengths and decimals are not looked at."""
LENGTHS = 6
"""Lengths of kinds that are not in the order of the target by chance."""
KINDS = 50
"""Values of a column of kinds, whose lengths are the kinds themselves."""


def ids_and_order_tell_nothing(tested: DatasetUnderTest) -> Iterator[str]:
    """Trees on ids and the order of the rows alone score no better than the controls."""
    if lead := _lead_of_trees(tested, _identity):
        yield f"ids and row order alone score {lead[1]}"


def metadata_tell_little(tested: DatasetUnderTest) -> Iterator[str]:
    """Trees on lengths, decimals, missing values, ids and order alone come nowhere near perfect."""
    if lead := _lead_of_trees(tested, _metadata):
        way, scores = lead
        line = f"ids, order, lengths, decimals and missing values alone score {scores}"
        yield line if way > STRONG else Note(line)


def _lead_of_trees(
    tested: DatasetUnderTest, table: Callable[[DatasetUnderTest, Parts], pd.DataFrame]
) -> tuple[float, str] | None:
    """How far trees on a table get from the best control to perfect, if worth a word."""
    train, test = tested.data.train(), tested.data.part("test")
    if tested.competition.matrix or not len(train) or train.targets is None:
        return None
    both = table(tested, (train, test))
    answers = train.targets
    predicted = _guesses(tested, both, answers)
    lead = lead_of(tested, predicted)
    if lead is None or lead[0] <= WORTH:
        return None
    # some metrics prefer any guess to a constant: what learnt nothing must score worse
    mixed = _guesses(tested, both, answers.sample(frac=1, random_state=0))
    return lead if lead_of(tested, predicted, mixed) else None


def _guesses(
    tested: DatasetUnderTest, table: pd.DataFrame, answers: pd.DataFrame
) -> dict[str, NDArray[Any]]:
    """What trees predict of the test rows, which a table has after those of train."""
    train, test = table[: len(answers)], table[len(answers) :]
    return {
        target.name: _boosted(train, answers[target.name], test, target)
        for target in tested.competition.targets
    }


def _boosted(
    train: pd.DataFrame, answers: pd.Series[Any], test: pd.DataFrame, target: Target
) -> NDArray[Any]:
    """Predictions of one target by small trees."""
    import lightgbm as lgb

    settings: dict[str, Any] = {
        "learning_rate": 0.1,
        "num_leaves": 15,
        "min_data_in_leaf": max(5, len(train) // 200),
        "seed": 0,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    code: NDArray[Any] = answers.to_numpy()
    names: NDArray[Any] = np.empty(0)
    if target.label:
        names, code = np.unique(answers.to_numpy(object), return_inverse=True)
        settings |= {"objective": "multiclass", "num_class": max(2, len(names))}
    matrix = train.to_numpy(np.float64)
    booster = lgb.train(settings, lgb.Dataset(matrix, label=code), num_boost_round=60)
    raw = np.asarray(booster.predict(test.to_numpy(np.float64)))
    if target.label:
        return np.asarray(names[raw.argmax(axis=1) % len(names)])
    return np.asarray(np.clip(raw, target.low, target.high))


def _identity(_: DatasetUnderTest, parts: Parts) -> pd.DataFrame:
    """What ids and order tell: the place, the number in the id, its prefix, length and rank."""
    ids = pd.Series([*parts[0].ids, *parts[1].ids]).astype(str)
    number = ids.str.extract(r"(\d{1,15})(?!.*\d)", expand=False).astype(np.float64)
    length = ids.str.len()
    return pd.DataFrame(
        {
            "place": np.concatenate([np.arange(len(part)) / max(1, len(part)) for part in parts]),
            "number": number,
            "prefix": ids.str.replace(r"\d+", "", regex=True).map(_hashed),
            "length": length,
            "rank": (length.map("{:09d}".format) + ids).rank(),  # letters count, too: a0f
        }
    )


def _metadata(tested: DatasetUnderTest, parts: Parts) -> pd.DataFrame:
    """The same, and lengths of texts, decimals of numbers and what is missing."""
    table = _identity(tested, parts)
    features = pd.concat([part.features for part in parts], ignore_index=True)
    table["missing"] = features.isna().sum(axis=1)
    for place, name in enumerate(features):
        column = features[name]
        if column.isna().any():
            table[f"missing {place}"] = column.isna()
        if is_float_dtype(column):
            places = decimals(column)
            if share_between(places, tested.values) > max(
                TELLING, share_along(column, tested.values)
            ):
                table[f"decimals {place}"] = places
        elif not is_numeric_dtype(column):
            length = as_text(column).str.len()
            if column.nunique() > min(KINDS, len(column) / 10) or _is_scale(
                length, column, tested.values
            ):
                table[f"length {place}"] = length
    return table


def _is_scale(length: pd.Series[Any], kinds: pd.Series[Any], values: NDArray[np.float64]) -> bool:
    """Whether the lengths of a column of kinds tell along a line nearly all that the kinds tell."""
    if length.nunique() < LENGTHS:
        return False
    line = np.polyval(np.polyfit(length, values, 1), length.to_numpy()[:, None])
    told = 1 - np.square(values - line).sum() / max(
        np.square(values - values.mean(0)).sum(), 1e-300
    )
    return bool(told > max(TELLING, 0.9 * share_between(kinds, values)))


def _hashed(text: str) -> int:
    return int(np.frombuffer(text.encode().ljust(8, b"\x00")[:8], dtype="<u8")[0] % 9973)
