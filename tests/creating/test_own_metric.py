"""Metric files of others given to `podium new`: graders of the usual shapes, written here."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_new import new, only, organiser, place, problems  # noqa: F401  a fixture

from podium import api
from podium.creating.options import NewOptions
from podium.creating.spec import specify
from podium.errors import DataError
from podium.scoring import submission
from podium.verifying import checks, verify
from podium.verifying.under_test import DatasetUnderTest
from suites import mostly_slow

HEAD = """
import numpy as np
import pandas as pd

from mlebench.grade_helpers import InvalidSubmissionError
"""
AUC = """
from sklearn.metrics import roc_auc_score

from mlebench.competitions.utils import prepare_for_auroc_metric


def grade(submission, answers):
    both = prepare_for_auroc_metric(submission, answers, id_col="key", target_col="y")
    return roc_auc_score(both["y_true"], both["y_score"])
"""
KAPPA = f"""{HEAD}
from sklearn.metrics import cohen_kappa_score


def grade(submission, answers):
    if set(submission["key"]) != set(answers["key"]):
        raise InvalidSubmissionError("other keys")
    said, true = submission.sort_values("key"), answers.sort_values("key")
    return cohen_kappa_score(said["y"], true["y"], weights="quadratic")
"""
WHOLE = f"""{HEAD}
from sklearn.metrics import f1_score


def grade(submission, answers):
    return f1_score([int(y) for y in answers["y"]], [int(y) for y in submission["y"]],
                    average="macro")
"""
RANKED = f"""{HEAD}
from mlebench.metrics import mean_average_precision_at_k


def grade(submission, answers):
    if set(submission.columns) != {{"key", "y"}}:
        raise InvalidSubmissionError("two columns, please")
    true = answers["y"].astype(str).str.split(" ").apply(set).tolist()
    return mean_average_precision_at_k(true, submission["y"].astype(str).str.split(" ").tolist(), 5)
"""
COLUMNS = f"""{HEAD}
from .names import NAMES


def grade(submission, answers):
    assert set(answers.columns) == {{"key", *NAMES}}, "other columns"
    errors = [((submission[n] - answers[n]) ** 2).mean() ** 0.5 for n in NAMES]
    return np.mean(errors)
"""
WORDS = f"""{HEAD}
from mlebench.utils import get_logger

logger = get_logger(__name__)


def grade(submission, answers):
    said, true = (side["y"].fillna("").str.split().apply(set) for side in (submission, answers))
    return np.mean([len(a & b) / max(1, len(a | b)) for a, b in zip(said, true, strict=True)])
"""
WEIGHTED = """
def score(solution, submission, row_id_column_name):
    del solution[row_id_column_name]
    return float(((solution["y"] - submission["y"]).abs() * solution["w"]).mean())
