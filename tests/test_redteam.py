"""A short campaign of attacks: every kind is tried, and everything holds."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from redteam import attacks
from redteam.home import KINDS

HERE = Path(__file__).parent / "redteam"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="models are walled in on Linux alone")
def test_a_short_campaign():
    done = subprocess.run(
        [sys.executable, HERE, "20"], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    assert {line[0] for line in lines} >= set(KINDS)
    assert all(int(line[2].replace(",", "")) > 0 for line in lines)


def test_every_kind_is_in_the_table_of_the_docs():
    page = (HERE.parents[1] / "docs" / "security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z ]+) \| (.+?) \|", page, re.M)
    own = {
        name: kind.promise
        for name, kind in KINDS.items()
        if kind.tries.__module__ == attacks.__name__
    }
    assert own.items() <= dict(rows).items()
