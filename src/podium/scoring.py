"""Scoring: the one door to the answers. No other module reads a solution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podium.data import Data, metric_columns, target_columns
from podium.edition import SOLUTION
from podium.metric import Table
from podium.stats import Card, Cells, Tally, independent_groups

PARTS = ("public", "private")
ALL = "all"


Scorecard = Mapping[str, Card]
"""All that scoring found for one submission: a card for `public`, `private` and `all`.

Only `public` may be shown before the competition is revealed.
"""


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The answers of the test part and how its rows are gathered, in the order of its ids."""

    data: Data
    targets: Table
    cells: Cells

    def score(self, predictions: Table) -> Scorecard:
        """Score predictions that are aligned with the test ids.

        Raises:
            PodiumError: If a score is not finite.
        """
        tally = Tally.of(self.data.competition.metric, self.targets, predictions, self.cells)
        primary = self.data.competition.primary.name
        strata = self.data.competition.strata
        cards = {part: tally.card(primary, strata, part=part) for part in PARTS}
        return {**cards, ALL: tally.card(primary, strata)}

    def perfect(self) -> Scorecard:
        """The score of the answers themselves."""
        return self.score(self.targets)

    def ceiling(self) -> Scorecard | None:
        """The score of the simulator's Bayes-optimal predictor; None for real data."""
        if not self.data.has(f"{SOLUTION}/ceiling.parquet"):
            return None
        table = self.data.table(f"{SOLUTION}/ceiling.parquet")
        return self.score(target_columns(self.data.competition, table))


def open_solution(data: Data) -> Solution:
    """Open the answers of a dataset."""
    table = data.table(f"{SOLUTION}/solution.parquet")
    stratum = table["stratum"].to_numpy(object)
    groups = data.table(f"{SOLUTION}/groups.parquet")
    units = independent_groups(data.competition.strata, stratum, groups)
    answers = metric_columns(data.competition, table, groups)
    cells = Cells.of(units, part=table["part"].to_numpy(object), stratum=stratum)
    return Solution(data=data, targets=answers, cells=cells)
