"""Docs are true: commands and options exist and are documented, snippets run."""

import importlib.util
import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from podium import api, cli
from podium.competition import folders as competition

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "competitions/**/*.md",
        "submissions/*.md",
        "leaderboard/*.md",
    )
    for path in sorted(ROOT.glob(pattern))
]
TRAINING = {"README", "models", "tuning"}
"""Pages whose Python trains for a while."""
FOLLOWED = [ROOT / "docs" / f"{name}.md" for name in ("organiser", "course")]
"""Pages that make competitions of their own, and are followed block by block."""
COMMANDS = typer.main.get_command(cli.command_line()).commands


def options(name):
    """Every spelling of every option of a command."""
    for parameter in COMMANDS[name].params:
        yield from (spelling for spelling in parameter.opts if spelling.startswith("-"))


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.S | re.M)


def shell_commands():
    for path in PAGES:
        for block in blocks(path, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words and words[0].endswith("podium"):
                    own = path in FOLLOWED
                    yield pytest.param(
                        words[1:], own, id=f"{path.name}: {' '.join(words[1:])[:60]}"
                    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_row(name):
    lines = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if re.match(rf"\| `podium {name}\b", line)]
    assert rows, f"docs/commands.md has no row for podium {name}"
    assert all(len(line) < 300 for line in lines if line.startswith("|"))


@pytest.fixture(scope="module")
def generate():
    """The program that writes what docs take from the code."""
    path = ROOT / "docs" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["architecture.md", "commands.md", "api.md"])
def test_what_pages_take_from_the_code_is_current(name, generate):
    if name == "api.md":
        pytest.importorskip("torch")
    page = ROOT / "docs" / name
    assert page.read_text(encoding="utf-8") == generate.current(page), "run: make docs"


@pytest.mark.parametrize(("words", "own"), list(shell_commands()))
def test_commands_in_docs_exist(words, own):
    assert words[0] in COMMANDS
    known = {"--help", "--json", "-d", *options(words[0])}
    assert not {word.split("=")[0] for word in words[1:] if word.startswith("-")} - known
    if own:
        return
    arguments = [word for word in words[1:] if not word.startswith("-")]
    if arguments and words[0] not in ("import", "export", "withdraw"):
        api.load(arguments[0])
    if words[0] in ("run", "cv") and not arguments[1].endswith(".py"):
        assert arguments[1] in competition.load(arguments[0]).models


@pytest.mark.parametrize("name", [n for n in competition.names() if n != "toy"])
def test_every_competition_has_a_readme_that_names_its_parts(name):
    found = competition.load(name)
    text = (found.folder / "README.md").read_text(encoding="utf-8")
    for entry in (*found.datasets, *found.scores, *found.strata, *found.targets):
        assert f"`{entry.name}`" in text, entry.name
    for model in found.models:
        assert f"`{model}`" in text, model
    assert name in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_site_has_every_page():
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:")[2]
    for path in PAGES:
        assert f" {path.relative_to(ROOT).as_posix()}\n" in nav or path.parent.name == "decisions"


def test_links_between_pages_lead_somewhere():
    for path in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=pytest.mark.slow if path.stem in TRAINING else ())
        for path in PAGES
        if blocks(path, "python") and path not in FOLLOWED
    ],
    ids=lambda path: path.name,
)
def test_python_in_docs_runs(path, workspace):
    for block in blocks(path, "python"):
        named = re.match(r"# (\S+\.py)\n", block)
        if named:
            Path(named[1]).write_text(block)
            assert api.cross_validate("sirna", named[1]).card.whole.rows
        else:
            exec(compile(block, str(path), "exec"), {})


def test_public_functions_say_what_they_raise_and_return():
    for name in api.__dict__:
        function = getattr(api, name)
        if inspect.isfunction(function) and function.__module__ == "podium.api":
            assert function.__doc__, name


@pytest.mark.slow
@pytest.mark.parametrize("path", FOLLOWED, ids=lambda p: p.name)
def test_a_guide_is_followed_word_for_word(path, workspace, tmp_path, own_cache, monkeypatch):
    """Every block in its order: Python runs or is written where it says, commands run."""
    tools = tmp_path / "bin"
    tools.mkdir()
    podium = tools / "podium"
    code = "from podium.cli import main; main()"
    podium.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
    podium.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("PODIUM_WORKSPACE", str(workspace))
    text, names = path.read_text(encoding="utf-8"), {}
    for language, block in re.findall(r"^```(python|sh)\n(.*?)^```", text, re.S | re.M):
        named = re.match(r"# (\S+\.py)\n", block)
        if named:
            Path(named[1]).write_text(block, encoding="utf-8")
        elif language == "python":
            exec(compile(block, str(path), "exec"), names)
        else:
            done = subprocess.run(["sh", "-e"], input=block, capture_output=True, text=True)
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
