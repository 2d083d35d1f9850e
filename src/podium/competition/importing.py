"""Importing a competition's modules: what fails shows the folder's own lines."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from podium.errors import PodiumError, own_lines, require_extra


def import_part(name: str, module: str) -> ModuleType:
    """Import a module of a competition; what it prints goes to stderr, stdout is for results."""
    with (
        contextlib.redirect_stdout(sys.stderr),
        translate_errors(name, module),
        require_extra(_file(name, module)),
    ):
        return import_module(f"podium.competitions.{name}.{module}")


@contextlib.contextmanager
def translate_errors(name: str, module: str) -> Iterator[None]:
    """Turn whatever a competition's code raises into an error that shows its own lines.

    Raises:
        PodiumError: In the place of any other error.
    """
    try:
        yield
    except PodiumError:
        raise
    except (Exception, SystemExit) as error:
        said = (str(error).splitlines() or [""])[0]
        raise PodiumError(
            f"{_file(name, module)} fails: {type(error).__name__}: {said}",
            problems=own_lines(error, lambda path: name in path.parts),
            hint="The other competitions are not affected.",
        ) from error


def _file(name: str, module: str) -> str:
    return f"competitions/{name}/{module.replace('.', '/')}.py"
