"""Far from the checkout: the wheel, a workspace's own competitions, folders that do not load."""

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import typer

import podium.competitions
from podium import api, workspace
from podium.errors import PodiumError
from podium.verifying import verify

ROOT = Path(__file__).parents[2]
TOY = Path(__file__).parents[1] / "toy"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    """Runs programs of an environment that has the wheel and, from here, what it depends on."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, wheel], check=True, capture_output=True)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (site / "here.pth").write_text(f"{Path(typer.__file__).parents[1]}\n")
    home = {"HOME": str(folder), "PODIUM_DATA": str(folder / "data"), "PODIUM_TEAM": "ana"}
    if "OMP_NUM_THREADS" in os.environ:  # the last bits depend on it
        home["OMP_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]

    def run(program, *arguments, **environment):
        done = subprocess.run(
            [python.with_name(program), *map(str, arguments)],
            env={"PATH": os.environ["PATH"], **home, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def mine(folder, name="mine"):
    """A competition of one's own in a workspace: the toy under another name."""
    target = folder / "competitions" / name
    shutil.copytree(TOY, target, ignore=shutil.ignore_patterns("__pycache__", "raw", "freeze.py"))
    facts = target / "competition.py"
    facts.write_text(facts.read_text().replace('name="toy"', f'name="{name}"'))
    return target


@pytest.mark.slow
def test_the_wheel_holds_what_runs_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = {Path(name) for name in file.namelist()}
        sizes = sum(info.file_size for info in file.infolist())
    held = {Path(*name.parts[1:]) for name in names if name.parts[0] == "podium"}
    wanted = {
        path.relative_to(root)
        for root in (ROOT / "src" / "podium", ROOT)
        for path in (root / "competitions" if root == ROOT else root).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.match("test_*.py")
    }
    assert held == wanted
    kinds = {
        ".py",
        ".pyi",
        ".j2",
        ".typed",
        ".md",
        ".sha256",
        ".json",
        ".csv",
        ".png",
        ".txt",
        ".html",
        ".css",
        ".js",
        ".npy",
    }
    assert {path.suffix for path in held} <= kinds
    assert {path.parent.name for path in held if path.suffix == ".png"} <= {"pictures"}
    assert {path.parent.name for path in held if path.suffix == ".csv"} <= {"splits", "drugs"}
    assert sizes < 20e6


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_folder(elsewhere, workspace):
    where = elsewhere("python", "-c", "import podium; print(podium.__file__)")
    assert "elsewhere" in where
    listed = json.loads(elsewhere("podium", "list", "--json"))
    assert ("sirna", "demo", "made on first use") in {
        (entry["competition"], entry["dataset"], entry["status"]) for entry in listed
    }
    assert "public rank 1 of 1 on sirna/demo" in elsewhere("podium", "run", "sirna", "ridge")
    board = json.loads(elsewhere("podium", "board", "sirna", "--json"))
    ours = api.run("sirna", "ridge")
    assert [row["score"] for row in board["rows"] if row["rank"]] == [
        pytest.approx(ours.row.score, abs=1e-6)
    ]


@pytest.mark.slow
def test_a_competition_of_ones_own_with_the_wheel(elsewhere, workspace, tmp_path):
    """It lists, runs and ranks by the environment alone, and so do processes that are spawned."""
    mine(workspace)
    named = {"PODIUM_WORKSPACE": str(workspace)}
    listed = json.loads(elsewhere("podium", "list", "--json", **named))
    assert {"mine", "sirna"} <= {entry["competition"] for entry in listed}
    elsewhere("podium", "run", "mine", "line", **named)
    board = json.loads(elsewhere("podium", "board", "mine", "--json", **named))
    assert [row["name"] for row in board["rows"] if row["rank"]] == ["line"]
    own, example = workspace / "own.py", workspace / "sirna.py"
    shutil.copyfile(TOY / "models" / "line.py", own)
    shutil.copyfile(ROOT / "submissions" / "examples" / "sirna.py", example)
    elsewhere("podium", "run", "mine", own, "--team", "bob", **named)
    elsewhere("podium", "run", "sirna", example, "--set", "rounds=5", **named)
    script = tmp_path / "spawned.py"
    script.write_text(
        "import multiprocessing, os, podium\n"
        "from podium import api\n"
        "from podium.competition import model_file as model\n"
        "from podium.data import dataset as data\n"
        "from podium.execution import training\n"
        "if __name__ == '__main__':\n"
        "    ready = data.load(*api.load('mine'))\n"
        "    file = model.load(ready.competition, 'line')\n"
        "    fitted = training.fit(file, file.build(0), ready.train())\n"
        "    assert type(fitted).__module__ == 'podium.competitions.mine.models.line'\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        there = pool.apply(fitted.predict, (ready.part('test'),))\n"
        "    print(there.equals(fitted.predict(ready.part('test'))))\n"
    )
    assert elsewhere("python", script, **named) == "True\n"


