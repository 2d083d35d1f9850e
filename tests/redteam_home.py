"""What attacks need: kinds that are registered, workspaces to attack, and whether one is whole.

A kind is a generator in any module `tests/redteam_*.py`. Each item that it yields is one try: empty
where Podium held, else what went wrong:

    @kind("what is promised, as the table says it")
    def name_of_the_kind(rng, home):
        while True:
            place = home.fresh()
            ...
            yield home.harm(place)
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from podium.errors import PodiumError
from podium.leaderboard import files
from podium.leaderboard.leaderboard import find_board

TESTS = Path(__file__).parent
MINE = """
import pandas as pd
DEFAULTS = {"a": 0.0, "b": 1.0}
def build(params, seed): return Line(params)
def space(trial): return {"a": trial.suggest_float("a", -1, 1)}
class Line:
    def __init__(self, params): self.params = params
    def fit(self, train, report=None): pass
    def predict(self, part):
        y = self.params["a"] + self.params["b"] * part.features["x"]
        return pd.DataFrame({"id": part.ids, "y": y})
"""
LIMITED = """
import resource, sys
size = int(sys.argv[1])
if size >= 0: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
sys.argv = ["podium", *sys.argv[2:]]
from podium.cli import main
main()
"""


@dataclass(frozen=True)
class Kind:
    """A kind of attack: what Podium promises, and a generator of tries."""

    promise: str
    tries: Callable[[random.Random, "Home"], Iterator[str]]


KINDS: dict[str, Kind] = {}


def kind(promise):
    """Register a generator under its name."""

    def register(tries):
        KINDS[tries.__name__.replace("_", " ")] = Kind(promise, tries)
        return tries

    return register


class Home:
    """A folder with a workspace that has the toy, its data, two models and a board."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._base = folder, folder / "base"
        (self._base / "competitions").mkdir(parents=True)
        (self._base / "competitions" / "toy").symlink_to(TESTS / "toy")
        (self._base / "tmp").mkdir()
        (self._base / "mine.py").write_text(MINE)
        for command in (["data", "toy"], ["run", "toy", "line"], ["run", "toy", "mine.py"]):
            done = self.podium(self._base, *command)
            assert done.returncode == 0, done.stderr
        sample = self._base / "cache" / "toy" / "demo" / "public" / "sample_submission.csv"
        lines = sample.read_text().splitlines()
        (self._base / "new.csv").write_text(
            "\n".join(
                [lines[0], *(f"{line.split(',')[0]},{n / 7}" for n, line in enumerate(lines[1:]))]
            )
        )

    def fresh(self) -> Path:
        """A copy of the workspace, which nobody has touched."""
        place = Path(tempfile.mkdtemp(prefix="place-", dir=self.folder))
        return Path(shutil.copytree(self._base, place, symlinks=True, dirs_exist_ok=True))

    def environment(self, place: Path) -> dict[str, str]:
        """That of a command in such a workspace."""
        own = {"WORKSPACE": place, "DATA": place / "cache", "TEAM": "eve"}
        names = {f"PODIUM_{name}": str(value) for name, value in own.items()}
        known = {name: value for name, value in os.environ.items() if name != "PODIUM_DB"}
        return {**known, **names, "TMPDIR": str(place / "tmp")}

    def start(self, place: Path, *command: str, limit: int = -1) -> subprocess.Popen[str]:
        """Start a command; `limit` is the bytes that its files may have."""
        return subprocess.Popen(
            [sys.executable, "-c", LIMITED, str(limit), *command],
            cwd=place,
            env=self.environment(place),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def podium(
        self, place: Path, *command: str, limit: int = -1
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(place, *command, limit=limit)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def harm(self, place: Path) -> str:
        """What of a workspace is not whole: its database, or the files of its records."""
        with patch.dict(os.environ, PODIUM_WORKSPACE=str(place)):
            return harm(f"sqlite:///{place}/leaderboard/board.sqlite")


def harm(url: str) -> str:
    """What of the toy's board is not whole; its files lie in the workspace that is named."""
    board = find_board(url)
    problems = list(board.damage()) if board else []
    for record in board.records("toy", "demo", ["own"]) if board else ():
        try:
            if record.file:
                files.checked(record)
        except PodiumError as error:
            problems.append(error.message)
    return "; ".join(problems)
