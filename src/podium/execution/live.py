"""A live object as a model: a class or a scikit-learn estimator of a notebook.

    podium.run("sirna", model=make_pipeline(...))

It runs in this process, without walls, one training at a time: whoever typed it trusts it. What it
gives passes the same checks as any model's predictions, and the record says what it was.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import inspect
import linecache
import math
import re
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from podium import documents, scratch
from podium.competition.model_file import LoadedModel
from podium.competition.parameters import Undeclared, plain
from podium.errors import ModelError, one_line
from podium.execution import child
from podium.execution.curves import Curve
from podium.execution.worker import Done

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.contract import Competition
    from podium.competition.part import Part, Report
    from podium.execution.views import View

OPEN = "a live object runs in the process of whoever calls, without walls"
_DESCRIBED = 1 << 16  # characters of its source that a record keeps
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # another one in every process


@dataclass(frozen=True, kw_only=True)
class LiveModel(LoadedModel):
    """A live object with what a model file has.

    Attributes:
        description: Its source, or how it prints: what the record keeps of it.
    """

    description: str

    def note_change(self) -> None:
        """An object cannot change behind its own back."""


def model_of(competition: Competition, given: Any) -> LiveModel:
    """A live object as a model.

    Args:
        competition: Whose targets it predicts.
        given: A class with `fit(train, report)` and `predict(part)`, an object of one, or a
            scikit-learn estimator (also as a class), which gets the table of features.

    Raises:
        ModelError: If it is none of these.
    """
    made = _made(given) if isinstance(given, type) and hasattr(given, "get_params") else given
    lacking = [name for name in ("fit", "predict") if not callable(getattr(made, name, None))]
    if lacking:
        raise ModelError(
            f"{_kind(made)} is no model: it has no {' and no '.join(lacking)}.",
            hint=f"A model is a name (podium models {competition.name}), a file.py, "
            "a class with fit(train) and predict(part), or a scikit-learn estimator.",
        )
    if hasattr(made, "get_params"):
        return _model(made, *_of_estimator(competition, made))
    return _model(made, *(_of_class if isinstance(made, type) else _of_object)(made))


def _made(given: type) -> Any:
    try:
        return given()
    except Exception as error:
        raise ModelError(
            f"{given.__name__} cannot be built without parameters: {one_line(error)}",
            hint="Hand in an object instead of the class.",
        ) from error


Build = Callable[[dict[str, Any], int], Any]
"""A model for parameters and a seed."""


def _model(made: Any, params: Mapping[str, Any], build: Build, description: str) -> LiveModel:
    name = made.__name__ if isinstance(made, type) else type(made).__name__
    module, description = ModuleType(name), _ADDRESS.sub("", description)[:_DESCRIBED]
    vars(module)["build"] = build
    return LiveModel(
        name=name,
        path=Path(f"{name} (a live object)"),
        shipped=False,
        sha256=hashlib.sha256(description.encode(errors="replace")).hexdigest(),
        module=module,
        parameters={name: _Free(value) for name, value in params.items()},
        params=params,
        description=description,
    )


class _Free(Undeclared):
    """A parameter that may be anything that a record can hold: its own code says what is wrong."""

    def take(self, value: Any) -> Any:
        """The value, without NumPy's types."""
        return plain(value)


def _of_estimator(competition: Competition, made: Any) -> tuple[dict[str, Any], Build, str]:
    try:
        own = made.get_params()
    except Exception as error:
        raise ModelError(f"get_params of {_kind(made)} failed: {one_line(error)}") from error
    params = {name: _recorded(value) for name, value in own.items()}

    def build(wanted: dict[str, Any], seed: int) -> Estimator:
        return Estimator.of(competition, made, _changes(params, wanted), seed)

    whole = "N_CHAR_MAX" in inspect.signature(made.__repr__).parameters
    printed = made.__repr__(N_CHAR_MAX=_DESCRIBED) if whole else repr(made)
    functions = [value for value in own.values() if inspect.isfunction(value)]
    return params, build, "\n".join([_stable(printed), *map(_source, functions)])


