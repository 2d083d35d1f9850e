"""Provenance: what a stranger needs to make a submission again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from typing import Any

from podium import workspace

_PACKAGES = ("podium", "numpy", "pandas", "scipy", "scikit-learn", "lightgbm", "torch")
_OFF = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false")
_ALONE = {"GIT_OPTIONAL_LOCKS": "0", "GIT_ALLOW_PROTOCOL": ""}  # nothing is written, or fetched


def collect() -> dict[str, Any]:
    """The code and the machine: git commit, package versions, cores."""
    return {"git": _git(), **machine()}


def machine() -> dict[str, Any]:
    """What predictions may depend on, beside the code: package versions, system, cores."""
    return {"versions": versions(), "platform": platform.platform(), "cores": os.cpu_count()}


def peak_memory_mb() -> float | None:
    """Peak resident memory of this process so far, MiB; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


@cache  # they are read from files, and stay as long as this process runs
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that figures may depend on."""
    installed = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed


def _git() -> dict[str, Any] | None:
    """Commit of the workspace and whether anything differs from it; None outside of git.

    A workspace may be somebody else's: no program that its `.git` names is run. Inside of
    submodules, which have settings of their own, nothing is looked at.
    """
    root = workspace.root().resolve()
    here = any((folder / ".git").exists() for folder in (root, *root.parents))
    if not here and "GIT_DIR" not in os.environ:
        return None  # as git would say, a process later
    try:
        status = _ask(
            "status", "--porcelain=v2", "--branch", "--ignore-submodules=dirty", off=_filters()
        ).splitlines()
    except (OSError, subprocess.SubprocessError):
        return None
    facts = dict(line[2:].split(" ", 1) for line in status if line.startswith("# "))
    commit = facts.get("branch.oid", "(initial)")
    dirty = any(not line.startswith("# ") for line in status)
    return None if commit == "(initial)" else {"commit": commit, "dirty": dirty}


def _filters() -> list[str]:
    """Settings of the workspace's own `.git` that name programs for files to pass through."""
    try:
        listed = _ask(
            "config", "--null", "--show-scope", "--name-only", "--get-regexp", r"^filter\."
        )
    except subprocess.CalledProcessError:  # there are none
        return []
    words = listed.split("\0")
    return [
        name
        for scope, name in zip(words[::2], words[1::2], strict=False)
        if scope in ("local", "worktree")
    ]


def _ask(*command: str, off: Sequence[str] = ()) -> str:
    """What git says of the workspace; the settings `off` count as empty."""
    first = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    settings = {f"GIT_CONFIG_KEY_{number}": name for number, name in enumerate(off, first)}
    settings |= {f"GIT_CONFIG_VALUE_{number}": "" for number, _ in enumerate(off, first)}
    if off:
        settings["GIT_CONFIG_COUNT"] = str(first + len(off))
    return subprocess.run(
        ["git", "-C", str(workspace.root()), *_OFF, *command],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",  # names of files and branches are bytes
        timeout=10,
        check=True,
        env={**os.environ, **_ALONE, **settings},
    ).stdout.strip()
