"""Boosted trees on a table as it comes: numbers, dates, categories and texts.

    model = TableTrees(competition.targets, params, seed, objective="l2")

Numbers and dates are taken as they are, columns with few different values as categories, and other
texts as their length and the main components of their words, or of their letters where they have no
words (sequences). This is the model that `podium new` gives a competition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from podium.data import tables
from podium.learning.boosting import BAGGING, boost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from podium.competition.contract import Target
    from podium.competition.part import Part, Report

    Floats = NDArray[np.float64]

CATEGORIES = 100
"""Most different values of a text column that is taken as a category."""
LETTERS = 200
"""Of a text without words so many are read."""
SAMPLE = 10_000
"""Rows that the components of texts are made from."""


class TableTrees:
    """Boosted trees on all columns of a table.

    Args:
        targets: What to predict: numbers, labels, or a probability a column. Trees are boosted for
            each of several, but for probabilities that add up to 1.
        params: `rounds`, `components` (of each text column), and settings of LightGBM.
        seed: All that is drawn follows from it.
        objective: Of numbers `l1`, `l2` or `log_l2` (squares of logarithms); of labels
            `labels` or `rare_labels` (rare ones count more), or `top_K` for the K likeliest with
            spaces between them; of probabilities `binary`, `multiclass` for several columns that
            add up to 1.
    """

    def __init__(
        self, targets: Sequence[Target], params: Mapping[str, Any], seed: int, *, objective: str
    ) -> None:
        self.params, self.seed = params, seed
        together = [targets] if objective == "multiclass" else [[target] for target in targets]
        self.answers = [_Answers(some, objective) for some in together]
        self.columns = TableColumns(params["components"], seed)

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Boost; `report` gets the loss on train as it falls."""
        assert train.targets is not None  # noqa: S101
        table = self.columns.fit(train.features)
        kinds, own = self.columns.categorical, ("components",)
        self.boosters = []
        for some in self.answers:
            answers, weight, settings = some.encoded(train.targets)
            data = lgb.Dataset(table, label=answers, weight=weight, categorical_feature=kinds)
            booster = boost(
                data, self.params, own=own, seed=self.seed, report=report, **settings, **BAGGING
            )
            self.boosters.append(booster)

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict every row."""
        table = self.columns.table(part.features)
        columns: dict[str, Any] = {"id": part.ids}
        for some, booster in zip(self.answers, self.boosters, strict=True):
            columns |= some.decoded(np.asarray(booster.predict(table)))
        return pd.DataFrame(columns)


class _Answers:
    """Answers as LightGBM learns them, and what it says as answers."""

    def __init__(self, targets: Sequence[Target], objective: str) -> None:
        self.names, self.target, self.objective = [t.name for t in targets], targets[0], objective
        self.labels = np.empty(0, dtype=object)

    def encoded(self, targets: pd.DataFrame) -> tuple[Any, Floats | None, dict[str, Any]]:
        """Numbers to learn [rows], the weight of each row, settings of LightGBM."""
        values = targets[self.names[0]]
        match self.objective.partition("_")[0]:
            case "labels" | "rare" | "top":
                self.labels, codes = np.unique(values.to_numpy(object), return_inverse=True)
                settings = {"objective": "multiclass", "num_class": max(2, len(self.labels))}
                rare = np.sqrt(len(codes) / np.bincount(codes))
                return codes, rare[codes] if self.objective == "rare_labels" else None, settings
            case "multiclass":
                numbers = targets[self.names].to_numpy(np.float64).argmax(axis=1)
                return numbers, None, {"objective": "multiclass", "num_class": len(self.names)}
            case "log":
                return np.log1p(values.to_numpy(np.float64)), None, {"objective": "l2"}
        return values.to_numpy(np.float64), None, {"objective": self.objective}

    def decoded(self, raw: Floats) -> dict[str, Any]:
        """Columns of predictions [rows] each."""
        name = self.names[0]
        kind, _, rest = self.objective.partition("_")
        match kind:
            case "top":
                best = np.argsort(-raw, axis=1, kind="stable")[:, : int(rest)]
                texts = self.labels[np.minimum(best, len(self.labels) - 1)]
                return {name: [" ".join(dict.fromkeys(row)) for row in texts]}
            case "labels" | "rare":
                return {name: self.labels[raw.argmax(axis=1) % len(self.labels)]}
            case "multiclass":
                return dict(zip(self.names, raw.T, strict=True))
            case "binary":
                return {name: raw}
            case "log":
                raw = np.expm1(raw)
        return {name: np.clip(raw, self.target.low, self.target.high)}


class TableColumns:
    """Turns the features of a table into numbers, in the same way for every part.

    Args:
        components: Of each text column.
        seed: Components follow from it.
    """

    def __init__(self, components: int, seed: int) -> None:
        self.components, self.seed = components, seed
        self.numbers: list[str] = []
        self.categories: dict[str, pd.Index] = {}
        self.texts: dict[str, Any] = {}

    def fit(self, features: pd.DataFrame) -> Floats:
        """Look at the columns of train, and give its table [rows, columns]."""
        for name in map(str, features):
            column = features[name]
            different = column.nunique()
            if pd.api.types.is_numeric_dtype(column.dtype) or _are_dates(column):
                self.numbers.append(name)
            elif different <= min(CATEGORIES, len(column) / 2):
                self.categories[name] = pd.Index(column.dropna().unique()).sort_values()
            elif different:
                self.texts[name] = self._components(column)
        return self.table(features)

    @property
    def categorical(self) -> list[int]:
        """Which columns of the table are codes of categories."""
        return list(range(len(self.numbers), len(self.numbers) + len(self.categories)))

    def table(self, features: pd.DataFrame) -> Floats:
        """All columns as numbers, NaN where there is none [rows, columns]."""
        columns = [tables.moments(features[name]).to_numpy() for name in self.numbers]
        for name, known in self.categories.items():
            code = known.get_indexer(pd.Index(features[name]))
            columns.append(np.where(code < 0, np.nan, code))
        for name, read in self.texts.items():
            text = features[name].fillna("").astype(str)
            columns.append(text.str.len().to_numpy(np.float64))
            columns.extend(read.transform(_shortened(text)).T)
        return np.column_stack(columns) if columns else np.zeros((len(features), 1))

    def _components(self, column: pd.Series) -> Any:
        """What reads a text column: the main components of its words or letters."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline

        some = column.iloc[:: max(1, len(column) // SAMPLE)]
        text = _shortened(some.fillna("").astype(str))
        words = {"analyzer": "word", "token_pattern": r"\S+", "ngram_range": (1, 1)}
        letters = {"analyzer": "char", "ngram_range": (1, 3)}
        how = words if _has_words(text) else letters
        vectors = TfidfVectorizer(**how, max_features=2000, sublinear_tf=True)
        count = min(self.components, vectors.fit_transform(text).shape[1])
        return make_pipeline(vectors, TruncatedSVD(count, random_state=self.seed)).fit(text)


def _has_words(text: pd.Series) -> bool:
    return bool(text.str.count(" ").median() >= 2)


def _shortened(text: pd.Series) -> pd.Series:
    return text if _has_words(text) else text.str.slice(0, LETTERS)


def _are_dates(column: pd.Series) -> bool:
    there = column.dropna()
    return bool(len(there)) and bool(tables.moments(there).notna().all())
