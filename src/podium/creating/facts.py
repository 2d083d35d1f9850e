"""`competition.py`, changed by exact replacement: the sha256 of raw files, the metric's version."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.competition import folders as competitions
from podium.errors import PodiumError

if TYPE_CHECKING:
    from podium.competition.contract import Competition


def with_sha256(text: str, place: tuple[str, int, str], former: str, present: str) -> str:
    """The text with another sha256 of a raw file, where it stands and nowhere else.

    Args:
        text: Of `competition.py`.
        place: The name of the dataset, which of its sources, and the member's name.
        former: What the text has.
        present: What it is to have.

    Raises:
        PodiumError: If it does not stand there as a text; with the line that is to be edited.
    """
    bare = text.lstrip("\ufeff")
    tree = ast.parse(bare)
    node = _sha256_of(tree, *place)
    if not isinstance(node, ast.Constant) or node.value not in (former, present):
        there = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value == former]
        lines = ", ".join(str(n.lineno) for n in [*there, *([node] if node and not there else [])])
        raise PodiumError(
            f"{place[2]} is another file, and competition.py does not have its sha256 as a text in "
            f"the members of a Source of Dataset(name={place[0]!r}).",
            hint=f"Write {present} into competition.py"
            f"{f', line {lines},' if lines else ''} in the place of {former[:12]}..., and freeze "
            "it again.",
        )
    if node.value == present:
        return text
    start, end = _span(bare, node)
    raw = bare.encode()
    old = raw[start:end].decode()
    new = old.replace(former, present) if former in old else f'"{present}"'
    return text[: len(text) - len(bare)] + raw[:start].decode() + new + raw[end:].decode()


def _sha256_of(tree: ast.AST, dataset: str, number: int, member: str) -> ast.expr | None:
    """What stands for a member's sha256; else the last thing on the way there; None if nothing."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or _text(_keyword(call, "name")) != dataset:
            continue
        sources = _keyword(call, "sources")
        if not isinstance(sources, ast.Tuple | ast.List):
            continue
        entries = sources.elts[: number + 1]
        if len(entries) <= number or any(isinstance(entry, ast.Starred) for entry in entries):
            return sources
        members = _keyword(entries[number], "members")
        if not isinstance(members, ast.Dict):
            return members or entries[number]
        pairs = list(zip(members.keys, members.values, strict=True))
        named = [value for key, value in pairs if _text(key) == member]
        return named[-1] if named else members
    return None


def _keyword(call: ast.expr, name: str) -> ast.expr | None:
    keywords = call.keywords if isinstance(call, ast.Call) else []
    return next((keyword.value for keyword in keywords if keyword.arg == name), None)


def _text(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _span(text: str, node: ast.expr) -> tuple[int, int]:
    """Where a node begins and ends, in bytes."""
    lines = text.encode().splitlines(keepends=True)  # at line ends alone, as Python does
    starts = [0, *accumulate(map(len, lines))]
    last, end = node.end_lineno or node.lineno, node.end_col_offset or 0
    return starts[node.lineno - 1] + node.col_offset, starts[last - 1] + end


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


def with_name(text: str, former: str, present: str) -> str:
    """The text with another name of the competition, and the id that it keeps below it.

    Raises:
        PodiumError: If the name does not stand there as a text.
    """
    bare = text.lstrip("\ufeff")
    calls = [n for n in ast.walk(ast.parse(bare)) if isinstance(n, ast.Call) and _makes_one(n)]
    pairs = [(call, node) for call in calls if (node := _keyword(call, "name")) is not None]
    named = [(call, node) for call, node in pairs if _text(node) == former]
    if len(named) != 1:
        raise PodiumError(
            f"competition.py does not have {former!r} as a text in its Competition(name=...).",
            hint="Write it there as text, and rename it again.",
        )
    call, node = named[0]
    start, end = _span(bare, node)
    raw = bare.encode()
    line = raw[:start].decode().rpartition("\n")[2]
    before = re.fullmatch(r"(\s*)name\s*=\s*", line)
    new = f'"{present}"'
    if _keyword(call, "id") is None:
        new += f',\n{before[1]}id="{former}"' if before else f', id="{former}"'
    return text[: len(text) - len(bare)] + raw[:start].decode() + new + raw[end:].decode()


def _makes_one(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name == "Competition"


def _versions(text: str) -> Iterator[Any]:
    for node in ast.walk(ast.parse(text.lstrip("\ufeff"))):
        if isinstance(node, ast.keyword) and node.arg == "metric_version":
            yield getattr(node.value, "value", None)


def forget(competition: Competition) -> None:
    """Let the folder's files be read anew, `competition.py` not from byte code of this second."""
    file = competition.folder / "competition.py"
    Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
    competitions.forget(competition.name)
