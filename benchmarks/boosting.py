"""Why scikit-learn's boosting and LightGBM differ on sirna: one setting changed at a time.

    python benchmarks/boosting.py [--dataset demo] [--rounds 300]

Each model is trained on four folds of train and predicts the fifth; a line has the out-of-fold
score of all rows and of each stratum, what it is above the first line's with the paired standard
error, and the CPU seconds of fitting. The data must be ready (`podium data sirna -d shanghai`).
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from podium import api
from podium.competition import defaults
from podium.data.dataset import load
from podium.learning import BAGGING, boost
from podium.metrics import Cells, Estimate, Tally, difference

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from podium.competition import Part

    Floats = NDArray[np.float64]
    Fit = Callable[[pd.DataFrame, Floats, Floats, pd.DataFrame], Floats]
    """Table, answers and weights of train rows, table of others: predictions of those."""

SQUARES = {"objective": "l2", "low_weight": 1.5, "call_below": 36.0}
"""A loss that both have, with the weight of rows below 30 and the limit that go with it."""
BY_NODE = {"feature_fraction": 1.0, "feature_fraction_bynode": 0.4}
"""Columns drawn anew at each split, as scikit-learn does, and not once a tree."""


def main() -> None:
    """Train and print a line for each variant."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dataset", default="shanghai")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--only", nargs="+", help="words of the lines that are wanted")
    given = parser.parse_args()
    ready = load(*api.load("sirna", given.dataset))
    names = ("models.lightgbm", "shared.features", "metric")
    boosting, features, metric = (ready.competition.module(name) for name in names)
    train = ready.train()
    preset = {**boosting.PRESETS["seen"], **SQUARES, "rounds": given.rounds}
    params = {**defaults(boosting.PARAMETERS), **preset, "num_threads": 1}
    ours = boosting.build(params, 0).params
    table = features.choose(features.build(train.features), preset["groups"])
    codes = pd.DataFrame({name: coded(table[name]) for name in table})
    few = [name for name in table if is_small_and_known(table[name])]

    def light(**changes: Any) -> Fit:
        def fit(x: pd.DataFrame, y: Floats, weight: Floats, other: pd.DataFrame) -> Floats:
            settings = {"metric": "l1", **BAGGING, **boosting.RARE, **changes}
            data = lgb.Dataset(x, label=y, weight=weight)
            booster = boost(data, {**ours, **settings}, own=boosting.OWN, seed=0)
            return np.asarray(booster.predict(other, num_threads=1), dtype=np.float64)

        return fit

    def sklearn(categories: list[str]) -> Fit:
        def fit(x: pd.DataFrame, y: Floats, weight: Floats, other: pd.DataFrame) -> Floats:
            settings = {
                "learning_rate": preset["learning_rate"],
                "max_iter": preset["rounds"],
                "max_leaf_nodes": preset["num_leaves"],
                "min_samples_leaf": preset["min_data_in_leaf"],
                "max_features": preset["feature_fraction"],
                "l2_regularization": preset["lambda_l2"],
                "early_stopping": False,
                "random_state": 0,
            }
            trees = HistGradientBoostingRegressor(**settings, categorical_features=categories)
            return np.asarray(trees.fit(x, y, sample_weight=weight).predict(other))

        return fit

    all_rows = {"bagging_fraction": 1.0, "bagging_freq": 0}
    lines: dict[str, tuple[pd.DataFrame, Fit]] = {
        "LightGBM": (table, light()),
        "columns by node": (table, light(**BY_NODE)),
        "all rows each tree": (table, light(**all_rows)),
        "categories as numbers": (codes, light()),
        "numbers, by node, all rows": (codes, light(**BY_NODE, **all_rows)),
        "scikit-learn": (codes, sklearn(few)),
    }
    assert train.targets is not None
    y = train.targets[metric.TARGET].to_numpy(np.float64)
    weight = np.where(y < metric.THRESHOLD, preset["low_weight"], 1.0)
    first: dict[str, Estimate] = {}
    for name, (x, fit) in lines.items():
        if given.only and not any(word in name for word in given.only):
            continue
        start = time.process_time()
        said = np.clip(out_of_fold(train, x, y, weight, fit), 0.0, boosting.HIGHEST)
        took = time.process_time() - start
        toss_up = (said >= metric.THRESHOLD) & (said < preset["call_below"])
        said[toss_up] = np.nextafter(metric.THRESHOLD, 0.0)
        line = f"{name:28}"
        for stratum, score in scores(train, metric, y, said).items():
            line += f"  {stratum} {score.scores['score']:.4f}"
            if stratum in first:
                gap, se, _ = difference(score, first[stratum], "score")
                line += f" {gap:+.4f} ({se:.4f})"
            first.setdefault(stratum, score)
        print(f"{line}  {took:.0f} s", flush=True)


def coded(column: pd.Series[Any]) -> pd.Series[Any]:
    """Categories by number, -1 where there is none."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.astype(np.float64)
    return column


def is_small_and_known(column: pd.Series[Any]) -> bool:
    """Whether scikit-learn takes it as a category: fewer than 255 of them, none missing."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return False
    return len(column.cat.categories) < 255 and not column.isna().any()


def out_of_fold(train: Part, x: pd.DataFrame, y: Floats, weight: Floats, fit: Fit) -> Floats:
    """Predictions of each fold from the others."""
    said = np.empty(len(y))
    for fold in np.unique(train.folds):
        held = train.folds == fold
        said[held] = fit(x[~held], y[~held], weight[~held], x[held])
    return said


def scores(train: Part, metric: Any, y: Floats, said: Floats) -> dict[str, Estimate]:
    """Of all rows and of each stratum, its error over groups: genes where these are new."""
    assert train.groups is not None
    assert train.strata is not None
    guides, genes = (train.groups[name].to_numpy(object) for name in ("guide", "gene"))
    strata = np.asarray(train.strata)
    groups = np.where(strata == "unseen_gene", genes, guides)
    result = {}
    for name in ("all", *sorted(set(strata))):
        rows = np.full(len(y), True) if name == "all" else strata == name
        answers, predictions = ({metric.TARGET: values[rows]} for values in (y, said))
        tally = Tally.of(metric.metric, answers, predictions, Cells.of(groups[rows]))
        score = tally.estimate("score", 1)
        assert score is not None
        result[name] = score
    return result


if __name__ == "__main__":
    main()
