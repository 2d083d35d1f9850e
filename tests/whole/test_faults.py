"""Crashes, full and read-only disks, many writers: nothing is lost and nothing is half-written.

All of it, which takes a quarter of an hour: `python -m pytest tests/whole/test_faults.py`. With
`-m "not exhaustive"` some of each kind run, with `-m "not slow and not exhaustive"` a few.
"""

import errno
import hashlib
import io
import itertools
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import pytest

from podium import api
from podium.cli import faults
from podium.competition.version import cache_folder, read_manifest
from podium.data import dataset as data
from podium.errors import PodiumError
from podium.leaderboard.board import open_board
from podium.scratch import file_sha256
from podium.verifying import board, checks, verify
from podium.verifying.under_test import DatasetUnderTest
from redteam_home import harm
from suites import mostly_slow

pytest.importorskip("resource", reason="limits and signals are of POSIX")

TOY = Path(__file__).parents[1] / "toy"
RAW = TOY / "raw"
PODIUM = [sys.executable, "-c", "from podium.cli import main; main()"]
SUBMIT_ALL = (
    "import sys, pathlib, podium\n"
    "for file in sorted(pathlib.Path(sys.argv[1]).glob('*.csv')):\n"
    "    podium.submit('toy', file, team=sys.argv[2])\n"
)
KEPT = "submissions/toy/demo/ana"
TWO_DAYS = 48 * 3600


@pytest.fixture
def named(workspace, monkeypatch, toy):
    """A workspace with the toy, found by the environment alone; the toy's demo data is ready."""
    _equip(workspace)
    monkeypatch.setenv("PODIUM_WORKSPACE", str(workspace))
    return workspace


def _equip(folder):
    folder.mkdir(exist_ok=True)
    (folder / "competitions").mkdir()
    (folder / "competitions" / "toy").symlink_to(TOY)
    return folder


def _podium(*arguments, **environment):
    """Run a command in a process of its own."""
    return subprocess.run(
        [*PODIUM, *map(str, arguments)],
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        capture_output=True,
        text=True,
        check=False,
    )


def _board_is_whole(workspace):
    """Whether the database is sound and each record's predictions lie where it says."""
    url = os.environ.get("PODIUM_DB") or f"sqlite:///{workspace}/leaderboard/board.sqlite"
    with patch.dict(os.environ, PODIUM_WORKSPACE=str(workspace)):
        return not harm(url)


def _told():
    """What `podium verify` says of the board and of the predictions of its records."""
    case = DatasetUnderTest(*api.load("toy"))
    return [line for check in (checks.board_is_whole, *board.BOARD) for line in check(case)]


def _strays(*folders):
    """Scratch that somebody left."""
    return [path for folder in folders for path in folder.rglob(".*") if path.name != ".podium"]


def _variant(sample, folder, number):
    """A predictions file like no other."""
    file = folder / f"{number:04d}.csv"
    sample.assign(y=sample["y"] + number / 1000).to_csv(file, index=False)
    return file


# Many writers


@pytest.mark.parametrize("database", mostly_slow(["sqlite", "postgresql"], 0), indirect=True)
@pytest.mark.parametrize(
    ("writers", "files"), mostly_slow([(2, 3), pytest.param(8, 100, marks=pytest.mark.exhaustive)])
)
def test_many_processes_submit_at_once_and_none_is_lost(
    writers, files, database, named, sample, tmp_path
):
    started = []
    for writer in range(writers):
        folder = tmp_path / f"from{writer}"
        folder.mkdir()
        for number in range(files):
            _variant(sample, folder, writer * files + number)
    for writer in range(writers):
        command = [sys.executable, "-c", SUBMIT_ALL, tmp_path / f"from{writer}", f"team{writer}"]
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
    errors = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0] * writers, errors
    rows = [row for row in api.board("toy") if row.rank]
    assert len({row.submission for row in rows}) == writers * files
    assert {row.entries for row in rows} == {files}
    assert _board_is_whole(named)
    assert len(list((named / "submissions").rglob("*.csv"))) == writers * files
    assert _strays(named / "submissions") == []
    assert len([row for row in api.board("toy") if row.status == "control"]) == 1


# kill -9

