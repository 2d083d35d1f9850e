"""Stand-ins for the package of mle-bench, by values that are worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from podium.competition import mlebench
from podium.competition.foreign import stub_modules


def test_modules_are_there_while_a_file_is_loaded_and_gone_afterwards():
    words = {}
    text = """
from mlebench.competitions.utils import prepare_for_auroc_metric, rles_to_masks
from mlebench.grade_helpers import InvalidSubmissionError
from mlebench.metrics import mean_average_precision_at_k
from mlebench.utils import get_logger
import mlebench.competitions.utils as utils
same = utils.InvalidSubmissionError is InvalidSubmissionError
"""
    with stub_modules():
        exec(text, words)
    assert words["same"]
    with pytest.raises(ModuleNotFoundError):
        import mlebench  # noqa: F401


@pytest.mark.parametrize(
    ("true", "said", "k", "expected"),
    [
        ({"a"}, ["a", "b"], 5, 1.0),
        ({"a"}, ["b", "a"], 5, 0.5),
        ({"a", "b"}, ["a", "c", "b"], 5, (1 + 2 / 3) / 2),
        ({"a", "b", "c"}, ["a"], 2, 0.5),
        ({"a"}, ["b", "a"], 1, 0.0),
        ({"a"}, ["a", "a"], 5, 1.0),
        (set(), ["a"], 5, 0.0),
    ],
)
def test_average_precision(true, said, k, expected):
    assert mlebench.average_precision_at_k(true, said, k) == pytest.approx(expected)


def test_masks_go_down_the_columns_and_come_back():
    mask = mlebench.rle_decode("2 2 6 1", 3, 2)
    assert mask.tolist() == [[False, False], [True, False], [True, True]]
    assert mlebench.rle_encode(mask) == [2, 2, 6, 1]
    assert not mlebench.rle_decode(" ", 2, 2).any()
    for wrong in ("3 1 1 1", "1 2 2 1", "0 1"):
        with pytest.raises(AssertionError):
            mlebench.rle_decode(wrong, 2, 2)
    assert mlebench.dice_coefficient(mask, mask) == 1
    assert mlebench.dice_coefficient(mask, ~mask) == 0
    assert np.isnan(mlebench.dice_coefficient(mask & False, mask & False))


def test_both_sides_come_in_the_order_of_ids():
    answers = pd.DataFrame({"k": [2, 1], "y": [0, 1]})
    said = pd.DataFrame({"k": [1, 2], "y": [0.9, 0.2]})
    both = mlebench.prepare_for_auroc_metric(said, answers, id_col="k", target_col="y")
    assert [both[name].tolist() for name in ("y_true", "y_score")] == [[1, 0], [0.9, 0.2]]
    both = mlebench.prepare_for_accuracy_metric(said, answers, target_column="y", id_column="k")
    assert both["y_pred"].tolist() == [0.9, 0.2]
    wrong = [said.assign(y=2.0), said.assign(y="x"), said.assign(k=[1, 3]), said[["k"]], said[:1]]
    for table in wrong:
        with pytest.raises(mlebench.InvalidSubmissionError):
            mlebench.prepare_for_auroc_metric(table, answers, id_col="k", target_col="y")


def test_one_hot():
    labels = pd.DataFrame({"k": [2, 1], "y": ["b", "a"]})
    hot = mlebench.df_to_one_hot(labels, "k", "y", ["a", "b"])
    assert hot.to_numpy().tolist() == [[2, 0, 1], [1, 1, 0]]
    said = pd.DataFrame({"b": [0.0, 1.0], "k": [1, 2], "a": [2.0, 1.0]})
    plain = mlebench.one_hot_dfs_to_log_loss_inputs(said, hot, "k", apply_softmax=False)
    assert plain["y_true"].tolist() == [[1, 0], [0, 1]]
    assert plain["y_pred"].tolist() == [[2, 0], [1, 1]]
    soft = mlebench.one_hot_dfs_to_log_loss_inputs(said, hot, "k")
    assert soft["y_pred"][1].tolist() == [0.5, 0.5]
    with pytest.raises(mlebench.InvalidSubmissionError):
        mlebench.one_hot_dfs_to_log_loss_inputs(said[["k", "a"]], hot, "k")
