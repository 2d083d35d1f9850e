"""The conformance suite: what every competition and dataset must hold.

Behind `podium verify` and `tests/test_competitions.py`. A check is a function whose docstring
says what holds; it yields one line for each way in which it does not.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from podium import competition as competitions
from podium import data as datas
from podium import model as models
from podium import submission, training, workspace
from podium.boards import leaderboard
from podium.competition import Competition, Dataset
from podium.edition import PUBLIC, SOLUTION, checksums, file_sha256, is_ready
from podium.errors import MissingPackageError, ModelError, PodiumError, SubmissionError
from podium.model import ModelFile, Part
from podium.scoring import Solution, open_solution
from podium.stats import Cells, Estimate, Tally
from podium.training import Progress
from podium.verifying.probes import ADVICE, PROBES, Note

HEAVY = ("torch", "lightgbm", "optuna", "rich", "sqlalchemy")
"""What facts and metrics must not import."""
TINY = 400
"""Rows that models are tried on."""
TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one check found.

    Attributes:
        problem: Empty when it holds.
        skipped: Why it was not run, or why its finding is meant to be.
        note: What the organiser should look at; it fails nothing.
        advice: What to do about a problem or note.
    """

    competition: str
    dataset: str
    check: str
    problem: str = ""
    skipped: str = ""
    note: str = ""
    advice: str = ""


