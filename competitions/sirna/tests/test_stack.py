from typing import Any

import numpy as np
import pandas as pd
import pytest
from podium.competitions.sirna.metric import TARGET, metric
from podium.competitions.sirna.models import stack
from podium.competitions.sirna.shared.leaves import BINS, Leaves, best_cut, handed_in
from podium.competitions.sirna.tests.test_models import hidden, invented, predicted

from podium.competition import defaults
from podium.errors import ModelError

QUICK = {
    **defaults(stack.PARAMETERS),
    **stack.QUICK,
    "members": {"lookup": {}},
    "new_genes": {"constant": {}, "rules": {}},
}


def fitted(train: Any, **params: Any) -> Any:
    built = stack.build({**QUICK, **params}, 0)
    built.fit(train)
    return built


def score(truth: np.ndarray, predicted: np.ndarray) -> float:
    return metric.score({TARGET: truth}, {TARGET: predicted})["score"]


def test_leaves_say_what_was_true_of_the_rows_that_share_them():
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(200, 2))
    answers = np.clip(40 + 20 * columns[:, 0] + rng.normal(0, 5, 200), 0, 290)
    leaves = Leaves(trees=7, min_leaf=10, seed=0)
    leaves.fit(columns, answers)
    other = rng.normal(size=(9, 2))
    masses = leaves(other)
    assert masses.sum(axis=1) == pytest.approx(1, abs=1e-6)
    by_hand = np.zeros((9, BINS))
    for tree in leaves.forest.estimators_:
        for place, leaf in enumerate(tree.apply(other)):
            mates = np.minimum(answers[tree.apply(columns) == leaf], BINS - 1)
            by_hand[place] += np.bincount(mates.astype(int), minlength=BINS) / len(mates) / 7
    np.testing.assert_allclose(masses, by_hand, atol=1e-6)


def test_the_median_is_handed_in_on_the_side_that_the_probability_says():
    masses = np.zeros((3, BINS))
    masses[0, [10, 50, 90]] = 0.3, 0.4, 0.3
    masses[1, [10, 50, 90]] = 0.45, 0.4, 0.15
    masses[2, [10, 20, 90]] = 0.1, 0.5, 0.4
    assert handed_in(masses, 0.4).tolist() == [50.5, np.nextafter(30, 0), 20.5]
    assert handed_in(masses, 0.7).tolist() == [50.5, 50.5, 30.0]


def test_the_cut_is_the_best_of_those_tried():
    rng = np.random.default_rng(1)
    middle = rng.uniform(10, 70, size=400)
    masses = np.exp(-0.5 * ((np.arange(BINS) + 0.5 - middle[:, None]) / 15) ** 2)
    masses /= masses.sum(axis=1, keepdims=True)
    truth = np.clip(rng.normal(middle, 15), 0, 100)
    best = best_cut(masses, truth)
    reached = {cut: score(truth, handed_in(masses, cut)) for cut in np.arange(0.2, 0.6, 0.02)}
    assert reached[best] == max(reached.values())
    assert reached[best] > score(truth, middle)


@pytest.mark.parametrize("members", [{}, {"nope": {}}, {"stack": {}}, {"stack:b": {}}])
@pytest.mark.parametrize("which", ["members", "new_genes"])
def test_members_must_be_other_models(which: str, members: dict[str, dict[str, int]]) -> None:
    with pytest.raises(ModelError, match="cannot be made of"):
        stack.build({**QUICK, which: members}, 0)


def test_one_model_may_be_two_members():
    train = invented()
    both = fitted(train, members={"constant": {"value": 10.0}, "constant:high": {"value": 50.0}})
    assert both.leaves.forest.n_features_in_ == 2
    said = both.members.predict(hidden(train))
    assert said[0].tolist() == [10.0, 50.0]


def test_new_genes_go_to_the_best_model_that_small_genes_do_not_regret():
    rng = np.random.default_rng(0)
    genes = np.repeat(list("ABCD"), [300, 200, 50, 40])
    truth = rng.uniform(5, 90, size=len(genes))
    small = np.isin(genes, ["C", "D"])

    def off(by: float, by_small: float) -> np.ndarray:
        return truth + np.where(small, by_small, by) * rng.choice([-1, 1], size=len(truth))

    first, better, better_on_large = off(20, 20), off(10, 10), off(5, 40)
    place, scores = stack.preferred(np.stack([first, better_on_large], 1), truth, genes)
    assert place == 0
    assert scores[1][0] > scores[0][0]
    everything = np.stack([first, better_on_large, better], 1)
    assert stack.preferred(everything, truth, genes)[0] == 2


def test_new_genes_get_what_their_model_says(capsys):
    train = invented()
    built = fitted(train)
    said = capsys.readouterr().err
    test = hidden(invented(rows=50, genes="AXY", seed=5))
    chosen = next(name for name in QUICK["new_genes"] if f"stack: {name} answers" in said)
    alone = predicted(chosen, train, test)
    new = test.features["gene_target_symbol_name"].isin(["X", "Y"])
    table = built.predict(test)
    assert table[new].equals(alone[new])
    assert not table[~new].equals(alone[~new])


def test_train_of_one_gene_says_so(capsys):
    train = invented(genes="A")
    table = fitted(train).predict(hidden(invented(rows=50, genes="AX", seed=5)))
    said = capsys.readouterr().err
    assert "train has one gene, so constant answers" in said
    assert "no fold of train holds" in said
    assert table[TARGET].between(0, 300).all()


@pytest.mark.parametrize("folds", [None, np.zeros(240, dtype=int)])
def test_train_without_two_folds_says_so(folds, capsys):
    train = invented()
    train = type(train)(**{**vars(train), "folds": folds})
    table = fitted(train).predict(hidden(train))
    assert "train has no two folds" in capsys.readouterr().err
    assert table[TARGET].between(0, 300).all()


def test_folds_of_whole_genes_say_what_they_lack(capsys):
    train = invented()
    genes = pd.factorize(train.features["publication_id"])[0]
    train = type(train)(**{**vars(train), "folds": genes})
    table = fitted(train).predict(hidden(train))
    said = capsys.readouterr().err
    for name in ("genes that train", "new guides", "known guides"):
        assert f"no fold of train holds {name}" in said
    assert table[TARGET].between(0, 300).all()


def test_train_of_a_few_rows():
    train = invented()
    table = fitted(train.take(np.arange(3))).predict(hidden(train))
    assert table[TARGET].between(0, 300).all()
    with pytest.raises(ModelError, match="of two folds or more"):
        fitted(train.take(np.array([0])))
