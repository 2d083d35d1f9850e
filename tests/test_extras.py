"""Without the optional packages what needs them says so, and all else works."""

import os
import subprocess
import sys

import pytest

WITHOUT = """
import importlib.abc, sys

class Without(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in (
            *("torch", "RNA", "rdata", "igraph", "leidenalg", "matplotlib"),
            *("plotly", "cmaes", "distributed"),
        ):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Without())
from podium.cli import main
main()
"""


def podium(*arguments):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.parametrize(
    ("model", "package", "extra"),
    [
        (["gru"], "torch", "neural"),
        (["stack"], "torch", "neural"),
        (["lightgbm", "--set", "folding=true"], "viennarna", "bio"),
        (["mine.py"], "torch", "neural"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(model, package, extra, workspace):
    missing = "raise ModuleNotFoundError('torch', name='torch')\n"  # another process has it
    (workspace / "mine.py").write_text(missing)
    done = podium("run", "sirna", *model)
    assert done.returncode == 1
    assert f"needs the package {package}, which is not installed" in done.stderr
    assert f"'{extra}'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (workspace / "submissions").exists()


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [
        (["run", "dlpfc", "louvain"], "igraph", "bio"),
        (["cv", "dlpfc", "random", "--plot", "pictures"], "matplotlib", "plot"),
        (["tune", "sirna", "ridge", "--trials", "2", "--plot", "pictures"], "plotly", "tune"),
        (["tune", "sirna", "ridge", "--trials", "2", "--sampler", "cmaes"], "cmaes", "tune"),
    ],
)
def test_so_it_is_with_pictures_and_graphs(command, package, extra, workspace):
    done = podium(*command)
    assert done.returncode == 1
    assert f"needs the package {package}, which is not installed" in done.stderr
    assert f"'{extra}'" in done.stderr
    assert list(workspace.iterdir()) == []


@pytest.mark.realdata
def test_so_it_is_with_files_of_r(raw_folder, own_cache):
    done = podium("data", "dlpfc", "--dataset", "151510", "--from", raw_folder("dlpfc"))
    assert done.returncode == 1
    assert "The data of dlpfc/151510 needs the package rdata" in done.stderr
    assert not (own_cache / "dlpfc" / "151510").exists()


def test_all_else_works():
    done = podium("run", "sirna", "rules", "--json")
    assert done.returncode == 0, done.stderr
    assert podium("show", "sirna").returncode == 0
