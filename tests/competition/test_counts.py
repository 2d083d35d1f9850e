"""Counts by block: in memory, in a file, and what of them a fingerprint sees."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from podium.competition.counts import Counts


@pytest.fixture
def matrices():
    rng = np.random.default_rng(0)
    return {
        "a": (rng.poisson(0.5, (7, 4)), ["g1", "g2", "g3", "g4"]),
        "b": (csr_array(rng.poisson(0.5, (5, 3))), ["g2", "g4", "g9"]),
    }


def dense(counts):
    return {n: (rows.tolist(), m.toarray().tolist(), list(g)) for n, rows, m, g in counts.read()}


def test_blocks_have_genes_of_their_own(matrices):
    counts = Counts.of(matrices)
    assert len(counts) == 12
    found = dense(counts)
    assert found["a"] == (list(range(7)), matrices["a"][0].tolist(), ["g1", "g2", "g3", "g4"])
    assert found["b"] == (list(range(7, 12)), matrices["b"][0].toarray().tolist(), matrices["b"][1])


def test_rows_in_any_order_survive_a_file(matrices, tmp_path):
    counts = Counts.of(matrices)
    order = np.random.default_rng(1).permutation(12)[:9]
    taken = counts.take(order)
    taken.write(tmp_path / "counts.h5")
    again = Counts.open(tmp_path / "counts.h5")
    assert dense(again) == dense(taken)
    whole = np.zeros((12, 4))
    whole[:7] = matrices["a"][0]
    for name, rows, matrix, _ in taken.read():
        if name == "a":
            assert (matrix.toarray() == whole[order[rows]]).all()
    mask = np.arange(9) % 2 == 0
    assert dense(again.take(mask)) == dense(taken.take(mask))


def test_a_file_holds_its_own_rows_alone(matrices, tmp_path):
    Counts.of(matrices).take(np.arange(7, 12)).write(tmp_path / "b.h5")
    assert list(Counts.open(tmp_path / "b.h5").blocks) == ["b"]


def test_same_content_same_bytes(matrices, tmp_path):
    def content(counts):
        return b"".join(counts.content())

    counts = Counts.of(matrices)
    stored = {**matrices, "a": (csr_array(matrices["a"][0].astype(float)), matrices["a"][1])}
    assert content(counts) == content(Counts.of(stored))
    counts.write(tmp_path / "counts.h5")
    assert content(Counts.open(tmp_path / "counts.h5")) == content(counts)
    other = matrices["a"][0].copy()
    other[0, 0] += 1
    assert content(Counts.of({**matrices, "a": (other, matrices["a"][1])})) != content(counts)


def test_a_gene_for_each_column(matrices):
    with pytest.raises(ValueError, match="a: 4 columns, 2 genes"):
        Counts.of({"a": (matrices["a"][0], ["g1", "g2"])})


def test_an_empty_block(tmp_path):
    counts = Counts.of({"a": (np.zeros((3, 2)), ["g1", "g2"])})
    counts.write(tmp_path / "counts.h5")
    assert dense(Counts.open(tmp_path / "counts.h5"))["a"][1] == [[0, 0]] * 3
