"""Systems that are not like the one Podium was built on: nothing of them ends as "our fault"."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_new import named

import podium
from podium import machine, scratch, workspace
from podium.data.tables import moments
from podium.errors import PodiumError
from podium.execution import executors, monitor, provenance
from podium.leaderboard import database

fcntl, pwd = (pytest.importorskip(name, reason="it is of POSIX") for name in ("fcntl", "pwd"))
ROOT = Path(__file__).parents[2]
FAR = ["9999-12-31", "0001-01-01", "1600-02-29T12:00", "2026-01-31T00:00:00+02:00"]


@pytest.mark.parametrize("text", FAR)
def test_a_date_of_any_year_is_a_moment(text):
    found = moments(pd.Series([text, "2025-01-01", None]))
    assert np.isfinite(found[:2]).all()
    assert np.isnan(found[2])
    expected = np.datetime64(text[:10], "s") - np.datetime64(0, "s")
    assert abs(found[0] - expected / np.timedelta64(1, "D")) <= 1


@pytest.mark.slow
def test_far_dates_split_and_train(workspace):
    days = pd.date_range("2020-01-01", periods=200).strftime("%Y-%m-%d").tolist()
    table = pd.DataFrame({"id": range(200), "x": np.arange(200.0), "when": [*FAR[:3], *days[3:]]})
    table.assign(y=2 * table["x"]).to_csv("far.csv", index=False)
    with named(workspace):
        podium.new("far", table="far.csv", target="y", metric="rmse", split="time", by="when")
        assert podium.run("far", "lightgbm").row.rank == 1
        told = [v.problem for v in podium.verify("far") if v.problem]
    assert not [problem for problem in told if "unexpected" in problem or "Error" in problem]


NOBODY = ("LOGNAME", "USER", "LNAME", "USERNAME", "HOME", "XDG_CACHE_HOME", "PODIUM_TEAM")


@pytest.fixture
def nobody(monkeypatch):
    """A user whom the system does not know, without a home: as in many containers."""

    def unknown(*_):
        raise KeyError("getpwuid(): uid not found: 1234")

    for name in NOBODY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def test_a_user_without_a_name_has_a_number(nobody, toy, sample):
    assert workspace.team() == f"user{os.getuid()}"
    sample.to_csv("first.csv", index=False)
    assert podium.submit("toy", "first.csv").row.team == workspace.team()
    assert podium.reveal("toy")
    assert len(podium.mine()) == 1


def test_without_a_home_the_cache_is_to_be_named(nobody, monkeypatch, podium_cli):
    monkeypatch.delenv("PODIUM_DATA")
    done = podium_cli("data", "toy")
    assert done.status == 1
    assert "PODIUM_DATA=DIR" in done.err


@pytest.mark.parametrize("code", ["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def test_a_file_system_without_locks(code, workspace, toy, monkeypatch, podium_cli, sample):
    def refused(*_):
        raise OSError(getattr(errno, code), "no locks")

    monkeypatch.setattr(fcntl, "flock", refused)
    with scratch.directory("try-", workspace) as folder:
        assert folder.is_dir()
    sample.to_csv("first.csv", index=False)
    assert podium.submit("toy", "first.csv").row.rank == 1
    done = podium_cli("tune", "toy", "line", "--trials", "1")
    assert done.status == 1
    assert "has no locks" in done.err
    assert "--storage URL" in done.err


def test_an_error_inside_is_none_of_a_lock(workspace):
    with pytest.raises(BlockingIOError), scratch.directory("try-", workspace):
        raise BlockingIOError


def test_hdf5_is_read_while_another_program_locks_it(workspace):
    import h5py

    with h5py.File("a.h5", "w") as file:
        file["x"] = [1.0]
    with Path("a.h5").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with h5py.File("a.h5", "r") as file:
            assert file["x"][0] == 1


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_git_names_are_bytes(workspace):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.quotePath=false"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *command], check=True)
    subprocess.run([*git, "checkout", "-q", "-b", b"branch\xff"], check=True)
    subprocess.run([*git, "config", "core.quotePath", "false"], check=True)
    Path(os.fsdecode(b"a\xff.txt")).touch()
    found = provenance.collect()["git"]
    assert found["dirty"]
    assert len(found["commit"]) == 40


@pytest.mark.parametrize("name", ["my board", "board\udcff", "a\tb"])
def test_mounts_of_any_name(name, tmp_path, monkeypatch):
    place = tmp_path / name
    place.mkdir()
    mounts = tmp_path / "mounts"
    point = os.fsencode(place)
    for sign in b" \t":
        point = point.replace(bytes([sign]), b"\\%03o" % sign)
    mounts.write_bytes(b"/dev/sda / ext4 rw 0 0\nserver:/x %s nfs4 rw 0 0\n" % point)
    monkeypatch.setattr(database, "_MOUNTS", mounts)
    with pytest.raises(PodiumError, match="network file system"):
        database._refuse_network(place / "board.sqlite")
    database._refuse_network(tmp_path / "board.sqlite")


def command(*words, code="", **environment):
    """A command in a process of its own, that finds the toy."""
    program = (
        "import podium.competitions\n"
        f"podium.competitions.__path__.append({str(ROOT / 'tests')!r})\n"
        f"{code}\nfrom podium.cli import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_terminal_that_knows_few_letters(encoding, toy, sample):
    sample.to_csv("first.csv", index=False)
    podium.submit("toy", "first.csv", team="σß", name="漢字 é", message="ñ")
    for words in (["board", "toy"], ["show", "toy", "漢字 é"], ["board", "toy", "--json"]):
        done = command(*words, PYTHONIOENCODING=encoding)
        assert done.returncode == 0, done.stderr
    (row,) = [row for row in json.loads(done.stdout)["rows"] if row["rank"]]
    assert (row["team"], row["name"]) == ("σß", "漢字 é")
    assert (
        b"no-\\u6f22.csv does not exist"
        in command("check", "toy", "no-漢.csv", PYTHONIOENCODING="ascii").stderr
    )


@pytest.mark.slow
def test_a_notebooks_backend_is_none_of_a_commands(toy):
    code = "import sys; sys.modules['matplotlib_inline'] = None"
    program = "import matplotlib.pyplot as plt; plt.figure()"
    Path("plots.py").write_text(program)
    named = "module://matplotlib_inline.backend_inline"
    code += "\nimport atexit; atexit.register(lambda: exec(open('plots.py').read()))"
    done = command("list", code=code, MPLBACKEND=named)
    assert b"matplotlib_inline" not in done.stderr


DAMAGE = [b"garbage", b'{"op_code": 99}', b"[1]", b"\xff\xfe", b"{", b'"text"']


@pytest.mark.slow
def test_a_damaged_journal_is_named_by_its_line(toy, podium_cli):
    podium.tune("toy", "line", trials=1)
    journal = Path("studies/toy/demo/journal.log").absolute()
    whole = journal.read_bytes()
    lines = whole.splitlines()
    for damage in DAMAGE:
        journal.write_bytes(b"\n".join([lines[0], damage, *lines[2:]]) + b"\n")
        for words in (["studies", "toy"], ["tune", "toy", "line", "--trials", "2"]):
            done = podium_cli(*words)
            assert done.status == 1, (damage, done.err)
            assert "is damaged in line 2" in done.err
            assert f"mv {journal} {journal}.damaged" in done.err
    journal.write_bytes(whole)
    assert len(podium.studies("toy")) == 1


@pytest.fixture
def cgroups(tmp_path, monkeypatch):
    """Control groups of either version: gives a function that writes their files."""

    def write(own, **files):
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            file = tmp_path / "sys" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        monkeypatch.setattr(machine, "_CGROUPS", tmp_path / "sys")
        monkeypatch.setattr(machine, "_OWN", tmp_path / "own")
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
        monkeypatch.setattr(os, "cpu_count", lambda: 16)

    return write


GIB = 1 << 30


@pytest.mark.parametrize(
    ("own", "files", "cores", "memory"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n", "memory.max": "max\n"}, 2, float("inf")),
        ("0::/a/b\n", {"a/cpu.max": "50000 100000\n", "a/b/cpu.max": "max 100000\n"}, 1, None),
        (
            "0::/a\n",
            {
                "a/memory.max": str(4 * GIB),
                "a/memory.current": str(3 * GIB),
                "a/memory.stat": f"anon 5\ninactive_file {GIB}\n",
            },
            16,
            2048,
        ),
        (
            "4:memory:/gone\n3:cpu,cpuacct:/gone\n0::/\n",
            {
                "cpu,cpuacct/cpu.cfs_quota_us": "300000",
                "cpu,cpuacct/cpu.cfs_period_us": "100000",
                "memory/memory.limit_in_bytes": str(GIB),
                "memory/memory.usage_in_bytes": str(GIB // 2),
            },
            3,
            512,
        ),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "9"}, 16, None),
        ("no form at all", {}, 16, None),
    ],
)
def test_quotas_and_limits_of_containers(own, files, cores, memory, cgroups, monkeypatch):
    cgroups(own, **files)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert machine.cores() == cores
    assert executors.threads(1) == (cores if cores < 16 else None)
    assert machine.memory_left() == (float("inf") if memory is None else memory)
    assert monitor.available() <= machine.memory_left()


def test_a_cache_of_its_own_names_the_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert executors.threads(1) is None
    assert json.dumps(provenance.machine())
