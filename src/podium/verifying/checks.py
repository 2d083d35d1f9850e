"""The checks themselves: each docstring says what holds, each line yielded how it does not."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from functools import partial
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium import scratch
from podium.columns import first
from podium.competition.version import PUBLIC, checksums, read_golden
from podium.data import dataset as datas
from podium.data import raw, reader
from podium.data.beside import TABLE
from podium.errors import BoardError, ModelError, PodiumError, SubmissionError
from podium.execution import training
from podium.leaderboard import files
from podium.leaderboard.record import OWN
from podium.machine import python
from podium.metrics.stats import Cells, Tally
from podium.scoring import submission
from podium.scoring.scoring import changed_cells
from podium.scratch import file_sha256
from podium.verifying.broken import broken_files
from podium.verifying.under_test import DatasetUnderTest, Note

if TYPE_CHECKING:
    from podium.execution.worker import Worker

HEAVY = ("torch", "lightgbm", "optuna", "rich", "sqlalchemy")
"""What facts and metrics must not import."""
TOLERANCE = 1e-9
PARTS = {"train", "public", "private", "open", "extra", "unused"}
"""What a split may give a row to."""


def imports_are_light(tested: DatasetUnderTest) -> Iterator[str]:
    """Facts and metric load without torch, lightgbm, optuna, rich and sqlalchemy."""
    import podium.competitions

    folder = f"podium.competitions.{tested.competition.name}"
    roots = list(podium.competitions.__path__)
    code = (
        f"import sys, json, podium.competitions as c; c.__path__ = {roots!r}\n"
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


def checksums_agree(tested: DatasetUnderTest) -> Iterator[str]:
    """Prepared files are whole, and content and split are those of checksums.json."""
    known = checksums(tested.competition).get(tested.dataset.name)
    if known is None and tested.dataset.frozen:
        yield f"checksums.json does not have {tested.dataset.name}"
    cells = changed_cells(tested.data)
    for name in [*datas.damaged(tested.data), *([cells] if cells else [])]:
        yield f"{tested.data.folder / name} is missing or changed"


def answers_follow_from_raw_files(tested: DatasetUnderTest) -> Iterator[str]:
    """Raw files beside `competition.py`, or the simulator, give the same data and answers again."""
    if not tested.dataset.at_hand:
        return
    table = datas.split_table(tested.competition, tested.dataset, tested.built)
    for what, sha256 in datas.content(tested.built, table).items():
        if sha256 != tested.data.manifest[what]:
            yield f"the prepared {what} is another"
    split = datas.read_split(BytesIO(table)).set_index("id")
    rows = tested.built.targets["id"].isin(tested.scored_rows["id"]).to_numpy()
    plain = datas.with_plain_labels(tested.competition, tested.built)
    truth = None if tested.built.truth is None else tested.built.truth.take(rows)
    expected = datas.target_columns(tested.competition, plain.targets[rows], truth)
    for name, right in expected.items():
        if not _same(tested.solution.answers[name], right):
            yield f"the answers {name} are others"
    given = tested.built.groups.merge(split, left_on="id", right_index=True)[rows]
    for name in tested.scored_rows.columns:
        if not _same(tested.scored_rows[name].to_numpy(), given[name].to_numpy()):
            yield f"{name} of the test rows is another"


def raw_files_are_those_that_were_frozen(tested: DatasetUnderTest) -> Iterator[str]:
    """Raw files beside `competition.py`, and kept downloads, have their sha256."""
    yield from raw.changed(tested.competition, tested.dataset)


def metric_is_that_of_its_version(tested: DatasetUnderTest) -> Iterator[str]:
    """The metric gives the golden scores that were committed for its version."""
    known = read_golden(tested.competition)
    if tested.dataset.frozen and (known is None or tested.dataset.name not in known["scores"]):
        yield f"no golden scores: podium freeze {tested.competition.name}"
        return
    tested.best  # noqa: B018  a metric that fails has no other scores: it says so itself
    tested.solution.check_metric()
    if known and (scores := known["scores"].get(tested.dataset.name)):
        mute = [how for how, figures in scores.items() if set(figures.values()) == {None}]
        if len(mute) == len(scores):
            yield Note("the metric refuses all fixed predictions: a change of it goes unseen")


def parts_are_disjoint_and_complete(tested: DatasetUnderTest) -> Iterator[str]:
    """Every row has one part; test rows have a stratum, train rows a fold; both halves are full."""
    split, strata = tested.split, [stratum.name for stratum in tested.competition.strata]
    if not split["id"].is_unique:
        yield f"{int(split['id'].duplicated().sum())} ids are in two parts"
    test = split[split["part"].isin(["public", "private"])]
    if unknown := set(split["part"]) - PARTS:
        yield f"unknown parts: {sorted(unknown)}"
    for name in ("train", "extra"):
        if lacking := int(split.loc[split["part"] == name, "fold"].isna().sum()):
            yield f"{lacking} {name} rows have no fold"
    here = [stratum for stratum in strata if (test["stratum"] == stratum).any()]
    for part, stratum in [(part, s) for part in ("public", "private") for s in here]:
        if not ((test["part"] == part) & (test["stratum"] == stratum)).any():
            yield f"the {part} half has no rows of {stratum}"
    if not test["stratum"].isin(strata).all():
        yield "test rows have unknown strata"


def groups_keep_apart(tested: DatasetUnderTest) -> Iterator[str]:
    """No group is shared where the facts say that it is not: train, test, halves and folds."""
    rows = tested.groups
    learnt = rows["part"].isin(datas.FOLDS)
    train, test = rows[learnt], rows[~learnt]
    for stratum in tested.competition.strata:
        for kind in stratum.unseen:
            held = test.loc[test["stratum"] == stratum.name, kind]
            if shared := set(held) & set(train[kind]):
                some = ", ".join(sorted(map(str, shared))[:3])
                yield f"{len(shared)} {kind}s of {stratum.name} are in train: {some}"
            for fold, inside in train.groupby("fold"):
                held = inside.loc[inside["stratum"] == stratum.name, kind]
                if shared := set(held) & set(train.loc[train["fold"] != fold, kind]):
                    yield f"fold {fold:.0f}: {len(shared)} {kind}s of {stratum.name} train"
    if whole := tested.competition.halves_by:
        halves = test.groupby(whole)["part"].nunique()
        if (halves > 1).any():
            yield f"{int((halves > 1).sum())} {whole}s are in both halves of the test part"


def answers_are_apart(tested: DatasetUnderTest) -> Iterator[str]:
    """No target, part or stratum stands among the files that competitors get."""
    hidden = {"part", "stratum", "fold", *(target.name for target in tested.competition.targets)}
    for part in ["test", *(["open"] if tested.data.has_open else [])]:
        if columns := set(tested.data.part(part).features.columns) & hidden:
            yield f"{part}.parquet has {sorted(columns)}"
    for name, table in tested.data.tables.items():
        if columns := set(table.columns) & hidden:
            yield f"the table {name} has {sorted(columns)}"
    public = {file.name for file in (tested.data.folder / PUBLIC).iterdir()}
    expected = {"train.parquet", "folds.parquet", "test.parquet", "open.parquet", datas.SAMPLE}
    expected |= {datas.FILES} if tested.data.files else set()
    expected |= {"extra.parquet", "extra.folds.parquet", datas.TRUTH, datas.ANSWER_ROWS}
    for part in ("train", "test", "open", "extra"):
        expected |= {f"{part}.h5", f"{part}{datas.SEQUENCES}"}
    expected |= {f"{name}{TABLE}" for name in tested.data.tables}
    if unexpected := public - expected:
        yield f"unexpected public files: {sorted(unexpected)}"


def perfect_beats_controls(tested: DatasetUnderTest) -> Iterator[str]:
    """The answers reach the perfect score, in a file as well, and every control stays below."""
    for name, why in tested.tried_controls.items():
        if isinstance(why, str):
            yield Note(f"control {name!r} cannot be scored and is left out: {why}")
    for score in tested.competition.scores:
        if score.perfect is not None and abs(tested.best[score.name] - score.perfect) > TOLERANCE:
            yield f"{score.name} of the answers is {tested.best[score.name]}, not {score.perfect}"
    yield from _in_a_file(tested)
    primary = tested.competition.primary.name
    for name, estimate in tested.controls.items():
        if tested.sign * estimate.scores[primary] >= tested.sign * tested.best[primary]:
            yield f"{name} scores {estimate.scores[primary]}, the answers {tested.best[primary]}"


def scores_do_not_depend_on_order(tested: DatasetUnderTest) -> Iterator[str]:
    """Rows and columns in any order, scored twice: the same finite scores."""
    expected = tested.score(tested.sample)
    shuffled = tested.sample.sample(frac=1, random_state=0)[tested.sample.columns[::-1]]
    for other in (tested.score(tested.sample), tested.score(shuffled)):
        if other != expected:
            yield f"{other} is not {expected}"
    if not np.isfinite(list(expected.values())).all():
        yield f"not finite: {expected}"


def metric_is_a_sum(tested: DatasetUnderTest) -> Iterator[str]:
    """Scores from sums over cells equal the metric on all rows at once."""
    targets = tested.solution.targets
    rows = tested.data.ids("test")
    table = submission.from_pandas(tested.sample)
    predictions = submission.align(table, tested.competition, rows, genes=tested.data.genes)
    cells = Cells.of(np.arange(len(rows)) % 7)
    sums = Tally.of(tested.competition.metric, targets, predictions, cells)
    by_cells = sums.card(tested.competition.primary.name, []).whole.scores
    for name, value in tested.competition.metric.score(targets, predictions).items():
        if _differs(by_cells[name], value):
            yield f"{name}: {by_cells[name]} by cells, {value} at once"


def a_metric_of_others_scores_as_by_itself(tested: DatasetUnderTest) -> Iterator[str]:
    """A metric of others gives the same score when it is called on the organiser's own tables."""
    others = tested.competition.metric.others
    if others is None or not tested.dataset.at_hand:
        return
    prepared = tested.built
    ids = tested.data.ids("test").to_pylist()
    answers = prepared.answers
    if answers is None:
        answers = prepared.targets.merge(prepared.groups[["id", *tested.competition.metric_by]])
    answers = _as_read(answers.set_index(answers["id"].astype(str)).loc[ids])
    other = np.random.default_rng(0).permutation(len(ids))
    mixed = {name: np.asarray(values)[other] for name, values in tested.solution.answers.items()}
    said = _as_read(submission.frame(ids, mixed))
    expected = others(answers, said)
    score = tested.estimate(mixed).scores[tested.competition.primary.name]
    if _differs(score, expected):
        yield f"the answers mixed up score {score}, and {expected} when it is called by itself"


