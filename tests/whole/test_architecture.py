"""Who must not import what, read from the code itself."""

import ast
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "podium"
COMPETITIONS = ROOT / "competitions"
HARNESS = sorted(path for path in SRC.rglob("*.py"))
FOLDERS = sorted(
    path.name for path in COMPETITIONS.iterdir() if (path / "competition.py").is_file()
)


def imports(path):
    """Every module that a file imports, anywhere in it, by absolute name or as written."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base
            dot = "." if node.module else ""
            yield from (f"{base}{dot}{alias.name}" for alias in node.names)


def code_and_texts(path):
    """The names and string constants of a file, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value
        elif isinstance(node, ast.Name):
            yield node.id


@pytest.mark.parametrize("path", HARNESS, ids=lambda path: path.name)
def test_the_harness_knows_no_competition_by_name(path):
    words = set(code_and_texts(path)) | set(imports(path))
    assert not [name for name in FOLDERS for word in words if name in word]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_competition_imports_no_other(folder):
    others = set(FOLDERS) - {folder}
    for path in (COMPETITIONS / folder).rglob("*.py"):
        for name in imports(path):
            assert not name.startswith("..."), f"{path} reaches out of its folder"
            assert not any(f"competitions.{other}" in name for other in others), path


PUBLIC = ("competition", "metrics", "data", "learning", "errors")
"""Packages that competitions, models, examples and docs may import from, and what each exports."""


def public_names(package):
    module = import_module(f"podium.{package}")
    own = {n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__}
    return set(getattr(module, "__all__", own | {"note"}))


def foreign_imports(text):
    """What a file imports of Podium beside names of the public packages."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith("podium."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("podium"):
            package = node.module.removeprefix("podium").lstrip(".")
            if package not in PUBLIC:
                yield f"{node.module}: {', '.join(alias.name for alias in node.names)}"
                continue
            unknown = {alias.name for alias in node.names} - public_names(package)
            yield from (f"{node.module}: {name}" for name in sorted(unknown))


def written_for_others():
    """Files of competitions, examples and templates, and the Python of the docs, by name."""
    files = [*COMPETITIONS.rglob("*.py"), *(ROOT / "submissions").rglob("*.py")]
    files += [*(ROOT / "tests" / "toy").rglob("*.py")]
    for path in files:
        parts = path.relative_to(ROOT).parts
        if not path.name.startswith("test_") and "tests" not in parts[2:]:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for path in (ROOT / "docs").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", text, re.S | re.M)):
            yield f"{path.name}, block {number}", block


@pytest.mark.parametrize(
    ("name", "text"), [pytest.param(*w, id=w[0]) for w in written_for_others()]
)
def test_what_is_written_for_others_imports_public_names_alone(name, text):
    allowed = {"tests/toy/freeze.py"}  # run by us, as an organiser's own script was once
    assert name in allowed or list(foreign_imports(text)) == []


def test_every_public_name_is_there_and_listed():
    pytest.importorskip("torch")
    for package in ("", *(f".{name}" for name in PUBLIC if name != "errors")):
        module = import_module(f"podium{package}")
        assert module.__all__
        for name in module.__all__:
            assert getattr(module, name) is not None
            assert name in dir(module)


def test_arrows_go_down_only():
    """The layers are those of pyproject.toml."""
    code = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["competition/metric", "competition/contract", "errors"])
def test_the_contract_is_light(name):
    heavy = {"torch", "lightgbm", "optuna", "rich", "sqlalchemy"}
    assert not {module.split(".")[0] for module in imports(SRC / f"{name}.py")} & heavy


def test_only_scoring_opens_the_solution():
    # written, verified, named
    allowed = {"scoring.py", "dataset.py", "under_test.py", "version.py"}
    for path in HARNESS:
        if path.name not in allowed:
            assert "SOLUTION" not in path.read_text(encoding="utf-8"), path
    learning = [
        *(SRC / "learning").glob("*.py"),
        SRC / "competition" / "model_file.py",
        SRC / "execution" / "training.py",
        *(SRC / "tuning").glob("*.py"),
    ]
    blind = [
        *learning,
        *(p for room in ("models", "shared") for p in COMPETITIONS.glob(f"*/{room}/*.py")),
    ]
    for path in blind:
        far = {
            "podium.scoring.scoring",
            "podium.leaderboard.submit",
            "podium.leaderboard.rescore",
            "podium.leaderboard.board",
        }
        assert not far & set(imports(path)), path
        assert not [name for name in imports(path) if "scoring.scoring" in name], path
    door = [path.name for path in HARNESS if "open_solution(" in path.read_text(encoding="utf-8")]
    assert sorted(door) == ["scoring.py", "submit.py", "under_test.py"]


def test_other_pythons_are_started_by_one_function():
    """It keeps them from importing what lies in the current folder."""
    for path in [*HARNESS, *SRC.rglob("templates/**/*.py.j2"), *COMPETITIONS.rglob("*.py")]:
        if path.name.startswith("test_") or path == SRC / "machine.py":
            continue
        text = path.read_text(encoding="utf-8")
        shown = 2 if path == SRC / "execution" / "policy.py" else 0  # models may see it
        assert text.count("sys.executable") == shown, path
        assert not re.search(r"multiprocessing|ProcessPoolExecutor|os\.(exec|spawn)", text), path


def test_library_modules_neither_print_nor_exit():
    for path in HARNESS:
        if path.relative_to(SRC).parts[0] in ("cli",):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("print", "exit", "sys.exit"), path


@pytest.mark.parametrize("command", [["list"], ["board", "toy"], ["check", "toy", "sample.csv"]])
def test_quick_commands_load_nothing_heavy(command, workspace, sample, cache):
    sample.to_csv("sample.csv", index=False)
    code = (
        "import sys, json, podium.competitions\n"
        f"podium.competitions.__path__.append({str(ROOT / 'tests')!r})\n"
        f"sys.argv = ['podium', *{command!r}]\n"
        "from podium import cli\n"
        "try:\n    cli.main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "print('\\n' + json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    heavy = {"torch", "lightgbm", "optuna", "sklearn", "scipy", "pandas"}
    assert sorted(loaded & heavy) == []
