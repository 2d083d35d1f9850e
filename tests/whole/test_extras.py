"""Without the optional packages what needs them says so, and all else works."""

import os
import subprocess
import sys

import pytest

from suites import mostly_slow

HIDDEN = (
    *("torch", "RNA", "rdata", "igraph", "leidenalg", "matplotlib", "plotly", "cmaes"),
    *("distributed", "psycopg"),
)
TUNE_AFAR = ["tune", "sirna", "ridge", "--trials", "2", "--storage", "postgresql://a/b"]


@pytest.fixture
def podium(tmp_path):
    """Runs a command where these packages are not, in Podium's processes and in models' own."""
    place = tmp_path / "without"
    place.mkdir()
    for name in HIDDEN:
        stub = f"raise ModuleNotFoundError(\"No module named '{name}'\", name={name!r})\n"
        (place / f"{name}.py").write_text(stub)

    def run(*arguments):
        paths = [str(place), *filter(None, [os.environ.get("PYTHONPATH")])]
        return subprocess.run(
            [sys.executable, "-c", "from podium.cli import main; main()", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)},
        )

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "package", "extra"),
    mostly_slow(
        [
            (["gru"], "torch", "neural"),
            (["stack"], "torch", "neural"),
            (["lightgbm", "--set", "folding=true"], "viennarna", "bio"),
            (["mine.py"], "torch", "neural"),
        ],
        3,
    ),
)
def test_a_missing_package_is_named_with_its_extra(model, package, extra, workspace, podium):
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
    mostly_slow(
        [
            (["run", "dlpfc", "louvain"], "igraph", "bio"),
            (["cv", "dlpfc", "random", "--plot", "pictures"], "matplotlib", "plot"),
            (["tune", "sirna", "ridge", "--trials", "2", "--plot", "pictures"], "plotly", "tune"),
            (["tune", "sirna", "ridge", "--trials", "2", "--sampler", "cmaes"], "cmaes", "tune"),
            (TUNE_AFAR, "psycopg[binary]", "postgres"),
        ]
    ),
)
def test_so_it_is_with_pictures_and_graphs(command, package, extra, workspace, podium):
    done = podium(*command)
    assert done.returncode == 1
    assert f"needs the package {package}, which is not installed" in done.stderr
    assert f"'{extra}'" in done.stderr
    assert list(workspace.iterdir()) == []


@pytest.mark.slow
@pytest.mark.realdata
def test_so_it_is_with_files_of_r(raw_folder, own_cache, podium):
    done = podium("data", "dlpfc", "--dataset", "151510", "--from", raw_folder("dlpfc"))
    assert done.returncode == 1
    assert "The data of dlpfc/151510 needs the package rdata" in done.stderr
    assert not (own_cache / "dlpfc" / "151510").exists()


@pytest.mark.slow
def test_all_else_works(podium):
    done = podium("run", "sirna", "rules", "--json")
    assert done.returncode == 0, done.stderr
    assert podium("show", "sirna").returncode == 0
