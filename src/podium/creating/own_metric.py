"""A metric file that the organiser brings: Kaggle's `score`, mle-bench's `grade`, or our own kind.

It is tried on the organiser's answers before anything is written. What it makes of them says how
the score runs and what a submission holds: the answers as they are, mixed up, drawn a little to
their mean (numbers score nearly as well then, labels do not), and with a second label after each.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import invalidate_caches
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition.contract import OF_DATA
from podium.competition.foreign import metric_of, stub_modules
from podium.creating.kit import code_of
from podium.errors import DataError, PodiumError, SubmissionError, in_one_line

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.metric import Metric

ROWS = 20_000
"""Of the answers that are tried; all of them where there are fewer."""
OF_PODIUM = {"competition", "metric", "test_metric", "plot", "models", "shared", "tests", *OF_DATA}
"""Modules that a folder has under these names."""
_LITTLE, _SOMETHING = 0.25, 0.99
_PACKAGE = "_podium_metric"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a metric made of the answers.

    Attributes:
        kind: Of what is predicted: `number`, `label` or `text`.
        perfect: What the answers themselves score.
        mixed: What they score when they are mixed up; None where that is refused.
    """

    kind: str
    perfect: float
    mixed: float | None

    @property
    def higher_is_better(self) -> bool | None:
        """Whether the answers score more than when they are mixed up; None of the same score."""
        if self.mixed is not None and np.isclose(self.perfect, self.mixed, rtol=1e-9, atol=0):
            return None
        return self.mixed is None or self.perfect >= self.mixed


