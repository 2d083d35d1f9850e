"""JSON that everybody can read: finite figures, text in UTF-8, neither deep nor large."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

DEPTH = 50
"""Objects and lists within each other: what is far deeper can be read here, but not everywhere."""
SIZE = 1 << 20
"""Bytes of a value that is kept with a record."""

LFS, POINTER = "version https://git-lfs", "a pointer of Git LFS"
FETCH = "Fetch the file itself: git lfs pull"
"""How what Git LFS leaves in the place of a file begins, what it is, and what to do."""
CONFLICT = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
"""How lines begin that git leaves where it could not merge."""


def fault(value: Any) -> str | None:
    """Why a value cannot be kept as JSON; None if it can."""
    try:
        size = len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except RecursionError:
        return f"more than {DEPTH} objects or lists within each other"
    except UnicodeError:
        return "text that is no UTF-8"
    except ValueError:
        return "a figure that is infinite, NaN or of thousands of digits, or a value within itself"
    except TypeError:
        return "neither number, text, true, false or None, nor lists or dicts of these"
    if not is_shallow(value):
        return f"more than {DEPTH} objects or lists within each other"
    return None if size <= SIZE else f"{size:,} bytes; {SIZE:,} are kept at most"


def is_shallow(value: Any, room: int = DEPTH) -> bool:
    """Whether no more than so many objects or lists lie within each other."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return room > 0
    return room > 0 and all(is_shallow(entry, room - 1) for entry in value)


def finite(value: Any) -> Any:
    """A value with None in the place of every figure that is not finite, as JSON has none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: finite(entry) for name, entry in value.items()}
    return [finite(entry) for entry in value] if isinstance(value, list | tuple) else value


def flat(entries: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Entries within entries, by their whole names: `params.alpha`."""
    whole: dict[str, Any] = {}
    for key, value in entries.items():
        if isinstance(value, Mapping):
            whole |= flat(value, f"{above}{key}.")
        else:
            whole[f"{above}{key}"] = value
    return whole
