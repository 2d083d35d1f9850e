"""Splatter's law learnt from counts that it made, and `empirical_bayes`, which knows it."""

from typing import Any

import numpy as np
import pytest
from podium.competitions.imputation.data.simulate import (
    BCV,
    MIDDLE,
    STEEPNESS,
    Simulated,
    ceiling,
    simulate,
)
from podium.competitions.imputation.metric import metric
from podium.competitions.imputation.models import empirical_bayes
from podium.competitions.imputation.shared import splatter
from podium.competitions.imputation.shared.calling import threshold
from podium.competitions.imputation.tests.test_lightgbm import part
from scipy.sparse import csr_array

from podium.competition import defaults
from podium.competition.part import Part
from podium.errors import ModelError

LABELLED = 120


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return simulate(np.random.default_rng(4), 180, 150)


@pytest.fixture(scope="module")
def law(simulated: Simulated) -> splatter.Law:
    return splatter.learn_law(simulated.observed, simulated.truth, simulated.plan.mean, 0)


def imputed(train: Part, test: Part, **params: Any) -> Any:
    """Imputed counts [cells, genes]."""
    model = empirical_bayes.build({**defaults(empirical_bayes.PARAMETERS), **params}, 0)
    model.fit(train)
    return model.predict(test).drop(columns="id").to_numpy()


def scores(observed: Any, truth: Any, values: Any) -> dict[str, float]:
    answers = {"count": csr_array(truth), "observed": csr_array(observed)}
    return {name: float(score) for name, score in metric.score(answers, {"count": values}).items()}


def test_the_law_is_learnt_again(simulated: Simulated, law: splatter.Law) -> None:
    assert law.common == pytest.approx(BCV, abs=0.06)
    assert law.middle == pytest.approx(MIDDLE, abs=0.15)
    assert law.slope == pytest.approx(STEEPNESS, abs=0.15)
    assert np.corrcoef(law.spread, simulated.plan.spread)[0, 1] > 0.3


def test_likelihood_is_highest_at_the_true_mean(simulated: Simulated, law: splatter.Law) -> None:
    mean = simulated.plan.mean
    table = law.table(mean * np.array([0.8, 1.25])[:, None, None])
    fit = [law.log_likelihood(simulated.observed, mean * f, table).sum() for f in (0.8, 1, 1.25)]
    assert fit[1] > max(fit[0], fit[2])


def test_cells_that_were_sampled_down_too(simulated: Simulated) -> None:
    """Their zeros are of two kinds, and so is the law."""
    rng, mean = np.random.default_rng(0), simulated.plan.mean
    observed = rng.binomial(simulated.observed, 0.3)
    law = splatter.learn_law(observed, simulated.truth, mean, 0)
    assert law.kept == pytest.approx(0.3, abs=0.01)
    assert law.middle == pytest.approx(MIDDLE, abs=0.3)
    zero = observed == 0
    said, true = law.at_zeros(mean).lost[zero], simulated.truth[zero] > 0
    for sure in (said < 0.3, (said > 0.3) & (said < 0.8), said > 0.8):
        assert true[sure].mean() == pytest.approx(said[sure].mean(), abs=0.03)
    table = law.table(mean * np.array([0.8, 1.25])[:, None, None])
    fit = [law.log_likelihood(observed, mean * f, table).sum() for f in (0.8, 1, 1.25)]
    assert fit[1] > max(fit[0], fit[2])


@pytest.mark.parametrize(
    ("seen", "counts", "kept"), [([], [], 1), ([3], [3], 1), ([2], [1], 1), ([1], [40], 1e-3)]
)
def test_the_share_that_is_kept_at_its_ends(
    seen: list[int], counts: list[int], kept: float
) -> None:
    assert splatter.learn_kept(np.array(seen), np.array(counts)) == kept


def test_groups_are_those_that_were_drawn() -> None:
    cells = simulate(np.random.default_rng(1), 300, 800)
    groups = splatter.learn_groups(cells.truth.astype(float), 6, 0)
    together = cells.plan.group[:, None] == cells.plan.group
    said = groups.group[:, None] == groups.group
    assert (together == said).mean() > 0.95
    error = np.log(groups.mean / cells.plan.mean)[cells.plan.mean > 2]
    assert np.sqrt((error**2).mean()) < 0.2


