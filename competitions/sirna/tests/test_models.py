import json
import pickle
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from podium.competitions.sirna.metric import TARGET, finish, statistics
from podium.competitions.sirna.shared import features

from podium.competition import defaults, model_file
from podium.competition import folders as competitions
from podium.competition.part import Part
from podium.errors import ModelError
from suites import mostly_slow, space

NEURAL = ("gru", "seqnet")
NAMES = (
    "constant",
    "gene_ridge",
    "lightgbm",
    "lookup",
    "ridge",
    "rules",
    "shuffled",
    "stack",
    *NEURAL,
)
FITTED = mostly_slow(NAMES, *(place for place, name in enumerate(NAMES) if name != "stack"))
"""The stack trains all its members: its quick tests are those of how they are blended."""
FEW = {"gru": {"epochs": 2}, "seqnet": {"epochs": 2}}
"""Less training, where it does not matter what was learnt."""
CELLS = ("Hep3B Cells", "HeLa Cells", None)


def model(name: str) -> ModuleType:
    if name in NEURAL:
        pytest.importorskip("torch")
    return import_module(f"podium.competitions.sirna.models.{name}")


def invented(rows: int = 240, genes: str = "ABCD", seed: int = 3) -> Part:
    """Guides of a few invented genes at three doses; what remains follows from gene and dose."""
    rng = np.random.default_rng(seed)
    mrnas = {gene: "".join(rng.choice(list("ACGT"), size=200)) for gene in genes}
    gene = rng.choice(list(genes), size=rows)
    start = rng.integers(0, 20, size=rows)
    complement = str.maketrans("ACGT", "UGCA")
    guides = [
        mrnas[g][s : s + 23].translate(complement)[::-1] for g, s in zip(gene, start, strict=True)
    ]
    dose = rng.choice([0.1, 1.0, 10.0], size=rows)
    level = np.array([10.0 + 15.0 * "ABCDXY".index(g) for g in gene])
    answers = np.clip(level - 12.0 * np.log10(dose) + rng.normal(0, 5, rows), 0.1, 290)
    features = pd.DataFrame(
        {
            "publication_id": [f"WO{g}" for g in gene],
            "gene_target_symbol_name": [None if g == "D" else g for g in gene],
            "gene_target_ncbi_id": [f"NM_{g}" for g in gene],
            "gene_target_species": "Homo sapiens",
            "siRNA_duplex_id": [f"AD-{100 + s}.1" for s in start],
            "siRNA_sense_seq": [g[::-1][:21] for g in guides],
            "siRNA_antisense_seq": guides,
            "cell_line_donor": rng.choice(CELLS, size=rows),
            "siRNA_concentration": dose,
            "concentration_unit": "nM",
            "Transfection_method": "Lipofectamine",
            "Duration_after_transfection_h": rng.choice([24.0, 48.0, np.nan], size=rows),
            "modified_siRNA_sense_seq": "aL96",
            "modified_siRNA_antisense_seq": [g.lower() for g in guides],
            "modified_siRNA_sense_seq_list": [" ".join(g.lower()[:21]) + " L96" for g in guides],
            "modified_siRNA_antisense_seq_list": [" ".join(g.lower()) for g in guides],
            "gene_target_seq": pd.Categorical([mrnas[g] for g in gene]),
        }
    )
    return Part(
        name="train",
        ids=pd.Index([str(row) for row in range(rows)]),
        features=features,
        targets=pd.DataFrame({TARGET: answers}),
        folds=np.arange(rows) % 5,
    )


def hidden(part: Part) -> Part:
    return Part(name="test", ids=part.ids, features=part.features)


def build(name: str, seed: int = 0, **params: Any) -> Any:
    module = model(name)
    return module.build(
        {**defaults(module.PARAMETERS), **getattr(module, "QUICK", {}), **params}, seed
    )


def predicted(name: str, train: Part, test: Part, seed: int = 0, **params: Any) -> pd.DataFrame:
    built = build(name, seed, **params)
    built.fit(train)
    return built.predict(hidden(test))


@cache
def fitted(name: str) -> Any:
    """A model that was fitted, if only a little, to the rows of `train`: once for all tests."""
    built = build(name, **FEW.get(name, {}))
    built.fit(invented())
    return built


