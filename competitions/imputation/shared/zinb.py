"""The zero-inflated negative binomial: likelihoods, stable and fast, and what a zero says.

A count is a dropout (0) with probability `pi`, else negative binomial with mean `mu` and inverse
dispersion `theta` (variance mu + mu^2 / theta):

    NB(x)   = Gamma(x + theta) / (Gamma(theta) x!) (theta / t)^theta (mu / t)^x,  t = theta + mu
    ZINB(x) = pi [x = 0] + (1 - pi) NB(x)

(Eraslan et al. 2019, doi:10.1038/s41467-018-07931-2). All is in logarithms: `mu` comes as its
logarithm, `pi` as its logit, `log(theta / t)` is `-log1p(mu / theta)`, and the sum for a zero is a
`logaddexp`. Ratios of gamma functions come by Stirling's series, with their derivative: the
digamma function of torch alone would take longer than all else in a step.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

MEAN, DISPERSION = (1e-5, 1e6), (1e-4, 1e4)
"""Bounds of the mean of a cell of typical depth, and of theta (as in the authors' code)."""

LOG_MEAN = math.log(MEAN[0]), math.log(MEAN[1])

FLOOR = 1e-6
"""What the course report adds to each probability before its logarithm."""


class Zinb(NamedTuple):
    """Parameters of each count [rows, genes].

    Attributes:
        log_mean: Of the negative binomial.
        theta: Its inverse dispersion.
        logit: log(pi / (1 - pi)).
    """

    log_mean: Tensor
    theta: Tensor
    logit: Tensor


def parameters(outputs: Tensor, log_size: Tensor) -> Zinb:
    """Parameters from what a network gives without bounds.

    Args:
        outputs: Log mean at the typical depth, dispersion, logit, side by side [rows, 3 x genes].
        log_size: Logarithms of the size factors [rows].
    """
    log_mean, theta, logit = _bounded(outputs)
    return Zinb(log_mean + log_size[:, None], theta, logit)


def _bounded(outputs: Tensor) -> Zinb:
    """Parameters of cells of typical depth."""
    log_mean, dispersion, logit = outputs.chunk(3, dim=1)
    return Zinb(
        log_mean.clamp(*LOG_MEAN), functional.softplus(dispersion).clamp(*DISPERSION), logit
    )


def log_nb(counts: Tensor, log_mean: Tensor, theta: Tensor) -> Tensor:
    """Logarithm of NB, without its term -log x!, which no parameter changes."""
    log_total = torch.log(theta + log_mean.exp())
    ratio: Tensor = _LogGammaRatio.apply(counts, theta)  # type: ignore[no-untyped-call]
    return ratio + log_nb_zero(log_mean, theta) + counts * (log_mean - log_total)


def log_nb_zero(log_mean: Tensor, theta: Tensor) -> Tensor:
    """Logarithm of NB(0)."""
    return -theta * torch.log1p(log_mean.exp() / theta)


def log_zinb(counts: Tensor, zinb: Zinb) -> Tensor:
    """Logarithm of ZINB, without the term -log x! where the count is not 0."""
    log_mean, theta, logit = zinb
    nb = log_nb(counts, log_mean, theta)
    return torch.where(counts == 0, torch.logaddexp(logit, nb), nb) - functional.softplus(logit)


def log_factorial(counts: Any) -> Any:
    """Logarithm of x! of counts (NumPy), in double precision."""
    from scipy.special import gammaln

    return gammaln(counts.astype("float64") + 1)


def evidence(zinb: Zinb) -> Tensor:
    """What a zero adds to the log odds, `logit`, of a dropout: -log NB(0), the Bayes factor.

    Their sum is the posterior: pi against (1 - pi) NB(0).
    """
    return -log_nb_zero(zinb.log_mean, zinb.theta)


def zinb_loss(outputs: Tensor, counts: Tensor, log_size: Tensor) -> Tensor:
    """Mean negative logarithm of ZINB, without the term log x!, and its gradient in one pass.

    Equal to `-log_zinb(counts, parameters(outputs, log_size)).mean()`.

    Args:
        outputs: See `parameters` [rows, 3 x genes].
        counts: [rows, genes].
        log_size: [rows].
    """
    loss: Tensor = _ZinbLoss.apply(outputs, counts, log_size)  # type: ignore[no-untyped-call]
    return loss


def report_loss(outputs: Tensor, counts: Tensor, log_size: Tensor) -> Tensor:
    """The course report's first loss: x! is missing and log NB is cut at 0.

    Without x!, `log NB` of all but small counts is above 0; cut there, it has no gradient, so mean
    and dispersion learn from small counts and misfits alone. Where NB is far below 1e-6, that
    floor takes the gradient too. Kept from the report: these three. Not kept: infinite and NaN
    parameters, replaced after the fact (here they are bounded, see `parameters`), and the sum over
    a batch (here the mean: the gradient is cut to a norm, which must not depend on the genes).
    """
    log_mean, theta, logit = parameters(outputs, log_size)
    nb = log_nb(counts, log_mean, theta).clamp(max=0)
    inflated = torch.where(counts == 0, torch.logaddexp(logit, nb), nb)
    log_likelihood = inflated - functional.softplus(logit)
    return -torch.logaddexp(log_likelihood, log_likelihood.new_tensor(math.log(FLOOR))).mean()


class _ZinbLoss(torch.autograd.Function):
    """`zinb_loss`: what loss and gradient share is computed once, much of it in place."""

    @staticmethod
    def forward(ctx: Any, outputs: Tensor, counts: Tensor, log_size: Tensor) -> Tensor:
        typical, theta, logit = _bounded(outputs)
        log_mean = typical + log_size[:, None]
        mean = log_mean.exp()
        total = theta + mean
        ratio, slope = _log_gamma_ratio(counts, theta, total)
        log_share = (mean / theta).log1p_()
        against = theta * log_share
        odds = logit + against
        is_zero = 1 - counts.sign()
        log_likelihood = log_mean.mul_(counts).add_(ratio).sub_(against)
        log_likelihood += functional.softplus(odds).mul_(is_zero)
        log_likelihood -= functional.softplus(logit)
        if ctx.needs_input_grad[0]:
            dropout = odds.sigmoid_().mul_(is_zero)
            not_dropout = 1 - dropout
            surplus = mean.sub_(counts).div_(total)
            by_theta = log_share.sub_(surplus).sub_(slope).mul_(not_dropout)
            by_mean = surplus.mul_(theta).mul_(not_dropout)
            slopes = torch.empty_like(outputs)
            for_mean, for_theta, for_logit = slopes.chunk(3, dim=1)
            for_mean.copy_(_within(by_mean, typical, *LOG_MEAN))
            _, free_theta, _ = outputs.chunk(3, dim=1)
            torch.mul(_within(by_theta, theta, *DISPERSION), free_theta.sigmoid(), out=for_theta)
            torch.sub(logit.sigmoid(), dropout, out=for_logit)
            ctx.save_for_backward(slopes)
        return -log_likelihood.mean()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (slopes,) = ctx.saved_tensors
        return slopes * (3 * grads[0] / slopes.numel()), None, None


def _within(slopes: Tensor, bounded: Tensor, low: float, high: float) -> Tensor:
    """Slopes through a clamp, from its output: 0 at a bound."""
    gradient: Tensor = torch.ops.aten.hardtanh_backward(slopes, bounded, low, high)
    return gradient


class _LogGammaRatio(torch.autograd.Function):
    """log Gamma(x + theta) - log Gamma(theta), differentiable in theta."""

    @staticmethod
    def forward(ctx: Any, counts: Tensor, theta: Tensor) -> Tensor:
        ratio, slope = _log_gamma_ratio(counts, theta, 1.0)
        ctx.save_for_backward(slope)
        return ratio

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor]:
        (slope,) = ctx.saved_tensors
        return None, slope * grads[0]


