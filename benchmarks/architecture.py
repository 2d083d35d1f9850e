"""The house in figures: statements, floors, circles, what `submit` passes and how deep `tune` is.

    python benchmarks/architecture.py

Imports inside functions count, those for types alone do not. A floor is one more than the highest
that a module imports from; modules that import each other in a circle share one.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

import grimp

import podium

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "podium"
TRACE = """
import sys
from pathlib import Path

import podium
from podium import cli

ROOT, functions, files, depth, deepest = str(Path(podium.__file__).parent), set(), set(), 0, 0


def trace(frame, event, _):
    global depth, deepest
    code = frame.f_code
    if event not in ("call", "return") or not code.co_filename.startswith(ROOT):
        return
    if code.co_name.startswith("<"):
        return
    depth += 1 if event == "call" else -1
    if event == "call":
        functions.add((code.co_filename, code.co_qualname))
        files.add(code.co_filename)
        deepest = max(deepest, depth)


sys.setprofile(trace)
try:
    cli.main()
except SystemExit as stop:
    sys.setprofile(None)
    assert not stop.code, stop.code
finally:
    sys.setprofile(None)
    print(f"\\ntraced {len(functions)} {len(files)} {deepest}", file=sys.stderr)
"""


def main() -> None:
    for name, value in {**counted(), **layered(), **traced()}.items():
        print(f"{name:45}{value:>8}")


def counted() -> dict[str, int]:
    """What is counted in the source of `src/podium`, templates and all."""
    kinds: Counter[str] = Counter()
    for path in SRC.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        nodes = list(ast.walk(ast.parse(text)))
        kinds["modules"] += 1
        kinds["lines"] += text.count("\n")
        kinds["lines with a comment"] += len(re.findall(r"#(?! noqa| type:)", text))
        kinds["statements"] += sum(isinstance(node, ast.stmt) for node in nodes)
        kinds["classes"] += sum(isinstance(node, ast.ClassDef) for node in nodes)
        kinds["functions"] += sum(isinstance(node, ast.FunctionDef) for node in nodes)
        kinds["names `Any`"] += sum(isinstance(n, ast.Name) and n.id == "Any" for n in nodes)
    return dict(kinds)


def graph() -> dict[str, set[str]]:
    """Each module of Podium, and the modules that it imports."""
    built = grimp.build_graph("podium", exclude_type_checking_imports=True, cache_dir=None)
    names = sorted(built.modules - {"podium"})
    return {name: built.find_modules_directly_imported_by(name) - {"podium"} for name in names}


def layered() -> dict[str, int]:
    """Floors and circles."""
    edges = graph()
    circles = components(edges)
    of = {name: number for number, circle in enumerate(circles) for name in circle}
    floors: dict[int, int] = {}
    for number, circle in enumerate(circles):  # what is imported comes first
        below = {of[other] for name in circle for other in edges[name]} - {number}
        floors[number] = 1 + max((floors[other] for other in below), default=0)
    return {
        "floors": max(floors.values()),
        "circles": sum(len(circle) > 1 for circle in circles),
    }


def components(edges: dict[str, set[str]]) -> list[list[str]]:
    """Circles of modules (most have one), each after those that it imports from: Tarjan's."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    done: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in sorted(edges[name]):
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            start = stack.index(name)
            done.append(stack[start:])
            del stack[start:]

    for name in edges:
        if name not in order:
            visit(name)
    return done


def traced() -> dict[str, int]:
    """What two commands pass in their own process."""
    with tempfile.TemporaryDirectory() as place:
        own = {**os.environ, "PODIUM_WORKSPACE": place, "PODIUM_TEAM": "bench"}
        trace(["run", "sirna", "constant"], own, place)  # the board and its controls
        sample = podium.prepare("sirna").folder / "public" / "sample_submission.csv"
        submit = trace(["submit", "sirna", str(sample)], own, place)
        tune = trace(["tune", "sirna", "ridge", "--trials", "2"], own, place)
    return {
        "functions that `podium submit` passes": submit[0],
        "files that `podium submit` passes": submit[1],
        "depth of `podium tune`": tune[2],
    }


def trace(words: list[str], own: dict[str, str], place: str) -> tuple[int, ...]:
    """Functions and files of Podium that a command passes, and how deep they call each other."""
    command = [sys.executable, "-c", TRACE, *words]
    done = subprocess.run(command, env=own, cwd=place, capture_output=True, text=True, check=True)
    return tuple(map(int, done.stderr.rpartition("traced ")[2].split()))


def layers() -> list[list[str]]:
    """Packages and single modules from the top to the ground, as pyproject.toml has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]
    return [re.split(r" [:|] ", layer) for layer in contract["layers"]]


def picture() -> str:
    """The layers and who imports whom, as a Mermaid diagram.

    The ground has no arrows, and an arrow that follows from others is left out.
    """
    floors = layers()
    ground, lines = set(floors[-1]), ["flowchart TD"]
    for number, layer in enumerate(floors):
        names = " ~~~ ".join(layer) if number < len(floors) - 1 else f'ground["{", ".join(layer)}"]'
        lines.append(f"    {names}")
    arrows = {
        (name.split(".")[1], other.split(".")[1])
        for name, others in graph().items()
        for other in others
    }
    arrows = {(a, b) for a, b in arrows if a != b and not {a, b} & ground}
    lines += [f"    {a} --> {b}" for a, b in sorted(arrows) if not _follows(a, b, arrows)]
    return "\n".join(["```mermaid", *lines, "```"])


def _follows(start: str, end: str, arrows: set[tuple[str, str]]) -> bool:
    """Whether other arrows lead from start to end."""
    beyond = {b for a, b in arrows if a == start} - {end}
    while beyond and end not in beyond:
        beyond = {b for a, b in arrows if a in beyond} - {start}
    return end in beyond


if __name__ == "__main__":
    main()
