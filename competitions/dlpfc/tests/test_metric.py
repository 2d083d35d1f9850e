"""ARI and NMI against scikit-learn, slice by slice, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from podium.competitions.dlpfc.metric import (
    MOST,
    SLICE,
    TARGET,
    crowded,
    layout,
    metric,
    per_slice,
    statistics,
)
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from podium.errors import SubmissionError
from podium.metrics.stats import Cells, Tally

NAMES = ["a", "b", "1", "2", "x y"]


def table(slices, domains, clusters):
    return (
        {SLICE: np.array([*slices], dtype=object), TARGET: np.array([*domains], dtype=object)},
        {TARGET: np.array([*clusters], dtype=object)},
    )


labels = st.lists(
    st.tuples(st.sampled_from(NAMES[:3]), st.sampled_from(NAMES), st.sampled_from("uvwxyz")),
    min_size=1,
    max_size=60,
)


@settings(max_examples=40, deadline=None)
@given(labels)
def test_equal_to_scikit_learn_on_every_slice(rows):
    slices, domains, clusters = (
        np.array(column, dtype=object) for column in zip(*rows, strict=True)
    )
    scores = metric.score(*table(slices, domains, clusters))
    names = sorted(set(slices))
    for name, of in (("ari", adjusted_rand_score), ("nmi", normalized_mutual_info_score)):
        expected = [of(domains[slices == one], clusters[slices == one]) for one in names]
        assert scores[name] == pytest.approx(np.mean(expected), abs=1e-12)


def test_equal_to_scikit_learn_on_many_spots():
    rng = np.random.default_rng(0)
    domains = rng.integers(7, size=4000)
    clusters = np.where(rng.random(4000) < 0.6, domains, rng.integers(90, size=4000))
    scores = metric.score(*table(["a"] * 4000, domains.astype(str), clusters.astype(str)))
    assert scores["ari"] == pytest.approx(adjusted_rand_score(domains, clusters), abs=1e-12)
    assert scores["nmi"] == pytest.approx(
        normalized_mutual_info_score(domains, clusters), abs=1e-12
    )


def test_by_hand():
    # Pairs: 6 in all; together in truth 2, in clusters 1, in both 1: (1 - 1/3) / (3/2 - 1/3).
    answers, predictions = table(["a"] * 4, "uuvv", "ppqr")
    assert metric.score(answers, predictions)["ari"] == pytest.approx(4 / 7)
    # H(truth) = ln 2, H(clusters) = 1.5 ln 2, shared ln 2: ln 2 / (1.25 ln 2).
    assert metric.score(answers, predictions)["nmi"] == pytest.approx(0.8)


def test_names_of_clusters_do_not_matter_and_may_differ_between_slices():
    answers, predictions = table("aaabbb", "112112", "xxyyyx")
    assert metric.score(answers, predictions) == pytest.approx({"ari": 1.0, "nmi": 1.0})
    one_name = table("aaabbb", "112112", "xxyxxy")
    assert metric.score(*one_name) == pytest.approx({"ari": 1.0, "nmi": 1.0})


def test_chunks_and_groups_left_out():
    rng = np.random.default_rng(1)
    slices = np.repeat(["a", "b", "c", "d"], 50)
    rows = slices, rng.integers(4, size=200).astype(str), rng.integers(5, size=200).astype(str)
    answers, predictions = table(*rows)
    tables = layout(answers, predictions)
    halves = [
        statistics(
            {name: column[part] for name, column in answers.items()},
            {name: column[part] for name, column in predictions.items()},
            tables,
        ).sum(axis=0)
        for part in (slice(0, 120), slice(120, 200))
    ]
    together = metric.finish(np.asarray(sum(halves)), tables)
    assert together == pytest.approx(metric.score(answers, predictions), abs=1e-15)
    # A slice that is left out does not count: the others' mean remains.
    estimate = Tally.of(metric, answers, predictions, Cells.of(slices)).estimate("ari", 3)
    whole = np.asarray(statistics(answers, predictions, tables).sum(axis=0))
    by_slice = per_slice(whole, tables)["ari"]
    left = np.array([np.delete(by_slice, one).mean() for one in range(4)])
    assert estimate.influence == pytest.approx(3 * (left.mean() - left), rel=1e-5)
    assert estimate.se == pytest.approx(by_slice.std(ddof=1) / 2)


def test_too_many_clusters_are_refused():
    count = MOST + 1
    answers, predictions = table(["a"] * count + ["b"], ["u"] * (count + 1), range(count + 1))
    assert crowded(answers[SLICE], predictions[TARGET]) == [
        f"slice a: {count} clusters, at most {MOST} are scored"
    ]
    with pytest.raises(SubmissionError, match="slice a: 101 clusters"):
        metric.score(answers, predictions)
