"""What models share: components and genes of any shape, and neighbourhoods that are too wide."""

import time
import tracemalloc
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pytest
from podium.competitions.dlpfc.shared import expression
from podium.competitions.dlpfc.shared.expression import (
    GENES,
    answer,
    components,
    in_common,
    log_expression,
    log_normalised,
    most_variable,
    varying,
)
from scipy.sparse import csr_array, random_array
from sklearn.metrics import adjusted_rand_score

from podium.competition import defaults
from podium.competition.counts import Counts
from podium.competition.part import Part, Slice
from suites import mostly_slow


def bands(
    width: float,
    domains: int = 7,
    rows: int = 16,
    columns: int = 16,
    genes: int = 300,
    name: str = "rows",
    gain: float = 1.0,
    slices: tuple[str, ...] = ("mine",),
) -> Part:
    """Domains that follow one another in bands of a hexagonal lattice, so many spots wide."""
    rng = np.random.default_rng(5)
    row, column = np.mgrid[0:rows, 0 : 2 * columns]
    spot = (row + column) % 2 == 0
    x, y = column[spot] / 2, row[spot] * np.sqrt(3) / 2
    label = (x // width).astype(int) % domains
    level = rng.lognormal(0, 1, genes)
    raised = (rng.random((domains, genes)) < 0.1) * rng.gamma(2, 0.5 * gain, (domains, genes))
    blocks, tables = {}, []
    for one in slices:
        depth = rng.lognormal(0, 0.3, (len(x), 1))
        counts = rng.poisson(depth * level * np.exp(raised[label]))
        blocks[one] = (csr_array(counts), [f"g{gene}" for gene in range(genes)])
        table = pd.DataFrame({"slice": one, "x": x, "y": y, "domains": domains})
        tables.append(table.assign(domain=label.astype(str)))
    features = pd.concat(tables, ignore_index=True)
    return Part(
        name=name,
        ids=pd.Index([f"s{spot}" for spot in range(len(features))]),
        features=features.drop(columns="domain"),
        targets=features[["domain"]],
        counts=Counts.of(blocks),
    )


def only(part: Part) -> Slice:
    return next(part.slices())


def build(name: str, **params: Any) -> Any:
    module = import_module(f"podium.competitions.dlpfc.models.{name}")
    return module.build(
        {**defaults(module.PARAMETERS), **getattr(module, "QUICK", {}), **params}, 0
    )


def sparse(spots: int, genes: int) -> csr_array:
    rng = np.random.default_rng(0)
    table = random_array((spots, genes), density=0.1, rng=rng, format="csr")
    return csr_array(table + csr_array(np.outer(np.arange(spots), rng.random(genes) > 0.5) / spots))


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("shape", [(60, 300), (300, 200), (12, 300), (150, 300)])
def test_components_of_many_genes_are_those_of_a_decomposition(
    kind: str, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expression, "FEW", 100)
    table = sparse(*shape)
    dense = table.toarray()
    left, size, _ = np.linalg.svd(dense - dense.mean(axis=0), full_matrices=False)
    given = table if kind == "sparse" else dense
    scores = components(given, 15)
    count = scores.shape[1]
    assert count == min(15, shape[0])
    count = min(count, shape[0] - 1)  # centred, n spots span n - 1
    scores = scores[:, :count]
    assert np.abs(scores) == pytest.approx(np.abs(left * size)[:, :count], abs=1e-6)
    assert (components(given, 15)[:, :count] == scores).all()


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_components_where_little_varies(kind: Any) -> None:
    rows = np.random.default_rng(0).poisson(2.0, (3, 2000)).astype(np.float32)
    assert not components(kind(np.repeat(rows[:1], 30, axis=0)), 5).any()
    assert components(kind(rows[:1]), 5).shape == (1, 1)
    assert components(kind(rows[:2]), 5).shape == (2, 2)
    scores = components(kind(np.repeat(rows, 10, axis=0)), 5)
    assert np.isfinite(scores).all()
    assert scores[:, 2:] == pytest.approx(0.0, abs=1e-3)


def test_few_genes_stay_as_they_are_and_of_many_the_most_variable_are_taken() -> None:
    few = only(bands(4))
    assert (log_expression(few) != log_normalised(few.counts)).nnz == 0
    many = only(bands(4, genes=GENES + 500))
    logs = log_expression(many)
    values = log_normalised(many.counts).toarray()
    kept = np.sort(np.argsort(-values.var(axis=0), kind="stable")[:GENES])
    assert logs.shape == (len(many), GENES)
    assert np.isclose(logs.toarray(), values[:, kept]).mean() > 0.999  # but for ties in rounding
    part = bands(4, genes=GENES + 500)
    assert set(varying(part, many.genes)) == set(
        many.genes[most_variable([log_normalised(many.counts)], GENES)]
    )
    assert varying(part, many.genes[:9]) is not None
    assert list(varying(part, many.genes[:9])) == list(many.genes[:9])


@pytest.mark.slow
@pytest.mark.parametrize("name", mostly_slow(["kmeans", "pca_kmeans", "spatial_gmm"], 1))
def test_many_genes_make_no_matrix_of_genes_by_genes(name: str) -> None:
    part = bands(5, domains=3, genes=16_000, name="test")
    truth = part.targets["domain"] if part.targets is not None else None
    start = time.process_time()
    tracemalloc.start()
    predictions = build(name).predict(part.without_answers())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300e6  # 16,000 x 16,000 numbers take 2 GB
    assert time.process_time() - start < 30
    assert adjusted_rand_score(truth, predictions["domain"]) > (
        0.5 if name == "spatial_gmm" else 0.0
    )


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "podium"]


