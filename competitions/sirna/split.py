"""Make the frozen splits: who is train, who is test, and how cross-validation mimics the test.

Run once for a dataset, in the competition's folder; the file is committed and only read later:

    python -m podium.competitions.sirna.split demo
    python -m podium.competitions.sirna.split shanghai ../shared/data/sirna/siRNA_official.zip

How well a model does here depends wholly on what it has seen, so the test part holds three kinds
of rows in equal shares: of genes that are nowhere in train, of guides that are nowhere in train
though their gene is, and single rows of guides that do train. The folds of the train part mix the
same three kinds, so that cross-validation predicts the board.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from podium.data import raw

from .competition import competition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from podium.data import Prepared

SEED = 0
TEST = 0.2
PUBLIC = 0.3
FOLDS = 5
GENES = 8
"""Genes of `unseen_gene` at least; fewer could not carry an interval."""
LARGEST_GENE = 0.22
"""Largest share of the stratum that one gene may fill; of 95% of it this is still no quarter."""

DRAWS = 1000

UNSEEN_GENE = "unseen_gene"
UNSEEN_GUIDE = "unseen_guide"
SEEN = "seen"
STRATA = (UNSEEN_GENE, UNSEEN_GUIDE, SEEN)


def split(groups: pd.DataFrame, seed: int = SEED, open_ids: Iterable[str] = ()) -> pd.DataFrame:
    """Split labelled rows by their groups alone; no target and no outcome is looked at.

    Args:
        groups: `id`, `gene` and `guide` of the labelled rows.
        seed: All draws follow from it.
        open_ids: Rows without answers, appended as part `open`.

    Returns:
        `id`, `part`, `fold` (train rows only), `stratum` (train rows: the kind of situation in
        which cross-validation holds the row out; open rows: missing), in the order given.

    Raises:
        ValueError: If a guide belongs to two genes, or the genes are too few or too large.
    """
    _refuse_shared_guides(groups)
    rng = np.random.default_rng(seed)
    stratum = _test_strata(groups, rng)
    part = _sides(groups["guide"], stratum, rng)
    train = stratum.isna()
    folds = _folds(groups[train], rng)
    stratum[train] = folds["stratum"]
    table = pd.DataFrame(
        {"id": groups["id"], "part": part, "fold": folds["fold"], "stratum": stratum}
    )
    opened = pd.DataFrame({"id": list(open_ids)}, dtype=table["id"].dtype).assign(part="open")
    return pd.concat([table, opened], ignore_index=True).astype({"fold": "Int64"})


def _refuse_shared_guides(groups: pd.DataFrame) -> None:
    genes = groups.groupby("guide")["gene"].nunique()
    shared = genes.index[genes > 1]
    if len(shared):
        raise ValueError(f"{len(shared)} guides belong to two genes, among them {shared[0]}.")


def _test_strata(groups: pd.DataFrame, rng: np.random.Generator) -> pd.Series[str]:
    """The stratum of each test row; missing for train rows."""
    third = round(len(groups) * TEST / len(STRATA))
    stratum = pd.Series(pd.NA, index=groups.index, dtype="string")

    genes = _test_genes(groups["gene"].value_counts(), third, rng)
    stratum[groups["gene"].isin(genes)] = UNSEEN_GENE

    rest = groups[stratum.isna()]
    guides = _draw(rest["guide"].value_counts(), third, rng)
    stratum[groups["guide"].isin(guides)] = UNSEEN_GUIDE

    shuffled = _shuffle(groups[stratum.isna()], rng)
    spare = shuffled[shuffled.duplicated("guide")]  # the first of each guide stays in train
    stratum[spare.index[:third]] = SEEN
    return stratum


def _test_genes(sizes: pd.Series[int], rows: int, rng: np.random.Generator) -> list[str]:
    """Enough genes, none too large, that fill the stratum: the first such draw."""
    eligible = sizes[sizes <= LARGEST_GENE * rows]
    for _ in range(DRAWS):
        genes = _draw(eligible, rows, rng)
        if len(genes) >= GENES and sizes[genes].sum() >= 0.95 * rows:
            return genes
    raise ValueError(
        f"No {GENES} of {len(eligible)} genes with at most {LARGEST_GENE * rows:.0f} rows each "
        f"make up {rows} rows."
    )


def _sides(
    guide: pd.Series[str], stratum: pd.Series[str], rng: np.random.Generator
) -> pd.Series[str]:
    """Train, public or private: all test rows of a guide are on one side."""
    part = stratum.isna().map({True: "train", False: "private"})
    for name in STRATA:
        sizes = guide[stratum == name].value_counts()
        public = _draw(sizes, round(PUBLIC * sizes.sum()), rng)
        part[(stratum == name) & guide.isin(public)] = "public"
    return part


def _folds(train: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """`fold` and `stratum` of each train row: a third each of whole genes, whole guides, rows."""
    third = len(train) // len(STRATA)
    table = pd.DataFrame({"fold": -1, "stratum": UNSEEN_GUIDE}, index=train.index)

    sizes = train["gene"].value_counts()
    sizes = sizes[_draw(sizes[sizes <= third / FOLDS], third, rng)]
    whole = train["gene"].isin(sizes.index)
    table.loc[whole, "fold"] = train["gene"].map(_even(sizes))
    table.loc[whole, "stratum"] = UNSEEN_GENE

    sizes = train.loc[~whole, "guide"].value_counts()
    seen = train["guide"].isin(_draw(sizes[sizes > 1], third, rng))
    table.loc[seen, "stratum"] = SEEN
    # Dealt like cards, guide by guide: the rows of one guide land in different folds.
    dealt = _shuffle(train[seen], rng).sort_values("guide", kind="stable").index
    table.loc[dealt, "fold"] = np.arange(len(dealt)) % FOLDS

    whole = ~whole & ~seen
    sizes = train.loc[whole, "guide"].value_counts()
    table.loc[whole, "fold"] = train["guide"].map(_even(sizes[_draw(sizes, len(train), rng)]))
    return table


def _shuffle(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return frame.iloc[rng.permutation(len(frame))]


def _draw(sizes: pd.Series[int], rows: int, rng: np.random.Generator) -> list[str]:
    """Units in random order, each taken if it still fits into the number of rows wanted."""
    sizes = sizes.sort_index()  # ties in `value_counts` have no order to rely on
    drawn, room = [], rows
    for unit in rng.permutation(len(sizes)):
        if sizes.iloc[unit] <= room:
            drawn.append(str(sizes.index[unit]))
            room -= int(sizes.iloc[unit])
    return drawn


def _even(sizes: pd.Series[int]) -> dict[str, int]:
    """Unit to fold, largest first into the emptiest fold; equal ones in the order given."""
    load = np.zeros(FOLDS, dtype=np.int64)
    fold = {}
    for unit, size in sizes.sort_values(ascending=False, kind="stable").items():
        fold[str(unit)] = int(load.argmin())
        load[load.argmin()] += size
    return fold


def freeze(prepared: Prepared, path: Path, seed: int = SEED) -> None:
    """Write the split of a dataset, in the order of its features."""
    labelled = prepared.features["id"].isin(prepared.groups["id"])
    table = split(prepared.groups, seed, prepared.features.loc[~labelled, "id"])
    table.to_csv(path, index=False, lineterminator="\n")


def _prepared(name: str, source: Path | None) -> Prepared:
    dataset = competition.dataset(name)
    room = competition.module("simulate" if dataset.simulated else "data")
    make: Callable[..., Prepared] = getattr(room, name)
    if dataset.simulated:
        return make()
    with raw.members(competition, dataset, source=source, progress=False) as files:
        return make(files)


if __name__ == "__main__":
    name, *source = sys.argv[1:]
    folder = Path(__file__).parent / "splits"
    freeze(_prepared(name, Path(source[0]) if source else None), folder / f"{name}.csv")
