"""The jackknife from sums, against its definition and against coverage."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from podium.competition.contract import Stratum
from podium.competition.folders import load
from podium.competition.metric import Metric
from podium.errors import PodiumError
from podium.metrics import regression, stats
from podium.metrics.stats import Cells, Tally

STRATA = [Stratum(name=name, title="", group="g") for name in "abc"]
MEAN = Metric(
    statistics=lambda solution, predictions, layout: np.column_stack(
        [np.ones(len(solution["y"])), predictions["y"] - solution["y"]]
    ),
    finish=lambda sums, layout: {"mean": sums[..., 1] / sums[..., 0]},
)


def tally(y, group, metric=MEAN, **labels):
    y = np.asarray(y, dtype=float)
    return Tally.of(
        metric, {"y": np.zeros_like(y)}, {"y": y}, Cells.of(np.asarray(group), **labels)
    )


def test_of_a_mean_it_is_the_t_interval():
    y = np.random.default_rng(0).normal(size=40)
    found = tally(y, np.arange(40)).estimate("mean")
    wanted = scipy_stats.t.interval(0.95, 39, y.mean(), scipy_stats.sem(y))
    assert found.ci == pytest.approx(wanted)
    assert found.se == pytest.approx(scipy_stats.sem(y))
    assert (found.rows, found.groups) == (40, 40)


def test_leaving_groups_out_by_hand():
    rng = np.random.default_rng(1)
    truth, guess, group = rng.normal(size=60), rng.normal(size=60), rng.integers(0, 9, 60)
    metric = load("toy").metric
    found = Tally.of(metric, {"y": truth}, {"y": guess}, Cells.of(group)).estimate("rmse")
    left = [np.sqrt(np.mean((truth - guess)[group != g] ** 2)) for g in range(9)]
    assert found.se == pytest.approx(np.sqrt(8 / 9 * np.sum((left - np.mean(left)) ** 2)))
    assert found.influence == pytest.approx(8 * (np.mean(left) - np.array(left)), rel=1e-5)


def test_strata_and_parts_are_unions_of_cells():
    y = np.arange(12.0)
    part = np.array(["public", "private"] * 6, dtype=object)
    stratum = np.array(["a"] * 8 + ["b"] * 4, dtype=object)
    found = tally(y, np.arange(12) // 2, part=part, stratum=stratum)
    public = found.card("mean", STRATA, part="public")
    assert public.whole.scores["mean"] == y[::2].mean()
    assert public.strata["a"].scores["mean"] == y[:8:2].mean()
    assert "c" not in public.strata
    assert found.estimate("mean").rows == 12


def test_chunks_merge(monkeypatch):
    y = np.random.default_rng(2).normal(size=100)
    whole = tally(y, np.arange(100) % 6).estimate("mean")
    monkeypatch.setattr(stats, "CHUNK", 7)
    assert tally(y, np.arange(100) % 6).estimate("mean").ci == pytest.approx(whole.ci)


def test_few_groups_have_no_interval():
    assert tally(np.arange(8.0), np.arange(8) % 4).estimate("mean").ci is None
    assert tally(np.arange(8.0), np.arange(8) % 5).estimate("mean").ci is not None


def test_many_groups_share_buckets_whole():
    rows = 3 * stats.BUCKETS
    y = np.random.default_rng(3).normal(size=rows)
    group = np.array([f"g{row % (2 * stats.BUCKETS)}" for row in range(rows)], dtype=object)
    cells = Cells.of(group)
    assert len(cells) <= stats.BUCKETS
    buckets = {}
    for name, code in zip(group, cells.code, strict=True):
        assert buckets.setdefault(name, code) == code
    bucketed = Tally.of(MEAN, {"y": 0 * y}, {"y": y}, cells).estimate("mean")
    assert bucketed.se == pytest.approx(scipy_stats.sem(y), rel=0.1)


def test_a_score_that_is_not_finite_is_an_error():
    broken = Metric(
        statistics=MEAN.statistics, finish=lambda sums, layout: {"mean": sums[..., 0] * np.nan}
    )
    with pytest.raises(PodiumError, match="no finite figure for mean"):
        tally(np.arange(3.0), np.arange(3), metric=broken).estimate("mean")


@pytest.mark.slow
def test_coverage_of_the_interval_with_clustered_rows():
    rng = np.random.default_rng(4)
    group, covered = np.repeat(np.arange(20), 8), []
    for _ in range(600):
        effect = 0.4 * rng.normal(size=20)
        low, high = tally(rng.normal(size=160) + effect[group], group).estimate("mean").ci
        covered.append(low <= 0 <= high)
    assert 0.92 <= np.mean(covered) <= 0.98


def test_sparse_statistics_are_summed_alike():
    from scipy.sparse import csr_array

    dense = np.random.default_rng(5).poisson(0.3, (50, 6)).astype(float)
    code = np.arange(50) % 4
    whole = stats.sum_by(code, 4, dense)
    assert np.array_equal(stats.sum_by(code, 4, csr_array(dense)).toarray(), whole)
    by_hand = np.array([dense[code == k].sum(axis=0) for k in range(4)])
    assert np.allclose(stats.sum_by(code, 4, dense), by_hand)
    half = stats.sum_by(code[:25], 4, csr_array(dense[:25]))
    assert np.array_equal(stats.sum_by(code[25:], 4, csr_array(dense[25:]), half).toarray(), whole)


def test_chunks_of_any_length_give_the_same_bytes(monkeypatch):
    rng = np.random.default_rng(6)
    truth, said = rng.normal(size=(2, 1000))
    cells = Cells.of(rng.integers(0, 50, 1000).astype(str))
    metric = regression("y", "rmse", "r2")

    def sums():
        return Tally.of(metric, {"y": truth}, {"y": said}, cells).sums.tobytes()

    whole = sums()
    monkeypatch.setattr(stats, "ROWS", 7)
    assert sums() == whole


def test_the_quantiles_that_are_kept_are_those_of_scipy():
    from scipy.special import stdtrit

    freedom = np.arange(1, stats.BUCKETS)
    kept = [stats.quantile(int(degrees)) for degrees in freedom]
    assert np.allclose(kept, stdtrit(freedom, 0.975), rtol=1e-13, atol=0)
    assert stats.quantile(10_000) == pytest.approx(1.960201, abs=1e-6)


def test_a_difference_of_means_is_the_paired_t_test():
    rng = np.random.default_rng(0)
    common = rng.normal(size=50)
    first, second = (common + rng.normal(0.1 * shift, 0.1, size=50) for shift in (1, 0))
    one, other = (tally(y, np.arange(50)).estimate("mean") for y in (first, second))
    gap, se, interval = stats.difference(one, other, "mean")
    paired = scipy_stats.ttest_rel(first, second)
    assert gap == pytest.approx((first - second).mean())
    assert gap / se == pytest.approx(paired.statistic, rel=1e-5)
    assert interval == pytest.approx(tuple(paired.confidence_interval(0.95)), rel=1e-5)
    assert stats.difference(one, one, "mean")[:2] == (0, 0)
