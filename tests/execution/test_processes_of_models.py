"""Processes that a model starts, by any way, find its functions and classes again."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from podium import api
from podium.competition import model_file
from podium.execution import policy
from suites import mostly_slow

MODEL = """
import os
from pathlib import Path
import pandas as pd

DEFAULTS = {"a": 1.0}
HERE = Path(__file__).parent

class Doubler:
    def __init__(self, by):
        self.by = by
    def __call__(self, value):
        assert (HERE / "weights.txt").read_text() == "seen"
        return Doubler(self.by), self.by * value, os.getpid()

def scorer(model, x, y):
    return float(len(x))

class Rows:
    def __init__(self, values):
        self.values = values
    def __len__(self):
        return len(self.values)
    def __getitem__(self, place):
        return self.values[place]

class Mine:
    def fit(self, train, report=None):
        WORK
    def predict(self, part):
        return pd.DataFrame({"id": part.ids, "y": part.features["x"]})

def build(params, seed):
    return Mine()

def space(trial):
    return {}
"""
POOL = """
import multiprocessing
with multiprocessing.get_context("KIND").Pool(2) as pool:
    given = pool.map(Doubler(2), [1, 2])
assert [(type(one), value) for one, value, _ in given] == [(Doubler, 2), (Doubler, 4)]
assert os.getpid() not in {number for *_, number in given}
"""
WAYS = {
    "spawn": POOL.replace("KIND", "spawn"),
    "forkserver": POOL.replace("KIND", "forkserver"),
    "loky": """
import joblib
given = joblib.Parallel(n_jobs=2)(joblib.delayed(Doubler(2))(value) for value in (1, 2))
assert [(type(one), value) for one, value, _ in given] == [(Doubler, 2), (Doubler, 4)]
assert os.getpid() not in {number for *_, number in given}
""",
    "scikit-learn": """
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
x, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0]
assert list(cross_val_score(Ridge(), x, y, cv=2, scoring=scorer, n_jobs=2)) == [2.0, 2.0]
""",
    "DataLoader": """
from torch.utils.data import DataLoader
rows = Rows([float(value) for value in range(8)])
for kind in ("fork", "spawn"):
    batches = DataLoader(rows, num_workers=2, batch_size=4, multiprocessing_context=kind)
    assert sum(float(batch.sum()) for batch in batches) == 28
""",
}


def written(work, path):
    path.with_name("weights.txt").write_text("seen")
    path.write_text(MODEL.replace("WORK", work.strip().replace("\n", "\n        ")))
    return path


@pytest.mark.parametrize("way", mostly_slow(WAYS))
def test_what_processes_give_back_and_take(way, workspace, toy):
    if way == "DataLoader":
        pytest.importorskip("torch")
    written(WAYS[way], workspace / "mine.py")
    assert api.run("toy", "mine.py", submit=False, limit_time=120).file


def test_the_module_is_what_was_read(workspace, toy, tmp_path):
    """Whatever the file holds by now; its `__file__` is where its weights are."""
    path = written("pass", workspace / "mine.py")
    file = model_file.find(toy, path)
    path.write_text("raise ValueError('edited since')")
    given = pickle.dumps(model_file.load(toy, path, content=file.source).module.Doubler(2))
    (tmp_path / "modules").mkdir()
    file.write_module(tmp_path / "modules")
    loads = (
        f"import pickle, sys; sys.path.append({str(tmp_path / 'modules')!r})\n"
        f"doubler = pickle.loads({given!r})\nprint(doubler(3)[1], doubler.__module__)\n"
        f"assert sys.modules[doubler.__module__].__file__ == {str(path)!r}"
    )
    done = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("6 podium_model_")


@pytest.mark.slow
def test_models_of_a_competition_of_the_workspace(workspace, toy):
    folder = workspace / "competitions" / "toy"
    shutil.copytree(toy.folder, folder)
    path = written(WAYS["spawn"], folder / "models" / "mine.py")
    path.write_text(path.read_text().replace('HERE / "weights.txt"', "Path(__file__)"))
    path.write_text(path.read_text().replace('== "seen"', ""))
    subprocess.run(
        [sys.executable, "-c", "from podium import api; api.run('toy', 'mine', submit=False)"],
        check=True,
        timeout=120,
        env={**os.environ, "PODIUM_WORKSPACE": str(workspace)},
    )


def test_what_processes_are_told(workspace, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert policy.found_again(Path("/a/competitions")) == {"PODIUM_WORKSPACE": "/a"}
    assert policy.found_again(Path("/a/tests")) == {}
    monkeypatch.setenv("PYTHONPATH", f":{tmp_path}:.:../other")
    told = policy.found_again(Path("/a/tests"))
    assert told == {"PYTHONPATH": f"{tmp_path}:{workspace}/../other"}  # not the current folder


@pytest.mark.slow
def test_programs_find_what_python_path_names(workspace, toy, tmp_path, monkeypatch):
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "named_by_path.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    work = """
import subprocess, sys
import named_by_path
subprocess.run([sys.executable, "-c", "import named_by_path"], check=True)
"""
    written(work, workspace / "mine.py")
    assert api.run("toy", "mine.py", submit=False).file


@pytest.mark.parametrize("enabled", [True, False])
def test_packages_of_the_user_are_looked_for_in_the_users_home(enabled, tmp_path, monkeypatch):
    monkeypatch.setattr(policy.site, "ENABLE_USER_SITE", enabled)
    monkeypatch.setattr(policy.site, "getuserbase", lambda: str(tmp_path))
    assert policy.environment().get("PYTHONUSERBASE") == (str(tmp_path) if enabled else None)