"""
ROWS = 120


def rows(kind):
    """Rows with a key, a feature, something to predict, weights and a part."""
    rng = np.random.default_rng(0)
    words = [" ".join(rng.permutation(["a", "b", "c", "d"])[: n % 4]) for n in range(ROWS)]
    y = {
        "01": rng.integers(0, 2, ROWS),
        "classes": rng.integers(1, 6, ROWS),
        "number": rng.normal(size=ROWS).round(3),
        "words": words,
        "long": [f"{word} " + "x" * 1500 for word in words],
    }[kind]
    table = pd.DataFrame({"key": [f"k{n}" for n in rng.permutation(ROWS)], "x": rng.random(ROWS)})
    return table.assign(y=y, z=rng.random(ROWS).round(3), w=rng.choice([0.5, 2.0], ROWS))


def wish(text, kind, **more):
    Path("grade.py").write_text(text)
    rows(kind).to_csv("rows.csv", index=False)
    flags = {"target": "y", "row_id": "key", "metric": "grade.py"} | more
    return NewOptions("mine", table="rows.csv", **flags)


SHAPES = {
    "auc": (AUC, "01", "number", True),
    "kappa": (KAPPA, "classes", "label", True),
    "whole numbers": (WHOLE, "classes", "label", True),
    "ranked": (RANKED, "classes", "text", True),
    "words": (WORDS, "words", "text", True),
    "long words": (WORDS, "long", "text", True),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_metric_takes_and_which_way_it_runs_is_found_out(place, shape):  # noqa: F811
    text, kind, expected, higher = SHAPES[shape]
    spec = specify(wish(text, kind))
    assert spec.kind == expected
    assert spec.known.higher_is_better is higher
    assert spec.perfect == (None if shape == "words" else 1)


def test_several_columns_and_a_module_beside_the_file(place, own_cache):  # noqa: F811
    (place / "names.py").write_text('NAMES = ["y", "z"]\n')
    new(wish(COLUMNS, "number", target=["y", "z"]))
    folder = place / "competitions" / "mine"
    assert (folder / "metric.py").read_text() == COLUMNS
    assert (folder / "names.py").is_file()
    case = DatasetUnderTest(*api.load("mine"))
    assert not case.competition.primary.higher_is_better
    assert list(checks.a_metric_of_others_scores_as_by_itself(case)) == []
    said = {"y": np.zeros(24), "z": np.ones(24)}
    truth = rows("number").set_index("key").loc[case.data.ids("test").to_pylist()]
    errors = [np.mean((truth["y"] - 0) ** 2) ** 0.5, np.mean((truth["z"] - 1) ** 2) ** 0.5]
    assert case.estimate(said).scores["score"] == pytest.approx(np.mean(errors))


def test_columns_for_the_metric_are_given_and_are_no_features(place, own_cache):  # noqa: F811
    new(wish(WEIGHTED, "number", given=["w"]))
    case = DatasetUnderTest(*api.load("mine"))
    assert list(checks.a_metric_of_others_scores_as_by_itself(case)) == []
    assert list(case.data.train().features) == ["x", "z"]


def test_texts_may_be_long_or_empty_and_files_have_the_ids_of_the_organiser(
    place,  # noqa: F811
    own_cache,
):
    new(wish(WORDS, "long"))
    case = DatasetUnderTest(*api.load("mine"))
    ids = case.data.ids("test").to_pylist()
    said = pd.DataFrame({"key": ids, "y": ["", "a " + "y" * 2000, *["a b"] * (len(ids) - 2)]})
    said.to_csv("said.csv", index=False)
    said.to_parquet("said.parquet")
    for name in ("said.csv", "said.parquet"):
        taken = submission.check(place / name, case.data)
        assert taken["y"].tolist() == said["y"].tolist()
    assert list(checks.a_metric_of_others_scores_as_by_itself(case)) == []
    assert list(checks.perfect_beats_controls(case)) == []


def test_a_sample_of_the_set_is_taken_with_its_ignored_rows(place, own_cache):  # noqa: F811
    new(
        NewOptions(
            "mine",
            table=place / "train.csv",
            test=place / "test.csv",
            sample=place / "sample_submission.csv",
            solution=place / "solution.csv",
            metric="auc",
        )
    )
    case = DatasetUnderTest(*api.load("mine"))
    notes = []
    submission.check(place / "sample_submission.csv", case.data, notes)
    assert [note.partition(":")[0] for note in notes] == [
        "10 rows are open, not scored and were left out"
    ]


RAISES = f"{HEAD}\n\ndef grade(submission, answers):\n    raise InvalidSubmissionError('never')\n"
FAULTS = {
    "no file": ("", {"metric": "none.py"}, "--metric none.py: there is no such file"),
    "no metric": ("x = 1", {}, "grade.py has no metric: metric = Metric(...)"),
    "a mistake": ("def grade(:", {}, "--metric grade.py, line 1: invalid syntax"),
    "no package": ("import nowhere_at_all", {}, "needs the package 'nowhere_at_all'"),
    "no ids": (KAPPA, {"row_id": None}, "--metric FILE needs --id COLUMN"),
    "raises": ("def grade(s, a):\n    raise OSError(2)", {}, "grade.py fails: OSError"),
    "refuses": (RAISES, {}, "refuses the answers themselves: never"),
    "columns": (
        'def grade(s, a):\n    return a["w"].sum()',
        {},
        "KeyError: 'w' (it is given id, y; --given COLUMN names others)",
    ),
    "given ids": (KAPPA, {"given": ["key"]}, "--given 'key': the metric is given the ids anyway"),
    "given": (KAPPA, {"given": ["v"]}, "rows.csv has no column 'v'"),
    "nan": ("def grade(s, a):\n    return float('nan')", {}, "gives the answers themselves nan"),
    "kind": (KAPPA, {"predict": "rank"}, "--predict 'rank' is unknown: number, label, text"),
    "no file's": (KAPPA, {"metric": "rmse", "predict": "text"}, "are for a metric file"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_a_metric_is_a_sentence(place, fault):  # noqa: F811
    text, more, words = FAULTS[fault]
    options = wish(text, "classes", **more)
    with pytest.raises(DataError) as error:
        new(options)
    assert words in str(error.value)
    assert list((place / "competitions").iterdir()) == []


def test_verify_says_the_error_of_a_metric_once(place, own_cache):  # noqa: F811
    new(wish(WEIGHTED, "number", given=["w"]))
    file = place / "competitions" / "mine" / "metric.py"
    file.write_text(file.read_text().replace('"w"', '"v"'))
    case = DatasetUnderTest(*api.load("mine"))
    chosen = [
        verify.facts_are_complete,
        checks.metric_is_that_of_its_version,
        checks.metric_is_a_sum,
        checks.a_metric_of_others_scores_as_by_itself,
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "CHECKS", chosen)
        verdicts = list(verify.verify_dataset(case))
    assert [v.problem.partition(":")[0] for v in verdicts if v.problem] == [
        "The competition's metric fails"
    ]
    assert verdicts[0].advice.endswith("podium freeze mine")
    assert [v.skipped.startswith("skipped: stopped by") for v in verdicts[1:]] == [True] * 3


@pytest.mark.parametrize("metric", mostly_slow(["rmse", "accuracy", "log_loss"], 1))
def test_several_targets_a_split_that_is_given_strata_and_weights(
    place,  # noqa: F811
    own_cache,
    metric,
):
    table = rows("01").assign(z=lambda t: 1 - t["y"])
    table["part"] = np.where(np.arange(ROWS) % 4 == 0, "test", "train")
    table["site"] = np.where(np.arange(ROWS) % 3, "Bern A", "Rome")
    table.to_csv("rows.csv", index=False)
    wished = NewOptions(
        "mine",
        table=place / "rows.csv",
        target=["y", "z"],
        row_id="key",
        metric=metric,
        split="given",
        by="part",
        stratum="site",
        weight="w",
    )
    made = new(wished)
    assert made.rows == {"train": 90, "public": 15, "private": 15}
    case = DatasetUnderTest(*api.load("mine"))
    said = set(case.data.ids("test").to_pylist())
    assert said == set(table.loc[table["part"] == "test", "key"])
    assert list(case.data.train().features) == ["x"]
    assert [s.name for s in case.competition.strata] == ["bern_a", "rome"]
    model = api.cross_validate("mine", "lightgbm", params={"rounds": 5})
    assert np.isfinite(list(model.card.whole.scores.values())).all()
    assert case.best_control is not None
    words = {}
    test = (place / "competitions" / "mine" / "test_metric.py").read_text()
    exec(compile(test, "test_metric.py", "exec"), words)
    words["test_worked_example"]()


def test_a_part_that_nobody_knows_is_told(place):  # noqa: F811
    rows("01").assign(part="valid").to_csv("rows.csv", index=False)
    wished = NewOptions(
        "mine",
        table="rows.csv",
        target="y",
        row_id="key",
        metric="rmse",
        split="given",
        by="part",
        stratum="key",
        weight="key",
    )
    with pytest.raises(DataError) as error:
        specify(wished)
    assert [line.partition(":")[0] for line in error.value.problems] == [
        "--stratum key",
        "--split given --by part",
        "--split given --by part",
        "--weight key",
    ]


def test_a_range_of_shares_is_that_of_shares(place):  # noqa: F811
    rows("01").to_csv("rows.csv", index=False)
    spec = specify(NewOptions("mine", table="rows.csv", target="z", metric="rmse", row_id="key"))
    assert [(one.low, one.high) for one in spec.predicted] == [(0.0, 1.0)]


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["map@5", "qwk"])
def test_ranked_and_ordered_labels(place, own_cache, metric):  # noqa: F811
    rows("classes").to_csv("rows.csv", index=False)
    new(NewOptions("mine", table="rows.csv", target="y", metric=metric, row_id="key"))
    said = api.cross_validate("mine", "lightgbm", params={"rounds": 5})
    assert said.card.whole.scores[metric] > -0.5
    case = DatasetUnderTest(*api.load("mine"))
    assert case.best[metric] == 1
    assert list(checks.perfect_beats_controls(case)) == []


def test_readme_and_test_follow_when_the_metric_is_swapped(place, own_cache):  # noqa: F811
    rows("classes").to_csv("rows.csv", index=False)
    new(NewOptions("mine", table=place / "rows.csv", target="y", metric="rmse", row_id="key"))
    folder = place / "competitions" / "mine"
    readme, test = folder / "README.md", folder / "test_metric.py"
    assert "`rmse` (RMSE; lower is better) ranks. Beside it stand `mae`, `r2`." in (
        readme.read_text()
    )
    assert "scores `rmse` 2.2361, `mae` 1.5000, `r2` -0.4286." in readme.read_text()
    (folder / "metric.py").write_text(
        "def score(solution, submission, row_id_column_name):\n"
        '    return float((solution["y"] - submission["y"]).abs().max())\n'
    )
    facts = folder / "competition.py"
    text = facts.read_text()
    first, last = text.index("scores=("), text.index("    datasets=")
    worst = 'Score(name="worst", title="worst error", higher_is_better=False, perfect=0.0)'
    only_one = f"scores=({worst},),\n"
    facts.write_text(text[:first] + only_one + text[last:])
    frozen = api.freeze("mine")
    assert {"README.md", "test_metric.py"} <= set(frozen.written)
    assert "`worst` (worst error; lower is better) ranks. A worked" in readme.read_text()
    assert "scores `worst` 4.0000." in readme.read_text()
    assert 'SCORES = {"worst": 4.0}' in test.read_text()
    assert "README.md" not in api.freeze("mine").written


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["rmse", "log_loss"])
def test_many_columns_and_names_that_python_has_warn_of_nothing(
    place,  # noqa: F811
    own_cache,
    metric,
):
    rng = np.random.default_rng(0)
    names = [*(f"y{n}" for n in range(105)), "class"]
    table = pd.DataFrame(rng.normal(size=(1100, 106)), columns=names)
    words = {f"s{n}": rng.choice(["u", "v"], 1100) for n in range(106)}
    table = pd.concat([table, pd.DataFrame(words)], axis=1)
    table = table.assign(**{"lambda": np.arange(1100) % 99, "id": np.arange(1100)})
    table.to_csv("wide.csv", index=False)
    target = names if metric == "rmse" else "lambda"
    new(NewOptions("mine", table=place / "wide.csv", target=target, metric=metric))
    assert np.isfinite(api.run("mine", "constant").score)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["ranked", "words", "kappa"])
def test_a_metric_file_passes_verify(place, own_cache, shape):  # noqa: F811
    text, kind, _, _ = SHAPES[shape]
    new(wish(text, kind))
    assert problems(verify.verify("mine")) == []


SAME = """
def score(solution, submission, row_id_column_name):
    return 3.0
