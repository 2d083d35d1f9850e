"""The scores worked by hand; against scikit-learn they are tested with podium.metrics."""

import numpy as np
import pytest
from podium.competitions.dti.metric import TARGET, metric


def score(binds, said, protein):
    solution = {TARGET: np.array(binds, float), "protein": np.array(protein, object)}
    return metric.score(solution, {TARGET: np.array(said, float)})


def test_worked_by_hand():
    # pairs of a positive and a negative: .9 beats .8, .4 and .2; .6 beats .4 and .2, not .8; .2
    # ties with .2 and loses twice: 3 + 2 + .5 of 9. Within A: .9 and .6 against .8: 1 of 2; within
    # B: .2 against .4 and .2: .5 of 2
    scores = score([1, 1, 0, 0, 1, 0], [0.9, 0.6, 0.8, 0.4, 0.2, 0.2], list("AAABBB"))
    assert scores["auc"] == pytest.approx(5.5 / 9)
    assert scores["auc_within"] == pytest.approx(1.5 / 4)
    assert scores["average_precision"] == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)
    assert scores["brier"] == pytest.approx((0.01 + 0.16 + 0.64 + 0.16 + 0.64 + 0.04) / 6)
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["sensitivity"] == pytest.approx(2 / 3)
    assert scores["specificity"] == pytest.approx(2 / 3)


def test_who_looks_at_the_protein_alone_has_a_half_within():
    rng = np.random.default_rng(0)
    protein = rng.integers(20, size=500)
    binds = rng.random(500) < protein / 20
    scores = score(binds, protein / 20, protein.astype(str))
    assert scores["auc"] > 0.75
    assert scores["auc_within"] == 0.5
