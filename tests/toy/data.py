"""The raw table: id, x, group, y; y is empty in open rows."""

import pandas as pd

from podium.data import Prepared


def table(raw) -> Prepared:
    rows = pd.read_csv(raw["toy.csv"], dtype={"id": str})
    labelled = rows[rows["y"].notna()]
    return Prepared(
        features=rows[["id", "x"]], targets=labelled[["id", "y"]], groups=labelled[["id", "group"]]
    )
