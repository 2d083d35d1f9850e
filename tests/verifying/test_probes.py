"""Leak probes: each planted fault is found by its probe, and by no other."""

import numpy as np
import pandas as pd
import pytest

import podium.competitions
from podium import api
from podium.competition import folders as competition
from podium.competition import version
from podium.competition.contract import Score, Target
from podium.data import dataset as data
from podium.data.dataset import Prepared
from podium.scoring import golden
from podium.verifying import checks, verify
from podium.verifying.probes import features, helpers, identity, scores
from podium.verifying.probes.minhash import nearest, sketch
from podium.verifying.under_test import DatasetUnderTest
from suites import mostly_slow

DATES = pd.date_range("2024-01-01", periods=300, freq="h")


def clean(rng):
    """300 rows whose features mean something and tell nothing else."""
    ids = pd.Series([f"r{row:03d}" for row in range(300)])
    x = rng.normal(size=(300, 4)).round(3)
    features = pd.DataFrame(x, columns=["x", "u", "v", "w"])
    features.insert(0, "id", ids)
    features["kind"] = rng.choice(["odd", "even"], 300)
    features["letters"] = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(300)]
    features["note"] = [" ".join(rng.choice(WORDS, 12)) for _ in range(300)]
    features["plate"] = [f"plate {n}" for n in rng.integers(0, 40, 300)]
    groups = pd.DataFrame({"id": ids, "group": [f"g{row % 30}" for row in range(300)]})
    y = (2 * x[:, 0] + rng.normal(size=300)).round(3)
    return Prepared(features=features, targets=pd.DataFrame({"id": ids, "y": y}), groups=groups)


WORDS = [f"{a}{b}" for a in ("red", "dog", "sky", "fen") for b in ("ly", "ing", "ed", "ous", "er")]


def copied(table, rng, change):
    """The same with each third row made of the one before it; which lie in other parts."""
    found = table.copy()
    there = np.arange(2, 300, 3)
    for name in table.columns[1:]:
        found.loc[there, name] = change(table.loc[there - 1, name], rng).to_numpy()
    return found


def near(column, rng):
    """Almost the same numbers; texts are others."""
    if column.dtype.kind == "f":
        return column + rng.normal(size=len(column)) * 1e-3
    return column.sample(frac=1, random_state=1)


def loud(column, rng):
    return column if column.dtype.kind == "f" else " " + column.str.upper() + " "


def mutated(letters, rng):
    """One letter of each sequence is another."""
    place = int(rng.integers(5, 25))
    return letters[:place] + "ACGT"["ACGT".index(letters[place]) - 1] + letters[place + 1 :]


