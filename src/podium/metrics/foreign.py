"""Metrics of others, as they are: Kaggle's signature and that of mle-bench.

    def score(solution, submission, row_id_column_name) -> float      # Kaggle
    def grade(submission, answers) -> float                           # mle-bench

A file with one of them can be a competition's `metric.py` unchanged. Both tables come as
DataFrames, aligned row by row, with an id column (rows are numbered) and the target columns; labels
that are whole numbers come as such, as pandas would read them. A `ParticipantVisibleError` or
`InvalidSubmissionError` refuses the submission with its text; any other error is the organiser's.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.errors import PodiumError, SubmissionError
from podium.metric import Metric, Table, whole_metric

if TYPE_CHECKING:
    import pandas as pd

    Kaggle = Callable[[pd.DataFrame, pd.DataFrame, str], float]
    MleBench = Callable[[pd.DataFrame, pd.DataFrame], float]

_LINES = 5


class ParticipantVisibleError(Exception):
    """The submission is wrong: whoever handed it in reads the message."""


class InvalidSubmissionError(ParticipantVisibleError):
    """The same in mle-bench."""


_STANDINS: Mapping[str, type[Exception]] = {
    "mlebench.grade_helpers": InvalidSubmissionError,
    "kaggle_metric_utilities": ParticipantVisibleError,
}
"""Modules that files of others take their error from."""


def kaggle(score: Kaggle, *, name: str = "score", row_id: str = "id") -> Metric:
    """A metric from Kaggle's `score(solution, submission, row_id_column_name)`.

    Args:
        score: The function, as it is.
        name: What the score is called.
        row_id: What the id column is called.
    """
    return _adapted(lambda answers, said: score(answers, said, row_id), score, name, row_id)


def mle_bench(grade: MleBench, *, name: str = "score", row_id: str = "id") -> Metric:
    """A metric from mle-bench's `grade(submission, answers)`.

    Args:
        grade: The function, as it is.
        name: What the score is called.
        row_id: What the id column is called.
    """
    return _adapted(lambda answers, said: grade(said, answers), grade, name, row_id)


def metric_of(module: ModuleType, *, name: str, row_id: str) -> Metric:
    """The metric of a `metric.py`: our own kind, or either of theirs.

    Raises:
        PodiumError: If it has none of the three.
    """
    own = getattr(module, "metric", None)
    if isinstance(own, Metric):
        return own
    for function, adapter in (("score", kaggle), ("grade", mle_bench)):
        found = getattr(module, function, None)
        if callable(found):
            return adapter(found, name=name, row_id=row_id)
    raise PodiumError(
        f"{module.__file__} has no metric.",
        problems=[
            "metric = Metric(...), or one of podium.metrics, is what Podium looks for first",
            "score(solution, submission, row_id_column_name), as on Kaggle, will do",
            "grade(submission, answers), as in mle-bench, will do",
        ],
    )


@contextmanager
def standing_in() -> Iterator[None]:
    """Stand in for modules that files of others import their errors from and few have."""
    added = []
    for path, error in _STANDINS.items():
        with contextlib.suppress(ModuleNotFoundError):
            __import__(path)
            continue
        for place in ("mlebench", path) if "." in path else (path,):
            module = sys.modules.setdefault(place, ModuleType(place))
            module.__path__ = []
            added.append(place)
        setattr(sys.modules[path], error.__name__, error)
    try:
        yield
    finally:
        for place in added:
            sys.modules.pop(place, None)


def _adapted(
    function: Callable[[pd.DataFrame, pd.DataFrame], float],
    source: Callable[..., float],
    name: str,
    row_id: str,
) -> Metric:
    file = source.__code__.co_filename

    def score(solution: Table, predictions: Table) -> dict[str, float]:
        answers = _frame(solution, row_id)
        said = _frame(predictions, row_id)
        with _Told(file):
            return {name: float(function(answers, said))}

    return whole_metric(score)


def _frame(table: Table, row_id: str) -> pd.DataFrame:
    """A table as pandas would have read it from a CSV file; new at each call."""
    import pandas as pd

    columns = {name: _read(np.asarray(values)) for name, values in table.items()}
    rows = len(next(iter(columns.values())))
    return pd.DataFrame({row_id: np.arange(rows), **columns})


def _read(values: Any) -> Any:
    """Labels that are whole numbers as such."""
    if values.dtype != object:
        return values.copy()
    try:
        return values.astype(np.int64)
    except (ValueError, TypeError, OverflowError):
        return values.copy()


class _Told:
    """Turns the errors of a file of others into ours."""

    def __init__(self, file: str) -> None:
        self.file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if not isinstance(error, Exception) or isinstance(error, PodiumError):
            return
        said = str(error) or type(error).__name__
        names = {kind.__name__ for kind in type(error).__mro__}
        if names & {"ParticipantVisibleError", "InvalidSubmissionError"}:
            raise SubmissionError("The metric refuses the submission.", problems=[said]) from error
        lines = [
            f"{Path(frame.filename).name}, line {frame.lineno}: {frame.line}"
            for frame in traceback.extract_tb(trace)
            if frame.filename == self.file
        ]
        raise PodiumError(
            f"The competition's metric fails: {type(error).__name__}: {said}",
            problems=lines[-_LINES:],
            hint="This is the organiser's to mend, not the submission's.",
        ) from error
