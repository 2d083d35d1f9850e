"""What no model may see: answers and what they are from, boards, others' submissions, keys.

It is left out of folders that are seen whole, and a user cannot show it.
"""

from __future__ import annotations

import fnmatch
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from podium import workspace
from podium.competition.folders import folders
from podium.errors import PodiumError
from podium.execution.packages import is_there
from podium.scratch import file_sha256

if TYPE_CHECKING:
    from podium.competition.contract import Competition

_OWN_SCRATCH = ("answers", "folds", "model", "rows", "run", "verify")
"""Kinds of Podium's own scratch folders: other folds' answers lie in some."""
_OF_KEYS = (
    *(".ssh", ".gnupg", ".aws", ".azure", ".config/gcloud", ".config/gh", ".docker", ".kube"),
    *(".netrc", ".pgpass", ".my.cnf", ".git-credentials", ".config/git/credentials", ".kaggle"),
    *(".pypirc", ".npmrc", ".password-store", ".local/share/keyrings", ".mozilla"),
    *(".config/google-chrome", ".config/chromium", ".cache/huggingface/token", ".huggingface"),
    *(".config/kaggle", ".config/rclone", ".config/pip", ".condarc", ".bash_history"),
)
"""What lies in a home folder and opens something else."""


def submissions() -> Path:
    """Where teams' submissions lie."""
    return (workspace.root() / "submissions").resolve()


def places() -> dict[Path, str]:
    """What lies in no folder that is seen whole, and what it is."""
    roots = [folder.parent for folder in folders()]
    roots += [(folder / "competition.py").resolve().parent for folder in folders()]  # of links
    named = {
        workspace.cache(): "the data cache, with answers",
        submissions(): "submissions",
        **dict.fromkeys(roots, "competitions, with what their answers are from"),
        workspace.root() / "leaderboard": "the board",
        workspace.root() / "predictions": "predictions",
    }
    for name in _OWN_SCRATCH:
        for path in Path(tempfile.gettempdir()).glob(f"podium-{name}-*"):
            named[path] = "what other commands are at"
    if file := workspace.database_file():
        named |= {Path(f"{file}{end}"): "the board" for end in ("", "-wal", "-shm", "-journal")}
    with suppress(RuntimeError):  # nobody has a home here
        keys = (Path.home() / name for name in _OF_KEYS)
        named |= {path: "keys of yours" for path in keys if is_there(path)}
    return {path.resolve(): what for path, what in named.items()}


def why_not(place: Path, competition: Competition) -> str:
    """What a place has, or is in, that no model may see; nothing where it may be shown."""
    real = place.resolve()
    for path, what in places().items():
        if path in (real, *real.parents):
            return f"it lies in {path}: {what}"
        if real in path.parents:
            return f"it holds {path}: {what}"
    for path, what in wide().items():
        if real in (path, *path.parents):
            return f"it holds {path}: {what}"
    return raw_in(real, competition)


def wide() -> dict[Path, str]:
    """Folders of which nobody says now what will lie in them."""
    known = {Path(tempfile.gettempdir()): "temporary files", workspace.root(): "your workspace"}
    with suppress(RuntimeError):
        known[Path.home()] = "all that is yours"
    return {path.resolve(): what for path, what in known.items()}


def checked(shown: Sequence[Path], competition: Competition) -> list[Path]:
    """Where that leads which a user shows; links may lead elsewhere later, and are not asked again.

    Raises:
        PodiumError: With all that is not there, or that no model may see.
    """
    real = [place.resolve() if is_there(place) else None for place in shown]
    problems = []
    for name, place in zip(shown, real, strict=True):
        why = why_not(place, competition) if place else "there is no such folder"
        problems += [f"{name}: {why}"] if why else []
    if problems:
        raise PodiumError(
            "What --see names cannot be shown to a model.",
            problems=problems,
            hint="Name the folder that a package needs, and no wider one: --see DIR",
        )
    return list(filter(None, real))


def raw_in(place: Path, competition: Competition) -> str:
    """The raw files in a place, which have answers; nothing where there are none."""
    return _raw_in(place.resolve(), _raw_files(competition))


def look_anew() -> None:
    """Forget what lay in folders: a command looks once, however many processes it starts."""
    _raw_in.cache_clear()


def _raw_files(competition: Competition) -> frozenset[tuple[str, str]]:
    """Names of the files that a competition's data are prepared from, with sha256 where known."""
    known = set()
    for source in (source for dataset in competition.datasets for source in dataset.sources):
        archive = source.url.rpartition("/")[2]
        known |= {(archive, "")} if "." in archive else set()
        for name, sha256 in source.members.items():
            known.add((name.rpartition("/")[2], "" if "*" in name else sha256 or ""))
    return frozenset(known)


@cache
def _raw_in(place: Path, known: frozenset[tuple[str, str]]) -> str:
    below = (Path(folder, file) for folder, _, files in os.walk(place) for file in files)
    for path in [place] if place.is_file() else below:
        for name, sha256 in known:
            named = fnmatch.fnmatchcase(path.name, name) if "*" in name else path.name == name
            with suppress(OSError):  # nor can a model read what its user cannot
                if named and path.is_file() and (not sha256 or file_sha256(path) == sha256):
                    what = "raw data" if sha256 else "by its name it may be raw data"
                    return f"it holds {path}: {what}, with answers"
    return ""
