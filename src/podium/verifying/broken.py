"""Broken predictions files, each of which must be refused with its own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from podium.verifying.under_test import DatasetUnderTest


def broken_files(tested: DatasetUnderTest) -> Iterator[tuple[pd.DataFrame, str]]:
    """Broken copies of the sample submission, each with words that its message must have."""
    good, target = tested.sample, tested.competition.targets[0]
    name = tested.data.genes[-1] if target.matrix else target.name
    yield good.drop(columns=name), f"column '{name}' is missing"
    yield good.drop(columns="id"), "column 'id' is missing"
    yield good.iloc[:-1], "missing"
    yield pd.concat([good, good.iloc[:1]]), "more than once"
    yield good.assign(id=[*good["id"][:-1], "no such id"]), "unknown id"
    yield good.assign(id=pd.Series([*good["id"][:-1], None], dtype=object)), "without an id"
    yield good.iloc[:0], "no rows"
    values = good[name].astype(object)
    if target.text:  # any will do
        return
    if target.label:
        yield good.assign(**{name: [*values[:-1], None]}), "missing or NaN"
        yield good.assign(**{name: 0.5}), "labels are wanted"
        return
    cases: list[tuple[Any, str]] = [
        (None, "missing or NaN"),
        (float("nan"), "missing or NaN"),
        (float("inf"), "infinite"),
        ("high", "no number"),
    ]
    if np.isfinite(target.low):
        cases.append((np.nextafter(target.low, -np.inf), "outside"))
    if np.isfinite(target.high):
        cases.append((np.nextafter(target.high, np.inf), "outside"))
    for value, words in cases:
        column = pd.Series([*values[:-1], value], index=good.index)
        text = isinstance(value, str)
        yield good.assign(**{name: column.astype(str if text else float)}), words
