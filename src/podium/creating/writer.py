"""The files of a new competition: `templates/`, filled in with what the spec says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from podium import metrics
from podium.creating.splits import How
from podium.scratch import file_sha256

if TYPE_CHECKING:
    from podium.creating.spec import Spec

    Columns = dict[str, list[Any]]

TEMPLATES = Path(__file__).parent / "templates"
TRUTH = ((("0", "1"), "1"), (("False", "True"), "True"))
"""Labels that are their own probabilities, and which of them is the positive one."""
UNWEIGHTED = ("accuracy", "f1_micro", "f1_weighted")
"""Scores of labels in which every row counts the same; in the others rare labels count more."""
OBJECTIVES = {
    "mae": "l1",
    "rmsle": "log_l2",
    **dict.fromkeys(UNWEIGHTED, "labels"),
    "number": "l2",
    "label": "rare_labels",
    "probability": "binary",
    "probabilities": "multiclass",
}
"""What the trees learn (see `TableTrees`), by the score, or else by what is predicted."""


def write(spec: Spec, folder: Path) -> None:
    """Write every file but the split and the checksums."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(  # noqa: S701  Python and Markdown, not HTML
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": code, "quoted": "`{}`".format}
    words = _words(spec)
    (folder / "models").mkdir(parents=True)
    # raw files, split and golden scores are known by their bytes
    (folder / ".gitattributes").write_text("* -text\n", encoding="utf-8")
    for name in environment.list_templates(extensions="j2"):
        text = environment.get_template(name).render(words)
        (folder / name.removesuffix(".j2")).write_text(text, encoding="utf-8")


def code(value: Any) -> str:
    """A value as Python source with double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list):
        inner = ", ".join(map(code, value))
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{code(k)}: {code(v)}' for k, v in value.items())}}}"
    return repr(value)


def _words(spec: Spec) -> dict[str, Any]:
    """What the templates use beside the spec itself."""
    held = {
        How.GROUPED: f"rows of new groups of {spec.by}",
        How.TIME: f"rows that come later, by {spec.by}",
    }
    own_answers = spec.kind in ("number", "label") or (spec.classes, spec.positive) in TRUTH
    answer = spec.answer if spec.solved else spec.column if own_answers else None
    label = answer is not None and spec.kind != "number"
    more = f" and {spec.open_rows:,} open" if spec.open_rows else ""
    return {
        "spec": spec,
        "title": spec.name.replace("_", " ").capitalize(),
        "summary": f"Predict {spec.target}.",
        "rows_title": f"{spec.rows:,} labelled{more} rows",
        "stratum_title": held.get(spec.how, "test rows"),
        "members": {name: file_sha256(path) for name, path in spec.files.items()},
        "own_answers": own_answers,
        "label": f", label={code(answer)}" if label else "",
        "objective": OBJECTIVES.get(spec.metric, OBJECTIVES[spec.kind]),
        **_metric(spec),
    }


def _metric(spec: Spec) -> dict[str, Any]:
    """The metric, and what it gives for a few rows."""
    names = (spec.metric, *spec.known.beside)
    scored = spec.columns if spec.kind == "probabilities" else spec.column
    positive = spec.positive if spec.kind == "label" else None
    truth, predicted = _example(spec)
    dtype = "object" if spec.kind == "label" else "float"
    metric = getattr(metrics, spec.known.family)(
        scored, *names, **({"positive": positive} if positive else {})
    )
    sides = [
        {name: np.array(values, dtype) for name, values in side.items()}
        for side in (truth, predicted)
    ]
    head = [*(f"truth `{name}`" for name in truth), *(f"predicted `{name}`" for name in predicted)]
    rows = zip(*truth.values(), *predicted.values(), strict=True)
    return {
        "scores": {name: metrics.KNOWN[name] for name in names},
        "scored": scored,
        "positive": positive,
        "truth": truth,
        "predicted": predicted,
        "dtype": dtype,
        "example": {name: round(value, 9) for name, value in metric.score(*sides).items()},
        "table": [head, ["---"] * len(head), *rows],
    }


def _example(spec: Spec) -> tuple[Columns, Columns]:
    """A few rows of truth and predictions by column."""
    if spec.kind == "number":
        return {spec.column: [1.0, 2.0, 3.0, 6.0]}, {spec.column: [1.0, 0.0, 3.0, 2.0]}
    if spec.kind == "label":
        b = spec.positive or spec.classes[0]
        a = next(name for name in spec.classes if name != b)
        return {spec.column: [a, a, b, b, b]}, {spec.column: [a, b, b, b, a]}
    if spec.kind == "probability":
        return {spec.column: [1.0, 0.0, 1.0, 0.0]}, {spec.column: [0.9, 0.2, 0.4, 0.4]}
    rest = round(0.5 / (len(spec.columns) - 1), 6)  # half for the first class
    truth = {name: [float(n == 0), float(n == 1)] for n, name in enumerate(spec.columns)}
    return truth, {name: [0.5, 0.5] if n == 0 else [rest] * 2 for n, name in enumerate(truth)}
