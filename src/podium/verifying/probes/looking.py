"""What probes look at: features, answers, and how far predictions get above the controls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.stats import difference

if TYPE_CHECKING:
    from podium.competition import Target
    from podium.verifying.case import Case

SURE, WORTH = 3.0, 0.02
"""A score is above a control by so many standard errors, and so much of the way to perfect."""


class Note(str):
    """A finding that only the organiser can judge."""

    __slots__ = ()


def features(case: Case) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of train and of test."""
    return case.data.train().features, case.data.part("test").features


def answers_of(case: Case, target: Target) -> pd.Series[Any]:
    """The answers of train and then of test."""
    train, test = case.data.train().targets, pd.Series(case.solution.targets[target.name])
    return test if train is None else pd.concat([train[target.name], test], ignore_index=True)


def as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as text, empty where nothing is; of whatever kind it was."""
    return column.astype(object).where(column.notna(), "").astype(str)


def lead_of(case: Case, predicted: Mapping[str, Any]) -> tuple[float, str] | None:
    """How far predictions get from the best control to perfect, if they are surely above it."""
    control = case.best_control
    if control is None:
        return None
    primary, sign = case.competition.primary.name, sign_of(case)
    found = case.solution.score(predicted)["all"].whole
    gap, se, _ = difference(found, control, primary)
    way = abs(perfect(case) - control.scores[primary])
    if se is None or sign * gap <= SURE * se or not way:
        return None
    scores = found.scores[primary], control.scores[primary]
    return sign * gap / way, "{:.4g}, the best control {:.4g}".format(*scores)


def everywhere(case: Case, values: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Columns of the test part; a single value is that of every row."""
    rows = len(case.data.ids("test"))
    kinds = {t.name: object if t.label else np.float64 for t in case.competition.targets}
    return {
        name: value if np.ndim(value) else np.full(rows, value, dtype=kinds[name])
        for name, value in values.items()
    }


def perfect(case: Case) -> float:
    """The primary score of the answers themselves."""
    primary = case.competition.primary
    if primary.perfect is not None:
        return primary.perfect
    return case.solution.perfect()["all"].whole.scores[primary.name]


def sign_of(case: Case) -> int:
    """1 where more is better, else -1."""
    return 1 if case.competition.primary.higher_is_better else -1
