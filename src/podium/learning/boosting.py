"""Boosted trees (LightGBM): what all models of them share.

A model brings its table, its answers and its parameters; `boost` adds what makes the same seed give
the same bytes, and tells how training goes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from podium.competition.part import Report

BAGGING: Mapping[str, Any] = MappingProxyType({"bagging_fraction": 0.8, "bagging_freq": 1})
"""Settings by which each tree sees four fifths of the rows."""


def boost(
    data: lgb.Dataset,
    params: Mapping[str, Any],
    *,
    own: Collection[str],
    seed: int,
    report: Report | None = None,
    every: int = 20,
    **settings: Any,
) -> lgb.Booster:
    """Train boosted trees.

    Args:
        data: Features and answers of the rows, with weights where these count differently.
        params: A model's parameters; `rounds` of them trees are made.
        own: Which of them are the model's own; all others are LightGBM's settings.
        seed: All that is drawn follows from it.
        report: Gets the loss on these rows.
        every: How many rounds there are between two reports.
        settings: Further settings of LightGBM, such as `objective`; `force_col_wise=True` suits
            tables of a thousand columns, of which each tree sees few.
    """
    theirs = {name: value for name, value in params.items() if name not in {"rounds", *own}}
    wise = {} if settings.get("force_col_wise") else {"force_row_wise": True}
    steady = {"seed": seed, "deterministic": True, "verbose": -1, **wise}
    together = {**theirs, **settings, **steady}
    label: Any = data.label  # none of a part of another dataset
    if label is not None and np.size(label) == 1:  # four fifths of one row are no row
        together = {name: value for name, value in together.items() if name not in BAGGING}

    def tell(state: Any) -> None:
        if report and (state.iteration + 1) % every == 0:
            report(state.iteration + 1, state.evaluation_result_list[0][2])

    return lgb.train(
        together,
        data,
        num_boost_round=params["rounds"],
        valid_sets=[data] if report else None,
        callbacks=[tell] if report else None,
    )
