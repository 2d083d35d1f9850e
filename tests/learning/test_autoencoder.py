import numpy as np
import pytest

torch = pytest.importorskip("torch")

from podium.learning import (  # noqa: E402
    INPUTS,
    Autoencoder,
    BaseAutoencoder,
    GenerativeAutoencoder,
    Losses,
    Settings,
    VariationalAutoencoder,
    drawn,
    held_out,
    kl_to_standard_normal,
    latent_of,
    perceptron,
    seeded,
    train_autoencoder,
)

SETTINGS = Settings(epochs=30, batch=32, learning_rate=0.01, patience=30, device="cpu")
KINDS = (Autoencoder, VariationalAutoencoder)


def matrix(rows=120, columns=12, seed=0):
    """Rows near a plane of three dimensions."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 3)) @ rng.normal(size=(3, columns))
    return torch.from_numpy((values + 0.1 * rng.normal(size=values.shape)).astype(np.float32))


def made(kind, seed=0, **options):
    with seeded(seed):
        return kind(12, (16,), 4, **options)


def trained(kind, settings=SETTINGS, seed=0, **options):
    network = made(kind, seed)
    history = train_autoencoder(
        network, {INPUTS: matrix()}, settings=settings, seed=seed, **options
    )
    return network, history


def test_the_base_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        BaseAutoencoder()


@pytest.mark.parametrize("forgotten", ["encode", "decode", "loss"])
def test_no_method_can_be_forgotten(forgotten):
    methods = {name: lambda self, _: None for name in ("encode", "decode", "loss")}
    del methods[forgotten]
    with pytest.raises(TypeError, match=forgotten):
        type("Partial", (BaseAutoencoder,), methods)()


def test_rows_are_made_up_only_from_a_prior():
    methods = {name: lambda self, _: None for name in ("encode", "decode", "loss")}
    with pytest.raises(TypeError, match="prior"):
        type("Priorless", (GenerativeAutoencoder,), methods)()
    assert not hasattr(made(Autoencoder), "sample")
    network = made(VariationalAutoencoder)
    with seeded(0):
        latent = network.prior(5000)
    with seeded(0):
        torch.testing.assert_close(network.sample(5000), network.decode(latent))
    assert latent.shape == (5000, 4)
    assert latent.std().item() == pytest.approx(1, abs=0.03)


def test_losses_add_up_in_their_order():
    parts = {"a": torch.tensor(0.1), "b": torch.tensor(0.2), "c": torch.tensor(0.3)}
    assert Losses(parts).total == (parts["a"] + parts["b"]) + parts["c"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_falls_and_the_best_epoch_stays(kind):
    network, history = trained(kind)
    assert history.training[-1] < 0.7 * history.training[0]
    assert history.validation[history.best - 1] == min(history.validation)
    error = torch.nn.functional.mse_loss(network.decode(network.encode(matrix())), matrix())
    assert error < 0.5 * matrix().var()


@pytest.mark.slow
def test_the_kept_weights_are_those_of_the_best_epoch():
    settings = Settings(epochs=40, batch=8, learning_rate=0.1, patience=40, device="cpu")
    network, history = trained(Autoencoder, settings)
    held = held_out(np.arange(120), 0.1, 0)
    with torch.inference_mode():
        error = network.loss({INPUTS: matrix()[torch.from_numpy(held)]}).total
    assert float(error) == pytest.approx(min(history.validation), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes(kind):
    first, again = (trained(kind)[0] for _ in range(2))
    found = [latent_of(network, matrix(), SETTINGS) for network in (first, again)]
    assert found[0].dtype == np.float32
    assert found[0].tobytes() == found[1].tobytes()
    other = latent_of(trained(kind, seed=1)[0], matrix(), SETTINGS)
    assert other.tobytes() != found[0].tobytes()


def test_latent_coordinates_come_in_the_order_of_the_rows():
    network, rows = made(Autoencoder), matrix(300)
    settings = Settings(epochs=1, batch=16, learning_rate=0.01, device="cpu")
    found = latent_of(network, rows, settings)
    np.testing.assert_allclose(found, network.encode(rows).detach().numpy(), atol=1e-6)


def test_the_divergence_is_that_of_torch():
    mean, log_variance = torch.randn(9, 4), torch.randn(9, 4)
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(
        normal(mean, (log_variance / 2).exp()), normal(torch.zeros(4), torch.ones(4))
    )
    torch.testing.assert_close(kl_to_standard_normal(mean, log_variance), expected.sum(dim=1))


def test_draws_have_the_mean_and_the_variance():
    mean, log_variance = torch.tensor([[2.0, -1.0]]), torch.tensor([[0.0, -2.0]])
    with seeded(0):
        draws = drawn(mean.expand(20_000, 2), log_variance.expand(20_000, 2))
    torch.testing.assert_close(draws.mean(dim=0), mean[0], atol=0.03, rtol=0)
    torch.testing.assert_close(draws.var(dim=0), log_variance[0].exp(), atol=0.04, rtol=0)


def test_beta_weighs_the_divergence():
    rows = matrix()
    losses = []
    for beta in (0.0, 1.0, 2.0):
        network = made(VariationalAutoencoder, beta=beta)
        with seeded(0):
            losses.append(network.loss({INPUTS: rows}).parts)
    mean, log_variance = network.distribution(rows)
    per_feature = kl_to_standard_normal(mean, log_variance).mean().item() / 12
    divergence = [parts["divergence"].item() for parts in losses]
    assert divergence == pytest.approx([0, per_feature, 2 * per_feature], rel=1e-5)
    assert len({parts["reconstruction"].item() for parts in losses}) == 1


def test_a_perceptron_with_batch_norm():
    layers = perceptron((12, 64, 32, 5), batch_norm=True)
    kinds = [type(layer).__name__ for layer in layers]
    assert kinds == ["Linear", "BatchNorm1d", "ReLU"] * 2 + ["Linear"]
    assert perceptron((12, 5))(matrix(3)).shape == (3, 5)


def test_a_loss_may_need_more_than_the_inputs():
    """Counts beside the inputs come in the rows' own order, batch by batch."""

    class Poisson(Autoencoder):
        def loss(self, rows):
            assert torch.equal(rows["counts"], rows[INPUTS].round())
            rate = self.generate(rows[INPUTS])
            poisson = torch.nn.functional.poisson_nll_loss(rate, rows["counts"].abs())
            return Losses({"poisson": poisson})

    rows = {INPUTS: matrix(), "counts": matrix().round()}
    history = train_autoencoder(made(Poisson), rows, settings=SETTINGS, seed=0)
    assert history.training[-1] < history.training[0]