KILLS = [6, pytest.param(100, marks=pytest.mark.exhaustive)]


class Moments:
    """Moments to kill a command at: half of them anywhere in its run, half while it writes.

    A machine that is busy at one time and idle at another makes it end too soon for some: moments
    follow its pace, and `numbers` goes on until so many were killed.
    """

    def __init__(self, command, watched, environment, seed):
        self.watched = watched
        self.killed, self.pace = 0, [1.0, 1.0]
        self.random = random.Random(seed)
        start = time.monotonic()
        process = self._start(command, environment)
        self._wait_for_change(process, self._state())
        self.first = time.monotonic() - start
        process.communicate()
        self.whole = time.monotonic() - start

    def numbers(self, kills):
        """Numbers of attempts, until so many commands were killed."""
        for number in itertools.count(1):
            if self.killed == kills:
                return
            assert number < 10 * kills, "nearly all commands end before they are killed"
            yield number

    def kill(self, number, command, environment):
        """Kill a command at a moment."""
        process = self._start(command, environment)
        writing = number % 2
        if writing:
            self._wait_for_change(process, self._state())
        span = self.whole - self.first if writing else self.whole
        time.sleep(self.random.uniform(0, self.pace[writing] * span))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        in_time = process.returncode == -signal.SIGKILL
        self.killed += in_time
        self.pace[writing] *= 1.03 if in_time else 0.9

    def _start(self, command, environment):
        return subprocess.Popen(
            [*PODIUM, *map(str, command)],
            env={**os.environ, **{name: str(value) for name, value in environment.items()}},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _state(self):
        return set(self.watched.rglob("*"))

    def _wait_for_change(self, process, before):
        while process.poll() is None and self._state() == before:
            time.sleep(0.001)


def _age(*paths):
    """As if two days had passed since."""
    then = time.time() - TWO_DAYS
    for path in paths:
        os.utime(path, (then, then))


@pytest.mark.slow
@pytest.mark.parametrize("kills", KILLS)
def test_submit_killed_at_any_moment(kills, named, sample, tmp_path):
    """Every other time in a workspace whose board is still to be made."""
    ready = data.load(*api.load("toy"))
    first = _variant(sample, tmp_path, 0)
    moments = Moments(["submit", "toy", first], named, {}, seed=kills)
    for number in moments.numbers(kills):
        place = named if number % 4 > 1 else _equip(tmp_path / f"workspace{number}")
        moments.watched = place
        file = _variant(sample, tmp_path, number)
        command = ["submit", "toy", file, "--json"]
        moments.kill(number, command, {"PODIUM_WORKSPACE": place})
        assert _board_is_whole(place), number
        again = _podium(*command, PODIUM_WORKSPACE=place)
        assert again.returncode == 0, again.stderr
        found = json.loads(again.stdout)["submission"]
        sha256 = file_sha256(file)
        assert found == hashlib.sha256(f"toy\ndemo\nana\n{sha256}".encode()).hexdigest()[:12]
        assert file_sha256(place / KEPT / f"{found}.csv") == sha256
        assert _board_is_whole(place)
        if place is not named:
            opened = open_board(f"sqlite:///{place}/leaderboard/board.sqlite")
            assert opened.counts() == {("toy", "demo"): 1}
            names = {"competition": "toy", "dataset": "demo", "version": ready.version.name}
            for kind, house in (("control", {"zero"}), ("ceiling", {"ceiling"})):
                assert {row[0] for row in opened.select("name", **names, kind=kind)} == house
    assert _told() == []
    _age(*_strays(named / "submissions"))
    assert _podium("submit", "toy", _variant(sample, tmp_path, 9999)).returncode == 0
    assert _strays(named / "submissions") == []


@pytest.mark.slow
@pytest.mark.parametrize("kills", KILLS)
def test_data_killed_at_any_moment(kills, named, own_cache, tmp_path):
    """Every other time where the data has been prepared before."""
    command = ["data", "toy", "-d", "table", "--from", RAW]
    toy, table = api.load("toy", "table")
    good = data.prepare(toy, table, source=RAW)
    expected = dict(good.manifest["files"])
    place = cache_folder(toy, table)
    moments = Moments(command, own_cache, {}, seed=kills)
    for number in moments.numbers(kills):
        if number % 4 < 2:
            shutil.rmtree(own_cache)
            own_cache.mkdir()
        moments.kill(number, command, {})
        manifest = read_manifest(place)
        if manifest is not None:
            found = data.Data(competition=toy, dataset=table, folder=place, manifest=manifest)
            assert data.damaged(found) == [], number
        else:
            assert not place.exists()
        again = _podium(*command)
        assert again.returncode == 0, again.stderr
        files = {str(f.relative_to(place)): file_sha256(f) for f in place.rglob("*") if f.is_file()}
        files.pop("manifest.json")
        assert files == expected
    assert list(checks.checksums_agree(DatasetUnderTest(toy, table))) == []
    _age(*_strays(own_cache))
    assert _podium(*command).returncode == 0
    assert _strays(own_cache) == []


@pytest.mark.slow
def test_what_a_killed_run_leaves_in_the_place_for_scratch_is_swept(named, tmp_path):
    left = [tmp_path / "tmp" / name for name in ("podium-run-1", "podium-raw-1", "podium-run-2")]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "predictions.parquet").write_text("half")
    (tmp_path / "tmp" / "others").mkdir()
    _age(*left[:2], tmp_path / "tmp" / "others")
    assert _podium("run", "toy", "line", TMPDIR=tmp_path / "tmp").returncode == 0
    done = _podium("data", "toy", "-d", "table", "--from", RAW, TMPDIR=tmp_path / "tmp")
    assert done.returncode == 0
    assert {path.name for path in (tmp_path / "tmp").iterdir()} == {"others", "podium-run-2"}


