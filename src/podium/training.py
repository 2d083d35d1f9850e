"""Training: fit a model on the train part, predict, cross-validate on the fixed folds."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from podium import submission
from podium.data import Data, train_columns
from podium.errors import DataError, PodiumError, UnknownNameError
from podium.metric import Table
from podium.model import Model, ModelFile, Part, Report
from podium.stats import Card, Cells, Estimate, Tally, independent_groups

if TYPE_CHECKING:
    import pandas as pd

GROUPED_FOLDS = 5


class Progress(Protocol):
    """Shows how far a long work is; `podium.display` has one for terminals."""

    def stage(self, title: str) -> Report | None:
        """Begin a stage and give what reports its steps."""


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


def fit(file: ModelFile, seed: int, train: Part, report: Report | None = None) -> Model:
    """Build a model and fit it."""
    model = file.build(seed)
    with file.running("fit"):
        model.fit(train, report)
    return model


def predict(file: ModelFile, model: Model, part: Part, *, own_rows: bool = False) -> pd.DataFrame:
    """Predict a part, or a user's own rows."""
    with file.running("predict", own_rows=own_rows):
        return model.predict(part)


def predict_test(data: Data, file: ModelFile, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Fit on the train part and predict the test part, checked and in its order."""
    model = fit(file, seed, data.train(seed))
    return _predicted(data, file, model, data.part("test", seed))


def open_predictions(data: Data, file: ModelFile, model: Model, seed: int) -> pd.DataFrame | None:
    """Predictions of the open part as its scorers take them; None where there is no open part."""
    import pandas as pd

    if not data.has_open:
        return None
    values = _predicted(data, file, model, data.part("open", seed))
    part = data.part("open", seed)  # read again: a model may change what it is given
    features = pd.DataFrame(index=range(len(part)))
    if data.dataset.open_with_features:  # whole numbers without a point, as in the raw table
        features = part.features.convert_dtypes()
    table = submission.frame(part.ids, values, data.genes)
    return pd.concat([table[["id"]], features, table.drop(columns="id")], axis=1)


def cross_validate(
    data: Data,
    file: ModelFile,
    *,
    seed: int = 0,
    seeds: int = 1,
    by: str | None = None,
    progress: Progress | None = None,
) -> CrossValidation:
    """Score out-of-fold predictions of the train part: each row by a model that never saw its fold.

    Args:
        data: A prepared dataset.
        file: The model, with its parameters.
        seed: The first training seed.
        seeds: How many training seeds; they show how much of a difference is luck.
        by: A kind of group to hold out whole (five folds), instead of the fixed folds.
        progress: Shows the folds.

    Raises:
        DataError: If the dataset has no folds.
        PodiumError: If the predictions cannot be scored.
    """
    start = time.perf_counter()
    folds = Folds.of(data, by)
    primary = data.competition.primary.name
    by_seed, first = [], None
    for offset in range(seeds):
        predictions = folds.predict_all(file, seed + offset, progress)
        found = folds.card(predictions)
        by_seed.append(found.whole.scores[primary])
        first = first or (found, predictions)
    if first is None:
        raise PodiumError("At least one seed is needed.")
    return CrossValidation(
        card=first[0],
        by_seed=by_seed,
        spread=float(np.std(by_seed, ddof=1)) if seeds > 1 else None,
        predictions=folds.table(first[1]),
        seconds=time.perf_counter() - start,
        params=file.params,
        model_sha256=file.sha256,
    )


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

    def predict(
        self, file: ModelFile, fold: int, seed: int, report: Report | None = None
    ) -> dict[str, Any]:
        """Predict the rows of a fold by a model that never saw them.

        What the model draws from `part.rng` follows from seed and fold, whatever was run before.
        """
        held = self.fold == fold
        train = replace(self.train, rng=np.random.default_rng([seed, fold, *b"train"]))
        model = fit(file, seed, _without(train, held, self.by), report)
        return _predicted(self.data, file, model, train.take(held).without_answers())

    def predict_all(
        self, file: ModelFile, seed: int, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Predict every row by a model that never saw its fold."""
        found = {}
        for fold in self.numbers:
            report = progress.stage(f"{file.name}, fold {fold}") if progress else None
            found[fold] = self.predict(file, fold, seed, report)
        return self.join(found)

    def rows(self, folds: Iterable[int]) -> NDArray[np.int64]:
        """Numbers of the rows of some folds, in order."""
        return np.flatnonzero(np.isin(self.fold, list(folds)))

    def join(self, found: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
        """Predictions of some folds in the order of the rows."""
        order = np.concatenate([np.flatnonzero(self.fold == fold) for fold in found])
        back = np.argsort(order)
        first = next(iter(found.values()))
        return {name: _stacked([one[name] for one in found.values()])[back] for name in first}

    def card(self, predictions: Table) -> Card:
        """Score predictions of all rows.

        Raises:
            PodiumError: If they cannot be scored.
        """
        competition = self.data.competition
        return self._tally(predictions, None).card(competition.primary.name, competition.strata)

    def estimate(self, predictions: Table, folds: Sequence[int] | None = None) -> Estimate:
        """The whole of the card alone; of the rows of some folds only, if they are given.

        Raises:
            PodiumError: If they cannot be scored.
        """
        found = self._tally(predictions, folds).estimate(self.data.competition.primary.name)
        if found is None:
            raise PodiumError("There are no rows to score.")
        return found

    def _tally(self, predictions: Table, folds: Sequence[int] | None) -> Tally:
        rows, cells = self._cells(None if folds is None else tuple(sorted(folds)))
        answers = {name: values[rows] for name, values in self.answers.items()}
        return Tally.of(self.data.competition.metric, answers, predictions, cells)

    def _cells(self, folds: tuple[int, ...] | None) -> tuple[Any, Cells]:
        """Rows of some folds (None for all) and their cells, gathered once."""
        if folds not in self._gathered:
            rows: Any = slice(None) if folds is None else self.rows(folds)
            cells = Cells.of(self.groups[rows], stratum=self.strata[rows])
            self._gathered[folds] = rows, cells
        return self._gathered[folds]

    def table(self, predictions: Mapping[str, Any]) -> pd.DataFrame:
        """Predictions of all rows as a table: id and targets."""
        return submission.frame(self.train.ids, predictions, self.data.genes)


def _without(train: Part, held: NDArray[np.bool_], by: str | None) -> Part:
    """The rows that are not held out; nor are extra rows of the same groups, or of their fold."""
    rest = train.take(~held)
    if by is None or train.extra is None or train.extra.groups is None or train.groups is None:
        return rest
    shared = train.extra.groups[by].isin(train.groups.loc[held, by]).to_numpy()
    return replace(rest, extra=train.extra.take(~shared))


def _stacked(values: list[Any]) -> Any:
    """Columns, or matrices, one below the other."""
    if hasattr(values[0], "tocsr"):
        from scipy.sparse import vstack

        return vstack(values, format="csr")
    return np.concatenate(values)


def _predicted(data: Data, file: ModelFile, model: Model, part: Part) -> dict[str, NDArray[Any]]:
    """A model's predictions of a part, through the one validated join."""
    import pyarrow as pa

    ids = pa.array(part.ids, type=pa.string())  # before a model may change what it is given
    table = submission.from_pandas(predict(file, model, part))
    competition, known = data.competition, data.labels
    return dict(submission.align(table, competition, ids, lambda: part, data.genes, known=known))


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
