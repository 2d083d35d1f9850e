"""Without the optional packages what needs them says so, and all else works."""

import os
import subprocess
import sys

import pytest

WITHOUT = """
import importlib.abc, sys

class Without(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in ("torch", "RNA"):
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
    (workspace / "mine.py").write_text("import torch\n")
    done = podium("run", "sirna", *model)
    assert done.returncode == 1
    assert f"needs the package {package}, which is not installed" in done.stderr
    assert f"'{extra}'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (workspace / "submissions").exists()


def test_all_else_works():
    done = podium("run", "sirna", "rules", "--json")
    assert done.returncode == 0, done.stderr
    assert podium("show", "sirna").returncode == 0
