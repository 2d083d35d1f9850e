"""What a folder says of its metric: a section of README.md, and the worked example of its test.

`podium freeze` writes both anew, so that they follow a metric that is swapped for another.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.errors import PodiumError

if TYPE_CHECKING:
    from podium.competition.contract import Competition

README, TEST = "README.md", "test_metric.py"
_SECTION = re.compile(r"(<!-- metric: [^>]*-->\n).*?(<!-- end -->)", re.DOTALL)
_WORDS = ("TRUTH", "PREDICTED", "SCORES")

Columns = Mapping[str, list[Any]]


def refreshed(competition: Competition, readme: str, test: str) -> tuple[str, str, list[str]]:
    """Both files as the metric has them now, and what is to be said of it.

    Args:
        competition: Whose metric scores the example.
        readme: README.md; without the section's marks it stays as it is.
        test: test_metric.py; without the three tables of the example it stays as it is.
    """
    example, notes = _tables(test), list[str]()
    scores: dict[str, float] = {}
    if example:
        try:
            scores = _scored(competition, example["TRUTH"], example["PREDICTED"])
        except PodiumError as error:
            notes.append(f"{TEST}: the metric does not take its example: {error.message}")
    if scores and scores != example["SCORES"]:
        test = re.sub(r"^SCORES = .*$", f"SCORES = {_code(scores)}", test, flags=re.MULTILINE)
    said = _section(competition, example if scores else {}, scores)
    return _SECTION.sub(lambda match: f"{match[1]}{said}{match[2]}", readme), test, notes


def _tables(test: str) -> dict[str, Any]:
    """The tables of the example; none if it lacks one."""
    try:
        lines = ast.parse(test).body
        found = {
            line.targets[0].id: ast.literal_eval(line.value)
            for line in lines
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)
        }
    except (SyntaxError, ValueError):
        return {}
    return found if all(name in found for name in _WORDS) else {}


def _scored(competition: Competition, truth: Columns, predicted: Columns) -> dict[str, float]:
    kinds = {t.name: "object" if t.label else "float" for t in competition.targets}
    sides = [
        {name: np.array(values, kinds.get(name, "float")) for name, values in side.items()}
        for side in (truth, predicted)
    ]
    rows = len(next(iter(truth.values())))
    sides[0] |= {kind: np.ones(rows) for kind in competition.metric_by}  # that count alike
    with competition.telling("metric"):
        scores = competition.metric.score(*sides)
    return {name: round(float(value), 9) for name, value in scores.items()}


def _section(competition: Competition, example: Mapping[str, Any], scores: Columns | Any) -> str:
    first, *beside = competition.scores
    better = "higher" if first.higher_is_better else "lower"
    text = f"`{first.name}` ({first.title}; {better} is better) ranks."
    if beside:
        text += f" Beside it stand {', '.join(f'`{score.name}`' for score in beside)}."
    if not scores:
        return f"{text}\n"
    sides = {"truth": example["TRUTH"], "predicted": example["PREDICTED"]}
    head = [f"{side} `{name}`" for side, columns in sides.items() for name in columns]
    values = [column for columns in sides.values() for column in columns.values()]
    table = [head, ["---"] * len(head), *zip(*values, strict=True)]
    rows = "\n".join(f"| {' | '.join(map(str, row))} |" for row in table)
    shown = ", ".join(f"`{name}` {value:.4f}" for name, value in scores.items())
    return f"{text} A worked\nexample:\n\n{rows}\n\nscores {shown}.\n"


def _code(scores: Mapping[str, float]) -> str:
    inner = ", ".join(f'"{name}": {value!r}' for name, value in scores.items())
    return f"{{{inner}}}"