def base(number):
    """A number in letters, as short ids have it; always four."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return "".join(letters[number // 26**place % 26] for place in (3, 2, 1, 0))


def plant(fault, rng):
    found = clean(rng)
    features, targets = found.features, found.targets
    y, row = targets["y"], np.arange(300)
    if fault == "order":
        targets["y"] = (row / 50 - 3 + rng.normal(size=300)).round(3)
    elif fault == "length":
        features["note"] = ["a" * int(12 + 3 * value) + str(n) for n, value in enumerate(y)]
    elif fault == "missing":
        features["w"] = features["w"].where(y < 0)
    elif fault == "same rows":
        features = copied(features, rng, lambda column, rng: column)
    elif fault == "loud rows":
        features = copied(features, rng, loud)
    elif fault == "near rows":
        features = copied(features, rng, near)
    elif fault == "sequences":
        there = np.arange(2, 300, 3)
        old = features["letters"].to_numpy(object)
        features.loc[there, "letters"] = [mutated(old[n - 1], rng) for n in there]
    elif fault == "notes":
        there = np.arange(2, 300, 3)
        features.loc[there, "note"] = (features["note"].to_numpy(object)[there - 1]) + " end"
    elif fault == "plates":
        effect = dict(zip(features["plate"].unique(), 4 * rng.normal(size=40), strict=False))
        targets["y"] = (y + features["plate"].map(effect)).round(3)
    elif fault == "copy":
        features["v"] = np.exp(y / 3)
    elif fault == "short length":
        features["kind"] = ["a" * int(value) for value in np.clip(np.round(y + 6), 1, 12)]
    elif fault == "time":
        features["when"] = (DATES[0] + pd.to_timedelta(y * 10, unit="h")).dt.strftime("%FT%T")
    elif fault == "decimals":
        digits = np.clip(np.round(y + 4), 0, 8).astype(int)
        features["w"] = [round(value, d) for value, d in zip(rng.random(300), digits, strict=True)]
    elif fault == "numbers as text":
        features["v"] = [f"{value:.3f}" for value in y]
    elif fault == "pair":
        features["v"] = rng.normal(size=300)
        features["w"] = y - features["v"]
    return Prepared(features=features, targets=targets, groups=found.groups)


FOUND = {
    "order": ("ids_and_order_tell_nothing", "ids and row order alone score"),
    "short length": ("metadata_tell_little", "missing values alone score"),
    "decimals": ("metadata_tell_little", "missing values alone score"),
    "time": ("no_feature_is_the_target", "the feature 'when' as a time gives 'y' away"),
    "numbers as text": ("no_feature_is_the_target", "the feature 'v' as a number gives 'y' away"),
    "pair": ("no_feature_is_the_target", "the features 'v' and 'w' together give 'y' away"),
    "length": ("metadata_tell_little", "missing values alone score"),
    "missing": ("metadata_tell_little", "missing values alone score"),
    "same rows": ("no_test_row_is_in_train", "have all features of a train row"),
    "loud rows": ("no_test_row_is_in_train", "but for case, spaces"),
    "near rows": ("no_test_row_is_in_train", "almost the numbers of a train row"),
    "sequences": ("no_test_text_is_nearly_in_train", "a letters that trains, or nearly so"),
    "notes": ("no_test_text_is_nearly_in_train", "a note that trains, or nearly so"),
    "plates": ("groups_stay_together", "values of 'plate'"),
    "copy": ("no_feature_is_the_target", "the feature 'v' gives 'y' away"),
}
ALSO = {
    "order": {"metadata_tell_little", "no_constant_beats_the_controls"},  # test rows come early
    "numbers as text": {"metadata_tell_little"},
    "near rows": {"no_test_text_is_nearly_in_train"},
    "same rows": {"no_test_text_is_nearly_in_train"},
}
"""What else a fault shows in, truly."""


@pytest.fixture
def case(own_cache, monkeypatch):
    """Gives the toy with other data, a fault planted in them."""

    def make(fault="", **facts):
        toy = competition.load("toy")
        for name, value in facts.items():
            monkeypatch.setitem(toy.__dict__, name, value)
        rng = np.random.default_rng(5)
        monkeypatch.setattr(toy.module("simulate"), "demo", lambda: plant(fault, rng))
        monkeypatch.setattr(version, "checksums", lambda competition: {})
        monkeypatch.setattr(golden, "check", lambda *_: None)  # of the toy's own data
        return DatasetUnderTest(*api.load("toy"))

    return make


def found(case):
    """What each probe says: problems and notes."""
    verdicts = {probe.__name__: verify.judged(case, probe) for probe in verify.PROBES}
    return {name: v.problem or v.note for name, v in verdicts.items() if v.problem or v.note}


def test_ids_in_letters_that_are_ranks_of_the_target_are_found(case, monkeypatch):
    """Numbers in ids are seen at once; these have none."""
    planted = clean(np.random.default_rng(5))
    rank = planted.targets["y"].rank(method="first").astype(int)
    names = dict(zip(planted.targets["id"], map(base, rank * 77), strict=True))
    renamed = {
        name: table.assign(id=table["id"].map(names))
        for name, table in vars(planted).items()
        if name in ("features", "targets", "groups")
    }
    one = case()
    monkeypatch.setattr(one.competition.module("simulate"), "demo", lambda: Prepared(**renamed))
    split = pd.read_csv(one.competition.folder / "splits" / "demo.csv", keep_default_na=False)
    table = split.assign(id=split["id"].map(names)).to_csv(index=False).encode()
    monkeypatch.setattr(data, "split_table", lambda *_: table)
    assert "ids and row order alone score" in found(one)["ids_and_order_tell_nothing"]


def test_pairs_that_make_the_target_are_known():
    rng = np.random.default_rng(0)
    a, b, c = np.exp(rng.normal(size=(3, 500)))
    table = pd.DataFrame({"a": a, "b": b, "c": c, "d": np.where(a > 1, np.nan, 1.0), "e": a})
    for answers in (a + b, b - 3 * a + 7, a * b, a / b, np.round(a + b, 1)):
        assert set(features._making(table, answers)) == {"'a' and 'b'", "'b' and 'e'"}
    for answers in (a, a + b + c, a + b + rng.normal(size=500)):
        assert list(features._making(table, answers)) == []


def test_decimals_are_counted():
    column = pd.Series([1.0, 0.5, -0.25, 1e-8, np.pi, np.nan, np.inf, 1e20, 100.1])
    assert helpers.decimals(column).tolist() == [0, 1, 2, 8, 9, 9, 0, 0, 1]


def test_clean_data_are_clean(case):
    assert found(case()) == {}


@pytest.mark.parametrize("fault", mostly_slow(FOUND, 0, 2, 3, 7, 10, 12, 13, 14))
def test_a_planted_fault_is_found_by_its_probe(case, fault):
    name, words = FOUND[fault]
    said = found(case(fault))
    assert words in said.pop(name)
    assert set(said) <= ALSO.get(fault, set()), said


def test_a_verdict_says_what_to_do(case):
    verdict = verify.judged(case("copy"), features.no_feature_is_the_target)
    assert verdict.advice == "take the column out of the features in data.py"


def test_what_is_meant_to_be_is_accepted_with_its_reason(case):
    why = {"no feature is the target": "it is a joke"}
    verdict = verify.judged(case("copy", accepted=why), features.no_feature_is_the_target)
    assert verdict.problem == ""
    assert verdict.skipped.startswith("accepted: it is a joke (the feature 'v'")
    odd = case("copy", accepted={"no such check": "?"})
    assert "accepted names no check: 'no such check'" in list(verify.facts_are_complete(odd))
    odd = case("copy", optional={"nothing": 0})
    assert "optional names no feature: 'nothing'" in list(verify.facts_are_complete(odd))
    for value, words in (("many", "numbers expected"), (None, None)):
        odd = case("copy", optional={"x": value})
        said = [one for one in verify.facts_are_complete(odd) if one.startswith("optional, 'x'")]
        assert [words in one for one in said] == [True] * (words is not None)


def test_a_control_that_a_constant_beats_is_told(case):
    toy = competition.load("toy")
    control = type(toy.controls[0])(name="fifty", model="constant", params={"value": 50.0})
    said = found(case(controls=(control,)))
    assert set(said) >= {"no_constant_beats_the_controls"}
    assert "the best control 49.7" in said["no_constant_beats_the_controls"]


def test_a_score_in_the_wrong_direction_is_told(case):
    facts = (Score(name="rmse", title="RMSE"), Score(name="mae", title="MAE"))
    said = list(scores.worse_predictions_score_worse(case(scores=facts)))
    assert len(said) == 1
    assert said[0].startswith("the answers, a third mixed up, all mixed up: 0, ")


def test_a_target_without_a_range_is_noted(case):
    said = found(case(targets=(Target(name="y"),)))
    assert said == {
        "no_constant_beats_the_controls": "y has no range: any finite number is scored; give low "
        "and high"
    }


def test_answers_in_the_public_folder_are_told(case):
    planted = case()
    (planted.data.folder / "public" / "solution.csv").write_text("id,y\n")
    assert list(checks.answers_are_apart(planted)) == ["unexpected public files: ['solution.csv']"]


@pytest.mark.parametrize(
    ("column", "copy"),
    [
        (["a"] * 20 + ["b"] * 20, True),
        ([0.5] * 20 + [7.5] * 20, True),
        (list(range(40)), True),
        (["a", "b"] * 20, False),
        ([1.0, 2.0] * 20, False),
        ([f"name {n}" for n in range(40)], False),
    ],
)
def test_a_copy_of_labels_is_known(column, copy):
    answers = np.array(["no"] * 20 + ["yes"] * 20, dtype=object)
    assert features._is_copy(pd.Series(column), answers, Target(name="y", label=True)) == copy


def test_sketches_estimate_what_sets_of_kmers_share():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACGT"), 300)) for _ in range(50)]
    changed = [mutated(text, rng) for text in texts]
    alike, other = nearest(sketch(changed, 8), sketch(texts, 8))
    assert (other == np.arange(50)).all()
    true = []
    for a, b in zip(texts, changed, strict=True):
        first, second = ({t[n : n + 8] for n in range(len(t) - 7)} for t in (a, b))
        true.append(len(first & second) / len(first | second))
    assert alike.mean() == pytest.approx(np.mean(true), abs=0.03)
    strangers, _ = nearest(sketch(texts[:25], 8), sketch(texts[25:], 8))
    assert strangers.max() < 0.2
    assert sketch(["", "A", "ACG"], 8).shape == (3, 32)


@pytest.mark.slow
def test_a_metric_that_prefers_any_guess_to_a_constant_raises_no_alarm(workspace, monkeypatch):
    """By macro F1 trees that learnt nothing score .52 of these rows, the most common label .37."""
    from sklearn.datasets import load_breast_cancer

    monkeypatch.setenv("PODIUM_WORKSPACE", str(workspace))
    roots = [*podium.competitions.__path__, str(workspace / "competitions")]
    monkeypatch.setattr(podium.competitions, "__path__", roots)
    table = load_breast_cancer(as_frame=True)
    rows = table.data.assign(target=[str(table.target_names[code]) for code in table.target])
    rows.insert(0, "id", np.random.default_rng(0).permutation(len(rows)))
    rows.sample(frac=1, random_state=1).to_csv("cells.csv", index=False)
    wanted = {"target": "target", "metric": "f1_macro", "split": "random"}
    api.new("cells", table="cells.csv", **wanted)
    case = DatasetUnderTest(*api.load("cells"))
    for probe in (identity.ids_and_order_tell_nothing, identity.metadata_tell_little):
        assert list(probe(case)) == []
