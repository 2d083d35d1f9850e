"""Podium: a Kaggle-style competition harness for machine learning in biology.

    import podium
    podium.run("sirna", "lightgbm")
    podium.board("sirna")

Calls load what they need when they are made; `import podium` itself loads nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Threads that wait by spinning slow two trainings on one machine down many times over; it has to
# be said before the first library that brings OpenMP is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from podium.api import board, check, cross_validate, load, prepare, reveal, run, submit

__all__ = ["board", "check", "cross_validate", "load", "prepare", "reveal", "run", "submit"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("podium.api"), name)
    raise AttributeError(f"module 'podium' has no attribute {name!r}")
