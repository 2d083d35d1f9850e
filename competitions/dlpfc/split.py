"""Make the frozen splits: which slices train, which are public, which are private.

Run once for a dataset; the file is committed and only read later:

    python -m podium.competitions.dlpfc.split demo
    python -m podium.competitions.dlpfc.split DATASET RAW_FILES

Where there are several slices, whole donors or sections are on one side: slices of one donor are
too alike to test what was learnt from the others. Cross-validation holds out one slice at a time.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from podium.data import build

from .competition import competition
from .metric import SLICE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from podium.data import Prepared


def demo(prepared: Prepared) -> pd.DataFrame:
    """Donor 1 trains, donor 2 is public, donor 3 private."""
    train, public, private = ([f"d{donor}s{n}" for n in range(1, 5)] for donor in (1, 2, 3))
    return whole_slices(prepared, train=train, public=public, private=private)


SPLITS: dict[str, Callable[[Prepared], pd.DataFrame]] = {"demo": demo}


def whole_slices(
    prepared: Prepared,
    *,
    train: Sequence[str],
    public: Sequence[str],
    private: Sequence[str],
    stratum: str = "slices",
) -> pd.DataFrame:
    """Put each slice on one side; the train slices are folds 0, 1, ... in the order given.

    Returns:
        `id`, `part`, `fold` (train rows only) and `stratum`, in the order of the features.

    Raises:
        ValueError: If the names are not those of the dataset's slices, each once.
    """
    sides = {"train": train, "public": public, "private": private}
    named = [name for names in sides.values() for name in names]
    slices = prepared.features[SLICE]
    if sorted(named) != sorted(slices.unique()):
        raise ValueError(f"{named} are to be split, but the slices are {list(slices.unique())}.")
    part = {name: side for side, names in sides.items() for name in names}
    fold = {name: number for number, name in enumerate(train)}
    return pd.DataFrame(
        {
            "id": prepared.features["id"],
            "part": slices.map(part),
            "fold": slices.map(fold).astype("Int64"),
            "stratum": stratum,
        }
    )


if __name__ == "__main__":
    name, *source = sys.argv[1:]
    dataset = competition.dataset(name)
    prepared = build(competition, dataset, source=Path(source[0]) if source else None)
    file = Path(__file__).parent / "splits" / f"{name}.csv"
    file.parent.mkdir(exist_ok=True)
    SPLITS[name](prepared).to_csv(file, index=False, lineterminator="\n")
