"""The machine that this process runs on."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_OURS = ("dev", "docs")  # extras of those who work on Podium
_CGROUPS, _OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def user() -> str:
    """Who runs this; in a container that knows no name of theirs, by the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user{os.getuid()}" if hasattr(os, "getuid") else "user"


def installed() -> dict[str, Any]:
    """What is installed here, as a report of a fault tells it.

    Returns:
        Podium's version, Python's and the system's names, the version of each package that Podium
        needs, and of each that an extra brings; None for a package that is not there.
    """
    import platform  # not at the start of every command
    import re
    from importlib import metadata

    needed: dict[str, str | None] = {}
    extras: dict[str, dict[str, str | None]] = {}
    for wanted in metadata.requires("podium") or ():
        package = re.match(r"[\w.-]+", wanted)
        extra = re.search(r"extra == .(\w+)", wanted)
        if package and not (extra and extra[1] in _OURS):
            place = extras.setdefault(extra[1], {}) if extra else needed
            place[package[0]] = _version(package[0])
    return {
        "podium": metadata.version("podium"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "machine": platform.machine(),
        "encoding": sys.stdout.encoding,
        "packages": needed,
        "extras": extras,
    }


def _version(package: str) -> str | None:
    from importlib import metadata

    with suppress(metadata.PackageNotFoundError):
        return metadata.version(package)
    return None


def cores() -> int:
    """Cores that this process may use: those of its affinity, or fewer by a container's quota."""
    there = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        there = len(os.sched_getaffinity(0))
    return max(1, min([there, *(int(quota) for quota in _quotas())]))


def is_limited() -> bool:
    """Whether a quota leaves fewer cores than libraries see, which take as many threads."""
    return any(quota < (os.cpu_count() or 1) for quota in _quotas())


def memory_left() -> float:
    """MiB that the limits of control groups leave; infinite where there are none."""
    left = [float("inf")]
    for folder in _groups("memory"):
        for limit, usage in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            known = [_figures(folder / name) for name in (limit, usage)]
            if all(known):
                (most, *_), (used, *_) = known
                left.append(most - used + _reclaimable(folder / "memory.stat"))
    return max(0.0, min(left) / (1 << 20))


def _quotas() -> Iterator[float]:
    """Cores that control groups leave, each of those that this process is in."""
    for folder in _groups("cpu"):
        figures = _figures(folder / "cpu.max") or [
            *_figures(folder / "cpu.cfs_quota_us"),
            *_figures(folder / "cpu.cfs_period_us"),
        ]
        if len(figures) == 2 and min(figures) > 0:
            yield figures[0] / figures[1]


def _groups(controller: str) -> Iterator[Path]:
    """Folders of the control groups that this process is in, outer ones too, of either version."""
    with suppress(OSError, ValueError):
        for line in _OWN.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            _, names, path = line.split(":", 2)
            if names and controller not in names.split(","):
                continue
            top = _CGROUPS / names
            folder = top / path.lstrip("/")
            yield from (one for one in (folder, *folder.parents) if one.is_relative_to(top))


def _figures(file: Path) -> list[float]:
    """The figures of a file; none where it says `max`, or is not there."""
    try:
        return [float(word) for word in file.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []


def _reclaimable(file: Path) -> float:
    """Bytes of files that the system keeps in memory and gives back when it is wanted."""
    with suppress(OSError, ValueError):
        for line in file.read_text(encoding="ascii").splitlines():
            if line.startswith("inactive_file "):
                return float(line.split()[1])
    return 0.0


def python(*arguments: str) -> list[str]:
    """The command line of another Python, as every part of Podium starts one.

    It imports nothing from the current folder: an `h5py.py` beside a submission is not ours to run,
    and a `types.py` hides no module. Variables of Python and the user's packages hold as ever.

    Args:
        arguments: For example `-m` and a module, or a script's path.
    """
    return [sys.executable, "-P", *arguments]
