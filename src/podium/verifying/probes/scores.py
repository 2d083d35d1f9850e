"""Can the metric be gamed by a constant, and does it know better from worse?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from podium.verifying.probes.helpers import WORTH, everywhere, lead_of
from podium.verifying.under_test import DatasetUnderTest, Note


def no_constant_beats_the_controls(tested: DatasetUnderTest) -> Iterator[str]:
    """No constant, in the middle or at the edges of the range, scores above the best control."""
    if tested.competition.matrix:
        return
    targets = tested.competition.targets
    for target in targets:
        if not target.label and not np.isfinite([target.low, target.high]).all():
            yield Note(
                f"{target.name} has no range: any finite number is scored; give low and high"
            )
    best: dict[str, Any] = {}
    reached = -np.inf
    for constant in _constants(tested):
        score = _score(tested, constant)
        if not np.isfinite(score):
            yield f"{_shown(constant)} gives no finite score"
        elif score > reached:
            best, reached = constant, score
    lead = lead_of(tested, everywhere(tested, best)) if best else None
    if lead is not None and lead[0] > WORTH:
        yield f"{_shown(best)} everywhere scores {lead[1]}"


def worse_predictions_score_worse(tested: DatasetUnderTest) -> Iterator[str]:
    """The answers score best, with a third of the rows mixed up worse, with all of them worst."""
    if tested.competition.matrix:
        return
    rng = np.random.default_rng(0)
    rows = len(tested.data.ids("test"))
    other, pick = rng.permutation(rows), rng.random(rows)
    scores = []
    for share in (0.0, 1 / 3, 1.0):
        mixed = np.where(pick < share, other, np.arange(rows))
        scores.append(
            _score(
                tested,
                {n: np.asarray(values)[mixed] for n, values in tested.solution.answers.items()},
            )
        )
    if not scores[0] > scores[1] > scores[2]:
        shown = ", ".join(f"{tested.sign * score:.4g}" for score in scores)
        yield f"the answers, a third mixed up, all mixed up: {shown}"


def _constants(tested: DatasetUnderTest) -> Iterator[dict[str, Any]]:
    """Predictions that are the same for every row."""
    targets = tested.competition.targets
    answers = {name: np.asarray(values) for name, values in tested.solution.answers.items()}
    if len(targets) > 1 and not any(t.label for t in targets):
        for place in range(len(targets)):
            yield {t.name: t.high if n == place else t.low for n, t in enumerate(targets)}
        yield {t.name: float(answers[t.name].mean()) for t in targets}
        return
    for target in targets:
        others = {t.name: answers[t.name][0] for t in targets if t is not target}
        values = answers[target.name]
        if target.label:
            tries: list[Any] = list(pd.unique(values)[:100])
        else:
            edges = [v for v in (target.low, target.high, 0.0) if target.low <= v <= target.high]
            tries = [*np.quantile(values, np.linspace(0, 1, 21)), values.mean(), *edges]
            tries = [float(value) for value in tries if np.isfinite(value)]
            # Just beyond a threshold that many answers lie at.
            common = pd.Series(values).mode().iloc[0]
            tries += [v for v in (common - 1e-9, common + 1e-9) if target.low <= v <= target.high]
        yield from ({**others, target.name: value} for value in tries)


def _score(tested: DatasetUnderTest, values: Mapping[str, Any]) -> float:
    """The primary score of all test rows, turned so that more is better."""
    primary = tested.competition.primary.name
    table = everywhere(tested, values)
    return tested.sign * tested.competition.metric.score(tested.solution.targets, table)[primary]


def _shown(constant: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value!r}"
        for name, value in list(constant.items())[:3]
    )
