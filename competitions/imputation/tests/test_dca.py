"""`dca` and its network: against plain torch, in odd conditions, and its figures."""

import pickle

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from podium.competitions.imputation.data import simulate  # noqa: E402
from podium.competitions.imputation.models import dca  # noqa: E402
from podium.competitions.imputation.shared import network, zinb  # noqa: E402

from podium import api  # noqa: E402
from podium.competition import defaults, model_file  # noqa: E402
from podium.competition import folders as competitions  # noqa: E402
from podium.competition.counts import Counts  # noqa: E402
from podium.competition.part import Part  # noqa: E402
from podium.errors import ModelError  # noqa: E402
from podium.learning import INPUTS, BaseAutoencoder  # noqa: E402

QUICK = {**defaults(dca.PARAMETERS), **dca.QUICK, "device": "cpu"}


def part(observed, truth=None, name="train"):
    genes = [f"g{number}" for number in range(observed.shape[1])]
    ids = pd.Index([f"{name}{number}" for number in range(len(observed))], name="id")
    counts, true = (
        None if matrix is None else Counts.of({"cells": (matrix, genes)})
        for matrix in (observed, truth)
    )
    features = pd.DataFrame(index=range(len(ids)))
    return Part(name=name, ids=ids, features=features, counts=counts, truth=true)


def tissue(cells=60, genes=80, seed=0):
    """Train part with truth, test part, and the observed and true counts of the latter."""
    drawn = simulate.simulate(np.random.default_rng(seed), cells, genes)
    first = int(0.7 * cells)
    train = part(drawn.observed[:first], drawn.truth[:first])
    test = part(drawn.observed[first:], name="test")
    return train, test, drawn.observed[first:], drawn.truth[first:]


def imputed(train, test, seed=0, **params):
    model = dca.build({**QUICK, **params}, seed)
    model.fit(train)
    return model.predict(test).drop(columns="id").to_numpy()


def made(seed=0, likelihood="zinb", **params):
    """Inputs of a network, and the network."""
    drawn = simulate.simulate(np.random.default_rng(seed), 40, 50)
    inputs = network.inputs(Counts.of({"": (drawn.observed, range(50))}).matrix(), likelihood)
    params = {**QUICK, "likelihood": likelihood, **params}
    return inputs, dca.untrained(inputs, params, seed)


def plainly(like, inputs, counts, log_size):
    """The same loss with a layer for each parameter, and gamma functions of torch."""
    *hidden, heads = (*like.encoder, *like.decoder)
    values = (inputs - like.centre) * like.scale
    for layer in hidden:
        values = layer(values)
    log_mean, dispersion, logit = (
        torch.nn.functional.linear(values, weight, bias)
        for weight, bias in zip(heads.weight.chunk(3), heads.bias.chunk(3), strict=True)
    )
    mean = log_mean.exp().clamp(*zinb.MEAN) * log_size.exp()[:, None]
    theta = torch.nn.functional.softplus(dispersion).clamp(*zinb.DISPERSION)
    total = torch.log(theta + mean)
    nb = torch.lgamma(counts + theta) - torch.lgamma(theta) - torch.lgamma(counts + 1)
    nb = nb + theta * (theta.log() - total) + counts * (mean.log() - total)
    log_likelihood = torch.where(counts == 0, torch.logaddexp(logit, nb), nb)
    log_likelihood = log_likelihood - torch.nn.functional.softplus(logit)
    return -log_likelihood.mean() + like.ridge * torch.sigmoid(logit).square().mean()


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_loss_and_gradients_are_those_of_plain_torch(ridge):
    inputs, model = made(ridge=ridge)
    value = model.loss(inputs.rows).total
    value.backward()
    gradients = [weights.grad.clone() for weights in model.parameters()]
    model.zero_grad()
    rows = inputs.rows
    expected = plainly(model, rows[INPUTS], rows[network.COUNTS], rows[network.LOG_SIZE])
    expected.backward()
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-5)
    for gradient, weights in zip(gradients, model.parameters(), strict=True):
        torch.testing.assert_close(gradient, weights.grad, rtol=1e-5, atol=1e-5)


