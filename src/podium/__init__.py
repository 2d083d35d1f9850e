"""Podium: a Kaggle-style competition harness for machine learning in biology.

    import podium
    podium.run("sirna", "lightgbm")
    podium.board("sirna")

Calls load what they need when they are made; `import podium` itself loads nothing.
They are listed in `__init__.pyi`.
"""

from __future__ import annotations

import os

import lazy_loader

# OpenMP's threads wait by spinning, which slows two trainings that share the cores twenty times
# down. A short spin costs a lone training nothing (4.4 s for lightgbm on sirna/demo, 2 cores) and
# leaves two at once at 23 s instead of over 100. Read when the first OpenMP library is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
# Arrow's allocator takes a GiB beforehand, which a limit on memory would count as used, and so let
# pass (`data/memory.py`). To take what is used is as quick, and leaves the peak lower.
os.environ.setdefault("MIMALLOC_ARENA_EAGER_COMMIT", "0")

_call, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
# Files are read that nobody writes to meanwhile; on file systems without locks HDF5 would refuse.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("podium")
    return _call(name)
