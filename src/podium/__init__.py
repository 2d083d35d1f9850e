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

# OpenMP's threads wait by spinning, which slows two trainings that share the cores twenty times
# down. A short spin costs a lone training nothing (4.4 s for lightgbm on sirna/demo, 2 cores) and
# leaves two at once at 23 s instead of over 100. Read when the first OpenMP library is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
# Arrow's allocator takes a GiB beforehand, which a limit on memory would count as used, and so let
# pass (`predictions/memory.py`). To take what is used is as quick, and leaves the peak lower.
os.environ.setdefault("MIMALLOC_ARENA_EAGER_COMMIT", "0")

if TYPE_CHECKING:
    from podium.api import (
        blend,
        board,
        check,
        compare,
        cross_validate,
        export_records,
        freeze,
        import_records,
        load,
        new,
        pick,
        predict,
        prepare,
        report,
        rescore,
        reveal,
        run,
        score_all,
        submit,
        tune,
        withdraw,
    )

__all__ = [
    "blend",
    "board",
    "check",
    "compare",
    "cross_validate",
    "export_records",
    "freeze",
    "import_records",
    "load",
    "new",
    "pick",
    "predict",
    "prepare",
    "report",
    "rescore",
    "reveal",
    "run",
    "score_all",
    "submit",
    "tune",
    "withdraw",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("podium.api"), name)
    raise AttributeError(f"module 'podium' has no attribute {name!r}")