def test_nothing_is_changed_where_groups_are_alike() -> None:
    rng = np.random.default_rng(0)
    mean = rng.gamma(2, 20, 200)
    share = splatter.shares(rng.poisson(mean, (3, 200)) * 1.0, np.full(3, mean.sum()), mean.sum())
    assert share.sum(axis=1) == pytest.approx(1)
    assert np.abs(np.log(share / share.mean(axis=0))).max() < 0.2


def test_comes_near_the_ceiling_and_repeats(simulated: Simulated) -> None:
    observed, truth = simulated.observed, simulated.truth
    train, test = part(observed[:LABELLED], truth[:LABELLED]), part(observed[LABELLED:])
    values = imputed(train, test)
    assert values.tobytes() == imputed(train, test).tobytes()
    assert (values[observed[LABELLED:] > 0] == observed[LABELLED:][observed[LABELLED:] > 0]).all()
    given = observed[LABELLED:], truth[LABELLED:]
    reached, best = scores(*given, values), scores(*given, ceiling(simulated)[LABELLED:])
    everything = scores(*given, np.ones_like(values))
    assert best["f1"] - reached["f1"] < 0.3 * (best["f1"] - everything["f1"])
    assert reached["ratio"] < best["ratio"] + 0.08


@pytest.mark.parametrize(
    ("kind", "cells", "params"),
    [
        ("empty cell", LABELLED, {}),
        ("empty train cell", LABELLED, {}),
        ("unseen gene", LABELLED, {}),
        ("one gene", LABELLED, {}),
        ("nothing observed", LABELLED, {}),
        ("nothing lost", LABELLED, {}),
        ("no zero", LABELLED, {}),
        ("alike cells", LABELLED, {}),
        ("ones lost", LABELLED, {}),
        ("ones and twos lost", LABELLED, {}),
        ("two train cells", 2, {}),
        ("one group", LABELLED, {"groups": 1}),
    ],
)
def test_odd_cells(simulated: Simulated, kind: str, cells: int, params: dict[str, Any]) -> None:
    observed, truth = simulated.observed[:, :40].copy(), simulated.truth[:, :40].copy()
    if kind == "empty cell":
        observed[LABELLED] = 0
    elif kind == "empty train cell":
        observed[3] = truth[3] = 0
    elif kind == "unseen gene":
        observed[:, 5] = truth[:, 5] = 0
    elif kind == "one gene":
        observed, truth = observed[:, :1], truth[:, :1]
    elif kind == "nothing observed":
        observed[:] = 0
    elif kind == "nothing lost":
        observed = truth
    elif kind == "no zero":
        observed = truth = truth + 1
    elif kind == "alike cells":
        observed[:], truth[:] = observed[0], truth[0]
    elif kind.endswith("lost"):  # as steeply as can be
        observed = np.where(truth > kind.count("and") + 1, truth, 0)
    values = imputed(part(observed[:cells], truth[:cells]), part(observed[LABELLED:]), **params)
    assert values.shape == observed[LABELLED:].shape
    assert np.isfinite(values).all()
    if kind in ("nothing lost", "no zero"):
        assert (values == observed[LABELLED:]).all()


def test_a_part_without_cells(simulated: Simulated) -> None:
    train = part(simulated.observed, simulated.truth)
    assert imputed(train, part(simulated.observed[:0])).shape == (0, 150)


def test_says_what_it_needs(simulated: Simulated) -> None:
    for train in (part(simulated.observed), part(simulated.observed[:1], simulated.truth[:1])):
        with pytest.raises(ModelError, match="empirical_bayes needs two cells or more"):
            imputed(train, part(simulated.observed))
    with pytest.raises(ModelError, match="genes"):
        imputed(part(simulated.observed, simulated.truth), part(simulated.observed[:, :9]))


def test_threshold_by_trying_all() -> None:
    probability = np.random.default_rng(0).beta(0.5, 0.5, 50)
    zeros, dropouts = len(probability), probability.sum()
    scores = {}
    for cut in np.sort(probability):
        called, hits = (probability >= cut).sum(), probability[probability >= cut].sum()
        product = called * (zeros - called) * dropouts * (zeros - dropouts)
        mcc = (hits * zeros - called * dropouts) / np.sqrt(max(product, 1e-9))
        scores[cut] = 2 * hits / (called + dropouts), mcc
    best = max(f1 for f1, _ in scores.values())
    for slack in (0.0, 0.01, 0.1):
        allowed = {cut: mcc for cut, (f1, mcc) in scores.items() if f1 >= best - slack}
        wanted = max(allowed, key=lambda cut: allowed[cut])
        assert threshold(probability, slack) == wanted
