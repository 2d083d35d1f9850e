"""Metrics of others, dropped in unchanged: written here as they are published."""

import numpy as np
import pandas as pd
import pytest
from test_new import given, new, only, organiser, place, problems  # noqa: F401  a fixture

import podium.competition.foreign
import podium.competition.metric
from podium import api
from podium.creating.options import NewOptions
from podium.data import dataset as data
from podium.data import tables
from podium.errors import DataError, PodiumError, SubmissionError
from podium.metrics import kaggle, mle_bench
from podium.scoring import golden
from podium.verifying import checks, verify
from podium.verifying.under_test import DatasetUnderTest
from suites import mostly_slow

WEIGHTED_ERROR = '''
"""Weighted error, as a Kaggle host writes it."""
import pandas as pd
import pandas.api.types


class ParticipantVisibleError(Exception):
    pass


def score(solution: pd.DataFrame, submission: pd.DataFrame, row_id_column_name: str) -> float:
    """
    >>> score(solution.copy(), submission.copy(), "id")
    """
    del solution[row_id_column_name]
    del submission[row_id_column_name]
    if not pandas.api.types.is_numeric_dtype(submission["value"]):
        raise ParticipantVisibleError("Submission column value must be a number")
    if submission["value"].min() < -50:
        raise ParticipantVisibleError("Negative values below -50 are not allowed")
    weight = solution["value"].abs() + 1
    error = (solution["value"] - submission["value"]).abs()
    return float((error * weight).sum() / weight.sum())
'''

GRADED_F1 = """

import pandas as pd
from sklearn.metrics import f1_score

from mlebench.grade_helpers import InvalidSubmissionError


def prepare_for_metric(submission: pd.DataFrame, answers: pd.DataFrame):
    if "grade" not in submission.columns:
        raise InvalidSubmissionError("Submission must have a grade column")
    submission = submission.sort_values("row_id")
    answers = answers.sort_values("row_id")
    if (submission["row_id"].values != answers["row_id"].values).any():
        raise InvalidSubmissionError("Submission and Answers `row_id`'s do not match")
    return submission["grade"].to_numpy(), answers["grade"].to_numpy()


def grade(submission: pd.DataFrame, answers: pd.DataFrame) -> float:
    y_pred, y_true = prepare_for_metric(submission, answers)
    if "excellent" in set(y_pred):
        raise InvalidSubmissionError("There is no grade 'excellent'")
    return f1_score(y_true, y_pred, average="macro", zero_division=0)
"""

RANKED = """
import pandas as pd
import kaggle_metric_utilities
from sklearn.metrics import roc_auc_score


def score(solution: pd.DataFrame, submission: pd.DataFrame, row_id_column_name: str,
          weight: float = 1.0) -> float:
    del solution[row_id_column_name]
    del submission[row_id_column_name]
    if submission["ill"].nunique() == 3:
        raise kaggle_metric_utilities.ParticipantVisibleError("Three values are too few")
    if submission["ill"].nunique() == 4:
        broken = {}["no such thing"]
    return weight * roc_auc_score(solution["ill"].astype(int), submission["ill"])
"""

PUBLISHED = {
    "error": ("value", "mae", WEIGHTED_ERROR, "id"),
    "f1": ("grade", "f1_macro", GRADED_F1, "row_id"),
    "auc": ("ill", "auc", RANKED, "id"),
}


def put(place, text, row_id, metric):  # noqa: F811
    """Put a published file in the place of metric.py."""
    folder = place / "competitions" / "mine"
    (folder / "metric.py").write_text(text)
    (folder / "golden.json").unlink()  # as `podium freeze` would make it anew
    facts = (folder / "competition.py").read_text()
    first = facts.index("scores=(")
    scores = facts[first : facts.index("    datasets=")]
    lower = metric == "mae"
    better = ", higher_is_better=False, perfect=0.0" if lower else ""
    facts = facts.replace(scores, f'scores=(Score(name="{metric}", title="theirs"{better}),),\n')
    (folder / "competition.py").write_text(
        facts.replace("    summary=", f'    metric_id="{row_id}",\n    summary=')
    )


