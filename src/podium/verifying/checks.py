"""The checks themselves: each docstring says what holds, each line yielded how it does not."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from io import BytesIO, StringIO
from typing import Any

import numpy as np
import pandas as pd

from podium import scratch, workspace
from podium.columns import first
from podium.competition.version import PUBLIC, checksums, read_golden
from podium.data import dataset as datas
from podium.data import formats, raw
from podium.errors import BoardError, ModelError, PodiumError, SubmissionError
from podium.execution import training
from podium.execution.folds import predictions_limit
from podium.execution.worker import Worker
from podium.leaderboard import files, leaderboard
from podium.leaderboard.record import OWN
from podium.machine import python
from podium.metrics.stats import Cells, Tally
from podium.scoring import submission
from podium.scoring.scoring import changed_cells
from podium.scratch import file_sha256
from podium.verifying.board import BOARD
from podium.verifying.broken import broken_files
from podium.verifying.case import Case, Check
from podium.verifying.probes import PROBES, Note

HEAVY = ("torch", "lightgbm", "optuna", "rich", "sqlalchemy")
"""What facts and metrics must not import."""
TOLERANCE = 1e-9


def imports_are_light(case: Case) -> Iterator[str]:
    """Facts and metric load without torch, lightgbm, optuna, rich and sqlalchemy."""
    folder = f"podium.competitions.{case.competition.name}"
    code = (
        f"import sys, json, podium.competitions as c; c.__path__ = {_roots()!r}\n"
        "from podium.competition.foreign import stub_modules\n"
        f"with stub_modules():\n    import {folder}.competition, {folder}.metric\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        python("-c", code), capture_output=True, text=True, timeout=60, check=False
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
    scores = set(found.metric.score(case.solution.targets, case.solution.answers))
    declared = {score.name for score in found.scores}
    if scores != declared:
        yield f"metric gives {sorted(scores)}, competition.py declares {sorted(declared)}"


def checksums_agree(case: Case) -> Iterator[str]:
    """Prepared files are whole, and content and split are those of checksums.json."""
    known = checksums(case.competition).get(case.dataset.name)
    if known is None and case.dataset.frozen:
        yield f"checksums.json does not have {case.dataset.name}"
    cells = changed_cells(case.data)
    for name in [*datas.damaged(case.data), *([cells] if cells else [])]:
        yield f"{case.data.folder / name} is missing or changed"


def answers_follow_from_raw_files(case: Case) -> Iterator[str]:
    """Raw files beside `competition.py`, or the simulator, give the same data and answers again."""
    if not case.dataset.at_hand:
        return
    table = datas.split_table(case.competition, case.dataset, case.built)
    for what, sha256 in datas.content(case.built, table).items():
        if sha256 != case.data.manifest[what]:
            yield f"the prepared {what} is another"
    split = datas.read_split(BytesIO(table)).set_index("id")
    rows = case.built.targets["id"].isin(case.scored_rows["id"]).to_numpy()
    plain = datas.with_plain_labels(case.competition, case.built)
    truth = None if case.built.truth is None else case.built.truth.take(rows)
    expected = datas.target_columns(case.competition, plain.targets[rows], truth)
    for name, right in expected.items():
        if not _same(case.solution.answers[name], right):
            yield f"the answers {name} are others"
    given = case.built.groups.merge(split, left_on="id", right_index=True)[rows]
    for name in case.scored_rows.columns:
        if not _same(case.scored_rows[name].to_numpy(), given[name].to_numpy()):
            yield f"{name} of the test rows is another"


def raw_files_are_those_that_were_frozen(case: Case) -> Iterator[str]:
    """Raw files beside `competition.py`, and kept downloads, have their sha256."""
    yield from raw.changed(case.competition, case.dataset)


def metric_is_that_of_its_version(case: Case) -> Iterator[str]:
    """The metric gives the golden scores that were committed for its version."""
    known = read_golden(case.competition)
    if case.dataset.frozen and (known is None or case.dataset.name not in known["scores"]):
        yield f"no golden scores: podium freeze {case.competition.name}"
        return
    case.solution.check_metric()
    if known and (scores := known["scores"].get(case.dataset.name)):
        mute = [how for how, figures in scores.items() if set(figures.values()) == {None}]
        if len(mute) == len(scores):
            yield Note("the metric refuses all fixed predictions: a change of it goes unseen")


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
    expected |= {"extra.parquet", "extra.folds.parquet", datas.TRUTH, datas.ANSWER_ROWS}
    for part in ("train", "test", "open", "extra"):
        expected |= {f"{part}.h5", f"{part}{datas.SEQUENCES}"}
    if public - expected:
        yield f"unexpected public files: {sorted(public - expected)}"


def perfect_beats_controls(case: Case) -> Iterator[str]:
    """The answers reach the perfect score, in a file as well, and every control stays below."""
    for name, why in case.unscorable.items():
        yield Note(f"control {name!r} cannot be scored and is left out: {why}")
    primary = case.competition.primary
    best = case.solution.perfect()["all"].whole.scores
    for score in case.competition.scores:
        if score.perfect is not None and abs(best[score.name] - score.perfect) > TOLERANCE:
            yield f"{score.name} of the answers is {best[score.name]}, not {score.perfect}"
    yield from _in_a_file(case, best)
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


def a_metric_of_others_scores_as_by_itself(case: Case) -> Iterator[str]:
    """A metric of others gives the same score when it is called on the organiser's own tables."""
    others = case.competition.metric.others
    if others is None or not case.dataset.at_hand:
        return
    prepared = case.built
    ids = case.data.ids("test").to_pylist()
    answers = prepared.answers
    if answers is None:
        answers = prepared.targets.merge(prepared.groups[["id", *case.competition.metric_by]])
    answers = _as_read(answers.set_index(answers["id"].astype(str)).loc[ids])
    other = np.random.default_rng(0).permutation(len(ids))
    mixed = {name: np.asarray(values)[other] for name, values in case.solution.answers.items()}
    said = _as_read(submission.frame(ids, mixed))
    try:
        expected = others(answers, said)
    except PodiumError as error:
        yield f"by itself: {error}"
        return
    found = case.solution.score(mixed)["all"].whole.scores[case.competition.primary.name]
    if abs(found - expected) > TOLERANCE * max(1.0, abs(expected)):
        yield f"the answers mixed up score {found}, and {expected} when it is called by itself"


