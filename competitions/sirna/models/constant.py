"""The simplest control: one value for every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ..metric import TARGET

if TYPE_CHECKING:
    from podium.competition import Part, Report

DEFAULTS: dict[str, Any] = {"value": None}
"""`value`: percent remaining; None for the mean of train. 29.9 calls every row a good siRNA."""


class Constant:
    """Predicts one value."""

    def __init__(self, value: float | None) -> None:
        self.value = value
        self.fitted: float | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Take the mean of train, unless a value was given."""
        assert train.targets is not None
        self.fitted = float(train.targets[TARGET].mean()) if self.value is None else self.value

    def predict(self, part: Part) -> pd.DataFrame:
        """The same for every row."""
        return pd.DataFrame({"id": part.ids, TARGET: self.fitted})


def build(params: dict[str, Any], seed: int) -> Constant:
    """Build the control; nothing in it is random."""
    return Constant(**params)


def space(trial: Any) -> dict[str, Any]:
    """Search the value."""
    return {"value": trial.suggest_float("value", 0.0, 100.0)}