@pytest.mark.parametrize("gain", [0.6, 1.0])
def test_thin_domains_get_narrow_neighbourhoods(
    gain: float, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = bands(2, gain=gain)

    def score(name: str, **params: Any) -> float:
        labels = build(name, **params).predict(part.without_answers())["domain"]
        assert part.targets is not None
        return float(adjusted_rand_score(part.targets["domain"], labels))

    narrow = score("spatial_gmm", neighbours=[27], narrow=[1, 4, 7])
    assert narrow > score("pca_kmeans") - 0.02
    (said,) = warnings_of(caplog)
    assert said.startswith(
        "spatial_gmm averages over 1, 4, 7 spots instead of 27 in slice mine (",
    )
    assert said.endswith("wider neighbourhoods lose thin domains.")
    monkeypatch.setattr("podium.competitions.dlpfc.models.spatial_gmm.WIDE", -np.inf)
    assert narrow > score("spatial_gmm", neighbours=[27]) + 0.2


def test_a_model_that_looks_too_far_says_so_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    part = bands(2, name="test", slices=("one", "two"))
    answer(part, lambda one: np.arange(len(one)) % 7, reach=lambda _: 19, model="mlp")
    (said,) = warnings_of(caplog)
    assert said.startswith("mlp averages over neighbourhoods that are wide")
    assert "slice one (19 spots, " in said
    assert ", two (19 spots, " in said
    assert said.endswith("podium run dlpfc pca_kmeans ...")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (np.arange(5), "slice mine has 5 spots for 7 domains."),
        (np.arange(1), "slice mine has 1 spot for 7 domains."),
        (np.zeros(20, dtype=int), "in slice mine all spots have the same counts."),
        (np.arange(20), ""),
    ],
)
@pytest.mark.parametrize("name", ["spatial_gmm", "pca_kmeans"])
def test_a_slice_that_lacks_spots_or_what_varies_is_named(
    name: str, rows: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    part = bands(2).take(rows)
    labels = build(name).predict(part.without_answers())["domain"]
    assert labels.nunique() <= max(1, len(set(rows)))
    if not said and labels.nunique() < 7:
        said = f"the spots of slice mine were given {labels.nunique()} of 7 domains."
    told = [line for line in warnings_of(caplog) if line.startswith("Fewer domains")]
    assert told == ([f"Fewer domains than asked for: {said}"] if said else [])


def test_a_domain_that_no_spot_was_given_is_missed(caplog: pytest.LogCaptureFixture) -> None:
    part = bands(2, slices=("one", "two"))

    def cluster(one: Slice) -> Any:
        return np.arange(len(one)) % (5 if one.name == "two" else 7)

    answer(part, cluster)
    said = "Fewer domains than asked for: the spots of slice two were given 5 of 7 domains."
    assert warnings_of(caplog) == [said]


def test_a_slice_within_a_neighbourhood_is_not_called_thin(
    caplog: pytest.LogCaptureFixture,
) -> None:
    part = bands(2).take(np.arange(27))
    build("spatial_gmm", neighbours=[27]).predict(part.without_answers())
    answer(part, lambda one: np.arange(len(one)), reach=lambda _: 27, model="mlp")
    first, second = (line for line in warnings_of(caplog) if not line.startswith("Fewer"))
    assert first == (
        "spatial_gmm averages over 1, 4 spots instead of 27 in slice mine (27 spots): the nearest "
        "27 are all of it, and their mean tells no spots apart."
    )
    assert second.startswith("A neighbourhood that mlp averages over is all of slice mine (27 ")
    assert second.endswith("podium predict dlpfc pca_kmeans ...")


@pytest.mark.parametrize("width", [6, 9])
def test_nothing_is_said_of_wide_domains(width: int, caplog: pytest.LogCaptureFixture) -> None:
    part = bands(width, columns=7 * width, rows=20)
    build("spatial_gmm", neighbours=[27]).predict(part.without_answers())
    build("pca_kmeans").predict(part.without_answers())
    assert warnings_of(caplog) == []


def test_what_edges_have_in_common_falls_with_the_width_of_domains() -> None:
    wide, middle, thin = (in_common(only(bands(w, columns=int(7 * w))), 27) for w in (9, 4, 2))
    assert wide > 0.7 > middle > 0.4 > 0.3 > thin


@pytest.mark.parametrize(
    ("part", "count"),
    [
        (bands(2), 7),
        (bands(2, domains=1), 27),
        (bands(2).take(np.arange(5)), 27),
        (bands(2).take(np.zeros(40, dtype=int)), 27),
    ],
)
def test_where_there_is_nothing_to_say(part: Part, count: int) -> None:
    assert in_common(only(part), count) == 1.0


def test_a_neighbourhood_as_large_as_the_slice_is_too_wide() -> None:
    assert in_common(only(bands(2).take(np.arange(27))), 27) == 0.0
