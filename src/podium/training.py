"""Training: fit a model on the train part, predict, cross-validate on the fixed folds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from podium import submission
from podium.data import Data, metric_columns
from podium.errors import DataError, PodiumError, UnknownNameError
from podium.metric import Table
from podium.model import Model, ModelFile, Part, Report
from podium.stats import Card, Cells, Tally, independent_groups

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
        left_open: What this system did not guard from the model's code.
    """

    card: Card
    by_seed: list[float]
    spread: float | None
    predictions: pd.DataFrame
    seconds: float
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
    train = data.train(seed)
    answers = _answers(data, train)
    folds, strata, groups = _folds(data, train, by)
    cells = Cells.of(groups, stratum=strata)
    primary = data.competition.primary.name
    by_seed, first = [], None
    for offset in range(seeds):
        predictions = _out_of_fold(data, file, seed + offset, folds, progress)
        tally = Tally.of(data.competition.metric, answers, predictions, cells)
        found = tally.card(primary, data.competition.strata)
        by_seed.append(found.whole.scores[primary])
        first = first or (found, predictions)
    if first is None:
        raise PodiumError("At least one seed is needed.")
    return CrossValidation(
        card=first[0],
        by_seed=by_seed,
        spread=float(np.std(by_seed, ddof=1)) if seeds > 1 else None,
        predictions=submission.frame(train.ids, first[1], data.genes),
        seconds=time.perf_counter() - start,
    )


def _out_of_fold(
    data: Data,
    file: ModelFile,
    seed: int,
    folds: NDArray[np.int64],
    progress: Progress | None,
) -> dict[str, NDArray[Any]]:
    train = data.train(seed)
    found: list[dict[str, Any]] = []
    order = []
    for fold in np.unique(folds):
        held = folds == fold
        report = progress.stage(f"{file.name}, fold {fold}") if progress else None
        model = fit(file, seed, train.take(~held), report)
        part = train.take(held).without_answers()
        found.append(_predicted(data, file, model, part))
        order.append(np.flatnonzero(held))
    back = np.argsort(np.concatenate(order))
    return {name: _stacked([one[name] for one in found])[back] for name in found[0]}


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
    return dict(submission.align(table, data.competition, ids, lambda: part, data.genes))


def _answers(data: Data, train: Part) -> Table:
    """What predictions of the train part are compared with.

    Raises:
        DataError: If there are no train rows.
    """
    if train.targets is None or train.groups is None or not len(train):
        raise DataError(
            f"{data.competition.name}/{data.dataset.name} has no train rows to cross-validate on.",
            hint="Take a dataset that has some, such as "
            f"--dataset {data.competition.datasets[0].name}.",
        )
    return metric_columns(
        data.competition, train.targets, train.groups, truth=train.truth, counts=train.counts
    )


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
