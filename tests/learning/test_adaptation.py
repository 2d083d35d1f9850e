"""What makes domains alike: gradients by hand and by finite differences, distances by hand."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from podium.learning import (  # noqa: E402
    DomainDiscriminator,
    GradientReversal,
    coral,
    critic_loss,
    mmd,
    ramp,
    seeded,
)


def rows(count=9, columns=4, seed=0, shift=0.0):
    with seeded(seed):
        return torch.randn(count, columns, dtype=torch.float64) + shift


def test_the_ramp_is_that_of_the_paper():
    for progress in (0.0, 0.1, 0.5, 1.0):
        assert ramp(progress) == pytest.approx(2 / (1 + math.exp(-10 * progress)) - 1)
    assert ramp(0.5, steepness=2.0) == pytest.approx(2 / (1 + math.exp(-1)) - 1)


def test_a_reversed_gradient_is_the_gradient_times_minus_the_strength():
    inputs = rows().requires_grad_()
    reversal = GradientReversal(steps=10, highest=0.3)
    for done in range(12):
        inputs.grad = None
        outputs = reversal(inputs)
        assert torch.equal(outputs, inputs)
        outputs.square().sum().backward()
        strength = 0.3 * ramp(min(done / 10, 1.0))
        torch.testing.assert_close(inputs.grad, -strength * 2 * inputs.detach())


def test_nothing_comes_back_before_the_warm_up_is_over():
    reversal = GradientReversal(steps=10, warm_up=0.4)
    strengths = []
    for _ in range(11):
        strengths.append(reversal.strength)
        reversal(rows())
    assert strengths[:5] == [0.0] * 5
    assert strengths[7] == pytest.approx(ramp(0.5))
    assert strengths[10] == pytest.approx(ramp(1.0))


def test_only_training_counts():
    reversal = GradientReversal(steps=10).eval()
    for _ in range(5):
        reversal(rows())
    assert reversal.strength == 0.0


def test_a_discriminator_learns_while_features_let_it_fail():
    """With a reversal, one step down the loss makes the same features harder to tell apart."""
    domain = torch.tensor([0.0, 1.0]).repeat(50)
    with seeded(0):
        features = (torch.randn(100, 3) + 2 * domain[:, None]).requires_grad_()
        discriminator = DomainDiscriminator(3, (8,))
        reversal = GradientReversal(steps=1)
    reversal(features)  # the ramp's end
    optimizer = torch.optim.Adam(discriminator.parameters(), 0.05)

    def loss():
        return functional.binary_cross_entropy_with_logits(
            discriminator(reversal(features)), domain
        )

    before = loss().item()
    for _ in range(40):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    learnt = loss()
    assert learnt.item() < 0.5 * before
    features.grad = None
    learnt.backward()
    with torch.no_grad():
        features -= 50 * features.grad
    assert loss().item() > learnt.item()


@pytest.mark.parametrize("hidden", [(), (8,), (16, 8)])
def test_a_discriminator_gives_a_logit_a_row(hidden):
    for count in (1, 7):
        assert DomainDiscriminator(4, hidden, dropout=0.5)(rows(count).float()).shape == (count,)


def test_a_critics_loss_by_hand():
    """A linear critic has one gradient everywhere: its weights."""
    critic = DomainDiscriminator(4, ()).double()
    weights = next(critic.parameters()).detach()[0]
    source, target = rows(9), rows(5, seed=1, shift=0.5)
    gap = ((target.mean(dim=0) - source.mean(dim=0)) @ weights).item()
    expected = gap + 3.0 * (weights.norm().item() - 1) ** 2
    assert critic_loss(critic, source, target, 3.0).item() == pytest.approx(expected)


def test_a_critic_nears_the_distance_of_two_sets():
    """A set moved by 4: slope s brings down -4 s + 10 (s - 1)^2, best at 1.2."""
    source = rows(32).float()
    target = source + torch.tensor([4.0, 0.0, 0.0, 0.0])
    with seeded(0):
        critic = DomainDiscriminator(4, (16,))
        optimizer = torch.optim.Adam(critic.parameters(), 0.02)
        for _ in range(150):
            optimizer.zero_grad()
            critic_loss(critic, source, target).backward()
            optimizer.step()
    gap = critic(source).mean() - critic(target).mean()
    assert gap.item() == pytest.approx(1.2 * 4, abs=0.1)


def test_mmd_by_hand():
    source, target = rows(5), rows(3, seed=1, shift=0.5)
    together = torch.cat([source, target]).numpy()
    squares = ((together[:, None] - together) ** 2).sum(axis=2)
    upper = np.sort(squares[np.triu_indices(8, 1)])
    median = upper[(len(upper) - 1) // 2]
    kernel = np.mean([np.exp(-squares / (s * median)) for s in (0.25, 0.5, 1, 2, 4)], axis=0)
    expected = kernel[:5, :5].mean() + kernel[5:, 5:].mean() - 2 * kernel[:5, 5:].mean()
    assert mmd(source, target).item() == pytest.approx(expected, rel=1e-9)


def test_coral_by_hand():
    source, target = rows(5), rows(7, seed=1)
    difference = np.cov(source.numpy().T) - np.cov(target.numpy().T)
    expected = (difference**2).sum() / (4 * 4**2)
    assert coral(source, target).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("distance", [mmd, coral])
def test_a_distance_is_0_for_equal_sets_and_grows(distance):
    source = rows(200)
    assert distance(source, source).item() == pytest.approx(0, abs=1e-12)
    near, far = (distance(source, factor * rows(200, seed=1)) for factor in (1.0, 3.0))
    assert 0 < near < far


@pytest.mark.parametrize("distance", [mmd, coral])
def test_gradients_of_a_distance_are_those_of_finite_differences(distance, monkeypatch):
    """The median is held still: its gradient is left out on purpose."""
    source, target = rows(4).requires_grad_(), rows(3, seed=1, shift=0.2)
    if distance is mmd:
        median = torch.Tensor.median
        still = median(torch.cdist(torch.cat([source, target]), target).detach() ** 2)
        monkeypatch.setattr(torch.Tensor, "median", lambda _: still)
    assert torch.autograd.gradcheck(lambda x: distance(x, target), (source,))


@pytest.mark.parametrize("distance", [mmd, coral])
def test_odd_sets_have_finite_gradients(distance):
    equal = torch.ones(4, 3)
    for source, target in (
        (rows(1).float(), rows(1, seed=1).float()),
        (equal, equal.clone()),
        (torch.cat([equal, equal]), 5 + equal),
    ):
        inputs = source.clone().requires_grad_()
        value = distance(inputs, target)
        value.backward()
        assert torch.isfinite(value)
        assert torch.isfinite(inputs.grad).all()


@pytest.mark.parametrize("distance", [mmd, coral])
def test_distances_are_precise_under_bf16(distance):
    source, target = rows(30).float(), rows(30, seed=1).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = distance(source, target).item()
    assert rounded == pytest.approx(distance(source, target).item(), rel=1e-6)
