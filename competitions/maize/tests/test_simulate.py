"""The `demo` dataset: what it looks like, what the grammar does, and what a random split leaks."""

import numpy as np
import pytest
from podium.competitions.maize.data import families, simulate, split
from podium.competitions.maize.metric import TARGET, metric
from scipy.stats import pearsonr

from podium.competition.sequences import Sequences


@pytest.fixture(scope="module")
def demo():
    return simulate.demo()


@pytest.fixture(scope="module")
def regions():
    return simulate.simulate(np.random.default_rng(simulate.SEED))


@pytest.mark.slow
def test_demo(demo, regions):
    assert demo.sequences.codes.shape == (6000, 1000)
    assert set(demo.features["species"]) == {"maize", "sorghum"}
    assert list(demo.features) == ["id", "species", "assay"]
    assert (demo.sequences.codes == regions.codes).all()
    assert demo.targets["id"].is_unique


def test_figures(demo, regions):
    gc = np.isin(regions.codes, (1, 2)).mean(axis=1)
    assert 0.43 < gc.mean() < 0.49
    assert 0.04 < (regions.expression == 0).mean() < 0.09
    sizes = np.bincount(regions.family)
    assert sizes.max() <= 12
    assert 0.68 < (sizes[regions.family] > 1).mean() <= 0.71
    cg = (regions.codes[:, :-1] == 1) & (regions.codes[:, 1:] == 2)
    assert cg.mean() < 0.75 * ((gc / 2) ** 2).mean()  # CpG is rare


@pytest.mark.slow
def test_the_ceiling_is_the_expectation_given_the_sequence(demo, regions):
    truth, best = regions.expression, regions.best
    scores = metric.score({TARGET: truth}, {TARGET: best})
    assert 0.70 < scores["pearson"] < 0.81
    assert abs((truth - best).mean()) < 0.05
    for low, high in ((0, 2), (2, 4), (4, 9)):  # calibrated wherever it is
        chosen = (best >= low) & (best < high)
        assert abs((truth - best)[chosen].mean()) < 0.1
    grammar = simulate.expected(simulate.activity(regions.codes))
    np.testing.assert_array_equal(grammar, best)


def blank(rows=1):
    return np.full((rows, simulate.LENGTH), 2, dtype=np.uint8)  # all G


def write(codes, place, letters):
    bases = Sequences.of([letters], ["x"]).codes[0]
    codes[:, simulate.START + place : simulate.START + place + len(letters)] = bases
    return codes


def effect(*written):
    codes = blank()
    for place, letters in written:
        write(codes, place, letters)
    gc = np.isin(codes, (1, 2)).mean()
    raw = simulate.activity(codes)[0] - simulate.GC_EFFECT * (gc - simulate.GC_MEAN)
    return round(float(raw - simulate.LEVEL), 9)


def saturated(total):
    return pytest.approx(simulate.CAP * np.tanh(total / simulate.CAP))


def test_the_grammar():
    assert effect((-30, "TATATAAA")) == saturated(1.8)
    assert effect((-60, "TATATAAA")) == 0  # outside its window
    assert effect((-30, "TTTATATA")) == 0  # on the other strand
    assert effect((-100, "GATTGGCTA")) == saturated(1.4)
    assert effect((-100, "TAGCCAATC")) == 0
    assert effect((-100, "CTCTTCGAC")) == effect((-100, "GTCGAAGAG")) == saturated(-1.4)
    assert effect((-200, "ACAGGTAAG")) == 0
    assert effect((-200, "ACAGGTAAG"), (-181, "TTGACCTGA")) == saturated(2.0)
    assert effect((-200, "ACAGGTAAG"), (-150, "TTGACCTGA")) == 0  # too far
    assert effect((-200, "TTGACCTGA"), (-181, "ACAGGTAAG")) == 0  # the wrong order
    both = effect((-30, "TATATAAA"), (-100, "GATTGGCTA"))
    assert both == saturated(1.8 + 1.4)
    assert both < effect((-30, "TATATAAA")) + effect((-100, "GATTGGCTA"))


@pytest.mark.slow
def test_families_are_found_by_their_words(demo):
    few = demo.sequences.take(np.arange(1500))
    names = np.array(families.names(few))
    true = demo.groups["family"].to_numpy()[:1500]
    assert all(len(set(true[names == name])) == 1 for name in set(names))  # none are merged
    assert len(set(names)) < 1.04 * len(set(true))


def nearest(words, answers, train, test):
    """Expression of the train row that shares the most words."""
    shared = words[test] @ words[train].T
    return answers[train][np.asarray(shared.argmax(axis=1)).reshape(-1)]


@pytest.mark.slow
def test_a_random_split_leaks(demo):
    """Copying the nearest relative says a lot, until relatives are kept apart."""
    words, y = families.words(demo.sequences), demo.targets[TARGET].to_numpy()
    test = split.demo(demo)["part"].isin(["public", "private"]).to_numpy()
    shuffled = np.random.default_rng(0).permutation(test)
    correlations = {}
    for name, held in (("families", test), ("random", shuffled)):
        train, held = np.flatnonzero(~held), np.flatnonzero(held)
        correlations[name] = pearsonr(nearest(words, y, train, held), y[held]).statistic
    print(correlations)  # noqa: T201
    assert correlations["random"] > 0.25
    assert correlations["families"] < 0.15
