"""Boosted trees on the guide's bases, its chemistry and the dose.

    podium cv sirna submissions/examples/sirna.py
    podium run sirna submissions/examples/sirna.py --name "my first model"

Copy this file, give it a name of your own and change `table`: what a tree is not told it cannot
learn. Nothing here knows of the gene's mRNA, of the sense strand, or of who measured.
"""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from podium.competition import Parameter

# Default, what it is, what is allowed, what a search tries. Try others with `--set rounds=400`; the
# same seed gives the same figures.
PARAMETERS = {
    "rounds": Parameter(200, "trees", (1, 10_000), search=(50, 500)),
    "learning_rate": Parameter(0.06, "of a tree", (0.001, 1.0), search=(0.02, 0.2, "log")),
    "leaves": Parameter(15, "of a tree at most", (2, 10_000), search=(7, 63)),
}

BASES = 21  # positions of the guide that all have
KINDS = ("f", "d", "(")  # how 2'-fluoro, DNA and exotic nucleotides are written


def table(part):
    """One row of numbers for each row of the part."""
    features = part.features
    columns = {
        "dose": np.log10(features["siRNA_concentration"].clip(lower=1e-4)),
        "hours": features["Duration_after_transfection_h"],
    }
    guide = features["siRNA_antisense_seq"].str.upper().str.ljust(BASES, "N")
    tokens = features["modified_siRNA_antisense_seq_list"].str
    for place in range(BASES):  # U and A at the end that opens, G and C at the other: good guides
        columns[f"weak {place}"] = guide.str[place].isin(["A", "U"])
    for kind in KINDS:
        columns[f"number of {kind}"] = tokens.count(kind if kind != "(" else r"\(")
    return pd.DataFrame(columns).astype(float)


def build(params, seed):
    """Make the model; `seed` decides everything random."""
    return Trees(params, seed)


class Trees:
    """What `fit` learns, `predict` uses."""

    def __init__(self, params, seed):
        self.model = HistGradientBoostingRegressor(
            loss="absolute_error",  # the score counts absolute errors
            max_iter=params["rounds"],
            learning_rate=params["learning_rate"],
            max_leaf_nodes=params["leaves"],
            random_state=seed,
        )

    def fit(self, train, report=None):
        """Learn from the train part."""
        self.model.fit(table(train), train.targets["mRNA_remaining_pct"])

    def predict(self, part):
        """One row for each id of the part, in any order."""
        found = self.model.predict(table(part)).clip(0, 300)
        return pd.DataFrame({"id": part.ids, "mRNA_remaining_pct": found})
