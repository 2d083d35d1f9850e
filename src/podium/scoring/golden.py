"""Golden scores: what a metric gives for fixed predictions. They say when its version is another.

The answers of at most a thousand test rows are made worse in four fixed ways and scored. The
figures are committed in a competition's `golden.json` by `podium freeze` and computed again before
every record (docs/decisions/0016): a metric that gives others needs another version, whatever
brought them, and a comment does not. Where nothing is committed they are kept beside the prepared
answers when these are first scored.

Answers are mixed by whole numbers and the four basic operations alone, which are the same on every
machine.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from podium.competition.metric import ANSWERS, Table
from podium.competition.version import GOLDEN, read_golden
from podium.errors import DataError, PodiumError
from podium.scratch import replacing

if TYPE_CHECKING:
    from podium.competition.contract import Competition, Dataset, Target

Scores = Mapping[str, Mapping[str, float | None]]
"""Figures by the name of the perturbation and of the score; None for one that is not finite."""

ROWS = 1_000
ENTRIES = 50_000
"""Of a matrix: there may be fewer rows, then."""
_EIGHTHS = {"slight": 1, "strong": 6, "level": 7}
"""How many eighths of each prediction are those of another row; of one and the same in `level`."""
ENDS = "ends"
"""Predictions at both ends of what a target may be: there metrics clip, or have special cases."""
_SHOWN = 6


def scores(competition: Competition, answers: Table) -> Scores:
    """The golden scores of a competition's metric.

    Args:
        competition: Whose metric is asked.
        answers: What the metric is given: the targets of the test rows, and what else it asks for.
    """
    some = _thin(answers)
    return {name: _score(competition, some, name) for name in (*_EIGHTHS, ENDS)}


def check(competition: Competition, dataset: Dataset, answers: Table, kept: Path) -> None:
    """Compute golden scores again and compare them with those of the metric's version.

    Args:
        competition: Whose metric is asked.
        dataset: Whose answers these are.
        answers: As for `scores`.
        kept: The file beside the answers that takes the place of committed scores.

    Raises:
        PodiumError: If they are others, or `golden.json` is of another version.
    """
    name, version = competition.name, competition.metric_version
    committed = read_golden(competition)
    if committed and committed["metric"] != version:
        raise PodiumError(
            f"competitions/{name}/competition.py has metric_version {version}, and "
            f"{GOLDEN} has the golden scores of version {committed['metric']}.",
            hint=f"Make them again: podium freeze {name}",
        )
    known: Scores | None = committed["scores"].get(dataset.name) if committed else None
    known = read_kept(kept, version) if known is None else known
    now = scores(competition, answers)
    if known is None:
        keep(kept, version, now)
    elif lines := changes(known, now):
        raise PodiumError(
            f"The metric of {name}/{dataset.name} gives other scores than its version {version} "
            "did: metric.py, something that it uses, or a fact of competition.py has changed.",
            problems=lines,
            hint=f"If that is meant: podium freeze {name}, which raises metric_version in "
            f"competitions/{name}/competition.py to {version + 1}; else undo the change.",
        )


def keep(file: Path, version: int, known: Scores) -> None:
    """Keep golden scores beside the answers; where the disk refuses, there are none."""
    text = json.dumps({"metric": version, "scores": known})
    with suppress(OSError, DataError), replacing(file) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")


def read_kept(file: Path, version: int) -> Scores | None:
    """What `keep` kept of that version; None where there is nothing whole."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        known: Scores | None = kept["scores"] if kept["metric"] == version else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return known


def changes(before: Scores, now: Scores) -> list[str]:
    """A line for each figure that is another, the first few; none if the metric is the same.

    Perturbations that only one side has (they were thought of later) say nothing.
    """
    names = [name for name in before if name in now]
    lines = [line for name in names for line in _changes(name, before, now)]
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return lines[:_SHOWN] + more


def _changes(name: str, before: Scores, now: Scores) -> list[str]:
    old, new = before.get(name, {}), now.get(name, {})
    return [
        f"{score} of its {name} predictions: {_shown(old, score)}, now {_shown(new, score)}"
        for score in dict.fromkeys((*old, *new))
        if score not in old or score not in new or not _same(old[score], new[score])
    ]


def _same(a: float | None, b: float | None) -> bool:
    """Whether two figures are the same but for the order in which machines add."""
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def _shown(figures: Mapping[str, float | None], score: str) -> str:
    value = figures.get(score)
    return "none" if value is None else f"{value:.6g}"


def _thin(answers: Table) -> dict[str, Any]:
    """Rows taken evenly."""
    columns = [column for name, column in answers.items() if name != ANSWERS]
    rows = columns[0].shape[0]
    widest = max(column.shape[1] if column.ndim > 1 else 1 for column in columns)
    wanted = min(rows, ROWS, max(2, ENTRIES // max(1, widest)))
    chosen = np.arange(wanted) * rows // max(1, wanted)
    return {name: column[chosen] for name, column in answers.items()}


def _score(competition: Competition, answers: Table, how: str) -> dict[str, float | None]:
    targets = competition.targets
    if how == ENDS:
        several = len(targets)
        predictions = {
            t.name: _at_ends(t, answers[t.name], place, several) for place, t in enumerate(targets)
        }
    else:
        predictions = {t.name: _perturbed(t, answers[t.name], how) for t in targets}
    names = [score.name for score in competition.scores]
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of figures that are none for these predictions
            figures = competition.metric.score(answers, predictions)
    except Exception:  # noqa: BLE001  it refuses such predictions; real ones tell what is broken
        return dict.fromkeys(names)
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}


def _perturbed(target: Target, truth: Any, how: str) -> NDArray[Any]:
    """Answers made worse: numbers stay between two of them, labels are those of other rows."""
    rows = truth.shape[0]
    row = np.arange(rows)
    other = np.full(rows, rows // 2) if how == "level" else (7 * row + rows // 3 + 1) % max(1, rows)
    eighths = _EIGHTHS[how]
    if target.label:
        labels: NDArray[Any] = np.where(row % 8 < eighths, truth[other], truth)
        return labels
    dense = truth.toarray() if target.matrix and hasattr(truth, "toarray") else truth
    numbers = np.nan_to_num(np.asarray(dense, dtype=np.float64))
    mixed = ((8 - eighths) * numbers + eighths * numbers[other]) / 8
    if not target.matrix and (numbers == np.floor(numbers)).all():  # a metric may want whole ones
        mixed = np.floor(mixed + 0.5)
    if target.matrix:  # counts are lost, too
        mixed[(row[:, None] + np.arange(mixed.shape[1])) % 8 < eighths] = 0.0
    return np.clip(mixed, target.low, target.high)


def _at_ends(target: Target, truth: Any, place: int, several: int) -> NDArray[Any]:
    """The low and the high end in turn; of several targets one is high in each row."""
    row = np.arange(truth.shape[0])
    if target.label:
        labels: NDArray[Any] = np.full(len(row), truth[0] if len(row) else "", dtype=object)
        return labels
    if target.matrix:
        counts = np.asarray(truth.toarray() if hasattr(truth, "toarray") else truth, np.float64)
        return np.where(row[:, None] % 2, 2 * counts, 0.0)
    numbers = np.nan_to_num(np.asarray(truth, dtype=np.float64))
    low = target.low if math.isfinite(target.low) else numbers.min(initial=0.0)
    high = target.high if math.isfinite(target.high) else numbers.max(initial=0.0)
    return np.where(row % max(2, several) == place, high, low)
