"""`competition.py`, changed by exact replacement: the sha256 of raw files, the metric's version."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from podium.competition import Competition
from podium.errors import PodiumError


def with_sha256(text: str, name: str, former: str, present: str) -> str:
    """The text with another sha256 of a raw file.

    Raises:
        PodiumError: If the text does not have the former one.
    """
    if former not in text and present not in text:
        raise PodiumError(
            f"{name} is another file, and competition.py does not have the sha256 of the former "
            "as one piece of text.",
            hint=f"Write {present} there and freeze it again.",
        )
    return text.replace(former, present)


def with_version(text: str, name: str, version: int) -> str:
    """The text with another `metric_version`, which stands below the name if it is new.

    Raises:
        PodiumError: If there is no place for it.
    """
    line = f"metric_version={version}"
    made, count = re.subn(r"\bmetric_version\s*=\s*\d+", line, text)
    if not count:
        first = rf"^([ \t]*)name\s*=\s*([\"']){re.escape(name)}\2\s*,[ \t\r]*$"
        made = re.sub(first, rf"\g<0>\n\g<1>{line},", text, count=1, flags=re.MULTILINE)
    if version not in _versions(made):
        raise PodiumError(
            "The metric gives other scores, and competition.py cannot be changed from here.",
            hint=f"Write {line} into its Competition(...) and freeze it again.",
        )
    return made


def _versions(text: str) -> Iterator[Any]:
    for node in ast.walk(ast.parse(text.lstrip("\ufeff"))):
        if isinstance(node, ast.keyword) and node.arg == "metric_version":
            yield getattr(node.value, "value", None)


def forget(competition: Competition) -> None:
    """Let the folder's files be read anew, `competition.py` not from byte code of this second."""
    file = competition.folder / "competition.py"
    Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
    root = f"podium.competitions.{competition.name}."
    for module in [name for name in sys.modules if name.startswith(root)]:
        del sys.modules[module]
