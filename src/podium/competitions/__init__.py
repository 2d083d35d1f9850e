"""All competitions, wherever they are: in the wheel, in the checkout, in the user's workspace.

A path rather than a registry: adding a competition is adding a folder. The path is computed at
import, so that a spawned worker finds the same folders.
"""

import sys
from importlib.abc import PathEntryFinder
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from pathlib import Path

from podium.workspace import competition_roots

__path__ = [*__path__, *(str(root) for root in competition_roots())]


class _Loader(SourceFileLoader):
    """Tells yesterday's bytecode from today's by the nanosecond.

    Python compares whole seconds and the size: `"w"` changed to `"v"` at once stayed `"w"`.
    """

    def path_stats(self, path: str) -> dict[str, int]:
        """When a source was written and its size in bytes; Python keeps 32 bits of each."""
        stats = Path(path).stat()
        return {"mtime": stats.st_mtime_ns, "size": stats.st_size}


def _finder(place: str) -> PathEntryFinder:
    """Finds modules in folders of competitions; leaves other places to Python."""
    roots = sys.modules[__name__].__path__
    if not any(Path(place).is_relative_to(root) for root in roots):
        raise ImportError(place)
    return FileFinder(place, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_Loader, SOURCE_SUFFIXES))


sys.path_hooks.insert(0, _finder)
