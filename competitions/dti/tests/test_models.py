"""Features, kernels, and what each model is made of."""

import numpy as np
import pandas as pd
import pytest
from podium.competitions.dti.metric import TARGET
from podium.competitions.dti.models import kronecker, lightgbm, pair_knn, rates, stack
from podium.competitions.dti.shared import features, kernels
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score

from podium import api
from podium.competition import defaults
from podium.data import dataset
from podium.errors import ModelError

DRUGS = ("CCO", "CCCO", "c1ccccc1", "c1ccncc1", "CC(=O)O", "CCC(=O)O")


def build(module, **changes):
    return module.build({**defaults(module.PARAMETERS), **changes}, 0)


@pytest.fixture(scope="module")
def parts():
    """A tenth of the demo's train part, and its fold 0 beside it."""
    train = dataset.load(*api.load("dti")).train()
    rows = np.random.default_rng(0).random(len(train)) < 0.25
    held = train.folds == 0
    return train.take(rows & ~held), train.take(rows & held)


def test_grams_are_counts_with_marks_at_both_ends():
    one, other = features.grams(["CCO", "OCC"])
    assert one.sum() == other.sum() == sum(max(0, 5 - n + 1) for n in features.GRAMS)
    assert (one != other).any()


def test_words_are_shares_and_pass_over_other_residues():
    table = features.words(["ACACAC", "AXCACACU", ""])
    assert table[0, :20].tolist()[:2] == [0.5, 0.5]
    assert (table[2] == 0).all()
    assert table.shape == (3, 763)


@pytest.mark.parametrize("by", kernels.COUNTS)
def test_tanimoto_is_that_of_counts(by):
    counts = csr_array(kernels.COUNTS[by](DRUGS)).toarray()
    counts = np.minimum(counts, kernels.LEVELS)
    alike = kernels.Drugs(DRUGS, by).alike(DRUGS)
    low = np.minimum(counts[:, None], counts).sum(axis=2)
    high = np.maximum(counts[:, None], counts).sum(axis=2)
    assert alike == pytest.approx(low / high, abs=1e-6)


def test_drugs_are_compared_by_the_mean_of_both():
    circular, grams, both = (
        kernels.Drugs(DRUGS, by).alike(DRUGS[:2]) for by in ("circular", "grams", "both")
    )
    assert both == pytest.approx((circular + grams) / 2)
    assert both.shape == (2, len(DRUGS))


def test_words_of_proteins_are_counted():
    counts = features.spelled(["ABAB", "AB", ""], 2)
    assert counts.shape == (3, 26**2)
    assert counts.toarray()[:, [1, 26]].tolist() == [[2, 1], [1, 0], [0, 0]]


def test_rare_words_make_proteins_alike():
    """As scikit-learn's tf-idf of the same words, on those that train and others."""
    rng = np.random.default_rng(0)
    trained = ["".join(rng.choice(list("ACDE"), 60)) for _ in range(12)]
    others = [trained[0][:40], "WWWW", "MKT"]
    texts = TfidfVectorizer(analyzer="char", ngram_range=(4, 4), lowercase=False)
    right = texts.fit_transform(trained)
    alike = kernels.Proteins(trained, "words").alike(others)
    assert alike == pytest.approx((texts.transform(others) @ right.T).toarray(), abs=1e-6)
    composition = kernels.Proteins(trained, "composition").alike(others)
    both = kernels.Proteins(trained, "both").alike(others)
    assert both == pytest.approx((alike + composition) / 2)


def test_rates_are_two_look_ups(parts):
    train, _ = parts
    model = build(rates, prior=1.0)
    model.fit(train)
    smiles = train.features["smiles"]
    drug = smiles.value_counts().index[0]
    common = train.targets[TARGET].mean()
    own = train.targets[TARGET][smiles == drug]
    alone = build(rates, of="drug", prior=1.0)
    alone.fit(train)
    said = alone.predict(train)[TARGET][smiles == drug]
    assert said.to_numpy() == pytest.approx((own.sum() + common) / (len(own) + 1))
    unknown = train.take(np.arange(3)).without_answers()
    unknown.features["smiles"] = unknown.features["protein"] = "?"
    assert model.predict(unknown)[TARGET].to_numpy() == pytest.approx(common)