@dataclass(frozen=True)
class Case:
    """One dataset of one competition, prepared."""

    competition: Competition
    dataset: Dataset

    @cached_property
    def data(self) -> datas.Data:
        """The prepared data."""
        return datas.load(self.competition, self.dataset)

    @cached_property
    def solution(self) -> Solution:
        """The answers, by the one door."""
        return open_solution(self.data)

    @cached_property
    def split(self) -> pd.DataFrame:
        """The frozen split."""
        return pd.read_csv(self.data.file(f"{SOLUTION}/{datas.SPLIT}"), dtype={"id": str})

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Groups, part, fold and stratum of every labelled row that anybody is given."""
        test = self.data.table(f"{SOLUTION}/groups.parquet")
        given = [f"{PUBLIC}/{name}" for name in datas.FOLDS.values()]
        train = [self.data.table(n)[list(test.columns)] for n in given if self.data.has(n)]
        return pd.concat([*train, test]).merge(self.split, on="id", validate="one_to_one")

    @cached_property
    def sample(self) -> pd.DataFrame:
        """The sample submission."""
        return pd.read_csv(self.data.file(f"{PUBLIC}/{datas.SAMPLE}"), dtype={"id": str})

    @cached_property
    def models(self) -> dict[str, ModelFile]:
        """The shipped models whose packages are installed."""
        found = {}
        for name in self.competition.models:
            with contextlib.suppress(MissingPackageError):
                found[name] = models.load(self.competition, name)
        return found

    @cached_property
    def controls(self) -> dict[str, Estimate]:
        """What each control scores on all test rows."""
        found = {}
        for control in self.competition.controls:
            file = models.load(self.competition, control.model).with_params(control.params)
            predicted = training.predict_test(self.data, file)
            found[control.name] = self.solution.score(predicted)["all"].whole
        return found

    @property
    def best_control(self) -> tuple[str, Estimate]:
        """The control that scores best, and what it scores."""
        primary = self.competition.primary
        sign = 1 if primary.higher_is_better else -1
        return max(self.controls.items(), key=lambda entry: sign * entry[1].scores[primary.name])

    def score(self, table: pd.DataFrame) -> dict[str, float]:
        """All public scores of a predictions table, by the door that users take."""
        test = self.data.part
        aligned = submission.align(
            *(submission.from_pandas(table), self.competition, self.data.ids("test")),
            lambda: test("test"),
            self.data.genes,
        )
        return dict(self.solution.score(aligned)["public"].whole.scores)

    def tiny(self) -> tuple[Part, Part]:
        """A few train and test rows, taken evenly; generators are new at each call."""
        return _thin(self.data.train()), _thin(self.data.part("test"))


Check = Callable[[Case], Iterator[str]]


def imports_are_light(case: Case) -> Iterator[str]:
    """Facts and metric load without torch, lightgbm, optuna, rich and sqlalchemy."""
    folder = f"podium.competitions.{case.competition.name}"
    code = (
        f"import sys, json, podium.competitions as c; c.__path__ = {_roots()!r}\n"
        "from podium.metrics.foreign import standing_in\n"
        f"with standing_in():\n    import {folder}.competition, {folder}.metric\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        yield done.stderr.strip().splitlines()[-1]
        return
    loaded = set(json.loads(done.stdout))
    brought = {"rich"} if "sklearn" in loaded else set()  # by it, which metrics of others take
    for name in set(HEAVY) & loaded - brought:
        yield f"competition.py or metric.py imports {name}"


def facts_are_complete(case: Case) -> Iterator[str]:
    """README, metric, controls and the default dataset are there and agree."""
    found = case.competition
    if not (found.folder / "README.md").is_file():
        yield "README.md is missing"
    if not found.datasets[0].at_hand:
        yield "the default dataset is neither simulated nor beside competition.py"
    for name in set(found.accepted) - {title(check) for check in CHECKS}:
        yield f"accepted names no check: {name!r}"
    for control in found.controls:
        if control.model not in found.models:
            yield f"control {control.name!r} names no model: {control.model}"
    scores = set(found.metric.score(case.solution.targets, case.solution.targets))
    declared = {score.name for score in found.scores}
    if scores != declared:
        yield f"metric gives {sorted(scores)}, competition.py declares {sorted(declared)}"


def checksums_agree(case: Case) -> Iterator[str]:
    """Prepared files are whole, and content and split are those of checksums.json."""
    known = checksums(case.competition).get(case.dataset.name)
    if known is None and case.dataset.frozen:
        yield f"checksums.json does not have {case.dataset.name}"
    for name in datas.damaged(case.data):
        yield f"{case.data.folder / name} is missing or changed"


def parts_are_disjoint_and_complete(case: Case) -> Iterator[str]:
    """Every row has one part; test rows have a stratum, train rows a fold; both halves are full."""
    split, strata = case.split, [stratum.name for stratum in case.competition.strata]
    if not split["id"].is_unique:
        yield f"{int(split['id'].duplicated().sum())} ids are in two parts"
    test = split[split["part"].isin(["public", "private"])]
    unknown = set(split["part"]) - {"train", "public", "private", "open", "extra", "unused"}
    if unknown:
        yield f"unknown parts: {sorted(unknown)}"
    for name in ("train", "extra"):
        lacking = int(split.loc[split["part"] == name, "fold"].isna().sum())
        if lacking:
            yield f"{lacking} {name} rows have no fold"
    here = [stratum for stratum in strata if (test["stratum"] == stratum).any()]
    for part, stratum in [(part, s) for part in ("public", "private") for s in here]:
        if not ((test["part"] == part) & (test["stratum"] == stratum)).any():
            yield f"the {part} half has no rows of {stratum}"
    if not test["stratum"].isin(strata).all():
        yield "test rows have unknown strata"


def groups_keep_apart(case: Case) -> Iterator[str]:
    """No group is shared where the facts say that it is not: train, test, halves and folds."""
    rows = case.groups
    learnt = rows["part"].isin(datas.FOLDS)
    train, test = rows[learnt], rows[~learnt]
    for stratum in case.competition.strata:
        for kind in stratum.unseen:
            held = test.loc[test["stratum"] == stratum.name, kind]
            shared = set(held) & set(train[kind])
            if shared:
                yield f"{len(shared)} {kind}s of {stratum.name} are in train: {_some(shared)}"
            for fold, inside in train.groupby("fold"):
                held = inside.loc[inside["stratum"] == stratum.name, kind]
                shared = set(held) & set(train.loc[train["fold"] != fold, kind])
                if shared:
                    yield f"fold {fold:.0f}: {len(shared)} {kind}s of {stratum.name} train"
    whole = case.competition.halves_by
    if whole:
        halves = test.groupby(whole)["part"].nunique()
        if (halves > 1).any():
            yield f"{int((halves > 1).sum())} {whole}s are in both halves of the test part"


def answers_are_apart(case: Case) -> Iterator[str]:
    """No target, part or stratum stands among the files that competitors get."""
    hidden = {"part", "stratum", "fold", *(target.name for target in case.competition.targets)}
    for part in ["test", *(["open"] if case.data.has_open else [])]:
        columns = set(case.data.part(part).features.columns) & hidden
        if columns:
            yield f"{part}.parquet has {sorted(columns)}"
    public = {file.name for file in (case.data.folder / PUBLIC).iterdir()}
    expected = {"train.parquet", "folds.parquet", "test.parquet", "open.parquet", datas.SAMPLE}
    expected |= {"extra.parquet", "extra.folds.parquet", datas.TRUTH}
    for part in ("train", "test", "open", "extra"):
        expected |= {f"{part}.h5", f"{part}{datas.SEQUENCES}"}
    if public - expected:
        yield f"unexpected public files: {sorted(public - expected)}"


def perfect_beats_controls(case: Case) -> Iterator[str]:
    """The answers reach the declared perfect score, and every control stays below them."""
    primary = case.competition.primary
    best = case.solution.perfect()["all"].whole.scores
    for score in case.competition.scores:
        if score.perfect is not None and abs(best[score.name] - score.perfect) > TOLERANCE:
            yield f"{score.name} of the answers is {best[score.name]}, not {score.perfect}"
    sign = 1 if primary.higher_is_better else -1
    for name, estimate in case.controls.items():
        found = estimate.scores[primary.name]
        if sign * found >= sign * best[primary.name]:
            yield f"{name} scores {found}, the answers {best[primary.name]}"


def scores_do_not_depend_on_order(case: Case) -> Iterator[str]:
    """Rows and columns in any order, scored twice: the same finite scores."""
    expected = case.score(case.sample)
    shuffled = case.sample.sample(frac=1, random_state=0)[case.sample.columns[::-1]]
    for other in (case.score(case.sample), case.score(shuffled)):
        if other != expected:
            yield f"{other} is not {expected}"
    if not np.isfinite(list(expected.values())).all():
        yield f"not finite: {expected}"


def metric_is_a_sum(case: Case) -> Iterator[str]:
    """Scores from sums over cells equal the metric on all rows at once."""
    targets = case.solution.targets
    rows = case.data.ids("test")
    table = submission.from_pandas(case.sample)
    predictions = submission.align(table, case.competition, rows, genes=case.data.genes)
    cells = Cells.of(np.arange(len(rows)) % 7)
    found = Tally.of(case.competition.metric, targets, predictions, cells)
    card = found.card(case.competition.primary.name, [])
    for name, value in case.competition.metric.score(targets, predictions).items():
        if abs(card.whole.scores[name] - value) > TOLERANCE * max(1.0, abs(value)):
            yield f"{name}: {card.whole.scores[name]} by cells, {value} at once"


def bad_files_are_refused(case: Case) -> Iterator[str]:
    """Each kind of broken predictions is refused with its own message."""
    for broken, words in _broken(case):
        try:
            case.score(broken)
        except SubmissionError as error:
            if words not in str(error):
                yield f"the message for {words!r} is: {error}"
        else:
            yield f"a file with {words!r} was scored"


def board_is_whole(case: Case) -> Iterator[str]:
    """The board's database is sound, and every record's predictions are kept as they came in."""
    board = leaderboard.find_board(workspace.database_url())
    if board is None:
        return
    yield from board.damage()
    shared = "PODIUM_DB" in os.environ  # with workspaces that keep their own files
    for name, sha256 in board.kept(case.competition.name, case.dataset.name):
        file = workspace.root() / name
        if not file.is_file():
            if not shared:
                yield f"{name} is missing"
        elif file_sha256(file) != sha256:
            yield f"{name} has changed since it was handed in"


def models_keep_the_contract(case: Case) -> Iterator[str]:
    """Every model fits a few rows, predicts what can be scored, and repeats itself."""
    train, test = case.tiny()
    ids = pa.array(test.ids, type=pa.string())
    for name, file in case.models.items():
        file = file.with_params(getattr(file.module, "QUICK", {}))
        try:
            json.dumps(file.params)
            first, second = (_predictions(file, case.tiny()) for _ in range(2))
            if not first.equals(second):
                yield f"{name}: the same seed gave other predictions"
            submission.align(first, case.competition, ids, genes=case.data.genes)
        except (PodiumError, TypeError) as error:
            if len(train) or not isinstance(error, ModelError):  # some models need train rows
                yield f"{name}: {error}"


def spaces_yield_parameters(case: Case) -> Iterator[str]:
    """Every model's search space gives parameters that its `build` accepts."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for name, file in case.models.items():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for _ in range(3):
            try:
                file.with_params(file.module.space(study.ask())).build(0)
            except PodiumError as error:
                yield f"{name}: {error}"


