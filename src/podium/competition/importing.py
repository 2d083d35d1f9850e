"""Importing a competition's modules: what fails shows the folder's own lines."""

from __future__ import annotations

import contextlib
import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING

from podium.errors import PodiumError, needing_extras

if TYPE_CHECKING:
    pass


def _import(name: str, module: str) -> ModuleType:
    """Import a module of a competition; what it prints goes to stderr, stdout is for results."""
    where = f"podium.competitions.{name}.{module}"
    told = _Told(name, module)
    with contextlib.redirect_stdout(sys.stderr), told, needing_extras(told.file):
        return import_module(where)


class _Told:
    """Turns whatever a folder's code raises into an error that shows the folder's own lines."""

    def __init__(self, name: str, module: str) -> None:
        self.name, self.file = name, f"competitions/{name}/{module.replace('.', '/')}.py"

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if not isinstance(error, Exception | SystemExit) or isinstance(error, PodiumError):
            return
        own = [
            f"{Path(frame.filename).name}, line {frame.lineno}: {frame.line}"
            for frame in traceback.extract_tb(trace)
            if self.name in Path(frame.filename).parts
        ]
        if isinstance(error, SyntaxError):
            own.append(f"{Path(error.filename or self.file).name}, line {error.lineno}")
        said = (str(error).splitlines() or [""])[0]
        raise PodiumError(
            f"{self.file} fails: {type(error).__name__}: {said}",
            problems=own,
            hint="The other competitions are not affected.",
        ) from error
