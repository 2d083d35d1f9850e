"""Parameters: what a model file declares of each, and the check of values that follows from it.

    PARAMETERS = {
        "rounds": Parameter(400, "boosted trees", (1, 10_000), search=(50, 2000, "log")),
        "source": Parameter("truth", "whose counts count", choices=("truth", "observed")),
    }

Declarations are data. `declared` reads them from a file's text and runs none of it, so that a wrong
value is refused before anything heavy is imported, and a stranger's file can be shown unharmed.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from podium.documents import fault, is_shallow
from podium.errors import ModelError, UnknownNameError

DECLARED = "PARAMETERS"
"""What a model file calls its declarations."""
_MARK = "__declares__"  # of a function that may be called while declarations are read
_ROOM = 100_000
"""Values, and characters of texts, that are read for one name: no declarations come near."""
_FAILURES = (TypeError, ValueError, OverflowError, RecursionError, MemoryError, ImportError)
"""What a wrong text can make of reading it."""
_WORDS = {
    bool: ("true or false", "true or false"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("text", "texts"),
    list: ("a list", "lists"),
    tuple: ("a list", "lists"),
    dict: ("an object", "objects"),
}

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Parameter:
    """One parameter of a model.

    Attributes:
        default: Its value unless another is set. Its type is the parameter's: a whole number takes
            whole numbers only, one with a point takes both, a list takes what its first entry is.
        what: One line that says what it is.
        within: The least and the greatest value, or entry of a list; None for no end.
        choices: All values, or entries of a list, where these are few.
        search: What a search tries: `(low, high)`, `(low, high, "log")`, or True for all choices.
        like: A value of its type, where neither the default nor an end says it.
        optional: Whether None is allowed; it is where it is the default.

    Raises:
        ValueError: If it contradicts itself, or has what no record can keep.
        TypeError: If `what` is no text, or `choices` is one.
    """

    default: Any
    what: str = ""
    within: tuple[Any, Any] = (None, None)
    choices: Collection[Any] = ()
    search: Sequence[Any] | bool = ()
    like: Any = None
    optional: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.what, str):
            raise TypeError("what is one line of text")
        if not isinstance(self.within, tuple) or len(self.within) != 2:
            raise ValueError("within is (low, high)")
        if not all(end is None or isinstance(end, int | float) for end in self.within):
            raise ValueError("within is (low, high), of numbers or None")
        if isinstance(self.choices, str | bytes):  # ("mean") is text, any part of which is in it
            raise TypeError("choices is a list: write a single one as [VALUE]")
        for value in (self.default, self.like, *self.within, *self.choices):
            if why := fault(value):
                raise ValueError(f"it has a value that cannot be recorded: {why}")
        if self.default is not None:
            self._must_take(self.default, "its default")
        elif self._example is None:
            raise ValueError("a default of None leaves the type open: say like=VALUE")
        if self.search and isinstance(self._example, list | tuple | dict):
            raise ValueError("no search tries lists or objects: write a space(trial)")
        if self.search is True and not (self.choices or isinstance(self._example, bool)):
            raise ValueError("search=True tries all choices, and there are none")
        if not isinstance(self.search, bool) and self.search:
            low, high, *scale = self.search
            for end in (low, high):
                self._must_take(end, "an end of its search")
            if scale not in ([], ["log"]) or low > high or (scale and low <= 0):
                raise ValueError('search is (low, high), or (low, high, "log") above 0')

    def _must_take(self, value: Any, name: str) -> None:
        try:
            self.take(value)
        except (ValueError, OverflowError):
            raise ValueError(f"{name} is {value!r}, and {self.allowed} is allowed") from None

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        example = self._example
        many = isinstance(example, list | tuple)
        text = _WORDS.get(type(self._entry), (type(self._entry).__name__,) * 2)[many]
        if self.choices:
            text = f"{'some' if many else 'one'} of {', '.join(map(str, self.choices))}"
        else:
            text += _between(*self.within)
        text = f"a list of {text}" if many else text
        return f"{text}, or None" if self.optional or self.default is None else text

    @property
    def searched(self) -> str:
        """What a search tries, in words; nothing if it leaves the parameter alone."""
        if isinstance(self.search, bool):
            return "all" if self.search else ""
        if not self.search:
            return ""
        low, high, *scale = self.search
        return " ".join([f"{_figure(low)} to {_figure(high)}", *scale])

    def take(self, value: Any) -> Any:
        """A value as the model is given it: without NumPy's types, a whole 3.0 as 3.

        Raises:
            ValueError, OverflowError: If it is not allowed.
        """
        value = plain(value)
        if value is None and (self.optional or self.default is None):
            return None
        if not isinstance(self._example, list | tuple):
            return self._one(value)
        if not isinstance(value, list | tuple) or not value:
            raise ValueError
        return type(self._example)(self._one(entry) for entry in value)  # JSON knows no tuples

    def _one(self, value: Any) -> Any:
        kind = type(self._entry)
        if kind in (int, float):
            value = _number(value, kind)
            low, high = self.within
            if not (low is None or low <= value) or not (high is None or value <= high):
                raise ValueError
        elif not isinstance(value, kind):
            raise ValueError
        if self.choices and value not in self.choices:
            raise ValueError
        return value

    @property
    def _example(self) -> Any:
        known = (self.default, self.like, *self.within)
        return next((value for value in known if value is not None), None)

    @property
    def _entry(self) -> Any:
        """What a single value is like: the first entry of a list."""
        example = self._example
        return example[0] if isinstance(example, list | tuple) and example else example

    def suggest(self, name: str, trial: Any) -> Any:
        """A value that a search tries; `trial` is Optuna's, or stands for it."""
        if isinstance(self.search, bool):
            return trial.suggest_categorical(name, self.choices or (False, True))
        low, high, *scale = self.search
        whole = isinstance(self._entry, int)
        return (trial.suggest_int if whole else trial.suggest_float)(
            name, low, high, log=bool(scale)
        )


