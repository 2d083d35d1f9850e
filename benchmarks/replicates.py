"""How well one measurement of a siRNA tells another: a ceiling for sirna, on the few rows repeated.

    python benchmarks/replicates.py lightgbm gene_ridge lookup

Train rows of `shanghai` with the same modified duplex, dose, cells and time are repeats. Each is
predicted by the mean of its siblings, and out of fold by the models, on these rows alone; repeats
with the very same value are one measurement written twice, so the second table is without them. A
sibling has noise of its own: with one of them, the mean absolute error is about 1.4 times that of
someone who knew the truth. The data must be ready (`podium data sirna -d shanghai`).
"""

import sys

import numpy as np
import pandas as pd

from podium import api
from podium.data.dataset import load
from podium.metrics import Cells, Tally

SAME = [
    "modified_siRNA_sense_seq_list",
    "modified_siRNA_antisense_seq_list",
    "siRNA_concentration",
    "cell_line_donor",
    "Duration_after_transfection_h",
]


def main() -> None:
    """Print a table for all repeats, and one for those that differ."""
    ready = load(*api.load("sirna", "shanghai"))
    train = ready.train()
    assert train.targets is not None
    target, metric = ready.competition.targets[0].name, ready.competition.metric
    truth = train.targets[target].to_numpy(np.float64)
    predictions = {"mean of the siblings": siblings(train.features, truth)}
    for model in sys.argv[1:] or ["lightgbm", "gene_ridge", "lookup"]:
        made = api.cross_validate("sirna", model, dataset="shanghai").predictions
        ordered = made.set_index("id")[target].loc[train.ids]
        predictions[f"`{model}`, out of fold"] = ordered.to_numpy(np.float64)
    near = predictions["mean of the siblings"]
    repeated = ~np.isnan(near)
    guide = train.features[SAME[1]].str.casefold().to_numpy(object)
    for rows, title in (
        (repeated, "all repeats"),
        (repeated & (near != truth), "repeats that differ"),
    ):
        print(f"\n| {title}: {rows.sum()} rows | score | standard error | mean absolute error |")
        print("|---|---|---|---|")
        for name, said in predictions.items():
            answers, guesses = ({target: values[rows]} for values in (truth, said))
            score = Tally.of(metric, answers, guesses, Cells.of(guide[rows])).estimate("score")
            assert score is not None
            print(
                f"| {name} | {score.scores['score']:.3f} | {score.se:.3f} "
                f"| {score.scores['mae']:.1f} |"
            )


def siblings(features: pd.DataFrame, truth: np.ndarray) -> np.ndarray:
    """The mean of the other rows of the same measurement [rows]; NaN where there is none."""
    keys = [features[name] for name in SAME]
    groups = pd.Series(truth).groupby(keys, dropna=False, observed=True)
    others = groups.transform("size") - 1
    return ((groups.transform("sum") - truth) / others.where(others > 0)).to_numpy(np.float64)


if __name__ == "__main__":
    main()
