"""A competition under another name: `podium rename`.

Boards, studies, submissions and the cache know a competition by its id, which stays: they come
along untouched. So what changes is its folder: its name, and where its files say it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from podium import scratch
from podium.competition import folders as competitions
from podium.creating import facts
from podium.creating.making import name_problems
from podium.errors import DataError, PodiumError, reason

_FACTS = "competition.py"
_SAID = (
    r"(\bpodium\.competitions(?:\.| import )|(?<![\w./:-])competitions/"
    r"|\bpodium [a-z-]+ |\bload\([\"']){}(?![\w-])"
)
"""How files say a competition's name: in imports, paths, commands and calls of `load`."""
_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """What renaming did.

    Attributes:
        name: What the competition is called now.
        id: What boards know it by, as before.
        written: The files of its folder that say the new name.
        left: Where its files still have the old name as a word, `file:line`, at most ten.
    """

    name: str
    id: str
    folder: Path
    written: tuple[str, ...]
    left: tuple[str, ...]


def rename(old: str, new: str) -> Renamed:
    """Give a competition another name; killed in between, the same call completes it.

    Raises:
        UnknownNameError: If there is no such competition.
        DataError: If the new name cannot be used, or the folder not be written: all is as it was.
    """
    _undo_half(old, new)
    competition = competitions.load(old)
    old, folder = competition.name, competition.folder
    target = folder.with_name(new)
    if problems := name_problems(new, folder.parent, key=competition.id):
        raise DataError(f"{old} cannot be renamed.", problems=problems)
    before = dict(_texts(folder))
    said = re.compile(_SAID.format(re.escape(old)))
    after = {name: said.sub(rf"\g<1>{new}", text) for name, text in before.items()}
    after[_FACTS] = facts.with_name(after[_FACTS], old, new)
    changed = {name: text for name, text in after.items() if text != before[name]}
    try:
        folder.rename(target)
        _write(target, changed)
        _forget(old, new)
        competitions.load(new)
    except (OSError, PodiumError) as error:
        with suppress(OSError):
            _write(target, {name: before[name] for name in changed})
            target.rename(folder)
        _forget(old, new)
        if isinstance(error, PodiumError):
            raise
        raise DataError(f"{folder} cannot be renamed: {reason(error)}.") from error
    return Renamed(
        name=new,
        id=competition.id,
        folder=target,
        written=tuple(sorted(changed)),
        left=tuple(_left(after, old))[:_SHOWN],
    )


def _undo_half(old: str, new: str) -> None:
    """Give a folder its old name back where a kill left it with that in its facts, written last."""
    places = {folder.name: folder for folder in competitions.folders()}
    if old not in places and new in places:
        text = dict(_texts(places[new])).get(_FACTS, "")
        with suppress(PodiumError, SyntaxError, OSError):
            facts.with_name(text, old, new)
            places[new].rename(places[new].with_name(old))
            _forget(old, new)


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Code and pages of a folder by their path in it, as they stand, line ends too."""
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if file.suffix in (".py", ".md") and inside.parts[0] != "raw" and file.is_file():
            with suppress(UnicodeDecodeError):
                yield inside.as_posix(), file.read_bytes().decode()


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files, each whole, the facts last."""
    for name in sorted(texts, key=lambda name: name == _FACTS):
        with scratch.replacing(folder / name) as made:
            made.write_bytes(texts[name].encode())


def _forget(*names: str) -> None:
    for name in names:
        competitions.forget(name)
    importlib.invalidate_caches()


def _left(texts: Mapping[str, str], old: str) -> Iterator[str]:
    word = re.compile(rf"\b{re.escape(old)}\b")
    for name, text in texts.items():
        for number, line in enumerate(text.split("\n"), 1):
            if word.search(line) and not (name == _FACTS and line.strip() == f'id="{old}",'):
                yield f"{name}:{number}"
