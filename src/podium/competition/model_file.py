"""The model contract: what a model file gives, and what it is given.

A model file has `PARAMETERS` (declarations) and `build(params, seed)`, or `DEFAULTS` (complete
parameters), `build(params, seed)` and `space(trial)`; the built object has `fit(train, report)` and
`predict(part)`. A shipped baseline and a user's own file are the same kind of file.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import importlib.machinery
import importlib.util
import json
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any, Self

from podium import documents
from podium.competition.contract import Competition
from podium.competition.importing import import_part
from podium.competition.parameters import (
    DECLARED,
    Parameter,
    Undeclared,
    checked,
    constant,
    declared,
    defaults,
    plain,
    suggest,
    summary,
)
from podium.competition.part import Model
from podium.errors import (
    ModelError,
    Plain,
    PodiumError,
    UnknownNameError,
    in_one_line,
    note,
    own_lines,
    require_extra,
)
from podium.scratch import file_sha256

_PREFIX = "podium_model_"
_AS_MODULE = """from pathlib import Path
from podium.competition.model_file import import_file
import_file(Path({path!r}), Path(__file__).with_suffix(".source").read_bytes())
"""
_LOADED = "__podium_sha256__"  # attribute of a shipped model's module: of the source it is from
_SAID, _LINES = 1000, 10  # characters of an error, and lines of a file, that a message shows


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A model file: a shipped model, or a user's own. Its code is not loaded.

    Attributes:
        name: The file's name without its ending.
        shipped: Whether it lies in the competition's folder.
        sha256: Of the source, whatever the file holds by now.
        source: What the file held when it was found.
        parameters: What it declares; {} where it has `DEFAULTS`, which only its process tells.
        params: Complete parameters: the defaults, or those with changes.
    """

    name: str
    path: Path
    shipped: bool
    sha256: str
    source: bytes = field(default=b"", repr=False)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return summary(self.source)

    @property
    def any_genes(self) -> bool:
        """Whether it predicts matrices of genes that the dataset does not have."""
        return constant(self.source, "ANY_GENES") is True

    def note_change(self) -> None:
        """Say so if the file is no longer what has just run."""
        if not self.path.is_file() or file_sha256(self.path) != self.sha256:
            note(
                f"{self.path} has changed since it was loaded: what came of it is of the version "
                f"before (sha256 {self.sha256[:12]}...). Run it again for the new one."
            )

    def write_module(self, folder: Path) -> None:
        """Let processes that the model starts import it from a folder, as this process read it.

        Workers of loky and their like unpickle its functions and classes by the module's name.
        """
        module = folder / f"{_module_name(self.path)}.py"
        module.with_suffix(".source").write_bytes(self.source)
        text = _AS_MODULE.format(path=str(self.path.resolve()))
        module.write_text(text, encoding="utf-8")

    def with_defaults(self, told: Mapping[str, Any]) -> Self:
        """The same file with its `DEFAULTS`, as its process tells them."""
        undeclared = {name: Undeclared(value) for name, value in told.items()}
        return replace(self, params=told, parameters=self.parameters or undeclared)

    def with_params(self, changes: Mapping[str, Any]) -> Self:
        """The same file with some parameters changed.

        Raises:
            UnknownNameError: For a parameter that the model does not have.
            ModelError: For values that are not allowed, each with what is.
        """
        taken = checked(self.name, self.parameters, changes)
        return replace(self, params={**self.params, **taken})

    def changed(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Changes as the model takes them; where only its process knows, without NumPy's types.

        Raises:
            UnknownNameError, ModelError: See `with_params`.
        """
        if not self.parameters:
            return {name: plain(value) for name, value in changes.items()}
        return checked(self.name, self.parameters, changes)


@dataclass(frozen=True, kw_only=True)
class LoadedModel(ModelFile):
    """A model file that keeps the contract, with its code."""

    module: ModuleType

    def build(self, seed: int) -> Model:
        """Build the model with its parameters.

        Raises:
            ModelError: If a user's file or parameter fails.
        """
        with self.running("build"):
            model: Model = self.module.build(copy.deepcopy(dict(self.params)), seed)
        lacking = [n for n in ("fit", "predict") if not callable(getattr(model, n, None))]
        if lacking:
            raise ModelError(
                f"{self.path}: build() returned {type(model).__name__}, which has no "
                f"{' and no '.join(lacking)}.",
                hint="The contract: docs/models.md",
            )
        return model

    def space(self, trial: Any) -> Any:
        """What a search tries: as the file's own `space` says, or its declarations."""
        own = getattr(self.module, "space", None)
        with self.running("space"):
            return own(trial) if own else suggest(self.parameters, trial)

    @contextmanager
    def running(self, what: str, *, own_rows: bool = False) -> Iterator[None]:
        """Run code of the file; what it prints goes to stderr, since stdout is for results.

        Raises:
            ModelError: If a user's own file fails, or a shipped one on parameters or rows that
                the user chose; it shows the file's lines. A shipped model as it is may fail as it
                does: that is a fault of ours.
            MissingPackageError: If it needs an extra that is not installed.
        """
        ours = self.shipped and self.params == defaults(self.parameters) and not own_rows
        told = contextlib.nullcontext() if ours else _translate_errors(self.path, what)
        with _printing(), told, require_extra(self.name), self._threads():
            yield

    def _threads(self) -> contextlib.AbstractContextManager[Any]:
        """Linear algebra on as many threads as the file says: see docs/models.md."""
        count = getattr(self.module, "THREADS", None)
        if count is None:
            return contextlib.nullcontext()
        import scipy.linalg  # noqa: F401  what is loaded later is not held back
        from threadpoolctl import threadpool_limits

        limits: contextlib.AbstractContextManager[Any] = threadpool_limits(count, user_api="blas")
        return limits


def user_file(name: str | Path) -> Path | None:
    """The path of a user's own file (ending in `.py`); None for a shipped model's name.

    Raises:
        ModelError: If there is no such file, or its path cannot be recorded.
    """
    if not str(name).endswith(".py"):
        return None
    path = Path(name)
    if not path.is_file():
        raise ModelError(f"There is no model file {path}.")
    if not str(path.resolve()).isprintable():
        raise ModelError(
            f"The path of {path} has characters that cannot be printed, nor recorded.",
            hint="Rename the file, or the folder that it lies in.",
        )
    return path


def shown_name(name: str | Path) -> str:
    """What a model is called: a file without its ending."""
    path = user_file(name)
    return str(name) if path is None else path.stem


def check_name(competition: Competition, name: str) -> None:
    """Refuse what is no shipped model's name.

    Raises:
        UnknownNameError: With the nearest name.
    """
    if name not in competition.models:
        hint = (
            f"See them all: podium models {competition.name}. "
            "A model of your own is named by its file: path/to/model.py"
        )
        raise UnknownNameError(f"model of {competition.name}", name, competition.models, hint=hint)


def source(competition: Competition, name: str | Path) -> Path:
    """The file of a model: a shipped one, or a user's own.

    Raises:
        UnknownNameError: With the nearest shipped name.
        ModelError: If there is no such file.
    """
    if path := user_file(name):
        return path
    check_name(competition, str(name))
    return competition.folder / "models" / f"{name}.py"


def find(competition: Competition, name: str | Path) -> ModelFile:
    """A shipped model by its name, or a file by its path (ending in `.py`), without its code.

    Raises:
        UnknownNameError: With the nearest shipped name.
        ModelError: If there is no such file, or its declarations are broken.
    """
    path = source(competition, name)
    content, shipped = path.read_bytes(), user_file(name) is None
    parameters = _declared(competition, path, content, shipped=shipped)
    return ModelFile(
        name=path.stem,
        path=path,
        shipped=shipped,
        sha256=hashlib.sha256(content).hexdigest(),
        source=content,
        parameters=parameters or {},
        params=defaults(parameters or {}),
    )


def shown(competition: Competition, name: str | Path) -> ModelFile:
    """A model file with the `DEFAULTS` that its text shows, if it has no declarations.

    None of its code is run: where `DEFAULTS` are computed it has no parameters here.

    Raises:
        UnknownNameError, ModelError: See `find`.
    """
    file = find(competition, name)
    if not file.parameters:
        with contextlib.suppress(ModelError):
            told = declared(file.source, file.path, name="DEFAULTS")
            if isinstance(told, dict) and not any(map(documents.fault, told.values())):
                return file.with_defaults({str(name): value for name, value in told.items()})
    return file


def _declared(
    competition: Competition, path: Path, content: bytes, *, shipped: bool
) -> dict[str, Parameter] | None:
    """What a model file declares; None if it declares nothing.

    Raises:
        ModelError: If its declarations are broken.
    """
    beside = partial(import_part, competition.name) if shipped else None
    known: dict[str, Parameter] | None = declared(content, path, beside)
    return known


def load(
    competition: Competition,
    name: str | Path,
    *,
    sha256: str | None = None,
    content: bytes | None = None,
) -> LoadedModel:
    """Load a shipped model by its name, or a file by its path (ending in `.py`), as it is.

    Args:
        competition: Whose model.
        name: Its name, or its path.
        sha256: What it must be, where another process has looked at it before.
        content: What a user's file held then; None for what it holds now.

    Raises:
        UnknownNameError: With the nearest shipped name.
        ModelError: If a file does not load, lacks a part of the contract, or has another sha256.
    """
    path = source(competition, name)
    shipped = user_file(name) is None
    content = path.read_bytes() if content is None else content
    known = hashlib.sha256(content).hexdigest()
    module = competition.module(f"models.{name}") if shipped else None
    if module:  # it is loaded once a process, perhaps before the file was edited
        known = vars(module).setdefault(_LOADED, known)
    if sha256 not in (None, known):
        raise changed_since(path)
    parameters = _declared(competition, path, content, shipped=shipped)
    module = module or import_file(path, content)
    _check_contract(path, module, parameters)
    if parameters is None:
        parameters = {name: Undeclared(value) for name, value in module.DEFAULTS.items()}
    return LoadedModel(
        name=path.stem,
        path=path,
        shipped=shipped,
        sha256=known,
        source=content,
        module=module,
        parameters=parameters,
        params=defaults(parameters),
    )


def changed_since(path: Path) -> ModelError:
    """The error where a file is no longer what another process has looked at."""
    return ModelError(
        f"{path} has changed since this began: it would not be the same model.",
        hint="Run it again once the file is saved.",
    )


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """Read `name=value` pairs; a value is JSON where it can be, else text."""
    params: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name:
            raise PodiumError(
                f"{setting!r} sets no parameter.", hint="Write it as name=value: --set rounds=500"
            )
        try:
            params[name] = json.loads(text)
        except (ValueError, RecursionError):
            params[name] = {"True": True, "False": False, "None": None}.get(text, text)
    return params


def _check_contract(
    path: Path, module: ModuleType, parameters: Mapping[str, Parameter] | None
) -> None:
    needed = [("build", "(params, seed)")]
    needed += [("space", "(trial)")] if parameters is None else []
    problems = [
        f"{name}{arguments} is missing"
        for name, arguments in needed
        if not callable(getattr(module, name, None))
    ]
    values = getattr(module, "DEFAULTS", None) if parameters is None else defaults(parameters)
    if not isinstance(values, dict):
        problems.insert(0, f"{DECLARED} = {{...}} or DEFAULTS = {{...}} is missing")
    else:
        whose = "DEFAULTS" if parameters is None else DECLARED
        problems += [
            f"{whose}[{name!r}] has type {type(value).__name__} and cannot be recorded: {why}"
            for name, value in values.items()
            if (why := documents.fault(value) if isinstance(name, str) else "its name is no text")
        ]
    if problems:
        raise ModelError(
            f"{path} is no model file.", problems=problems, hint="The contract: docs/models.md"
        )
    if parameters is None:
        return
    with _translate_errors(path, "import"):  # as text: 1 and 1.0 differ, arrays do no harm
        same = repr(vars(module).get(DECLARED)) == repr(parameters)
    if not same:
        raise ModelError(
            f"{path}: {DECLARED} is not what the file's text says, which is read without running "
            "it: something changes it, or the file is of another version.",
            hint=f"Write {DECLARED} down as it is, once. If the file has just been edited, "
            "begin a new process.",
        )


class _Source(importlib.machinery.SourceFileLoader):
    """The source that was read: no bytecode beside a user's file, and none of yesterday's."""

    def __init__(self, name: str, path: Path, content: bytes) -> None:
        super().__init__(name, str(path))
        self._content = content

    def get_code(self, fullname: str) -> CodeType:
        """Compile the source."""
        code: CodeType = self.source_to_code(self._content, self.get_filename(fullname))
        return code


def _module_name(path: Path) -> str:
    """What a user's file is called as a module."""
    return _PREFIX + hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]


