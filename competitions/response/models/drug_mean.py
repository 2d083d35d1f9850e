"""The control: of each drug the mean of train, whatever the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from podium.competition import Parameter

from ..metric import TARGET

if TYPE_CHECKING:
    from podium.competition import Part, Report

PARAMETERS: dict[str, Parameter] = {}


class DrugMean:
    """A number for each drug."""

    def __init__(self) -> None:
        self.means = pd.Series(dtype=float)
        self.mean = 0.0

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Take the means."""
        assert train.targets is not None
        answers = train.targets[TARGET]
        self.means = answers.groupby(train.features["drug"].to_numpy()).mean()
        self.mean = float(answers.mean())

    def predict(self, part: Part) -> pd.DataFrame:
        """Say them; of a drug that never trained, the mean of all."""
        said = part.features["drug"].map(self.means).fillna(self.mean)
        return pd.DataFrame({"id": part.ids, TARGET: said})


def build(params: dict[str, Any], seed: int) -> DrugMean:
    """Build the control; nothing in it is random."""
    return DrugMean(**params)
