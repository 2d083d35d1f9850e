"""Training: fit a model, predict; and the fixed folds, on which predictions are scored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from podium.data.dataset import Data, train_columns
from podium.errors import DataError, PodiumError, UnknownNameError
from podium.metrics.stats import Card, Cells, Estimate, Tally, independent_groups
from podium.scoring import submission

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.metric import Table
    from podium.competition.model_file import LoadedModel
    from podium.competition.part import Model, Part, Report

GROUPED_FOLDS = 5


def fit(file: LoadedModel, model: Model, train: Part, report: Report | None = None) -> Model:
    """Fit a model that was built."""
    with file.running("fit"):
        model.fit(train, report)
    return model


def predict(file: LoadedModel, model: Model, part: Part, *, own_rows: bool = False) -> pd.DataFrame:
    """Predict a part, or a user's own rows."""
    with file.running("predict", own_rows=own_rows):
        return model.predict(part)


def predict_test(data: Data, file: LoadedModel, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Fit on the train part and predict the test part, checked and in its order."""
    part = data.part("test", seed)
    table = submission.from_pandas(
        predict(file, fit(file, file.build(seed), data.train(seed)), part)
    )
    return aligned(data, table, part)


def aligned(
    data: Data, table: Any, part: Part, genes: Sequence[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Predictions of a part, through the one validated join.

    Args:
        data: The dataset.
        table: As `podium.data.reader.read` and `podium.scoring.submission.from_pandas` give it.
        part: Whose rows are expected.
        genes: Columns of the matrix, where they are not those of the dataset.

    Raises:
        SubmissionError: With everything that is wrong.
    """
    import pyarrow as pa

    ids, known = pa.array(part.ids, type=pa.string()), data.labels
    competition = data.competition
    columns = data.genes if genes is None else genes
    return dict(submission.align(table, competition, ids, lambda: part, columns, known=known))


@dataclass(frozen=True, kw_only=True)
class Folds:
    """The train part and its folds, read once: what all out-of-fold scores of a dataset share.

    Attributes:
        train: All rows, with their answers.
        answers: What the metric compares predictions with.
        fold: Fold of each row.
        strata, groups: Stratum and independent group of each row.
        by: The kind of group that folds hold out whole; None for the fixed ones.
    """

    data: Data
    train: Part
    answers: Table
    fold: NDArray[np.int64]
    strata: NDArray[Any]
    groups: NDArray[Any]
    by: str | None = None
    _gathered: dict[tuple[int, ...] | None, tuple[Any, Cells]] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Data, by: str | None = None) -> Folds:
        """Read a dataset's fixed folds, or make five that hold out whole groups of a kind.

        Raises:
            DataError: If the dataset has no folds.
            UnknownNameError: If there is no such kind of group.
        """
        train = data.train()
        answers = train_columns(data, train)
        fold, strata, groups = _folds(data, train, by)
        return cls(
            data=data,
            train=train,
            answers=answers,
            fold=fold,
            strata=strata,
            groups=groups,
            by=by,
        )

    @cached_property
    def numbers(self) -> list[int]:
        """The folds that there are."""
        return [int(fold) for fold in np.unique(self.fold)]

    def held(self, fold: int) -> Part:
        """The rows that a fold holds out, as a model meets them."""
        return self.train.take(self.fold == fold).without_answers()

    def extra_rows(self, fold: int) -> NDArray[np.bool_] | None:
        """Which extra rows are learnt from beside a fold; None where there are none.

        Those that belong to what is held out are not: rows of its fold, or of the same groups.
        """
        extra, train, held = self.train.extra, self.train, self.fold == fold
        if extra is None or extra.folds is None:
            return None
        if self.by is None:
            return np.isin(extra.folds, self.fold[~held])
        groups = cast("pd.DataFrame", extra.groups)[self.by]
        return ~groups.isin(cast("pd.DataFrame", train.groups).loc[held, self.by]).to_numpy(bool)

    def rows(self, folds: Iterable[int]) -> NDArray[np.int64]:
        """Numbers of the rows of some folds, in order."""
        return np.flatnonzero(np.isin(self.fold, list(folds)))

    def join(self, by_fold: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
        """Predictions of some folds in the order of the rows."""
        order = np.concatenate([np.flatnonzero(self.fold == fold) for fold in by_fold])
        back = np.argsort(order)
        first = next(iter(by_fold.values()))
        return {name: _stacked([one[name] for one in by_fold.values()])[back] for name in first}

    def card(self, predictions: Table) -> Card:
        """Score predictions of all rows.

        Raises:
            PodiumError: If they cannot be scored.
        """
        competition = self.data.competition
        return self._tally(predictions, None).card(competition.primary.name, competition.strata)

    def scores(self, predictions: Table) -> dict[str, float]:
        """All scores of all rows, without intervals; some may not be finite."""
        return self._tally(predictions, None).scores()

    def estimate(self, predictions: Table, folds: Sequence[int] | None = None) -> Estimate:
        """The estimate of all rows, or of those of some folds, without a whole card.

        Raises:
            PodiumError: If they cannot be scored.
        """
        estimate = self._tally(predictions, folds).estimate(self.data.competition.primary.name)
        if estimate is None:
            raise PodiumError("There are no rows to score.")
        return estimate

    def score(self, fold: int, predictions: Table) -> float | None:
        """The primary score of a fold alone; None where its rows cannot be scored by themselves."""
        try:
            estimate = self.estimate(predictions, [fold])
        except PodiumError:
            return None
        score = float(estimate.scores[self.data.competition.primary.name])
        return score if math.isfinite(score) else None

    def _tally(self, predictions: Table, folds: Sequence[int] | None) -> Tally:
        rows, cells = self._cells(None if folds is None else tuple(sorted(folds)))
        answers = {name: values[rows] for name, values in self.answers.items()}
        metric = self.data.competition.metric
        apart = None if metric.pooled else "fold"
        return Tally.of(metric, answers, predictions, cells, apart)

    def _cells(self, folds: tuple[int, ...] | None) -> tuple[Any, Cells]:
        """Rows of some folds (None for all) and their cells, gathered once."""
        if folds not in self._gathered:
            rows: Any = slice(None) if folds is None else self.rows(folds)
            pooled = self.data.competition.metric.pooled
            kinds = {} if pooled else {"fold": self.fold[rows]}
            cells = Cells.of(self.groups[rows], stratum=self.strata[rows], **kinds)
            self._gathered[folds] = rows, cells
        return self._gathered[folds]

    def table(self, predictions: Mapping[str, Any]) -> pd.DataFrame:
        """Predictions of all rows as a table: id and targets."""
        return submission.frame(self.train.ids, predictions, self.data.genes)


def _stacked(values: list[Any]) -> Any:
    """Columns, or matrices, one below the other."""
    if hasattr(values[0], "tocsr"):
        from scipy.sparse import vstack

        return vstack(values, format="csr")
    return np.concatenate(values)


def _folds(
    data: Data, train: Part, by: str | None
) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[Any]]:
    """Fold, stratum and independent group of each train row."""
    if train.folds is None or train.strata is None or train.groups is None:
        raise DataError("This part has no folds to cross-validate on.")
    if by is None:
        groups = independent_groups(data.competition.strata, train.strata, train.groups)
        return train.folds, train.strata, groups
    if by not in train.groups:
        raise UnknownNameError("kind of group", by, train.groups.columns)
    from sklearn.model_selection import GroupKFold

    groups = train.groups[by].to_numpy(object)
    folds = np.empty(len(train), dtype=np.int64)
    splitter = GroupKFold(n_splits=min(GROUPED_FOLDS, len(set(groups))))
    for fold, (_, held) in enumerate(splitter.split(folds, groups=groups)):
        folds[held] = fold
    return folds, np.full(len(train), "", dtype=object), groups