@pytest.mark.slow
@pytest.mark.parametrize("place", ["here", "parent"])
def test_a_folder_that_nobody_named_runs_no_code(place, elsewhere, workspace, monkeypatch):
    """`competitions/` of a directory that one merely entered, or whose subfolder one did."""
    folder = mine(workspace)
    trap = f"open({str(workspace / 'ran')!r}, 'w')\n"
    for file in [*folder.rglob("*.py"), folder.parent / "__init__.py", workspace / "podium.py"]:
        file.write_text(trap)
    (workspace / "pyproject.toml").write_text("[project]\n")
    if place == "parent":
        (workspace / "below").mkdir()
        monkeypatch.chdir(workspace / "below")
    assert "mine" not in elsewhere("podium", "list")
    assert not (workspace / "ran").exists()


def test_a_package_beside_a_stranger_s_project_is_no_checkout(monkeypatch, tmp_path):
    """As `pip install --target project/vendor` puts it."""
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "competitions").mkdir()
    monkeypatch.setattr(workspace, "__file__", str(tmp_path / "vendor" / "podium" / "w.py"))
    assert workspace.competition_roots() == []


FACTS = (TOY / "competition.py").read_text()
BROKEN = {
    "syntax": ({"competition.py": "competition = (\n"}, "SyntaxError", "line 1"),
    "raises": ({"competition.py": "x = 1\n1 / 0\n"}, "ZeroDivisionError", "line 2: 1 / 0"),
    "leaves": ({"competition.py": "import sys\nsys.exit(0)\n"}, "SystemExit", "line 2"),
    "needs": ({"competition.py": "import no_such_module\n"}, "No module named", "line 1"),
    "empty": ({"competition.py": ""}, "must end in", "competition = Competition"),
    "typed": ({"competition.py": "competition = {'name': 'typed'}\n"}, "must end in", "typed"),
    "named": ({"competition.py": FACTS}, "must end in", "name='named'"),
    "listed": (
        {"competition.py": FACTS.replace('"toy"', '"listed"').replace("controls=(", "controls=[(")
         .replace('model="constant"),)', 'model="constant"),)]')},
        "is wrong", "controls must be a tuple of one Control or more",
    ),
    "none": ({"notes.txt": ""}, "has no competition.py", "none"),
    "a space": ({"competition.py": FACTS}, "must be a Python name", "a space"),
    "2fast": ({"competition.py": FACTS}, "must be a Python name", "2fast"),
    "class": ({"competition.py": FACTS}, "must be a Python name", "class"),
    "a.b": ({"competition.py": FACTS}, "must be a Python name", "a.b"),
    "binary": ({"competition.py": "\0"}, "null bytes", "binary"),
    "json": (
        {"competition.py": FACTS.replace('"toy"', '"json"'), "checksums.json": '{"demo": '},
        "checksums.json is no JSON", "podium freeze",
    ),
    "form": (
        {"competition.py": FACTS.replace('"toy"', '"form"'), "checksums.json": '{"demo": {}}'},
        "checksums.json is no JSON", "podium freeze",
    ),
}  # fmt: skip


@pytest.fixture
def named(workspace, monkeypatch):
    """The workspace's competitions as if `PODIUM_WORKSPACE` had named them at the start."""
    (workspace / "competitions").mkdir()
    path = [*podium.competitions.__path__, str(workspace / "competitions")]
    monkeypatch.setattr(podium.competitions, "__path__", path)
    yield workspace / "competitions"
    for module in [m for m in sys.modules if m.startswith("podium.competitions.")]:
        if module.split(".")[2] in (*BROKEN, "mine"):
            del sys.modules[module]