def _of_class(made: type) -> tuple[dict[str, Any], Build, str]:
    """Its parameters are what its `__init__` takes; one called `seed` gets the run's."""
    taken = [p for p in inspect.signature(made).parameters.values() if p.kind is not p.VAR_KEYWORD]
    own = {p.name: p.default for p in taken if p.name != "seed" and p.kind is not p.VAR_POSITIONAL}
    needed = [name for name, default in own.items() if default is inspect.Parameter.empty]
    if needed:
        raise ModelError(
            f"{made.__name__} cannot be built without {', '.join(needed)}.",
            hint="Give its parameters defaults, or hand in an object instead of the class.",
        )
    seeded = any(p.name == "seed" for p in taken)
    params = {name: _recorded(value) for name, value in own.items()}

    def build(wanted: dict[str, Any], seed: int) -> Any:
        changes = _changes(params, wanted)
        return _with_report(made(**changes, seed=seed) if seeded else made(**changes))

    return params, build, _source(made)


def _of_object(made: Any) -> tuple[dict[str, Any], Build, str]:
    state = {name: _recorded(value) for name, value in getattr(made, "__dict__", {}).items()}
    description = f"{_source(type(made))}\n# the object: {_stable(str(state))}"
    return {}, lambda _wanted, _seed: _with_report(copy.deepcopy(made)), description


