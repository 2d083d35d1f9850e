"""The files of a new competition: `templates/`, filled in with what the spec says."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Any

import numpy as np

from podium import metrics
from podium.creating.splits import How
from podium.data.raw import present
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
    "qwk": "labels",
    "number": "l2",
    "text": "labels",
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
    (folder / ".gitattributes").write_text("* -text\n", encoding="utf-8", newline="\n")
    absent = [] if spec.learnable else ["models/lightgbm.py.j2"]
    absent += ["metric.py.j2", "test_metric.py.j2"] if spec.own else []
    if spec.own:
        (folder / "metric.py").write_text(spec.own.text, encoding="utf-8", newline="\n")
        for module in spec.own.modules:
            copyfile(module, folder / module.name)
    for name in sorted(set(environment.list_templates(extensions="j2")) - set(absent)):
        text = environment.get_template(name).render(words)
        (folder / name.removesuffix(".j2")).write_text(text, encoding="utf-8", newline="\n")


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
    own = {one.source for one in spec.predicted if one.kind != "class"}
    if (spec.classes, spec.positive) in TRUTH:
        own |= set(spec.targets)
    labels = [
        spec.answers[one.source] if spec.solved else one.name
        for one in spec.predicted
        if one.source in own and one.kind in ("label", "class")
    ]
    if spec.solved and spec.kind in ("probability", "probabilities"):
        labels = list(spec.answers.values())
    texts = [
        spec.answers[one.source] if spec.solved else one.name
        for one in spec.predicted
        if one.kind == "text"
    ]
    title = held.get(spec.how, "test rows")
    strata = {name: f"{title}, {spec.stratum_by} {value}" for value, name in spec.strata.items()}
    more = f" and {spec.open_rows:,} open" if spec.open_rows else ""
    by = "id" if spec.by == spec.row_id else spec.by  # what data.py's rows call it
    groups = by if spec.how in (How.GROUPED, How.TIME) else None
    renamed = {one.source: one.name for one in spec.predicted if one.name != one.source}
    return {
        "spec": spec,
        "title": spec.name.replace("_", " ").capitalize(),
        "summary": f"Predict {spec.target}.",
        "rows_title": f"{spec.rows:,} labelled{more} rows",
        "strata": strata or {spec.stratum: title},
        "members": _members(spec),
        "by": by,
        "beside": [
            name for name in dict.fromkeys((groups, spec.weight)) if name not in (None, "id")
        ],
        "own_answers": own == set(spec.targets),
        "renamed": renamed,
        "metric_id": spec.row_id if spec.row_id not in (None, "id") else None,
        "text": f", text={code(texts[0] if len(texts) == 1 else texts)}" if texts else "",
        "label": f", label={code(labels[0] if len(labels) == 1 else labels)}" if labels else "",
        "objective": _objective(spec),
        **({"scores": {spec.metric: spec.known}} if spec.own else _metric(spec)),
    }


def _members(spec: Spec) -> dict[str, str]:
    """The sha256 of each raw file, or of what a pattern names."""
    tables = {name: file_sha256(path) for name, path in spec.files.items()}
    if not spec.beside:
        return tables
    folder = next(iter(spec.files.values())).parent
    return tables | {pattern: present(pattern, "", folder) for pattern in spec.beside}


def _objective(spec: Spec) -> str:
    """What the trees learn."""
    if spec.known.family == "ranked":
        return f"top_{spec.metric.removeprefix('map@')}"
    return OBJECTIVES.get(spec.metric, OBJECTIVES[spec.kind])


def _metric(spec: Spec) -> dict[str, Any]:
    """The metric, and what it gives for a few rows."""
    names = (spec.metric, *spec.known.beside)
    together = spec.columns if spec.kind == "probabilities" else None
    positive = spec.positive if spec.kind == "label" else None
    truth, predicted = _example(spec)
    dtype = "object" if spec.kind in ("label", "text") else "float"
    family = getattr(metrics, spec.known.family)
    more = {"positive": positive} if positive else {}
    each = [family(one, *names, **more) for one in ([together] if together else spec.columns)]
    metric = metrics.averaged(*each) if len(each) > 1 else each[0]
    sides = [
        {name: np.array(values, dtype) for name, values in side.items()}
        for side in (truth, predicted)
    ]
    return {
        "scores": {name: metrics.KNOWN[name] for name in names},
        "imports": ", ".join(
            [
                *["averaged"] * spec.several,
                spec.known.family,
                *["weighted"] * bool(spec.weight),
            ]
        ),
        "more": f", positive={code(positive)}" if positive else "",
        "scored": together or spec.columns[0],
        "positive": positive,
        "truth": truth,
        "predicted": predicted,
        "dtype": dtype,
        "example": {name: round(value, 9) for name, value in metric.score(*sides).items()},
    }


def _example(spec: Spec) -> tuple[Columns, Columns]:
    """A few rows of truth and predictions by column."""
    if spec.kind == "probabilities":
        rest = round(0.5 / (len(spec.columns) - 1), 6)  # half for the first class
        truth = {name: [float(n == 0), float(n == 1)] for n, name in enumerate(spec.columns)}
        return truth, {name: [0.5, 0.5] if n == 0 else [rest] * 2 for n, name in enumerate(truth)}
    pairs = {name: _example_of(spec, place) for place, name in enumerate(spec.columns)}
    return {n: true for n, (true, _) in pairs.items()}, {n: said for n, (_, said) in pairs.items()}


def _example_of(spec: Spec, place: int) -> tuple[list[Any], list[Any]]:
    """Truth and predictions of one column; the further to the right, the fewer errors."""
    if spec.kind == "number":
        return [1.0, 2.0, 3.0, 6.0], [1.0, 0.0 if place == 0 else 2.0, 3.0, 2.0]
    if spec.kind == "text":
        return ["a", "b", "c d"], ["a b", "a b", "d a"]
    if spec.kind == "label":
        a, b = _two_labels(spec)
        return [a, a, b, b, b], [a, b if place == 0 else a, b, b, a]
    return [1.0, 0.0, 1.0, 0.0], [0.9, 0.2, 0.4, 0.4 if place == 0 else 0.1]


def _two_labels(spec: Spec) -> tuple[str, str]:
    """Two labels of the only target; of several any."""
    if not spec.classes:
        return ("1", "2") if spec.metric == "qwk" else ("no", "yes")
    b = spec.positive or spec.classes[0]
    return next(name for name in spec.classes if name != b), b
