"""Windows and macOS, as far as Linux can pretend them: `tests/__pretended__` says how."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_names import problems

from podium import scratch

ROOT = Path(__file__).parents[2]
SYSTEMS = ["win32", "darwin"]
HEAD = f"import podium.competitions; podium.competitions.__path__.append({str(ROOT / 'tests')!r})\n"


def pretended(system, program, folder=None, **environment):
    """What a program prints on another system, which it sees as Podium's own code does."""
    file = ROOT / "tests" / "toy" / "program.py"  # none: a name by which it counts as ours
    text = f"exec(compile({program!r}, {str(file)!r}, 'exec'), {{'__file__': {str(file)!r}}})"
    paths = [str(ROOT / "tests" / "__pretended__"), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            **({"PRETEND": system} if system else {}),
            **environment,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


RULES = """
import json, os, pathlib, signal, subprocess, sys
told = []
def refused(work):
    try:
        work()
    except Exception as error:
        return type(error).__name__
def into(name, **how):
    return lambda: pathlib.Path(name).write_text('a\\n', **how)
told.append([sys.platform, os.name, hasattr(os, 'fork'), hasattr(signal, 'SIGKILL')])
for name in ('fcntl', 'resource', 'pwd', 'grp'):
    told.append(refused(lambda: exec(f'import {name}', {'__file__': __file__})))
into('text')()
told.append(os.path.getsize('text'))
told += [refused(into(name)) for name in ('a:b', 'nul.txt', 'end.', 'what?', 'CON')]
with pathlib.Path('text').open() as held:
    told += [refused(pathlib.Path('text').unlink), refused(lambda: os.replace('text', 'b'))]
pathlib.Path('text').chmod(0o400)
told += [refused(pathlib.Path('text').unlink), refused(lambda: os.symlink('text', 'c'))]
told += [refused(lambda: open('/proc/self/status')), refused(lambda: os.open('.', os.O_RDONLY))]
print(json.dumps(told))
"""


def test_the_pretence_has_the_rules_of_windows(workspace):
    (names, *modules), rest = (told := pretended("win32", RULES))[:5], told[5:]
    assert names == ["win32", "nt", False, False]
    assert modules == ["ModuleNotFoundError"] * 4
    size, *refusals = rest
    assert size == 3
    assert refusals[:5] == ["OSError"] * 5
    assert refusals[5:9] == [*["PermissionError"] * 4]
    assert refusals[9:] == ["FileNotFoundError", "PermissionError"]


LOCKS = """
import json, os, subprocess, sys, threading, time
from pathlib import Path
from podium import scratch
told = []
with scratch.directory('.try-', Path.cwd()) as folder:
    other = '''
from podium import scratch
from pathlib import Path
import os
for path in Path.cwd().glob('.try-*'):
    os.utime(path, (0, 0))
scratch.sweep(Path.cwd(), '.try-')
'''
    subprocess.run([sys.executable, '-c', other], check=True)
    told.append(folder.is_dir())
told.append(os.listdir('.'))
first, second = (os.open('lock', os.O_RDWR | os.O_CREAT) for _ in range(2))
told += [scratch.lock(first, wait=False), scratch.lock(second, wait=False)]
threading.Timer(0.1, lambda: os.close(first)).start()
told.append(scratch.lock(second, wait=True))
print(json.dumps(told))
"""


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_locked_stays(system, workspace):
    assert pretended(system, LOCKS) == [True, [], True, False, True]


IMPORTS = """
import importlib, json, pkgutil, sys
import podium
names = [found.name for found in pkgutil.walk_packages(podium.__path__, 'podium.')]
names += ['podium.competitions.' + found.name for found in pkgutil.walk_packages(
    podium.competitions.__path__)]
told = {}
for name in names:
    if '.tests' in name or '.test_' in name or name.endswith('__main__'):
        continue
    try:
        importlib.import_module(name)
    except Exception as error:
        told[name] = repr(error)
print(json.dumps([len(names), told]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_module_imports(system, workspace):
    count, told = pretended(system, IMPORTS)
    assert told == {}
    assert count > 150


COMMANDS = (
    HEAD
    + """
import contextlib, io, json, os, sys
from podium import cli
told = []
for words in json.loads(os.environ['COMMANDS']):
    sys.argv = ['podium', *words]
    out, err = (io.TextIOWrapper(io.BytesIO(), 'utf-8') for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
            status = 0
        except SystemExit as stop:
            status = stop.code or 0
        out.flush(), err.flush()
    told.append([status, *(s.buffer.getvalue().decode() for s in (out, err))])
print(json.dumps(told))
"""
)
ALL = """
list
show toy
models toy
data toy
check toy sample.csv
submit toy sample.csv --name guess
run toy line
run toy mine.py --no-submit --trust
cv toy mine.py --trust
tune toy mine.py --trials 2 --trust
studies toy
predict toy line --input rows.csv --output predicted.csv
blend toy line guess --equal
compare toy line guess
pick toy line
remark line better
withdraw guess --yes
board toy
mine
export board.jsonl
import board.jsonl
rescore toy
verify toy
reveal toy --yes
report
new house --table house.csv --target y --metric rmse
data house
run house lightgbm
"""
"""Commands in one workspace, in this order."""


def sums(folder):
    """What lies in a folder, but for what has times or machines in it."""
    kinds = (".csv", ".parquet", ".py")
    files = [f for f in folder.rglob("*") if f.suffix in kinds and "studies" not in f.parts]
    return {str(f.relative_to(folder)): scratch.file_sha256(f) for f in files}


@pytest.fixture(scope="module")
def used(tmp_path_factory, sample_once):
    """Gives a workspace in which every command was used, and what they said, by system."""

    @cache
    def use(system):
        folder = tmp_path_factory.mktemp(system or "here")
        (folder / "competitions").mkdir()
        model = (ROOT / "tests" / "toy" / "models" / "line.py").read_text(encoding="utf-8")
        (folder / "mine.py").write_text(f"{model}\n# ours\n", encoding="utf-8")
        sample_once.to_csv(folder / "sample.csv", index=False)
        rows = pd.DataFrame({"id": ["a", "b"], "x": [0.5, 1.5], "kind": ["a", "b"]})
        rows.to_csv(folder / "rows.csv", index=False)
        table = pd.DataFrame({"id": range(60), "x": np.arange(60.0), "y": np.arange(60.0) ** 2})
        table.to_csv(folder / "house.csv", index=False)
        words = [line.split() for line in ALL.strip().splitlines()]
        told = pretended(
            system,
            COMMANDS,
            folder,
            COMMANDS=json.dumps(words),
            PODIUM_WORKSPACE=str(folder),
            PODIUM_DATA=str(folder / "data"),
            PODIUM_TEAM="ana",
            OMP_NUM_THREADS="1",
        )
        return folder, dict(zip(map(" ".join, words), told, strict=True))

    return use


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_command_works(system, used):
    _, told = used(system)
    assert {words: err for words, (status, _, err) in told.items() if status} == {}


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_code_that_is_not_shipped_wants_trust(system, workspace, tmp_path):
    mark = tmp_path / "mark"
    model = (ROOT / "tests" / "toy" / "models" / "line.py").read_text(encoding="utf-8")
    Path("mine.py").write_text(f"{model}\nopen({str(mark)!r}, 'w').close()\n", encoding="utf-8")
    run = ["run", "toy", "mine.py", "--no-submit"]
    words = [run, ["cv", "toy", "mine.py"], ["tune", "toy", "mine.py", "--trials", "1"]]
    for status, _, err in pretended(system, COMMANDS, COMMANDS=json.dumps(words)):
        assert status == 1
        assert "Nothing guards" in err
        assert "--trust" in err
    assert not mark.exists()
    ((status, _, err),) = pretended(system, COMMANDS, COMMANDS=json.dumps([[*run, "--trust"]]))
    assert status == 0, err
    assert "Not guarded from the model" in err
    assert mark.exists()


@pytest.mark.slow
def test_what_is_written_has_names_of_every_system(used):
    folder, _ = used(None)
    names = [str(path.relative_to(folder)) for path in folder.rglob("*")]
    assert len(names) > 50
    assert list(problems(names)) == []


SPAWNED = """
import json, multiprocessing, sys
import podium, podium.competitions
podium.competitions.__path__.append(TESTS)

def run(seed):
    podium.competitions.__path__.append(TESTS)
    outcome = podium.run("toy", "line", seed=seed)
    return outcome.row.rank

if __name__ == "__main__":
    ranks = []
    for method in ("spawn", "forkserver"):
        multiprocessing.set_start_method(method, force=True)
        with multiprocessing.Pool(2) as pool:
            ranks += pool.map(run, [1, 2])
    print(json.dumps([ranks, podium.run("toy", "line", seed=3).row.rank]))
"""


@pytest.mark.slow
def test_processes_may_start_by_spawn(workspace):
    Path("script.py").write_text(f"TESTS = {str(ROOT / 'tests')!r}\n{SPAWNED}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    ranks, last = json.loads(done.stdout.splitlines()[-1])
    assert len(ranks) == 4
    assert all((*ranks, last))


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_same_files_come_of_it(system, used):
    (there, _), (here, _) = used(system), used(None)
    assert len(sums(here)) > 20
    assert sums(there) == sums(here)


LINUX_ONLY = ("sandbox.py", "forkserver.py", "starting.py")
"""Modules that ask what there is, or whose code other systems never reach."""


@pytest.mark.exhaustive
@pytest.mark.parametrize("version", ["3.11", "3.14"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_no_name_is_used_that_python_has_not_there(system, version, tmp_path):
    where = ["--platform", system, "--python-version", version, "--cache-dir", str(tmp_path)]
    command = [sys.executable, "-m", "mypy", "--no-warn-unreachable", *where]
    done = subprocess.run(
        [*command, "src", "competitions"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert lines
    assert [line for line in lines if not line.partition(":")[0].endswith(LINUX_ONLY)] == []
