"""Kinds of attack that are tried from outside: on files, boards, processes and disks."""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import redteam_escapes as escapes
from podium import api
from podium.cli import command_line
from podium.data import dataset as data
from podium.errors import PodiumError
from podium.execution import sandbox
from redteam_home import TESTS, kind

COMMANDS = {
    "data": ["data", "toy", "-d", "table", "--from", str(TESTS / "toy" / "raw")],
    "run": ["run", "toy", "line", "--set", "jitter=0.1"],
    "submit": ["submit", "toy", "new.csv"],
    "tune": ["tune", "toy", "mine.py", "--trials", "3"],
    "export": ["export", "toy", "out.jsonl"],
    "report": ["report", "--out", "pages"],
}
"""Commands that write."""
WORK = [
    lambda name: api.run("toy", name, submit=False),
    lambda name: api.cross_validate("toy", name),
    lambda name: api.predict("toy", name, "rows.csv"),
]
"""Commands that run a model."""
VALUES = [
    *(None, True, -1, 0, 10**400, 1e308, -1e-300, "", "x" * 10_000, [], {}, [[[[]]]], {"all": {}}),
    *("NaN", "Infinity", "\x1b[2J", "\u202e", "\ud800", "=1+1", "<script>", "../../etc/passwd"),
    *("9999-99-99T99:99:99+00:00", "podium", "control", float("nan"), float("inf")),
]
"""What stands in a line instead."""


@kind("a damaged file is scored or refused: no crash, in 3 GiB and a minute")
def damaged_files(rng, home):
    while True:
        done = subprocess.run(
            [sys.executable, str(TESTS / "fuzz_submission.py"), "2"],
            env={**os.environ, "FUZZ_SEED": str(rng.randrange(10**9))},
            capture_output=True,
            text=True,
            check=False,
        )
        said = re.search(r"([\d,]+) executions, (\d+) faults", done.stdout)
        if said is None:
            yield f"the fuzzer ended with {done.returncode}: {done.stderr[-300:]}"
            continue
        faults = int(said[2])
        yield from [""] * (int(said[1].replace(",", "")) - faults)
        yield from [f"a reader ended or accepted: {done.stdout[-300:]}"] * faults


@kind("a damaged or forged line is refused, or imported and shown; own records stay")
def board_lines(rng, home):
    place = home.fresh()
    with inside(home, place):
        api.export_records(place / "good.jsonl")
        good = (place / "good.jsonl").read_bytes().splitlines()
    while True:
        place = home.fresh()
        with inside(home, place):
            (place / "bad.jsonl").write_bytes(b"\n".join(_damaged(rng, good)) + b"\n")
            problem = _imported(place / "bad.jsonl")
            with contextlib.redirect_stdout(io.StringIO()) as shown:
                command_line()(["board", "toy", "--json"], standalone_mode=False)
            json.loads(shown.getvalue())
        yield problem or home.harm(place)
        shutil.rmtree(place)


def _imported(file):
    """What goes wrong when a file of lines is imported."""
    before = _shown()
    try:
        api.import_records(file)
    except PodiumError:
        return "" if before == _shown() else "a refused file has changed the board"
    after = _shown()
    lost = [line for line in before if line not in after]
    return f"own records changed: {lost}" if lost else ""


def _damaged(rng, lines):
    """Lines of which one has another value somewhere, or other bytes."""
    lines = list(lines)
    place = rng.randrange(len(lines))
    if rng.random() < 0.2:
        line = bytearray(lines[place])
        for _ in range(rng.randint(1, 8)):
            line[rng.randrange(len(line))] = rng.randrange(256)
        lines[place] = bytes(line)
        return lines
    line = json.loads(lines[place])
    inside = line
    while True:
        key = rng.choice(list(inside))
        if not (isinstance(inside[key], dict) and inside[key] and rng.random() < 0.8):
            break
        inside = inside[key]
    known = inside[key]
    if isinstance(known, float) and rng.random() < 0.5:
        inside[key] = known * rng.choice([-1, 0.5, 1.0000001, 1e6])
    elif rng.random() < 0.1:
        del inside[key]
    else:
        inside[key] = rng.choice(VALUES)
    lines[place] = json.dumps(line).encode()
    return lines if rng.random() < 0.7 else [*lines, lines[place]]


def _shown():
    """The lines of one's own on the board, as text."""
    names = ("submission", "team", "name", "score", "values")
    rows = [row for row in api.board("toy") if getattr(row, "source", "own") == "own"]
    return [repr([getattr(row, name, None) for name in names]) for row in rows]