def _changes(params: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from the defaults, which no record can hold as they are."""
    return {name: value for name, value in wanted.items() if value != params[name]}


def _with_report(model: Any) -> Any:
    """A model whose `fit` takes what reports its steps, whether its own does or not."""
    try:
        inspect.signature(model.fit).bind(None, None)
    except TypeError:
        return _Quiet(model)
    except (AttributeError, ValueError):  # it has none, or does not tell
        pass
    return model


@dataclass
class _Quiet:
    """A model whose `fit` takes the train part alone."""

    model: Any

    def fit(self, train: Part, report: Report | None = None) -> None:
        del report
        self.model.fit(train)

    def predict(self, part: Part) -> Any:
        return self.model.predict(part)


class LiveWorker:
    """Does for a live object what `podium.execution.worker.Worker` does for a file, right here."""

    def __init__(self, model: LiveModel, view: View) -> None:
        self.model, self._view = model, view
        self._stack = ExitStack()
        self._place = self._stack.enter_context(scratch.directory("podium-run-"))
        self._read: dict[str, Part] = {}
        self._tasks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._read.clear()
        self._stack.close()

    def begin(self) -> None:
        """It runs already."""

    def predict(
        self,
        params: Mapping[str, Any],
        parts: Mapping[str, int],
        *,
        seed: int,
        report: Report | None = None,
        seconds: float | None = None,
        **job: Any,
    ) -> Done:
        """Have the model fitted, and parts predicted; see `Worker.predict`.

        Raises:
            PodiumError: If it fails.
        """
        del seconds  # nothing can end it from outside
        self._tasks += 1
        began, told = time.monotonic(), _Told(given=report)
        files = {name: self._place / f"{self._tasks}-{name}.parquet" for name in parts}
        told.done.files = files
        told.done.left_open = (OPEN,)
        task = {
            "params": dict(params),
            "seed": seed,
            "parts": {name: str(path) for name, path in files.items()},
            **job,
        }
        child.predict(self.model, self._view.data, task, told, self._read)
        told.done.seconds = time.monotonic() - began
        return told.done


@dataclass(kw_only=True)
class _Told:
    """Takes what a model's process would say."""

    given: Report | None
    done: Done = field(default_factory=Done)

    def say(self, **message: Any) -> None:
        for name, value in message.items():
            setattr(self.done, name, Curve.read(value) if name == "curve" else value)

    def report(self, step: int, value: float, **others: float) -> None:
        if self.given:
            self.given(step, value, **others)


@dataclass(kw_only=True)
class Estimator:
    """A scikit-learn estimator as a model of the table of features: one column a target."""

    competition: Competition
    estimator: Any

    @classmethod
    def of(
        cls, competition: Competition, given: Any, changes: Mapping[str, Any], seed: int
    ) -> Self:
        """A fresh copy of an estimator; what is random in it, and has no seed, follows from one."""
        from sklearn.base import clone

        estimator = clone(given).set_params(**changes)
        own = estimator.get_params()
        unseeded = [n for n in own if n.split("__")[-1] == "random_state" and own[n] is None]
        return cls(
            competition=competition,
            estimator=estimator.set_params(**dict.fromkeys(unseeded, seed)),
        )

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn from the table of features."""
        del report
        if train.targets is None or not len(train.features.columns):
            raise ModelError(
                f"{self.competition.name} gives no table of features with targets, and an "
                "estimator takes nothing else.",
                hint="Write a class with fit(train) and predict(part): docs/models.md",
            )
        names = [target.name for target in self.competition.targets]
        wanted = train.targets[names[0] if len(names) == 1 else names]
        try:
            self.estimator.fit(train.features, wanted)
        except ValueError as error:
            hint = _encoded(train.features, str(error))
            if not hint:
                raise
            raise ModelError(
                f"{type(self.estimator).__name__} failed in fit: {one_line(error)}", hint=hint
            ) from error

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict; numbers are brought into the target's range, since an estimator knows none."""
        import pandas as pd

        predicted = np.asarray(self._predicted(part.features)).reshape(len(part), -1)
        table = pd.DataFrame({"id": part.ids})
        for column, target in enumerate(self.competition.targets):
            values = predicted[:, column]
            ends = target.low, target.high
            table[target.name] = values if target.label else np.clip(values.astype(float), *ends)
        return table

    def _predicted(self, features: pd.DataFrame) -> Any:
        target, *others = self.competition.targets
        chances = not target.label and (target.low, target.high) == (0.0, 1.0) and not others
        if chances and hasattr(self.estimator, "predict_proba"):
            return self.estimator.predict_proba(features)[:, 1]
        return self.estimator.predict(features)


def _encoded(features: pd.DataFrame, error: str) -> str:
    """What to do about columns that an estimator cannot take; nothing if they are not why."""
    text = list(features.select_dtypes(exclude="number").columns)
    if text and "could not convert string" in error:
        return (
            f"These columns are no numbers: {', '.join(text)}. To encode or drop them: "
            "sklearn.compose.make_column_transformer"
        )
    gaps = list(features.columns[features.isna().any()])
    if gaps and "NaN" in error:
        return (
            f"These columns have missing values: {', '.join(gaps)}. To fill them: "
            "sklearn.impute.SimpleImputer, in the pipeline"
        )
    return ""


def _kind(given: Any) -> str:
    return given.__name__ if isinstance(given, type) else f"An object of {type(given).__name__}"


def _recorded(value: Any) -> Any:
    """A parameter as a record can hold it: what is no plain value as it prints."""
    value = plain(value)
    if documents.fault(value) or (isinstance(value, float) and not math.isfinite(value)):
        return _ADDRESS.sub("", repr(value))
    return value


def _source(made: Any) -> str:
    """The source of a class or a function; where there is none, what matches nothing else."""
    with suppress(OSError, TypeError):
        text = inspect.getsource(made)
        if not isinstance(made, type) or f"class {made.__name__}" in text:
            return text  # from Python 3.13 on that of a cell's class may be lines of another file
    functions = [made, *vars(made).values()] if isinstance(made, type) else [made]
    for function in filter(inspect.isfunction, functions):  # of a notebook's cell
        text = "".join(linecache.getlines(function.__code__.co_filename))
        with suppress(SyntaxError):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ClassDef) and node.name == made.__name__:
                    return ast.get_source_segment(text, node) or _unknown(made)
    return _unknown(made)


def _unknown(made: Any) -> str:
    return f"{_stable(repr(made))} without source ({secrets.token_hex(8)})"


def _stable(text: str) -> str:
    """How something prints, without addresses; what is cut short there matches nothing else."""
    short = "..." in text
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    return f"{text} (cut short: {secrets.token_hex(8)})" if short else text