# Disks


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own, as root may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "podium-test", place],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"this user may not mount a disk: {made.stderr.strip()}")
    yield Disk(place)
    subprocess.run(["umount", "--lazy", place], check=True)


class Disk:
    """A disk of 1 MiB."""

    def __init__(self, place):
        self.place = place
        self.filler = place / "filler"

    def fill(self, free):
        """Leave so many pages of 4 KiB free."""
        with self.filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass
        os.truncate(self.filler, self.filler.stat().st_size - 4096 * free)

    def free(self):
        """Make room again."""
        self.filler.unlink()

    def lock(self):
        """Make it read-only."""
        subprocess.run(["mount", "-o", "remount,ro", self.place], check=True)

    def unlock(self):
        """Make it writable again."""
        subprocess.run(["mount", "-o", "remount,rw", self.place], check=True)


def _refused(done, *words):
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) <= 3
    assert "Traceback" not in done.stderr
    assert any(word in done.stderr for word in words), done.stderr


FULL = ("database or disk is full", "disk I/O error", "No space left on device")
LOCKED = ("unable to open database file", "Read-only file system", "readonly database")


@pytest.mark.slow
@pytest.mark.parametrize("pages", [(0, 60), pytest.param(range(62), marks=pytest.mark.exhaustive)])
def test_a_full_disk_for_the_workspace(pages, disk, named, sample, tmp_path):
    outcomes = []
    for free in pages:
        place = _equip(disk.place / f"workspace{free}")
        file = _variant(sample, tmp_path, free)
        disk.fill(free)
        done = _podium("submit", "toy", file, PODIUM_WORKSPACE=place)
        outcomes.append(done.returncode)
        if done.returncode:
            _refused(done, *FULL)
        assert _strays(place) == []
        for kept in (place / "submissions").rglob("*.csv"):
            assert file_sha256(kept) == file_sha256(file)
        disk.free()
        assert _board_is_whole(place)
        again = _podium("submit", "toy", file, "--json", PODIUM_WORKSPACE=place)
        assert (again.returncode, json.loads(again.stdout)["rank"]) == (0, 1)
        assert _board_is_whole(place)
        shutil.rmtree(place)
    assert outcomes[0] == 1
    assert outcomes[-1] == 0


