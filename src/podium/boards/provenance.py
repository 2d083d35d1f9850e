"""Provenance: what a stranger needs to make a submission again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from typing import Any

from podium import workspace

_PACKAGES = ("podium", "numpy", "pandas", "scipy", "scikit-learn", "lightgbm", "torch")


def collect() -> dict[str, Any]:
    """The code and the machine: git commit, package versions, cores."""
    return {
        "git": _git(),
        "versions": versions(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
    }


def peak_memory_mb() -> float | None:
    """Peak resident memory of this process so far, MiB; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that figures may depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git() -> dict[str, Any] | None:
    """Commit of the workspace and whether anything differs from it; None outside of git."""
    folder = str(workspace.root())
    try:
        head, changes = (
            subprocess.run(
                ["git", "-C", folder, *command],
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            ).stdout.strip()
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": head, "dirty": bool(changes)}
