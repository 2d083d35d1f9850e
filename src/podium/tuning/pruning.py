"""Pruning: end a trial early that will not be the best. One pruner a study.

`folds` asks after each fold whether the trial can still become the best, by the paired difference
from the best trial on the rows of the folds so far (docs/decisions/0012). `none` ends none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.study import StudyDirection

from podium.errors import PodiumError
from podium.metrics.stats import Estimate, difference
from podium.scoring import submission
from podium.tuning import studies

if TYPE_CHECKING:
    from podium.competition.metric import Table
    from podium.execution.training import Folds

PRUNERS = ("folds", "none")
RISK = 0.05
"""Chance, at a look, that what is pruned would have become the best."""
KEPT = 5
"""Best trials whose out-of-fold predictions are kept, beside those of the model as it comes."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The out-of-fold predictions of trials, one file each in the study's folder."""

    folder: Path

    def path(self, number: int) -> Path:
        """The file of a trial."""
        return self.folder / f"trial-{number:05}.parquet"

    def write(self, folds: Folds, number: int, predictions: Mapping[str, Any]) -> None:
        """Keep a trial's predictions."""
        self.folder.mkdir(parents=True, exist_ok=True)
        submission.write(folds.table(predictions), self.path(number))

    def read(self, folds: Folds, number: int) -> Table | None:
        """A trial's predictions; None where this machine has them not."""
        import pandas as pd
        import pyarrow as pa

        try:
            table = submission.from_pandas(pd.read_parquet(self.path(number)))
        except FileNotFoundError:
            return None
        data, ids = folds.data, pa.array(folds.train.ids, type=pa.string())
        known = data.labels
        return submission.align(table, data.competition, ids, None, data.genes, known=known)

    def tidy(self, study: optuna.Study) -> None:
        """Remove what is no longer among the best."""
        trials = study.get_trials(deepcopy=False)
        keep = [t for t in trials if t.user_attrs.get(studies.DEFAULT)]
        keep += [t for t in trials if not t.state.is_finished()]  # about to be complete
        paths = {self.path(t.number) for t in [*keep, *studies.best(study, trials, KEPT)]}
        for path in self.folder.glob("trial-*.parquet"):
            if path not in paths:
                path.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class Race:
    """Says of a trial, some folds in, whether it can still become the best.

    Both are scored on the rows of the folds that the trial has. What their difference will be on
    all rows is then known up to the rows that lack: its standard error is the paired one of the
    jackknife, times the root of the share of rows that lack.
    """

    folds: Folds
    kept: Kept
    risk: float = RISK
    _seen: dict[tuple[int, int], Estimate | None] = field(default_factory=dict)

    def score(self, done: Mapping[int, Mapping[str, Any]]) -> Estimate | None:
        """Score some folds; None where a score is not finite."""
        return self._estimate(self.folds.join(done), list(done))

    def lost(self, study: optuna.Study, estimate: Estimate | None, count: int) -> bool:
        """Whether a trial, scored on its first folds, will not be the best."""
        leader = studies.best(study)
        rival = self._of(leader[0].number, count) if leader and estimate else None
        if rival is None or estimate is None:
            return False
        gap, error, _ = difference(estimate, rival, self._primary, enough=2)
        gap = gap if study.direction == StudyDirection.MAXIMIZE else -gap
        lacking = 1 - estimate.rows / len(self.folds.train)
        return error is not None and gap + self._quantile * error * math.sqrt(lacking) < 0

    @property
    def _primary(self) -> str:
        return self.folds.data.competition.primary.name

    @cached_property
    def _quantile(self) -> float:
        from scipy.special import ndtri

        return float(-ndtri(self.risk))

    def _of(self, number: int, count: int) -> Estimate | None:
        """The estimate of an earlier trial on its first folds."""
        if (number, count) not in self._seen:
            predictions = self.kept.read(self.folds, number)
            for first in range(1, len(self.folds.numbers)):
                estimate = None
                if predictions is not None:
                    chosen = self.folds.numbers[:first]
                    rows = self.folds.rows(chosen)
                    estimate = self._estimate({k: v[rows] for k, v in predictions.items()}, chosen)
                self._seen[number, first] = estimate
        return self._seen[number, count]

    def _estimate(self, predictions: Table, chosen: list[int]) -> Estimate | None:
        try:
            return self.folds.estimate(predictions, chosen)
        except PodiumError:
            return None
