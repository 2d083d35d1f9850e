"""The files of a new competition: templates, and what a plan puts into them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from podium import metrics
from podium.creating.plans import Plan
from podium.creating.splits import How
from podium.scratch import file_sha256

TEMPLATES = Path(__file__).parent / "templates"
FILES = (
    *("README.md", "competition.py", "metric.py", "test_metric.py", "data.py"),
    *("models/constant.py", "models/lightgbm.py"),
)
SPLIT_WORDS = {
    How.RANDOM: "A fifth of the rows, drawn at random, is test; half of that is public.",
    How.STRATIFIED: "A fifth of the rows of each class is test; half of that is public.",
    How.GROUPED: "Whole groups of `{by}` are test, with a fifth of the rows; half of it is public.",
    How.TIME: "The last fifth of the rows by `{by}` is test; the earlier half of it is public.",
}
MEMBER = """
                        {}: (
                            {}
                        ),"""
CANDIDATES = {
    "number": """\
    (name,) = TARGETS
    values = answers[name]
    tries = [values.mean(), *np.quantile(values, np.linspace(0.05, 0.95, 19))]
    if values.min() >= 0:
        tries.append(np.expm1(np.log1p(values).mean()))
    return [{name: float(value)} for value in tries]""",
    "label": """\
    (name,) = TARGETS
    labels, counts = np.unique(answers[name], return_counts=True)
    return [{name: labels[place]} for place in np.argsort(-counts, kind="stable")[:50]]""",
    "probability": """\
    return [{name: float(values.mean()) for name, values in answers.items()}]""",
}
ENCODE = {
    "number": """\
        answers = train.targets[TARGETS[0]].to_numpy(np.float64)
        objective = {"objective": "$loss"}""",
    "log": """\
        answers = np.log1p(train.targets[TARGETS[0]].to_numpy(np.float64))
        objective = {"objective": "l2"}  # of logarithms, as the metric is""",
    "label": """\
        self.labels, answers = np.unique(
            train.targets[TARGETS[0]].to_numpy(object), return_inverse=True
        )
        objective = {"objective": "multiclass", "num_class": max(2, len(self.labels))}$weight""",
    "probability": """\
        answers = train.targets[TARGETS[0]].to_numpy(np.float64)
        objective = {"objective": "binary"}""",
    "probabilities": """\
        answers = train.targets[list(TARGETS)].to_numpy(np.float64).argmax(axis=1)
        objective = {"objective": "multiclass", "num_class": len(TARGETS)}""",
}
TRUTH = ((("0", "1"), "1"), (("False", "True"), "True"))
"""Labels that are their own probabilities, and which of them is the positive one."""
WEIGHT = """
        rare = np.sqrt(len(answers) / np.bincount(answers))  # they count more, as in the metric
        weight = rare[answers]"""
DECODE = {
    "number": """\
        target = competition.targets[0]
        predicted = {target.name: np.clip(raw, target.low, target.high)}""",
    "log": """\
        target = competition.targets[0]
        predicted = {target.name: np.clip(np.expm1(raw), target.low, target.high)}""",
    "label": """\
        predicted = {TARGETS[0]: self.labels[raw.argmax(axis=1) % len(self.labels)]}""",
    "probability": """\
        predicted = {TARGETS[0]: raw}""",
    "probabilities": """\
        predicted = dict(zip(TARGETS, raw.T, strict=True))""",
}


def _lines(entries: Iterable[str]) -> str:
    """Entries of a tuple: a line each where there are several."""
    found = list(entries)
    return (
        found[0] + "," if len(found) == 1 else "".join(f"\n        {e}," for e in found) + "\n    "
    )


