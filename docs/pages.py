"""Gather the pages of the site, and build it: `make docs`.

The pages are those of the repository, in its own layout, with the files that they link to; a page
for each public package says what its names are, from their docstrings, and one lists the decisions.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "build" / "docs"
WRITTEN = (
    *(
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "leaderboard/README.md",
        "submissions/README.md",
    ),
    *("docs/*.md", "docs/*.ipynb", "docs/decisions/*.md", "competitions/*/README.md"),
)
PACKAGES = (
    *("podium", "podium.competition", "podium.metrics", "podium.data"),
    *("podium.learning", "podium.errors"),
)
LINK = re.compile(r"\]\(([^)#:]+)(#[^)]*)?\)")


def main() -> int:
    """Gather, and build; gives the status of MkDocs."""
    gather(PAGES)
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--clean"]
    own = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=own, check=False).returncode


def gather(place: Path) -> None:
    """Put all pages, and what they link to, under a folder."""
    shutil.rmtree(place, ignore_errors=True)
    for page in sorted(page for pattern in WRITTEN for page in ROOT.glob(pattern)):
        text = page.read_text(encoding="utf-8")
        put(place / page.relative_to(ROOT), LINK.sub(partial(linked, page), text))
        for target in (page.parent / match[1] for match in LINK.finditer(text)):
            if target.is_file() and target.suffix != ".md":
                copy = place / target.resolve().relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(target, copy)
    for package in PACKAGES:
        put(place / "docs" / "reference" / f"{package}.md", reference(package))
    put(place / "docs" / "decisions" / "index.md", decisions())


def linked(page: Path, link: re.Match[str]) -> str:
    """A link as the site has it: that of a folder leads to the list of what is in it.

    MkDocs leaves the links of a notebook alone: they lead to the folders of the pages.
    """
    if page.suffix == ".ipynb":
        return f"](../{link[1].removesuffix('.md')}/)"
    folder = (page.parent / link[1]).is_dir()
    return f"]({link[1].rstrip('/')}/index.md)" if folder else link[0]


def put(page: Path, text: str) -> None:
    """Write a page."""
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")


def reference(package: str) -> str:
    """The page of a public package: its names, and what mkdocstrings has of each."""
    module = import_module(package)
    public = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    documented = [
        f"::: {where}\n    options: {{heading: {package}.{name}, toc_label: {name}}}\n"
        for name in public
        if (where := origin(module, name))
    ]
    return "\n".join([f"# {package}\n", *documented])


def origin(module: Any, name: str) -> str:
    """Where a class or a function is defined; nothing for others, which docs/api.md lists."""
    value = getattr(module, name)
    ours = str(getattr(value, "__module__", "")).startswith("podium")
    return f"{value.__module__}.{value.__qualname__}" if ours and callable(value) else ""


def decisions() -> str:
    """A list of the decisions, each by its title."""
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    titles = {page: page.read_text(encoding="utf-8").splitlines()[0].lstrip("# ") for page in pages}
    return "\n".join(["# Decisions\n", *(f"- [{titles[page]}]({page.name})" for page in pages), ""])


if __name__ == "__main__":
    sys.exit(main())
