"""The models without networks, on a few small cells."""

from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pytest
from podium.competitions.imputation.metric import finish, statistics
from podium.competitions.imputation.models import diffusion, knn_smooth, nb_posterior, svd
from podium.competitions.imputation.shared.calling import (
    Calling,
    Curve,
    Estimate,
    Mixed,
    best_cut,
)
from podium.competitions.imputation.shared.cells import size_factors
from podium.competitions.imputation.shared.neighbours import nearest, reduced
from scipy.sparse import csr_array
from scipy.stats import nbinom
from sklearn.linear_model import LinearRegression
from sklearn.metrics import f1_score

from podium.competition import defaults, model_file
from podium.competition import folders as competitions
from podium.competition.counts import Counts
from podium.competition.part import Part
from podium.errors import ModelError
from suites import space

CONTROLS = ("none", "all_gene_mean")
LEARNT = ("nb_posterior", "knn_smooth", "svd", "diffusion")
OWN: list[tuple[str, dict[str, Any]]] = [
    ("knn_smooth", {"source": "observed", "calling": "own"}),
    ("svd", {"source": "observed", "calling": "own"}),
    ("svd", {"source": "observed", "calling": "learnt"}),
    ("diffusion", {"source": "observed", "calling": "own"}),
    ("diffusion", {"source": "observed", "calling": "learnt"}),
]
ALL = [*((name, {}) for name in (*CONTROLS, *LEARNT)), *OWN]
GENES = 60


