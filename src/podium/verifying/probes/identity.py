"""Do ids, the order of rows, lengths or missing values tell the answers? Trees try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.verifying.probes.looking import WORTH, Note, as_text, lead_of

if TYPE_CHECKING:
    from podium.competition import Target
    from podium.model import Part
    from podium.verifying.case import Case

STRONG = 0.5
"""Lengths and missing values that lead so far on the way to perfect are no mere features."""
KINDS = 50
"""Values of a column of kinds, whose lengths are the kinds themselves."""


def ids_and_order_tell_nothing(case: Case) -> Iterator[str]:
    """Trees on ids and the order of the rows alone score no better than the controls."""
    found = _guessing(case, _identity)
    if found is not None and found[0] > WORTH:
        yield f"ids and row order alone score {found[1]}"


def metadata_tell_little(case: Case) -> Iterator[str]:
    """Trees on lengths, missing values, ids and order alone do not come near a perfect score."""
    found = _guessing(case, _metadata)
    if found is None or found[0] <= WORTH:
        return
    line = f"ids, order, lengths and missing values alone score {found[1]}"
    yield line if found[0] > STRONG else Note(line)


def _guessing(case: Case, table: Callable[[Part], pd.DataFrame]) -> tuple[float, str] | None:
    """How far trees on a table get from the best control to perfect, if surely above it."""
    train, test = case.data.train(), case.data.part("test")
    if case.competition.matrix or not len(train) or train.targets is None:
        return None
    ours, theirs = table(train), table(test)
    predicted = {
        target.name: _boosted(ours, train.targets[target.name], theirs, target)
        for target in case.competition.targets
    }
    return lead_of(case, predicted)


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


def _identity(part: Part) -> pd.DataFrame:
    """What ids and order tell: the place, the number in the id, its prefix and length."""
    ids = pd.Series(part.ids.astype(str))
    number = ids.str.extract(r"(\d{1,15})(?!.*\d)", expand=False).astype(np.float64)
    prefix = ids.str.replace(r"\d+", "", regex=True).map(_hashed)
    return pd.DataFrame(
        {
            "place": np.arange(len(ids)) / max(1, len(ids)),
            "number": number,
            "prefix": prefix,
            "length": ids.str.len(),
        }
    )


def _metadata(part: Part) -> pd.DataFrame:
    """The same, and lengths of texts and what is missing."""
    found = _identity(part)
    for place, name in enumerate(part.features):
        column = part.features[name]
        if column.isna().any():
            found[f"missing {place}"] = column.isna()
        text = not pd.api.types.is_numeric_dtype(column.dtype)
        if text and column.nunique() > min(KINDS, len(column) / 10):
            found[f"length {place}"] = as_text(column).str.len()
    missing = part.features.isna().sum(axis=1)
    return _aligned(found.assign(missing=missing), part)


def _aligned(table: pd.DataFrame, part: Part) -> pd.DataFrame:
    """A column for each feature, so that train and test have the same."""
    places = range(part.features.shape[1])
    own = [name for name in table if not str(name).startswith(("missing ", "length "))]
    names = [f"{what} {place}" for place in places for what in ("missing", "length")]
    return table.reindex(columns=[*own, *names], fill_value=0)


def _hashed(text: str) -> int:
    return int(np.frombuffer(text.encode().ljust(8, b"\x00")[:8], dtype="<u8")[0] % 9973)
