"""What was seen must stay; and cells of one's own."""

import numpy as np
import pandas as pd
import pytest
from podium.competitions.imputation import check, rows
from scipy.sparse import csr_array

from podium.competition.counts import Counts
from podium.competition.part import Part
from podium.data.h5ad import Annotated
from podium.errors import DataError

COUNTS = np.array([[4, 0, 2, 0], [0, 3, 0, 0], [0, 0, 0, 0], [1, 1, 1, 70_000]])
GENES = ["a", "b", "c", "d"]


@pytest.fixture
def part():
    ids = pd.Index(["w", "x", "y", "z"], name="id")
    counts = Counts.of({"cells": (COUNTS, GENES)})
    return Part(name="test", ids=ids, features=pd.DataFrame(index=range(4)), counts=counts)


@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("block", [1, 1 << 21])
def test_changes_are_counted(part, form, kind, block, monkeypatch):
    monkeypatch.setattr(check, "BLOCK", block)
    imputed = np.where(COUNTS == 0, 1.5, COUNTS).astype(kind)
    assert check.problems(part, {"count": form(imputed)}) == []
    imputed[0, 2] = 0
    (line,) = check.problems(part, {"count": form(imputed)})
    assert line == ("1 observed count is changed: only zeros may be imputed (w, c: 2 became 0)")
    imputed[1:, :3] = 0
    imputed[3, 3] = 70_000.5
    (line,) = check.problems(part, {"count": form(imputed)})
    assert line.startswith("6 observed counts are changed")
    assert line.endswith("; z, c: 1 became 0; ...)")
    assert " d:" not in line


def test_counts_that_single_precision_rounds():
    large = np.array([[2**24 + 1, 0]])
    one = Part(
        name="test",
        ids=pd.Index(["w"]),
        features=pd.DataFrame(index=range(1)),
        counts=Counts.of({"cells": (large, ["a", "b"])}),
    )
    assert check.problems(one, {"count": large.astype(np.float32)}) == []
    assert len(check.problems(one, {"count": large - 1.0})) == 1
    assert len(check.problems(one, {"count": (large + 3).astype(np.float32)})) == 1


def test_rows_of_the_part_are_compared(part):
    other = part.take(np.array([3, 0]))
    assert check.problems(other, {"count": COUNTS[[3, 0]].astype(float)}) == []
    assert len(check.problems(other, {"count": COUNTS[[0, 3]].astype(float)})) == 1


def own(counts, names=("x", "y")):
    table = pd.DataFrame(index=list(names))
    return Annotated(table, csr_array(np.asarray(counts)), np.array(["a", "b"]), None)


def test_cells_of_ones_own():
    features, counts = rows.taken("mine", own([[0.0, 2.0], [1.0, 0.0]]))
    assert features.shape == (2, 0)
    assert counts.matrix().toarray().tolist() == [[0, 2], [1, 0]]
    assert counts.genes.tolist() == ["a", "b"]


def test_cells_that_cannot_be_used():
    with pytest.raises(DataError) as told:
        rows.taken("mine", own([[0.5, -2.0], [np.nan, np.inf]], names=("x", "x")))
    assert len(told.value.problems) == 5
    with pytest.raises(DataError, match="nothing to impute"):
        rows.taken("mine", own(np.zeros((0, 2)), names=()))
