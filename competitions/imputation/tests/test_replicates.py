"""Cells sampled down anew, and `replicates`, which trains on them."""

from typing import Any

import numpy as np
import pytest
from podium.competitions.imputation.models import replicates as model_file
from podium.competitions.imputation.shared.replicates import Ridge, log_at, replicates, seen_share
from podium.competitions.imputation.tests.test_lightgbm import part
from podium.competitions.imputation.tests.test_splatter import scores

from podium.competition import defaults
from podium.competition.part import Part
from podium.errors import ModelError

LABELLED = 100
SETTINGS: dict[str, Any] = {**defaults(model_file.PARAMETERS), **model_file.QUICK}


@pytest.fixture(scope="module")
def thinned() -> tuple[Any, Any]:
    """Counts of 140 cells of three kinds and 60 genes, a tenth of them seen; and all of them."""
    rng = np.random.default_rng(3)
    silent = np.arange(60) % 3 == (np.arange(140) % 3)[:, None]
    level = np.where(silent, 0.02, rng.lognormal(2, 0.8, 60))
    truth = rng.poisson(level * rng.lognormal(0, 0.2, (140, 1)))
    return rng.binomial(truth, 0.1), truth


def imputed(train: Part, test: Part, **params: Any) -> Any:
    """Imputed counts [cells, genes]."""
    model = model_file.build({**SETTINGS, **params}, 0)
    model.fit(train)
    return model.predict(test).drop(columns="id").to_numpy()


def test_replicates_are_as_deep_as_what_was_seen(thinned: tuple[Any, Any]) -> None:
    observed, truth = (matrix.astype(np.float32) for matrix in thinned)
    share = seen_share(observed, truth)
    copies = replicates(truth, share, 3, np.random.default_rng(0))
    assert copies.shape == (3 * len(truth), 60)
    assert copies.sum() == pytest.approx(3 * observed.sum(), rel=0.05)
    again = copies.reshape(3, *truth.shape)
    assert (again[0] != again[1]).any()
    assert not again[:, truth == 0].any()


def test_the_ridge_leaves_a_cell_and_its_replicates_out(thinned: tuple[Any, Any]) -> None:
    observed, truth = (matrix[:20].astype(np.float32) for matrix in thinned)
    copies = replicates(truth, seen_share(observed, truth), 2, np.random.default_rng(0))
    ridge, others = Ridge.learn(observed, copies, truth, 0.7)
    kept = np.arange(60) % 20 != 4
    inputs = ridge.inputs.astype(np.float64)
    kernel = inputs @ inputs.T / ridge.scale + 1
    centred = np.tile(truth - ridge.mean, (3, 1))[kept]
    weights = np.linalg.solve(kernel[np.ix_(kept, kept)] + 0.7 * np.eye(57), centred)
    assert others[4] == pytest.approx(kernel[4, kept] @ weights + ridge.mean, rel=1e-3, abs=1e-3)
    assert log_at(observed, ridge.depth).shape == observed.shape
    assert np.abs(ridge(observed) - truth).mean() < np.abs(others - truth).mean()


@pytest.mark.parametrize("networks", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_calls_better_than_all_and_repeats(networks: int, thinned: tuple[Any, Any]) -> None:
    if networks:
        pytest.importorskip("torch")
    observed, truth = thinned
    train, test = part(observed[:LABELLED], truth[:LABELLED]), part(observed[LABELLED:])
    params = {"networks": networks, "epochs": 40, "batch": 16}
    values = imputed(train, test, **params)
    assert values.tobytes() == imputed(train, test, **params).tobytes()
    seen = observed[LABELLED:]
    assert (values[seen > 0] == seen[seen > 0]).all()
    reached = scores(seen, truth[LABELLED:], values)
    assert reached["f1"] > scores(seen, truth[LABELLED:], np.maximum(seen, 1.0))["f1"] + 0.05
    assert reached["mcc"] > 0.6


def test_networks_are_left_out_without_torch(
    thinned: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(model_file, "find_spec", lambda _: None)
    observed, truth = thinned
    train, test = part(observed[:LABELLED], truth[:LABELLED]), part(observed[LABELLED:])
    alone = imputed(train, test)
    assert "trees alone" in caplog.text
    assert (alone == imputed(train, test, networks=0)).all()


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("empty cell", LABELLED),
        ("empty train cell", LABELLED),
        ("unseen gene", LABELLED),
        ("one gene", LABELLED),
        ("nothing observed", LABELLED),
        ("nothing lost", LABELLED),
        ("no zero", LABELLED),
        ("alike cells", LABELLED),
        ("two train cells", 2),
        ("no copies", LABELLED),
    ],
)
def test_odd_cells(kind: str, cells: int, thinned: tuple[Any, Any]) -> None:
    observed, truth = (matrix.copy() for matrix in thinned)
    if kind == "empty cell":
        observed[LABELLED] = 0
    elif kind == "empty train cell":
        observed[3] = truth[3] = 0
    elif kind == "unseen gene":
        observed[:, 5] = truth[:, 5] = 0
    elif kind == "one gene":
        observed, truth = observed[:, 1:2], truth[:, 1:2]
    elif kind == "nothing observed":
        observed[:] = 0
    elif kind == "nothing lost":
        observed = truth
    elif kind == "no zero":
        observed = truth = truth + 1
    elif kind == "alike cells":
        observed[:], truth[:] = observed[0], truth[0]
    params = {"copies": 0} if kind == "no copies" else {}
    values = imputed(part(observed[:cells], truth[:cells]), part(observed[LABELLED:]), **params)
    assert values.shape == observed[LABELLED:].shape
    assert np.isfinite(values).all()
    if kind in ("nothing lost", "no zero"):
        assert (values == observed[LABELLED:]).all()


def test_says_what_it_needs(thinned: tuple[Any, Any]) -> None:
    observed, truth = thinned
    for train in (part(observed), part(observed[:1], truth[:1])):
        with pytest.raises(ModelError, match="replicates needs two cells or more"):
            imputed(train, part(observed))
    with pytest.raises(ModelError, match="genes"):
        imputed(part(observed, truth), part(observed[:, :9]))
    assert imputed(part(observed, truth), part(observed[:0])).shape == (0, 60)