def code(value: Any) -> str:
    """A value as Python source with double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list):
        inner = ", ".join(map(code, value)) + (
            "," if isinstance(value, tuple) and len(value) == 1 else ""
        )
        return f"({inner})" if isinstance(value, tuple) else f"[{inner}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{code(k)}: {code(v)}' for k, v in value.items())}}}"
    return repr(value)


@dataclass(frozen=True)
class Draft:
    """The folder of a plan."""

    plan: Plan

    def write(self, folder: Path) -> None:
        """Write every file but the split and the checksums."""
        (folder / "models").mkdir(parents=True)
        words = self._words()
        for name in FILES:
            template = Template((TEMPLATES / f"{name}.txt").read_text(encoding="utf-8"))
            (folder / name).write_text(template.substitute(words), encoding="utf-8")

    def _words(self) -> dict[str, str]:
        plan = self.plan
        log = plan.metric == "rmsle"
        how = "log" if log else plan.kind
        own = {
            "encode": Template(ENCODE[how]).substitute(
                loss="l1" if plan.metric == "mae" else "l2",
                weight="" if plan.metric in ("accuracy", "f1_micro", "f1_weighted") else WEIGHT,
            ),
            "decode": DECODE[how],
            "candidates": CANDIDATES.get(plan.kind, CANDIDATES["probability"]),
            "kind": "object" if plan.kind == "label" else "np.float64",
        }
        return {**self._facts(), **self._metric(), **self._data(), **self._readme(), **own}

    def _facts(self) -> dict[str, str]:
        plan = self.plan
        title = plan.name.replace("_", " ").capitalize()
        targets = _lines(self._target(name) for name in plan.columns)
        titles = {name: metrics.KNOWN[name] for name in self._scores()}
        scores = _lines(
            f"Score(name={code(name)}, title={code(k.title)}{', beside=True' if n == 1 else ''}"
            f"{'' if k.higher_is_better else ', higher_is_better=False, perfect=0.0'})"
            for n, (name, k) in enumerate(titles.items())
        )
        held = {
            How.GROUPED: f"rows of new groups of {plan.by}",
            How.TIME: f"rows that come later, by {plan.by}",
        }
        stratum = [
            f"name={code(plan.stratum)}, title={code(held.get(plan.how, 'test rows'))}",
            f"group={code(plan.unit)}",
            *([f"unseen=({code(plan.unit)},)"] if plan.unseen else []),
            *(["approximate=True"] if plan.how == How.TIME else []),
        ]
        members = {name: file_sha256(path) for name, path in plan.files.items()}
        more = f" and {plan.open_rows:,} open" if plan.open_rows else ""
        return {
            "name": code(plan.name),
            "folder": plan.name,
            "title": title,
            "title_text": code(title),
            "summary": code(f"Predict {plan.target}."),
            "summary_text": f"Predict {plan.target}.",
            "targets": targets,
            "scores": scores,
            "dataset_title": code(f"{plan.rows:,} labelled{more} rows"),
            "members": "".join(MEMBER.format(code(n), code(sha)) for n, sha in members.items()),
            "stratum": f"Stratum({', '.join(stratum)})",
            "halves_by": '    halves_by="group",\n'
            if plan.unseen and plan.how == How.GROUPED
            else "",
        }

    def _target(self, name: str) -> str:
        plan = self.plan
        if plan.kind == "label":
            return f"Target(name={code(name)}, label=True)"
        return f"Target(name={code(name)}, low={plan.low!r}, high={plan.high!r})"

    def _scores(self) -> tuple[str, ...]:
        return (self.plan.metric, *self.plan.known.beside)

    def _metric(self) -> dict[str, str]:
        plan = self.plan
        columns = code(plan.columns) if plan.kind == "probabilities" else code(plan.column)
        names = ", ".join(map(code, self._scores()))
        of = f", positive={code(plan.positive)}" if plan.kind == "label" and plan.positive else ""
        truth, said = self._example()
        ours = getattr(metrics, plan.known.family)
        where = plan.columns if plan.kind == "probabilities" else plan.column
        found = ours(where, *self._scores(), **({"positive": plan.positive} if of else {})).score(
            *({n: np.array(v, self._dtype()) for n, v in side.items()} for side in (truth, said))
        )
        return {
            "family": plan.known.family,
            "score": plan.metric,
            "score_title": plan.known.title,
            "column_text": ", ".join(plan.columns[:5]),
            "direction": "Higher" if plan.known.higher_is_better else "Lower",
            "direction_lower": "higher" if plan.known.higher_is_better else "lower",
            "metric": f"{plan.known.family}({columns}, {names}{of})",
            "truth": code(truth),
            "predicted": code(said),
            "dtype": ", dtype=object" if plan.kind == "label" else "",
            "expected": code({name: round(value, 9) for name, value in found.items()}),
        }

    def _dtype(self) -> Any:
        return object if self.plan.kind == "label" else np.float64

    def _example(self) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """A few rows of truth and predictions by column."""
        plan = self.plan
        if plan.kind == "number":
            return {plan.column: [1.0, 2.0, 3.0, 6.0]}, {plan.column: [1.0, 0.0, 3.0, 2.0]}
        if plan.kind == "label":
            b, a = (
                plan.positive or plan.classes[0],
                next(name for name in plan.classes if name != (plan.positive or plan.classes[0])),
            )
            return {plan.column: [a, a, b, b, b]}, {plan.column: [a, b, b, b, a]}
        if plan.kind == "probability":
            return {plan.column: [1.0, 0.0, 1.0, 0.0]}, {plan.column: [0.9, 0.2, 0.4, 0.4]}
        rest = (1 - 0.5) / (len(plan.columns) - 1)
        said = [0.5 if place == 0 else round(rest, 6) for place in range(len(plan.columns))]
        truth = [[1.0, 0.0] if n == 0 else [0.0, float(n == 1)] for n in range(len(plan.columns))]
        return (
            dict(zip(plan.columns, truth, strict=True)),
            {name: [value, value] for name, value in zip(plan.columns, said, strict=True)},
        )

    def _data(self) -> dict[str, str]:
        plan = self.plan
        raw = ['raw["train.csv"]', *(['raw["test.csv"]'] if "test.csv" in plan.files else [])]
        answers = {
            "number": f'    targets[{code(plan.column)}] = labelled[TARGET].astype("float64")',
            "label": f"    targets[{code(plan.column)}] = tables.labels(labelled[TARGET])",
            "probability": f"    yes = tables.labels(labelled[TARGET]) == {code(plan.positive)}\n"
            f'    targets[{code(plan.column)}] = yes.astype("float64")',
            "probabilities": "    label = tables.labels(labelled[TARGET])\n"
            + "\n".join(
                f'    targets[{code(column)}] = (label == {code(name)}).astype("float64")'
                for column, name in zip(plan.columns, plan.classes, strict=False)
            ),
        }
        groups = {
            How.GROUPED: "group=tables.labels(labelled[{by}])",
            How.TIME: "period=tables.periods(labelled[{by}])",
        }
        return {
            "row_id": code(plan.row_id),
            "target": code(plan.target),
            "dropped": code(list(plan.dropped)),
            "texts": code(list(plan.text)),
            "files": ", ".join(plan.files),
            "raw_files": ", ".join(raw),
            "merge": self._merge(),
            "answers": answers[plan.kind],
            "group": groups.get(plan.how, 'row=labelled["id"]').format(by=code(plan.by)),
            **self._given(),
        }

    def _merge(self) -> str:
        """Lines that put the answers of a solution into the rows."""
        plan = self.plan
        if "solution.csv" not in plan.files:
            return ""
        texts = code(list(plan.solution_text))
        usage = f"solution[{code(plan.usage)}].str.strip().str.lower()"
        scored = f'    solution = solution[{usage} != "ignored"].drop(columns={code(plan.usage)})\n'
        return (
            f'    solution = tables.read(raw["solution.csv"], row_id=ID, text={texts})\n'
            + (scored if plan.usage else "")
            + f'    answers = rows["id"].map(solution.set_index("id")[{code(plan.answer)}])\n'
            + "    rows[TARGET] = rows[TARGET].where(rows[TARGET].notna(), answers)\n"
        )

    def _given(self) -> dict[str, str]:
        """What a metric of others is given: the solution, or the answers and columns of train."""
        plan = self.plan
        given = 'given = tables.read(raw["train.csv"], row_id=ID, text=TEXT)'
        if "solution.csv" in plan.files:
            label = "" if plan.kind == "number" else f", label={code(plan.answer)}"
            train = "given[list(solution)], " if plan.whole else ""
            lines = f"    {given}\n" if train else ""
            return {"more": "", "given": lines, "rows": f"{train}solution{label}"}
        more = "GIVEN = []  # columns that a metric of others is given beside ids and answers\n"
        own = plan.kind in ("number", "label") or (plan.classes, plan.positive) in TRUTH
        if not own:
            lines = f'    {given}[["id", *GIVEN]].merge(targets, on="id")\n'
            return {"more": more, "given": lines, "rows": "given"}
        lines = f'    {given}[["id", TARGET, *GIVEN]]\n'
        named = (
            ""
            if plan.column == plan.target
            else f".rename(columns={{TARGET: {code(plan.column)}}})"
        )
        label = "" if plan.kind == "number" else f", label={code(plan.column)}"
        return {"more": more, "given": lines, "rows": f"given{named}{label}"}

    def _readme(self) -> dict[str, str]:
        plan = self.plan
        truth, said = self._example()
        head = [*(f"truth `{name}`" for name in truth), *(f"predicted `{name}`" for name in said)]
        columns = [*truth.values(), *said.values()]
        lines = [
            head,
            ["---"] * len(head),
            *([*map(str, row)] for row in zip(*columns, strict=True)),
        ]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        scores = json.loads(self._metric()["expected"])
        given = ", ".join(f"`{name}` {value:.4f}" for name, value in scores.items())
        words = {
            "number": f"the number `{plan.column}`, from {plan.low:g} to {plan.high:g},",
            "label": f"the label `{plan.column}` ({len(plan.classes)} classes)",
            "probability": f"`{plan.column}`, the probability that {plan.target} is "
            f"`{plan.positive}`,",
            "probabilities": f"the probability of each class of {plan.target}",
        }
        by = SPLIT_WORDS[plan.how].format(by=plan.by)
        if plan.test_ids is not None:
            by = "The rows of `test.csv` are test" + (
                ", public or private as `solution.csv` says." if plan.usage else "; half is public."
            )
        return {
            "column_words": words[plan.kind],
            "rows_words": f"There are {plan.rows:,} rows with answers"
            + (f" and {plan.open_rows:,} open ones without." if plan.open_rows else "."),
            "submission_columns": ", ".join(f"`{name}`" for name in ("id", *plan.columns)),
            "data_words": f"`raw/` has {', '.join(f'`{name}`' for name in plan.files)} as given; "
            f"`{plan.target}` is to be predicted"
            + (f", `{plan.row_id}` is the id." if plan.row_id else ", rows are numbered."),
            "split_words": by,
            "stratum_name": plan.stratum,
            "beside_words": ", ".join(f"`{name}`" for name in plan.known.beside),
            "example": f"{table}\n\nscores {given}.",
        }
