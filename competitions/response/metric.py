"""Pearson's r of each drug within each context, averaged: the score of `response`.

A key is a drug in a context (solid or blood). For each key the sums n, x, y, xx, yy, xy over its
rows give r between predictions x and truths y; the score is the mean of r over the keys that have
rows. So neither a drug's mean nor a context's can be scored: predicting them gives 0.

    r = (xy - x y / n) / sqrt((xx - x^2 / n) (yy - y^2 / n)),  0 where either side does not vary

Beside it: `specific_r`, the same with the part of the truth that is the drug's own (standardised
within the key, minus the line's mean, over the rows that are scored), since a quarter of what
varies within a drug is how sensitive a line is to everything; `auroc`, the chance that a resistant
line is predicted above a sensitive one, ties as halves, averaged over the keys that have `FEWEST`
of both; `rmse` over all rows.

All are made of sums, AUROC too: of the rarer call of a key the predictions are marks, and rows of
the other are counted between them. Squares are summed about the means of each key, so that large
numbers do not cancel.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from podium.metrics import Floats, Metric, Table

TARGET = "ln_ic50"
KEY = ("drug", "context")
LINE, CALL = "line", "call"
"""Columns that the metric is given beside the target and the keys."""
CALLS = (SENSITIVE, RESISTANT) = ("sensitive", "resistant")
FEWEST = 5
"""Rows of either call from which a key has an AUROC."""
MOMENTS = ("n", "x", "y", "s", "xx", "yy", "ss", "xy", "xs")
_DUST = 1e-10
"""A sum of squares below this share of its rows' own is rounding error."""


class Layout(NamedTuple):
    """The keys of a submission, and what its rows are measured by.

    Attributes:
        place: Number of each key, by drug and context.
        x, y: Means of predictions and truths of each key [keys].
        spread: Standard deviation of the truths of each key, 1 where they do not vary [keys].
        level: Mean of each line's standardised truths, by line.
        ranked: Number of each key among those that have an AUROC, else -1 [keys].
        rare: The rarer call of these [ranked].
        marks: Predictions of their rows of it, ascending, infinite beyond the last
            [ranked, marks].
    """

    place: pd.Series
    x: Floats
    y: Floats
    spread: Floats
    level: pd.Series
    ranked: NDArray[np.int64]
    rare: NDArray[np.object_]
    marks: Floats


def layout(solution: Table, predictions: Table) -> Layout:
    """Find the keys, their means and the marks of their AUROC."""
    rows = pd.DataFrame({name: solution[name] for name in (*KEY, LINE, CALL)})
    rows["x"], rows["y"] = predictions[TARGET], solution[TARGET]
    keys = rows.groupby(list(KEY), sort=True)
    means = keys[["x", "y"]].mean()
    rows["key"] = keys.ngroup()
    deviation = keys["y"].std(ddof=0).to_numpy(np.float64)
    spread: Floats = np.where(deviation > 0, deviation, 1.0).astype(np.float64)
    standardised = (rows["y"] - means["y"].to_numpy()[rows["key"]]) / spread[rows["key"]]
    calls = [np.bincount(rows["key"][rows[CALL] == call], minlength=len(means)) for call in CALLS]
    both = np.minimum(*calls) >= FEWEST
    ranked = np.where(both, np.cumsum(both) - 1, -1)
    rare = np.where(calls[0] <= calls[1], *CALLS).astype(object)
    marked = rows[both[rows["key"]] & (rows[CALL].to_numpy() == rare[rows["key"]])]
    of_key = marked.sort_values(["key", "x"]).drop_duplicates(["key", "x"]).groupby("key")["x"]
    marks = np.full((int(both.sum()), of_key.size().max() if len(of_key) else 0), np.inf)
    for key, values in of_key:
        marks[ranked[key], : len(values)] = values
    return Layout(
        place=pd.Series(np.arange(len(means)), index=means.index),
        x=means["x"].to_numpy(),
        y=means["y"].to_numpy(),
        spread=spread,
        level=standardised.groupby(rows[LINE]).mean(),
        ranked=ranked,
        rare=rare[both],
        marks=marks,
    )


