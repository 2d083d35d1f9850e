"""Out-of-fold predictions: each row by a model that never saw its answer."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.errors import note
from podium.execution import executors, out_of_fold
from podium.execution.curves import Curve
from podium.execution.executors import LOOK
from podium.execution.jobs import Trainings
from podium.execution.monitor import too_long
from podium.execution.training import Folds
from podium.execution.worker import SHORTEST, Limits, rest
from podium.figures import figure
from podium.results import Result, scored, scores_frame

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.metric import Table
    from podium.competition.model_file import ModelFile
    from podium.competition.part import Progress
    from podium.data.dataset import Data
    from podium.execution.out_of_fold import MemberFile
    from podium.metrics.stats import Card


@dataclass(frozen=True, kw_only=True, repr=False)
class CrossValidation(Result):
    """Out-of-fold scores on the train part.

    Attributes:
        card: Of the first seed, with its interval.
        by_seed: Primary score of each training seed.
        spread: Their standard deviation; None with one seed.
        by_fold: Primary score of each fold, of the first seed; None where it cannot be scored.
        curves: What the model reported of the folds of the first seed, where it did.
        predictions: Out-of-fold predictions of the first seed: id and targets.
        params: Complete parameters of the model.
        model_sha256: Of the model file, as it was when it was loaded.
        left_open: What this system did not guard from the model's code.
        file: Where the predictions are kept, for blends; None if whole groups were held out.
        members: Of a stack, whose kept predictions it weighed instead of training them again.
    """

    card: Card
    by_seed: list[float]
    spread: float | None
    by_fold: Mapping[int, float | None]
    predictions: pd.DataFrame
    seconds: float
    params: Mapping[str, Any]
    model_sha256: str
    left_open: tuple[str, ...] = ()
    file: Path | None = None
    curves: Mapping[int, Curve] = field(default_factory=dict)
    members: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """The primary score of all rows, of the first seed."""
        return self.by_seed[0]

    @property
    def ci(self) -> tuple[float, float] | None:
        """Its 95 % interval; None with too few groups."""
        return self.card.whole.ci

    def to_frame(self) -> pd.DataFrame:
        """All rows and each stratum: rows, groups, interval, every score."""
        strata = {name: vars(estimate) for name, estimate in self.card.strata.items()}
        return scores_frame({**vars(self.card.whole), "strata": strata})

    def _line(self) -> str:
        folds = ", ".join(map(figure, self.by_fold.values()))
        return f"{scored(self.score, self.ci)} out of fold; folds {folds}"


def cross_validate(
    data: Data,
    file: ModelFile,
    *,
    params: Mapping[str, Any],
    seed: int = 0,
    seeds: int = 1,
    by: str | None = None,
    limits: Limits,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
) -> CrossValidation:
    """Out-of-fold score on the train part: each row by a model that never saw its fold.

    Args:
        data: A prepared dataset.
        file: The model's.
        params: Changes to the model's `DEFAULTS`.
        seed: The first training seed.
        seeds: How many training seeds; they show how much of a difference is luck.
        by: A kind of group to hold out whole (five folds), instead of the fixed folds.
        limits: For all folds and seeds together.
        jobs: How many are trained side by side here, dividing the cores; None for one.
        dask: The address of a Dask scheduler whose workers train them.
        progress: Shows the folds.

    Raises:
        DataError: If the dataset has no folds.
        PodiumError: If the model fails, or its predictions cannot be scored.
    """
    start = time.perf_counter()
    folds = Folds.of(data, by)
    tables: dict[int, dict[int, Table]] = {number: {} for number in range(seed, seed + seeds)}
    waiting = deque((fold, number) for fold in folds.numbers for number in tables)
    working: dict[Future[dict[str, Any]], tuple[int, int]] = {}
    curves: dict[int, Curve] = {}
    left = limits.seconds
    with (
        executors.opened(jobs, dask) as executor,
        Trainings(
            data, file, folds=folds, limits=limits, executor=executor, progress=progress
        ) as trainings,
    ):
        members = trainings.members(params, seed)
        kept = out_of_fold.all_kept(members)
        if members and not kept:
            _note_members(members)
        total = len(waiting)
        if progress:
            progress.count(0, total)
        ahead = trainings.children if limits == Limits(trust=limits.trust) else None
        while waiting or working:
            while waiting and len(working) < executor.slots:
                fold, number = waiting.popleft()
                working[trainings.submit(fold, params, number, left)] = fold, number
                if ahead and waiting and waiting[0][0] != fold:  # one, for what it may take
                    ahead.begin_ahead([waiting[0][0]])
            for future in wait(working, LOOK, FIRST_COMPLETED).done:
                fold, number = working.pop(future)
                answer, tables[number][fold] = trainings.held_out(fold, future)
                kept = kept and bool(answer["members"])  # none where a file is broken
                if number == seed and (curve := Curve.read(answer["curve"])):
                    curves[fold] = curve
                left = rest(left, answer["seconds"])
                if left == SHORTEST:  # those beside it were given time before they had taken it
                    raise too_long(limits.seconds or 0.0)
                if progress:
                    progress.count(total - len(waiting) - len(working), total)
                if trainings.children and all(fold in done for done in tables.values()):
                    trainings.children.close_fold(fold)
            executor.check()
    file.note_change()
    joined = [folds.join(parts) for parts in tables.values()]
    cards = [folds.card(predictions) for predictions in joined]
    by_seed = [card.whole.scores[data.competition.primary.name] for card in cards]
    return CrossValidation(
        card=cards[0],
        by_seed=by_seed,
        spread=float(np.std(by_seed, ddof=1)) if seeds > 1 else None,
        by_fold={fold: folds.score(fold, table) for fold, table in sorted(tables[seed].items())},
        predictions=folds.table(joined[0]),
        seconds=time.perf_counter() - start,
        params=answer["params"],
        model_sha256=file.sha256,
        left_open=tuple(answer["left_open"]),
        curves=dict(sorted(curves.items())),
        members=tuple(members) if kept else (),
    )


def _note_members(members: Mapping[str, MemberFile]) -> None:
    lacking = [member.command for member in members.values() if not member.file.is_file()]
    note(
        "Each fold trains all members on all other folds. Once they have out-of-fold predictions "
        f"of their own this takes seconds: {'; '.join(lacking)}"
    )
