"""The classic design rules alone: what a bench scientist could say from the guide's sequence.

Scores of Reynolds, Ui-Tei and Amarzguioui and the asymmetry of the duplex ends (see `rules.py` of
the competition), weighed by train: one line for what remains, one for the probability that less
than 30 % does. Doses, cells and chemistry are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from podium.competition import Parameter
from podium.errors import note

from ..metric import TARGET, THRESHOLD
from ..shared import rules
from ..shared.features import GUIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

PARAMETERS = {
    "call_above": Parameter(
        0.25,
        "probability of less than 30 % from which on a row is called so",
        (0.0, 1.0),
        search=(0.1, 0.6),
    )
}

HIGHEST = 300.0


class DesignRules:
    """Weighs the design rules."""

    def __init__(self, call_above: float) -> None:
        self.call_above = call_above
        self.line = make_pipeline(StandardScaler(), LinearRegression())
        self.odds = make_pipeline(StandardScaler(), LogisticRegression())

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Weigh the rules by what remained; if all rows lie on one side of 30 %, say so."""
        assert train.targets is not None
        answers = train.targets[TARGET].to_numpy()
        scores = _scores(train)
        self.line.fit(scores, answers)
        low = answers < THRESHOLD
        self.alike = bool(low[0]) if (low == low[0]).all() else None
        if self.alike is None:
            self.odds.fit(scores, low)
        else:
            side, called = ("only rows", "all") if self.alike else ("no row", "none")
            note(f"rules: train has {side} below 30 %, so {called} will be called")

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict, and call what is likely enough to be low."""
        scores = _scores(part)
        remaining = np.clip(self.line.predict(scores), THRESHOLD, HIGHEST)
        if self.alike is None:
            low = self.odds.predict_proba(scores)[:, 1] > self.call_above
        else:
            low = np.full(len(scores), self.alike)
        remaining[low] = np.nextafter(THRESHOLD, 0.0)
        return pd.DataFrame({"id": part.ids, TARGET: remaining})


def _scores(part: Part) -> NDArray[np.float64]:
    """The four scores, [rows, 4]."""
    guide = rules.encode(part.features["siRNA_antisense_seq"], GUIDE)
    core = rules.core(guide)
    scores = (rules.reynolds, rules.ui_tei, rules.amarzguioui)
    return np.column_stack([*(score(core) for score in scores), rules.asymmetry(guide)])


def build(params: dict[str, Any], seed: int) -> DesignRules:
    """Build the model; nothing in it is random."""
    return DesignRules(**params)