def bad_files_are_refused(case: Case) -> Iterator[str]:
    """Each kind of broken predictions is refused with its own message."""
    for broken, words in broken_files(case):
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
    names = case.competition.name, case.dataset.name
    lost = list(files.unrecorded(*names, board.files(*names) if board else ()))
    if lost:
        yield (
            f"no record names {first(lost, len(lost))}: the database or its log (-wal) was cut "
            f"or replaced; put it back, or record them again: podium score-all {names[0]}"
        )
    if board is None:
        return
    yield from board.damage()
    shared = "PODIUM_DB" in os.environ  # with workspaces that keep their own files
    for record in board.records(*names, [OWN]):
        if record.file and (not shared or files.find(record)):
            try:
                files.checked(record)
            except BoardError as error:
                yield error.message


def models_keep_the_contract(case: Case) -> Iterator[str]:
    """Every model fits a few rows, predicts what can be scored, and repeats itself."""
    for name, worker in case.models():
        try:
            first, second = (_predictions(case, worker) for _ in range(2))
            if first != second:
                yield f"{name}: the same seed gave other predictions"
        except PodiumError as error:
            if case.data.rows("train") or not isinstance(error, ModelError):  # some need train rows
                yield f"{name}: {error}"


def spaces_yield_parameters(case: Case) -> Iterator[str]:
    """Every model's search space gives parameters that its `build` accepts."""
    import optuna

    from podium.tuning import studies

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for name, worker in case.models():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for number in range(3):
            try:
                worker.build(worker.space(partial(studies.suggest, study.ask()), number))
            except PodiumError as error:
                yield f"{name}: {error}"


CHECKS: tuple[Check, ...] = (
    imports_are_light,
    facts_are_complete,
    checksums_agree,
    answers_follow_from_raw_files,
    raw_files_are_those_that_were_frozen,
    metric_is_that_of_its_version,
    parts_are_disjoint_and_complete,
    groups_keep_apart,
    answers_are_apart,
    perfect_beats_controls,
    scores_do_not_depend_on_order,
    metric_is_a_sum,
    a_metric_of_others_scores_as_by_itself,
    bad_files_are_refused,
    models_keep_the_contract,
    spaces_yield_parameters,
    board_is_whole,
    *BOARD,
    *PROBES,
)


def title(check: Check) -> str:
    """A check's name as people read it."""
    return check.__name__.replace("_", " ")


def _predictions(case: Case, worker: Worker) -> str:
    """The sha256 of what a model predicts for a few rows, with few trainings and seed 0."""
    part, data = case.tiny, case.data
    done = worker.predict(worker.quick, {"test": predictions_limit(data, len(part))}, seed=0)
    table = formats.read(done.files["test"], case.competition, len(part), data.genes)
    training.aligned(data, table, part)
    return file_sha256(done.files["test"])


def _in_a_file(case: Case, best: Mapping[str, float]) -> Iterator[str]:
    """What the answers do not score when they are handed in as a file.

    A matrix is another matter: observed counts stay in a submission, whatever the truth is.
    """
    if case.competition.matrix:
        return
    ids, data = case.data.ids("test"), case.data
    table = submission.frame(ids.to_pylist(), case.solution.answers, data.genes)
    with scratch.directory("podium-answers-") as folder:
        for write, name in ((table.to_csv, "answers.csv"), (table.to_parquet, "answers.parquet")):
            write(folder / name, index=False)
            try:
                said = submission.check(folder / name, data)
            except SubmissionError as error:
                yield f"the answers as {name} are refused: {error}"
                continue
            scores = case.solution.score(said)["all"].whole.scores
            for score, value in scores.items():
                if abs(value - best[score]) > TOLERANCE * max(1.0, abs(best[score])):
                    yield f"{score} of the answers is {value} as {name}, and {best[score]} as such"


def _same(a: Any, b: Any) -> bool:
    """Whether two columns have the same values; what is missing in both is the same."""
    if a.shape != b.shape:
        return False
    if a.ndim > 1:
        return not (a != b).nnz
    return bool(((a == b) | (pd.isna(a) & pd.isna(b))).all())


def _as_read(table: pd.DataFrame) -> pd.DataFrame:
    """A table as pandas reads it from the file that pandas writes."""
    text = StringIO(table.to_csv(index=False))
    return pd.read_csv(text, keep_default_na=False, na_values=[""])


def _some(names: set[str]) -> str:
    return ", ".join(sorted(map(str, names))[:3])


def _roots() -> list[str]:
    import podium.competitions

    return list(podium.competitions.__path__)