@dataclass(frozen=True, kw_only=True)
class OwnMetric:
    """A metric file and the modules beside it that it imports.

    Attributes:
        text: Its code, of a notebook that of all cells.
        modules: Files beside it, by `from .module import ...`.
        others: `(answers, submission) -> float`, whose column of ids is called `id`.
    """

    file: Path
    text: str
    modules: tuple[Path, ...]
    others: Callable[[pd.DataFrame, pd.DataFrame], float]

    @classmethod
    def of(cls, file: Path, row_id: str) -> OwnMetric:
        """Read a file.

        Raises:
            DataError: If it is not there, fails, or has no metric.
        """
        if not file.is_file():
            raise DataError(f"--metric {file}: there is no such file.")
        try:
            text = code_of(file)
            modules = tuple(_modules(file, text))
        except SyntaxError as error:
            raise DataError(f"--metric {file.name}, line {error.lineno}: {error.msg}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"--metric {file.name} is damaged: {error}.") from error
        taken = [one.name for one in modules if one.stem in OF_PODIUM]
        if taken:
            raise DataError(
                f"--metric {file.name} imports {', '.join(taken)} beside it: a competition's "
                "folder has a file of that name. Rename it."
            )
        others = _loaded(file, text, row_id).others
        if others is None:
            raise DataError(
                f"--metric {file.name} has a Metric of Podium: begin with a ready-made score, and "
                "put the file into the place of metric.py."
            )
        return cls(file=file, text=text, modules=modules, others=others)

    def tried(self, answers: pd.DataFrame, row_id: str, targets: list[str]) -> Tried:
        """Try it.

        Args:
            answers: All that it is given, in the types of the table.
            row_id: The column of ids.
            targets: The columns to predict.

        Raises:
            DataError: If it fails, or gives the answers themselves no finite score.
        """
        from pandas.api.types import is_numeric_dtype

        answers = answers.iloc[:ROWS].reset_index(drop=True).rename(columns={row_id: "id"})
        words = [name for name in targets if not is_numeric_dtype(answers[name])]
        answers = answers.fillna(dict.fromkeys(words, ""))  # an empty text, as in a submission
        truth = answers[["id", *targets]]
        try:
            perfect = self._score(answers, truth)
        except SubmissionError as error:
            raise DataError(
                f"--metric {self.file.name} refuses the answers themselves: {_said(error)}."
            ) from error
        except PodiumError as error:
            raise DataError(
                f"--metric {self.file.name} fails: {_said(error)} (it is given "
                f"{', '.join(map(str, answers))}; --given COLUMN names others)."
            ) from error
        if not np.isfinite(perfect):
            raise DataError(
                f"--metric {self.file.name} gives the answers themselves {perfect}: a score must "
                "be a finite number."
            )
        place = np.random.default_rng(0).permutation(len(truth))
        mixed = self._tried(answers, truth.assign(**_moved(truth, targets, place)))
        return Tried(
            kind=self._kind(answers, truth, targets, place, perfect, mixed),
            perfect=perfect,
            mixed=mixed,
        )

    def _kind(
        self,
        answers: pd.DataFrame,
        truth: pd.DataFrame,
        targets: list[str],
        place: Any,
        perfect: float,
        mixed: float | None,
    ) -> str:
        """What a submission holds, by what scores better than answers mixed up."""
        from pandas.api.types import is_float_dtype, is_numeric_dtype

        columns = [truth[name] for name in targets]

        def loses(share: float, **changed: Any) -> bool:
            """Whether it loses less than this share of what mixing them up does."""
            score = self._tried(answers, truth.assign(**changed))
            if score is None or mixed is None:
                return False
            return abs(score - perfect) < abs(mixed - perfect) * share

        if all(is_float_dtype(column) for column in columns):
            return "number"
        if all(is_numeric_dtype(column) for column in columns):  # truth values are such, too
            shrunk = {name: _shrunk(truth[name].to_numpy(np.float64)) for name in targets}
            if loses(_LITTLE, **shrunk):
                return "number"
        texts = {name: truth[name].fillna("").astype(str) for name in targets}
        twice = {name: text + " " + text.to_numpy(object)[place] for name, text in texts.items()}
        return "text" if loses(_SOMETHING, **twice) or any(map(_free, texts.values())) else "label"

    def _score(self, answers: pd.DataFrame, said: pd.DataFrame) -> float:
        with np.errstate(all="ignore"), contextlib.redirect_stdout(sys.stderr):
            return self.others(answers.copy(), said.copy())

    def _tried(self, answers: pd.DataFrame, said: pd.DataFrame) -> float | None:
        """What it gives for predictions that it may refuse; None if it does."""
        import warnings

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                score = self._score(answers, said)
        except PodiumError:
            return None
        return score if np.isfinite(score) else None


def _said(error: PodiumError) -> str:
    """What a metric of others said, without what is said around it."""
    lines = error.problems if isinstance(error, SubmissionError) else [error.message]
    return in_one_line(" ".join(lines)).removeprefix("The competition's metric fails: ").rstrip(".")


def _moved(truth: pd.DataFrame, targets: list[str], place: Any) -> dict[str, Any]:
    return {name: truth[name].iloc[place].array for name in targets}


def _shrunk(values: Any) -> Any:
    """Numbers in the same order, a little nearer to their mean."""
    return 0.95 * values + 0.05 * np.nanmean(values)


def _free(texts: pd.Series[str]) -> bool:
    """Whether texts are no classes: empty, long, or mostly different ones."""
    return bool(
        (texts == "").any()
        or texts.str.len().max() > 200
        or texts.nunique() > max(2, len(texts) / 2)
    )


def _modules(file: Path, text: str) -> Iterator[Path]:
    """Modules beside a file that it imports, and that those import."""
    there, left = {file}, [text]
    while left:
        for node in ast.walk(ast.parse(left.pop())):
            if not isinstance(node, ast.ImportFrom) or node.level != 1:
                continue
            names = [node.module.split(".")[0]] if node.module else [n.name for n in node.names]
            for beside in (file.parent / f"{name}.py" for name in names):
                if beside.is_file() and beside not in there:
                    there.add(beside)
                    left.append(code_of(beside))
                    yield beside


def _loaded(file: Path, text: str, row_id: str) -> Metric:
    """The metric of a file, imported as part of a package of its own for a moment."""
    package = ModuleType(_PACKAGE)
    package.__path__ = [str(file.parent.resolve())]
    sys.modules[_PACKAGE] = package
    invalidate_caches()
    wrote, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with stub_modules(), contextlib.redirect_stdout(sys.stderr):
            module = ModuleType(f"{_PACKAGE}.metric")
            module.__file__, module.__package__ = str(file), _PACKAGE
            exec(compile(text, str(file), "exec"), module.__dict__)  # noqa: S102  the organiser's
        return metric_of(module, name="score", row_id=row_id)
    except PodiumError as error:
        raise DataError(
            f"--metric {file.name} has no metric: {'; '.join(error.problems)}."
        ) from error
    except ModuleNotFoundError as error:
        raise DataError(
            f"--metric {file.name} needs the package {error.name!r}: install it where Podium is."
        ) from error
    except (Exception, SystemExit) as error:
        said = in_one_line(str(error))
        raise DataError(f"--metric {file.name} fails: {type(error).__name__}: {said}.") from error
    finally:
        sys.dont_write_bytecode = wrote
        for name in [n for n in sys.modules if n.split(".")[0] == _PACKAGE]:
            del sys.modules[name]