CHECKS: tuple[Check, ...] = (
    imports_are_light,
    facts_are_complete,
    checksums_agree,
    parts_are_disjoint_and_complete,
    groups_keep_apart,
    answers_are_apart,
    perfect_beats_controls,
    scores_do_not_depend_on_order,
    metric_is_a_sum,
    bad_files_are_refused,
    models_keep_the_contract,
    spaces_yield_parameters,
    board_is_whole,
    *PROBES,
)


def title(check: Check) -> str:
    """A check's name as people read it."""
    return check.__name__.replace("_", " ")


def verify(
    competition: str | None = None,
    dataset: str | None = None,
    *,
    progress: Progress | None = None,
) -> Iterator[Verdict]:
    """Run the suite; real datasets that are not prepared are skipped and say so.

    Args:
        competition: One competition, or the path of its folder; None for all.
        dataset: One of its datasets; None for all.
        progress: Shows the checks.
    """
    if competition and ("/" in competition or os.sep in competition):
        competition = competitions.at(Path(competition))
    for name in [competition] if competition else competitions.names():
        try:
            found = competitions.load(name)
            checksums(found)
        except PodiumError as error:
            if competition:
                raise
            yield Verdict(competition=name, dataset="-", check="facts load", problem=str(error))
            continue
        chosen = [found.dataset(dataset)] if dataset else found.datasets
        for edition in chosen:
            yield from verify_dataset(Case(found, edition), progress)


