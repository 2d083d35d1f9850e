"""Who must not import what, read from the code itself."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
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


def test_what_others_import_lies_in_no_room():
    """Boards record hashes of these files: what they import must stay where it is."""
    public = {"competitions", "metrics"}
    rooms = {path.parent.name for path in SRC.glob("*/__init__.py")} - public
    written = [*COMPETITIONS.rglob("*.py"), *(ROOT / "submissions").rglob("*.py")]
    written += SRC.rglob("templates/**/*.py.txt")
    for path in written:
        if not path.name.startswith("test_"):
            for line in path.read_text(encoding="utf-8").splitlines():
                names = re.findall(r"\bpodium\.(\w+)|from podium import (.+)", line)
                found = {word for pair in names for text in pair for word in text.split(", ")}
                assert not found & rooms, path


@pytest.mark.parametrize("name", ["metric", "competition", "errors"])
def test_the_contract_is_light(name):
    heavy = {"torch", "lightgbm", "optuna", "rich", "sqlalchemy"}
    assert not {module.split(".")[0] for module in imports(SRC / f"{name}.py")} & heavy


def test_only_scoring_opens_the_solution():
    allowed = {"scoring.py", "data.py", "case.py", "version.py"}  # written, verified, named
    for path in HARNESS:
        if path.name not in allowed:
            assert "SOLUTION" not in path.read_text(encoding="utf-8"), path
    learning = [SRC / "model.py", SRC / "training.py", *(SRC / "tuning").glob("*.py")]
    blind = [*learning, *COMPETITIONS.glob("*/models/*.py")]
    for path in blind:
        far = {
            "podium.scoring",
            "podium.leaderboard.entry",
            "podium.leaderboard.batch",
            "podium.leaderboard.leaderboard",
        }
        assert not far & set(imports(path)), path
        assert not [name for name in imports(path) if "scoring" in name], path
    door = [path.name for path in HARNESS if "open_solution(" in path.read_text(encoding="utf-8")]
    assert sorted(door) == ["case.py", "entry.py", "scoring.py"]


def test_other_pythons_are_started_by_one_function():
    """It keeps them from importing what lies in the current folder."""
    for path in [*HARNESS, *SRC.rglob("templates/**/*.py.txt"), *COMPETITIONS.rglob("*.py")]:
        if path.name.startswith("test_") or path == SRC / "machine.py":
            continue
        text = path.read_text(encoding="utf-8")
        shown = 2 if path == SRC / "execution" / "policy.py" else 0  # models may see it
        assert text.count("sys.executable") == shown, path
        assert not re.search(r"multiprocessing|ProcessPoolExecutor|os\.(exec|spawn)", text), path


def test_library_modules_neither_print_nor_exit():
    for path in HARNESS:
        if path.relative_to(SRC).parts[0] in ("cli", "display"):
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