def test_neighbours_are_the_heaviest_pairs(parts):
    train, held = parts
    model = build(pair_knn, neighbours=3)
    model.fit(train)
    said = model.predict(held.without_answers())[TARGET].to_numpy()
    known, few = train.features, held.features[:5]
    smiles, names = sorted(set(known["smiles"])), sorted(set(known["protein"]))
    drugs = kernels.Drugs(smiles).alike(list(few["smiles"]))
    drugs = drugs[:, pd.Index(smiles).get_indexer(known["smiles"])]
    proteins = kernels.Proteins(names).alike(list(few["protein"]))
    place = pd.Index(names).get_indexer(known["protein"])
    binds = train.targets[TARGET].to_numpy()
    for row in range(5):
        weight = drugs[row] ** 2 * proteins[row][place]
        top = np.argsort(-weight, kind="stable")[:3]
        right = (weight[top] @ binds[top] + 0.02 * binds.mean()) / (weight[top].sum() + 0.02)
        assert said[row] == pytest.approx(right, abs=1e-3)


def test_equations_that_lead_away_are_refused():
    """A power below 1 is not declared: its kernel is no inner product."""
    train = dataset.load(*api.load("dti")).train()
    model = build(kronecker, protein_power=0.1)
    with pytest.raises(ModelError, match="cannot be solved"):
        model.fit(train.take(np.arange(len(train)) < 2500))


def test_kronecker_is_ridge_on_the_kernel_of_all_pairs(parts):
    train, held = parts
    model = build(kronecker, penalty=1.0, steps=2000, alone=0.3)
    small, few = train.take(np.arange(150)), held.take(np.arange(20))
    model.fit(small)

    def kernel(rows):
        smiles, proteins = (sorted(set(small.features[c])) for c in ("smiles", "protein"))
        by_drug = kernels.Drugs(smiles).alike(list(rows.features["smiles"])) ** 2
        by_protein = kernels.Proteins(proteins, "composition").alike(list(rows.features["protein"]))
        by_drug = by_drug[:, pd.Index(smiles).get_indexer(small.features["smiles"])]
        by_protein = by_protein[:, pd.Index(proteins).get_indexer(small.features["protein"])]
        return by_drug * by_protein + 0.3 * (by_drug + by_protein)

    binds = small.targets[TARGET].to_numpy()
    weights = np.linalg.solve(kernel(small) + np.eye(150), binds - binds.mean())
    right = np.clip(binds.mean() + kernel(few) @ weights, 0, 1)
    said = model.predict(few.without_answers())[TARGET].to_numpy()
    assert said == pytest.approx(right, abs=5e-3)


def test_a_stack_is_told_what_is_new(parts):
    train, held = parts
    model = build(stack, members={"pair_knn": {}, "rates": {}})
    model.fit(train)
    said = model.predict(held.without_answers())[TARGET]
    assert roc_auc_score(held.targets[TARGET], said) > 0.6
    situation = stack._situation(held, *model.known)
    assert set(situation) == {0, 1, 2, 3}
    assert stack._design(np.full((4, 2), 0.5), np.arange(4)).shape == (4, 2 + 4 * 3)


def test_one_side_of_the_trees_sees_that_side_alone(parts):
    train, held = parts
    model = build(lightgbm, of="drug", **lightgbm.QUICK)
    model.fit(train)
    part = held.without_answers()
    said = model.predict(part)[TARGET]
    part.features["protein"] = "MKT"
    assert model.predict(part)[TARGET].equals(said)
