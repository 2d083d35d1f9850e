"""y = 2 x + an effect of the group + noise."""

import numpy as np
import pandas as pd

from podium.data import Prepared


def demo() -> Prepared:
    rng = np.random.default_rng(7)
    group = np.arange(300) % 30
    x = rng.normal(size=300).round(3)
    best = 2 * x + rng.normal(size=30).round(3)[group]
    ids = pd.Series([f"r{row:03d}" for row in range(300)])
    y = (best + rng.normal(size=300)).round(3)
    return Prepared(
        features=pd.DataFrame({"id": ids, "x": x, "kind": np.where(group % 2, "odd", "even")}),
        targets=pd.DataFrame({"id": ids, "y": y}),
        groups=pd.DataFrame({"id": ids, "group": [f"g{g}" for g in group]}),
        ceiling=pd.DataFrame({"id": ids, "y": best.round(3)}),
    )