def test_layers():
    widths = [
        [layer.out_features for layer in half if isinstance(layer, torch.nn.Linear)]
        for half in (made()[1].encoder, made()[1].decoder)
    ]
    assert widths == [[64, 32], [64, 150]]
    kinds = {type(layer).__name__ for layer in made(batchnorm=False)[1].modules()}
    assert "BatchNorm1d" not in kinds
    assert type(made()[1].encoder[-1]).__name__ == "ReLU"


def test_inputs_are_standardised_genes():
    inputs, model = made()
    seen = (inputs.rows[INPUTS] - model.centre) * model.scale
    varies = inputs.rows[network.COUNTS].std(dim=0) > 0
    torch.testing.assert_close(seen.mean(dim=0), torch.zeros(50), atol=1e-5, rtol=0)
    spread = seen.std(dim=0, correction=0)
    torch.testing.assert_close(spread, varies.float(), atol=1e-4, rtol=0)


@pytest.mark.slow
def test_sparse_rows_train_to_the_same_bytes(monkeypatch):
    train, test, *_ = tissue()
    dense = imputed(train, test)
    monkeypatch.setattr(network, "DENSE", 0)
    monkeypatch.setattr(network, "BLOCK", 7)
    np.testing.assert_allclose(imputed(train, test), dense, rtol=1e-4, atol=1e-5)
    # Blocks multiply in another order; training itself has the same bytes.
    inputs, model = made()
    assert not isinstance(inputs.rows[INPUTS], torch.Tensor)
    monkeypatch.undo()
    whole, other = made()
    histories = [dca.learn(one, rows, QUICK, 0) for one, rows in ((model, inputs), (other, whole))]
    assert histories[0] == histories[1]


def test_the_same_seed_gives_the_same_bytes():
    train, test, *_ = tissue()
    first, again, other = (imputed(train, test, seed) for seed in (0, 0, 1))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("batchnorm", [True, False])
@pytest.mark.parametrize("likelihood", ["zinb", "report"])
@pytest.mark.parametrize("call", ["near", "evidence", "posterior", "prior"])
def test_every_variant_imputes(batchnorm, likelihood, call):
    train, test, observed, _ = tissue()
    params = {"batchnorm": batchnorm, "likelihood": likelihood, "call": call, "calling": "own"}
    counts = imputed(train, test, **params)
    assert np.isfinite(counts).all()
    assert (counts >= 0).all()
    np.testing.assert_array_equal(counts[observed > 0], observed[observed > 0])


def test_called_by_its_own_posterior_a_zero_gets_the_mean():
    train, test, observed, _ = tissue()
    counts = imputed(train, test, call="posterior", calling="own", epochs=1)
    model = dca.build({**QUICK, "epochs": 1}, 0)
    model.fit(train)
    cells = network.inputs(dca_mixed(train, test))
    trained = dca.untrained(cells, {**QUICK, "epochs": 1}, 0)
    dca.learn(trained, cells, {**QUICK, "epochs": 1}, 0)
    said = network.denoise(trained, cells.rows, "cpu")
    asked = slice(len(train.ids), None)
    called = (said.logit + said.evidence)[asked] > 0
    zero = observed == 0
    np.testing.assert_array_equal(counts[zero], np.where(called, said.mean[asked], 0)[zero])


def test_near_cells_lend_what_was_counted_before_dropout():
    drawn = simulate.simulate(np.random.default_rng(0), 60, 80)
    gene = int((drawn.observed[42:] == 0).sum(axis=0).argmax())
    drawn.observed[:42, gene] = 0
    test = part(drawn.observed[42:], name="test")
    zero = drawn.observed[42:] == 0

    def of_gene(truth):
        values = imputed(part(drawn.observed[:42], truth), test)
        return values[:, gene][zero[:, gene]]

    known, none = drawn.truth[:42].copy(), drawn.truth[:42].copy()
    known[:, gene], none[:, gene] = 7, 0
    assert (of_gene(known) > 0).all()
    assert not of_gene(none).any()