class Undeclared(Parameter):
    """A parameter of `DEFAULTS`, of which its default is all that is known."""

    def __post_init__(self) -> None:
        pass

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        if self.default is None:
            return "any value"
        kind = float if type(self.default) is int else type(self.default)
        return f"{_WORDS.get(kind, (kind.__name__,))[0]}, as in {repr(self.default)[:80]}"

    def take(self, value: Any) -> Any:
        """A value like the default: any number for a number, any list for a list.

        Raises:
            ValueError, OverflowError: If it is something else.
        """
        value, default = plain(value), self.default
        if value is None or default is None:
            return value
        if isinstance(default, list | tuple) and isinstance(value, list | tuple):
            return tuple(value) if isinstance(default, tuple) else list(value)
        if isinstance(default, int | float) and not isinstance(default, bool):
            whole = isinstance(default, int) and isinstance(value, int)
            return _number(value, int if whole else float)
        if isinstance(value, type(default)):
            return value
        raise ValueError


def _number(value: Any, kind: type[int | float]) -> int | float:
    """A number of that kind, which stands for the same.

    Raises:
        ValueError, OverflowError: If there is none: NaN is no number, nor 2.5 a whole one.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or kind(value) != value:
        raise ValueError
    return kind(value)


def _between(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        ends = [(low, "or more"), (high, "or less")]
        return "".join(f" of {_figure(end)} {words}" for end, words in ends if end is not None)
    return f" from {_figure(low)} to {_figure(high)}"


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def plain(value: Any) -> Any:
    """A value without NumPy's types, at any depth that can be recorded."""
    return _plain(value) if is_shallow(value) else value


def _plain(value: Any) -> Any:
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):  # not its functions
        value = value.tolist()
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        entries = [_plain(entry) for entry in value]
        return tuple(entries) if isinstance(value, tuple) else entries
    return value


