import numpy as np
import pytest

torch = pytest.importorskip("torch")

from podium.errors import ModelError  # noqa: E402
from podium.learning import (  # noqa: E402
    Losses,
    Rows,
    Settings,
    SparseRows,
    find_device,
    held_out,
    later,
    predict_network,
    seeded,
    train_network,
)
from podium.learning.neural import _step  # noqa: E402

SETTINGS = Settings(epochs=30, batch=32, learning_rate=0.03, patience=30, device="cpu")


def rows(count=200, noise=0.0, seed=0):
    """A straight line over items, and what rows add to it."""
    rng = np.random.default_rng(seed)
    items = rng.normal(size=(count // 4, 3)).astype(np.float32)
    item = rng.permutation(np.arange(count) % len(items))
    own = rng.normal(size=(count, 1)).astype(np.float32)
    answer = items[item] @ [1.0, -2.0, 0.5] + own[:, 0] + rng.normal(size=count) * noise
    return Rows(
        items={"x": torch.from_numpy(items)},
        item=torch.from_numpy(item),
        own={"z": torch.from_numpy(own), "answer": torch.from_numpy(answer.astype(np.float32))},
        length=torch.from_numpy(rng.integers(1, 30, size=len(items))),
    )


class Line(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = torch.nn.Linear(4, 1)

    def forward(self, batch):
        inputs = torch.cat([batch.items["x"][batch.item], batch.own["z"]], dim=1)
        return self.weights(inputs)[:, 0]


def loss(output, batch):
    return (output.float() - batch.own["answer"]).abs().mean()


def line(seed=0):
    with seeded(seed):
        return Line()


def trained(data, settings=SETTINGS, seed=0, **options):
    network = line(seed)
    return network, train_network(network, loss, data, settings=settings, seed=seed, **options)


def error(network, data, chosen):
    found = predict_network(network, data, SETTINGS)[chosen]
    return np.abs(found - data.own["answer"].numpy()[chosen]).mean()


def test_learns_a_line():
    network, history = trained(rows())
    assert error(network, rows(), slice(None)) < 0.05
    assert len(history.training) == SETTINGS.epochs
    assert history.training[-1] < 0.1 * history.training[0]


def test_the_best_weights_come_back():
    """With noise and a high rate the last epoch is hardly ever the best one."""
    data = rows(noise=1.0)
    held = np.arange(len(data)) % 3 == 0
    settings = Settings(epochs=40, batch=8, learning_rate=0.3, patience=40)
    network, history = trained(data, settings, held=held)
    assert history.best < 40
    assert history.validation[history.best - 1] == min(history.validation)
    assert error(network, data, held) == pytest.approx(min(history.validation), rel=1e-4)


def test_training_stops_when_validation_does_not_improve():
    data = rows(noise=1.0)
    held = np.arange(len(data)) % 3 == 0
    settings = Settings(epochs=200, batch=8, learning_rate=0.3, patience=3)
    _, history = trained(data, settings, held=held)
    assert len(history.validation) == history.best + 3 < 200


def test_validation_rows_do_not_train():
    data = rows()
    held = np.arange(len(data)) % 3 == 0
    answers = data.own["answer"].clone()
    answers[torch.from_numpy(held)] = 1e6
    spoilt = Rows(
        items=data.items, item=data.item, own={**data.own, "answer": answers}, length=data.length
    )
    first = trained(data, held=held)[1].training
    assert first == trained(spoilt, held=held)[1].training


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    first, again, other = (trained(rows(), seed=seed)[0] for seed in (0, 0, 1))
    assert torch.equal(first.weights.weight, again.weights.weight)
    assert not torch.equal(first.weights.weight, other.weights.weight)


def test_torch_draws_on_as_if_nothing_had_been_trained():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained(rows(40))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_batches_hold_each_row_once_with_its_own_values(size):
    data = rows()
    chosen = torch.arange(0, len(data), 2)
    generator = torch.Generator().manual_seed(0)
    batches = list(data.batches(size, chosen, generator))
    assert sorted(torch.cat([batch.rows for batch in batches]).tolist()) == chosen.tolist()
    for batch in batches:
        assert len(batch.rows) <= size
        assert torch.equal(batch.own["z"], data.own["z"][batch.rows])
        assert torch.equal(batch.items["x"][batch.item], data.items["x"][data.item[batch.rows]])


def test_rows_of_an_item_come_together_and_items_of_like_length_too():
    data = rows(4000)
    generator = torch.Generator().manual_seed(0)
    batches = list(data.batches(64, torch.arange(len(data)), generator))
    items = [data.item[batch.rows].unique() for batch in batches]
    # Rows of an item are torn apart only where a batch ends.
    assert sum(map(len, items)) <= len(data.items["x"]) + len(batches)
    widths = [np.ptp(data.length[item].numpy()) for item in items]
    assert np.mean(widths) < 5  # of 29 when mixed
    shuffled = [batch.rows.tolist() for batch in data.batches(64, torch.arange(4000), generator)]
    assert shuffled != [batch.rows.tolist() for batch in batches]


def test_predictions_come_in_the_order_of_the_rows():
    data = rows()
    network = line()
    whole = predict_network(network, data, SETTINGS)
    expected = [
        network(next(iter(data.batches(1, torch.tensor([row]))))).item() for row in range(20)
    ]
    assert whole[:20] == pytest.approx(expected, rel=1e-5)


def test_one_row_is_enough():
    data = rows(4)
    one = Rows(items=data.items, item=data.item[:1], own={k: v[:1] for k, v in data.own.items()})
    network, _ = trained(one)
    assert predict_network(network, one, SETTINGS).shape == (1,)


@pytest.mark.parametrize("steps", range(1, 25))
def test_few_steps_are_enough(steps):
    settings = Settings(epochs=steps, batch=400, learning_rate=0.01, device="cpu")
    assert len(trained(rows(), settings)[1].training) == steps


def test_bf16_is_used_where_it_is_there_and_stays_close():
    settings = Settings(epochs=30, batch=32, learning_rate=0.03, bf16=True, device="cpu")
    network, _ = trained(rows(), settings)
    assert network.weights.weight.dtype == torch.float32
    assert error(network, rows(), slice(None)) < 0.1


def test_reports_validation_and_training():
    told = []
    data = rows()
    trained(
        data,
        held=np.arange(len(data)) < 50,
        report=lambda step, value, **others: told.append((step, value, others["training"])),
    )
    assert [step for step, _, _ in told] == list(range(1, SETTINGS.epochs + 1))
    assert told[-1][1] < told[0][1]
    assert told[-1][2] < told[0][2]


def test_other_figures_of_the_rows_that_are_held_out_are_reported():
    told = []
    data = rows()
    held = np.arange(len(data)) < 50

    def figures(output, order):
        assert sorted(order.tolist()) == np.flatnonzero(held).tolist()
        return {"error": float((output - data.own["answer"][order]).abs().mean())}

    trained(data, held=held, figures=figures, report=lambda *_, **others: told.append(others))
    assert [list(others) for others in told] == [["training", "error"]] * SETTINGS.epochs
    assert told[-1]["error"] < told[0]["error"]


@pytest.mark.parametrize("held", [None, np.arange(200) < 50])
def test_the_parts_of_a_loss_are_reported_where_there_are_several(held):
    data = rows()

    def told(**parts):
        said = []
        settings = Settings(epochs=2, batch=32, learning_rate=1e-2, device="cpu")
        train_network(
            line(),
            lambda output, batch: Losses(
                {name: weight * loss(output, batch) for name, weight in parts.items()}
            ),
            data,
            settings=settings,
            seed=0,
            held=held,
            report=lambda _, value, **others: said.append({"value": value, **others}),
        )
        return said

    whole, halves = told(all=1.0), told(first=0.25, second=0.75)
    trains = "value" if held is None else "training"
    for one, two in zip(whole, halves, strict=True):
        assert "all" not in one
        assert set(two) == {*one, "first", "second"}
        assert two["first"] + two["second"] == pytest.approx(two[trains], rel=1e-5)
        assert two["second"] == pytest.approx(3 * two["first"], rel=1e-5)
        assert two[trains] == pytest.approx(one[trains], rel=1e-4)


def test_what_several_trainings_report_counts_on():
    told = []
    later(lambda step, value, **_: told.append((step, value)), 10)(2, 0.5, training=1.0)
    assert told == [(12, 0.5)]
    assert later(None, 10) is None


def test_rows_must_be_left_to_learn_from():
    data = rows(40)
    with pytest.raises(ModelError, match="none is left to learn from"):
        trained(data, held=np.ones(len(data), dtype=bool))


def test_a_loss_that_is_no_number_is_said():
    data = rows()
    data.own["answer"][3] = float("nan")
    with pytest.raises(ModelError, match="diverged in epoch 1"):
        trained(data)


def test_settings_that_train_nothing_are_said_all_at_once():
    with pytest.raises(ModelError, match=r"(?s)epochs=0.*learning_rate=-1") as error:
        Settings(epochs=0, batch=8, learning_rate=-1)
    assert len(error.value.problems) == 2


def test_a_device_that_is_not_there_is_said():
    with pytest.raises(ModelError, match="no device 'tpu'"):
        find_device("tpu")


def test_held_out_rows_are_whole_groups():
    groups = np.repeat(np.arange(50), 4)
    held = held_out(groups, 0.2, seed=0)
    assert held.sum() == 40
    assert set(groups[held]).isdisjoint(groups[~held])
    assert not held_out(groups, 0.0, seed=0).any()


def test_rows_may_share_nothing():
    """Without items a row is its own; order and results are as if each row were an item."""
    data = rows()
    values = {"x": data.items["x"][data.item], **data.own}
    single = torch.arange(len(data))
    shared = Rows(items={"x": values["x"]}, item=single, own=data.own)
    alone = Rows(items={}, item=single, own=values)
    for generator in (None, 0):
        pairs = [
            one.batches(30, single, None if generator is None else torch.Generator().manual_seed(0))
            for one in (shared, alone)
        ]
        for first, other in zip(*pairs, strict=True):
            assert torch.equal(first.rows, other.rows)
            assert torch.equal(first.items["x"][first.item], other.own["x"])


def test_every_batch_is_given_the_tables_whole():
    table = torch.arange(6.0).reshape(3, 2)
    own = {"which": torch.tensor([2, 0, 2, 1])}
    given = Rows(items={}, item=torch.arange(4), own=own, tables={"z": table})
    batches = list(given.to(torch.device("cpu")).batches(3, torch.arange(4)))
    assert [len(batch.rows) for batch in batches] == [3, 1]
    assert all(torch.equal(batch.tables["z"], table) for batch in batches)
    assert torch.equal(batches[0].tables["z"][batches[0].own["which"]], table[[2, 0, 2]])
    assert not next(rows().batches(3, torch.arange(3))).tables


def test_sparse_rows_are_expanded_a_batch_at_a_time():
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.random.default_rng(0).poisson(0.3, (50, 7)).astype(np.float32)
    kept = SparseRows(sparse.csr_array(dense)).to(torch.device("cpu"))
    assert len(kept) == 50
    data = Rows(items={}, item=torch.arange(50), own={"x": kept})
    for batch in data.to(torch.device("cpu")).batches(8, torch.arange(0, 50, 3)):
        np.testing.assert_array_equal(batch.own["x"].numpy(), dense[batch.rows.numpy()])


@pytest.mark.parametrize(("constant", "moved"), [(True, 0.01), (False, 0.01 / 25)])
def test_a_constant_rate_stays(constant, moved):
    """A first step of Adam is as long as its rate; the cycle begins at a twenty-fifth of it."""
    settings = Settings(epochs=20, batch=400, learning_rate=0.01, constant=constant)
    seen = []
    network = line()
    start = network.weights.weight.detach().clone()

    def report(epoch, value, **_):
        seen.append((network.weights.weight.detach() - start).abs().max().item())

    train_network(network, loss, rows(), settings=settings, seed=0, report=report)
    assert seen[0] == pytest.approx(moved, rel=1e-3)


def test_the_gradient_is_cut_to_its_norm():
    """AdamW forgets the size of a gradient, but for its epsilon: so look at the gradient itself."""
    weight = torch.nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    for clip, length in ((0.5, 0.5), (2.0, 2.0), (100.0, 13.0)):
        weight.data.zero_()
        value = (weight * torch.tensor([3.0, 4.0, 12.0])).sum()
        _step([weight], value, optimizer, clip)
        assert float(weight.detach().norm()) == pytest.approx(length, rel=1e-5)


def test_fused_steps_are_the_same_to_the_last_bits():
    settings = Settings(epochs=5, batch=32, learning_rate=0.03, fused=True, device="cpu")
    plain = Settings(epochs=5, batch=32, learning_rate=0.03, device="cpu")
    first, other = (trained(rows(), one)[0].weights.weight for one in (settings, plain))
    torch.testing.assert_close(first, other, rtol=1e-4, atol=1e-5)
