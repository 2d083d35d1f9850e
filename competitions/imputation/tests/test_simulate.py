"""The `demo` dataset is Splatter's model as published; `pytest -rP` prints the figures."""

import numpy as np
import pytest
from podium.competitions.imputation.data import simulate
from podium.competitions.imputation.data.simulate import dropout, variation
from podium.competitions.imputation.metric import metric
from podium.competitions.imputation.shared import zeros
from scipy import integrate, stats
from scipy.sparse import csr_array


@pytest.fixture(scope="module")
def cells():
    return simulate.simulate(np.random.default_rng(simulate.SEED))


@pytest.fixture(scope="module")
def many():
    """A plan of so many genes that its distributions show."""
    return simulate.draw_plan(np.random.default_rng(0), cells=5000, genes=50_000)


@pytest.fixture(scope="module")
def scores(cells):
    solution = {"count": csr_array(cells.truth), "observed": csr_array(cells.observed)}
    calls = np.where(cells.observed == 0, 1.0, cells.observed)
    return {
        "ceiling": metric.score(solution, {"count": simulate.ceiling(cells)}),
        "all": metric.score(solution, {"count": calls}),
    }


def within(figure, measured, low, high):
    print(f"{figure:<40} {measured:8.3f}  wanted {low:g} to {high:g}")  # noqa: T201
    assert low <= measured <= high


def test_demo():
    demo = simulate.demo()
    cells = simulate.simulate(np.random.default_rng(simulate.SEED))
    assert list(demo.features) == list(demo.targets) == ["id"]
    assert list(demo.groups) == ["id", "cell"]
    assert demo.features["id"].is_unique
    matrices = {}
    for name in ("counts", "truth", "ceiling"):
        ((block, rows, matrix, genes),) = getattr(demo, name).read()
        assert (block, len(rows), len(set(genes))) == ("cells", 600, 1000)
        matrices[name] = matrix.toarray()
    assert (matrices["truth"] == cells.truth).all()
    assert (matrices["counts"] == cells.observed).all()
    assert (matrices["ceiling"] == simulate.ceiling(cells)).all()


def test_dropout_takes_counts_and_gives_none(cells):
    kept = cells.observed > 0
    assert (cells.observed[kept] == cells.truth[kept]).all()
    assert cells.truth.shape == (600, 1000)
    assert (cells.truth >= 0).all()


def test_zeros_are_as_in_the_report(cells):
    zero = cells.observed == 0
    within("share of zeros that are dropouts", (cells.truth > 0)[zero].mean(), 0.409, 0.419)
    within("share of zeros", zero.mean(), 0.7, 0.87)
    within("share of zeros before dropout", (cells.truth == 0).mean(), 0.4, 0.5)
    within("genes that no cell has", (cells.truth.sum(axis=0) == 0).sum(), 0, 20)
    within("fewest genes seen in a cell", (~zero).sum(axis=1).min(), 50, 200)
    assert (cells.observed.sum(axis=0) == 0).any()  # models must bear a gene that is never seen


def test_means_of_genes(many):
    typical = np.median(many.base)
    ordinary = many.base < 10 * typical
    within("mean of a gene", np.mean(many.base[ordinary]), 1.7, 2.0)  # .6 / .3, without its tail
    within("share of outliers", (many.base > 12 * typical).mean(), 0.045, 0.06)
    # They lie above nearly all others: the middle one of 5 % is the highest 2.5 % of all.
    middle = np.log(np.quantile(many.base, 0.975) / typical)
    within("median log factor of outliers", middle, 3.9, 4.05)


def test_groups(many):
    log = np.log(many.factor)
    changed = log != 0
    within("share of genes that a group changes", changed.mean(), 0.098, 0.102)
    within("share of them that it raises", (log > 0).sum() / changed.sum(), 0.49, 0.51)
    half = np.abs(stats.norm(0.1, 0.4).rvs(100_000, random_state=0)).mean()
    within("mean log change", np.abs(log[changed]).mean(), half - 0.01, half + 0.01)
    assert np.bincount(many.group).min() > 5000 / 6 * 0.9


def test_libraries_and_means(many):
    log = np.log(many.library)
    within("mean log library", log.mean(), 8.67, 8.73)
    within("spread of log libraries", log.std(), 0.48, 0.52)
    small = simulate.draw_plan(np.random.default_rng(0), cells=20, genes=30)
    assert small.mean.sum(axis=1) == pytest.approx(small.library)


