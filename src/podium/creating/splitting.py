"""The split of data that have changed: rows keep their part, and new rows are given one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from podium.columns import among
from podium.data import dataset as data
from podium.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.contract import Competition, Dataset
    from podium.data.dataset import Prepared

    Rule = Callable[[Prepared], pd.DataFrame]

TRAIN, TEST = "train", ("public", "private")
_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class Resplit:
    """A split as it is to be frozen.

    Attributes:
        table: As CSV, with a line for each row.
        file: As it is kept: the same, or by the feature whose values the rule divides.
        changes: How it differs from the one before, one line each.
        retired: Test rows that are scored no longer, those of earlier splits too.
    """

    table: bytes
    file: bytes
    changes: tuple[str, ...]
    retired: tuple[str, ...]


def resplit(
    competition: Competition, dataset: Dataset, prepared: Prepared, new_rows: str | None
) -> Resplit:
    """Give each row the part that it has, and new rows one.

    Raises:
        DataError: If labelled rows have no part and nothing says which.
    """
    import pandas as pd

    file = competition.data_folder / "splits" / f"{dataset.name}.csv"
    rule = _rule(competition, dataset)
    former = data.retired(competition, dataset)
    if not file.is_file() and rule is not None:
        kept = rule(prepared).to_csv(index=False, lineterminator="\n").encode()
        table = data.split_of_rows(kept, prepared)
        changes, gone = [f"{dataset.name}: the split is made by split.py"], []
    else:
        kept = file.read_bytes() if file.is_file() else b""
        table = data.split_table(competition, dataset, prepared)
        split, ids = _read(table), prepared.features["id"]
        labelled = among(split["id"], prepared.targets["id"])
        stays = among(split["id"], ids) & (labelled == (split["part"] != "open"))
        new = ids[~among(ids, split.loc[stays, "id"])]
        changes, gone = [], list(_scored(split[~stays]))
        if len(new) or not stays.all():
            added = _added(competition, dataset, prepared, split[stays], new, rule, new_rows)
            whole = pd.concat([split[stays], added])
            kept = table = whole.to_csv(index=False, lineterminator="\n").encode()
            for what, rows in (("gone", split[~stays]), ("new", added)):
                counts = rows["part"].value_counts()
                parts = ", ".join(f"{count} {part}" for part, count in counts.items())
                changes += [f"{dataset.name}: rows that are {what}: {parts}"] if parts else []
    retired = list(dict.fromkeys([*former, *gone]))
    if retired:
        scored = set(_scored(_read(table)))
        retired = [row for row in retired if row not in scored]
    return Resplit(table=table, file=kept, changes=tuple(changes), retired=tuple(retired))


def _read(table: bytes) -> pd.DataFrame:
    """A split with every value as it is written."""
    import pandas as pd

    return pd.read_csv(BytesIO(table), dtype=str, keep_default_na=False)


def _scored(split: pd.DataFrame) -> pd.Series[str]:
    """Ids of the test part."""
    return split.loc[split["part"].isin(TEST), "id"]


def _rule(competition: Competition, dataset: Dataset) -> Rule | None:
    """What makes the split, of the folder's `split.py`; None where it has no such function."""
    if not competition.has("split"):
        return None
    rule: Rule | None = getattr(competition.module("split"), dataset.function, None)
    return rule


def _added(
    competition: Competition,
    dataset: Dataset,
    prepared: Prepared,
    split: pd.DataFrame,
    new: pd.Series[str],
    rule: Rule | None,
    new_rows: str | None,
) -> pd.DataFrame:
    """Parts of rows that have none: by the folder's rule, or in train if that is asked for."""
    import pandas as pd

    without = ~among(new, prepared.targets["id"])
    opened = pd.DataFrame({"id": new[without], "part": "open", "fold": "", "stratum": ""})
    labelled = new[~without]
    if not len(labelled):
        return opened
    if rule is not None:
        made = _read(rule(prepared).to_csv(index=False, lineterminator="\n").encode())
        made = made[among(made["id"], labelled)]
        return pd.concat([_beside(competition, prepared, split, made), opened])
    if new_rows != TRAIN or len(competition.strata) > 1:
        shown = ", ".join(labelled[:_EXAMPLES]) + (", ..." if len(labelled) > _EXAMPLES else "")
        file = competition.data_folder / "splits" / f"{dataset.name}.csv"
        train = f"podium freeze {competition.name} --new-rows train, or " * (
            len(competition.strata) == 1
        )
        raise DataError(
            f"{len(labelled)} labelled rows of {competition.name}/{dataset.name} have no part in "
            f"the split: {shown}.",
            hint=f"{train}write their part into {competition.shown(file)} "
            "(columns id, part, fold, stratum) and freeze it again.",
        )
    return pd.concat([_in_train(competition, prepared, split, labelled), opened])


