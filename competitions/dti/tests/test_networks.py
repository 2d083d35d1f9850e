"""Networks of pairs: what they see, that padding changes nothing, and what adapting looks at."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from podium.competitions.dti.metric import TARGET  # noqa: E402
from podium.competitions.dti.shared import drugban as shared  # noqa: E402
from podium.competitions.dti.shared.molecules import parse  # noqa: E402
from podium.competitions.dti.shared.networks import ANSWER  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402

from podium import api  # noqa: E402
from podium.competition import Part, defaults  # noqa: E402
from podium.data import dataset  # noqa: E402
from podium.learning import seeded  # noqa: E402

NAMES = ("two_tower", "drugban", "drugban_cdan")
MODELS = {name: import_module(f"podium.competitions.dti.models.{name}") for name in NAMES}
DRUGS = ("CCO", "c1ccccc1C(=O)NCC(F)(F)F", "C", "OC1CCN(CC1)S(=O)(=O)c1ccccc1", "[Na+].CC(=O)[O-]")
PROTEINS = ("MKTAYIAKQRQ", "MK", "ACDEFGHIKLMNPQRSTVWY" * 6, "GGGGGXUGGGGGGGGGG")


def build(name, seed=0, **changes):
    module = MODELS[name]
    return module.build({**defaults(module.PARAMETERS), **module.QUICK, **changes}, seed)


def pairs(drugs=DRUGS, proteins=PROTEINS, *, known=False):
    """Each drug with each protein, in two folds, every third pair binding."""
    features = pd.DataFrame(
        [(d, p) for d in drugs for p in proteins], columns=["smiles", "protein"]
    )
    count = len(features)
    return Part(
        name="train" if known else "test",
        ids=pd.Index([f"{known}/{row}" for row in range(count)]),
        features=features,
        targets=pd.DataFrame({TARGET: (np.arange(count) % 3 == 0).astype(float)})
        if known
        else None,
        folds=np.arange(count) % 2 if known else None,
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes(name):
    said = []
    for seed in (0, 0, 1):
        model = build(name, seed)
        model.fit(pairs(known=True))
        said.append(model.predict(pairs(proteins=PROTEINS[:2]))[TARGET].to_numpy())
    assert said[0].tobytes() == said[1].tobytes() != said[2].tobytes()
    assert ((said[0] > 0) & (said[0] < 1)).all()


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_finite_and_reach_every_weight(name):
    model, part = build(name), pairs(known=True)
    model.learn(DRUGS, PROTEINS)
    model.steps = 1
    rows = model.rows(part, np.ones(len(part), np.float32))
    own = {**rows.own, "to_predict": (torch.arange(len(part)) % 2).float()}
    with seeded(0):
        network = model.network().train()
        for batch in replace(rows, own=own).batches(len(part), torch.arange(len(part))):
            network.loss(network(batch), batch).total.backward()
    gradients = [weight.grad for weight in network.parameters()]
    assert all(torch.isfinite(one).all() for one in gradients)
    assert all(one.abs().sum() > 0 for one in gradients)


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_is_predicted_alike_alone_and_beside_larger_ones(name):
    model = build(name, epochs=3)
    model.fit(pairs(known=True))
    together = model.predict(pairs())
    if name == "drugban_cdan":  # what it is to predict changes it, so only its network is asked
        model.predict = super(type(model), model).predict
        together = model.predict(pairs())
    for row in range(0, len(together), 3):
        drug, protein = DRUGS[row // len(PROTEINS)], PROTEINS[row % len(PROTEINS)]
        alone = model.predict(pairs([drug], [protein]))[TARGET].item()
        assert alone == pytest.approx(together[TARGET][row], abs=1e-6)


@pytest.fixture
def network():
    with seeded(0):
        return build("drugban").network().eval()


def batch_of(drugs, proteins):
    rows = build("drugban").rows(pairs(drugs, proteins))
    return next(rows.batches(len(rows), torch.arange(len(rows))))


def test_padding_gives_no_atom_no_residue_and_no_map(network):
    graphs = shared.graphs(DRUGS, 64)
    counts = [3, 14, 1, 16, 5]
    assert (graphs[shared.ATOMS][..., 0] > 0).sum(dim=1).tolist() == counts
    state, there = network.atoms(*graphs.values())
    assert there.sum(dim=(1, 2)).tolist() == counts
    for row, count in enumerate(counts):
        assert (state[row, :count] != 0).any(dim=1).all()
        assert (state[row, count:] == 0).all()
        assert (network.of_drug.maps(state, there)[row, count:] == 0).all()
    state, there = network.residues(shared.letters(PROTEINS, 1200)["protein"])
    assert there.sum(dim=(1, 2)).tolist() == [3, 1, 30, 5]
    assert (state[0, 3:] == 0).all()


def test_bonds_are_symmetric_and_each_atom_is_its_own_neighbour_once():
    bonds = shared.graphs(["CCO", "C1CC1.C"], 64)[shared.BONDS]
    assert bonds[0].tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    assert bonds[1].tolist() == [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]]


def test_positions_follow_residues(network):
    """A change of residues changes what is at their place, and not what is far from them."""
    one, other = ("A" * 200, "A" * 100 + "W" * 8 + "A" * 92)
    state, _ = network.residues(shared.letters([one, other], 1200)["protein"])
    changed = (state[0] - state[1]).abs().sum(dim=1).nonzero()[:, 0]
    assert 18 <= changed.min() <= 25 <= changed.max() <= 33


def test_features_are_the_sums_over_the_attention_map(network):
    """The squares of each side give what the map of the paper gives, pair by pair."""
    for drug in DRUGS:
        for protein in PROTEINS:
            batch = batch_of([drug], [protein])
            u = network.of_drug.maps(*network.atoms(*batch.tables.values()))[0]
            v = network.of_protein.maps(*network.residues(batch.items["protein"]))[0]
            attention = network.attention(batch)[0]
            assert attention.shape == (len(u), len(v))
            each = torch.einsum("ik,ij,jk->k", u[:, :-1], attention, v[:, :-1]) / attention.numel()
            right = network.norm(each.unflatten(0, (-1, 3)).sum(dim=1)[None])[0]
            torch.testing.assert_close(network.features(batch)[0], right, rtol=1e-4, atol=1e-4)


def test_attention_is_on_real_atoms_and_positions_alone(network):
    batch = batch_of(DRUGS, PROTEINS)
    attention = network.attention(batch)
    part = pairs()
    for row, number in enumerate(batch.rows.tolist()):
        drug, protein = part.features.iloc[number]
        atoms, positions = len(parse(drug)), -(-len(protein) // shared.STRIDE)
        assert (attention[row, :atoms, :positions] != 0).all()
        assert attention[row].count_nonzero() == atoms * positions


def test_a_trained_model_has_a_map_of_each_pair():
    model = build("drugban", networks=2)
    model.fit(pairs(known=True))
    assert model.attention(DRUGS[0], PROTEINS[0]).shape == (3, 3)
    assert model.attention(DRUGS[3], PROTEINS[2]).shape == (16, 30)


def adversarial(**changes):
    """The network that adapts, in training, and a batch of which every second row is to predict."""
    model, part = build("drugban_cdan", warm_up=0.0, dropout=0.0, **changes), pairs(known=True)
    model.steps = 1
    rows = model.rows(part, part.targets[TARGET].to_numpy(np.float32))
    own = {**rows.own, "to_predict": (torch.arange(len(part)) % 2).float()}
    with seeded(0):
        network = model.network().train()
    network.reversal.done = 1  # its full strength
    return network, next(replace(rows, own=own).batches(len(part), torch.arange(len(part))))


def test_answers_of_pairs_to_predict_play_no_part():
    network, batch = adversarial()
    outputs = torch.randn(len(batch.rows), 2, generator=torch.Generator().manual_seed(0))
    to_predict, answer = batch.own["to_predict"], batch.own[ANSWER]
    value = network.loss(outputs, batch).total
    turned = {**batch.own, ANSWER: torch.where(to_predict > 0, 1 - answer, answer)}
    assert network.loss(outputs, batch._replace(own=turned)).total == value
    binds, domain = outputs.sigmoid().unbind(dim=1)
    of_answers = -torch.where(answer > 0, binds, 1 - binds).log()[to_predict == 0].mean()
    of_domains = -torch.where(to_predict > 0, domain, 1 - domain).log().mean()
    torch.testing.assert_close(value, of_answers + of_domains)


def test_features_are_pushed_to_let_the_discriminator_fail_and_the_decoder_is_not():
    gradients = []
    for adversary in (1.0, 0.5, 0.0):
        network, batch = adversarial(adversary=adversary)
        network(batch)[:, 1].sum().backward()
        assert not any(one.grad.any() for one in network.decoder.parameters())
        gradients.append(network.query.grad)
    torch.testing.assert_close(gradients[0], 2 * gradients[1])
    assert gradients[0].any()
    assert not gradients[2].any()


def test_rows_of_one_protein_come_in_portions():
    model = build("two_tower")
    part = pairs([f"C{'C' * n}" for n in range(20)], PROTEINS[:2])
    model.learn(list(part.features["smiles"]), PROTEINS[:2])
    rows = model.rows(part)
    assert rows.item.bincount().tolist() == [8, 8, 4, 8, 8, 4]
    of_row = rows.items["protein"][rows.item]
    for name in PROTEINS[:2]:
        mine = of_row[torch.tensor(list(part.features["protein"] == name))]
        assert (mine == mine[0]).all()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("two_tower", 0.74), ("drugban", 0.6)])
def test_networks_learn_the_simulated_pairs(name, least):
    """Trained with their own settings, and asked of a fold; the rates of both sides have .73."""
    train = dataset.load(*api.load("dti")).train()
    held = train.folds == 0
    module = MODELS[name]
    model = module.build(defaults(module.PARAMETERS), 0)
    model.fit(train.take(~held))
    said = model.predict(train.take(held).without_answers())[TARGET]
    assert roc_auc_score(train.targets[TARGET][held], said) > least
