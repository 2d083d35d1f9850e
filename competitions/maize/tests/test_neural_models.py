import json
import pickle
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from podium.competition import defaults
from podium.competition.part import Part
from podium.competition.sequences import Sequences
from podium.errors import ModelError
from suites import space

torch = pytest.importorskip("torch")

from podium.competitions.maize.metric import TARGET  # noqa: E402
from podium.competitions.maize.shared import tensors  # noqa: E402
from podium.competitions.maize.shared.features import RHO  # noqa: E402
from podium.competitions.maize.shared.network import Convolution, Dropout, Norm  # noqa: E402

from podium.learning import Rows, has_bf16, seeded  # noqa: E402
from suites import mostly_slow  # noqa: E402

NAMES = ("basenji", "basenji_small")
ALL = (*NAMES, "motif_net")
"""`motif_net` holds no rows out: what is told of these is not its."""
MOTIF = np.array([3, 0, 3, 0, 0, 0, 3])
"""TATAAAT."""


def model(name: str) -> ModuleType:
    return import_module(f"podium.competitions.maize.models.{name}")


def invented(
    rows: int = 200, length: int = 48, seed: int = 0, assay: str = "leaf", extra: Part | None = None
) -> Part:
    """Random DNA; half of it has a motif near the middle, and that alone is what tells."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (rows, length)).astype(np.uint8)
    there = rng.random(rows) < 0.5
    if length >= 2 * len(MOTIF):
        codes[there, length // 2 : length // 2 + len(MOTIF)] = MOTIF
    ids = [f"{assay}{row}" for row in range(rows)]
    return Part(
        name="train",
        ids=pd.Index(ids),
        features=pd.DataFrame({"species": "maize", "assay": assay}, index=range(rows)),
        sequences=Sequences(codes),
        targets=pd.DataFrame({TARGET: 5 + 2 * there + rng.normal(0, 0.3, rows)}),
        folds=np.arange(rows) % 5,
        groups=pd.DataFrame({"family": [f"f{row // 2}" for row in range(rows)]}),
        extra=extra,
    )


def fitted(name: str, train: Part, *, seed: int = 0, report: Any = None, **changes: Any) -> Any:
    module = model(name)
    params = {**defaults(module.PARAMETERS), **module.QUICK, "device": "cpu", **changes}
    built = module.build(params, seed)
    built.fit(train, report)
    return built


def correlation(predicted: pd.DataFrame, part: Part) -> float:
    return float(np.corrcoef(predicted[TARGET], part.targets[TARGET])[0, 1])


@pytest.mark.slow
@pytest.mark.parametrize("name", mostly_slow(NAMES, 0))
def test_learns_a_motif_and_keeps_ids(name: str) -> None:
    test = invented(100, seed=1)
    built = fitted(name, invented(600, extra=invented(seed=2, assay="proto")))
    predicted = built.predict(test.without_answers())
    assert predicted["id"].tolist() == list(test.ids)
    assert correlation(predicted, test) > 0.7
    assert abs(predicted[TARGET].mean() - 6) < 0.5


@pytest.mark.parametrize("name", ALL)
def test_same_seed_same_bytes_and_survives_pickling(name: str) -> None:
    train, test = invented(60), invented(20, seed=1).without_answers()
    built, again, other = (fitted(name, train, seed=seed, epochs=2) for seed in (0, 0, 1))
    first = built.predict(test)
    assert first.equals(again.predict(test))
    assert first.equals(pickle.loads(pickle.dumps(built)).predict(test))  # noqa: S301
    assert not first.equals(other.predict(test))


@pytest.mark.parametrize("name", NAMES)
def test_the_progress_bar_gets_both_losses_and_pearson(name: str) -> None:
    told = []
    fitted(name, invented(80), epochs=2, report=lambda step, value, **others: told.append(others))
    assert [set(others) for others in told] == [{"training", "pearson"}] * 2
    assert all(-1 <= others["pearson"] <= 1 for others in told)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("rows", [1, 2, 33])
def test_few_rows_are_enough(name: str, rows: int) -> None:
    built = fitted(name, invented(rows), epochs=1, batch=32)
    predicted = built.predict(invented(1, seed=1).without_answers())
    assert np.isfinite(predicted[TARGET]).all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("length", [1, 5, 170, 1000])
def test_any_length_does(name: str, length: int) -> None:
    part = invented(12, length)
    assert len(fitted(name, part, epochs=1).predict(part.without_answers())) == 12


@pytest.mark.parametrize("name", ALL)
def test_another_length_than_that_of_train_is_refused(name: str) -> None:
    built = fitted(name, invented(12), epochs=1)
    with pytest.raises(ModelError, match="60 bases, those of train 48"):
        built.predict(invented(3, 60).without_answers())


@pytest.mark.parametrize("name", ALL)
def test_n_is_no_base(name: str) -> None:
    train = invented(40)
    train.sequences.codes[:, ::3] = 4
    part = invented(3)
    part.sequences.codes[:] = 4
    predicted = fitted(name, train, epochs=1).predict(part.without_answers())[TARGET]
    assert np.isfinite(predicted).all()
    assert np.ptp(predicted) == 0


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_never_varies_is_predicted(name: str) -> None:
    train = invented(20)
    train.targets[TARGET] = 3.0
    told = []
    built = fitted(name, train, epochs=1, report=lambda *_, **others: told.append(others))
    assert "pearson" not in told[0]
    assert np.isfinite(built.predict(train.without_answers())[TARGET]).all()


@pytest.mark.parametrize("name", ALL)
def test_predictions_do_not_depend_on_the_batch(name: str) -> None:
    built = fitted(name, invented(40), epochs=1)
    part = invented(30, seed=1).without_answers()
    alone = built.predict(part.take(np.array([7])))[TARGET]
    assert alone[0] == pytest.approx(built.predict(part)[TARGET][7], rel=1e-4)


@pytest.mark.slow
def test_extra_rows_help_and_can_be_left_out() -> None:
    train = invented(24, extra=invented(300, seed=2, assay="proto"))
    test = invented(200, seed=1)
    with_extra, without = (
        correlation(fitted("basenji_small", train, extra=extra).predict(test), test)
        for extra in (True, False)
    )
    assert with_extra > without + 0.1


def test_both_strands_give_the_same() -> None:
    built = fitted("basenji_small", invented(40), epochs=1, both_strands=True)
    part = invented(10, seed=1).without_answers()
    turned = Part(
        name="test",
        ids=part.ids,
        features=part.features,
        sequences=part.sequences.reverse_complement(),
    )
    assert np.allclose(built.predict(part)[TARGET], built.predict(turned)[TARGET], atol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_search_space_draws_known_parameters(name: str) -> None:
    class Lowest:
        def suggest_int(self, name: str, low: int, high: int, **_: Any) -> int:
            return low

        def suggest_float(self, name: str, low: float, high: float, **_: Any) -> float:
            return low

    module = model(name)
    assert set(space(module, Lowest())) <= set(defaults(module.PARAMETERS))
    assert set(module.QUICK) <= set(defaults(module.PARAMETERS))
    json.dumps(defaults(module.PARAMETERS))


def test_one_hot() -> None:
    codes = torch.tensor([[0, 1, 2, 3, 4]], dtype=torch.uint8)
    hot = tensors.one_hot(codes)
    assert torch.equal(hot[0, :, 0], torch.eye(4, 5))
    assert hot.is_contiguous(memory_format=torch.channels_last)


def test_shifted_moves_and_fills_with_n() -> None:
    codes = torch.arange(6, dtype=torch.uint8).clamp(max=3).repeat(50, 1)
    with seeded(0):
        moved = tensors.shifted(codes, 2)
    kinds = {tuple(row) for row in moved.tolist()}
    assert (0, 1, 2, 3, 3, 3) in kinds
    assert (4, 4, 0, 1, 2, 3) in kinds
    assert (2, 3, 3, 3, 4, 4) in kinds
    assert len(kinds) == 5


def test_mutated_changes_about_the_share() -> None:
    codes = torch.zeros(100, 100, dtype=torch.uint8)
    with seeded(0):
        changed = tensors.mutated(codes, 0.2) != codes
    assert changed.float().mean() == pytest.approx(0.15, abs=0.02)


def test_the_reverse_complement_of_n_is_n() -> None:
    codes = torch.tensor([[0, 1, 4]], dtype=torch.uint8)
    assert tensors.reverse_complement(codes).tolist() == [[4, 2, 3]]


def test_dropout_keeps_the_mean_and_drops_the_share() -> None:
    layer = Dropout(0.25)
    ones = torch.ones(8, 5, 1, 501).contiguous(memory_format=torch.channels_last)
    with seeded(0):
        dropped = layer(ones)
    assert dropped.mean() == pytest.approx(1.0, abs=0.03)
    assert (dropped == 0).float().mean() == pytest.approx(0.25, abs=0.02)
    assert torch.equal(layer.eval()(ones), ones)


def test_a_convolution_of_a_single_place_is_the_same() -> None:
    layer = Convolution(3, 5, 3, dilation=4)
    place = torch.randn(7, 3, 1, 1)
    assert torch.allclose(layer(place), torch.nn.Conv2d.forward(layer, place), atol=1e-6)


def test_norm_takes_a_single_value() -> None:
    layer = Norm(3)
    assert torch.allclose(layer(torch.full((1, 3, 1, 1), 2.0)), torch.full((1, 3, 1, 1), 2.0))
    assert torch.allclose(layer(torch.tensor([1.0, 3.0]).repeat(1, 3, 1, 1)).mean(), torch.zeros(1))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_bf16_scores_like_float32(name: str) -> None:
    if not has_bf16(torch.device("cpu")):
        pytest.skip("no bfloat16 here")
    train, test = invented(600), invented(300, seed=1)
    correlations = [
        correlation(fitted(name, train, bf16=bf16).predict(test), test) for bf16 in (True, False)
    ]
    assert correlations[0] == pytest.approx(correlations[1], abs=0.05)


def test_the_loss_is_that_of_a_random_intercept_by_family() -> None:
    rng = np.random.default_rng(0)
    error, family = rng.normal(size=7), np.array(["a", "b", "a", "c", "b", "a", "d"])
    same = family[:, None] == family
    rows = tensors.by_family(
        Rows(
            items={},
            item=torch.arange(7),
            own={"answer": torch.zeros(7), "number": torch.arange(7)},
        ),
        family,
    )
    [batch] = rows.batches(7, torch.arange(7))
    output = torch.from_numpy(error)[batch.own["number"]][:, None]
    dense = error @ np.linalg.inv(np.eye(7) + RHO * same) @ error / 7
    assert float(tensors.family_loss(output, batch)) == pytest.approx(dense, rel=1e-5)


def test_batches_keep_families_together() -> None:
    family = np.array([f"f{row // 4}" for row in range(40)])
    rows = tensors.by_family(
        Rows(items={}, item=torch.arange(40), own={"answer": torch.zeros(40)}), family
    )
    generator = torch.Generator().manual_seed(0)
    for batch in rows.batches(8, torch.arange(40), generator):
        assert len(np.unique(family[batch.rows])) == 2


def planted(seed: int) -> Part:
    """Half of the rows have a word near the middle, on either strand, which alone tells."""
    part, rng = invented(400, 120, seed), np.random.default_rng(seed + 10)
    word = np.array([2, 3, 1, 0, 1, 2, 3, 0], dtype=np.uint8)
    there, flip = rng.random(400) < 0.5, rng.random(400) < 0.5
    part.sequences.codes[:, 52:68] = rng.integers(0, 4, (400, 16))
    for row in np.flatnonzero(there):
        part.sequences.codes[row, 56:64] = 3 - word[::-1] if flip[row] else word
    part.targets[TARGET] = 5 + 2 * there + rng.normal(0, 0.3, 400)
    return part


def test_a_network_begins_with_the_motifs_of_the_scan() -> None:
    train, test = planted(0), planted(1)
    built = fitted("motif_net", train, epochs=1, learning_rate=1e-9)
    assert [motif.word.both for motif in built.motifs] == [True]
    assert correlation(built.predict(test.without_answers()), test) > 0.9


def test_no_motif_is_said_and_leaves_composition(caplog: pytest.LogCaptureFixture) -> None:
    train = invented(30)
    built = fitted("motif_net", train, epochs=1)
    assert built.motifs == []
    assert "No word of train goes with expression" in caplog.text
    assert np.isfinite(built.predict(train.without_answers())[TARGET]).all()


def test_a_model_that_is_fitted_again_has_forgotten_the_first() -> None:
    once, twice = (fitted("motif_net", invented(30), epochs=1) for _ in range(2))
    twice.fit(invented(30))
    assert len(twice.networks) == len(once.networks) == 1
    test = invented(5, seed=1).without_answers()
    assert once.predict(test).equals(twice.predict(test))


@pytest.mark.parametrize("letters", ["TTGACC", "GTCACGTA"])
def test_a_filter_turned_is_that_of_the_other_strand(letters: str) -> None:
    def of(letters: str) -> Any:
        word = import_module("podium.competitions.maize.shared.sites").Word(letters, 0, 1, True, 9)
        return model("motif_net")._bits(word)

    turned = letters[::-1].translate(str.maketrans("ACGT", "TGCA"))
    assert torch.equal(of(letters).flip(0, 1), of(turned))


@pytest.mark.parametrize(("letters", "there"), [("GTCACGTA", 0.88), ("GTCACGTT", 0.12)])
def test_a_network_says_whether_a_word_is_there_before_it_is_trained(
    letters: str, there: float
) -> None:
    sites = import_module("podium.competitions.maize.shared.sites")
    module = model("motif_net")
    word = sites.Word("GTCACGTA", 0, 100, both=True, z=9.0)
    motif = sites.Motif(word, module._bits(word).numpy())
    network = module.Network({"hidden": 1}, [motif], length=100, plain=1)
    codes = torch.full((2, 100), 4, dtype=torch.uint8)
    forward = torch.tensor(["ACGT".index(letter) for letter in letters], dtype=torch.uint8)
    codes[0, 40:48], codes[1, 40:48] = forward, 3 - forward.flip(0)
    own = {"codes": codes, "plain": torch.zeros(2, 1)}
    batch = next(Rows(items={}, item=torch.arange(2), own=own).batches(2, torch.arange(2)))
    assert network.features(batch)[:, 0].tolist() == pytest.approx([there] * 2, abs=0.02)