@pytest.fixture
def published(place, own_cache):  # noqa: F811
    def make(which):
        target, metric, text, row_id = PUBLISHED[which]
        new(NewOptions("mine", table=place / f"{target}.csv", target=target, metric=metric))
        put(place, text, row_id, metric)
        api.freeze("mine")
        return api.load("mine")

    return make


@pytest.mark.slow
@pytest.mark.parametrize("which", mostly_slow(PUBLISHED, 0))
def test_a_published_file_is_a_metric_unchanged(published, which):
    competition, dataset = published(which)
    ready = DatasetUnderTest(competition, dataset)
    expected = ready.solution.score(ready.solution.targets)["public"].whole
    assert expected.scores[competition.primary.name] == competition.primary.perfect
    assert expected.groups <= 64
    assert api.run("mine", "constant").row is not None


@pytest.mark.slow
@pytest.mark.parametrize("which", PUBLISHED)
def test_a_published_file_passes_verify(published, which):
    published(which)
    assert problems(verify.verify("mine")) == []


def test_their_refusals_are_ours(published):
    competition, dataset = published("auc")
    case = DatasetUnderTest(competition, dataset)
    three = case.sample.assign(ill=np.resize([0.1, 0.2, 0.3], len(case.sample)))
    with pytest.raises(SubmissionError, match="Three values are too few"):
        case.score(three)
    four = case.sample.assign(ill=np.resize([0.1, 0.2, 0.3, 0.4], len(case.sample)))
    with pytest.raises(PodiumError) as error:
        case.score(four)
    assert "metric.py, line" in str(error.value)
    assert "the organiser's to mend" in str(error.value)


def test_rows_are_aligned_before_they_see_them():
    seen = {}

    def score(solution, submission, row_id_column_name):
        seen["ids"] = (solution[row_id_column_name] == submission[row_id_column_name]).all()
        seen["kinds"] = submission["label"].dtype.kind
        submission["label"] = 0  # theirs to spoil
        return float((solution["x"] - submission["x"]).abs().mean())

    labels = np.array(["1", "2", "3"], dtype=object)
    truth = {"x": np.arange(3.0), "label": labels}
    said = {"x": np.arange(3.0) + 1, "label": labels}
    assert kaggle(score).score(truth, said) == {"score": 1.0}
    assert seen == {"ids": True, "kinds": "i"}
    assert said["label"].tolist() == ["1", "2", "3"]
    assert mle_bench(lambda said, truth: len(said), name="n").score(truth, said) == {"n": 3.0}


KEPT = """
import builtins

import pandas as pd


def score(solution: pd.DataFrame, submission: pd.DataFrame, row_id_column_name: str) -> float:
    builtins.seen = getattr(builtins, "seen", []) + [(solution.copy(), submission.copy())]
    assert list(solution[row_id_column_name]) == list(submission[row_id_column_name])
    hits = solution["grade"] == submission["grade"]
    return float((hits * solution["weight"]).sum() / solution["weight"].sum())
"""


@pytest.fixture
def seen(monkeypatch):
    """What a metric was given, call by call."""
    import builtins

    calls = []
    monkeypatch.setattr(golden, "check", lambda *_: None)  # which asks the metric, too
    monkeypatch.setattr(builtins, "seen", calls, raising=False)
    yield lambda: builtins.seen
    builtins.seen = calls


