"""A short campaign of attacks: every kind is tried, and everything holds."""

import subprocess
import sys
from pathlib import Path

import pytest

import redteam_attacks  # noqa: F401
import redteam_data  # noqa: F401
from redteam_home import KINDS

HERE = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="models are walled in on Linux alone")
def test_a_short_campaign():
    done = subprocess.run(
        [sys.executable, HERE / "redteam.py", "20"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    assert {line[0] for line in lines} >= set(KINDS)
    assert all(int(line[2].replace(",", "")) > 0 for line in lines)


@pytest.mark.slow
def test_every_kind_is_in_the_table_of_the_docs():
    page = (HERE.parent / "docs" / "security.md").read_text(encoding="utf-8")
    for name, kind in KINDS.items():
        assert f"| {name} | {kind.promise} | " in page
