"""Models of tables, on invented promoters whose strength is known."""

from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pytest
from podium.competitions.maize.metric import TARGET
from podium.competitions.maize.shared.features import SPECIES

from podium.competition import defaults
from podium.competition.part import Part
from podium.competition.sequences import Sequences
from podium.errors import ModelError

NAMES = ("constant", "gc", "kmer_ridge", "lightgbm", "motifs")
LENGTH = 170


def invented(rows: int, seed: int, assay: str = "leaf", length: int = LENGTH) -> Part:
    """Random sequences: the strength follows from GC and a TATA box, the rest is noise."""
    rng = np.random.default_rng(seed)
    gc = rng.uniform(0.3, 0.7, (rows, 1))
    strong, second = rng.random((rows, length)) < gc, rng.random((rows, length)) < 0.5
    codes = np.where(strong, 1 + second, 3 * second).astype(np.uint8)
    boxes = rng.random(rows) < 0.5
    if length > 140:
        codes[boxes, 131:139] = [3, 0, 3, 0, 0, 0, 3, 0]
    strength = 2.0 * boxes - 4 * gc[:, 0] + rng.normal(0, 0.3, rows)
    codes[rng.random(codes.shape) < 0.001] = 4
    return Part(
        name="train",
        ids=pd.Index([f"{assay}{row}" for row in range(rows)], dtype=object),
        features=pd.DataFrame({"species": rng.choice(SPECIES, rows), "assay": assay}),
        sequences=Sequences(codes),
        targets=pd.DataFrame({TARGET: strength}),
        folds=np.arange(rows) % 5,
        strata=rng.choice(SPECIES, rows).astype(object),
        groups=pd.DataFrame({"family": [f"f{row}" for row in range(rows)]}),
    )


TRAIN, TEST = invented(400, 1), invented(200, 2)
WITH_EXTRA = replace(TRAIN, extra=invented(300, 3, assay="proto"))


def build(name: str, seed: int = 0, **params: Any) -> Any:
    module = import_module(f"podium.competitions.maize.models.{name}")
    return module.build(
        {**defaults(module.PARAMETERS), **getattr(module, "QUICK", {}), **params}, seed
    )


def predicted(name: str, train: Part, test: Part, seed: int = 0, **params: Any) -> pd.DataFrame:
    model = build(name, seed, **params)
    model.fit(train)
    table: pd.DataFrame = model.predict(test.without_answers())
    assert list(table.columns) == ["id", TARGET]
    assert list(table["id"]) == list(test.ids)
    assert np.isfinite(table[TARGET]).all()
    return table


def r2(test: Part, table: pd.DataFrame) -> float:
    assert test.targets is not None
    return float(np.corrcoef(test.targets[TARGET], table[TARGET])[0, 1] ** 2)


@pytest.mark.parametrize(
    ("name", "least"), [("gc", 0.1), ("kmer_ridge", 0.3), ("lightgbm", 0.75), ("motifs", 0.75)]
)
def test_finds_what_was_planted(name: str, least: float) -> None:
    assert r2(TEST, predicted(name, TRAIN, TEST)) > least


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_bytes(name: str) -> None:
    first, again = (predicted(name, WITH_EXTRA, TEST, seed=4)[TARGET] for _ in range(2))
    assert first.to_numpy().tobytes() == again.to_numpy().tobytes()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("length", [1, 5, 900])
def test_any_length(name: str, length: int) -> None:
    predicted(name, invented(30, 1, length=length), invented(3, 2, length=length))


@pytest.mark.parametrize("name", NAMES)
def test_small_parts(name: str) -> None:
    for rows in (1, 2, 3):
        predicted(name, invented(rows, 1), invented(1, 2))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_n_and_an_unknown_species(name: str) -> None:
    test = replace(
        invented(2, 5, assay="mine"),
        sequences=Sequences(np.full((2, LENGTH), 4, dtype=np.uint8)),
        features=pd.DataFrame({"species": ["rice", None], "assay": "mine"}),
    )
    predicted(name, TRAIN, test)


@pytest.mark.parametrize("name", NAMES)
def test_rows_stand_for_themselves(name: str) -> None:
    """What is predicted of a row does not depend on the rows beside it."""
    model = build(name)
    model.fit(WITH_EXTRA)
    whole = model.predict(TEST)[TARGET].to_numpy()
    alone = model.predict(TEST.take(np.array([7, 3])))[TARGET].to_numpy()
    np.testing.assert_allclose(alone, whole[[7, 3]], rtol=1e-5)


@pytest.mark.slow
def test_what_the_other_assay_says_is_a_feature() -> None:
    """Few rows train, many more of the other assay, which has the same causes."""
    few = invented(20, 1)
    helped = replace(few, extra=invented(600, 3, assay="proto"))
    settings = {"feature_fraction": 1.0, "min_data_in_leaf": 3}
    plain = predicted("lightgbm", few, TEST, **settings)
    told = predicted("lightgbm", helped, TEST, **settings, other_assay=True)
    assert r2(TEST, told) > r2(TEST, plain)
    pd.testing.assert_frame_equal(plain, predicted("lightgbm", helped, TEST, **settings))


@pytest.mark.slow
def test_the_other_assay_is_learned_without_the_fold() -> None:
    """Answers of the other assay in one fold change nothing in what that fold is told."""
    model = build("lightgbm", other_assay=True)
    extra = WITH_EXTRA.extra
    assert extra is not None
    assert extra.targets is not None
    assert extra.folds is not None
    table, told = model._table(TRAIN), []
    for wrong in (0.0, 100.0):
        answers = extra.targets + wrong * (extra.folds == 2)[:, None]
        told.append(model._fit_others(TRAIN, replace(extra, targets=answers), table))
    assert TRAIN.folds is not None
    same = told[0] == told[1]
    assert same[TRAIN.folds == 2].all()
    assert not same[TRAIN.folds != 2].any()


def test_trees_tell_their_loss() -> None:
    steps: list[int] = []
    losses: list[float] = []
    model = build("lightgbm")
    model.fit(TRAIN, lambda step, value, **_: (steps.append(step), losses.append(value)))
    assert steps == [20, 40]
    assert losses[0] > losses[1]


def test_the_penalty_is_chosen_on_folds() -> None:
    told: list[float] = []
    model = build("kmer_ridge", alphas=[0.01, 300.0, 1e7])
    model.fit(TRAIN, lambda step, value, **_: told.append(value))
    assert model.ridge.alpha == 300.0
    assert len(told) == 1


@pytest.mark.parametrize(
    ("name", "params"), [("lightgbm", {}), ("kmer_ridge", {"groups": ["composition"]})]
)
def test_another_length_than_that_of_train_is_refused(name: str, params: Any) -> None:
    with pytest.raises(ModelError, match=f"90 bases, those of train {LENGTH}"):
        predicted(name, invented(60, 1), invented(4, 2, length=90), **params)


def test_words_are_counted_at_any_length() -> None:
    predicted("kmer_ridge", invented(60, 1), invented(4, 2, length=90))