"""


def test_a_direction_that_the_answers_do_not_tell_is_asked_for(place):  # noqa: F811
    with pytest.raises(DataError, match="mixed up the same: say --higher-is-better or"):
        specify(wish(SAME, "number"))
    assert not specify(wish(SAME, "number", lower_is_better=True)).known.higher_is_better


EMPTY = """
def score(solution, submission, row_id_column_name):
    assert (solution["y"].str.len() >= 0).all()
    return float((solution["y"] == submission["y"]).mean())
"""


def test_an_empty_text_is_one_on_both_sides(place, own_cache):  # noqa: F811
    spec = specify(wish(EMPTY, "words"))
    assert (spec.kind, spec.perfect) == ("text", 1)
    new(wish(EMPTY, "words"))
    case = DatasetUnderTest(*api.load("mine"))
    answers = case.solution.answers["y"]
    assert "" in set(answers)
    assert case.estimate({"y": np.array(answers, dtype=object)}).scores["score"] == 1


def test_a_module_with_the_name_of_one_of_podium_is_refused(place):  # noqa: F811
    (place / "rows.py").write_text("")
    with pytest.raises(DataError, match=r"rows\.py beside it: a competition's folder"):
        specify(wish(f"from .rows import x\n{SAME}", "number"))


def test_rows_marked_ignored_are_not_scored(place, own_cache):  # noqa: F811
    table = rows("number")
    table["part"] = np.where(np.arange(ROWS) % 4, "train", "test")
    table.loc[:9, "part"] = "ignored"
    table.to_csv("rows.csv", index=False)
    wished = {"target": "y", "row_id": "key", "metric": "rmse", "split": "given", "by": "part"}
    made = new(NewOptions("mine", table=place / "rows.csv", **wished))
    count = table["part"].value_counts()
    assert made.rows["unused"] == count["ignored"] == 10
    assert made.rows["public"] + made.rows["private"] == count["test"]


def test_the_name_of_a_column_is_no_code(place, own_cache):  # noqa: F811
    name = 'y""",open("ran","w"),"""'
    rows("number").rename(columns={"y": name}).to_csv("rows.csv", index=False)
    wished = {"target": [name, "z"], "row_id": "key", "metric": "rmse"}
    new(NewOptions("mine", table=place / "rows.csv", **wished))
    for file in (place / "competitions" / "mine").rglob("*.py"):
        assert not any(
            isinstance(n, ast.Call) and getattr(n.func, "id", "") == "open"
            for n in ast.walk(ast.parse(file.read_text()))
        )
    assert not (place / "ran").exists()
