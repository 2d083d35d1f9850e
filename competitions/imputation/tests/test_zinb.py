import math

import numpy as np
import pytest
from scipy import stats

torch = pytest.importorskip("torch")

from podium.competitions.imputation.shared import zinb  # noqa: E402
from podium.competitions.imputation.shared.zinb import Zinb, log_factorial, log_nb, log_zinb  # noqa: E402

COUNTS = torch.tensor([0.0, 1, 2, 7, 40, 1000], dtype=torch.float64)
MEANS = torch.logspace(-5, 6, 12, dtype=torch.float64)
THETAS = torch.logspace(-4, 4, 9, dtype=torch.float64)
LOSSES = (zinb.zinb_loss, zinb.report_loss)


def grid():
    """Counts, log means and dispersions, each with each."""
    counts, mean, theta = torch.meshgrid(COUNTS, MEANS, THETAS, indexing="ij")
    return counts.reshape(-1), mean.reshape(-1).log(), theta.reshape(-1)


def drawn(rows=20, genes=30, dtype=torch.float32, seed=0):
    """Outputs of a network, counts and size factors as training meets them."""
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(rows, 3 * genes, generator=generator, dtype=dtype) * 2
    rate = torch.rand(rows, genes, generator=generator, dtype=dtype) * 20
    counts = torch.poisson(rate, generator=generator)
    counts *= torch.rand(rows, genes, generator=generator) < 0.6
    log_size = torch.randn(rows, generator=generator, dtype=dtype) / 3
    return outputs.requires_grad_(), counts, log_size


def by_autograd(outputs, counts, log_size):
    return -log_zinb(counts, zinb.parameters(outputs, log_size)).mean()


def loss_and_gradient(loss, outputs, counts, log_size):
    outputs = outputs.detach().requires_grad_()
    value = loss(outputs, counts, log_size)
    value.backward()
    return value.detach(), outputs.grad


def test_the_negative_binomial_is_that_of_torch():
    counts, log_mean, theta = grid()
    expected = torch.distributions.NegativeBinomial(theta, logits=log_mean - theta.log())
    logs = log_nb(counts, log_mean, theta) - torch.lgamma(counts + 1)
    torch.testing.assert_close(logs, expected.log_prob(counts), rtol=1e-6, atol=1e-6)


def test_the_negative_binomial_is_that_of_scipy():
    counts, log_mean, theta = (values.numpy() for values in grid())
    expected = stats.nbinom.logpmf(counts, theta, theta / (theta + np.exp(log_mean)))
    logs = log_nb(*map(torch.from_numpy, (counts, log_mean, theta))).numpy()
    finite = np.isfinite(expected)  # scipy's is -inf where the probability is below 1e-308
    assert finite.mean() > 0.9
    np.testing.assert_allclose(
        (logs - log_factorial(counts))[finite], expected[finite], rtol=1e-6, atol=1e-6
    )


def test_log_gamma_and_digamma():
    counts, _, theta = grid()
    ratio, slope = zinb._log_gamma_ratio(counts, theta, 1.0)
    expected = torch.lgamma(counts + theta) - torch.lgamma(theta)
    torch.testing.assert_close(ratio, expected, rtol=0, atol=1e-6)
    expected = torch.digamma(counts + theta) - torch.digamma(theta)
    torch.testing.assert_close(slope, expected, rtol=1e-6, atol=1e-9)


def test_probabilities_sum_to_one():
    counts = torch.arange(20_000, dtype=torch.float64)
    for mean, theta, logit in [(3.0, 0.5, -1.0), (200.0, 5.0, 2.0), (0.01, 1e-3, 0.0)]:
        ones = torch.ones_like(counts)
        logs = log_zinb(counts, Zinb(math.log(mean) * ones, theta * ones, logit * ones))
        logs = logs.numpy() - log_factorial(counts.numpy())
        assert np.exp(logs).sum() == pytest.approx(1, abs=1e-5)


