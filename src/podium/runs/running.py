"""Runs: have a model predict, a user's file in a process of its own, a shipped model in this one.

Shipped models are Podium's own code. They run in a process of their own too where limits are set,
since nothing else can be ended from outside.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import model as models
from podium import scratch, submission, training
from podium.runs import isolation
from podium.runs.limits import contained
from podium.training import CrossValidation
from podium.version import file_sha256

if TYPE_CHECKING:
    import pandas as pd

    from podium.data import Data
    from podium.runs.isolation import Limits
    from podium.training import Progress

TEST, OPEN = "test.parquet", "open.parquet"


@dataclass(frozen=True, kw_only=True)
class Made:
    """Predictions of the test part.

    Attributes:
        path: The file.
        open_table: Those of the open part, where there is one.
        code: Parameters, seed and the like, for the provenance.
        left_open: What this system did not guard.
    """

    path: Path
    open_table: pd.DataFrame | None
    code: Mapping[str, Any]
    left_open: tuple[str, ...] = ()


def predict_test(
    data: Data,
    model: str | Path,
    folder: Path,
    *,
    params: Mapping[str, Any],
    seed: int,
    limits: Limits,
    progress: Progress | None,
) -> Made:
    """Fit a model, and predict the test part and the open one into an empty folder.

    Raises:
        PodiumError: If the model fails, or takes too much.
    """
    path = models.source(data.competition, model)
    named = str(path) if models.user_file(model) else f"{data.competition.name}/{model}"
    if _apart(model, limits):
        made = _predict_apart(data, model, folder, params, seed, limits, progress)
    else:
        made = _predict_here(data, model, folder, params, seed, progress)
    models.note_change(path, made.code["model_sha256"])
    return replace(made, code={"model_file": named, **made.code})


def _predict_here(
    data: Data,
    model: str | Path,
    folder: Path,
    params: Mapping[str, Any],
    seed: int,
    progress: Progress | None,
) -> Made:
    with contained():
        file = models.load(data.competition, model).with_params(params)
        report = progress.stage(f"{file.name}: training") if progress else None
        began = time.perf_counter()
        fitted = training.fit(file, seed, data.train(seed), report)
        seconds = round(time.perf_counter() - began, 3)
        found = training.predict(file, fitted, data.part("test", seed))
        submission.write(found, folder / TEST)
        open_table = training.open_predictions(data, file, fitted, seed)
    code = {
        "model_sha256": file.sha256,
        "params": file.params,
        "seed": seed,
        "train_seconds": seconds,
    }
    return Made(path=folder / TEST, open_table=open_table, code=code)


def cross_validate(
    data: Data,
    model: str | Path,
    *,
    params: Mapping[str, Any],
    seed: int,
    seeds: int,
    by: str | None,
    limits: Limits,
    progress: Progress | None,
) -> CrossValidation:
    """Out-of-fold score on the train part; see `podium.training.cross_validate`.

    Raises:
        PodiumError: If the model fails, or takes too much.
    """
    path = models.source(data.competition, model)
    if not _apart(model, limits):
        with contained():
            file = models.load(data.competition, model).with_params(params)
            found = training.cross_validate(
                data, file, seed=seed, seeds=seeds, by=by, progress=progress
            )
        models.note_change(path, found.model_sha256)
        return found
    start, sha256 = time.perf_counter(), file_sha256(path)
    with scratch.directory("podium-cv-") as folder:
        files = {number: f"seed-{number}.parquet" for number in range(seed, seed + seeds)}
        ran = isolation.run(
            "cross_validate",
            data,
            model,
            folder,
            files=files.values(),
            params=params,
            limits=limits,
            progress=progress,
            sha256=sha256,
            seed=seed,
            seeds=seeds,
            by=by,
        )
        paths = {number: folder / name for number, name in files.items()}
        rows = len(data.ids("train"))
        file = isolation.replayed(data, ran, path, paths, rows=rows, sha256=sha256)
        found = training.cross_validate(data, file, seed=seed, seeds=seeds, by=by)
    models.note_change(path, sha256)
    return replace(found, seconds=time.perf_counter() - start, left_open=ran.left_open)


def _apart(model: str | Path, limits: Limits) -> bool:
    return models.user_file(model) is not None or limits.given


def _predict_apart(
    data: Data,
    model: str | Path,
    folder: Path,
    params: Mapping[str, Any],
    seed: int,
    limits: Limits,
    progress: Progress | None,
) -> Made:
    files = [TEST, OPEN] if data.has_open else [TEST]
    path = models.source(data.competition, model)
    sha256 = file_sha256(path)
    ran = isolation.run(
        "run",
        data,
        model,
        folder,
        files=files,
        params=params,
        limits=limits,
        progress=progress,
        sha256=sha256,
        seed=seed,
    )
    open_table = None
    if data.has_open:
        left, rows = {seed: folder / OPEN}, len(data.ids("open"))
        file = isolation.replayed(data, ran, path, left, rows=rows, sha256=sha256)
        open_table = training.open_predictions(data, file, file.build(seed), seed)
    code = {
        "model_sha256": sha256,
        "params": ran.params,
        "seed": seed,
        "train_seconds": ran.train_seconds,
        "peak_memory_mb": ran.peak_memory_mb,
        "left_open": list(ran.left_open),
    }
    return Made(path=folder / TEST, open_table=open_table, code=code, left_open=ran.left_open)
