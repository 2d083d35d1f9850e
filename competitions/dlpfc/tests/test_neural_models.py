import pickle
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from podium.competitions.dlpfc.metric import TARGET
from podium.competitions.dlpfc.shared.expression import ALONE, neighbours
from podium.competitions.dlpfc.shared.mixture import tied_posteriors
from sklearn.metrics import adjusted_rand_score

from podium.competition import defaults
from podium.competition.counts import Counts
from podium.competition.part import Part
from podium.errors import ModelError
from suites import space

torch = pytest.importorskip("torch")

from podium.learning import train_autoencoder  # noqa: E402

UNLABELLED = ("ae_kmeans", "dec", "graph_ae", "vae_kmeans")
LABELLED = ("dann", "mlp", "san")
NAMES = (*UNLABELLED, *LABELLED)


def model(name: str) -> ModuleType:
    return import_module(f"podium.competitions.dlpfc.models.{name}")


def tissue(
    name: str = "a", spots: int = 240, genes: int = 30, bands: int = 3, seed: int = 0
) -> tuple[pd.DataFrame, Any, list[str], np.ndarray]:
    """A slice of bands across x; each band raises genes of its own."""
    rng = np.random.default_rng(seed)
    columns = 20
    row, column = np.divmod(np.arange(spots), columns)
    features = pd.DataFrame(
        {
            "slice": name,
            "x": column + 0.5 * (row % 2),
            "y": row * np.sqrt(3) / 2,
            "domains": bands,
        }
    )
    band = column * bands // columns
    mean = np.full((bands, genes), 2.0)
    for number in range(bands):
        mean[number, number::bands] *= 2.5
    counts = rng.poisson(mean[band] * rng.lognormal(0, 0.3, (spots, 1)))
    return features, counts, [f"g{number}" for number in range(genes)], band.astype(str)


def part(*slices: Any, targets: bool = False) -> Part:
    features = pd.concat([one[0] for one in slices], ignore_index=True)
    answers = pd.DataFrame({TARGET: np.concatenate([one[3] for one in slices]).astype(object)})
    return Part(
        name="train" if targets else "test",
        ids=pd.Index([f"s{row}" for row in range(len(features))], name="id"),
        features=features,
        counts=Counts.of({one[0]["slice"].iloc[0]: (one[1], one[2]) for one in slices}),
        targets=answers if targets else None,
    )


NOTHING = Part(
    name="train",
    ids=pd.Index([], name="id"),
    features=tissue()[0].iloc[:0],
    targets=pd.DataFrame({TARGET: pd.Series([], dtype=object)}),
)


def predicted(name: str, train: Part, test: Part, seed: int = 0, **params: Any) -> np.ndarray:
    module = model(name)
    built = module.build({**defaults(module.PARAMETERS), **module.QUICK, **params}, seed)
    built.fit(train)
    table = built.predict(test)
    assert list(table.columns) == ["id", TARGET]
    assert list(table["id"]) == list(test.ids)
    labels = table[TARGET].to_numpy(object)
    assert all(isinstance(label, str) for label in labels)
    return labels


def training(name: str) -> Part:
    return part(tissue("t", seed=9), targets=True) if name in LABELLED else NOTHING


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_labels(name: str) -> None:
    test = part(tissue("a"), tissue("b", spots=200, genes=27, bands=2, seed=1))
    first = predicted(name, training(name), test)
    assert (first == predicted(name, training(name), test)).all()
    for code, count in ((0, 3), (1, 2)):
        assert test.counts is not None
        assert len(set(first[test.counts.block == code])) <= count


@pytest.mark.parametrize("name", NAMES)
def test_only_networks_of_expression_alone_take_slices_without_positions(name: str) -> None:
    features, *rest = tissue()
    test = part((features.assign(x=np.nan, y=np.nan), *rest))
    if name in ALONE:
        assert len(predicted(name, training(name), test, epochs=1)) == len(test)
        return
    with pytest.raises(ModelError, match="Slice a has no positions"):
        predicted(name, training(name), test, epochs=1)


@pytest.mark.parametrize("name", ["graph_ae", *LABELLED])
def test_clear_bands_are_found(name: str) -> None:
    one = tissue(spots=400)
    labels = predicted(name, training(name), part(one), epochs=30)
    assert adjusted_rand_score(one[3], labels) > 0.85