def test_a_fitted_model_is_kept_whatever_it_reports_to():
    train, test, *_ = tissue()
    model = dca.build({**defaults(dca.PARAMETERS), **dca.QUICK}, 0)
    model.fit(train, lambda *_, **__: None)
    kept = pickle.loads(pickle.dumps(model))  # noqa: S301
    assert kept.predict(test).equals(model.predict(test))


def dca_mixed(train, test):
    from scipy.sparse import vstack

    return vstack([next(one.slices()).counts.astype(np.float32) for one in (train, test)]).tocsr()


@pytest.mark.parametrize("validation", [0.0, 0.1])
@pytest.mark.parametrize("cells", [3, 47, 93])
def test_few_cells_and_a_last_batch_of_one(cells, validation):
    train, test, *_ = tissue(cells, 20)
    assert np.isfinite(imputed(train, test, validation=validation)).all()


def test_empty_cells_and_genes_never_seen():
    train, _, observed, _ = tissue()
    observed = observed.copy()
    observed[0], observed[:, 3] = 0, 0
    counts = imputed(train, part(observed, name="test"))
    assert np.isfinite(counts).all()
    blank = part(np.zeros_like(observed), name="test")
    assert np.isfinite(imputed(train, blank)).all()
    assert imputed(train, part(observed[:0], name="test")).shape == (0, observed.shape[1])


def test_huge_counts_bring_no_nan():
    train, _, observed, _ = tissue()
    for variant in ({}, {"batchnorm": False}, {"likelihood": "report", "batchnorm": False}):
        counts = imputed(train, part(observed * 10_000, name="test"), epochs=30, **variant)
        assert np.isfinite(counts).all()


def test_reading_leaves_a_network_in_training():
    inputs, model = made()
    model.train()
    network.denoise(model, inputs.rows, "cpu")
    assert model.training


def test_what_is_not_there_is_said():
    file = model_file.find(competitions.load("imputation"), "dca")
    for name, value in (("likelihood", "poisson"), ("call", "guess"), ("epochs", 0)):
        with pytest.raises(ModelError, match=f"{name} of dca is"):
            file.with_params({name: value})
    with pytest.raises(ModelError) as told:
        file.with_params({"hidden": 0, "latent": 0, "validation": -0.1})
    assert len(told.value.problems) == 3
    choices = {name: set(file.parameters[name].choices) for name in ("call", "likelihood")}
    assert choices == {"call": {"near", *dca.SCORES}, "likelihood": set(network.LOSSES)}


def test_the_base_is_shared():
    assert issubclass(network.DeepCountAutoencoder, BaseAutoencoder)


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [300, pytest.param(3000, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("batchnorm", [True, False])
@pytest.mark.parametrize("likelihood", ["zinb", "report"])
def test_no_nan_in_many_epochs(batchnorm, likelihood, epochs):
    """Training itself raises at the first loss that is no number."""
    params = {"batchnorm": batchnorm, "likelihood": likelihood, "epochs": epochs}
    train, test, *_ = tissue(100, 120)
    assert np.isfinite(imputed(train, test, **params)).all()


@pytest.mark.slow
def test_the_figures_of_demo():
    """On folds of the train cells: F1 above .70, where calling all gives .58."""
    scores = api.cross_validate("imputation", "dca").card.whole.scores
    assert scores["f1"] > 0.72
    assert scores["precision"] > 0.6
    assert scores["mcc"] > 0.5


def test_one_labelled_cell_has_none_beside_it():
    train, test, _, _ = tissue(cells=30, genes=40)
    one = train.take(np.arange(len(train)) < 1)
    np.testing.assert_array_equal(imputed(one, test), imputed(one, test, call="evidence"))