def weighted(place, labels, **more):  # noqa: F811
    """A Kaggle-style set whose solution has weights, truth values and texts beside the answers."""
    rows = only("grade").drop(columns="grade")
    rng = np.random.default_rng(1)
    rows["grade"] = rng.choice(labels, len(rows))
    train, test = rows[:280], rows[280:]
    train.to_csv("train.csv", index=False)
    test.drop(columns="grade").to_csv("test.csv", index=False)
    test[["id"]].assign(grade=labels[0]).to_csv("sample.csv", index=False)
    solution = test[["id", "grade"]].assign(
        weight=rng.choice([0.2, 0.7, 1.9], len(test)),
        hard=rng.random(len(test)) < 0.5,
        site=rng.choice(["NA", "Bern", "None"], len(test)),
        count=rng.integers(0, 9, len(test)),
    )
    usage = np.resize(["Public", "Private", "Ignored"], len(test))
    solution.assign(Usage=usage).to_csv("solution.csv", index=False)
    files = {"table": "train", "test": "test", "sample": "sample", "solution": "solution"}
    paths = {flag: place / f"{name}.csv" for flag, name in files.items()}
    new(NewOptions("mine", metric="accuracy", target="grade", **paths, **more))
    put(place, KEPT, "id", "accuracy")
    return solution[usage != "Ignored"].set_index("id"), DatasetUnderTest(*api.load("mine"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "kind"),
    mostly_slow([([1, 2, 3], "i"), ([True, False], "b"), (["1", "01", "NA"], "U")], 0),
)
def test_a_metric_is_given_the_solution_whole_and_in_its_types(
    place,  # noqa: F811
    own_cache,
    seen,
    labels,
    kind,
):
    solution, case = weighted(place, labels)
    ids = [int(name) for name in case.data.ids("test").to_pylist()]
    rows = solution.loc[ids]
    said = np.resize(np.array([str(name) for name in labels], dtype=object), len(ids))
    found = case.solution.score({"grade": said})["all"].whole
    hits = rows["grade"].astype(str).to_numpy() == said
    assert found.scores["accuracy"] == pytest.approx(np.average(hits, weights=rows["weight"]))
    whole, theirs = next(pair for pair in seen() if len(pair[0]) == len(ids))
    assert whole["id"].tolist() == theirs["id"].tolist() == ids
    assert list(whole.columns) == ["id", "grade", "weight", "hard", "site", "count"]
    assert list(theirs.columns) == ["id", "grade"]
    assert whole["grade"].tolist() == rows["grade"].tolist()
    for name, letter in {"weight": "f", "hard": "b", "count": "i", "site": "U"}.items():
        assert whole[name].tolist() == rows[name].tolist()
        assert np.asarray(whole[name].tolist()).dtype.kind == letter
    assert {one[side]["grade"].dtype for one in seen() for side in (0, 1)} == {whole["grade"].dtype}
    assert np.asarray(whole["grade"].tolist()).dtype.kind == kind
    part = min((pair for pair in seen()), key=lambda pair: len(pair[0]))[0]  # without a bucket
    assert len(part) < len(ids)
    assert part["weight"].tolist() == rows.loc[part["id"], "weight"].tolist()
    assert part.index.tolist() == list(range(len(part)))


@pytest.mark.slow
def test_the_type_of_a_column_does_not_follow_from_some_rows(place, own_cache, seen):  # noqa: F811
    _, case = weighted(place, [1, 2, 3])
    rows = len(case.data.ids("test"))
    said = np.array(["unknown", *["1"] * (rows - 1)], dtype=object)
    case.solution.score({"grade": said})
    assert len(seen()) > 64
    assert {str(pair[1]["grade"].dtype) for pair in seen()} == {"str"}


def test_columns_of_objects_keep_their_fractions():
    truth = {"y": np.arange(3.0), "w": np.array([0.2, 0.7, 1.9], dtype=object)}

    def score(solution, submission, row_id_column_name):
        assert solution["w"].dtype == float
        error = (solution["y"] - submission["y"]).abs()
        return float((error * solution["w"]).sum() / solution["w"].sum())

    said = {"y": np.array([0.0, 2.0, 2.5])}
    assert kaggle(score).score(truth, said)["score"] == pytest.approx((0.7 + 0.95) / 2.8)