@kind("a model reaches nothing but the public data: no answers, board, network, parent")
def escapes_from_the_sandbox(rng, home):
    place = home.fresh()
    with inside(home, place), contextlib.ExitStack() as opened:
        tcp = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        service, abstract = (opened.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
        service.bind(str(place / "service"))
        service.listen()
        hidden = f"\0podium-redteam-{os.getpid()}"
        abstract.bind(hidden)
        abstract.listen()
        (place / ".secret").write_text("x")
        ready = data.load(*api.load("toy"))
        told = {
            "SOLUTION": str(ready.folder / "solution"),
            "PUBLIC": str(ready.folder / "public"),
            "SIMULATOR": str(ready.competition.folder / "simulate.py"),
            "BOARD": str(place / "leaderboard" / "board.sqlite"),
            "SUBMISSION": str(next(place.glob("submissions/**/*.parquet"))),
            "PARENT": os.getpid(),
            "PORT": tcp.getsockname()[1],
            "ABSTRACT": hidden,
            "SOCKET": str(place / "service"),
            "KEYCTL": sandbox._CALLS[os.uname().machine][1],
        }
        Path("harmless.py").write_text(escapes.model())
        ready.table("public/test.parquet").to_csv("rows.csv", index=False)
        left_open = api.run("toy", "harmless.py", submit=False).left_open
    while True:
        names = rng.sample(list(escapes.ESCAPES), 5)
        with inside(home, place):
            Path("mallory.py").write_text(escapes.model(escapes.reach(names, told)))
            try:
                rng.choice(WORK)("mallory.py")
            except PodiumError as error:
                said = error.message
                out = escapes.reached(said, left_open) if "reached: " in said else [said]
            else:
                out = []
        yield from [f"a model could {name}" for name in out]
        yield from [home.harm(place)] * (len(names) - len(out))


@kind("a model that takes too much, dies or lies is refused within its limits; nothing is written")
def greedy_models(rng, home):
    place = home.fresh()
    while True:
        name = rng.choice(list(escapes.GREEDY))
        with inside(home, place):
            Path("mallory.py").write_text(escapes.model(escapes.GREEDY[name][0]))
            problem = _refused_in_time(20)
        problem = problem or home.harm(place)
        yield problem and f"{name}: {problem}"


def _refused_in_time(seconds):
    """What goes wrong with a model that must be refused after so many seconds at most."""
    before, began = _shown(), time.monotonic()
    try:
        api.run("toy", "mallory.py", limit_time=seconds, limit_memory=400)
    except PodiumError:
        took = time.monotonic() - began
        late = f"ended after {took:.0f} s of {seconds}" if took > 2 * seconds else ""
        return late or ("" if before == _shown() else "the board has changed")
    return "was scored"


@kind("a command ended at any moment loses and halves nothing; unless by kill -9, it cleans up")
def ended_commands(rng, home):
    lasting = dict.fromkeys(COMMANDS, 2.0)
    numbers = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT]
    while True:
        place, name, number = home.fresh(), rng.choice(list(COMMANDS)), rng.choice(numbers)
        began = time.monotonic()
        process = home.start(place, *COMMANDS[name])
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, lasting[name]))
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
        if process.returncode == 0:
            lasting[name] = time.monotonic() - began
        left = [path.name for path in (place / "tmp").iterdir()]
        problem = home.harm(place)
        if not problem and process.returncode == 128 + number and left:
            problem = f"left scratch: {left}"
        started = not said.startswith("Fatal Python error: init_")  # Python itself had begun
        if not problem and started and process.returncode not in (0, -number, 128 + number):
            problem = f"ended with {process.returncode}: {said[-300:]}"
        again = home.podium(place, *COMMANDS[name])
        if not problem and again.returncode:
            problem = f"did not go again: {again.stderr[-300:]}"
        problem = problem or home.harm(place)
        yield problem and f"{name}, signal {number.name}: {problem}"
        shutil.rmtree(place)


@kind("on a full disk a command says so in a sentence; nothing is lost or half written")
def full_disks(rng, home):
    while True:
        place, name = home.fresh(), rng.choice(list(COMMANDS))
        limit = int(2 ** rng.uniform(0, 18))
        done = home.podium(place, *COMMANDS[name], limit=limit)
        problem = home.harm(place)
        refused = done.returncode == 1 and done.stderr.splitlines()[-3:][0].startswith("error: ")
        if not problem and ("Traceback" in done.stderr or not (done.returncode == 0 or refused)):
            problem = f"ended with {done.returncode}: {done.stderr[-300:]}"
        again = home.podium(place, *COMMANDS[name])
        if not problem and again.returncode:
            problem = f"did not go again: {again.stderr[-300:]}"
        yield problem and f"{name}, files of at most {limit} bytes: {problem}"
        shutil.rmtree(place)


@contextlib.contextmanager
def inside(home, place):
    """This process in a workspace, as its command line would be."""
    with patch.dict(os.environ, home.environment(place)), contextlib.chdir(place):
        yield