@pytest.mark.parametrize("name", ["dann", "san"])
def test_adapting_tells_the_losses_of_each_training(name: str) -> None:
    module, told = model(name), list[int]()
    built = module.build({**defaults(module.PARAMETERS), **module.QUICK, "epochs": 2}, 0)
    built.fit(training(name), lambda step, value, **others: told.append(step))
    test = part(tissue("a"), tissue("b", bands=2, seed=1))
    labels = built.predict(test)[TARGET].to_numpy(object)
    assert told == [1, 2, 3, 4, 5, 6]
    assert (labels == predicted(name, training(name), test, epochs=2)).all()


@pytest.mark.parametrize("name", ["ae_kmeans", "dec", "vae_kmeans"])
def test_single_spots_say_something(name: str) -> None:
    one = tissue(spots=400)
    labels = predicted(name, NOTHING, part(one), epochs=30)
    assert adjusted_rand_score(one[3], labels) > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("name", UNLABELLED)
def test_labels_play_no_part(name: str) -> None:
    one, train = tissue(), tissue("t", seed=9)
    mixed = (*train[:3], np.random.default_rng(0).permutation(train[3]))
    labels = [
        predicted(name, given, part(one))
        for given in (NOTHING, part(train, targets=True), part(mixed, targets=True))
    ]
    assert (labels[0] == labels[1]).all()
    assert (labels[0] == labels[2]).all()


def spoilt(fault: str) -> tuple[pd.DataFrame, Any, list[str], np.ndarray]:
    sizes = {"few spots": 30, "fewer spots than anything": 4, "one spot": 1}
    bands = 1 if fault == "one domain" else 3
    features, counts, genes, band = tissue(spots=sizes.get(fault, 120), bands=bands)
    if fault == "constant genes":
        counts[:, :5], counts[:, 5:9] = 0, 3
    elif fault == "empty spots":
        counts[::7] = 0
    elif fault == "one position":
        features[["x", "y"]] = 1.0
    elif fault == "duplicated positions":
        features.loc[1::2, ["x", "y"]] = features.loc[::2, ["x", "y"]].to_numpy()
    elif fault == "equal spots":
        counts[:] = 2
    elif fault == "nothing counted":
        counts[:] = 0
    return features, counts, genes, band


