"""Installed packages that lie elsewhere than where they are imported from, and where they lead.

Tools such as uv link to a cache, editable installs import from a project, libraries lie where a
package's RPATH says: a model's process sees the first two by itself; the third is told by its name.
"""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.machinery import PathFinder, all_suffixes
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

_KEPT_BY_TOOLS = "-packages"  # how folders end that packages are installed in, and links are theirs
_DEPTH = 2  # folders below one of them where links are looked for
_LIBRARY = re.compile(r"([\w.+-]+): cannot open shared object file")
_MAPPINGS = ("MAPPING", "_redirections", "known_source_files")
"""Attributes that map names to files: of setuptools, editables (hatch) and scikit-build-core."""
_LOADED, _TABLE = 1, 2  # segments of a library: what is loaded, what the linker reads
_NEEDED, _STRINGS, _RUN_PATHS = 1, 5, (15, 29)  # of the linker's table; RPATH, RUNPATH
_MOST = 1 << 20  # bytes that are read at once: more than any library's table has
_WRONG = (OSError, ValueError, struct.error, ArithmeticError, MemoryError)
"""What a file that is no library, or pretends to be one, leads to."""


def is_there(place: Path) -> bool:
    """Whether there is a file or folder; False where this user may not look, or names are odd."""
    return os.path.exists(place)  # noqa: PTH110  its twin raises there


def linked(folders: Iterable[Path]) -> Iterator[Path]:
    """Where links of installed packages lead.

    Args:
        folders: That are imported from; a user's own may have links to anything, as to raw data.
    """
    for folder in folders:
        with suppress(OSError):  # it is no folder, or not ours to list
            if folder.name.endswith(_KEPT_BY_TOOLS):
                yield from _linked(str(folder), folder.stat().st_mtime_ns)


@cache
def _linked(folder: str, changed: int) -> tuple[Path, ...]:
    """Where links lead that a folder has; of a package that is links, to its folder."""
    del changed  # what is installed since has a new entry in it
    places = set()
    for link in _links(folder, _DEPTH):
        target, inside = os.readlink(link), os.path.dirname(link)  # noqa: PTH115, PTH120  thousands
        if "/" not in target:
            continue
        target = os.path.join(inside, target)  # noqa: PTH118
        above = os.path.dirname(target)  # noqa: PTH120
        alike = os.path.basename(above) == os.path.basename(inside)  # noqa: PTH119
        whole = alike and inside != folder and not os.path.isdir(target)  # noqa: PTH112
        places.add(above if whole else target)
    return tuple(map(Path, sorted(places)))