@pytest.mark.parametrize("kind", KINDS)
def test_bf16(kind, monkeypatch):
    monkeypatch.setattr("podium.learning.neural.has_bf16", lambda device: True)
    settings = Settings(epochs=12, batch=32, learning_rate=0.01, bf16=True, device="cpu")
    network, history = trained(kind, settings)
    assert history.training[-1] < history.training[0]
    assert all(weights.dtype == torch.float32 for weights in network.parameters())


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_few_rows(rows):
    network = made(Autoencoder)
    train_autoencoder(network, {INPUTS: matrix(rows)}, settings=SETTINGS, seed=0)
    assert np.isfinite(latent_of(network, matrix(rows), SETTINGS)).all()


def test_without_validation_the_last_weights_stay():
    _, history = trained(Autoencoder, validation=0.0)
    assert history.validation == []
    assert history.best == SETTINGS.epochs


def test_batch_norm_takes_a_batch_of_one():
    layers = perceptron((12, 5, 3), batch_norm=True).train()
    assert torch.isfinite(layers(matrix(1))).all()
    assert layers[1].num_batches_tracked == 0
    layers(matrix(8))
    assert layers[1].num_batches_tracked == 1
    layers.eval()
    torch.testing.assert_close(layers(matrix(8))[:1], layers(matrix(8)[:1]))
