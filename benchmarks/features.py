"""Features of siRNAs for trees, and LightGBM against scikit-learn's boosting on the same ones.

    python benchmarks/features.py [--folds 5] [--rounds 300]

On `sirna/shanghai` where it is prepared, else on the simulated table, repeated to as many rows.
Training and validation rows are folds of the train part; test rows are only counted.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import numpy as np
import pandas as pd
from measuring import Result, median, seconds

from podium import api
from podium.competition import defaults, version
from podium.competition.part import Part
from podium.data import dataset as data
from podium.learning import BAGGING, boost

ROWS, RUNS = 25_782, 5
SQUARES = {"objective": "l2", "low_weight": 1.5, "call_below": 36.0}
"""A loss that both have, with the weight of rows below 30 and the limit that go with it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=300)
    given = parser.parse_args()
    competition, dataset = api.load("sirna", "shanghai")
    real = version.is_ready(competition, dataset)
    if not real:
        competition, dataset = api.load("sirna")
    ready = data.load(competition, dataset)
    train = ready.train()
    features = competition.module("shared.features")
    table = pd.concat([train.features, ready.part("test").features], ignore_index=True)
    table = table.iloc[np.arange(ROWS) % len(table)].reset_index(drop=True)
    building = median([timed(lambda: features.build(table)) for _ in range(RUNS)])
    boosting = competition.module("models.lightgbm")
    settings = {**boosting.PRESETS["seen"], **SQUARES, "rounds": given.rounds}
    chosen = features.choose(features.build(train.features), settings["groups"])
    pairs = [
        compared(competition, boosting, train, chosen, settings, fold)
        for fold in range(min(given.folds, len(np.unique(train.folds))))
    ]
    rows = []
    for place, name in enumerate(("LightGBM", "scikit-learn")):
        score = median([pair[place][0] for pair in pairs])
        took = median([pair[place][1] for pair in pairs])
        rows.append([name, f"{score:.4f}", seconds(took), f"{score / took:.4f}"])
    better = median([(a[0] / a[1]) / (b[0] / b[1]) for a, b in pairs])
    faster = median([b[1] / a[1] for a, b in pairs])
    Result(
        title="Boosted trees on siRNAs",
        text=(
            f"{dataset.title}: LightGBM as in `lightgbm` (preset `seen`, {given.rounds} trees, one "
            "model) against `HistGradientBoostingRegressor` with the same number of trees, leaves, "
            "rate, weights and share of features, on the same table of "
            f"{chosen.shape[1]} features. Each of {len(pairs)} folds of train is held out once; "
            "medians of the score there and of the time of fitting."
        ),
        header=["", "score", "fitting", "score a second"],
        rows=rows,
        notes=[
            f"Features of {ROWS:,} rows are built in {seconds(building)}"
            + (" (2 s are asked for)." if real else ": simulated rows, repeated."),
            f"LightGBM: {faster:.1f} times faster, {better:.1f} times the score a second.",
            f"Threads: {os.environ.get('OMP_NUM_THREADS', os.cpu_count())}.",
        ],
    ).write("features")


def compared(
    competition: Any, boosting: Any, train: Part, table: pd.DataFrame, settings: Any, fold: int
) -> list[tuple[float, float]]:
    """Score on a fold and seconds of fitting, of LightGBM and of scikit-learn."""
    import lightgbm as lgb
    from sklearn.ensemble import HistGradientBoostingRegressor

    metric = competition.module("metric")
    assert train.targets is not None
    answers = train.targets[metric.TARGET].to_numpy(np.float64)
    weight = np.where(answers < metric.THRESHOLD, settings["low_weight"], 1.0)
    held = train.folds == fold
    threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
    model = boosting.build({**defaults(boosting.PARAMETERS), "preset": "seen"}, 0)
    params = {**model.params, **settings, "num_threads": threads}
    ours = {"own": boosting.OWN, "seed": 0, "metric": "l1", **BAGGING, **boosting.RARE}
    codes = table.copy()
    few = []
    for name in table:
        if isinstance(table[name].dtype, pd.CategoricalDtype):
            codes[name] = table[name].cat.codes.astype(np.float64)
            if len(table[name].cat.categories) < 255 and (codes[name] >= 0).all():
                few.append(name)

    def light() -> Any:
        rows = lgb.Dataset(table[~held], label=answers[~held], weight=weight[~held])
        return boost(rows, params, **ours).predict(table[held])

    def hist() -> Any:
        model = HistGradientBoostingRegressor(
            learning_rate=settings["learning_rate"],
            max_iter=settings["rounds"],
            max_leaf_nodes=settings["num_leaves"],
            min_samples_leaf=settings["min_data_in_leaf"],
            max_features=settings["feature_fraction"],
            l2_regularization=settings["lambda_l2"],
            categorical_features=few,
            early_stopping=False,
            random_state=0,
        )
        model.fit(codes[~held], answers[~held], sample_weight=weight[~held])
        return model.predict(codes[held])

    measured = []
    for fit in (light, hist):
        start = time.perf_counter()
        predicted = np.clip(fit(), 0.0, boosting.HIGHEST)
        took = time.perf_counter() - start
        predicted[(predicted >= metric.THRESHOLD) & (predicted < settings["call_below"])] = (
            np.nextafter(metric.THRESHOLD, 0.0)
        )
        truth, said = ({metric.TARGET: values} for values in (answers[held], predicted))
        measured.append((metric.metric.score(truth, said)["score"], took))
    return measured


def timed(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