class Trial:
    """Suggests an end of each range."""

    def __init__(self, high: bool) -> None:
        self.high = high

    def suggest_float(self, name: str, low: float, high: float, **_: Any) -> float:
        return high if self.high else low

    def suggest_int(self, name: str, low: int, high: int, **_: Any) -> int:
        return high if self.high else low


@pytest.fixture(scope="module")
def train() -> Part:
    return invented()


@pytest.fixture(scope="module")
def test() -> Part:
    """Other rows, with a gene, cells and guides that train has not."""
    part = invented(60, "ABXY", seed=4)
    part.features["cell_line_donor"] = "never seen"
    return part


@pytest.mark.parametrize("name", FITTED)
def test_predicts_each_row_in_range_and_repeats(name: str, train: Part, test: Part) -> None:
    table = fitted(name).predict(hidden(test))
    assert list(table.columns) == ["id", TARGET]
    assert list(table["id"]) == list(test.ids)
    assert table[TARGET].between(0, 300).all()
    assert table.equals(predicted(name, train, test, **FEW.get(name, {})))


@pytest.mark.parametrize("name", FITTED)
def test_one_row_and_pickling(name: str, train: Part) -> None:
    built = fitted(name)
    one = hidden(train.take(np.array([7])))
    copied = pickle.loads(pickle.dumps(built))  # noqa: S301
    assert built.predict(one).equals(copied.predict(one))


@pytest.mark.parametrize(
    "name",
    mostly_slow(["lightgbm", "lookup", "ridge", "stack", "seqnet", "gru"], 0, 1, 2),
)
def test_learns(name: str, train: Part) -> None:
    params = {"gru": {"conditions": True, "dropout": 0.0}}.get(name, {})
    errors = predicted(name, train, train, **params)[TARGET] - train.targets[TARGET]
    spread = train.targets[TARGET] - train.targets[TARGET].median()
    assert errors.abs().mean() < 0.5 * spread.abs().mean()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("high", [False, True])
def test_space_gives_parameters_that_build_takes(name: str, high: bool) -> None:
    params = space(model(name), Trial(high))
    assert set(params) <= set(defaults(model(name).PARAMETERS))
    build(name, **params)


@pytest.mark.parametrize("name", NAMES)
def test_defaults_can_be_recorded(name: str) -> None:
    known = defaults(model(name).PARAMETERS)
    assert json.loads(json.dumps(known)) == known


def test_constant_is_the_mean_or_what_was_asked(train: Part, test: Part) -> None:
    assert predicted("constant", train, test)[TARGET].unique().tolist() == [
        pytest.approx(train.targets[TARGET].mean())
    ]
    assert (predicted("constant", train, test, value=29.9)[TARGET] == 29.9).all()


def test_shuffled_draws_from_train_by_seed(train: Part, test: Part) -> None:
    drawn = predicted("shuffled", train, test)[TARGET]
    assert drawn.isin(train.targets[TARGET]).all()
    assert not drawn.equals(predicted("shuffled", train, test, seed=1)[TARGET])


def test_lookup_by_hand() -> None:
    """Dose means 20 and 40 (geometric); the guide of rows 0, 2 is twice as high as the other."""
    part = invented(4, "A").take(np.array([0, 1, 0, 1]))
    part.features["siRNA_antisense_seq"] = ["AA", "CC", "AA", "CC"]
    part.features["modified_siRNA_sense_seq_list"] = "a"
    part.features["modified_siRNA_antisense_seq_list"] = ["a a", "c c", "a a", "c c"]
    part.features["siRNA_concentration"] = [10.0, 10.0, 0.1, 0.1]
    part.targets[TARGET] = 20 * np.array([2**0.5, 0.5**0.5, 2 * 2**0.5, 2 * 0.5**0.5])
    exact = predicted("lookup", part, part, prior=0.0)[TARGET]
    assert exact.to_numpy() == pytest.approx(part.targets[TARGET].to_numpy())
    # One row of doubt against two rows: two thirds of the effect by guide, then two thirds of
    # what is left by duplex, so 8/9 of log(sqrt 2).
    doubtful = predicted("lookup", part, part, prior=1.0)[TARGET]
    assert doubtful[0] == pytest.approx(20 * 2 ** (0.5 * 8 / 9))
    new = part.take(np.array([0]))
    new.features[["siRNA_antisense_seq", "modified_siRNA_antisense_seq_list"]] = "GG"
    assert predicted("lookup", part, new, prior=1.0)[TARGET][0] == pytest.approx(20)
    new.features["siRNA_concentration"] = 3.0
    assert predicted("lookup", part, new)[TARGET][0] == pytest.approx(20 * 2**0.5)


