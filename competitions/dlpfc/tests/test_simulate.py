"""The `demo` dataset is as hard as it is meant to be; `pytest -rP` prints the figures."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from podium.competitions.dlpfc.data import blocks, simulate, split
from podium.competitions.dlpfc.data.simulated_tissue import LAYERS, field, layer_prior
from podium.competitions.dlpfc.metric import layout, metric, per_slice
from podium.competitions.dlpfc.models import kmeans
from podium.competitions.dlpfc.shared.expression import (
    answer,
    components,
    domains,
    log_normalised,
    neighbours,
    smoothed,
)
from scipy.special import gammaln
from scipy.stats import nbinom
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from podium.competition.part import Part
from podium.data.dataset import fingerprint

RANK = {layer: place for place, layer in enumerate(LAYERS)}
NAMES = [f"d{donor}s{number}" for donor in (1, 2, 3) for number in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def demo():
    return simulate.demo()


@pytest.fixture(scope="module")
def part(demo):
    features = demo.features.drop(columns="id")
    return Part(
        name="test", ids=pd.Index(demo.features["id"]), features=features, counts=demo.counts
    )


@pytest.fixture(scope="module")
def truth(demo):
    return demo.targets["domain"].to_numpy(object)


@pytest.fixture(scope="module")
def aris(demo, truth):
    """ARI of each slice for some labels."""
    solution = {"domain": truth, "slice": demo.features["slice"].to_numpy(object)}

    def score(labels):
        predictions = {"domain": labels.to_numpy(object)}
        tables = layout(solution, predictions)
        sums = np.asarray(metric.statistics(solution, predictions, tables).sum(axis=0)).reshape(-1)
        return per_slice(sums, tables)["ari"]

    return score


@pytest.fixture(scope="module")
def raw(part, aris):
    return aris(kmeans.build({"starts": 3}, seed=0).predict(part)["domain"])


@pytest.fixture(scope="module")
def plain(part, aris):
    def cluster(one):
        model = KMeans(domains(one), n_init=3, random_state=0)
        return model.fit_predict(components(log_normalised(one.counts), 15))

    return aris(answer(part, cluster)["domain"])


@pytest.fixture(scope="module")
def spatial(part, aris):
    def cluster(one):
        near = smoothed(log_normalised(one.counts), neighbours(one.features, 19))
        model = GaussianMixture(domains(one), covariance_type="tied", n_init=3, random_state=0)
        return model.fit_predict(components(near, 15))

    return aris(answer(part, cluster)["domain"])


@pytest.fixture(scope="module")
def ceiling(demo, aris):
    return aris(demo.ceiling["domain"])


def within(figure, measured, low, high):
    print(f"{figure:<40} {measured:8.3f}  wanted {low:g} to {high:g}")  # noqa: T201
    assert low <= measured <= high


@pytest.mark.slow
def test_shapes(demo, part):
    assert list(demo.features) == ["id", "slice", "x", "y", "domains"]
    assert list(demo.groups) == ["id", "slice", "donor", "block"]
    assert list(demo.features["slice"].unique()) == NAMES
    for table in (demo.targets, demo.groups, demo.ceiling):
        assert (table["id"] == demo.features["id"]).all()
        assert not table.isna().any(axis=None)
    assert demo.features["id"].is_unique
    assert demo.features["id"].str.fullmatch(r"d[123]s[1234]:\d{4}").all()
    assert (demo.groups["donor"] == demo.features["slice"].str[:2]).all()
    sizes = demo.features["slice"].value_counts()
    within("fewest spots", sizes.min(), 1100, 1200)
    within("most spots", sizes.max(), 1200, 1260)
    for one in part.slices():
        assert one.counts.shape == (len(one), 400)
        assert len(set(one.genes)) == 400


def test_spots_are_a_hexagonal_lattice(part):
    for one in part.slices():
        places = one.features[["x", "y"]].to_numpy()
        nearest = neighbours(one.features, 7)[:, 1:]
        apart = np.linalg.norm(places[nearest] - places[:, None], axis=2)
        assert apart.min() == pytest.approx(1)
        assert (np.abs(apart - 1) < 1e-9).all(axis=1).mean() > 0.85  # the others are at the edge


def test_domains(demo, truth):
    by_slice = pd.Series(truth).groupby(demo.features["slice"])
    wanted = [set(LAYERS[2:]) if name.startswith("d2") else set(LAYERS) for name in NAMES]
    assert [set(layers) for layers in by_slice.unique()[NAMES]] == wanted
    assert (by_slice.transform("nunique") == demo.features["domains"]).all()
    shares = by_slice.value_counts(normalize=True)
    within("smallest share of a layer", shares.min(), 0.03, 0.1)
    within("largest share of a layer", shares.max(), 0.25, 0.5)


def test_bands_lie_in_order(demo, truth):
    """Of neighbouring spots of two layers, nearly all are of adjacent ones."""
    rank = pd.Series(truth).map(RANK).to_numpy()
    for rows in demo.features.groupby("slice").indices.values():
        nearest = neighbours(demo.features.iloc[rows], 7)
        step = np.abs(rank[rows][nearest[:, 1:]] - rank[rows][:, None])
        within("neighbours of one layer", (step == 0).mean(), 0.6, 0.9)
        within("neighbours two layers apart", (step > 1).mean(), 0, 0.08)


def test_boundaries_go_over_smoothly(demo, truth):
    prior = layer_prior(np.linspace(-9, 9, 181), np.array([-4.0, 4.0]))
    assert prior.sum(axis=1) == pytest.approx(1)
    assert (prior >= 0).all()
    at = {round(depth, 1): row for depth, row in zip(np.linspace(-9, 9, 181), prior, strict=True)}
    assert at[-4.0] == pytest.approx([0.5, 0.5, 0], abs=1e-4)
    assert at[-5.3][1] == pytest.approx(0.1, abs=0.01)
    assert at[-6.0][1] < 0.05


def test_counts_are_as_sparse_as_visium(part):
    depths = []
    for one in part.slices():
        depths.append(np.asarray(one.counts.sum(axis=1)))
        zeros = 1 - one.counts.nnz / np.prod(one.counts.shape)
        within(f"share of zeros, {one.name}", zeros, 0.6, 0.85)
        within(f"median depth, {one.name}", np.median(depths[-1]), 500, 1200)
    depth = np.concatenate(depths)
    within(
        "share of spots of 300 to 1,500 counts", np.mean((depth >= 300) & (depth <= 1500)), 0.9, 1
    )
    assert depth.min() > 100


def test_depth_is_alike_among_neighbours(part):
    for one in part.slices():
        depth = np.log(np.asarray(one.counts.sum(axis=1), dtype=np.float64))
        depth -= depth.mean()
        around = depth[neighbours(one.features, 7)[:, 1:]].mean(axis=1)
        within(f"Moran's I of depth, {one.name}", (depth * around).mean() / depth.var(), 0.5, 0.95)


def test_white_matter_is_most_distinct(part, truth):
    """By how much genes are raised or lowered against the other layers, counts of all slices."""
    totals = np.zeros((len(LAYERS), 400))
    for one in part.slices():
        layer = pd.get_dummies(pd.Categorical(truth[one.rows], LAYERS)).to_numpy(np.float64)
        totals += layer.T @ one.counts
    share = np.log((totals + 1) / totals.sum(axis=1, keepdims=True))
    common = totals.sum(axis=0) > 2000  # the others are noise
    fold = [np.abs(share[k] - np.delete(share, k, axis=0).mean(axis=0))[common] for k in range(7)]
    means = np.mean(fold, axis=1)
    for layer, mean in zip(LAYERS, means, strict=True):
        print(f"mean absolute log fold, {layer}: {mean:.3f}")  # noqa: T201
    assert means.argmax() == RANK["WM"]
    assert means[-1] > 1.3 * np.sort(means)[-2]


def test_donors_differ_more_than_slices(part):
    profiles = np.array([np.asarray(one.counts.sum(axis=0)) for one in part.slices()])
    logs = np.log((profiles + 1) / profiles.sum(axis=1, keepdims=True))[
        :, profiles.min(axis=0) > 100
    ]
    apart = np.abs(logs[:, None] - logs[None]).mean(axis=2)
    same = np.kron(np.eye(3, dtype=bool), np.ones((4, 4), dtype=bool))
    assert apart[~same].mean() > 2 * apart[same & ~np.eye(12, dtype=bool)].mean() > 0


def test_a_field_is_smooth_and_of_variance_one():
    rng = np.random.default_rng(0)
    drawn = np.array([field(rng, np.array([[0.0, 0], [3, 0], [30, 0]]), 3.0) for _ in range(4000)])
    assert drawn.var(axis=0) == pytest.approx(1, abs=0.07)
    assert np.corrcoef(drawn.T)[0, 1:] == pytest.approx([np.exp(-0.5), 0], abs=0.04)


def test_likelihood_is_the_negative_binomial():
    counts, mean = np.array([[0, 3, 7], [2, 0, 1]]), np.array([[0.5, 2.0, 6.0], [1.0, 0.1, 3.0]])
    theta = np.array([1.0, 5.0, 20.0])
    wanted = nbinom.logpmf(counts, theta, theta / (theta + mean)).sum(axis=1)
    left_out = gammaln(counts + theta) - gammaln(counts + 1) - gammaln(theta)
    rest = (left_out + theta * np.log(theta)).sum(axis=1)
    assert simulate.log_likelihood(counts, mean, theta) + rest == pytest.approx(wanted)


@pytest.mark.slow
def test_kmeans_of_raw_counts_is_bad(raw):
    within("ARI of k-means on raw counts", raw.mean(), 0.15, 0.25)


@pytest.mark.slow
def test_components_are_better(plain, raw):
    within("ARI of k-means on components", plain.mean(), 0.25, 0.40)
    assert plain.mean() > raw.mean() + 0.08


@pytest.mark.slow
def test_neighbours_are_what_helps(spatial, plain):
    within("ARI of the spatial mixture", spatial.mean(), 0.5, 0.6)
    within("its spread between slices", spatial.std(ddof=1), 0.05, 0.12)
    assert spatial.mean() > plain.mean() + 0.12


@pytest.mark.slow
def test_the_ceiling_is_above_all_and_below_perfect(ceiling, raw, plain, spatial):
    within("ARI of the ceiling", ceiling.mean(), 0.85, 0.95)
    assert (ceiling > np.max([raw, plain, spatial], axis=0) + 0.1).all()


def test_blocks(demo):
    block = demo.groups["block"]
    assert (block == blocks.blocks(demo.features)).all()
    assert block.str.fullmatch(r"d[123]s[1234]:\d-\d").all()
    assert (block.str.split(":").str[0] == demo.features["slice"]).all()
    assert block.value_counts().min() >= blocks.FEWEST
    extents = demo.features.groupby(block)[["x", "y"]].agg(np.ptp).to_numpy()
    assert extents.max() < 1.5 * blocks.WIDTH
    assert block.nunique() == 12 * 9


@pytest.mark.parametrize(("spots", "wanted"), [(20, 1), (31, 1), (4000, None)])
def test_small_blocks_join_a_neighbour(spots, wanted):
    """Spots in a disc, whose corners hold few; and slices of hardly any spots."""
    rng = np.random.default_rng(3)
    angle, radius = rng.uniform(0, 2 * np.pi, spots), 35 * np.sqrt(rng.random(spots))
    places = {"x": radius * np.cos(angle), "y": radius * np.sin(angle)}
    block = pd.Series(blocks.blocks(pd.DataFrame({"slice": "a", **places})))
    sizes = block.value_counts()
    assert sizes.sum() == spots
    assert len(sizes) == wanted or (25 < len(sizes) < 36 and sizes.min() >= blocks.FEWEST)


def test_blocks_of_one_position():
    features = pd.DataFrame({"slice": ["a"] * 40, "x": 1.0, "y": 2.0})
    assert set(blocks.blocks(features)) == {"a:0-0"}


def test_split_is_by_donor(demo):
    table = split.demo(demo)
    assert list(table) == ["id", "part", "fold", "stratum"]
    assert (table["id"] == demo.features["id"]).all()
    donors = table.groupby("part")["id"].agg(lambda ids: set(ids.str[:2]))
    assert donors.to_dict() == {"train": {"d1"}, "public": {"d2"}, "private": {"d3"}}
    train = table[table["part"] == "train"]
    assert (train["fold"] == train["id"].str[3].astype(int) - 1).all()
    assert table.loc[table["part"] != "train", "fold"].isna().all()
    assert set(table["stratum"]) == {"slices"}


def test_split_is_the_frozen_one(demo):
    file = Path(split.__file__).parent / "splits" / "demo.csv"
    frozen = pd.read_csv(file, dtype={"id": str, "fold": "Int64"})
    pd.testing.assert_frame_equal(frozen, split.demo(demo), check_dtype=False)


def test_same_bytes_again_and_as_frozen(demo):
    frozen = json.loads((Path(split.__file__).parent / "checksums.json").read_text())["demo"]
    assert fingerprint(demo) == fingerprint(simulate.demo()) == frozen["data"]
