"""Trivial models that every other one must beat: the same prediction for every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.errors import PodiumError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podium.competition.contract import Competition
    from podium.competition.part import Part, Report

COMMONEST = 50
"""Labels that are tried, the commonest first."""
RANKED = 20
"""Labels of a constant ranking."""


class ConstantValue:
    """One number for every row.

    Args:
        target: The column to predict.
        value: The number; None for the mean of train.
    """

    def __init__(self, target: str, value: float | None = None) -> None:
        self.target, self.value = target, value
        self.fitted: float | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:  # noqa: ARG002
        """Take the mean of train, unless a value was given."""
        assert train.targets is not None  # noqa: S101
        mean = float(train.targets[self.target].mean())
        self.fitted = mean if self.value is None else self.value

    def predict(self, part: Part) -> pd.DataFrame:
        """The same for every row."""
        return pd.DataFrame({"id": part.ids, self.target: self.fitted})


class BestConstant:
    """For every row whatever scores best on train: a number, a label, or a probability a column.

    Args:
        competition: Its metric and targets.
    """

    def __init__(self, competition: Competition) -> None:
        self.competition = competition
        self.values: Mapping[str, Any] = {}

    def fit(self, train: Part, report: Report | None = None) -> None:  # noqa: ARG002
        """Try a few constants on the answers of train and keep the best."""
        assert train.targets is not None  # noqa: S101
        kinds = {t.name: object if t.label else np.float64 for t in self.competition.targets}
        answers = {name: train.targets[name].to_numpy(kind) for name, kind in kinds.items()}
        kept = train.groups if train.groups is not None else pd.DataFrame()
        beside = {n: kept[n].to_numpy(object) for n in self.competition.metric_by if n in kept}
        primary = self.competition.primary
        sign = 1 if primary.higher_is_better else -1

        def score(values: Mapping[str, Any]) -> float:
            same = {name: np.full(len(train), v, dtype=kinds[name]) for name, v in values.items()}
            return sign * self.competition.metric.score({**answers, **beside}, same)[primary.name]

        tries = self._candidates(answers)
        try:
            self.values = max(tries, key=score)
        except PodiumError:  # a metric of others may ask for columns that are not known here
            self.values = tries[0]

    def predict(self, part: Part) -> pd.DataFrame:
        """The same for every row."""
        return pd.DataFrame({"id": part.ids, **self.values})

    def _candidates(self, answers: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Constants that may be worth something; of several columns what is usual in each."""
        if len(answers) > 1:
            labelled = {target.name for target in self.competition.targets if target.label}
            return [{n: _usual(v, label=n in labelled) for n, v in answers.items()}]
        ((name, values),) = answers.items()
        if self.competition.targets[0].label:
            labels, counts = np.unique(values, return_counts=True)
            common = [labels[n] for n in np.argsort(-counts, kind="stable")[:COMMONEST]]
            ranked = [" ".join(common[:RANKED])] if self.competition.targets[0].text else []
            return [{name: label} for label in (*common, *ranked)]
        tries = [values.mean(), *np.quantile(values, np.linspace(0.05, 0.95, 19))]
        if values.min() >= 0:
            tries.append(np.expm1(np.log1p(values).mean()))
        return [{name: float(value)} for value in tries]


def _usual(values: Any, *, label: bool) -> Any:
    """The mean of numbers, or the commonest label."""
    if not label:
        return float(values.mean())
    labels, counts = np.unique(values, return_counts=True)
    return labels[counts.argmax()]