def test_variation_and_dropout(many):
    spread = simulate.BCV_DF / many.spread**2
    assert stats.kstest(spread, stats.chi2(60).cdf).pvalue > 0.01
    assert variation(np.array([100.0]), np.array([1.0])) == pytest.approx(0.2)
    assert dropout(np.exp([2.0])) == pytest.approx(0.5)
    assert dropout(np.array([0.0])) == 1.0
    assert dropout(np.exp([3.0])) == pytest.approx(1 / (1 + np.e))


def test_counts_have_the_variance_of_the_model():
    rng = np.random.default_rng(0)
    plan = simulate.draw_plan(rng, cells=4000, genes=50)
    shape = plan.variation**-2
    truth = rng.poisson(rng.gamma(shape, plan.mean / shape))
    expected = plan.mean + plan.mean**2 / shape
    scaled = (truth - plan.mean) ** 2 / expected
    within("variance over that of the model", np.median(scaled.mean(axis=0)), 0.9, 1.1)


@pytest.mark.parametrize("mean", [1e-4, 0.03, 1.0, 20.0, 4000.0])
@pytest.mark.parametrize(("spread", "kept"), [(0.75, 1.0), (1.4, 1.0), (1.0, 0.05), (1.0, 0.5)])
def test_posterior_of_a_zero(mean, spread, kept):
    """Against adaptive quadrature over quantiles of the gamma distribution."""
    one, other = np.array([[mean]]), np.array([[spread]])
    shape = variation(one, other).item() ** -2
    gamma = stats.gamma(shape, scale=mean / shape)

    def expected(of):
        value = integrate.quad(
            lambda t: of(np.exp(t)) * np.exp(gamma.logpdf(np.exp(t)) + t),
            -40,
            15,
            limit=500,
            points=[np.log(mean / shape), np.log(mean)],
        )
        return value[0]

    def missed(x):
        """What a zero hides, as a share of the expression."""
        return dropout(x) + (1 - dropout(x)) * np.exp(-kept * x) * (1 - kept)

    zero = 1 - expected(lambda x: (1 - dropout(x)) * -np.expm1(-kept * x))
    unseen = expected(lambda x: (1 - dropout(x)) * (np.exp(-kept * x) - np.exp(-x)))
    lost = (expected(lambda x: dropout(x) * -np.expm1(-x)) + unseen) / zero
    posterior = zeros.exactly(one, other, variation=variation, dropout=dropout, kept=kept)
    assert posterior.lost.item() == pytest.approx(lost, rel=1e-6)
    assert posterior.expected.item() == pytest.approx(
        expected(lambda x: missed(x) * x) / zero, rel=1e-6
    )


def test_interpolation_is_exact_enough(cells):
    plan = cells.plan
    functions = {"variation": variation, "dropout": dropout}
    posterior = zeros.at_zeros(plan.mean, plan.spread, **functions)
    chosen = np.random.default_rng(0).choice(plan.mean.size, 500, replace=False)
    cell, gene = np.unravel_index(chosen, plan.mean.shape)
    exact = zeros.exactly(plan.mean[cell, gene], plan.spread[gene], **functions)
    assert posterior.lost[cell, gene] == pytest.approx(exact.lost, rel=1e-4)
    assert posterior.expected[cell, gene] == pytest.approx(exact.expected, rel=1e-4)
    assert posterior.chance[cell, gene] == pytest.approx(exact.chance, rel=1e-4)


def test_posterior_is_calibrated(cells):
    known = zeros.at_zeros(cells.plan.mean, cells.plan.spread, variation=variation, dropout=dropout)
    zero = cells.observed == 0
    said, is_lost = known.lost[zero], (cells.truth > 0)[zero]
    for low in np.arange(0, 1, 0.1):
        chosen = (said >= low) & (said < low + 0.1)
        if chosen.sum() > 1000:
            gap = is_lost[chosen].mean() - said[chosen].mean()
            assert abs(gap) < 5 * 0.5 / np.sqrt(chosen.sum())
    assert known.expected[zero].sum() == pytest.approx(cells.truth[zero].sum(), rel=0.02)


def test_ceiling(scores, cells):
    within("F1 of calling all", scores["all"]["f1"], 0.575, 0.597)
    within("F1 of the ceiling", scores["ceiling"]["f1"], 0.75, 0.765)
    within("MCC of the ceiling", scores["ceiling"]["mcc"], 0.54, 0.6)
    within("distance ratio of the ceiling", scores["ceiling"]["ratio"], 0.3, 0.4)
