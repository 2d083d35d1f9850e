"""The scores against NumPy and scikit-learn, worked by hand, in chunks, and far from zero."""

import numpy as np
import pandas as pd
import pytest
from podium.competitions.response.metric import FEWEST, TARGET, metric
from sklearn.metrics import roc_auc_score

from podium.metrics import Cells, Tally


def case(seed, rows=240, drugs=4):
    rng = np.random.default_rng(seed)
    drug, context = rng.integers(drugs, size=rows), rng.integers(2, size=rows)
    truth = 5.0 * drug + rng.normal(size=rows)
    call = np.where(truth - 5.0 * drug < -0.7, "sensitive", "resistant")
    call = np.where(drug == 0, "", call)
    solution = {
        TARGET: truth,
        "drug": np.array([f"d{one}" for one in drug], object),
        "context": np.array(["solid", "blood"], object)[context],
        "call": call.astype(object),
        "line": np.array([f"l{one}" for one in rng.integers(30, size=rows)], object),
    }
    return solution, {TARGET: truth + rng.normal(size=rows).round(1)}


def literal(solution, predictions):
    """The scores as their definitions say them."""
    rows = pd.DataFrame({**solution, "said": predictions[TARGET]})
    keys = rows.groupby(["drug", "context"])[TARGET]
    standardised = (rows[TARGET] - keys.transform("mean")) / keys.transform("std", ddof=0)
    rows["specific"] = standardised - standardised.groupby(rows["line"]).transform("mean")
    r, specific, auroc = [], [], []
    for _, key in rows.groupby(["drug", "context"]):
        varies = np.ptp(key["said"]) > 0
        both = np.corrcoef(key[["said", TARGET, "specific"]].to_numpy(float).T)[0]
        r.append(both[1] if varies else 0.0)
        specific.append(both[2] if varies else 0.0)
        called = key[key["call"] != ""]
        counts = called["call"].value_counts()
        if len(counts) == 2 and counts.min() >= FEWEST:
            auroc.append(roc_auc_score(called["call"] == "resistant", called["said"]))
    error = rows["said"] - rows[TARGET]
    return {
        "r": np.mean(r),
        "specific_r": np.mean(specific),
        "auroc": np.mean(auroc) if auroc else 0.5,
        "rmse": np.sqrt(np.mean(error**2)),
    }


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_they_are_what_their_definitions_say(offset):
    for seed in range(3):
        solution, predictions = case(seed)
        solution[TARGET] = solution[TARGET] + offset
        predictions[TARGET] = predictions[TARGET] + 2 * offset
        found = metric.score(solution, predictions)
        assert found == pytest.approx(literal(solution, predictions), rel=1e-8)


def test_ties_count_half():
    solution, predictions = case(3)
    predictions[TARGET] = predictions[TARGET].round(0)
    assert metric.score(solution, predictions) == pytest.approx(literal(solution, predictions))
    predictions[TARGET] = np.zeros(len(predictions[TARGET]))
    found = metric.score(solution, predictions)
    assert (found["r"], found["specific_r"], found["auroc"]) == (0.0, 0.0, 0.5)


def test_the_worked_example():
    """Of the README: two drugs in one context, the first ranked right, the second the other way."""
    solution = {
        TARGET: np.array([1.0, 2.0, 3.0, 10.0, 11.0, 12.0]),
        "drug": np.array(["a", "a", "a", "b", "b", "b"], object),
        "context": np.full(6, "blood", object),
        "call": np.full(6, "", object),
        "line": np.array(["l1", "l2", "l3", "l1", "l2", "l4"], object),
    }
    said = {TARGET: np.array([1.0, 2.0, 2.0, 12.0, 11.0, 11.0])}
    found = metric.score(solution, said)
    first = 1 / np.sqrt(2 / 3 * 2)  # covariance 1, squares 2/3 and 2
    assert found["r"] == pytest.approx((first - first) / 2)
    # Standardised truths are -1.5, 0, 1.5 (over the root of 1.5) in both; l1 and l2 have means of
    # -1.5 and 0, so what is a drug's own is nothing.
    assert found["specific_r"] == 0.0
    assert found["rmse"] == pytest.approx(np.sqrt((0 + 0 + 1 + 4 + 0 + 1) / 6))
    assert found["auroc"] == 0.5


def test_the_means_of_drugs_and_contexts_score_nothing():
    solution, predictions = case(1)
    truth = pd.DataFrame(solution)
    means = truth.groupby(["drug", "context"])[TARGET].transform("mean").to_numpy()
    assert metric.score(solution, {TARGET: means})["r"] == 0.0
    moved = predictions[TARGET] + 100 * (truth["drug"] == "d2") - 50 * (truth["context"] == "blood")
    again = metric.score(solution, {TARGET: moved.to_numpy()})
    assert again["r"] == pytest.approx(metric.score(solution, predictions)["r"])


def test_what_all_drugs_of_a_line_share_is_not_specific():
    rng = np.random.default_rng(0)
    line, drug = (one.ravel() for one in np.meshgrid(np.arange(40), np.arange(9)))
    level, own = rng.normal(size=40)[line], rng.normal(size=360)
    solution = {
        TARGET: level + own,
        "drug": drug.astype(str).astype(object),
        "line": line.astype(str).astype(object),
        "context": np.full(360, "solid", object),
        "call": np.full(360, "", object),
    }
    general = metric.score(solution, {TARGET: level})
    assert general["r"] > 0.5
    assert abs(general["specific_r"]) < 0.05
    assert metric.score(solution, {TARGET: own})["specific_r"] > 0.8


def test_answers_reach_one():
    solution, _ = case(2)
    found = metric.score(solution, {TARGET: solution[TARGET]})
    assert found["r"] == pytest.approx(1.0)
    assert found["auroc"] == 1.0
    assert found["rmse"] == 0.0


def test_sums_over_cells_give_the_same_and_leave_groups_out():
    solution, predictions = case(4)
    lines = np.arange(240) % 8
    estimate = Tally.of(metric, solution, predictions, Cells.of(lines)).estimate("r")
    assert estimate.scores == pytest.approx(metric.score(solution, predictions))
    left_out = [
        literal(*({n: v[lines != line] for n, v in t.items()} for t in (solution, predictions)))[
            "r"
        ]
        for line in range(8)
    ]
    expected = 7 * (np.mean(left_out) - left_out)
    np.testing.assert_allclose(estimate.influence, expected, rtol=1e-4, atol=1e-5)
