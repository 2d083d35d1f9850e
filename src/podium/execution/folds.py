"""Out-of-fold predictions: a walled process for each fold, which has that fold's rows alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from podium.data import formats
from podium.data.expected import Expected
from podium.execution import views
from podium.execution.training import Folds, aligned
from podium.execution.worker import Done, Limits, Worker
from podium.metrics.stats import Card

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.metric import Table
    from podium.competition.model_file import ModelFile
    from podium.competition.part import Report
    from podium.data.dataset import Data
    from podium.execution.training import Progress


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """Out-of-fold scores on the train part.

    Attributes:
        card: Of the first seed, with its interval.
        by_seed: Primary score of each training seed.
        spread: Their standard deviation; None with one seed.
        predictions: Out-of-fold predictions of the first seed: id and targets.
        params: Complete parameters of the model.
        model_sha256: Of the model file, as it was when it was loaded.
        left_open: What this system did not guard from the model's code.
    """

    card: Card
    by_seed: list[float]
    spread: float | None
    predictions: pd.DataFrame
    seconds: float
    params: Mapping[str, Any]
    model_sha256: str
    left_open: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FoldViews:
    """The rows of each fold, written to a folder when they are first asked for."""

    folds: Folds
    folder: Path
    _made: dict[int, views.View] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __getitem__(self, fold: int) -> views.View:
        with self._lock:
            if fold not in self._made:
                held = self.folds.fold == fold
                self._made[fold] = views.cut(
                    *(self.folds.data, self.folder / f"fold-{fold}"),
                    train=~held,
                    test=("train", held),
                    extra=self.folds.extra_rows(fold),
                )
            return self._made[fold]


class FoldWorkers:
    """A model's processes, one a fold, which live until this is closed or the fold is.

    Use it as a context.
    """

    def __init__(
        self,
        given: FoldViews,
        model: ModelFile,
        *,
        limits: Limits,
        stop: Callable[[], BaseException | None] = lambda: None,
        threads: int | None = None,
    ) -> None:
        self._views, self._model, self._limits = given, model, limits
        self._stop, self._threads = stop, threads
        self._workers = dict[int, Worker]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for fold in list(self._workers):
            self.close(fold)

    def of(self, fold: int) -> Worker:
        """The process of a fold."""
        if fold not in self._workers:
            self._workers[fold] = Worker(
                *(self._views.folds.data.competition, self._model, self._views[fold]),
                limits=self._limits,
                stop=self._stop,
                threads=self._threads,
            )
        return self._workers[fold]

    def close(self, fold: int) -> None:
        """End the process of a fold."""
        self._workers.pop(fold).__exit__()

    def predict(
        self,
        fold: int,
        params: Mapping[str, Any],
        seed: int,
        *,
        report: Report | None = None,
        seconds: float | None = None,
    ) -> tuple[Done, Table]:
        """Predict the rows of a fold by a model that never saw their answers.

        What the model draws from `part.rng` follows from seed and fold, whatever was run before.

        Raises:
            PodiumError: If the model fails, takes too much, or gives what cannot be scored.
        """
        folds = self._views.folds
        part, data = folds.held(fold), folds.data
        done = self.of(fold).predict(
            params,
            {"test": predictions_limit(data, len(part))},
            seed=seed,
            report=report,
            seconds=seconds,
            draws=[seed, fold, *b"train"],
        )
        table = formats.read(done.files["test"], data.competition, len(part), data.genes)
        return done, aligned(data, table, part)


def predictions_limit(data: Data, rows: int) -> int:
    """Bytes that a file of predictions may have."""
    return Expected.of(data.competition, rows, data.genes).limit


def cross_validate(
    given: FoldViews,
    model: ModelFile,
    *,
    params: Mapping[str, Any],
    seed: int,
    seeds: int,
    limits: Limits,
    progress: Progress | None,
) -> CrossValidation:
    """Score out-of-fold predictions of the train part.

    Args:
        given: The folds.
        model: The model's file.
        params: Changes to its `DEFAULTS`.
        seed: The first training seed.
        seeds: How many training seeds; they show how much of a difference is luck.
        limits: For all folds and seeds together.
        progress: Shows the folds.

    Raises:
        PodiumError: If the model fails, or its predictions cannot be scored.
    """
    start, folds = time.perf_counter(), given.folds
    primary = folds.data.competition.primary.name
    found: dict[int, dict[int, Table]] = {number: {} for number in range(seed, seed + seeds)}
    left = Clock(limits.seconds)
    with FoldWorkers(given, model, limits=limits) as workers:
        for fold in folds.numbers:
            for number in found:
                report = progress.stage(f"{model.name}, fold {fold}") if progress else None
                done, found[number][fold] = workers.predict(
                    fold, params, number, report=report, seconds=left.seconds
                )
                left.spend(workers.of(fold).seconds)
            left_open = workers.of(fold).left_open
            workers.close(fold)
    joined = [folds.join(parts) for parts in found.values()]
    cards = [folds.card(predictions) for predictions in joined]
    by_seed = [card.whole.scores[primary] for card in cards]
    return CrossValidation(
        card=cards[0],
        by_seed=by_seed,
        spread=float(np.std(by_seed, ddof=1)) if seeds > 1 else None,
        predictions=folds.table(joined[0]),
        seconds=time.perf_counter() - start,
        params=done.params,
        model_sha256=model.sha256,
        left_open=left_open,
    )


class Clock:
    """What is left of a limit on the time of a model's code; None for any time."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds

    def spend(self, seconds: float) -> None:
        """So much was taken."""
        if self.seconds is not None:
            self.seconds = max(self.seconds - seconds, 1e-3)