@pytest.mark.slow
@pytest.mark.parametrize("pages", [(0, 30), pytest.param(range(31), marks=pytest.mark.exhaustive)])
def test_a_full_disk_for_the_cache(pages, disk, named):
    cache = disk.place / "cache"
    command = ["data", "toy", "-d", "table", "--from", RAW]
    toy, table = api.load("toy", "table")
    outcomes = []
    for free in pages:
        disk.fill(free)
        done = _podium(*command, PODIUM_DATA=cache)
        outcomes.append(done.returncode)
        if done.returncode:
            _refused(done, *FULL)
            assert not list(cache.rglob("*.*"))
        disk.free()
        assert _podium(*command, PODIUM_DATA=cache).returncode == 0
        disk.fill(free)
        _podium(*command, PODIUM_DATA=cache)  # what is there stays whole, whether it works or not
        disk.free()
        place = cache / "toy" / "table"
        found = data.Data(
            competition=toy, dataset=table, folder=place, manifest=read_manifest(place)
        )
        assert data.damaged(found) == []
        assert _strays(cache) == []
        shutil.rmtree(cache)
    assert outcomes[0] == 1
    assert outcomes[-1] == 0


@pytest.mark.slow
@pytest.mark.parametrize("free", [0, pytest.param(1, marks=pytest.mark.exhaustive), 2])
def test_a_full_disk_for_scratch(free, disk, named):
    """Python takes the next place where there is no room at all; later it is an error."""
    disk.fill(free)
    done = _podium("run", "toy", "line", TMPDIR=disk.place)
    if done.returncode:
        _refused(done, *FULL)
    assert [path.name for path in disk.place.iterdir()] == ["filler"]
    disk.free()
    assert _podium("run", "toy", "line", TMPDIR=disk.place).returncode == 0


@pytest.mark.slow
def test_a_full_disk_for_unpacked_raw_files(disk, named, own_cache, tmp_path):
    """The scratch of `data --from archive.zip`."""
    archive = shutil.make_archive(str(tmp_path / "toy"), "zip", RAW)
    disk.fill(0)
    done = _podium("data", "toy", "-d", "table", "--from", archive, TMPDIR=disk.place)
    if done.returncode:
        _refused(done, *FULL)
    disk.free()
    assert list(disk.place.iterdir()) == []
    again = _podium("data", "toy", "-d", "table", "--from", archive, TMPDIR=disk.place)
    assert again.returncode == 0


@pytest.mark.slow
def test_a_read_only_disk(disk, named, sample, tmp_path, cache):
    file = _variant(sample, tmp_path, 1)
    place = _equip(disk.place / "workspace")
    settings = {"PODIUM_WORKSPACE": place, "PODIUM_DATA": disk.place / "cache"}
    assert _podium("submit", "toy", file, **settings).returncode == 0
    third = _variant(sample, tmp_path, 3)
    assert _podium("submit", "toy", third, **settings).returncode == 0
    before = {path: path.stat().st_mtime_ns for path in disk.place.rglob("*")}
    disk.lock()
    other = _variant(sample, tmp_path, 2)
    raw = ["data", "toy", "-d", "table", "--from", RAW]
    for command in (["submit", "toy", other], ["run", "toy", "line", "--no-submit"], raw):
        _refused(_podium(*command, **settings), *LOCKED)
    compared = _podium("compare", "toy", "0001", "0003", "--json", **settings)
    assert compared.returncode == 0, compared.stderr
    assert not json.loads(compared.stdout)["against"][0]["missing"]  # the kept files are read
    settings_here = {**settings, "PODIUM_WORKSPACE": named}
    assert _podium("submit", "toy", other, **settings_here).returncode == 0  # the cache is read
    assert _podium("run", "toy", "line", TMPDIR=disk.place).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in disk.place.rglob("*")} == before
    disk.unlock()
    assert _podium("submit", "toy", other, **settings).returncode == 0
    assert _podium(*raw, **settings).returncode == 0
    assert _board_is_whole(place)
    assert _strays(disk.place) == []


LIMITED = (
    "import resource, sys\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)\n"
    "from podium.cli import main\n"
    "sys.argv = ['podium', *sys.argv[2:]]\n"
    "main()\n"
)


