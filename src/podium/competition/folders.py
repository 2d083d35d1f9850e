"""Folders of competitions: how they are found and loaded."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from importlib import invalidate_caches
from itertools import pairwise
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING

from podium.competition.importing import import_part
from podium.errors import PodiumError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podium.competition.contract import Competition

_ID = re.compile(r"""\bid\s*=\s*(["'])(\w+)\1""")
"""Where `competition.py` notes an id: it is read without running its code."""


def folders() -> list[Path]:
    """All folders of competitions, sorted by name; where some share a name, the first is used."""
    import podium.competitions

    roots = [Path(root) for root in dict.fromkeys(podium.competitions.__path__)]
    candidates = [folder for root in roots if root.is_dir() for folder in root.iterdir()]
    return sorted(filter(_holds_something, candidates), key=lambda folder: folder.name)  # stable


def names() -> list[str]:
    """Names of all competitions, whether they load or not."""
    return list(dict.fromkeys(folder.name for folder in folders()))


def name_of(key: str) -> str:
    """The present name of the competition with an id; the id itself where it is not here."""
    noted = (name for name, folder in _used().items() if name != key and _id_of(folder) == key)
    return next(noted, key)


def _used() -> dict[str, Path]:
    """The folder of each name."""
    return {folder.name: folder for folder in reversed(folders())}


def _id_of(folder: Path) -> str:
    """The id of a competition, which is its name where `competition.py` notes no other."""
    try:
        noted = _ID.search((folder / "competition.py").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):  # it says so when it is loaded
        noted = None
    return noted[2] if noted else folder.name


def load(name: str) -> Competition:
    """Load a competition's facts, by its name or, where it was renamed, by its id.

    Raises:
        UnknownNameError: With the nearest name.
        PodiumError: If its folder does not keep the contract; with the lines that fail.
    """
    from podium.competition.contract import Competition

    known = _used()
    if name not in known:
        name = name_of(name)
    if name not in known:
        raise UnknownNameError("competition", name, sorted(known), hint="See them all: podium list")
    if problem := _unusable(known[name]):
        raise PodiumError(f"The competition {name!r} cannot be loaded: {problem}.")
    competition = getattr(import_part(name, "competition"), "competition", None)
    if not isinstance(competition, Competition) or competition.name != name:
        raise PodiumError(
            f"competitions/{name}/competition.py must end in "
            f"`competition = Competition(name={name!r}, ...)`.",
            hint=f"Was the folder moved? Give it its old name back: podium rename OLD {name}",
        )
    problems = [*_wrong_facts(competition), *_left_beside(competition)]
    if problems := problems or _other_owners(competition, known):
        raise PodiumError(f"competitions/{name}/competition.py is wrong.", problems=problems)
    return competition


def at(path: Path) -> str:
    """The name of the competition in a folder, which is found from now on: its path was typed.

    Raises:
        PodiumError: If it is no folder of a competition.
    """
    import podium.competitions

    folder = path.resolve()
    if problem := _unusable(folder):
        raise PodiumError(f"{path} is no competition: {problem}.")
    if str(folder.parent) not in podium.competitions.__path__:
        podium.competitions.__path__.insert(0, str(folder.parent))
        invalidate_caches()
    first = next(other for other in folders() if other.name == folder.name)
    if first.resolve() != folder:
        raise PodiumError(
            f"{path} is not used: {first} comes before it.", hint="Rename one of the folders."
        )
    return folder.name


def forget(name: str) -> None:
    """Let a competition's modules be imported anew."""
    import podium.competitions

    root = f"podium.competitions.{name}"
    for module in [m for m in sys.modules if m == root or m.startswith(f"{root}.")]:
        del sys.modules[module]
    vars(podium.competitions).pop(name, None)


def shadowed() -> list[Path]:
    """Folders that are not used, because another one before them has their name."""
    ordered = folders()
    return [b for a, b in pairwise(ordered) if a.name == b.name]


def try_load(name: str) -> Competition | str:
    """A competition, or in one line why its folder cannot be loaded."""
    try:
        return load(name)
    except PodiumError as error:
        return error.message


def _holds_something(folder: Path) -> bool:
    """Whether it is a folder with more than tests, and what Python leaves of one that is gone."""
    if folder.name.startswith((".", "__")) or not folder.is_dir():
        return False
    return any(not path.name.startswith(("test_", "__pycache__")) for path in folder.iterdir())


def _unusable(folder: Path) -> str:
    """Why a folder can be no competition, whatever its code does."""
    if not folder.name.isidentifier() or iskeyword(folder.name):
        return "a folder's name must be a Python name: letters, digits and _, no digit first"
    if not (folder / "competition.py").is_file():
        return f"{folder} has no competition.py"
    return ""


def _left_beside(competition: Competition) -> list[str]:
    """What lies beside `data/` that would be looked for in there, and so never found."""
    if competition.data_folder == competition.folder:
        return []
    from podium.competition.contract import FROZEN, OF_DATA

    names = [*(f"{module}.py" for module in OF_DATA), *FROZEN]
    there = [name for name in names if (competition.folder / name).exists()]
    return [f"{name} lies beside data/: move it there" for name in there]


def _other_owners(competition: Competition, known: Mapping[str, Path]) -> list[str]:
    """Other competitions with the same id: their boards would be one."""
    others = [name for name in known if name != competition.name]
    same = [name for name in others if _id_of(known[name]) == competition.id]
    return [f"its id {competition.id!r} is that of competitions/{name}, too" for name in same]


def _wrong_facts(competition: Competition) -> list[str]:
    """Which of a competition's facts have the wrong type or are empty."""
    from podium.competition.contract import Control, Dataset, Score, Stratum, Target

    kinds = {
        "targets": Target,
        "scores": Score,
        "datasets": Dataset,
        "strata": Stratum,
        "controls": Control,
    }
    texts = [
        name for name in ("title", "summary") if not isinstance(getattr(competition, name), str)
    ]
    problems = [f"{name} must be text" for name in texts]
    for name, kind in kinds.items():
        entries = getattr(competition, name)
        whole = isinstance(entries, tuple) and all(isinstance(entry, kind) for entry in entries)
        if not whole or not entries:
            problems.append(f"{name} must be a tuple of one {kind.__name__} or more")
    if not (isinstance(competition.id, str) and competition.id.isidentifier()):
        problems.append("id must be a Python name")
    optional = competition.optional
    if not isinstance(optional, Mapping) or not all(isinstance(name, str) for name in optional):
        problems.append("optional must be a dict: what stands in each row, by feature")
    limit = competition.daily_limit
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        problems.append("daily_limit must be a whole number from 1 on, or None")
    version = competition.metric_version
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        problems.append("metric_version must be a whole number from 1 on")
    if not problems and len(competition.targets) > 1 and any(t.matrix for t in competition.targets):
        problems.append("a target that is a matrix must be the only one")
    return problems