def bad_files_are_refused(tested: DatasetUnderTest) -> Iterator[str]:
    """Each kind of broken predictions is refused with its own message."""
    for broken, words in broken_files(tested):
        try:
            tested.score(broken)
        except SubmissionError as error:
            if words not in str(error):
                yield f"the message for {words!r} is: {error}"
        else:
            yield f"a file with {words!r} was scored"


def board_is_whole(tested: DatasetUnderTest) -> Iterator[str]:
    """The board's database is sound, and every record's predictions are kept as they came in."""
    contest = tested.contest
    lost = list(files.unrecorded(contest))
    if lost:
        yield (
            f"no record names {first(lost, len(lost))}: the database or its log (-wal) was cut "
            "or replaced; put it back, or record them again: "
            f"podium score-all {contest.competition.name}"
        )
    yield from contest.board.damage()
    shared = "PODIUM_DB" in os.environ  # with workspaces that keep their own files
    for record in contest.records([OWN]):
        if record.file and (not shared or files.find(record)):
            try:
                files.checked(record)
            except BoardError as error:
                yield error.message


def models_keep_the_contract(tested: DatasetUnderTest) -> Iterator[str]:
    """Every model fits a few rows, predicts what can be scored, and repeats itself."""
    for name, worker in tested.models():
        try:
            first, second = (_predictions(tested, worker) for _ in range(2))
            if first != second:
                yield f"{name}: the same seed gave other predictions"
        except PodiumError as error:
            if tested.data.rows("train") or not isinstance(
                error, ModelError
            ):  # some need train rows
                yield f"{name}: {error}"


