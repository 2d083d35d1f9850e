"""Are rows, sequences or texts of test also in train, or nearly?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_float_dtype, is_numeric_dtype

from podium.columns import many
from podium.verifying.probes.helpers import as_text
from podium.verifying.probes.minhash import LONGEST, nearest, sketch

if TYPE_CHECKING:
    from podium.verifying.under_test import DatasetUnderTest

SHARE, LEAST = 0.005, 3
"""Rows of the test part that are too many: this share of it, and not fewer than that."""
NEAR = 0.01
"""Rows are near each other below this distance: root mean square of standardised columns."""
ALIKE, ALIKE_TEXT = 0.5, 0.8
"""Share of the k-mers of sequences, and of words and sentences, that makes near-duplicates."""
SEQUENCE, TEXT = 12, 40
"""Median length from which a column is looked at as sequences or as texts."""


def no_test_row_is_in_train(tested: DatasetUnderTest) -> Iterator[str]:
    """No row of test is also in train: not as it is, in other case or spaces, or nearly."""
    train, test = tested.features
    if not len(train) or not train.shape[1]:
        return
    exact = _in_train(train, test, _as_is)
    folded = _in_train(train, test, _folded)
    for what, rows in (
        ("all features of a train row", exact),
        ("those of a train row but for case, spaces and the last digits", folded & ~exact),
        ("almost the numbers of a train row", _near_rows(train, test) & ~folded),
    ):
        if _too_many(rows):
            yield f"{_rows(rows)} {what}: {_examples(tested, rows)}{_by_stratum(tested, rows)}"


def no_test_text_is_nearly_in_train(tested: DatasetUnderTest) -> Iterator[str]:
    """No sequence or text of test is one of train, or nearly one, by their k-mers."""
    train, test = tested.features
    if not len(train):
        return
    columns = [(name, as_text(train[name]), as_text(test[name])) for name in _texts(train)]
    for name, theirs, ours in [*columns, *_sequences(tested)]:
        kind = _kind_of_text(theirs)
        if kind is None:
            continue
        k, least = kind
        code, texts = pd.factorize(ours)
        others = pd.unique(theirs)
        alike, other = nearest(sketch(list(texts), k), sketch(list(others), k))
        rows = (alike >= least)[code]
        if _too_many(rows):
            first = int(code[np.flatnonzero(rows)[0]])
            pair = f"{str(texts[first])[:30]!r} and {str(others[other[first]])[:30]!r}"
            where = _by_stratum(tested, rows)
            yield f"{_rows(rows)} a {name} that trains, or nearly so: {pair}{where}"


def _as_is(column: pd.Series[Any]) -> pd.Series[Any]:
    return column if is_numeric_dtype(column) else as_text(column)


def _folded(column: pd.Series[Any]) -> pd.Series[Any]:
    """Without case and spaces, and with six digits."""
    if not is_numeric_dtype(column):
        text = as_text(column).str.casefold()
        return text.str.replace(r"\s+", " ", regex=True).str.strip()
    values = column.to_numpy(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 10.0 ** (4 - np.floor(np.log10(np.abs(values))))
        rounded = np.where(np.isfinite(digits), np.round(values * digits) / digits, values)
    return pd.Series(rounded)


def _in_train(
    train: pd.DataFrame, test: pd.DataFrame, how: Callable[[pd.Series[Any]], pd.Series[Any]]
) -> NDArray[np.bool_]:
    """Which test rows have the features of a train row; none if it happens so by chance."""
    sides = [
        np.column_stack([pd.util.hash_array(how(side[name]).to_numpy()) for name in side])
        for side in (train, test)
    ]
    rng = np.random.default_rng(0)
    chance = np.column_stack([rng.permutation(column) for column in sides[1].T])
    train_keys, test_keys, by_chance = (_row_keys(side) for side in (*sides, chance))
    rows = np.isin(test_keys, train_keys)
    return np.asarray(rows & (rows.sum() > 3 * np.isin(by_chance, train_keys).sum()))


def _row_keys(columns: NDArray[np.uint64]) -> NDArray[np.uint64]:
    key = np.zeros(len(columns), dtype=np.uint64)
    for column in columns.T:
        key = (key ^ column) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(31)
    return key


def _near_rows(train: pd.DataFrame, test: pd.DataFrame) -> NDArray[np.bool_]:
    """Which test rows have almost the numbers of a train row; none if it happens so by chance.

    Candidates are near each other on three random projections; texts are not looked at.
    """
    from scipy.spatial import cKDTree

    names = [name for name in train if is_float_dtype(train[name]) and train[name].nunique() > 50]
    nothing = np.zeros(len(test), dtype=bool)
    if len(names) < 3:
        return nothing
    middle, spread = train[names].median(), train[names].std()
    ours, theirs = (
        ((side[names] - middle) / spread.where(spread > 0, 1.0))
        .fillna(0.0)
        .clip(-10, 10)
        .to_numpy()
        for side in (test, train)
    )
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(len(names), 3)) / np.sqrt(len(names))
    tree = cKDTree(theirs @ axes)

    def near(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
        _, other = tree.query(rows @ axes, k=min(5, len(theirs)))
        gaps = theirs[np.reshape(other, (len(rows), -1))] - rows[:, None, :]
        return np.asarray((np.sqrt(np.square(gaps).mean(axis=2)) < NEAR).any(axis=1))

    rows = near(ours)
    if not rows.any():
        return nothing
    chance = near(np.column_stack([rng.permutation(column) for column in ours.T]))
    return np.asarray(rows & (rows.sum() > 3 * chance.sum()))


def _texts(table: pd.DataFrame) -> list[str]:
    return [str(n) for n in table if not is_numeric_dtype(table[n])]


def _sequences(tested: DatasetUnderTest) -> Iterator[tuple[str, pd.Series[Any], pd.Series[Any]]]:
    """DNA that lies beside the features: its beginnings, of train and test."""
    parts = tested.data.train(), tested.data.part("test")
    packed: list[Any] = [getattr(part, "sequences", None) for part in parts]
    if all(side is not None for side in packed):
        letters = np.frombuffer(b"ACGTN", dtype=np.uint8)
        texts = [[row.tobytes().decode() for row in letters[s.codes[:, :LONGEST]]] for s in packed]
        yield "sequence", pd.Series(texts[0]), pd.Series(texts[1])


def _kind_of_text(column: pd.Series[Any]) -> tuple[int, float] | None:
    """Length of k-mers and least likeness of a column of sequences or texts; None for others."""
    there = column[column != ""]
    if not len(there) or there.nunique() < max(20, len(there) / 10):
        return None
    length = float(there.str.len().median())
    letters = set("".join(there.iloc[:2000].str.upper()))
    plain = all(re.fullmatch(r"[A-Z*-]", letter) for letter in letters)
    if plain and length >= SEQUENCE:
        few = len(letters) <= 6  # nucleotides
        return (6 if length < 60 else 12) if few else (3 if length < 60 else 5), ALIKE
    return (8, ALIKE_TEXT) if length >= TEXT else None


def _too_many(rows: NDArray[np.bool_]) -> bool:
    return bool(rows.sum() >= max(LEAST, SHARE * len(rows)))


def _rows(rows: NDArray[np.bool_]) -> str:
    count = int(rows.sum())
    return f"{many(count, 'test row')} ({count / len(rows):.1%}) have"


def _examples(tested: DatasetUnderTest, rows: NDArray[np.bool_]) -> str:
    ids = tested.data.ids("test")
    return ", ".join(ids[int(row)].as_py() for row in np.flatnonzero(rows)[:3])


def _by_stratum(tested: DatasetUnderTest, rows: NDArray[np.bool_]) -> str:
    """How many of these test rows each stratum has, where there are several."""
    names = [stratum.name for stratum in tested.competition.strata]
    if len(names) < 2:
        return ""
    stratum = tested.split.set_index("id")["stratum"].reindex(tested.data.ids("test").to_pylist())
    counts = [f"{name} {int((rows & (stratum == name).to_numpy()).sum())}" for name in names]
    return f" ({', '.join(counts)})"
