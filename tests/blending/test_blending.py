"""Blends: what is mixed how, who may be a member, and that test rows choose nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import podium
from podium import workspace
from podium.blending.mixing import Mixer, added
from podium.competition.counts import Counts
from podium.competition.folders import load
from podium.competition.part import Part
from podium.data import dataset as data
from podium.errors import BoardError, PodiumError
from podium.execution import out_of_fold
from podium.leaderboard.board import open_board
from podium.scratch import file_sha256


@pytest.fixture
def files(toy, sample):
    """Predictions handed in as files: two of ana's, one of bob's."""
    rng = np.random.default_rng(0)
    tables = {}
    for team, name in (("ana", "one"), ("ana", "two"), ("bob", "three")):
        tables[name] = sample.assign(y=sample["y"] + rng.normal(size=len(sample)))
        tables[name].to_csv(f"{name}.csv", index=False)
        podium.submit("toy", f"{name}.csv", team=team, name=name)
    return tables


@pytest.fixture
def noisy(toy):
    """The line with a jitter of its own, by two seeds: better together."""
    for seed in (1, 2):
        podium.run("toy", "line", params={"jitter": 2.0}, seed=seed, name=f"seed {seed}")


def record(short):
    board = open_board(workspace.database_url())
    return next(found for found in board.records() if found.submission == short)


def test_files_are_blended_by_equal_weights(files):
    found = podium.blend("toy", "one", "two", "bob/three", message="all")
    assert found.blend.weights == "equal"
    assert len(found.blend.why) == 3
    assert "ana/one: it was not trained by Podium" in found.blend.why[0]
    table = pd.read_parquet(found.outcome.file)
    mean = np.mean([files[name]["y"] for name in files], axis=0)
    np.testing.assert_allclose(table["y"], mean)
    assert list(table["id"]) == list(files["one"]["id"])
    row = found.outcome.row
    assert (row.name, row.model, row.team) == ("one + two + three", "blend", "ana")
    kept = record(row.submission)
    assert [m["weight"] for m in kept.provenance["blend"]["members"]] == [1, 1, 1]
    assert {m["submission"] for m in kept.provenance["blend"]["members"]} == {
        r.submission for r in podium.board("toy") if r.name in files
    }
    again = podium.blend("toy", "one", "two", "three")
    assert not again.outcome.new


@pytest.mark.usefixtures("noisy")
def test_weights_are_chosen_on_the_train_part_and_on_nothing_else(toy, monkeypatch):
    predicted = [
        podium.cross_validate("toy", "line", params={"jitter": 2.0}, seed=seed).predictions
        for seed in (1, 2)
    ]

    def closed(_):
        raise AssertionError("the answers were opened")

    monkeypatch.setattr("podium.leaderboard.submit.open_solution", closed)
    found = podium.blend("toy", "seed 1", "seed 2", submit=False).blend
    assert found.weights == "greedy"
    ready = data.load(*podium.load("toy"))
    truth = ready.train().targets["y"].to_numpy()
    folds = [table["y"].to_numpy() for table in predicted]

    def rmse(*weights):
        return np.sqrt(np.mean((np.average(folds, axis=0, weights=weights) - truth) ** 2))

    weights = [member.weight for member in found.members]
    assert all(weights)
    assert found.fold_score == pytest.approx(rmse(*weights))
    assert [m.fold_score for m in found.members] == pytest.approx([rmse(1, 0), rmse(0, 1)])
    assert found.fold_score < min(m.fold_score for m in found.members)
    grid = min(rmse(share, 1 - share) for share in np.linspace(0, 1, 31))
    assert found.fold_score < grid + 0.002


@pytest.mark.usefixtures("noisy")
def test_folds_are_scored_apart_where_cv_scores_them_so(toy, monkeypatch):
    metric = toy.module("metric")
    monkeypatch.setattr(metric, "metric", replace(metric.metric, pooled=False))
    kept = [
        podium.cross_validate("toy", "line", params={"jitter": 2.0}, seed=seed) for seed in (1, 2)
    ]
    blend = podium.blend("toy", "seed 1", "seed 2", submit=False).blend
    assert [member.fold_score for member in blend.members] == pytest.approx(
        [validation.score for validation in kept]
    )


@pytest.mark.slow
@pytest.mark.usefixtures("noisy")
def test_missing_out_of_fold_predictions_are_made_on_request(podium_cli):
    found = podium.blend("toy", "seed 1", "seed 2", submit=False).blend
    assert found.weights == "equal"
    assert "no out-of-fold predictions yet" in found.why[0]
    done = podium_cli("blend", "toy", "seed 1", "seed 2", "--cv", "--name", "both")
    assert done.status == 0
    assert "weights chosen on out-of-fold predictions" in done.out
    assert "public rank" in done.out
    again = podium_cli("blend", "toy", "seed 1", "seed 2", "--json").json
    assert again["name"] == "both"
    assert again["blend"]["weights"] == "greedy"
    equal = podium_cli("blend", "toy", "seed 1", "seed 2", "--equal", "--no-submit")
    assert "equal weights were asked for" in equal.err
    assert "predictions/toy/demo/ana" in equal.out


def test_a_member_that_is_better_alone_is_not_handed_in_again(toy):
    podium.run("toy", "line", name="line")
    podium.run("toy", "constant", params={"value": 50.0}, name="far")
    before = podium.board("toy")
    with pytest.raises(PodiumError, match="ana/line alone is better than any blend") as refused:
        podium.blend("toy", "line", "far", cv=True)
    assert refused.value.problems[0].startswith("ana/line: out-of-fold rmse")
    assert podium.board("toy") == before
    podium.blend("toy", "line", "far", equal=True)


def test_own_model_files_are_run_for_their_team_alone(toy, workspace, monkeypatch):
    (workspace / "mine.py").write_text((toy.folder / "models/line.py").read_text())
    for seed, team in ((1, "ana"), (2, "bob")):
        podium.run("toy", "mine.py", params={"jitter": 2.0}, seed=seed, team=team, name=team)
    found = podium.blend("toy", "ana", "bob", cv=True, submit=False).blend
    (why,) = found.why
    assert "bob/bob: its model file is team bob's" in why
    podium.blend("toy", "ana", "bob", cv=True, submit=False, team="bob")
    assert podium.blend("toy", "ana", "bob", submit=False).blend.weights == "greedy"
    for file in (workspace / out_of_fold.FOLDER).rglob("*.parquet"):
        file.write_bytes(b"PAR1 damaged")
    (workspace / "mine.py").write_text("changed")
    found = podium.blend("toy", "ana", "bob", cv=True, submit=False).blend
    assert "is not here as it was" in found.why[0]


def test_the_best_of_a_search_brings_its_out_of_fold_predictions(toy):
    found = podium.tune("toy", "line", trials=3)
    podium.run("toy", "line", study=found.study, name="tuned")
    podium.run("toy", "line", params={"jitter": 0.09}, name="other")
    why = podium.blend("toy", "tuned", "other", submit=False).blend.why
    assert [line.split(":")[0] for line in why] == ["ana/other"]


def test_groups_of_ones_own_leave_nothing_for_blends(toy, workspace):
    podium.cross_validate("toy", "line", by="group")
    assert not list((workspace / out_of_fold.FOLDER).rglob("*.parquet"))
    podium.cross_validate("toy", "line")
    ready = data.load(*podium.load("toy"))
    (file,) = (workspace / out_of_fold.FOLDER).rglob("*.parquet")
    assert len(out_of_fold.read(ready, file)["y"]) == len(ready.ids("train"))


def test_who_cannot_be_a_member(files, sample, workspace, podium_cli):
    ids = {row.name: row.submission for row in podium.board("toy")}
    podium.withdraw(ids["two"], team="ana")
    board = open_board(f"sqlite:///{workspace}/leaderboard/board.sqlite")
    other = replace(record(ids["one"]), dataset="table", submission="feedfacefeed", name="away")
    board.add(other)
    (workspace / record(ids["three"]).file).unlink()
    for names, said in (
        (["one", "two"], "'two' is withdrawn"),
        (["one", "onee"], "'onee' is no submission of this board; did you mean 'one'?"),
        (["one", "zero"], "'zero' is the control 'zero'"),
        (["one", "away"], "'away' is a submission to toy/table, not to toy/demo"),
        (["one", "feedface"], "'feedface' is a submission to toy/table"),
        (["one", "three"], f"'three': {record(ids['three']).file} is missing"),
        (["one"], "two submissions or more make a blend"),
        (["one", "ana/one"], f"{ids['one']} is named 2 times"),
    ):
        with pytest.raises(BoardError, match="These cannot be blended") as refused:
            podium.blend("toy", *names)
        assert any(said in problem for problem in refused.value.problems), said
    with pytest.raises(BoardError) as refused:
        podium.blend("toy", "two", "zero", "nothing")
    assert sum(not problem.startswith("  ") for problem in refused.value.problems) == 3
    (workspace / record(ids["one"]).file).write_text("changed")
    with pytest.raises(BoardError, match="cannot be blended") as refused:
        podium.blend("toy", "one", "three")
    assert "has changed since it was handed in" in refused.value.problems[0]
    assert podium_cli("blend", "toy", "one", "nothing").status == 1


def test_a_changed_metric_makes_its_records_no_members(files, monkeypatch):
    monkeypatch.setattr("podium.competition.version.Version.name", property(lambda _: "0" * 16))
    with pytest.raises(BoardError) as refused:
        podium.blend("toy", "one", "two")
    assert "'one' is of other data, split or metric" in refused.value.problems


def test_a_blend_tells_nothing_private(files, podium_cli):
    done = podium_cli("blend", "toy", "one", "two", "three", "--json")
    found = record(done.json["submission"])
    hidden = [found.private["scores"]["rmse"], found.all["scores"]["rmse"]]
    for value in hidden:
        assert f"{value:.3f}" not in done.out + done.err
        assert f"{value:.3f}" not in str(found.provenance)


def mixed(mixer, members, weights):
    sums = {}
    for member, weight in zip(members, weights, strict=True):
        sums = added(sums, mixer.votes(member), weight)
    return mixer.mixture(sums, sum(weights))


def slices(names):
    frame = pd.DataFrame({"slice": names})
    return Part(name="test", ids=pd.RangeIndex(len(names)).astype(str), features=frame)


def labelled(text):
    return {"domain": np.array(list(text), dtype=object)}


def test_clusters_are_matched_in_each_slice_and_outvoted():
    part = slices(["s"] * 6 + ["t"] * 4)
    a = labelled("112233" + "1122")
    b = labelled("zzxxyx" + "2211")  # the same clusters by other names, but one row
    c = labelled("bbccaa" + "xxyz")  # z is left over: it is taken for what it lies in
    mixer = Mixer(competition=load("dlpfc"), part=part, first=a)
    assert "".join(mixed(mixer, [a, b, c], [1, 1, 1])["domain"]) == "1122331122"
    assert "".join(mixed(mixer, [a, b], [1, 1])["domain"]) == "1122331122"  # a tie is the first's
    assert "".join(mixed(mixer, [a, b], [1, 2])["domain"]) == "1122321122"


@pytest.mark.parametrize("sparse", [False, True])
def test_matrices_are_called_by_majority_and_observed_counts_stay(sparse):
    rng = np.random.default_rng(1)
    seen = np.where(rng.random((6, 5)) < 0.4, rng.random((6, 5)), 0.0)
    members = []
    for _ in range(3):
        guess = np.where(rng.random((6, 5)) < 0.5, rng.integers(1, 5, (6, 5)), 0)
        members.append(np.where(seen > 0, seen, guess))
    competition = load("imputation")
    counts = Counts.of({"all": (csr_array(seen), [f"g{i}" for i in range(5)])})
    part = Part(
        name="test",
        ids=pd.RangeIndex(6).astype(str),
        features=pd.DataFrame(index=range(6)),
        counts=counts,
    )
    tables = [{"count": csr_array(m) if sparse else m} for m in members]
    mixer = Mixer(competition=competition, part=part, first=tables[0])
    found = mixed(mixer, tables, [1, 1, 1])["count"].toarray()
    stack = np.array(members)
    calls = (stack > 0).sum(axis=0)
    mean = stack.sum(axis=0) / np.maximum(calls, 1)
    np.testing.assert_array_equal(
        found, np.where(seen > 0, seen, np.where(calls >= 2, mean, 0)).astype(np.float32)
    )
    two = mixed(mixer, tables[:2], [1, 1])["count"].toarray()
    both = (stack[:2] > 0).all(axis=0)
    np.testing.assert_array_equal(two > 0, both | (seen > 0))


class Edits:
    """Progress in whose second stage somebody saves another version of a model file."""

    def __init__(self, file, text):
        self.file, self.text, self.stages = file, text, 0

    def count(self, *_):
        pass

    def stage(self, _):
        self.stages += 1
        if self.stages == 2:
            self.file.write_text(self.text)


def test_out_of_fold_predictions_are_of_what_ran_whatever_the_file_holds_then(
    toy, workspace, capsys
):
    first = (toy.folder / "models/line.py").read_text()
    second = first.replace("np.clip(y, -100, 100)", "y * 0 + 7")
    mine, ready = workspace / "mine.py", data.load(*podium.load("toy"))
    mine.write_text(first)
    wanted = podium.cross_validate("toy", "line")
    found = podium.cross_validate("toy", "mine.py", progress=Edits(mine, second))
    assert "mine.py has changed since it was loaded" in capsys.readouterr().err
    assert found.card.whole.scores == wanted.card.whole.scores

    def kept():
        sha256 = file_sha256(mine)
        place = out_of_fold.place(ready, model_sha256=sha256, params=found.params, seed=0)
        return out_of_fold.read(ready, place)

    assert kept() is None  # nothing was ever trained by the second version
    mine.write_text(first)
    np.testing.assert_array_equal(kept()["y"], wanted.predictions["y"])
    podium.cross_validate("toy", "mine.py")
    assert "has changed" not in capsys.readouterr().err


def test_a_record_names_the_version_that_ran(toy, workspace, capsys):
    mine = workspace / "mine.py"
    mine.write_text((toy.folder / "models/line.py").read_text())
    ran = file_sha256(mine)

    class AtOnce(Edits):
        def count(self, *_):
            pass

        def stage(self, _):
            self.file.write_text(self.text)

    row = podium.run("toy", "mine.py", progress=AtOnce(mine, "changed")).row
    assert record(row.submission).provenance["model_sha256"] == ran
    assert "mine.py has changed since it was loaded" in capsys.readouterr().err