def _limited(size, *arguments, **environment):
    """A command whose files cannot grow beyond some bytes: as on a full disk, for any user."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, (size, *arguments))],
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        capture_output=True,
        text=True,
        check=False,
    )


WRITES_COUNTS = """
import resource, sys, numpy as np
from pathlib import Path
from podium.competition.counts import Counts
from podium.data import h5ad
import pandas as pd
from scipy.sparse import csr_array
counts = csr_array(np.random.default_rng(0).poisson(2, (60, 90)))
genes = [f"g{i}" for i in range(90)]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
for write in (
    lambda: Counts.of({"a": (counts, genes)}).write(Path("counts.h5")),
    lambda: h5ad.write(Path("a.h5ad"), h5ad.Annotated(
        pd.DataFrame(index=[f"r{i}" for i in range(60)]), counts, np.array(genes), None)),
):
    try: write()
    except Exception as error: print(type(error).__name__, error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("size", mostly_slow([0, 100, 4096, 9000, 1 << 20], 2))
def test_counts_on_a_full_disk_are_refused_without_a_crash(size, workspace):
    """HDF5's own way to a full disk ends in a segmentation fault."""
    done = subprocess.run(
        [sys.executable, "-c", WRITES_COUNTS, str(size)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    refused = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    if size == 1 << 20:
        assert refused == []
    else:
        assert [kind for kind, _ in refused] == ["OSError", "PodiumError"]
        assert all("File too large" in words for _, words in refused)
        assert not Path("a.h5ad").exists()


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, pytest.param(512, marks=pytest.mark.exhaustive)])
def test_a_board_is_read_where_nothing_can_be_written(size, named, sample, tmp_path, podium_cli):
    file = _variant(sample, tmp_path, 1)
    assert _podium("submit", "toy", file).returncode == 0
    for command in (["board", "toy", "--json"], ["list", "--json"]):
        expected = podium_cli(*command).out
        done = _limited(size, *command)
        assert (done.stdout, done.stderr) == (expected, "")
    _refused(_limited(size, "export", "toy", "out.jsonl"), "File too large", *FULL)
    full = ("File too large", *FULL, *LOCKED)
    _refused(_limited(size, "submit", "toy", _variant(sample, tmp_path, 2)), *full)
    assert _board_is_whole(named)


@pytest.mark.slow
def test_a_sealed_board_on_a_full_or_read_only_disk_is_read(disk, sample, tmp_path, named):
    place = _equip(disk.place / "workspace")
    settings = {"PODIUM_WORKSPACE": place}
    submit = ["submit", "toy", _variant(sample, tmp_path, 1)]
    assert _podium(*submit, **settings).returncode == 0
    reading = [
        ["board", "toy"],
        ["board", "toy", "--json"],
        ["list"],
        ["export", "toy", tmp_path / "out.jsonl"],
    ]
    expected = [_podium(*command, **settings) for command in reading]
    disk.fill(0)
    full = [_podium(*command, **settings) for command in reading]
    disk.free()
    disk.lock()
    locked = [_podium(*command, **settings) for command in reading]
    disk.unlock()
    for done in (expected, full, locked):
        assert [d.returncode for d in done] == [0] * len(reading)
        assert [d.stdout.replace("1 min", "0 min") for d in done] == [d.stdout for d in expected]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("option", mostly_slow([[], ["--json"]], 1))
def test_output_that_goes_to_a_full_disk(option, named):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PODIUM, "list", *option], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    _refused(done, "No space left on device")


