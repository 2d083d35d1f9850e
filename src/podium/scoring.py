"""Scoring: the one door to the answers. No other module reads a solution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from podium.competition import Competition
from podium.data import Data, metric_columns, target_columns
from podium.edition import PUBLIC, SOLUTION
from podium.errors import PodiumError
from podium.metric import Table
from podium.stats import Card, Cells, Estimate, Tally, independent_groups

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("public", "private")
ALL = "all"
FEWEST = 20
"""Rows of a group whose scores may be shown."""


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
    units: NDArray[np.object_]
    groups: pd.DataFrame

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

    def scores_by_group(self, predictions: Table, *, private: bool) -> dict[str, dict[str, float]]:
        """All scores of each group that the metric asks for; of public rows, or of all."""
        rows = np.ones(len(self.cells.code), dtype=bool)
        if not private:
            rows = (self.cells.labels["part"] == "public")[self.cells.code]
        competition = self.data.competition
        return by_group(competition, _some(self.targets, rows), _some(predictions, rows))

    def estimates_by_group(
        self, predictions: Table, *, private: bool
    ) -> dict[str, dict[str, Estimate]]:
        """The primary score of each group of each kind that has 20 rows or more.

        Of public rows, or of all; a group whose score is not finite is left out. Where groups of a
        kind lie whole in one half, naming those with public rows would tell the half of all their
        rows: such a kind is left out before reveal.
        """
        competition = self.data.competition
        kinds = list(self.groups.columns.drop("id"))
        if not private and competition.halves_by not in competition.metric_by:
            kinds = [kind for kind in kinds if kind != competition.halves_by]
        rows = np.ones(len(self.units), dtype=bool)
        if not private:
            rows = (self.cells.labels["part"] == "public")[self.cells.code]
        answers, guesses = _some(self.targets, rows), _some(predictions, rows)
        primary = competition.primary.name
        found: dict[str, dict[str, Estimate]] = {}
        for kind in kinds:
            group = self.groups[kind].to_numpy(object)[rows]
            counts = Counter(group)
            names = sorted(str(name) for name, count in counts.items() if count >= FEWEST)
            if not names:
                continue
            cells = Cells.of(self.units[rows], name=group.astype(str).astype(object))
            tally = Tally.of(competition.metric, answers, guesses, cells)
            found[kind] = {}
            for name in names:
                with suppress(PodiumError):
                    if estimate := tally.estimate(primary, name=name):
                        found[kind][name] = estimate
        return found

    def perfect(self) -> Scorecard:
        """The score of the answers themselves."""
        return self.score(self.targets)

    def ceiling(self) -> Scorecard | None:
        """The score of the simulator's Bayes-optimal predictor; None for real data."""
        matrix = self.data.counts(f"{SOLUTION}/ceiling.h5")
        if matrix is not None:
            return self.score({self.data.competition.targets[0].name: matrix.matrix()})
        if not self.data.has(f"{SOLUTION}/ceiling.parquet"):
            return None
        table = self.data.table(f"{SOLUTION}/ceiling.parquet")
        return self.score(target_columns(self.data.competition, table))


def by_group(
    competition: Competition, answers: Table, predictions: Table
) -> dict[str, dict[str, float]]:
    """All scores of each group of the first kind that the metric asks for.

    Groups with fewer than 20 rows are left out: little may follow of a single row.
    """
    if not competition.metric_by:
        return {}
    group = answers[competition.metric_by[0]]
    found = {}
    for name in dict.fromkeys(group):
        rows = group == name
        if rows.sum() >= FEWEST:
            scores = competition.metric.score(_some(answers, rows), _some(predictions, rows))
            found[str(name)] = scores
    return found


def _some(table: Table, rows: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    return {name: column[rows] for name, column in table.items()}


def open_solution(data: Data) -> Solution:
    """Open the answers of a dataset."""
    table = data.table(f"{SOLUTION}/solution.parquet")
    stratum = table["stratum"].to_numpy(object)
    groups = data.table(f"{SOLUTION}/groups.parquet")
    units = independent_groups(data.competition.strata, stratum, groups)
    answers = metric_columns(
        data.competition,
        table,
        groups,
        truth=data.counts(f"{SOLUTION}/solution.h5"),
        counts=data.counts(f"{PUBLIC}/test.h5"),
    )
    cells = Cells.of(units, part=table["part"].to_numpy(object), stratum=stratum)
    return Solution(data=data, targets=answers, cells=cells, units=units, groups=groups)