FAULTS = (
    *("constant genes", "empty spots", "one position", "duplicated positions", "equal spots"),
    *("nothing counted", "one domain", "few spots", "fewer spots than anything", "one spot"),
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", FAULTS)
def test_odd_slices(name: str, fault: str) -> None:
    one = spoilt(fault)
    labels = predicted(name, training(name), part(one), epochs=2)
    assert len(set(labels)) <= one[0]["domains"].iloc[0]


@pytest.mark.parametrize("name", LABELLED)
@pytest.mark.parametrize("fault", FAULTS)
def test_odd_slices_to_learn_from(name: str, fault: str) -> None:
    predicted(name, part(spoilt(fault), targets=True), part(tissue()), epochs=2)


@pytest.mark.parametrize("name", NAMES)
def test_bf16(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podium.learning.neural.has_bf16", lambda device: True)
    predicted(name, training(name), part(tissue()), bf16=True)


class Trial:
    """Suggests an end of each range."""

    def __init__(self, high: bool) -> None:
        self.high = high

    def suggest_float(self, name: str, low: float, high: float, **_: Any) -> float:
        return high if self.high else low

    def suggest_int(self, name: str, low: int, high: int, **_: Any) -> int:
        return high if self.high else low


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("high", [False, True])
def test_both_ends_of_the_search(name: str, high: bool) -> None:
    params = space(model(name), Trial(high))
    assert params.keys() <= defaults(model(name).PARAMETERS).keys()
    predicted(name, training(name), part(tissue()), **{**params, "epochs": 2})


def test_the_target_distribution_is_that_of_the_paper() -> None:
    """Xie et al. 2016, equations 1 and 3, term by term."""
    dec = model("dec")
    rng = np.random.default_rng(0)
    z, mu = rng.normal(size=(6, 4)), rng.normal(size=(3, 4))
    near = [[(1 + sum((a - b) ** 2)) ** -1 for b in mu] for a in z]
    q = [[value / sum(row) for value in row] for row in near]
    f = [sum(row[j] for row in q) for j in range(3)]
    sharper = [[row[j] ** 2 / f[j] for j in range(3)] for row in q]
    p = [[value / sum(row) for value in row] for row in sharper]
    soft = dec.soft_assignment(torch.tensor(z), torch.tensor(mu))
    np.testing.assert_allclose(soft.numpy(), q, rtol=1e-12)
    np.testing.assert_allclose(dec.target(soft).numpy(), p, rtol=1e-12)


def test_dec_stops_when_few_assignments_change(monkeypatch: pytest.MonkeyPatch) -> None:
    trainings = []
    train = train_autoencoder
    monkeypatch.setattr(
        model("dec"), "train_autoencoder", lambda *a, **k: trainings.append(1) or train(*a, **k)
    )
    predicted("dec", NOTHING, part(tissue()), rounds=10, changed=1.1)
    assert len(trainings) == 1  # round, after the autoencoder
    trainings.clear()
    predicted("dec", NOTHING, part(tissue()), rounds=3, changed=0.0)
    assert len(trainings) == 3  # every round


def test_attention_is_a_weighted_mean_of_neighbours() -> None:
    attention = import_module("podium.competitions.dlpfc.shared.attention").Attention(5)
    nearest = torch.from_numpy(neighbours(tissue()[0], 7))
    states = torch.randn(240, 5)
    weights = attention.weights(states, nearest)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(240))
    expected = (weights[:, :, None] * states[nearest]).sum(dim=1)
    torch.testing.assert_close(attention(states, nearest), expected)


@pytest.mark.parametrize("name", LABELLED)
def test_a_classifier_refuses_to_learn_without_labels(name: str) -> None:
    for train in (NOTHING, part(tissue())):
        with pytest.raises(ModelError, match="labelled slices"):
            predicted(name, train, part(tissue()))


@pytest.mark.parametrize("name", LABELLED)
def test_a_classifier_reads_the_genes_that_all_slices_have(name: str) -> None:
    features, counts, genes, band = tissue(spots=400)
    order = np.random.default_rng(0).permutation(25)
    fewer = features, counts[:, order], [genes[place] for place in order], band
    labels = predicted(name, training(name), part(fewer), epochs=30)
    assert adjusted_rand_score(band, labels) > 0.85
    other = features, counts, [f"x{gene}" for gene in genes], band
    with pytest.raises(ModelError, match="no gene"):
        predicted(name, training(name), part(other))


@pytest.mark.parametrize("name", ["dann", "san"])
def test_where_adapting_fails_the_plain_classifier_predicts(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is the same with whatever strength, and a line says so."""
    outcome = import_module("podium.competitions.dlpfc.shared.transfer").Outcome
    seen: list[Any] = []
    refused = property(lambda self: seen.append(self) or "all is one")
    monkeypatch.setattr(outcome, "problem", refused)
    test = part(tissue("a"), tissue("b", bands=2, seed=1))
    plain = [predicted(name, training(name), test, adversary=a) for a in (0.1, 50.0)]
    assert (plain[0] == plain[1]).all()
    assert (seen[0].before == seen[-2].before).all()
    assert abs(seen[0].after - seen[-2].after).max() > 1e-4
    told = capsys.readouterr().err
    for domains in (2, 3):
        assert f"{name} adapts badly to the slices of {domains} domains: all is one" in told


def test_mlp_holds_out_whole_slices_or_strips() -> None:
    folds = model("mlp").folds
    slices = part(tissue("a"), tissue("b"), tissue("c"), targets=True)
    assert (folds(slices, 2) == np.repeat([0, 1, 0], 240)).all()
    assert (folds(slices, 9) == np.repeat([0, 1, 2], 240)).all()
    strips = folds(part(tissue("a"), targets=True), 4)
    assert (np.bincount(strips) == 60).all()


def test_models_can_be_pickled() -> None:
    for name in NAMES:
        module = model(name)
        built = module.build({**defaults(module.PARAMETERS), **module.QUICK}, 0)
        built.fit(training(name))
        test = part(tissue())
        again = pickle.loads(pickle.dumps(built))  # noqa: S301
        assert again.predict(test).equals(built.predict(test))


def test_a_mixture_sees_through_what_varies_in_all() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 200)
    points = np.stack([truth + 0.1 * rng.normal(size=400), 0.8 * rng.normal(size=400)], axis=1)
    labels = tied_posteriors(points, 2, starts=10, rng=rng).argmax(axis=1)
    assert adjusted_rand_score(truth, labels) > 0.95