@pytest.mark.skipif(os.name != "posix", reason="no SIGPIPE")
@pytest.mark.parametrize("buffered", mostly_slow(["", "1"], 1))
def test_output_that_nobody_reads_ends_quietly_as_other_tools_do(buffered, named):
    reading, writing = os.pipe()
    os.close(reading)
    settings = {**os.environ, "PYTHONUNBUFFERED": buffered}
    with os.fdopen(writing, "w") as pipe:
        done = subprocess.run(
            [*PODIUM, "list"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=settings,
        )
    assert done.stderr == ""
    assert done.returncode == 128 + signal.SIGPIPE


@pytest.mark.skipif(os.name != "posix", reason="no sh")
@pytest.mark.parametrize("arguments", [["board", "nosuch"], ["list"]])
def test_a_command_whose_streams_are_closed_does_what_it_does(arguments, named):
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *PODIUM, *arguments]
    done = subprocess.run(closed, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == (arguments[-1] == "nosuch")
    assert "Traceback" not in done.stderr
    assert "fault of Podium" not in done.stderr
    closed[2] = 'exec "$@" >&- 2>&-'
    assert subprocess.run(closed, check=False).returncode == done.returncode


def test_a_refusal_that_nobody_reads_is_one_all_the_same(monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    monkeypatch.setattr(sys, "argv", ["podium", "--json"])
    with pytest.raises(SystemExit) as stop, faults.Exits():
        raise PodiumError("no")
    assert stop.value.code == 1


def test_a_fault_where_no_file_can_be_kept_is_shown(capsys, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    with pytest.raises(SystemExit) as stop, faults.Exits():
        raise RuntimeError("ours")
    assert stop.value.code == 3
    assert "RuntimeError: ours" in capsys.readouterr().err


WAITS = """
import os, time
import pandas as pd

DEFAULTS = {}

def build(params, seed):
    return Model()

def space(trial):
    return {}

class Model:
    def fit(self, train, report=None):
        time.sleep(60)

    def predict(self, part):
        return pd.DataFrame({"id": part.ids, "y": 0.0})
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", mostly_slow([signal.SIGTERM, signal.SIGHUP, signal.SIGINT], 0))
def test_what_ends_a_command_leaves_no_scratch(number, named, tmp_path):
    (named / "slow.py").write_text(WAITS)
    place = tmp_path / "tmp"
    place.mkdir()
    code = f"import signal; signal.signal({int(number)}, signal.{_default(number)}); {PODIUM[-1]}"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", "toy", "slow.py"],
        env={**os.environ, "TMPDIR": str(place)},
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not list(place.glob("podium-model-*/work")):
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 128 + number, said
    assert "interrupted" in said
    assert "Traceback" not in said
    assert list(place.iterdir()) == []
    assert _strays(named) == []


def _default(number):
    """As a shell starts a command, whatever started this."""
    return "default_int_handler" if number == signal.SIGINT else "SIG_DFL"


@pytest.mark.slow
def test_verify_names_files_whose_records_were_cut_off(named, sample, tmp_path, podium_cli):
    submitted = [
        podium_cli("submit", "toy", _variant(sample, tmp_path, n), "--json").json for n in range(2)
    ]
    database, copy = named / "leaderboard" / "board.sqlite", tmp_path / "copy.sqlite"
    with sqlite3.connect(database) as reader:  # as long as somebody reads, the log stays
        reader.execute("SELECT count(*) FROM records").fetchall()
        shutil.copy(database, copy)
        file = _variant(sample, tmp_path, 2)
        submitted.append(json.loads(_podium("submit", "toy", file, "--json").stdout))
    reader.close()
    shutil.copy(copy, database)
    by_hand = named / KEPT / "0123456789ab.csv"
    shutil.copy(file, by_hand)  # put there by hand, to be scored by `score-all`: nothing is lost
    lost = f"{KEPT}/{submitted[-1]['submission']}.csv"
    assert f"no record names {lost}: " in "; ".join(_told())
    by_hand.unlink()
    assert podium_cli("score-all", "toy").status == 0
    assert _told() == []
    database.unlink()
    assert "no record names" in "; ".join(_told())


@pytest.mark.slow
def test_verify_names_what_is_missing_or_changed(named, sample, tmp_path, podium_cli):
    names = [
        podium_cli("submit", "toy", _variant(sample, tmp_path, n), "--json").json for n in range(3)
    ]
    gone, changed, _ = (named / KEPT / f"{name['submission']}.csv" for name in names)
    gone.unlink()
    changed.write_text("id,y\n")
    done = podium_cli("verify", "toy", "-d", "demo", "--json")
    assert done.status == 1
    problems = {v["check"]: v["problem"] for v in done.json if v["problem"]}
    assert set(problems) == {"board is whole"}
    assert f"{gone.relative_to(named)} is missing" in problems["board is whole"]
    assert f"{changed.relative_to(named)} has changed" in problems["board is whole"]
    database = named / "leaderboard" / "board.sqlite"
    half = bytearray(database.read_bytes())
    half[4096 * 2 : 4096 * 3] = os.urandom(4096)
    database.write_bytes(half)
    case = DatasetUnderTest(*api.load("toy"))
    assert verify.judged(case, checks.board_is_whole).problem
