"""The models without networks, on toy tissue of a few hundred spots."""

import random
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pytest
from podium.competitions.dlpfc.shared.expression import (
    ALONE,
    components,
    log_expression,
    neighbours,
)
from podium.competitions.dlpfc.shared.graph import shared_neighbours, wanted_communities
from podium.competitions.dlpfc.shared.mixture import (
    consensus,
    fitted,
    tied_posteriors,
    whitened,
)
from podium.competitions.dlpfc.shared.potts import potts
from scipy.sparse import csr_array
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from podium.competition import defaults
from podium.competition.counts import Counts
from podium.competition.part import Part
from podium.errors import ModelError

UNSUPERVISED = ("kmeans", "pca_kmeans", "louvain", "leiden", "spatial_gmm")
SPATIAL = ("spatial_gmm", "lightgbm")
NAMES = ("random", *UNSUPERVISED, "lightgbm")
EXTRAS = ("igraph", "leidenalg")
BANDS = 3


def tissue(
    slices: tuple[str, ...] = ("s1",),
    side: int = 18,
    genes: int = 40,
    seed: int = 3,
    signal: float = 1.0,
) -> Part:
    """Square slices of three bands; a third of the genes is raised in each, all are noisy."""
    rng = np.random.default_rng(seed)
    y, x = (axis.reshape(-1).astype(float) for axis in np.mgrid[0:side, 0:side])
    band = (y * BANDS // side).astype(int)
    tables, blocks = [], {}
    for name in slices:
        level = rng.lognormal(0, 0.5, genes)  # each slice has levels of its own
        raised = signal * (np.arange(genes) % BANDS == band[:, None])
        depth = rng.lognormal(0, 0.3, (len(x), 1))
        counts = rng.poisson(depth * level * np.exp(raised))
        blocks[name] = (csr_array(counts), [f"g{gene}" for gene in range(genes)])
        table = pd.DataFrame({"slice": name, "x": x, "y": y, "domains": BANDS})
        tables.append(table.assign(domain=np.array(["L1", "L2", "WM"], dtype=object)[band]))
    features = pd.concat(tables, ignore_index=True)
    return Part(
        name="train",
        ids=pd.Index([f"spot{row}" for row in range(len(features))]),
        targets=features[["domain"]],
        features=features.drop(columns="domain"),
        counts=Counts.of(blocks),
    )


def changed(part: Part, counts: Any = None, **columns: Any) -> Part:
    """A slice with other counts, or other features."""
    one = next(part.slices())
    blocks = {one.name: (one.counts if counts is None else counts, list(one.genes))}
    return Part(
        name="test",
        ids=part.ids,
        features=part.features.assign(**columns),
        counts=Counts.of(blocks),
    )


def few(part: Part, spots: int) -> Part:
    """The first spots of a slice."""
    one = next(part.slices())
    first = part.take(np.arange(spots))
    counts = Counts.of({one.name: (one.counts[:spots], list(one.genes))})
    return Part(
        name=part.name,
        ids=first.ids,
        targets=first.targets,
        features=first.features,
        counts=counts,
    )


def nothing() -> Part:
    """The train part of a dataset that has no labelled slice."""
    part = tissue(side=6)
    return part.take(np.zeros(len(part), dtype=bool))


def build(name: str, seed: int = 0, **params: Any) -> Any:
    needed = {"louvain": "igraph", "leiden": "leidenalg"}.get(name)
    if needed:
        pytest.importorskip(needed)
    module = import_module(f"podium.competitions.dlpfc.models.{name}")
    return module.build(
        {**defaults(module.PARAMETERS), **getattr(module, "QUICK", {}), **params}, seed
    )


def predicted(name: str, test: Part, seed: int = 0, **params: Any) -> pd.DataFrame:
    model = build(name, seed, **params)
    model.fit(tissue(("t1", "t2"), seed=5) if name == "lightgbm" else nothing())
    table: pd.DataFrame = model.predict(test.without_answers())
    return table


@pytest.mark.parametrize("name", NAMES)
def test_labels_each_spot_and_repeats(name: str) -> None:
    part = tissue(("s1", "s2"), side=12)
    table = predicted(name, part, seed=2)
    assert list(table.columns) == ["id", "domain"]
    assert list(table["id"]) == list(part.ids)
    assert table["domain"].map(type).eq(str).all()
    assert table.equals(predicted(name, part, seed=2))


@pytest.mark.parametrize("name", NAMES)
def test_only_models_of_expression_alone_take_slices_without_positions(name: str) -> None:
    part = tissue(side=12)
    placeless = changed(part, x=np.nan, y=np.nan)
    if name in ALONE:
        assert (
            predicted(name, placeless)["domain"].tolist()
            == predicted(name, part)["domain"].tolist()
        )
        return
    with pytest.raises(ModelError, match="Slice s1 has no positions") as error:
        predicted(name, placeless)
    assert all(other in str(error.value) for other in ALONE)


def test_a_model_that_is_told_to_look_at_single_spots_needs_no_positions() -> None:
    alone = {"neighbours": [1], "narrow": [1], "strength": 0.0}
    part = changed(tissue(side=12), x=np.nan, y=np.nan)
    assert predicted("spatial_gmm", part, **alone)["domain"].nunique() == BANDS


@pytest.mark.parametrize("name", NAMES)
def test_order_of_slices_does_not_matter(name: str) -> None:
    if name == "random":
        pytest.skip("draws slice after slice")
    part = tissue(("s1", "s2"), side=12)
    second = part.take(np.arange(144, 288))
    alone = predicted(name, second)["domain"]
    assert list(alone) == list(predicted(name, part)["domain"][144:])


@pytest.mark.parametrize("name", ["pca_kmeans", "louvain", "leiden", "spatial_gmm", "lightgbm"])
def test_as_many_clusters_as_domains(name: str) -> None:
    part = tissue()
    assert predicted(name, part)["domain"].nunique() == BANDS


@pytest.mark.parametrize("name", SPATIAL)
def test_spatial_models_recover_faint_bands_that_spots_alone_do_not_show(name: str) -> None:
    part = tissue(signal=0.5)
    truth = part.targets["domain"]
    assert adjusted_rand_score(truth, predicted(name, part)["domain"]) > 0.8
    alone = predicted("pca_kmeans", part)["domain"]
    assert adjusted_rand_score(truth, alone) < 0.8


@pytest.mark.parametrize("name", UNSUPERVISED)
def test_labels_change_nothing_where_none_are_needed(name: str) -> None:
    part = tissue(side=10)
    shuffled = tissue(side=10)
    shuffled.targets["domain"] = np.roll(shuffled.targets["domain"], 37)
    tables = []
    for train in (part, shuffled):
        model = build(name)
        model.fit(train)
        tables.append(model.predict(part.without_answers()))
    assert tables[0].equals(tables[1])


def odd(kind: str) -> Part:
    """Slices that are allowed, and that break careless code."""
    part = tissue(side=6)
    counts = next(part.slices()).counts.toarray()
    if kind == "constant genes":
        counts[:, ::2] = 4
    elif kind == "constant slice":
        counts[:] = 3
    elif kind == "empty spots":
        counts[::3] = 0
    elif kind == "nothing counted":
        counts[:] = 0
    elif kind == "duplicated positions":
        return changed(part, x=1.0, y=2.0)
    elif kind == "duplicated spots":
        counts[:] = counts[np.arange(36) % 2]
    elif kind == "one domain":
        return changed(part, domains=1)
    return changed(part, counts)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "kind",
    [
        "constant genes",
        "constant slice",
        "empty spots",
        "nothing counted",
        "duplicated positions",
        "duplicated spots",
        "one domain",
    ],
)
def test_odd_slices(name: str, kind: str) -> None:
    part = odd(kind)
    labels = predicted(name, part)["domain"]
    assert len(labels) == len(part)
    if kind == "one domain" and name in UNSUPERVISED:
        assert len(set(labels)) == 1
    elif name != "lightgbm":
        assert labels.nunique() <= max(BANDS, 6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spots", [1, 2, 3, 7, 30])
def test_fewer_spots_than_components_or_neighbours(name: str, spots: int) -> None:
    assert len(predicted(name, few(tissue(side=6), spots))) == spots


@pytest.mark.parametrize("train", [nothing(), tissue(side=6).without_answers()])
def test_lightgbm_says_that_it_needs_labels(train: Part) -> None:
    with pytest.raises(ModelError, match="needs labelled training slices"):
        build("lightgbm").fit(train)


def test_lightgbm_meets_other_genes_in_another_order() -> None:
    test = tissue()
    one = next(test.slices())
    order = np.random.default_rng(0).permutation(40)[:30]
    genes = [*one.genes[order], "new"]
    counts = np.column_stack([one.counts.toarray()[:, order], np.arange(len(one))])
    other = Part(
        name="test",
        ids=test.ids,
        features=test.features,
        counts=Counts.of({"s1": (counts, genes)}),
    )
    labels = predicted("lightgbm", other)["domain"]
    assert adjusted_rand_score(test.targets["domain"], labels) > 0.7


def test_lightgbm_says_that_genes_have_other_names() -> None:
    test = tissue(side=6)
    counts = next(test.slices()).counts
    ensembl = Counts.of({"s1": (counts, [f"ENSG{gene}" for gene in range(40)])})
    other = Part(name="test", ids=test.ids, features=test.features, counts=ensembl)
    with pytest.raises(ModelError, match="none of the genes"):
        predicted("lightgbm", other)
    train = tissue(("t1",), side=6)
    both = Counts.of(
        {"t1": (counts, [f"g{gene}" for gene in range(40)]), "t2": (counts, ["x"] * 40)}
    )
    features = pd.concat([train.features, train.features.assign(slice="t2")], ignore_index=True)
    apart = Part(
        name="train",
        ids=pd.Index([str(row) for row in range(72)]),
        features=features,
        targets=pd.DataFrame({"domain": ["a", "b"] * 36}),
        counts=both,
    )
    with pytest.raises(ModelError, match="no gene in common"):
        build("lightgbm").fit(apart)


def test_lightgbm_learns_a_single_domain_and_tells_its_loss() -> None:
    train = tissue(side=6)
    train.targets["domain"] = "only"
    model = build("lightgbm")
    told: list[tuple[int, float]] = []
    model.fit(train, lambda step, value, **_: told.append((step, value)))
    assert [step for step, _ in told] == [10, 20]
    assert set(model.predict(train.without_answers())["domain"]) == {"only"}


@pytest.mark.parametrize("spots", [1, 2, 3])
def test_lightgbm_learns_from_a_few_spots(spots: int) -> None:
    model = build("lightgbm")
    model.fit(few(tissue(side=6), spots))
    assert set(model.predict(tissue(side=6).without_answers())["domain"]) == {"L1"}


def test_consensus_matches_domains_before_it_averages() -> None:
    rng = np.random.default_rng(1)
    member = np.eye(4)[rng.integers(0, 4, 60)]
    renamed = [member[:, rng.permutation(4)] for _ in range(5)]
    noise = np.eye(4)[rng.integers(0, 4, 60)]
    together = consensus([*renamed, noise])
    assert adjusted_rand_score(member.argmax(axis=1), together.argmax(axis=1)) == 1.0
    np.testing.assert_allclose(together.sum(axis=1), 1.0)


def clusters(seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Points of four normals with one covariance, and which normal each is of."""
    rng = np.random.default_rng(seed)
    label = rng.choice(4, 400, p=[0.1, 0.2, 0.3, 0.4])
    stretched = rng.normal(size=(400, 3)) @ np.diag([3.0, 1.0, 0.4])
    return stretched + 4 * rng.normal(size=(4, 3))[label], label


def test_a_mixture_is_that_of_scikit_learn() -> None:
    """One start, from the same labels: the same likelihood and posteriors."""
    points, _ = clusters()
    white = whitened(points)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(3), atol=1e-9)
    begun = np.eye(4)[KMeans(4, n_init=1, random_state=0).fit_predict(white)]
    weights, means = begun.mean(axis=0), begun.T @ white / begun.sum(axis=0)[:, None]
    within = np.eye(3) - (means.T * weights) @ means
    theirs = GaussianMixture(
        4,
        covariance_type="tied",
        weights_init=weights,
        means_init=means,
        precisions_init=np.linalg.inv(within),
        tol=1e-9,
        max_iter=1000,
    ).fit(white)
    likelihood, posterior = fitted(white, begun.argmax(axis=1), 4, steps=1000, settled=1e-9)
    np.testing.assert_allclose(posterior, theirs.predict_proba(white), atol=1e-3)
    constant = 1.5 * np.log(2 * np.pi)
    assert likelihood - constant == pytest.approx(theirs.score(white), abs=1e-4)


@pytest.mark.parametrize("scales", [1.0, [1.0, 30.0, 0.1]])
def test_a_mixture_finds_clusters_whatever_their_scales(scales: Any) -> None:
    points, label = clusters()
    rng = np.random.default_rng(0)
    posterior = tied_posteriors(points * scales, 4, starts=9, rng=rng)
    np.testing.assert_allclose(posterior.sum(axis=1), 1.0)
    assert adjusted_rand_score(label, posterior.argmax(axis=1)) > 0.8


@pytest.mark.parametrize(
    "points", [np.ones((9, 3)), np.zeros((1, 2)), np.ones((5, 0)), np.eye(2)[[0, 1, 1]]]
)
def test_a_mixture_of_fewer_points_than_components(points: np.ndarray) -> None:
    posterior = tied_posteriors(points, 4, starts=2, rng=np.random.default_rng(0))
    np.testing.assert_allclose(posterior.sum(axis=1), 1.0)
    assert posterior[:, len(np.unique(points, axis=0)) :].max(initial=0.0) == 0.0


def test_a_field_gives_stray_spots_to_the_domain_around_them() -> None:
    part = tissue(signal=0.5)
    truth = pd.factorize(part.targets["domain"])[0]
    one = next(part.slices())
    table = components(log_expression(one), 5)
    stray = np.where(np.random.default_rng(0).random(len(one)) < 0.2, 0, truth)
    near = neighbours(one.features, 7)
    alone, together = (
        potts([table], np.eye(BANDS)[stray], near, strength).argmax(axis=1) for strength in (0, 2)
    )
    assert adjusted_rand_score(truth, together) > 0.95
    assert adjusted_rand_score(truth, together) > adjusted_rand_score(truth, alone) + 0.2


@pytest.mark.parametrize("strength", [0.0, 0.2, 0.7, 2.0])
@pytest.mark.parametrize("empty", [1e-30, 1e-7, 1e-4, 1e-3])
def test_a_field_wakes_no_domain_that_has_no_spots(strength: float, empty: float) -> None:
    points, label = clusters()
    given = np.pad(np.eye(4)[label], ((0, 0), (0, 2)))
    given[:, 5] = empty
    ring = (np.arange(len(points))[:, None] + np.arange(7)) % len(points)
    posterior = potts([points], given, ring, strength)
    assert posterior[:, 4:].max() < 1e-9
    np.testing.assert_allclose(posterior.sum(axis=1), 1.0)


def test_a_field_of_as_many_domains_as_spots_leaves_one_awake() -> None:
    given = np.full((2, 2), 0.5 * (1 - 1e-12))  # each domain has a hair less than one spot
    posterior = potts([np.zeros((2, 1))], given, np.array([[0, 1], [1, 0]]), 2.0)
    np.testing.assert_allclose(posterior.sum(axis=1), 1.0)


def test_edges_weigh_what_neighbours_are_shared() -> None:
    # 0-1-2 are alike, 3-4-5 too: in each three all have the same neighbours, themselves included.
    graph = shared_neighbours(np.array([[0.0], [0.1], [0.2], [9.0], [9.1], [9.2]]), nearest=2)
    assert sorted(map(tuple, graph.edges.tolist())) == [
        *((0, 1), (0, 2), (1, 2)),
        *((3, 4), (3, 5), (4, 5)),
    ]
    np.testing.assert_allclose(graph.weights, 1.0)
    # 0 and 1 have each other, 2 has 1: {0, 1} of {0, 1, 2} are shared by 1 and 2.
    line = shared_neighbours(np.array([[0.0], [1.0], [2.5]]), nearest=1)
    assert dict(zip(map(tuple, line.edges.tolist()), line.weights, strict=True)) == {
        (0, 1): 1.0,
        (1, 2): pytest.approx(1 / 3),
    }


def test_resolution_is_searched_until_the_number_fits() -> None:
    tried: list[float] = []

    def find(resolution: float) -> list[int]:
        tried.append(resolution)
        return list(range(round(4 * resolution)))

    assert len(wanted_communities(find, wanted=7, steps=20)) == 7
    assert len(tried) < 20
    # Never exactly 5: the nearest is kept.
    assert len(wanted_communities(lambda r: [0, 1] if r < 1 else list(range(6)), 5, 20)) == 6


def test_louvain_leaves_the_random_numbers_of_igraph_as_they_were() -> None:
    igraph = pytest.importorskip("igraph")
    predicted("louvain", tissue(side=6))
    random.seed(1)
    first = igraph.Graph.Erdos_Renyi(20, 0.3).get_edgelist()
    random.seed(1)
    assert igraph.Graph.Erdos_Renyi(20, 0.3).get_edgelist() == first