def defaults(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The complete parameters of a model that declares these."""
    return {name: parameter.default for name, parameter in parameters.items()}


def checked(
    model: str, parameters: Mapping[str, Parameter], changes: Mapping[str, Any]
) -> dict[str, Any]:
    """Changes to a model's parameters as the model takes them.

    Raises:
        UnknownNameError: For a parameter that the model does not have.
        ModelError: For values that are not allowed, each with what is.
    """
    taken, problems = dict[str, Any](), []
    for name, value in changes.items():
        if name not in parameters:
            raise UnknownNameError(f"parameter of {model}", name, parameters)
        known, shown = parameters[name], repr(value)[:80]
        try:
            taken[name] = known.take(value)
        except (ValueError, OverflowError):
            problems.append(f"{name} of {model} is {known.allowed}, not {shown}.")
        else:
            if why := fault(taken[name]):
                problems.append(f"{name}={shown} of {model} cannot be recorded: {why}.")
    if len(problems) == 1:
        raise ModelError(problems[0])
    if problems:
        raise ModelError(f"Parameters of {model} are refused.", problems=problems)
    return taken


def suggest(parameters: Mapping[str, Parameter], trial: Any) -> dict[str, Any]:
    """What a search tries of parameters: the `space` of a file that has none of its own."""
    return {name: p.suggest(name, trial) for name, p in parameters.items() if p.search}


def declares(function: Function) -> Function:
    """Mark a function that makes declarations of plain values, and does nothing else."""
    setattr(function, _MARK, True)
    return function


declares(Parameter)


def declared(
    source: bytes,
    path: Path,
    beside: Callable[[str], Any] | None = None,
    name: str = DECLARED,
) -> Any:
    """What a file's text says a name is, most often its declarations, without running the text.

    Args:
        source: The text.
        path: The file, for errors.
        beside: Imports a module of the file's own competition, where this is trusted.
        name: Of a constant.

    Returns:
        The value; None if the file has no such constant, or is no Python.

    Raises:
        ModelError: If the value would have to be computed, or declarations contradict themselves.
    """
    if name.encode() not in source:
        return None
    try:
        reader = _Reader(ast.parse(source), beside)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # its process says so, with the line
    if name not in reader.bound:
        return None
    value = reader.named(name, path)
    if name == DECLARED and not _are_declarations(value):
        raise ModelError(f"{path}: {name} is no dict of names and Parameter(...).", hint=_HINT)
    return value


def summary(source: bytes) -> str:
    """The first line of a file's docstring; the file is not run."""
    try:
        doc = ast.get_docstring(ast.parse(source)) or ""
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"broken: {str(error) or 'too many expressions within each other'}"
    return doc.split("\n\n")[0].replace("\n", " ")


def constant(source: bytes, name: str) -> Any:
    """A plain value that a file sets at its top level; None without one. The file is not run."""
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == [name]:
                return ast.literal_eval(node.value)
    return None


_HINT = (
    f"{DECLARED} is read without running the file: plain values, Parameter(...), and what "
    "podium.learning declares. See docs/models.md"
)


def _are_declarations(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(entry, Parameter) for name, entry in value.items()
    )


class _UnreadableError(Exception):
    """An expression that only running the file could tell."""

    def __init__(self, node: ast.AST, why: str) -> None:
        super().__init__(f"line {getattr(node, 'lineno', 1)}: {why}")


class _Reader:
    """Values of a module's constants, as far as its text alone says them."""

    def __init__(self, tree: ast.Module, beside: Callable[[str], Any] | None) -> None:
        self.bound: dict[str, dict[object, int]] = {}  # lines of each name, by what binds it
        for name, what, line in _bindings(tree):
            self.bound.setdefault(name, {})[what] = line
        self._constants: dict[str, ast.expr] = {}
        self._left = _ROOM
        self._imports: dict[str, tuple[str, str]] = {}
        self._beside = beside
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = (target.id for target in targets if isinstance(target, ast.Name))
                self._constants.update(dict.fromkeys(names, node.value))
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                for alias in node.names:
                    self._imports[alias.asname or alias.name] = module, alias.name

    def named(self, name: str, path: Path) -> Any:
        """The value of a constant.

        Raises:
            ModelError: If it would have to be computed.
        """
        try:
            return self._known(ast.Name(name, lineno=min(self.bound[name].values())), name)
        except (_UnreadableError, *_FAILURES) as error:
            why = str(error) or type(error).__name__
            raise ModelError(f"{path}: {name} cannot be read: {why}.", hint=_HINT) from None

    def _value(self, node: ast.expr) -> Any:
        self._spend(node, 1)
        match node:
            case ast.Constant(value=value):
                return self._constant(node, value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return -self._constant(node, number)
            case ast.List(elts=entries):
                return self._entries(entries)
            case ast.Tuple(elts=entries):
                return tuple(self._entries(entries))
            case ast.Dict():
                return self._dict(node)
            case ast.Name(id=name):
                return self._known(node, name)
            case ast.Call():
                return self._made(node)
        raise _UnreadableError(node, f"{ast.unparse(node)[:60]} would have to be computed")

    def _spend(self, node: ast.AST, size: int) -> None:
        """Count what is read: a short text of names and stars can stand for any amount."""
        self._left -= size
        if self._left < 0:
            raise _UnreadableError(node, f"there are more than {_ROOM:,} values and characters")

    def _constant(self, node: ast.expr, value: Any) -> Any:
        if isinstance(value, str):
            self._spend(node, len(value))
        if why := fault(value):
            raise _UnreadableError(node, f"a value cannot be recorded: {why}")
        return value

    def _entries(self, nodes: Sequence[ast.expr]) -> list[Any]:
        entries: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                several = self._value(node.value)
                if not isinstance(several, list | tuple | dict):
                    raise _UnreadableError(node, f"{ast.unparse(node)[:60]} is no list")
                self._spend(node, len(several))
                entries.extend(several)
            else:
                entries.append(self._value(node))
        return entries

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        entries: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:  # ** of another one
                entries.update(self._object(value))
            else:
                entries[self._value(key)] = self._value(value)
        return entries

    def _object(self, node: ast.expr) -> dict[Any, Any]:
        """What stands behind `**`."""
        several = self._value(node)
        if not isinstance(several, dict):
            raise _UnreadableError(node, f"{ast.unparse(node)[:60]} is no dict")
        self._spend(node, len(several))
        return several

    def _known(self, node: ast.AST, name: str) -> Any:
        """A constant of the file, or what it imports from Podium or from its competition."""
        lines = sorted(self.bound.get(name, {}).values())
        if len(lines) > 1:
            where = ", ".join(map(str, lines[:5]))
            raise _UnreadableError(node, f"{name} is set or changed more than once: lines {where}")
        if name in self._constants:
            return self._value(self._constants[name])
        module, own = self._imports.get(name, ("", ""))
        source = None
        if module in ("podium.competition", "podium.learning"):
            source = import_module(f"{module}.parameters")  # light, unlike what else they export
        elif module.startswith("..") and not module.startswith("...") and self._beside:
            source = self._beside(module[2:])
        if not hasattr(source, own):
            raise _UnreadableError(node, f"{name} is not known without running it")
        return getattr(source, own)

    def _made(self, node: ast.Call) -> Any:
        function: Any = self._value(node.func) if isinstance(node.func, ast.Name) else None
        if _MARK not in getattr(function, "__dict__", {}):  # a subclass, or an instance, is not it
            raise _UnreadableError(node, f"{ast.unparse(node.func)[:60]}(...) would have to be run")
        given = self._entries(node.args)
        named: list[tuple[str, Any]] = []
        for word in node.keywords:
            if word.arg is None:  # ** of a dict
                named.extend(self._object(word.value).items())
            else:
                named.append((word.arg, self._value(word.value)))
        if len(dict(named)) < len(named):
            raise _UnreadableError(node, "an argument is given more than once")
        try:
            return function(*given, **dict(named))
        except _FAILURES as error:
            raise _UnreadableError(node, str(error)) from None


def _bindings(tree: ast.Module) -> Iterator[tuple[str, object, int]]:
    """Names that a module binds or changes outside functions and classes: by what, in which line.

    The same import again is the same. What is changed by a method shows where the module is loaded.
    """
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        within = ast.iter_child_nodes(node)
        line = getattr(node, "lineno", 1)
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node, line
                continue
            case ast.ClassDef(name=name):
                yield name, node, line
                continue
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp():
                continue  # names of their own
            case ast.GeneratorExp() | ast.AnnAssign(value=None):
                continue
            case ast.ImportFrom(names=aliases):
                for alias in aliases:
                    what = (node.level, node.module, alias.name)
                    yield alias.asname or alias.name, what, line
                continue
            case ast.alias(name=module, asname=name):
                yield name or module.partition(".")[0], module.partition(".")[0], line
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name, node, line
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                yield name, node, line
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name, node, line
        nodes.extend(within)