def test_the_mixture_is_the_formula():
    counts, log_mean, theta = grid()
    for pi in (0.01, 0.5, 0.99):
        logit = torch.full_like(theta, math.log(pi / (1 - pi)))
        probability = log_zinb(counts, Zinb(log_mean, theta, logit)).exp()
        nb = log_nb(counts, log_mean, theta).exp()
        expected = pi * (counts == 0) + (1 - pi) * nb
        torch.testing.assert_close(probability, expected, rtol=1e-6, atol=1e-12)


def test_the_posterior_of_a_zero_is_bayes_rule():
    _, log_mean, theta = grid()
    logit = torch.linspace(-3, 3, len(theta), dtype=torch.float64)
    posterior = torch.sigmoid(logit + zinb.evidence(Zinb(log_mean, theta, logit)))
    pi, zero = torch.sigmoid(logit), (theta / (theta + log_mean.exp())) ** theta
    torch.testing.assert_close(posterior, pi / (pi + (1 - pi) * zero), rtol=1e-6, atol=1e-9)


def test_loss_and_gradient_in_one_pass_are_those_of_autograd():
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        mine = loss_and_gradient(zinb.zinb_loss, *drawn(dtype=dtype))
        expected = loss_and_gradient(by_autograd, *drawn(dtype=dtype))
        for got, wanted in zip(mine, expected, strict=True):
            torch.testing.assert_close(got, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_finite_differences(loss):
    outputs, counts, log_size = drawn(3, 4, torch.float64)
    assert torch.autograd.gradcheck(
        lambda free: loss(free, counts, log_size), outputs, eps=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_and_gradients_are_finite_at_the_extremes(loss):
    """Counts, means, dispersions and pi at both ends, and outputs far beyond their bounds."""
    free = torch.tensor([-1e4, -100.0, -11.5, -1, 0, 1, 13.8, 100, 1e4])
    means, thetas, logits = torch.meshgrid(free, free, free, indexing="ij")
    outputs = torch.cat([values.reshape(1, -1) for values in (means, thetas, logits)], dim=1)
    for count in (0.0, 1.0, 1e6):
        counts = torch.full((1, free.numel() ** 3), count)
        for log_size in (-5.0, 0.0, 5.0):
            given = outputs, counts, torch.tensor([log_size])
            value, gradient = loss_and_gradient(loss, *given)
            assert torch.isfinite(value)
            assert torch.isfinite(gradient).all()


def test_nothing_learns_beyond_a_bound():
    outputs = torch.tensor([[-20.0, 20.0, -20.0, 2e4, 0.0, 0.0]])
    _, gradient = loss_and_gradient(zinb.zinb_loss, outputs, torch.ones(1, 2), torch.zeros(1))
    assert gradient[0, :4].tolist() == [0, 0, 0, 0]
    assert gradient[0, 4:].abs().min() > 0


def test_the_report_loss_is_the_formula_of_the_report():
    """Its code, with a mean for the sum, where it gives numbers."""
    eps = 1e-6
    outputs, x, log_size = drawn(dtype=torch.float64)
    log_mean, theta, logit = zinb.parameters(outputs, log_size)
    mean, pi = log_mean.exp(), torch.sigmoid(logit)
    nb = (
        torch.lgamma(x + theta + eps)
        - torch.lgamma(theta + eps)
        + theta * (torch.log(theta + eps) - torch.log(mean + theta + eps))
        + x * (torch.log(mean + eps) - torch.log(mean + theta + eps))
    )
    nb = torch.where(nb > 0, torch.zeros_like(nb), nb).exp()
    likelihood = torch.where(x < 1e-10, pi + (1 - pi) * nb + eps, (1 - pi) * nb + eps)
    expected = -torch.log(likelihood).mean()
    torch.testing.assert_close(
        zinb.report_loss(outputs, x, log_size), expected, rtol=1e-4, atol=1e-5
    )


def test_without_the_factorial_a_count_that_fits_teaches_nothing():
    """What is wrong with the report's first loss: at its best mean, log NB is cut at 0."""
    outputs = torch.tensor([[math.log(50.0), 2.0, -3.0]])
    given = outputs, torch.tensor([[50.0]]), torch.zeros(1)
    _, cut = loss_and_gradient(zinb.report_loss, *given)
    _, whole = loss_and_gradient(zinb.zinb_loss, *given)
    assert cut[0, 1] == 0
    assert whole[0, 1] != 0
