"""What a competition's `plot.py` is given of a submission."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from podium.competition.metric import Table
    from podium.competition.part import Part


@dataclass(frozen=True, kw_only=True)
class View:
    """One submission, as far as it may be seen.

    Attributes:
        title: Name and team.
        part: The rows.
        predictions: Target columns of these rows.
        truth: The same columns as they are; None where they may not be shown.
        scores: All scores of each group of the kinds that the metric asks for, by its name; of
            test rows rounded.
        strata: The stratum of each row [rows], text; None where the truth may not be shown.
    """

    title: str
    part: Part
    predictions: Table
    truth: Table | None
    scores: Mapping[str, Mapping[str, float]]
    strata: NDArray[np.object_] | None = None

    def file(self, place: int) -> str:
        """What its picture is called: its place among the views, from 1, and words of its title."""
        words = "".join(letter if letter.isalnum() else " " for letter in self.title).split()
        return "-".join([str(place), *words])
