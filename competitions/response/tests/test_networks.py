"""The separation network, gradual unfreezing, and what networks of lines learn from."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from podium.competitions.response.models.code_ae import Responder  # noqa: E402
from podium.competitions.response.shared.networks import (  # noqa: E402
    ANSWERS,
    KNOWN,
    TARGET,
    error,
)
from podium.competitions.response.shared.separation import (  # noqa: E402
    VARIANTS,
    SeparationNetwork,
)

from podium.learning import INPUTS, Batch, seeded  # noqa: E402

GENES, LATENT, NARROW = 12, 4, 3


def rows(count=20, targets=8):
    inputs = torch.randn(count, GENES, generator=torch.Generator().manual_seed(0))
    return {INPUTS: inputs, TARGET: (torch.arange(count) < targets).float()}


def network(variant="base", **options):
    with seeded(0):
        return SeparationNetwork(GENES, [8], LATENT, NARROW, variant, **options)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("targets", [0, 8, 20])
def test_losses_are_finite_and_so_are_gradients(variant, targets):
    """A batch may have rows of one domain alone."""
    made = network(variant)
    losses = made.loss(rows(targets=targets))
    losses.total.backward()
    gradients = [w.grad for w in made.parameters() if w.grad is not None]
    assert gradients
    assert all(torch.isfinite(one).all() for one in gradients)
    more = {"mmd": {"discrepancy"}, "adv": {"criticism"}}.get(variant, set())
    expected = {"reconstruction", "orthogonality"} | (more if targets == 8 else set())
    assert set(losses.parts) == expected


def test_codes_have_one_length_and_the_right_encoder():
    made, given = network(), rows()
    code = made.encode(given[INPUTS])
    torch.testing.assert_close(code.norm(dim=1), torch.full((20,), LATENT**0.5))
    own = made.encode_own(given[INPUTS], given[TARGET])
    other = made.encode_own(given[INPUTS], 1 - given[TARGET])
    assert not torch.isclose(own, other).all(dim=1).any()
    assert made.generate(given[INPUTS][:1]).shape == (1, GENES)


def test_orthogonality_is_the_mean_square_of_crossed_codes():
    made, given = network(apart=2.0), rows()
    shared = made.encode(given[INPUTS]) / LATENT**0.5
    own = made.encode_own(given[INPUTS], given[TARGET]) / NARROW**0.5
    target = given[TARGET] > 0.5
    by_hand = sum(((shared[some].T @ own[some]) ** 2).mean() for some in (target, ~target))
    torch.testing.assert_close(made.loss(given).parts["orthogonality"], 2.0 * by_hand)


def test_layers_are_unfrozen_from_the_deepest():
    responder = Responder(network(), (GENES, LATENT, 3), beside=False)
    counts = []
    for layers in range(3):
        responder.unfreeze(layers)
        learns = [w.requires_grad for w in responder.network.shared.parameters()]
        counts.append(learns)
        assert all(weight.requires_grad for weight in responder.head.parameters())
        assert not any(w.requires_grad for w in responder.network.decoder.parameters())
    assert counts == [[False] * 4, [False, False, True, True], [True] * 4]


def test_critic_and_encoders_take_turns():
    """After the warm-up the encoders learn at one step of five, and the critic at the others."""
    made, given = network("adv", warm_up=2), rows()
    learn = []
    for _ in range(9):
        made.zero_grad(set_to_none=True)
        losses = made.loss(given)
        losses.total.backward()
        own, critics = (
            any(weight.grad is not None for weight in part.parameters())
            for part in (made.shared, made.critic)
        )
        assert own != critics
        learn.append("critic" if critics else "encoders")
        assert ("critic" in losses.parts) == critics
        assert ("criticism" in losses.parts) == (own and len(learn) > 2)
    assert learn == ["encoders"] * 3 + ["critic"] * 4 + ["encoders", "critic"]
    made.eval()
    assert set(made.loss(given).parts) == {"reconstruction", "orthogonality", "criticism"}


def test_genes_beside_the_code_have_half_of_the_say():
    responder = Responder(network(), (GENES, LATENT, 3), beside=True)
    genes = torch.nn.functional.normalize(rows()[INPUTS]) * GENES**0.5
    features = responder.features(genes)
    assert features.shape == (20, LATENT + GENES)
    code, beside = features.split([LATENT, GENES], dim=1)
    torch.testing.assert_close(code.norm(dim=1), beside.norm(dim=1))


def test_only_what_is_known_counts():
    said = torch.tensor([[1.0, 5.0], [2.0, 2.0]])
    known = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    batch = Batch({}, torch.arange(2), {ANSWERS: torch.zeros(2, 2), KNOWN: known}, torch.arange(2))
    assert error(said, batch).item() == pytest.approx((1 + 4) / 2)
    nothing = batch._replace(own={ANSWERS: torch.zeros(2, 2), KNOWN: torch.zeros(2, 2)})
    assert error(said, nothing).item() == 0.0
    assert np.isfinite(error(said, nothing).item())
