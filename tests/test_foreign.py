"""Metrics of others, dropped in unchanged: written here as they are published."""

import numpy as np
import pytest

from podium import api
from podium.creating.plans import Wish
from podium.errors import PodiumError, SubmissionError
from podium.metrics import kaggle, mle_bench
from podium.verifying import verify
from podium.verifying.case import Case
from test_new import new, only, place, problems  # noqa: F401  a fixture

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
        new(Wish(name="mine", table=place / f"{target}.csv", target=target, metric=metric))
        put(place, text, row_id, metric)
        api.freeze("mine")
        return api.load("mine")

    return make


@pytest.mark.parametrize("which", PUBLISHED)
def test_a_published_file_is_a_metric_unchanged(published, which):
    competition, dataset = published(which)
    ready = Case(competition, dataset)
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
    case = Case(competition, dataset)
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
