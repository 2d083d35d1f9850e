"""Boosted trees on zeros, and the features they see, on few simulated cells."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from podium.competitions.imputation.data.simulate import simulate
from podium.competitions.imputation.models import lightgbm
from podium.competitions.imputation.shared import features
from scipy.sparse import csr_array

from podium.competition import defaults
from podium.competition.counts import Counts
from podium.competition.part import Part
from podium.errors import ModelError

SETTINGS: dict[str, Any] = {**defaults(lightgbm.PARAMETERS), **lightgbm.QUICK}


def part(observed: Any, truth: Any = None, genes: list[str] | None = None) -> Part:
    """Cells of a part, with truth if it is to train."""
    names = genes or [f"gene{number}" for number in range(observed.shape[1])]
    ids = pd.Index([f"cell{number}" for number in range(len(observed))], dtype=object)
    return Part(
        name="test" if truth is None else "train",
        ids=ids,
        features=pd.DataFrame(index=range(len(observed))),
        counts=Counts.of({"cells": (csr_array(observed), names)}),
        truth=None if truth is None else Counts.of({"cells": (csr_array(truth), names)}),
    )


@pytest.fixture(scope="module")
def simulated() -> tuple[Any, Any]:
    """Observed and true counts of 150 cells and 100 genes."""
    cells = simulate(np.random.default_rng(4), 150, 100)
    return cells.observed, cells.truth


def predicted(train: Part, test: Part, seed: int = 0, **changes: Any) -> Any:
    """Imputed counts [cells, genes]."""
    model = lightgbm.build({**SETTINGS, **changes}, seed)
    model.fit(train)
    table = model.predict(test)
    assert list(table["id"]) == list(test.ids)
    return table.drop(columns="id").to_numpy()


def test_calls_better_than_all_and_comes_nearer_and_repeats(simulated: tuple[Any, Any]) -> None:
    observed, truth = simulated
    train, test = part(observed[:100], truth[:100]), part(observed[100:])
    imputed = predicted(train, test)
    zero, lost = observed[100:] == 0, truth[100:] > 0
    assert (imputed[~zero] == observed[100:][~zero]).all()
    called, lost, counts = imputed[zero] > 0, lost[zero], truth[100:][zero]
    f1 = 2 * (called & lost).sum() / (called.sum() + lost.sum())
    assert f1 > 2 * lost.sum() / (lost.size + lost.sum()) + 0.05
    assert np.corrcoef(called, lost)[0, 1] > 0.3
    assert np.linalg.norm(imputed[zero] - counts) < 0.8 * np.linalg.norm(counts)
    assert imputed.tobytes() == predicted(train, test).tobytes()


def test_tells_its_loss(simulated: tuple[Any, Any]) -> None:
    told: list[float] = []
    model = lightgbm.build(SETTINGS, 0)
    model.fit(part(*simulated), lambda step, value, **others: told.append(value))
    assert len(told) == 2
    assert told[1] < told[0]


@pytest.mark.parametrize("cells", [2, 3, 60])
def test_few_cells(simulated: tuple[Any, Any], cells: int) -> None:
    observed, truth = simulated
    train = part(observed[:cells], truth[:cells])
    imputed = predicted(train, part(observed[cells : cells + 1]))
    assert np.isfinite(imputed).all()


@pytest.mark.parametrize("kind", ["empty cell", "unseen gene", "no counts", "all dropouts"])
def test_odd_cells(simulated: tuple[Any, Any], kind: str) -> None:
    observed, truth = (matrix.copy() for matrix in simulated)
    if kind == "empty cell":
        observed[[0, 100]] = truth[[0, 100]] = 0
    elif kind == "unseen gene":
        observed[:, 3] = truth[:, 3] = 0
    elif kind == "no counts":
        observed[:] = 0
    else:
        truth += 1
    imputed = predicted(part(observed[:60], truth[:60]), part(observed[60:]))
    assert np.isfinite(imputed).all()
    assert (imputed >= observed[60:]).all()
    if kind == "all dropouts":
        assert (imputed > 0).mean() > 0.99


def test_calls_nothing_where_train_has_no_dropout(simulated: tuple[Any, Any]) -> None:
    observed, truth = simulated
    assert (predicted(part(truth, truth), part(observed[:9])) == observed[:9]).all()


def test_cells_without_a_zero(simulated: tuple[Any, Any]) -> None:
    observed, truth = simulated
    filled = observed[:9] + 1
    assert (predicted(part(observed, truth), part(filled)) == filled).all()


def test_says_what_it_needs(simulated: tuple[Any, Any]) -> None:
    observed, truth = simulated
    with pytest.raises(ModelError, match="before dropout"):
        lightgbm.build(SETTINGS, 0).fit(part(observed))
    with pytest.raises(ModelError, match="two cells"):
        lightgbm.build(SETTINGS, 0).fit(part(observed[:1], truth[:1]))
    other = part(observed[:5], genes=[f"other{number}" for number in range(observed.shape[1])])
    with pytest.raises(ModelError, match="genes"):
        predicted(part(observed, truth), other)
    with pytest.raises(ModelError, match="two folds"):
        lightgbm.build({**SETTINGS, "folds": 1}, 0).fit(part(observed, truth))


def test_a_part_without_cells(simulated: tuple[Any, Any]) -> None:
    observed, truth = simulated
    assert predicted(part(observed, truth), part(observed[:0])).shape == (0, observed.shape[1])


def test_a_cell_does_not_describe_itself(simulated: tuple[Any, Any]) -> None:
    observed, truth = (csr_array(matrix.astype(np.float32)) for matrix in simulated)
    places = features.place(observed, 5)
    labelled, cells = np.arange(100), np.arange(3)
    order = features.nearest(places.where, labelled, cells, 7)
    assert order.shape == (3, 7)
    assert not (order == cells[:, None]).any()
    distance = np.linalg.norm(places.where[:100] - places.where[0], axis=1)
    assert list(order[0]) == list(np.argsort(distance)[1:8])
    description = features.Description(places, labelled, truth[:100], [3, 7])
    table = list(description.table(cells))
    assert len(table) == len(features.names([3, 7]))
    assert all(np.broadcast_shapes(each.shape, (3, 100)) == (3, 100) for each in table)


def test_nearest_of_a_cell_alone() -> None:
    where = np.zeros((2, 1))
    order = features.nearest(where, np.array([0]), np.array([0, 1]), 5)
    assert order.shape == (2, 0)
    assert (features.averages(order, 1).toarray() == 0).all()


def test_regression_leaves_each_cell_out_in_turn() -> None:
    rng = np.random.default_rng(0)
    where = rng.normal(size=(40, 3))
    where -= where.mean(axis=0)
    truth = (where @ rng.normal(size=(3, 6)) + rng.normal(size=(40, 6))).astype(np.float32)
    truth -= truth.mean(axis=0)
    slopes, others = features.regression(where, truth)
    penalty = features.RIDGE * where.var(axis=0).min() * np.diag([1.0, 1.0, 1.0, 0.0])
    inputs = np.column_stack([where, np.ones(40)])  # the mean is not penalised
    for cell in (0, 17):
        kept = np.arange(40) != cell
        weights = np.linalg.solve(
            inputs[kept].T @ inputs[kept] + penalty, inputs[kept].T @ truth[kept]
        )
        np.testing.assert_allclose(others[cell], inputs[cell] @ weights, rtol=1e-3, atol=1e-4)
    assert (features.trust(where.astype(np.float32) @ slopes, truth) > 0).all()


def test_depth_before_dropout_is_found_again(simulated: tuple[Any, Any]) -> None:
    observed, truth = (csr_array(matrix.astype(np.float32)) for matrix in simulated)
    labelled = np.arange(100)
    estimated = features.library_sizes(features.sizes(observed), labelled, truth[labelled])
    assert np.corrcoef(estimated[100:], np.log(truth.sum(axis=1)[100:]))[0, 1] > 0.9
