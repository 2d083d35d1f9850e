"""The workspace: the directory that holds a team's `submissions/` and `leaderboard/`.

It is the current directory, or the one that `PODIUM_WORKSPACE` names; only a named one may bring
competitions of its own, because loading them runs their code. Settings are in its `podium.toml`.
"""

from __future__ import annotations

import os
import re
import tomllib
import unicodedata
from pathlib import Path

from podium.errors import PodiumError
from podium.machine import user

_TEAM = re.compile(r"[^\W_](?:[\w .+-]{0,38}[\w+-])?")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?", re.IGNORECASE)
JOINERS = "\u200c\u200d"
"""Marks without a width that words of some scripts need between letters."""
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164"
    "\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that are drawn as nothing (Unicode's default ignorables, the empty Braille)."""
_MARKS = 4
"""That a letter may have: scripts need up to three."""
HOUSE = "podium"
"""The team that the controls belong to."""


def root() -> Path:
    """The workspace directory.

    Raises:
        PodiumError: If `PODIUM_WORKSPACE` names no directory.
    """
    named = os.environ.get("PODIUM_WORKSPACE")
    if named and not Path(named).is_dir():
        raise PodiumError(
            f"PODIUM_WORKSPACE={named} is no directory.", hint="Make it, or unset it."
        )
    return Path(named or Path.cwd()).absolute()


def competition_roots() -> list[Path]:
    """Folders of competitions outside the package: the checkout's, then the named workspace's."""
    source, checkout = Path(__file__).resolve().parents[1:3]
    ours = source.name == "src" and (checkout / "pyproject.toml").is_file()
    roots = [checkout / "competitions"] if ours else []
    if os.environ.get("PODIUM_WORKSPACE"):
        roots.append(root() / "competitions")
    return list(dict.fromkeys(folder.resolve() for folder in roots if folder.is_dir()))


def cache() -> Path:
    """Where prepared data lies: `PODIUM_DATA`, else the user's cache directory."""
    named = os.environ.get("PODIUM_DATA")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    try:
        return user_cache_path("podium")
    except RuntimeError:
        raise PodiumError(
            "Where prepared data are to lie is not known: you have no home folder here.",
            hint="Name a folder: PODIUM_DATA=DIR",
        ) from None


def database_url() -> str:
    """The address of the board's database: `PODIUM_DB`, else SQLite in the workspace."""
    from sqlalchemy import URL  # it writes %, ? and their like as addresses have them

    file = str(root() / "leaderboard" / "board.sqlite")
    return os.environ.get("PODIUM_DB") or str(URL.create("sqlite", database=file))


def database_file() -> Path | None:
    """The file of the board's database, absolute; None for a server."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(database_url())
    except (ArgumentError, ValueError):  # whoever opens it says so
        return None
    return Path(url.database or "").absolute() if url.get_backend_name() == "sqlite" else None


def is_device(name: str) -> bool:
    """Whether Windows has no file of that name: it is a device's, as `con` or `nul.txt`."""
    return bool(_DEVICE.fullmatch(name))


def team(name: str | None = None) -> str:
    """The team that acts: as named, else `PODIUM_TEAM`, `podium.toml`, the login name.

    Raises:
        PodiumError: If the name could not be a folder's name, or belongs to the controls.
    """
    chosen: object = name
    if name is None:
        chosen = os.environ.get("PODIUM_TEAM") or _settings().get("team") or user()
    chosen = unicodedata.normalize("NFC", str(chosen))
    problem = ""
    if _UNSEEN.search(chosen) or not _TEAM.fullmatch(_in_letters(chosen)):
        problem = "1 to 40 letters, digits, spaces or . + - _, starting with a letter or digit"
    elif is_device(chosen):
        problem = "Windows has no folder of that name"
    if problem:
        raise PodiumError(
            f"The team name {chosen[:60]!r} cannot be used.",
            problems=[problem],
            hint="Name another: --team NAME",
        )
    if chosen.lower() == HOUSE:
        raise PodiumError(
            f"The team name {chosen!r} belongs to the controls.", hint="Name another: --team NAME"
        )
    return chosen


def _in_letters(name: str) -> str:
    """A name with a letter for each mark that its script combines with the letter before.

    Joiners count only after letters that have no case: elsewhere nobody sees them. A letter has
    few marks: more would cover its neighbours.
    """
    kinds = [unicodedata.category(sign)[0] for sign in name]
    letters = list(name)
    for place in range(1, len(name)):
        sign, before, after = name[place], name[place - 1], "".join(kinds[place + 1 : place + 2])
        cased = before.lower() != before.upper()
        joins = sign in JOINERS and kinds[place - 1] in "LM" and after == "L" and not cased
        few = "M" * (_MARKS + 1) not in "".join(kinds[: place + 1])
        if joins or (few and kinds[place] == "M" and kinds[place - 1] in "LMN"):
            letters[place] = "a"
    return "".join(letters)


def _settings() -> dict[str, object]:
    file = root() / "podium.toml"
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PodiumError(
            f"{file} is not valid TOML: {error}.", hint='For example: team = "ana"'
        ) from error
