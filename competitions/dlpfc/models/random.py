"""Labels drawn at random, as many as the slice has domains: what chance is worth, about 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition import Parameter

from ..shared.expression import answer, domains

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition import Part, Report, Slice

PARAMETERS: dict[str, Parameter] = {}


class Chance:
    """Draws a domain for each spot."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn nothing."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Draw."""
        rng = np.random.default_rng(self.seed)

        def draw(one: Slice) -> NDArray[np.int64]:
            return rng.integers(domains(one), size=len(one))

        return answer(part, draw)


def build(params: dict[str, Any], seed: int) -> Chance:
    """Build the model."""
    return Chance(seed)
