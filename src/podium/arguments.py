"""What public calls are given: refused in a sentence, before any work, where its type is wrong."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import wraps
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from podium.errors import PodiumError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "None": (type(None), ""),
    "str": (str, "text"),
    "Path": ((str, os.PathLike), "a path"),
    "int": (Integral, "a whole number"),
    "float": (Real, "a number"),
    "bool": (bool, "True or False"),
    "Mapping[str, Any]": (Mapping, "a mapping of names to values"),
}
"""By what an annotation says: the types, and in words. Of other annotations anything is taken."""
_RANGES = {"seed": (0, 2**32 - 1), "seeds": (1, None)}  # others are checked where they are used
_MODEL = "a model's name or a model file"
_LIVE = "Live objects go into podium.run and podium.cross_validate."


def checked(call: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let a public call refuse arguments that are not of the types of its signature.

    The call raises a PodiumError that names all of them.
    """
    signature = inspect.signature(call)
    plain: Callable[..., Result] = call
    kinds = {name: str(given.annotation) for name, given in signature.parameters.items()}
    several = {n for n, p in signature.parameters.items() if p.kind is p.VAR_POSITIONAL}
    others = {n for n, p in signature.parameters.items() if p.kind is p.VAR_KEYWORD}

    @wraps(call)
    def checking(*args: Arguments.args, **given: Arguments.kwargs) -> Result:
        try:
            bound = signature.bind(*args, **given)
        except TypeError:
            return call(*args, **given)  # Python itself says it better: it names the call
        problems = []
        for name, value in bound.arguments.items():
            for one in value if name in several else () if name in others else (value,):
                problems += _problems(name, kinds[name], one)
            bound.arguments[name] = _taken(kinds[name], value)
        _refuse(call.__name__, problems, bound.arguments.get("model"))
        return plain(*bound.args, **bound.kwargs)

    return checking


def check_fields(call: str, options: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The same of the keywords that a call passes on to a dataclass; gives them as it takes them.

    Raises:
        PodiumError: With all that are wrong or that it does not have.
    """
    kinds = {field.name: str(field.type) for field in fields(options)}
    problems = []
    for name, value in given.items():
        if name in kinds:
            problems += _problems(name, kinds[name], value)
        else:
            problems.append(f"there is no argument {name!r}; known: {', '.join(kinds)}")
    _refuse(call, problems, "")
    return {name: _taken(kinds[name], value) for name, value in given.items()}


def _taken(annotation: str, value: Any) -> Any:
    """A value as the call takes it: text as a path, and whole numbers of NumPy as Python's."""
    parts = annotation.split(" | ")
    if isinstance(value, str) and "Path" in parts and "str" not in parts:
        return Path(value)
    if not isinstance(value, int) and isinstance(value, Integral):
        return int(value)  # JSON takes no other
    return value


def _problems(name: str, annotation: str, value: Any) -> list[str]:
    """What is wrong with one argument: nothing, or one sentence."""
    parts = annotation.split(" | ")
    if not all(part in _KINDS for part in parts):
        return []
    if not any(isinstance(value, _KINDS[part][0]) for part in parts):
        words = " or ".join(_KINDS[part][1] for part in parts if part != "None")
        words = _MODEL if name == "model" else words
        return [f"{name} is {words}, not {repr(value)[:80]}"]
    low, high = _RANGES.get(name, (None, None))
    if value is None or low is None or (low <= value and (high is None or value <= high)):
        return []
    allowed = f"{low} or more" if high is None else f"from {low} to {high}"
    return [f"{name} is {allowed}, not {value!r}"]


def _refuse(call: str, problems: list[str], model: Any) -> None:
    if problems:
        named = isinstance(model, str | os.PathLike | None)
        raise PodiumError(
            f"podium.{call}: {problems[0]}.", problems=problems[1:], hint="" if named else _LIVE
        )
