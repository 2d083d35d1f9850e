"""Write what the docs take from the code: `make docs`.

- architecture.md: the picture of the layers, and who imports whom.
- commands.md: the options of every command.
- api.md: the public names, with the first line that each says of itself.
- parameters.md: what the shipped models declare.

A page marks such a section by `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

import podium
from podium import cli

DOCS = Path(__file__).parent
sys.path.append(str(DOCS.parent / "benchmarks"))
PACKAGES = ("podium", *(f"podium.{n}" for n in ("competition", "metrics", "data", "learning")))


def main() -> None:
    """Write all pages."""
    for name in SECTIONS:
        page = DOCS / name
        page.write_text(current(page), encoding="utf-8")


def current(page: Path) -> str:
    """A page as the code has it now."""
    text = SECTIONS[page.name]()
    pattern = r"(<!-- generated[^>]*-->\n).*?(<!-- end -->)"
    whole = page.read_text(encoding="utf-8")
    return re.sub(pattern, lambda m: f"{m[1]}{text}\n{m[2]}", whole, flags=re.S)


def picture() -> str:
    """The layers as a Mermaid diagram."""
    import architecture

    return architecture.picture()


def options() -> str:
    """Every command with its arguments and options, as `--help` says them."""
    parts = []
    for name, command in typer.main.get_command(cli.command_line()).commands.items():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        shown = [f"{p.metavar}" if p.required else f"[{p.metavar}]" for p in arguments]
        help_ = (command.help or "").split("\n\n")[0].replace("\n", " ")
        parts.append(f"### podium {' '.join([name, *shown])}\n\n{help_}\n")
        rows = [_option(p) for p in command.params if p not in arguments]
        if rows := [row for row in rows if row]:
            parts += ["| option | meaning |", "|---|---|", *rows, ""]
    return "\n".join(parts)


def _option(parameter: Any) -> str:
    """A row of the table; none for what every command has."""
    if {"--help", "--json"} & set(parameter.opts):
        return ""
    value = "" if parameter.is_flag else f" {parameter.metavar}"
    meaning = (parameter.help or "").replace("|", "\\|")
    return f"| `{', '.join(parameter.opts)}{value}` | {meaning} |"


def names() -> str:
    """The public names of each package."""
    parts = []
    for package in PACKAGES:
        module = import_module(package)
        parts += [f"## {package}\n", "| name | what it is |", "|---|---|"]
        for name in sorted(module.__all__, key=str.lower):
            value = getattr(module, name)
            ours = str(getattr(value, "__module__", getattr(value, "__name__", "")))
            said = inspect.getdoc(value) if ours.startswith("podium") else None
            first = (said or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
            parts.append(f"| `{name}` | {first} |")
        parts.append("")
    return "\n".join(parts)


def parameters() -> str:
    """What each shipped model declares."""
    parts = []
    for name in competitions():
        parts.append(f"## {name}\n")
        for model in podium.models(name):
            parts.append(f"### {model['model']}\n\n{model['summary']}\n")
            if rows := [_declaration(one) for one in model["parameters"]]:
                parts += ["| parameter | default | allowed | searched | what it is |"]
                parts += ["|---|---|---|---|---|", *rows, ""]
    return "\n".join(parts)


def competitions() -> list[str]:
    """The competitions of this repository."""
    folders = (DOCS.parent / "competitions").iterdir()
    return sorted(folder.name for folder in folders if (folder / "competition.py").is_file())


def _declaration(known: Mapping[str, Any]) -> str:
    """A row of the table."""
    cells = (known["allowed"], known["search"], known["what"].replace("|", "\\|"))
    return f"| `{known['name']}` | `{json.dumps(known['default'])}` | {' | '.join(cells)} |"


SECTIONS: dict[str, Callable[[], str]] = {
    "architecture.md": picture,
    "commands.md": options,
    "api.md": names,
    "parameters.md": parameters,
}

if __name__ == "__main__":
    main()
