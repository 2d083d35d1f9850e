"""A control with the right distribution and no knowledge: train's answers in random order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.competition import Parameter

from ..metric import TARGET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

PARAMETERS: dict[str, Parameter] = {}


class Shuffled:
    """Draws the answers of train rows at random, with replacement."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.answers: NDArray[np.float64] = np.empty(0)

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Keep the answers."""
        assert train.targets is not None
        self.answers = train.targets[TARGET].to_numpy(dtype=np.float64)

    def predict(self, part: Part) -> pd.DataFrame:
        """Draw one for each row; the same draw again for the same seed and number of rows."""
        drawn = np.random.default_rng(self.seed).choice(self.answers, size=len(part))
        return pd.DataFrame({"id": part.ids, TARGET: drawn})


def build(params: dict[str, Any], seed: int) -> Shuffled:
    """Build the control; it has no parameters."""
    return Shuffled(seed, **params)