def statistics(solution: Table, predictions: Table, layout: Layout) -> csr_array:
    """Of each row its moments, in the columns of its key, and its place among the marks.

    Args:
        solution: Columns `ln_ic50`, `drug`, `context`, `line` and `call` [rows].
        predictions: `ln_ic50` as predicted.
        layout: Of the whole submission.

    Returns:
        [rows, 1 + 9 keys + ranked * (2 marks + 1)]: squared error; moments of each key; for each
        that is ranked how many rows lie at each mark, and how many others between them.
    """
    named = pd.MultiIndex.from_arrays([solution[name] for name in KEY])
    key = layout.place.loc[named].to_numpy()
    said, truth = predictions[TARGET], np.asarray(solution[TARGET], np.float64)
    x, y = said - layout.x[key], truth - layout.y[key]
    s = y / layout.spread[key] - layout.level.loc[solution[LINE]].to_numpy()
    values = [np.ones_like(x), x, y, s, x * x, y * y, s * s, x * y, x * s]
    columns = 1 + key[:, None] * len(MOMENTS) + np.arange(len(MOMENTS))
    rows = np.arange(len(x))
    first = 1 + len(layout.x) * len(MOMENTS)
    row, column, count = _places(layout, key, np.asarray(solution[CALL], object), said)
    data = np.concatenate([(said - truth) ** 2, *values, count])
    row = np.concatenate([np.tile(rows, 1 + len(MOMENTS)), row])
    column = np.concatenate([np.zeros(len(x), int), *columns.T, first + column])
    width = first + len(layout.marks) * (2 * layout.marks.shape[1] + 1)
    return csr_array((data, (row, column)), shape=(len(x), width))


def _places(
    layout: Layout, key: NDArray[np.int64], call: NDArray[np.object_], said: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Row, column and count of what AUROC is made of: a row at a mark is half on either side."""
    called = np.flatnonzero((layout.ranked[key] >= 0) & np.isin(call, CALLS))
    ranked = layout.ranked[key[called]]
    marks, values = layout.marks[ranked], said[called, None]
    below, upto = (marks < values).sum(axis=1), (marks <= values).sum(axis=1)
    is_mark = call[called] == layout.rare[ranked]
    start, width = ranked * (2 * marks.shape[1] + 1), marks.shape[1]
    at, other = np.flatnonzero(is_mark), np.flatnonzero(~is_mark)
    row = called[np.concatenate([at, other, other])]
    column = np.concatenate(
        [(start + below)[at], (start + width + below)[other], (start + width + upto)[other]]
    )
    return row, column, np.repeat([1.0, 0.5], [len(at), 2 * len(other)])


def finish(sums: Floats, layout: Layout) -> dict[str, Floats]:
    """The scores from summed statistics [..., columns]."""
    keys, lead = len(layout.x), sums.shape[:-1]
    moments = sums[..., 1 : 1 + keys * len(MOMENTS)].reshape(*lead, keys, len(MOMENTS))
    of = dict(zip(MOMENTS, np.moveaxis(moments, -1, 0), strict=True))
    there = of["n"] > 0.5
    n = np.where(there, of["n"], 1.0)
    width = layout.marks.shape[1]
    places = sums[..., 1 + keys * len(MOMENTS) :].reshape(*lead, len(layout.marks), 2 * width + 1)
    return {
        "r": _mean(_pearson(n, of["x"], of["y"], of["xx"], of["yy"], of["xy"]), there),
        "specific_r": _mean(_pearson(n, of["x"], of["s"], of["xx"], of["ss"], of["xs"]), there),
        "auroc": _auroc(places[..., :width], places[..., width:], layout.rare == SENSITIVE),
        "rmse": np.sqrt(np.maximum(sums[..., 0], 0.0) / of["n"].sum(axis=-1)),
    }


def _pearson(n: Floats, x: Floats, y: Floats, xx: Floats, yy: Floats, xy: Floats) -> Floats:
    """Pearson's r from sums; 0 where either side does not vary."""
    spread = [
        np.where(squares - total**2 / n > _DUST * squares, squares - total**2 / n, 0.0)
        for total, squares in ((x, xx), (y, yy))
    ]
    product = np.sqrt(spread[0]) * np.sqrt(spread[1])
    r = np.where(product > 0, (xy - x * y / n) / np.where(product > 0, product, 1.0), 0.0)
    return np.clip(r, -1.0, 1.0)


def _auroc(at: Floats, between: Floats, sensitive: NDArray[np.bool_]) -> Floats:
    """Mean over keys of the chance that a resistant line is predicted above a sensitive one.

    Args:
        at: Rows at each mark of each key [..., ranked, marks].
        between: Rows of the other call below the first mark, ..., above the last
            [..., ranked, marks + 1].
        sensitive: Whether the marks are sensitive lines [ranked].
    """
    pairs = at.sum(axis=-1) * between.sum(axis=-1)
    there = pairs > 0.25
    below = (at * np.cumsum(between, axis=-1)[..., :-1]).sum(axis=-1)
    share = below / np.where(there, pairs, 1.0)
    return _mean(np.where(sensitive, 1 - share, share), there, empty=0.5)


def _mean(values: Floats, there: NDArray[np.bool_], empty: float = 0.0) -> Floats:
    """Mean over the keys that are there [..., keys]; `empty` where none is."""
    count = there.sum(axis=-1)
    total = np.where(there, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), empty)


metric = Metric(statistics=statistics, finish=finish, layout=layout, pooled=False)