TYPES = [
    ([1, 2, 3], ["1", "2", "3"], [1, 2, 3]),
    ([1, 2, 3], ["1", "02", "3"], ["1", "02", "3"]),
    ([1.0, 2.0, 3.0], ["1", "2", "3"], [1.0, 2.0, 3.0]),
    ([True, False, True], ["True", "True", "False"], [True, True, False]),
    ([True, False, True], ["1", "0", "1"], ["1", "0", "1"]),
    (["a", "b", "c"], ["1", "2", "3"], ["1", "2", "3"]),
    ([1, 2, 3], [1.0, 2.0, 3.0], [1, 2, 3]),
    ([1, 2, 3], [1.0, 2.5, 3.0], [1.0, 2.5, 3.0]),
    ([1, 2, 3], [1e300, 2.0, 3.0], [1e300, 2.0, 3.0]),
    ([True, False, True], [1.0, 0.0, 1.0], [1.0, 0.0, 1.0]),
    ([0.5, 1.5, 2.5], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
    (np.array([1, 2, 3], np.uint8), ["300", "-1", "2"], ["300", "-1", "2"]),
    (np.array([1, 2, 3], np.uint8), ["3", "1", "2"], [3, 1, 2]),
    (np.array([1, 2, 3], np.float32), ["16777217", "1", "2"], ["16777217", "1", "2"]),
]


@pytest.mark.parametrize(("answers", "said", "expected"), TYPES)
def test_predictions_come_in_the_type_of_the_answers(answers, said, expected):
    given = {}

    def grade(submission, answers):
        given.update(said=submission["y"].tolist(), answers=answers["y"].tolist())
        return 0.0

    rows = podium.competition.foreign.answer_rows(
        *(["7", "8", "9"], pd.DataFrame({"y": answers}), pd.DataFrame(), None)
    )
    texts = isinstance(said[0], str)
    truth = {"y": np.array(answers), podium.competition.metric.ANSWERS: rows}
    mle_bench(grade).score(truth, {"y": np.array(said, dtype=object if texts else float)})
    assert given == {"said": expected, "answers": list(answers)}
    assert [type(value) for value in given["said"]] == [type(value) for value in expected]


STOCK = """
import pandas as pd
from sklearn.metrics import mean_absolute_error


def score(solution: pd.DataFrame, submission: pd.DataFrame, row_id_column_name: str) -> float:
    del solution[row_id_column_name]
    del submission[row_id_column_name]
    weight = solution.pop("weight") if "weight" in solution else None
    return mean_absolute_error(solution, submission, sample_weight=weight)
"""


@pytest.mark.slow
def test_a_table_gives_its_answers_alone_and_the_columns_that_are_named(
    place,  # noqa: F811
    own_cache,
):
    only("value").assign(weight=np.resize([0.2, 0.7, 1.9], 400)).to_csv("rows.csv", index=False)
    new(NewOptions("mine", table=place / "rows.csv", target="value", metric="mae"))
    put(place, STOCK, "id", "mae")
    plain = DatasetUnderTest(*api.load("mine"))
    said = np.arange(80) / 40
    rows = pd.read_csv("rows.csv").set_index("id")
    truth = rows.loc[[int(name) for name in plain.data.ids("test").to_pylist()]]
    error = np.abs(truth["value"].to_numpy() - said)
    found = plain.solution.score({"value": said})["all"].whole.scores["mae"]
    assert found == pytest.approx(error.mean())
    given(place, 'GIVEN = ["weight"]', "GIVEN: list[str] = []")
    named = DatasetUnderTest(*api.load("mine"))
    found = named.solution.score({"value": said})["all"].whole.scores["mae"]
    assert found == pytest.approx(np.average(error, weights=truth["weight"]))
    assert api.cross_validate("mine", "constant").card.whole.scores["mae"] > 0
    assert list(checks.a_metric_of_others_scores_as_by_itself(named)) == []


@pytest.mark.slow
def test_columns_of_metric_by_keep_their_types_and_verify_tells(
    place,  # noqa: F811
    own_cache,
    monkeypatch,
):
    only("value").assign(weight=np.resize([0.2, 0.7, 1.9], 400)).to_csv("rows.csv", index=False)
    new(NewOptions("mine", table=place / "rows.csv", target="value", metric="mae"))
    put(place, STOCK, "id", "mae")
    facts = place / "competitions" / "mine" / "competition.py"
    facts.write_text(
        facts.read_text().replace("    summary=", '    metric_by=("weight",),\n    summary=')
    )
    with pytest.raises(PodiumError, match="metric_by of mine names 'weight': `groups` of"):
        given(place, "", "        answers=tables.answers(given),\n")
    code = place / "competitions" / "mine" / "data.py"
    code.write_text(code.read_text().replace('["id", TARGET]', '["id", TARGET, "weight"]'))
    given(place, 'row=labelled["id"], weight=labelled["weight"]', 'row=labelled["id"]')
    case = DatasetUnderTest(*api.load("mine"))
    assert not case.data.has("solution/answers.parquet")
    ids = [int(name) for name in case.data.ids("test").to_pylist()]
    truth = pd.read_csv("rows.csv").set_index("id").loc[ids]
    said = np.arange(80) / 40
    found = case.solution.score({"value": said})["all"].whole.scores["mae"]
    error = np.abs(truth["value"].to_numpy() - said)
    assert found == pytest.approx(np.average(error, weights=truth["weight"]))
    assert list(checks.a_metric_of_others_scores_as_by_itself(case)) == []
    rows = podium.competition.foreign.answer_rows

    def cut(ids, targets, more, given):
        return rows(ids, targets, more.astype(np.int64), given)

    monkeypatch.setattr(podium.competition.foreign, "answer_rows", cut)
    monkeypatch.setattr(golden, "check", lambda *_: None)  # it would tell first
    told = list(checks.a_metric_of_others_scores_as_by_itself(DatasetUnderTest(*api.load("mine"))))
    assert len(told) == 1
    assert "when it is called by itself" in told[0]


def test_answers_are_part_of_the_fingerprint_where_there_are_any():
    table = pd.DataFrame({"id": ["1", "2"], "y": [1.0, 2.0]})
    names = dict.fromkeys(("features", "targets", "groups"), table)
    plain = data.fingerprint(data.Prepared(**names))
    kinds = {
        data.fingerprint(data.Prepared(**names, answers=table.assign(w=values)))
        for values in ([1.0, 2.0], [1, 2], [1.0, 2.5])
    }
    assert plain.startswith("1d3376528d01acb2")  # as before there were any
    assert len({plain, *kinds}) == 4


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["given[5:]", "given, given[:1]"])
def test_answer_rows_are_there_once(place, own_cache, fault):  # noqa: F811
    new(NewOptions("mine", table=place / "value.csv", target="value", metric="mae"))
    with pytest.raises(DataError, match="must have each test row once"):
        given(place, f"answers=tables.answers({fault})", "answers=tables.answers(given)")


def test_a_row_without_a_label_leaves_the_others_their_type():
    train = pd.DataFrame({"id": ["7", "8"], "grade": ["1", "2"], "w": [0.5, 1.5]})
    opened = pd.DataFrame({"id": ["9"], "grade": [None], "w": [2.5]})
    found = tables.answers(train, opened, label="grade")
    assert found["grade"].tolist() == [1, 2]
    assert found["id"].tolist() == [7, 8]
    assert found["w"].tolist() == [0.5, 1.5]


def test_labels_of_all_answer_rows_are_read_at_once():
    train = pd.DataFrame({"id": ["7", "8"], "grade": ["2.0", "x"]})
    solution = pd.DataFrame({"id": ["9"], "grade": ["2.0"]})
    found = tables.answers(train, solution, label="grade")
    assert found["grade"].tolist() == ["2.0", "x", "2.0"]