def _log_gamma_ratio(counts: Tensor, theta: Tensor, total: Tensor | float) -> tuple[Tensor, Tensor]:
    """Give log Gamma(x + theta) - log Gamma(theta) - x log t, and its derivative by theta (not t).

    Stirling's series of both at z + 4, taken together so that nothing large cancels, and from
    there down by Gamma(z + 4) = z (z + 1) (z + 2) (z + 3) Gamma(z). The error is below 1e-6.
    """
    above = theta + counts
    near, far = _stirling(theta), _stirling(above)
    step = (counts / (theta + 4)).log1p_()
    ratio = above.add_(4).div_(total).log_().sub_(1).mul_(counts)
    ratio += (theta + 3.5).mul_(step)
    ratio += near.product.div_(far.product).log_()
    ratio += far.rest.sub_(near.rest)
    return ratio, step.add_(near.half_slope.sub_(far.half_slope), alpha=2)


class _Stirling(NamedTuple):
    """What turns `(z + 3.5) log(z + 4) - z - 4 + log(2 pi) / 2` into log Gamma(z).

    Attributes:
        product: z (z + 1) (z + 2) (z + 3): its logarithm is to be taken off.
        rest: To be added.
        half_slope: Half of what is to be taken off log(z + 4) to give digamma(z).
    """

    product: Tensor
    rest: Tensor
    half_slope: Tensor


def _stirling(z: Tensor) -> _Stirling:
    outer = (z + 3).mul_(z)
    inner = outer + 2
    product = outer * inner
    half_slope = outer.add_(inner).mul_(z + 1.5).div_(product)
    inverse = (z + 4).reciprocal_()
    square = inverse * inverse
    half_slope.add_(inverse, alpha=0.25)
    rest = (square * (-1 / 360)).add_(1 / 12).mul_(inverse)
    half_slope += (square * (-1 / 240)).add_(1 / 24).mul_(square)
    return _Stirling(product, rest, half_slope)