def verify_dataset(case: Case, progress: Progress | None = None) -> Iterator[Verdict]:
    """Run the suite on one dataset."""
    names = {"competition": case.competition.name, "dataset": case.dataset.name}
    try:
        case.data  # noqa: B018  prepares it
    except PodiumError as error:
        if case.dataset.at_hand or is_ready(case.competition, case.dataset):
            yield Verdict(**names, check="data", problem=str(error))
        else:
            yield Verdict(**names, check="data", skipped=f"skipped: {error.hint}")
        return
    for check in CHECKS:
        if progress:
            progress.stage(f"{case.competition.name}/{case.dataset.name}: {title(check)}")
        yield judged(case, check)
    absent = sorted(set(case.competition.models) - set(case.models))
    if absent:
        reason = f"skipped: {', '.join(absent)} need packages that are not installed"
        yield Verdict(**names, check=title(models_keep_the_contract), skipped=reason)


def judged(case: Case, check: Check) -> Verdict:
    """Run one check."""
    names = {"competition": case.competition.name, "dataset": case.dataset.name}
    name, problems, notes = title(check), list[str](), list[str]()
    try:
        for line in check(case):
            (notes if isinstance(line, Note) else problems).append(line)
    except PodiumError as error:
        problems.append(str(error))
    found = {"problem": "; ".join(problems), "note": "; ".join(notes)}
    why = case.competition.accepted.get(name)
    if problems and why:
        return Verdict(**names, check=name, skipped=f"accepted: {why} ({found['problem']})")
    advice = ADVICE.get(check.__name__, "") if problems or notes else ""
    return Verdict(**names, check=name, **found, advice=advice)


def _broken(case: Case) -> Iterator[tuple[pd.DataFrame, str]]:
    """Broken copies of the sample submission, each with words that its message must have."""
    good, target = case.sample, case.competition.targets[0]
    name = case.data.genes[-1] if target.matrix else target.name
    words = f"1 column missing: '{name}'" if target.matrix else f"column '{name}' is missing"
    yield good.drop(columns=name), words
    yield good.drop(columns="id"), "column 'id' is missing"
    yield good.copy().assign(extra=1), "unexpected column"
    yield good.iloc[:-1], "missing"
    yield pd.concat([good, good.iloc[:1]]), "more than once"
    yield good.assign(id=[*good["id"][:-1], "no such id"]), "unknown id"
    yield good.assign(id=pd.Series([*good["id"][:-1], None], dtype=object)), "without an id"
    yield good.iloc[:0], "no rows"
    values = good[name].astype(object)
    if target.label:
        yield good.assign(**{name: [*values[:-1], None]}), "missing or NaN"
        yield good.assign(**{name: 0.5}), "whole numbers or text are expected"
        return
    cases: list[tuple[Any, str]] = [
        (None, "missing or NaN"),
        (float("nan"), "missing or NaN"),
        (float("inf"), "infinite"),
        ("high", "no number"),
    ]
    if np.isfinite(target.low):
        cases.append((np.nextafter(target.low, -np.inf), "outside"))
    if np.isfinite(target.high):
        cases.append((np.nextafter(target.high, np.inf), "outside"))
    for value, words in cases:
        column = pd.Series([*values[:-1], value], index=good.index)
        text = isinstance(value, str)
        yield good.assign(**{name: column.astype(str if text else float)}), words


def _predictions(file: ModelFile, parts: tuple[Part, Part]) -> pa.Table:
    """Fit and predict with the defaults and seed 0."""
    train, test = parts
    fitted = training.fit(file, 0, train)
    return submission.from_pandas(training.predict(file, fitted, test))


def _thin(part: Part) -> Part:
    thinned = part.take(np.arange(0, len(part), max(1, len(part) // TINY)))
    return replace(thinned, extra=thinned.extra and _thin(thinned.extra))


def _some(names: set[str]) -> str:
    return ", ".join(sorted(map(str, names))[:3])


def _roots() -> list[str]:
    import podium.competitions

    return list(podium.competitions.__path__)
