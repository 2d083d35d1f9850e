"""A live object as a model: a class or a scikit-learn estimator of a notebook.

    podium.run("sirna", model=make_pipeline(...))

It runs in this process, without walls, one training at a time: whoever typed it trusts it. What it
gives passes the same checks as any model's predictions, and the record says what it was.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import math
import re
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
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
    made = given() if isinstance(given, type) and hasattr(given, "get_params") else given
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
        parameters={name: Undeclared(value) for name, value in params.items()},
        params=params,
        description=description,
    )


def _of_estimator(competition: Competition, made: Any) -> tuple[dict[str, Any], Build, str]:
    params = {name: _recorded(value) for name, value in made.get_params().items()}

    def build(wanted: dict[str, Any], seed: int) -> Estimator:
        changes = {name: value for name, value in wanted.items() if value != params[name]}
        return Estimator.of(competition, made, changes, seed)

    whole = "N_CHAR_MAX" in inspect.signature(made.__repr__).parameters
    return params, build, made.__repr__(N_CHAR_MAX=_DESCRIBED) if whole else repr(made)


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

    def build(wanted: dict[str, Any], seed: int) -> Any:
        return made(**wanted, seed=seed) if seeded else made(**wanted)

    return {name: _recorded(value) for name, value in own.items()}, build, _source(made)


def _of_object(made: Any) -> tuple[dict[str, Any], Build, str]:
    description = f"{_source(type(made))}\n# the object: {made!r}"
    return {}, lambda _wanted, _seed: copy.deepcopy(made), description


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
            setattr(self.done, name, value)

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


def _source(made: type) -> str:
    """The class's source where Python can find it."""
    try:
        return inspect.getsource(made)
    except (OSError, TypeError):
        return repr(made)
