"""The contract of `BaseAutoencoder`, held to by every autoencoder that is shipped.

They are found by importing all files of models. A new one needs an example here: how it is made,
and rows that its loss takes.
"""

from importlib import import_module
from inspect import isabstract

import pytest

torch = pytest.importorskip("torch")

from podium.competition import folders  # noqa: E402
from podium.learning import (  # noqa: E402
    INPUTS,
    Autoencoder,
    BaseAutoencoder,
    GenerativeAutoencoder,
    Settings,
    VariationalAutoencoder,
    latent_of,
    seeded,
)

FEATURES, HIDDEN, LATENT = 12, 8, 3
SETTINGS = Settings(epochs=1, batch=4, learning_rate=0.01, device="cpu")


def shipped(name):
    return import_module(f"podium.competitions.{name}")


def inputs(rows):
    return {INPUTS: torch.randn(rows, FEATURES)}


def plain():
    return Autoencoder(FEATURES, (HIDDEN,), LATENT)


def variational():
    return VariationalAutoencoder(FEATURES, (HIDDEN,), LATENT)


def clustering():
    return shipped("dlpfc.models.dec").Clustering(plain(), torch.randn(2, LATENT), 0.1)


def clustering_rows(rows):
    return {**inputs(rows), "target": torch.rand(rows, 2).softmax(dim=1)}


def graph():
    nearest = torch.tensor([[spot, (spot + 1) % 5] for spot in range(5)])
    return shipped("dlpfc.shared.attention").GraphAutoencoder(FEATURES, nearest, HIDDEN, LATENT)


def slices(rows):
    return {INPUTS: torch.randn(rows, 5, FEATURES)}


def counts():
    network = shipped("imputation.shared.network")
    return network.DeepCountAutoencoder(
        torch.zeros(FEATURES), torch.ones(FEATURES), hidden=HIDDEN, latent=LATENT, ridge=0.1
    )


def count_rows(rows):
    table = torch.randint(0, 5, (rows, FEATURES)).float()
    each = {"log_size": torch.zeros(rows), "log_factorial": torch.ones(rows)}
    return {INPUTS: table.log1p(), "counts": table, **each}


def separation():
    network = shipped("response.shared.separation")
    return network.SeparationNetwork(FEATURES, [HIDDEN], LATENT, 2, "mmd")


def two_domains(rows):
    return {**inputs(rows), "target": (torch.arange(rows) % 2).float()}


EXAMPLES = {
    "Autoencoder": (plain, inputs),
    "Clustering": (clustering, clustering_rows),
    "DeepCountAutoencoder": (counts, count_rows),
    "GraphAutoencoder": (graph, slices),
    "SeparationNetwork": (separation, two_domains),
    "VariationalAutoencoder": (variational, inputs),
}


def kinds(base=BaseAutoencoder):
    """All that can be made, of this package and of the competitions."""
    own = base.__subclasses__()
    shipped_ = {k for k in own if k.__module__.startswith("podium.") and not isabstract(k)}
    return shipped_.union(*map(kinds, own))


def test_every_shipped_autoencoder_has_an_example():
    for name in folders.names():
        folder = folders.load(name).folder
        for room in ("models", "shared"):
            for file in (folder / room).glob("[a-z]*.py"):
                shipped(f"{name}.{room}.{file.stem}")
    assert {kind.__name__ for kind in kinds()} == set(EXAMPLES)


@pytest.fixture(params=EXAMPLES)
def example(request):
    make, rows = EXAMPLES[request.param]
    with seeded(0):
        return make(), rows


@pytest.mark.parametrize("count", [1, 6])
def test_shapes(example, count):
    network, rows = example
    with seeded(1):
        given = rows(count)
    taken = given[INPUTS]
    latent = network.encode(taken)
    assert latent.shape == (*taken.shape[:-1], LATENT)
    rebuilt = network.decode(latent)
    assert rebuilt.shape[:-1] == taken.shape[:-1]
    assert rebuilt.shape[-1] % FEATURES == 0
    assert network.generate(taken).shape == rebuilt.shape
    assert latent_of(network, taken, SETTINGS).shape == latent.shape


@pytest.mark.parametrize("count", [1, 6])
def test_the_loss_has_named_parts_that_add_up(example, count):
    network, rows = example
    with seeded(1):
        losses = network.loss(rows(count))
    assert losses.parts
    for part in (*losses.parts.values(), losses.total):
        assert part.shape == ()
        assert torch.isfinite(part)
    torch.testing.assert_close(losses.total, sum(losses.parts.values()))


@pytest.mark.parametrize("scale", [1.0, 1e3])
@pytest.mark.parametrize("count", [1, 6])
def test_gradients_are_finite_and_reach_every_weight(example, count, scale):
    network, rows = example
    with seeded(1):
        given = rows(count)
        if "counts" not in given:  # logarithms of counts are never that large
            given[INPUTS] = scale * given[INPUTS]
        network.loss(given).total.backward()
    for name, weights in network.named_parameters():
        assert weights.grad is not None, name
        assert torch.isfinite(weights.grad).all(), name
        if count > 1:
            assert weights.grad.abs().sum() > 0, name


def state(network):
    return {name: values.clone() for name, values in network.state_dict().items()}


def equal(first, other):
    return {name for name, values in first.items() if torch.equal(values, other[name])}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_same_seed_gives_the_same_weights(name):
    made = []
    for seed in (0, 0, 1):
        with seeded(seed):
            made.append(state(EXAMPLES[name][0]()))
    assert equal(made[0], made[1]) == set(made[0])
    assert equal(made[0], made[2]) < set(made[0])


def test_weights_drawn_anew_are_those_of_a_new_network(example):
    network, _ = example
    new, trained = state(network), {"centres"}  # centres are given, not drawn
    with torch.no_grad():
        for weights in network.parameters():
            weights += 1
    with seeded(0):
        network.initialise_weights()
    assert equal(new, state(network)) == set(new) - trained


def test_only_a_prior_makes_up_rows(example):
    network, rows = example
    assert hasattr(network, "sample") == isinstance(network, GenerativeAutoencoder)
    if isinstance(network, GenerativeAutoencoder):
        for count in (1, 6):
            assert network.prior(count).shape == (count, LATENT)
            assert network.sample(count).shape == network.generate(rows(count)[INPUTS]).shape
