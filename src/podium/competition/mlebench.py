"""Stands in for what graders of mle-bench import from their package, where that is not installed.

Written anew after what its functions are documented to do, under the names that graders use:
`mlebench.competitions.utils`, `mlebench.metrics`, `mlebench.utils` and `mlebench.grade_helpers`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


class ParticipantVisibleError(Exception):
    """The submission is wrong: whoever handed it in reads the message."""


class InvalidSubmissionError(ParticipantVisibleError):
    """The same in mle-bench."""


def get_logger(name: str, *_: Any, **__: Any) -> logging.Logger:
    """A logger, which says nothing by itself."""
    logger = logging.getLogger(name)
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


def prepare_for_accuracy_metric(
    submission: pd.DataFrame, answers: pd.DataFrame, target_column: str, id_column: str
) -> dict[str, NDArray[Any]]:
    """Both sides of a column of labels in the order of the ids: `y_true` and `y_pred`."""
    said, true = _both(submission, answers, target_column, id_column)
    return {"y_true": true, "y_pred": said}


def prepare_for_auroc_metric(
    submission: pd.DataFrame, answers: pd.DataFrame, id_col: str, target_col: str
) -> dict[str, NDArray[Any]]:
    """Both sides of a column of probabilities in the order of the ids: `y_true` and `y_score`."""
    import pandas as pd

    said, true = _both(submission, answers, target_col, id_col)
    numbers = pd.to_numeric(pd.Series(said), errors="coerce")
    if not numbers.between(0, 1).all():
        raise InvalidSubmissionError(f"{target_col} must be probabilities, from 0 to 1")
    return {"y_true": true, "y_score": said}


def _both(
    submission: pd.DataFrame, answers: pd.DataFrame, target: str, row_id: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    for name in (row_id, target):
        if name not in answers:
            raise AssertionError(f"the answers must have a column {name!r}")
        if name not in submission:
            raise InvalidSubmissionError(f"the submission must have a column {name!r}")
    if len(submission) != len(answers):
        raise InvalidSubmissionError(f"{len(submission)} rows; the answers have {len(answers)}")
    said, true = submission.sort_values(row_id), answers.sort_values(row_id)
    if (said[row_id].to_numpy() != true[row_id].to_numpy()).any():
        raise InvalidSubmissionError(f"{row_id!r} must have the ids of the answers")
    return said[target].to_numpy(), true[target].to_numpy()


def df_to_one_hot(
    df: pd.DataFrame, id_column: str, target_column: str, classes: list[str]
) -> pd.DataFrame:
    """The ids, and for each class a column that is 1 where the label is this class, else 0."""
    import pandas as pd

    hot = {name: (df[target_column] == name).astype(int) for name in classes}
    return pd.DataFrame({id_column: df[id_column], **hot})


def one_hot_dfs_to_log_loss_inputs(
    submission_one_hot: pd.DataFrame,
    answers_one_hot: pd.DataFrame,
    id_column: str = "id",
    apply_softmax: bool = True,
) -> dict[str, NDArray[Any]]:
    """`y_true` and `y_pred` [rows, classes], in the order of the ids and of the answers' columns.

    Predictions that are no one-hot rows are made to add up to 1 by a softmax if that is asked for.
    """
    if lacking := [name for name in answers_one_hot if name not in submission_one_hot]:
        raise InvalidSubmissionError(f"the submission lacks the columns {lacking}")
    said = submission_one_hot[list(answers_one_hot)].sort_values(id_column)
    true = answers_one_hot.sort_values(id_column)
    if said[id_column].tolist() != true[id_column].tolist():
        raise InvalidSubmissionError(f"{id_column!r} must have the ids of the answers")
    y_true, y_pred = (side.drop(columns=[id_column]).to_numpy() for side in (true, said))
    if apply_softmax and not is_one_hot_encoded(y_pred):
        from scipy.special import softmax

        y_pred = softmax(y_pred, axis=-1)
    return {"y_true": y_true, "y_pred": y_pred}


def is_one_hot_encoded(xs: NDArray[Any]) -> bool:
    """Whether each row [rows, classes] has a single 1 beside zeros."""
    return bool(((xs == 0) | (xs == 1)).all() and np.allclose(xs.sum(axis=-1), 1))


def rle_decode(rle_string: str, height: int, width: int) -> NDArray[np.bool_]:
    """The mask [height, width] of pairs "start length ...", from 1 on, down the columns.

    Raises:
        AssertionError: If starts do not ascend, something is not above 0, or runs overlap.
    """
    mask = np.zeros(height * width, dtype=bool)
    numbers = np.array(rle_string.split(), dtype=np.int64)
    starts, lengths = numbers[0::2], numbers[1::2]
    if (numbers <= 0).any() or (np.diff(starts) < 0).any():
        raise AssertionError("starts must ascend, and starts and lengths be above 0")
    for start, length in zip(starts, lengths, strict=True):
        run = mask[start - 1 : start - 1 + length]
        if run.any():
            raise AssertionError("runs must not overlap")
        run[:] = True
    return mask.reshape(width, height).T


def rle_encode(x: NDArray[Any], fg_val: int = 1) -> list[int]:
    """The pairs start, length, ... of a mask [height, width], as `rle_decode` takes them."""
    inside = np.concatenate([[0], np.asarray(x).T.reshape(-1) == fg_val, [0]])
    edges = np.flatnonzero(np.diff(inside)) + 1
    starts, ends = edges[0::2], edges[1::2]
    return [int(n) for n in np.column_stack([starts, ends - starts]).reshape(-1)]


def rles_to_masks(
    rl_encodings: Sequence[str], image_heights: Sequence[int], image_widths: Sequence[int]
) -> list[NDArray[np.bool_]]:
    """A mask for each text of pairs."""
    sizes = zip(rl_encodings, image_heights, image_widths, strict=True)
    return [rle_decode(text, height, width) for text, height, width in sizes]


def average_precision_at_k(actual: set[Any], predicted: Sequence[Any], k: int) -> float:
    """Mean precision at the places among the first k that hold something true for the first time.

    The mean is over min(k, true ones) places; 0 where nothing is true.
    """
    hits, total = 0, 0.0
    for place, said in enumerate(predicted[:k]):
        if said in actual and said not in predicted[:place]:
            hits += 1
            total += hits / (place + 1)
    return total / min(len(actual), k) if actual else 0.0


def mean_average_precision_at_k(
    actual: Sequence[set[Any]], predicted: Sequence[Sequence[Any]], k: int
) -> float:
    """The mean of it over rows."""
    rows = zip(actual, predicted, strict=True)
    return float(np.mean([average_precision_at_k(true, said, k) for true, said in rows]))


def dice_coefficient(
    predicted_mask: NDArray[Any], true_mask: NDArray[Any], both_empty_value: float = np.nan
) -> float:
    """Twice the overlap of two masks by the sum of their sizes."""
    if predicted_mask.shape != true_mask.shape:
        raise AssertionError(f"the masks are {predicted_mask.shape} and {true_mask.shape}")
    total = predicted_mask.sum() + true_mask.sum()
    return float(2 * (predicted_mask * true_mask).sum() / total) if total else both_empty_value


MODULES: Mapping[str, tuple[Any, ...]] = {
    "kaggle_metric_utilities": (ParticipantVisibleError,),
    "mlebench.grade_helpers": (InvalidSubmissionError,),
    "mlebench.utils": (get_logger,),
    "mlebench.metrics": (average_precision_at_k, mean_average_precision_at_k, dice_coefficient),
    "mlebench.competitions.utils": (
        InvalidSubmissionError,
        get_logger,
        prepare_for_accuracy_metric,
        prepare_for_auroc_metric,
        df_to_one_hot,
        one_hot_dfs_to_log_loss_inputs,
        is_one_hot_encoded,
        rle_decode,
        rle_encode,
        rles_to_masks,
    ),
}
"""Modules that files of others import, and what stands there."""