def spaces_yield_parameters(tested: DatasetUnderTest) -> Iterator[str]:
    """Every model's search space gives parameters that its `build` accepts."""
    import optuna

    from podium.tuning import studies

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for name, worker in tested.models():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for number in range(3):
            try:
                worker.build(worker.space(partial(studies.suggest, study.ask()), number, {}))
            except PodiumError as error:
                yield f"{name}: {error}"


def _predictions(tested: DatasetUnderTest, worker: Worker) -> str:
    """The sha256 of what a model predicts for a few rows, with few trainings and seed 0."""
    part, data = tested.tiny, tested.data
    done = worker.predict(worker.quick, {"test": data.expected(len(part)).limit}, seed=0)
    table = reader.read(done.files["test"], data.expected(len(part)))
    training.aligned(data, table, part)
    return file_sha256(done.files["test"])


def _in_a_file(tested: DatasetUnderTest) -> Iterator[str]:
    """What the answers do not score when they are handed in as a file.

    A matrix is another matter: observed counts stay in a submission, whatever the truth is.
    """
    if tested.competition.matrix:
        return
    ids, data = tested.data.ids("test"), tested.data
    table = submission.frame(ids.to_pylist(), tested.solution.answers, data.genes)
    with scratch.directory("podium-answers-") as folder:
        for write, name in ((table.to_csv, "answers.csv"), (table.to_parquet, "answers.parquet")):
            write(folder / name, index=False)
            try:
                said = submission.check(folder / name, data)
            except SubmissionError as error:
                yield f"the answers as {name} are refused: {error}"
                continue
            for score, value in tested.estimate(said).scores.items():
                if _differs(value, right := tested.best[score]):
                    yield f"{score} of the answers is {value} as {name}, and {right} as such"


def _differs(score: float, expected: float) -> bool:
    return abs(score - expected) > TOLERANCE * max(1.0, abs(expected))


def _same(a: Any, b: Any) -> bool:
    """Whether two columns have the same values; what is missing in both is the same."""
    if a.shape != b.shape:
        return False
    if a.ndim > 1:
        return not (a != b).nnz
    return bool(((a == b) | (pd.isna(a) & pd.isna(b))).all())


def _as_read(table: pd.DataFrame) -> pd.DataFrame:
    """A table as pandas reads it from the file that pandas writes."""
    text = StringIO(table.to_csv(index=False, lineterminator="\n"))
    return pd.read_csv(text, keep_default_na=False, na_values=[""])