def _links(folder: str, depth: int) -> Iterator[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield entry.path
            elif depth and entry.is_dir():
                yield from _links(entry.path, depth - 1)


def redirected() -> Iterator[Path]:
    """What the finders of editable installs import from, in the place of a folder."""
    for finder in sys.meta_path:
        module = sys.modules.get(getattr(finder, "__module__", type(finder).__module__))
        for owner in (module, finder):
            for name in _MAPPINGS:
                mapping = getattr(owner, name, None)
                for place in mapping.values() if isinstance(mapping, Mapping) else ():
                    yield from _files(Path(str(place)))


def _files(place: Path) -> Iterator[Path]:
    """A package's folder, or a module's file, which a finder may name without its ending."""
    if place.name.startswith("__init__."):
        yield place.parent
    elif is_there(place):
        yield place
    else:
        yield from (place.with_name(place.name + ending) for ending in all_suffixes())


def lacking(error: BaseException) -> list[str] | None:
    """The module that an error is about, its file, and a library that it lacks; None if of none.

    The last two are empty where the error does not say them.
    """
    if isinstance(error, ImportError) and error.name:
        library = _LIBRARY.match(str(error))
        return [error.name, error.path or "", library.group(1) if library else ""]
    whose = getattr(error, "obj", None) if isinstance(error, AttributeError) else None
    if isinstance(whose, ModuleType) and getattr(whose, "__file__", None) is None:  # no file of it
        return [whose.__name__, "", ""]
    return None


def leads(told: Any, path: list[str], seen: Callable[[Path], bool]) -> tuple[str, list[Path]]:
    """The package that an error is about, and where it leads that is not seen.

    Args:
        told: What `lacking` gave, of a process that may lie.
        path: Where modules are imported from.
        seen: Whether a process sees a place.
    """
    if not isinstance(told, list) or len(told) != 3 or not all(isinstance(t, str) for t in told):
        return "", []
    module, file, library = told
    names = module.split(".")
    if not all(name.isidentifier() for name in names):
        return "", []
    places = [place for place in _of_module(names, path) if not seen(place)]
    if not places and library and _installed(Path(file), [Path(folder) for folder in path]):
        places = [place for place in _of_libraries(Path(file)) if not seen(place)]
    outer = [place for place in places if not set(places) & set(place.parents)]
    return names[0], list(dict.fromkeys(outer))


def _installed(file: Path, folders: list[Path]) -> bool:
    """Whether a file lies in one of the folders, or where links of what is installed there lead.

    Whoever names it may lie: of its own files none is read here.
    """
    if ".." in file.parts or not any(file.is_relative_to(folder) for folder in folders):
        return False
    with suppress(OSError, ValueError, RuntimeError):  # it is no path, or links lead in a circle
        real = file.resolve()
        return any(real.is_relative_to(one.resolve()) for one in (*folders, *linked(folders)))
    return False


def _of_module(names: list[str], path: list[str]) -> Iterator[Path]:
    """Where a module lies, and each package that it is in; no code of theirs is run."""
    package, *inner = names
    for finder in sys.meta_path:
        spec = None
        with suppress(Exception):  # finders are anybody's
            spec = finder.find_spec(package, path if finder is PathFinder else None)
        if spec is not None:
            folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
            yield from (folder.resolve() for folder in folders)
            if spec.has_location:
                yield from _real(Path(spec.origin or ""))
            for name in inner:
                for end in all_suffixes():
                    yield from (one for folder in folders for one in _real(folder / f"{name}{end}"))
                folders = [folder / name for folder in folders]
                yield from (folder.resolve() for folder in folders if is_there(folder))
            return


def _real(file: Path) -> Iterator[Path]:
    """Where a module's file lies, or the folder of the package that it begins."""
    if is_there(file):
        yield from _files(file.resolve())


def _of_libraries(file: Path) -> Iterator[Path]:
    """Folders of the libraries that a library needs by its RPATH, and those by theirs."""
    todo = [file]
    for library in todo:
        with suppress(*_WRONG):
            for place in _needed(*_linker_table(library)):
                if place not in todo:
                    todo.append(place)
                    yield place.resolve().parent


def _needed(names: list[str], folders: list[Path]) -> Iterator[Path]:
    for name in names:
        yield from [folder / name for folder in folders if (folder / name).is_file()][:1]


def _linker_table(library: Path) -> tuple[list[str], list[Path]]:
    """Names of the libraries that an ELF file of 64 bits needs, and where it looks for them."""
    if not library.is_file():
        return [], []
    with library.open("rb") as file:
        if file.read(6) != b"\x7fELF\x02\x01":
            return [], []
        file.seek(0)
        start, size, count = struct.unpack("<32xQ14xHH", file.read(58))
        segments = [
            struct.unpack("<I4xQQ8xQ", _read(file, start + size * n, 40)) for n in range(count)
        ]
        (table,) = (segment for segment in segments if segment[0] == _TABLE)
        content = _read(file, table[1], table[3])
        entries = list(struct.iter_unpack("<qQ", content[: len(content) // 16 * 16]))
        (strings,) = (value for tag, value in entries if tag == _STRINGS)
        (begins,) = (
            offset + strings - address
            for kind, offset, address, length in segments
            if kind == _LOADED and address <= strings < address + length
        )

        def text(place: int) -> str:
            return os.fsdecode(_read(file, begins + place, 4096).partition(b"\0")[0])

        needed = [text(value) for tag, value in entries if tag == _NEEDED]
        paths = [text(value) for tag, value in entries if tag in _RUN_PATHS]
    own = str(library.parent)
    named = [one for path in paths for one in path.split(":") if one]
    return needed, [Path(re.sub(r"\$ORIGIN|\$\{ORIGIN\}", own, one)) for one in named]


def _read(file: BinaryIO, place: int, size: int) -> bytes:
    file.seek(place)
    return file.read(min(size, _MOST))