def _in_train(
    competition: Competition, prepared: Prepared, split: pd.DataFrame, new: pd.Series[str]
) -> pd.DataFrame:
    """New rows in train, in the fold of their group or else in the smallest one.

    Rows whose group is in the test part, and is meant to be unseen, are `unused`: they would tell
    answers.
    """
    import pandas as pd

    (stratum,) = competition.strata
    groups = prepared.groups.set_index("id")[list(stratum.unseen)]
    there = split.set_index("id").join(groups, how="inner")
    train = there[there["part"] == TRAIN]
    counts = train["fold"].value_counts()
    sizes = {str(fold): int(count) for fold, count in counts.items()} or {"0": 0}
    tested, fold_of = set[tuple[str, str]](), dict[tuple[str, str], str]()
    for kind in stratum.unseen:
        tested |= {(kind, group) for group in there.loc[~there["part"].eq(TRAIN), kind]}
        fold_of |= {(kind, g): f for g, f in zip(train[kind], train["fold"], strict=True)}
    rows: list[tuple[str, str, str, str]] = []
    for row in new:
        keys = [(kind, str(groups.loc[row, kind])) for kind in stratum.unseen]
        if tested.intersection(keys):
            rows.append((row, "unused", "", stratum.name))
            continue
        smallest = min(sizes, key=lambda name: (sizes[name], name))
        fold = next((fold_of[key] for key in keys if key in fold_of), smallest)
        fold_of |= dict.fromkeys(keys, fold)
        sizes[fold] += 1
        rows.append((row, TRAIN, fold, stratum.name))
    return pd.DataFrame(rows, columns=["id", "part", "fold", "stratum"])


def _beside(
    competition: Competition, prepared: Prepared, split: pd.DataFrame, new: pd.DataFrame
) -> pd.DataFrame:
    """New rows as a rule divides them, but beside the rows of their groups, which keep their part.

    Where a group is meant to be unseen, train rows take the fold that it has; rows of one that is
    in test would tell answers, those of one that trains would be known: both are `unused`. Test
    rows take the half of their `halves_by`.
    """
    kinds = [(stratum.name, kind) for stratum in competition.strata for kind in stratum.unseen]
    whole = competition.halves_by
    needed = {kind for _, kind in kinds} | ({whole} if whole else set())
    groups = prepared.groups.set_index("id")[sorted(needed)]
    there = split.set_index("id").join(groups, how="inner")
    learnt, tested = there[there["part"].isin(data.FOLDS)], there[there["part"].isin(TEST)]
    made = new.set_index("id").join(groups)
    learns, asks = made["part"].isin(data.FOLDS), made["part"].isin(TEST)
    if whole:
        half = made[whole].map(tested.groupby(whole)["part"].first()).where(asks)
        made["part"] = half.fillna(made["part"])
    unused, wanted = ~(learns | asks), []
    for stratum, kind in kinds:
        held = tested.loc[tested["stratum"] == stratum, kind]
        unused |= learns & made[kind].isin(held)
        unused |= asks & (made["stratum"] == stratum) & made[kind].isin(learnt[kind])
        apart = learnt.loc[learnt["stratum"] == stratum, kind]
        folds = learnt.groupby(kind)["fold"]
        bound = learns & ((made["stratum"] == stratum) | made[kind].isin(apart))
        unused |= bound & (made[kind].map(folds.nunique()) > 1)
        wanted.append(made[kind].map(folds.first()).where(bound))
        made["fold"] = wanted[-1].fillna(made["fold"])
    for fold in wanted:  # two kinds of groups may want two folds
        unused |= fold.notna() & (fold != made["fold"])
    made.loc[unused, ["part", "fold"]] = ["unused", ""]
    return made.reset_index()[list(new.columns)]