def import_file(path: Path, content: bytes) -> ModuleType:
    """Import what a user's file holds, under a name of its own: it hides no other module.

    Raises:
        ModelError: If it fails.
    """
    name = _module_name(path)
    spec = importlib.util.spec_from_file_location(name, path, loader=_Source(name, path, content))
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    told = _translate_errors(path, "import")
    with _printing(), told, require_extra(path.name):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _printing() -> Iterator[None]:
    """What a file prints goes to stderr, since stdout is for results."""
    plain = Plain(sys.stderr)
    with contextlib.redirect_stdout(plain), contextlib.redirect_stderr(plain):
        yield


@contextmanager
def _translate_errors(path: Path, what: str) -> Iterator[None]:
    """Turn any error of a user's file into a `ModelError` that shows that file's own lines."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, PodiumError) and _is_ours(error.__traceback__):
            raise
        said = in_one_line(traceback.format_exception_only(error)[-1][:_SAID])
        said = re.sub(rf"^{_PREFIX}\w+\.|^podium\.errors\.", "", said)  # of a class in the file
        raise ModelError(
            f"{path} failed in {what}: {said}",
            problems=own_lines(error, lambda file: file.resolve() == path.resolve())[-_LINES:],
            hint="A model returns; it does not exit." if isinstance(error, SystemExit) else "",
        ) from error


def _is_ours(trace: TracebackType | None) -> bool:
    """Whether code of Podium, or of a competition, raised it: a model's own words are marked."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = trace.tb_frame.f_globals.get("__name__") if trace else None
    return str(name).partition(".")[0] == "podium"