@pytest.mark.slow
def test_lightgbm_general_knows_neither_site_nor_source(train: Part, test: Part) -> None:
    other = invented(60, "ABXY", seed=4)
    other.features["cell_line_donor"] = "never seen"
    for column in ("publication_id", "gene_target_symbol_name", "siRNA_duplex_id"):
        other.features[column] = "9"
    other.features["gene_target_seq"] = None
    first = predicted("lightgbm", train, test, preset="general")
    assert first.equals(predicted("lightgbm", train, other, preset="general"))
    assert not predicted("lightgbm", train, test).equals(predicted("lightgbm", train, other))


def test_lightgbm_leaves_new_genes_to_the_general_model(train: Part, test: Part) -> None:
    seen = predicted("lightgbm", train, test)[TARGET]
    general = predicted("lightgbm", train, test, preset="general", rounds=None)[TARGET]
    new = test.features["gene_target_symbol_name"].isin(["X", "Y"])
    assert seen[new].equals(general[new])
    assert not seen[~new].equals(general[~new])


def test_lightgbm_calls_toss_ups(train: Part) -> None:
    plain, called = (
        predicted("lightgbm", train, train, call_below=limit, leave_new_genes=False)[TARGET]
        for limit in (30.0, 40.0)
    )
    toss_up = plain.between(30, 40, inclusive="left")
    assert toss_up.any()
    assert called[toss_up].between(29.99, 30, inclusive="left").all()
    assert called[~toss_up].equals(plain[~toss_up])


def test_lightgbm_learns_logarithms_and_gives_percent(train: Part) -> None:
    settings = {"leave_new_genes": False, "low_weight": 1.0, "call_below": 30.0}
    of_logarithms = train.take(np.arange(len(train)))
    of_logarithms.targets[TARGET] = np.log1p(train.targets[TARGET])
    by_hand = predicted("lightgbm", of_logarithms, train, objective="l2", **settings)[TARGET]
    ours = predicted("lightgbm", train, train, objective="log_l2", **settings)[TARGET]
    np.testing.assert_allclose(ours, np.expm1(by_hand))


def test_lightgbm_reports_and_refuses(train: Part) -> None:
    steps: list[tuple[int, float]] = []
    built = build("lightgbm")
    built.fit(train, lambda step, value: steps.append((step, value)))
    assert [step for step, _ in steps] == [20, 40, 60]
    assert steps[0][1] > steps[-1][1]
    file = model_file.find(competitions.load("sirna"), "lightgbm")
    assert set(file.parameters["preset"].choices) == set(model("lightgbm").PRESETS)
    with pytest.raises(ModelError, match="preset of lightgbm is one of seen, general, not 'both'"):
        file.with_params({"preset": "both"})


@pytest.mark.parametrize("name", NEURAL)
def test_gradients_of_shared_duplexes_add_up_in_one_order(name, train, monkeypatch):
    """Those of plain indexing with repeated rows do so in any order."""
    network, steps = model(name), set()
    loss = network.tensors.Loss

    def walk(step: Any) -> None:
        if step is not None and step not in steps:
            steps.add(step)
            for earlier, _ in step.next_functions:
                walk(earlier)

    class Seen(loss):
        def __call__(self, output: Any, batch: Any) -> Any:
            walk(output.grad_fn)
            return super().__call__(output, batch)

    monkeypatch.setattr(network.tensors, "Loss", Seen)
    build(name, epochs=1).fit(train)
    names = {step.name() for step in steps}
    assert "IndexSelectBackward0" in names
    assert "IndexBackward0" not in names


@pytest.mark.parametrize(("answer", "side"), [(50.0, "no row"), (5.0, "only rows")])
def test_rules_where_train_has_one_side_of_30_alone(train: Part, answer, side, capsys) -> None:
    train = train.take(np.arange(20))
    train.targets[TARGET] = answer
    said = predicted("rules", train, train)[TARGET]
    assert ((said < 30) == (answer < 30)).all()
    assert f"rules: train has {side} below 30 %" in capsys.readouterr().err


