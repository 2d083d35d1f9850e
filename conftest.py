"""Fixtures: a workspace of one's own for every test, prepared data shared by the session."""

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:  # tests that run beside each other share the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import podium.competitions
from podium import api, cli
from podium.competition import folders as competition
from podium.data import dataset as data

HERE = Path(__file__).parent / "tests"
RAW = Path(os.environ.get("PODIUM_RAW", HERE.parent.parent / "shared" / "data"))
podium.competitions.__path__.append(str(HERE))
for profile, examples in (("few", 25), ("many", 100)):  # few for `make test`, else many
    settings.register_profile(profile, max_examples=examples, deadline=None)  # cores are shared
settings.load_profile("many")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests that prepare the same data run in one process, one after the other.

    A group is a competition, or a file. Slow tests of the harness are shared out one by one. The
    marks that xdist itself knows groups by are without effect, and without a word, from pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    one_by_one = config.option.markexpr.startswith("slow")

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file, _, name = nodeid.partition("::")
            top, folder, *_ = file.split("/")
            if top == "competitions":
                return folder
            if name.startswith("test_competition["):
                return name.partition("[")[2].partition("-")[0]
            return nodeid if one_by_one else file

    return Groups(config, log) if config.option.dist == "loadgroup" else None


@pytest.fixture(scope="session", autouse=True)
def scratch(tmp_path_factory):
    """A place for scratch of this session alone: what killed commands leave slows no later one.

    Every model's process hides what lies in it. Others may enter: PostgreSQL has a user of its own.
    """
    tmp_path_factory.getbasetemp()
    with (
        tempfile.TemporaryDirectory(prefix="podium-tests-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        Path(folder).chmod(0o755)
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """The session's prepared data; tests that damage it copy it first."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch, cache):
    """A fresh workspace as the current directory."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PODIUM_DATA", str(cache))
    monkeypatch.setenv("PODIUM_TEAM", "ana")
    for name in ("PODIUM_DB", "PODIUM_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture(scope="session")
def made_once(tmp_path_factory, cache):
    """Calls a function in a fresh workspace, which tests then copy: gives its folder."""

    def make(fill):
        folder = tmp_path_factory.mktemp("made")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("PODIUM_DATA", str(cache))
            patch.setenv("PODIUM_TEAM", "ana")
            for name in ("PODIUM_DB", "PODIUM_WORKSPACE"):
                patch.delenv(name, raising=False)
            fill()
        return folder

    return make


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache for this test alone."""
    monkeypatch.setenv("PODIUM_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def toy():
    """The toy competition, its simulated data ready."""
    data.load(*api.load("toy"))
    return competition.load("toy")


@pytest.fixture(scope="session")
def sample_once(made_once):
    """The toy's sample submission, for fixtures of a module."""
    import pandas as pd

    tables = []

    def read():
        ready = data.load(*api.load("toy"))
        file = ready.folder / "public" / data.SAMPLE
        tables.append(pd.read_csv(file, dtype={"id": str}))

    made_once(read)
    return tables[0]


@pytest.fixture
def sample(sample_once):
    """The toy's sample submission as a DataFrame."""
    return sample_once.copy()


@pytest.fixture
def podium_cli(monkeypatch, capsys):
    """Runs a command as `podium` does: exit status, stdout, stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["podium", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return Done(stop.value.code or 0, *capsys.readouterr())

    return run


class Done:
    """What a command did."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def json(self):
        """What a command printed with `--json`."""
        return json.loads(self.out)


@pytest.fixture(scope="session")
def raw_folder():
    """Gives the folder of a competition's raw files, or skips with the reason."""

    def folder(name):
        place = HERE / "toy" / "raw" if name == "toy" else RAW / name
        if not place.is_dir():
            pytest.skip(f"no raw files in {place}: set PODIUM_RAW")
        return place

    return folder