def test_each_broken_folder_is_one_marked_row(named, podium_cli, monkeypatch):
    for name, (files, _, _) in BROKEN.items():
        (named / name).mkdir()
        for file, text in files.items():
            (named / name / file).write_text(text)
    done = podium_cli("list", "--json")
    assert done.status == 0
    rows = {row["competition"]: row for row in done.json if row["status"] == "broken"}
    assert set(rows) == set(BROKEN)
    for name, (_, short, _) in BROKEN.items():
        assert short in rows[name]["title"], name
        assert len(rows[name]["title"].splitlines()) == 1
    assert {"toy", "sirna"} <= {row["competition"] for row in done.json if row not in rows.values()}
    assert podium_cli("list").status == 0
    for name, (_, short, full) in BROKEN.items():
        shown = podium_cli("show", name)
        assert (shown.status, shown.out) == (1, ""), name
        assert short in shown.err
        assert full in shown.err, name
        assert "Traceback" not in shown.err
    monkeypatch.setattr(verify, "CHECKS", ())
    assert {v.competition for v in verify.verify() if v.problem} == set(BROKEN)
    assert podium_cli("board", "toy").status == 0


def test_what_a_folder_prints_does_not_mix_with_results(named, podium_cli):
    folder = mine(named.parent)
    facts = folder / "competition.py"
    facts.write_text("print('hello')\n" + facts.read_text())
    done = podium_cli("list", "--json")
    assert "mine" in {row["competition"] for row in done.json}
    assert "hello" in done.err


def test_a_name_that_a_shipped_competition_has(named, podium_cli):
    mine(named.parent, "sirna")
    rows = [row for row in podium_cli("list", "--json").json if row["competition"] == "sirna"]
    assert [row["status"] for row in rows].count("broken") == 1
    (clash,) = (row for row in rows if row["status"] == "broken")
    assert str(named / "sirna") in clash["title"]
    assert "rename the folder" in clash["title"]
    assert podium_cli("show", "sirna", "--json").json["title"] == "siRNA efficacy"


def test_what_is_left_of_a_removed_folder_is_no_competition(named, podium_cli):
    for name in ("gone/__pycache__", ".hidden", "__pycache__"):
        (named / name).mkdir(parents=True)
    (named / ".hidden" / "competition.py").write_text("1 / 0")
    (named / "README.md").write_text("")
    (named / "tests").mkdir()
    (named / "tests" / "test_mine.py").write_text("")
    assert {row["status"] for row in podium_cli("list", "--json").json} <= {
        "ready", "made on first use", "to fetch", "yours to give",
    }  # fmt: skip


def test_broken_modules_of_ones_own_are_told_with_their_lines(named, podium_cli, own_cache):
    folder = mine(named.parent)
    (folder / "simulate.py").write_text("import numpy\n\nnumpy.no_such_thing\n")
    done = podium_cli("run", "mine", "line")
    assert done.status == 1
    assert "competitions/mine/simulate.py fails: AttributeError" in done.err
    assert "simulate.py, line 3: numpy.no_such_thing" in done.err
    with pytest.raises(PodiumError, match="no_such_thing"):
        api.prepare("mine")
    shutil.copy(TOY / "simulate.py", folder)
    (folder / "models" / "half.py").write_text("def (")
    assert podium_cli("show", "mine", "--json").json["models"]["half"].startswith("broken: ")
    assert "models/half.py fails: SyntaxError" in podium_cli("run", "mine", "half").err


def test_a_folder_that_was_moved_only_half_way_is_told(named, podium_cli, own_cache):
    folder = mine(named.parent)
    inner = folder / "data"
    inner.mkdir()
    (folder / "simulate.py").rename(inner / "simulate.py")
    done = podium_cli("run", "mine", "line")
    assert done.status == 1
    assert "data.py lies beside data/: move it there" in done.err
    assert "splits lies beside data/: move it there" in done.err