def planted(cells: int = 90, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Observed and true counts of three kinds of cells; a third of the genes is silent in each."""
    rng = np.random.default_rng(seed)
    kind = np.arange(cells) % 3
    silent = np.arange(GENES) % 3 == kind[:, None]
    level = np.where(silent, 0.05, rng.lognormal(1.5, 0.7, GENES))
    truth = rng.poisson(level * rng.lognormal(0, 0.2, (cells, 1)))
    lost = rng.random(truth.shape) < 1 / (1 + np.exp(np.log(level) - 1))
    return np.where(lost, 0, truth), truth


def part(counts: Any, truth: Any = None, name: str = "train") -> Part:
    """Cells as a model meets them."""
    genes = [f"g{gene}" for gene in range(counts.shape[1])]
    ids = pd.Index([f"{name}{row}" for row in range(counts.shape[0])])
    return Part(
        name=name,
        ids=ids,
        features=pd.DataFrame(index=range(len(ids))),
        targets=None if truth is None else pd.DataFrame(index=range(len(ids))),
        counts=Counts.of({"cells": (csr_array(counts), genes)}),
        truth=None if truth is None else Counts.of({"cells": (csr_array(truth), genes)}),
    )


def build(name: str, seed: int = 0, **params: Any) -> Any:
    module = import_module(f"podium.competitions.imputation.models.{name}")
    return module.build({**defaults(module.PARAMETERS), **params}, seed)


def imputed(name: str, train: Part, test: Part, **params: Any) -> np.ndarray:
    model = build(name, **params)
    model.fit(train)
    table = model.predict(test)
    assert list(table["id"]) == list(test.ids)
    return table.drop(columns="id").to_numpy()


def scores(counts: np.ndarray, truth: np.ndarray, values: np.ndarray) -> dict[str, float]:
    solution = {"count": csr_array(truth), "observed": csr_array(counts)}
    sums = statistics(solution, {"count": values}, None).sum(axis=0)
    return {name: float(value) for name, value in finish(sums, None).items()}


def mixed(labelled: int = 60) -> Mixed:
    counts, truth = (csr_array(matrix.astype(np.float32)) for matrix in planted())
    return Mixed(counts, truth[:labelled])


@pytest.fixture(scope="module")
def halves() -> tuple[Part, Part, np.ndarray, np.ndarray]:
    counts, truth = planted()
    test = part(counts[60:], name="test")
    return part(counts[:60], truth[:60]), test, counts[60:], truth[60:]


@pytest.mark.parametrize(("name", "params"), ALL)
def test_keeps_what_was_observed_and_repeats(name: str, params: dict[str, Any], halves) -> None:
    train, test, counts, _ = halves
    values = imputed(name, train, test, **params)
    assert values.dtype == np.float32
    assert (values[counts > 0] == counts[counts > 0]).all()
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert values.tobytes() == imputed(name, train, test, **params).tobytes()


@pytest.mark.parametrize("name", LEARNT)
def test_finds_planted_structure(name: str, halves) -> None:
    train, test, counts, truth = halves
    learnt = scores(counts, truth, imputed(name, train, test))
    control = scores(counts, truth, imputed("all_gene_mean", train, test))
    assert learnt["f1"] > control["f1"] + 0.05
    assert learnt["mcc"] > 0.5
    assert learnt["ratio"] < control["ratio"] - 0.1


@pytest.mark.parametrize(("name", "params"), OWN)
def test_without_truth_is_nearer_than_doing_nothing(
    name: str, params: dict[str, Any], halves
) -> None:
    train, test, counts, truth = halves
    score = scores(counts, truth, imputed(name, train, test, **params))
    assert score["ratio"] < 0.9
    assert score["mcc"] > 0


@pytest.mark.parametrize(("name", "params"), ALL)
def test_truth_of_the_cells_to_impute_is_not_used(
    name: str, params: dict[str, Any], halves
) -> None:
    train, test, counts, truth = halves
    told = part(counts, truth, name="test")
    assert (imputed(name, train, test, **params) == imputed(name, train, told, **params)).all()


@pytest.mark.parametrize(("name", "params"), OWN)
def test_own_calls_use_no_truth_at_all(name: str, params: dict[str, Any], halves) -> None:
    if params["calling"] == "learnt":
        pytest.skip("learns from the truth")
    train, test, _, _ = halves
    other = part(next(train.slices()).counts, np.full((60, GENES), 7))
    assert (imputed(name, train, test, **params) == imputed(name, other, test, **params)).all()


@pytest.mark.parametrize(("name", "params"), ALL)
@pytest.mark.parametrize(
    "kind",
    [
        "empty cell",
        "empty train cell",
        "unseen gene",
        "gene without truth",
        "nothing observed",
        "nothing lost",
        "no zero",
        "alike cells",
        "one train cell",
        "two train cells",
        "three cells",
    ],
)
def test_odd_cells(name: str, params: dict[str, Any], kind: str) -> None:
    counts, truth = planted(40)
    train, test = slice(25), slice(25, 40)
    if kind == "empty cell":
        counts[30] = 0
    elif kind == "empty train cell":
        counts[3] = truth[3] = 0
    elif kind == "unseen gene":
        counts[:, 5] = 0
    elif kind == "gene without truth":
        counts[:, 5] = truth[:, 5] = 0
    elif kind == "nothing observed":
        counts[:] = 0
    elif kind == "nothing lost":
        counts = truth
    elif kind == "no zero":
        counts = truth = truth + 1
    elif kind == "alike cells":
        counts[:], truth[:] = counts[0], truth[0]
    else:
        train = slice({"one train cell": 1, "two train cells": 2, "three cells": 2}[kind])
        test = slice(25, 26 if kind == "three cells" else 40)
    labelled = part(counts[train], truth[train])
    values = imputed(name, labelled, part(counts[test], name="test"), **params)
    assert values.shape == counts[test].shape
    assert np.isfinite(values).all()
    if kind == "no zero":
        assert (values == counts[test]).all()
    if kind == "nothing lost" and name in LEARNT and params.get("calling") != "own":
        assert (values == counts[test]).all()


@pytest.mark.parametrize("name", LEARNT)
def test_says_that_it_needs_truth(name: str, halves) -> None:
    _, test, _, _ = halves
    with pytest.raises(ModelError, match="true counts"):
        build(name).fit(test)
    with pytest.raises(ModelError, match="true counts"):
        build(name).fit(test.take(np.zeros(len(test), dtype=bool)))


@pytest.mark.parametrize(("name", "params"), ALL)
def test_a_part_without_cells(name: str, params: dict[str, Any], halves) -> None:
    train, test, _, _ = halves
    nobody = test.take(np.zeros(len(test), dtype=bool))
    assert imputed(name, train, nobody, **params).shape == (0, GENES)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("knn_smooth", {"neighbours": 0, "components": -1}),
        ("diffusion", {"steps": 0, "neighbours": -2}),
        ("svd", {"rank": -1}),
        ("nb_posterior", {"clusters": 0, "shrink": -0.5}),
    ],
)
def test_says_what_is_too_small(name: str, params: dict[str, Any]) -> None:
    file = model_file.find(competitions.load("imputation"), name)
    with pytest.raises(ModelError) as told:
        file.with_params(params)
    for key, value in params.items():
        assert f"{key} of {name} is a" in str(told.value)
        assert f"not {value}" in str(told.value)


@pytest.mark.parametrize("name", LEARNT)
def test_cells_of_other_genes_are_imputed_alone(name: str, halves) -> None:
    """No labelled cell says anything of them, so it does not matter which there are."""
    train, _, counts, truth = halves
    params = {"neighbours": 8} if name == "knn_smooth" else {}
    own = part(counts[:, 1:], name="test")
    values = imputed(name, train, own, **params)
    fewer = train.take(np.arange(len(train)) < 9)
    assert (values == imputed(name, fewer, own, **params)).all()
    assert scores(counts[:, 1:], truth[:, 1:], values)["ratio"] < 0.95


@pytest.mark.parametrize("name", LEARNT)
@pytest.mark.parametrize("kind", ["one cell", "one gene", "no zero", "all zeros", "alike cells"])
def test_odd_cells_of_other_genes(name: str, kind: str, halves) -> None:
    train, _, counts, _ = halves
    own = {
        "one cell": counts[:1, 1:],
        "one gene": counts[:, 1:2],
        "no zero": counts[:, 1:] + 1,
        "all zeros": counts[:, 1:] * 0,
        "alike cells": np.tile(counts[:1, 1:], (9, 1)),
    }[kind]
    values = imputed(name, train, part(own, name="test"))
    assert values.shape == own.shape
    assert np.isfinite(values).all()
    assert (values[own > 0] == own[own > 0]).all()
    if kind == "all zeros":
        assert not values.any()


def test_which_models_take_any_genes() -> None:
    imputation = competitions.load("imputation")
    taking = [n for n in imputation.models if model_file.find(imputation, n).any_genes]
    assert taking == ["dca", "diffusion", "knn_smooth", "nb_posterior", "svd"]


def test_names_the_choices() -> None:
    for name in ("knn_smooth", "svd", "diffusion"):
        file = model_file.find(competitions.load("imputation"), name)
        with pytest.raises(ModelError, match="learnt, own"):
            file.with_params({"calling": "f1"})
        with pytest.raises(ModelError, match="truth, observed"):
            file.with_params({"source": "both"})


@pytest.mark.parametrize("name", LEARNT)
def test_a_labelled_cell_does_not_see_its_own_truth(name: str) -> None:
    cells = mixed()
    module = import_module(f"podium.competitions.imputation.models.{name}")
    params = {**defaults(module.PARAMETERS), **({"rank": 3} if name == "svd" else {})}
    truth = cells.truth.toarray()
    truth[4] = truth[4, ::-1] * 3
    other = Mixed(cells.counts, csr_array(truth))
    before, after = (module.estimate(given, params, 0).value for given in (cells, other))
    np.testing.assert_allclose(before[4], after[4], rtol=1e-4, atol=1e-4)
    assert not np.allclose(before[-30:], after[-30:])


@pytest.mark.parametrize("seed", range(5))
def test_best_cut_is_that_of_trying_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score = rng.integers(0, 8, 60) / 8
    dropout = rng.random(60) < 0.2 + 0.5 * score
    tried = {cut: f1_score(dropout, score >= cut) for cut in np.unique(score)}
    cut = best_cut(score, dropout)
    assert tried[cut] == pytest.approx(max(tried.values()))
    assert best_cut(score, np.zeros(60, dtype=bool)) == np.inf


def test_curve_goes_through_the_means() -> None:
    x = np.repeat([1.0, 2.0, 4.0], 100)
    curve = Curve.through(x, x**2 + np.tile([-1.0, 1.0], 150))
    y = curve(np.array([0.0, 1.0, 2.0, 3.0, 4.0, 9.0]))
    np.testing.assert_allclose(y, [1, 1, 4, 10, 16, 16])


def test_calling_learns_cut_and_size_of_zeros_alone() -> None:
    counts = np.array([[0, 0, 0, 0, 9]])
    truth = np.array([[0, 6, 6, 6, 9]])
    value = np.array([[1.0, 3.0, 3.0, 3.0, 100.0]])
    calling = Calling.learn(Estimate(value, value), csr_array(counts), csr_array(truth))
    np.testing.assert_allclose(calling.impute(Estimate(value, value))[:, :4], [[0, 6, 6, 6]])


def test_nearest_leaves_out_the_cell_itself_and_cells_outside_the_pool() -> None:
    table = np.array([[0.0], [1.0], [3.0], [0.1], [2.9]])
    distances = nearest(table, pool=3, count=1)
    assert distances.shape == (5, 3)
    assert distances.indices.tolist() == [1, 0, 1, 0, 2]
    np.testing.assert_allclose(distances.data, [1, 1, 2, 0.1, 0.1], rtol=1e-6)
    assert nearest(table, pool=3, count=9).nnz == 5 * 2


def test_knn_by_hand() -> None:
    cells = mixed()
    params = {**defaults(knn_smooth.PARAMETERS), "neighbours": 4}
    estimate = knn_smooth.estimate(cells, params, 0)
    table = reduced(cells.counts, params["components"])
    depth = size_factors(cells.counts)
    for cell in (0, 59, 80):
        apart = ((table[:60] - table[cell]) ** 2).sum(axis=1)
        apart[cell : cell + 1] = np.inf  # for a labelled cell only
        near = np.argsort(apart)[:4]
        truth = cells.truth.toarray()[near]
        np.testing.assert_allclose(estimate.score[cell], (truth > 0).mean(axis=0), atol=1e-6)
        mean = (truth / depth[near, None]).mean(axis=0) * depth[cell]
        np.testing.assert_allclose(estimate.value[cell], mean, rtol=1e-4, atol=1e-5)


def test_regression_leaves_out_as_if_fitted_again() -> None:
    cells = mixed()
    estimate = svd.estimate(cells, {**defaults(svd.PARAMETERS), "rank": 4}, 0)
    table, truth = reduced(cells.counts, 4), cells.truth.toarray() > 0
    others = np.arange(60) != 7
    again = LinearRegression().fit(table[:60][others], truth[others])
    np.testing.assert_allclose(estimate.score[7], again.predict(table[[7]])[0].clip(0), atol=1e-4)
    whole = LinearRegression().fit(table[:60], truth)
    np.testing.assert_allclose(estimate.score[70], whole.predict(table[[70]])[0].clip(0), atol=1e-4)


def test_rank_is_found_where_cells_are_of_three_kinds() -> None:
    cells = mixed()
    chosen = svd.regression(cells, 0)
    two = svd.regression(cells, 2)
    np.testing.assert_allclose(chosen.own, two.own, rtol=1e-5)


def test_alra_as_its_authors_wrote_it() -> None:
    rng = np.random.default_rng(0)
    observed, _ = planted(150)
    logs = np.log1p(observed / size_factors(observed)[:, None])
    left, values, right = np.linalg.svd(logs, full_matrices=False)
    assert svd.outstanding(values) == 3  # kinds of cells
    low = (left[:, :3] * values[:3]) @ right[:3] + rng.normal(0, 0.01, logs.shape)
    expected = np.zeros_like(low)
    for gene in range(GENES):
        column = np.where(low[:, gene] <= abs(np.quantile(low[:, gene], 0.001)), 0, low[:, gene])
        kept, seen = column[column > 0], logs[:, gene][logs[:, gene] > 0]
        scale = seen.std(ddof=1) / kept.std(ddof=1)
        moved = column * scale + seen.mean() - kept.mean() * scale
        expected[:, gene] = np.where(column == 0, 0, np.maximum(moved, 0))
    approximation = svd.rescaled(svd.thresholded(low), logs)
    np.testing.assert_allclose(np.maximum(approximation, 0), expected, atol=1e-9)


def test_walk_is_a_markov_chain() -> None:
    table = np.random.default_rng(1).normal(size=(40, 3))
    walk = diffusion.transitions(nearest(table, 40, 9), 3)
    np.testing.assert_allclose(walk.sum(axis=1), 1, rtol=1e-5)
    assert (walk.diagonal() > 0).all()
    for steps in range(6):
        power = np.linalg.matrix_power(walk.toarray().astype(float), steps)
        np.testing.assert_allclose(diffusion.returns(walk, steps), power.diagonal(), rtol=1e-4)


def test_kernel_is_as_wide_as_the_distance_to_the_neighbour() -> None:
    table = np.array([[0.0], [1.0], [2.0]])
    walk = diffusion.transitions(nearest(table, 3, 2), 1).toarray()
    kernel = np.exp(-np.array([[0, 1, 2], [1, 0, 1], [2, 1, 0]], dtype=float))
    np.testing.assert_allclose(walk, kernel / kernel.sum(axis=1, keepdims=True), rtol=1e-5)


def test_zero_probability_and_dispersion() -> None:
    mean, spread = np.array([0.1, 2.0, 30.0]), np.array([0.5, 2.0, 0.1])
    expected = nbinom.pmf(0, 1 / spread, 1 / (1 + mean * spread))
    np.testing.assert_allclose(nb_posterior.zero_probability(mean, spread), expected)
    level = np.full((20000, 3), 5.0)
    rng = np.random.default_rng(0)
    truth = rng.poisson(rng.gamma(1 / spread, level * spread))
    dispersion = nb_posterior.dispersion(level, csr_array(truth))
    np.testing.assert_allclose(dispersion, spread, rtol=0.1)


def test_loss_is_found() -> None:
    rng = np.random.default_rng(0)
    mean = np.exp(rng.uniform(0, 4, (200, 100)))
    truth = rng.poisson(mean)
    counts = np.where(rng.random(mean.shape) < 1 / (1 + np.exp(np.log(mean) - 2)), 0, truth)
    loss = nb_posterior.loss(mean, Mixed(csr_array(counts), csr_array(truth)))
    np.testing.assert_allclose(loss, 1 / (1 + np.exp(np.log(mean) - 2)), atol=0.1)


@pytest.mark.parametrize("name", [*CONTROLS, *LEARNT])
def test_space_gives_parameters(name: str) -> None:
    class Trial:
        def suggest_int(self, _: str, low: int, high: int, **others: Any) -> int:
            return high

        def suggest_float(self, _: str, low: float, high: float, **others: Any) -> float:
            return high

    module = import_module(f"podium.competitions.imputation.models.{name}")
    assert set(space(module, Trial())) <= set(defaults(module.PARAMETERS))
