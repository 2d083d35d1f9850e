"""Make the toy's raw table, splits and checksums again: python tests/toy/freeze.py."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd

import podium.competitions
from podium.competition import folders as competition
from podium.creating import freezing
from podium.data import dataset as data

HERE = Path(__file__).parent


def split(groups: pd.DataFrame, open_ids=()) -> pd.DataFrame:
    """Every fifth group is new in test; of the others every fifth row is; the halves alternate."""
    code = groups["group"].str[1:].astype(int)
    row = np.arange(len(groups))
    new = (code % 5 == 0).to_numpy()
    test = new | (row // (code.max() + 1) % 5 == 0)
    fold_new = (code % 5 == 1).to_numpy()
    out = pd.DataFrame({"id": groups["id"]})
    out["part"] = np.where(test, np.where((code + row) % 3 == 0, "public", "private"), "train")
    out["fold"] = np.where(fold_new, code // 5 % 3, row // 7 % 3)
    out["fold"] = out["fold"].where(~test).astype("Int64")
    out["stratum"] = np.where(np.where(test, new, fold_new), "new", "seen")
    unlabelled = pd.DataFrame({"id": list(open_ids), "part": "open"})
    return pd.concat([out, unlabelled])


def main() -> None:
    podium.competitions.__path__.append(str(HERE.parent))
    rng = np.random.default_rng(3)
    x = rng.normal(size=66).round(3)
    table = pd.DataFrame(
        {"id": np.arange(1, 67), "x": x, "group": [f"g{r % 12}" for r in range(66)]}
    )
    table["y"] = np.where(np.arange(66) < 60, (3 * x + rng.normal(size=66)).round(3), np.nan)
    (HERE / "raw").mkdir(exist_ok=True)
    table.to_csv(HERE / "raw" / "toy.csv", index=False)
    digest = hashlib.sha256((HERE / "raw" / "toy.csv").read_bytes()).hexdigest()
    facts = HERE / "competition.py"
    facts.write_text(re.sub(r"RAW_SHA256|[0-9a-f]{64}", digest, facts.read_text()))
    toy = competition.load("toy")
    for dataset in toy.datasets:
        source = None if dataset.simulated else HERE / "raw"
        prepared = data.build(toy, dataset, source=source)
        open_ids = prepared.features["id"][~prepared.features["id"].isin(prepared.targets["id"])]
        file = HERE / "splits" / f"{dataset.name}.csv"
        split(prepared.groups, open_ids).to_csv(file, index=False)
        freezing.freeze(toy, dataset.name, source=source)


if __name__ == "__main__":
    main()