def test_lightgbm_of_one_row_says_what_it_said(train: Part) -> None:
    one = train.take(np.array([0]))
    said = predicted("lightgbm", one, train, call_below=30.0)[TARGET]
    assert said.to_numpy() == pytest.approx(one.targets[TARGET].item())


def test_a_missing_dose_is_no_nan(train: Part, test: Part) -> None:
    pytest.importorskip("torch")
    features = test.features.assign(siRNA_concentration=np.nan)
    without = Part(name="test", ids=test.ids, features=features)
    assert fitted("seqnet").predict(without)[TARGET].between(0, 300).all()


def gene_ridge(train: Part, **params: Any) -> Any:
    built = build("gene_ridge", **params)
    built.fit(train)
    return built


def test_slopes_are_those_of_least_squares_with_a_level_of_each_gene():
    train, ratio, alpha = invented(), 0.7, 20.0
    model = gene_ridge(train, ratio=ratio, alpha=alpha)
    x = model._design(features.build(train.features), fits=False)
    names = features.gene(train.features)
    code = pd.factorize(names)[0]
    y = np.clip(train.targets[TARGET].to_numpy(), 0, 100)
    precise = np.linalg.inv(np.eye(len(y)) + ratio * (code[:, None] == code))
    penalty = np.diag([*[alpha] * (x.shape[1] - 1), 1e-6])
    weights = np.linalg.solve(x.T @ precise @ x + penalty, x.T @ precise @ y)
    np.testing.assert_allclose(model.weights, weights, atol=1e-6)
    rest = y - x @ weights
    level = ratio * (code[:, None] == np.arange(4)).T @ precise @ rest  # best linear prediction
    np.testing.assert_allclose(names.map(model.level), level[code], atol=1e-6)


def test_what_is_handed_in_for_new_genes_is_learnt_from_genes_left_out():
    train = invented()
    model = gene_ridge(train)
    x = model._design(features.build(train.features), fits=False)
    y = np.clip(train.targets[TARGET].to_numpy(), 0, 100)
    names = features.gene(train.features).to_numpy()
    blocks = {name: model._block(x[names == name], y[names == name]) for name in set(names)}
    unseen = np.empty(len(y))
    for name in blocks:
        squares, moments = zip(*(blocks[other] for other in blocks if other != name), strict=True)
        unseen[names == name] = x[names == name] @ model._solved(sum(squares), sum(moments))
    np.testing.assert_allclose(model.of_new.scores, np.sort(unseen), atol=1e-6)


def test_a_new_gene_has_the_mean_level_and_unknown_words_add_nothing():
    model = gene_ridge(invented(), decide=False)
    table = hidden(invented(rows=50, genes="XY", seed=5)).features
    known = table.assign(gene_target_symbol_name="A")
    new = model.predict(hidden(invented(rows=50, genes="XY", seed=5)))[TARGET]
    part = hidden(invented(rows=50, genes="XY", seed=5))
    moved = model.predict(type(part)(name="test", ids=part.ids, features=known))[TARGET]
    inside = (moved > 0) & (moved < 100) & (new > 0) & (new < 100)
    assert inside.any()
    np.testing.assert_allclose((moved - new)[inside], model.level["a"], atol=1e-9)


def test_train_of_one_gene_says_so(capsys):
    train = invented(genes="A")
    predicted = gene_ridge(train).predict(hidden(train))[TARGET]
    assert "train has one gene" in capsys.readouterr().err
    assert predicted.between(0, 100).all()


def test_decisions_are_better_than_means_where_little_is_known():
    rng = np.random.default_rng(0)
    mean = rng.uniform(20, 70, size=4000)
    truth = np.clip(rng.normal(mean, 25), 0, 100)
    decided = model("gene_ridge").Decision.learnt(mean[:2000], truth[:2000])(mean[2000:])

    def score(said: Any) -> float:
        sums = statistics({TARGET: truth[2000:]}, {TARGET: said}, None).sum(axis=0)
        return float(finish(sums, None)["score"])

    assert score(decided) > score(mean[2000:]) + 0.02
