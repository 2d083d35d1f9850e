"""Metrics of others, as they are: Kaggle's signature and that of mle-bench.

    def score(solution, submission, row_id_column_name) -> float      # Kaggle
    def grade(submission, answers) -> float                           # mle-bench

A file with one of them can be a competition's `metric.py` unchanged. Both tables come as
DataFrames, aligned row by row, as pandas would have read them: the answers are the organiser's rows
(`Prepared.answers`) whole, with their ids and in their types; the submission has the same ids and
the targets, in the types of the answers. A `ParticipantVisibleError` or `InvalidSubmissionError`
refuses the submission with its text; any other error is the organiser's.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition import mlebench
from podium.competition.metric import ANSWERS, Metric, Table, whole_metric
from podium.errors import PodiumError, SubmissionError, in_one_line, own_lines

if TYPE_CHECKING:
    import pandas as pd

    Kaggle = Callable[[pd.DataFrame, pd.DataFrame, str], float]
    MleBench = Callable[[pd.DataFrame, pd.DataFrame], float]

_LINES = 5


class MetricError(PodiumError):
    """A metric of others fails: the organiser's to mend."""


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
        theirs = getattr(module, function, None)
        if callable(theirs):
            return adapter(theirs, name=name, row_id=row_id)
    raise PodiumError(
        f"{module.__file__} has no metric.",
        problems=[
            "metric = Metric(...), or one of podium.metrics, is what Podium looks for first",
            "score(solution, submission, row_id_column_name), as on Kaggle, will do",
            "grade(submission, answers), as in mle-bench, will do",
        ],
    )


@contextmanager
def stub_modules() -> Iterator[None]:
    """Stand in for modules that files of others import from and few have."""
    added = []
    for path, members in mlebench.MODULES.items():
        with contextlib.suppress(ModuleNotFoundError):
            __import__(path)
            continue
        parts = path.split(".")
        for count in range(1, len(parts) + 1):
            place = ".".join(parts[:count])
            if place not in sys.modules:
                module = sys.modules[place] = ModuleType(place)
                module.__path__ = []
                added.append(place)
        for member in members:
            setattr(sys.modules[path], member.__name__, member)
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

    def others(answers: pd.DataFrame, said: pd.DataFrame) -> float:
        with _translate_errors(file, list(answers.columns)):
            return float(function(*(one.rename(columns={"id": row_id}) for one in (answers, said))))

    def score(solution: Table, predictions: Table) -> dict[str, float]:
        import pandas as pd

        answers, said = (pd.DataFrame(dict(side), copy=True) for side in (solution, predictions))
        return {name: others(answers, said)}

    return replace(whole_metric(score, _as_theirs), others=others)


@dataclass(frozen=True)
class AnswerRows:
    """A table of answers that is indexed by rows, as any column of a solution is."""

    table: pd.DataFrame

    def __getitem__(self, rows: Any) -> AnswerRows:
        return AnswerRows(self.table.iloc[rows])


def answer_rows(
    ids: Any, targets: pd.DataFrame, more: pd.DataFrame, rows: pd.DataFrame | None
) -> AnswerRows:
    """The organiser's answer rows: `id` and targets first, all in the types of their table.

    Args:
        ids: Text.
        targets: Of Podium, whose labels are text.
        more: Columns that are given beside them, in the types in which they are stored.
        rows: The answer rows where the organiser gives them, in the order of the ids.
    """
    import pandas as pd

    if rows is None:
        texts = {"id": np.asarray(ids, object), **{n: targets[n].array for n in targets}}
        rows = pd.DataFrame({name: _typed(values) for name, values in texts.items()})
    added = {str(name): more[name].array for name in more if name not in rows}
    return AnswerRows(rows.reset_index(drop=True).assign(**added))


def _as_theirs(solution: Table, predictions: Table) -> tuple[Table, Table]:
    """Both sides as pandas would have read them, the predictions in the types of the answers."""
    predictions = {name: values for name, values in predictions.items() if name != ANSWERS}
    rows = solution[ANSWERS].table if ANSWERS in solution else None
    if rows is None:  # a few columns that are compared by hand
        ids = np.arange(len(next(iter(solution.values()))))
        answers = {"id": ids, **{name: _typed(values) for name, values in solution.items()}}
    else:
        answers = {str(name): rows[name].array for name in rows}
    said = {name: _like(values, answers.get(name)) for name, values in predictions.items()}
    return answers, {"id": answers["id"], **said}


def _typed(values: Any) -> Any:
    """Texts in the type that pandas would have given them; other values as they are."""
    import pandas as pd

    from podium.columns import as_read

    if pd.api.types.infer_dtype(values, skipna=False) == "string":
        values = as_read(values)
    objects = values.dtype == object
    return pd.Series(values.tolist() if objects else values).array


def _like(values: Any, answers: Any) -> Any:
    """Predictions in the type of the answers; where they do not fit in it, as they are."""
    import pandas as pd

    from podium.columns import as_read

    types, kind = pd.api.types, getattr(answers, "dtype", None)
    if kind is None:
        return _typed(values)
    if values.dtype != object:
        if not types.is_integer_dtype(kind):
            return pd.Series(values).array
        with np.errstate(invalid="ignore"):
            whole = values.astype(np.int64)
        return pd.Series(whole if (whole == values).all() else values).array
    read = as_read(values)
    if read.dtype.kind == "b" and types.is_bool_dtype(kind):
        return pd.Series(read).array
    if read.dtype.kind == "i" and types.is_numeric_dtype(kind) and not types.is_bool_dtype(kind):
        with contextlib.suppress(TypeError):  # a nullable type refuses what it does not hold
            fitting = pd.Series(read).astype(kind)
            if (fitting == read).all():
                return fitting.array
    return pd.Series(values.tolist(), dtype=kind if types.is_string_dtype(kind) else None).array


@contextlib.contextmanager
def _translate_errors(file: str, given: Sequence[str]) -> Iterator[None]:
    """Turn the errors of a file of others into ours."""
    try:
        yield
    except PodiumError:
        raise
    except Exception as error:
        said = in_one_line(str(error)) or type(error).__name__
        names = {kind.__name__ for kind in type(error).__mro__}
        if names & {"ParticipantVisibleError", "InvalidSubmissionError"}:
            raise SubmissionError("The metric refuses the submission.", problems=[said]) from error
        lines = own_lines(error, lambda path: str(path) == file)
        if isinstance(error, KeyError):
            lines.append(f"it is given the answers' {', '.join(map(repr, given))}")
        raise MetricError(
            f"The competition's metric fails: {type(error).__name__}: {said}",
            problems=lines[-_LINES:],
            hint="This is the organiser's to mend, not the submission's.",
        ) from error
