"""Models that peek, reach out, take too much or lie: refused, the board as it was."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import redteam_escapes as escapes
from podium import api
from podium.data import dataset as data
from podium.errors import PodiumError
from podium.execution import monitor, policy, sandbox, views
from podium.execution.training import Folds
from podium.execution.worker import Limits, Worker
from podium.verifying import checks
from podium.verifying.under_test import DatasetUnderTest
from redteam_data import LOOKS_UP
from redteam_escapes import ESCAPES, GREEDY, reach, reached
from suites import mostly_slow

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="walls are built on Linux alone")


def model(fit="pass", predict="return good", name="mine.py"):
    Path(name).write_text(escapes.model(fit, predict))
    return name


def state(folder):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


SAYS = "os.write(next(h for h in range(3, 9) if stat.S_ISFIFO(os.fstat(h).st_mode)), WORDS)"
LONG = "b'{\"step\": [1, 1.0, {}], \"x\": \"' + b'y' * 900_000 + b'\"}\\n'"


@pytest.fixture
def board(workspace):
    """A workspace with a board: all of it must be as it was when a test is over."""
    api.run("toy", "line", team="eve")
    for rest in (workspace / "leaderboard").glob("*-*"):  # of SQLite's log
        rest.unlink()
    return workspace


@pytest.fixture
def refused(board):
    """Runs a model that must be refused; gives the message."""

    def run(name, **options):
        before = state(board)
        with pytest.raises(PodiumError) as told:
            api.run("toy", name, team="mallory", **options)
        assert state(board) == before
        return str(told.value)

    return run


@pytest.fixture
def names(board, toy, monkeypatch, tmp_path):
    """What the escapes aim at."""
    monkeypatch.setenv("SECRET", "x")
    (board / ".secret").write_text("x")
    (board / "beside.csv").write_text("x")
    prepared = data.load(*api.load("toy"))
    abstract = f"\0podium-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as local,
        socket.socket(socket.AF_UNIX) as hidden,
    ):
        local.bind(str(tmp_path / "service"))
        local.listen()
        hidden.bind(abstract)
        hidden.listen()
        names = {
            "SOLUTION": str(prepared.folder / "solution"),
            "PUBLIC": str(prepared.folder / "public"),
            "SIMULATOR": str(toy.folder / "simulate.py"),
            "BOARD": str(board / "leaderboard" / "board.sqlite"),
            "SUBMISSION": str(next(board.glob("submissions/**/*.parquet"))),
            "PARENT": os.getpid(),
            "PORT": tcp.getsockname()[1],
            "ABSTRACT": abstract,
            "SOCKET": str(tmp_path / "service"),
            "KEYCTL": sandbox._CALLS[os.uname().machine][1],
        }
        yield names


def predict_rows(name):
    ready = data.load(*api.load("toy"))
    ready.table("public/test.parquet").to_csv("rows.csv", index=False)
    return api.predict("toy", name, "rows.csv")


COMMANDS = {
    "run": lambda name: api.run("toy", name, submit=False),
    "cv": lambda name: api.cross_validate("toy", name),
    "tune": lambda name: api.tune("toy", name, trials=1),
    "predict": predict_rows,
}


@LINUX
@pytest.mark.parametrize("command", mostly_slow([*COMMANDS, "space", "verify"], 0, 1))
def test_what_a_model_cannot_reach(command, names, board, toy, monkeypatch):
    before, tries = state(board), reach(ESCAPES, names)
    path = Path(model("pass" if command == "space" else tries))
    searched = 'return {"a": trial.suggest_float("a", 0, 1)}'
    if command == "space":
        indented = tries.replace("\n", "\n    ")
        searched = f"\n    {indented}\n    {searched}"
    path.write_text(path.read_text().replace("return {}", searched))
    if command == "verify":
        folder = shutil.copytree(toy.folder, board.parent / "others" / "toy")
        shutil.move(path, folder / "models" / path)
        monkeypatch.setattr(type(toy), "folder", property(lambda _: folder))
        said = "; ".join(checks.models_keep_the_contract(DatasetUnderTest(toy, toy.dataset())))
        assert said == "" or "mine: " in said
    else:
        said = told(COMMANDS.get(command, COMMANDS["tune"]), "mine.py")
        assert said == "" or "reached: " in said
    left_open = api.run("toy", model(), submit=False).left_open
    assert reached(said, left_open) == []
    made = {"predictions", "studies", "out-of-fold", "rows.csv"}
    now = {path: known for path, known in state(board).items() if not made & set(path.parts)}
    mine = board / "mine.py"
    assert {**now, mine: 0} == {**before, mine: 0}
    if left_open:
        pytest.skip(f"this system leaves open: {', '.join(left_open)}")


def told(work, *given):
    """What is refused; nothing if it works."""
    try:
        work(*given)
    except PodiumError as error:
        return str(error)
    return ""


@LINUX
def test_a_fold_has_no_answers_of_what_it_holds_out(workspace, toy):
    """A model that looks up all answers in all files that it sees has none of its fold's."""
    if sandbox.FILES in api.run("toy", model(), submit=False).left_open:
        pytest.skip("this system leaves files open")
    looked = api.cross_validate("toy", model(predict=LOOKS_UP))
    plain = api.cross_validate("toy", model())
    assert looked.card.whole.scores == plain.card.whole.scores


def test_a_fold_is_a_dataset_of_its_own(toy, tmp_path, raw_folder):
    folds = Folds.of(data.load(*api.load("toy")))
    for fold in folds.numbers:
        given = views.of_fold(folds, fold, tmp_path / str(fold)).data
        held = folds.fold == fold
        assert list(given.train().ids) == list(folds.train.ids[~held])
        assert list(given.part("test").ids) == list(folds.train.ids[held])
        assert given.train().targets.equals(folds.train.take(~held).targets)
        assert given.train().groups.equals(folds.train.take(~held).groups)
        assert "y" not in given.part("test").features
        for name in given.manifest["files"]:
            table = given.table(name)
            assert "y" not in table or not set(table["id"]) & set(folds.train.ids[held])


@LINUX
@pytest.mark.parametrize(
    "loud", mostly_slow(["print('x' * 900_000)", SAYS.replace("WORDS", LONG)], 1)
)
def test_limits_hold_whatever_a_model_says(loud, refused, capfd):
    began = time.monotonic()
    told = refused(model(f"while True: {loud}"), limit_time=1)
    assert "ran longer than the limit of 1 seconds" in told or "no message" in told
    assert time.monotonic() - began < 30
    hoard = f"hoard = []\nwhile True:\n    hoard.append(np.ones(1 << 20))\n    {loud}"
    told = refused(model(hoard), limit_memory=400, limit_time=60)
    assert "limit of 400 MiB of memory" in told or "no message" in told


def test_limits_hold_where_there_is_no_proc(refused, monkeypatch):
    """As on macOS and Windows: psutil tells what a model takes, and what it started."""
    monkeypatch.setattr(monitor, "PROC", False)
    assert 100 < monitor.available() < 1e7
    hoard = """
import subprocess, sys
code = "import time; kept = b'x' * (1 << 29); time.sleep(4713)"
subprocess.Popen([sys.executable, "-c", code])
time.sleep(60)
"""
    assert "limit of 400 MiB of memory" in refused(model(hoard), limit_memory=400, limit_time=60)
    assert not [p for p in psutil.process_iter(["cmdline"]) if "4713" in str(p.info["cmdline"])]


def test_files_that_are_open_and_removed_count(refused, monkeypatch):
    monkeypatch.setattr(policy, "SCRATCH", 1 << 26)
    code = """
kept = []
for number in range(10**6):
    kept.append(open(str(number), "wb", buffering=0))
    os.remove(str(number))
    kept[-1].write(bytes(1 << 20))
"""
    assert "wrote more than 64 MiB of files" in refused(model(code), limit_time=60)


@LINUX
def test_what_a_model_leaves_is_measured_before_it_is_copied(refused, tmp_path):
    sparse = "os.truncate(os.open('1-test.parquet', os.O_CREAT | os.O_RDWR), 15 << 30)"
    done = SAYS.replace("WORDS", repr(b'{"done": true}\n'))
    began = time.monotonic()
    told = refused(model(predict=f"{sparse}\n{done}\ntime.sleep(60)"))
    assert "left predictions of 15,360 MiB" in told
    assert time.monotonic() - began < 30


LEAVES = {
    "deep": "for _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')",
    "closed": "os.makedirs('a/b')\nopen('a/b/c', 'w')\nos.chmod('a/b', 0)\nos.chmod('a', 0)",
    "links": "os.symlink('/', 'root')\nos.mkdir('e')\nos.symlink('..', 'e/up')",
}


@pytest.mark.parametrize("kind", mostly_slow(LEAVES, 2))
def test_nothing_that_a_model_wrote_is_left(kind, workspace, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    hides = kind == "deep" or (kind == "closed" and os.geteuid())  # nothing is closed to root
    said = told(api.run, "toy", model(LEAVES[kind]))
    assert ("hides what it holds or writes" in said) == hides, said
    assert not list((tmp_path / "scratch").iterdir())


def test_what_a_model_may_do(workspace):
    (workspace / "beside.csv").write_text("seen")
    (workspace / "mine").mkdir()
    (workspace / "mine" / "weights.txt").write_text("seen")
    (workspace / "helpers").mkdir()
    (workspace / "helpers" / "__init__.py").write_text("")
    found = api.run(
        "toy",
        model(
            """
            assert (HERE / "beside.csv").read_text() == "seen"
            assert (HERE / "mine" / "weights.txt").read_text() == "seen"
            assert (HERE / "helpers" / "__init__.py").is_file()
            import tempfile, multiprocessing
            with tempfile.TemporaryFile() as file: file.write(b"x")
            pathlib.Path("notes.txt").write_text("x")
            pathlib.Path.home().joinpath(".cache").mkdir()
            with multiprocessing.get_context("fork").Pool(2) as pool:
                assert pool.map(abs, [-1, 2]) == [1, 2]
            assert subprocess.run(["echo", "x"], capture_output=True).stdout == b"x\\n"
            import sklearn.linear_model, scipy.stats
            assert open("/dev/null", "w").write("x")
            assert sys.stdin.read() == ""
        """.replace("\n            ", "\n")
        ),
    )
    assert found.row.score > 0


@LINUX
@pytest.mark.parametrize(
    "name",
    mostly_slow(GREEDY, *map(list(GREEDY).index, ("memory", "one file"))),
)
def test_models_that_take_too_much_or_die(name, refused, monkeypatch):
    fit, words = GREEDY[name]
    monkeypatch.setattr(policy, "PROCESSES", 64)
    if "file" in name.split()[-1] and name not in ("memory without a file", "a sparse file"):
        monkeypatch.setattr(policy, "SCRATCH", 1 << 26)
    began = time.monotonic()
    told = refused(model(fit), limit_memory=400, limit_time=60)
    assert any(word in told for word in words.split("|"))
    assert time.monotonic() - began < 60


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b'{"ended": 99999999999}\n', "ended before it gave predictions"),
        (b'{"refused": 1}\n', "The model's process failed"),
        (b'{"refused": {"message": "x\\u001b[31m", "problems": 7}}\n', r"x\x1b[31m"),
        (b"[" * 100_000 + b"\n", "something that is no message"),
        (b'{"begin": true, "left_open": [], "step": 5, "stage": 1, "params": 2}\n', "ran longer"),
    ],
)
def test_models_that_speak_for_podium(said, words, refused):
    says = SAYS.replace("WORDS", repr(said))
    assert words in refused(model(f"while True:\n    {says}\n    time.sleep(.1)"), limit_time=3)


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize(
    ("trick", "words"),
    [
        ("os.symlink(SOLUTION, '1-test.parquet')", "left no predictions"),
        ("os.mkfifo('1-test.parquet')", "left no predictions"),
        ("os.mkdir('1-test.parquet')", "left no predictions"),
        ("pass", "left no predictions"),
        ("open('1-test.parquet', 'wb').write(b'PAR1' * 99)", "cannot be read as Parquet"),
        ("open('1-test.parquet', 'wb').write(b'\\x80\\x04x')", "holds a pickle"),
        ("good.head(5).to_parquet('1-test.parquet')", "ids missing"),
        ("good.assign(y=np.nan).to_parquet('1-test.parquet')", "missing or NaN"),
    ],
)
def test_models_that_fake_their_result(trick, words, refused, toy):
    solution = data.load(*api.load("toy")).folder / "solution" / "solution.parquet"
    done = SAYS.replace("WORDS", repr(b'{"done": true}\n'))
    predict = f"SOLUTION = {str(solution)!r}\n{trick}\n{done}\ntime.sleep(60)"
    assert words in refused(model(predict=predict))


@LINUX
def test_nothing_that_a_model_started_is_left(board):
    code = """
if not os.fork():
    os.setsid()
    if not os.fork():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.execvp("sleep", ["sleep", "4711"])
    os._exit(0)
os.wait()
"""
    api.run("toy", model(code))
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if alive(path)]
    assert not [command for command in commands if b"4711" in command]


def alive(path):
    try:
        return bool(path.read_bytes())
    except OSError:
        return False


def test_a_cache_that_is_named_from_here(workspace, monkeypatch, cache):
    monkeypatch.setenv("PODIUM_DATA", os.path.relpath(cache))
    assert api.run("toy", model()).row.score > 0


def test_what_stands_in_the_record(board):
    api.run("toy", model("hoard = np.ones(1 << 24)"))
    lines = board / "board.jsonl"
    api.export_records(lines)
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    (found,) = [r["provenance"] for r in records if r.get("model") == "mine"]
    assert found["model_sha256"] == hashlib.sha256(Path("mine.py").read_bytes()).hexdigest()
    assert found["params"] == {"a": 1.0}
    assert 0 <= found["train_seconds"] <= found["seconds"]
    if sys.platform == "linux":
        assert 128 < found["peak_memory_mb"] < 1000
    assert isinstance(found["left_open"], list)


@pytest.mark.slow
def test_a_model_apart_is_scored_as_one_that_is_not(board, toy, raw_folder):
    api.prepare("toy", "table", source=raw_folder("toy"))
    Path("copy.py").write_text((toy.folder / "models" / "line.py").read_text())
    for dataset in ("demo", "table"):
        options = {"dataset": dataset, "params": {"jitter": 0.1}, "seed": 3}
        runs = [api.run("toy", name, team="bob", **options) for name in ("line", "copy.py")]
        assert runs[0].row.submission == runs[1].row.submission
        if dataset == "table":
            assert runs[0].open_file.read_bytes() == runs[1].open_file.read_bytes()
        if dataset == "table":
            continue
        folds = [
            api.cross_validate("toy", name, seeds=2, **options) for name in ("line", "copy.py")
        ]
        assert folds[0].by_seed == folds[1].by_seed
        assert folds[0].predictions.equals(folds[1].predictions)
        assert folds[0].card.whole.scores == folds[1].card.whole.scores


AGAIN = """
import os, pathlib
HERE = pathlib.Path(os.environ["HOME"])
for name in ("fitted", "1-rows.parquet", "1.fitted"):
    try: os.symlink(VICTIM, HERE / name)
    except FileExistsError: pass
"""


@LINUX
def test_no_link_of_a_model_leads_out(workspace, toy, own_cache):
    """What Podium hands to a process lies where that cannot put a link in its way."""
    api.prepare("toy")
    victim = workspace / "victim.txt"
    victim.write_text("mine")
    text = Path(model()).read_text() + AGAIN.replace("VICTIM", repr(str(victim)))
    (workspace / "mine.py").write_text(text)
    for _ in range(2):
        told(predict_rows, "mine.py")
        assert victim.read_text() == "mine"
    assert not victim.is_symlink()


@pytest.mark.slow
@LINUX
def test_a_script_shows_a_model_nothing_of_its_folder(workspace, tmp_path, toy, monkeypatch):
    """What calls Podium may lie beside secrets, and above the place for temporary files."""
    place = tmp_path / "elsewhere"
    (place / "tmp").mkdir(parents=True)
    (place / "secret.txt").write_text("x")
    looks = LOOKS_UP.replace('os.walk("/")', f"os.walk({str(place)!r})")
    body = f"assert not os.path.exists({str(place / 'secret.txt')!r})\n{looks}"
    model(predict=body)
    model(name="plain.py")
    script = place / "call.py"
    script.write_text(
        "import sys, podium.competitions\n"
        f"podium.competitions.__path__.append({str(Path(__file__).parents[1])!r})\n"
        "from podium import api\n"
        "one, other = (api.cross_validate('toy', name) for name in ('mine.py', 'plain.py'))\n"
        "assert one.card.whole.scores == other.card.whole.scores\n"
    )
    monkeypatch.setenv("TMPDIR", str(place / "tmp"))
    subprocess.run([sys.executable, script], check=True, timeout=120)


def test_a_limit_on_time_is_for_import_and_training_together(workspace, toy):
    path = Path(model("time.sleep(1)"))
    path.write_text("import time\ntime.sleep(1)\n" + path.read_text())
    assert "limit of 1.5 seconds" in told(lambda: api.run("toy", "mine.py", limit_time=1.5))


def test_a_loss_that_is_no_number_is_no_fault(workspace, toy):
    fit = "for step in range(3):\n    report(step, float('nan'), other=1e400)\n    time.sleep(.1)"
    assert api.run("toy", model(fit)).row.score > 0


@LINUX
def test_shipped_models_with_limits(refused, board):
    assert api.run("toy", "line", limit_memory=4000).row.score > 0
    assert "limit of 10 MiB of memory" in refused("line", limit_memory=10)


def test_limits_that_are_none():
    for limits in ({"seconds": 0}, {"seconds": 1e9}, {"memory": 0}, {"memory": float("nan")}):
        with pytest.raises(PodiumError, match="limit is"):
            Limits(**limits)


ALONE = """
import os, socket, sys
from pathlib import Path
from podium.execution import sandbox
if "namespaces" not in sys.argv[1]: sandbox._namespaces = lambda libc: False
if "landlock" not in sys.argv[1]: sandbox._landlock = lambda libc, policy: 0
work = Path(sys.argv[2])
(work / "root").mkdir(); (work / "in").mkdir(); (work / "secret").write_text("x")
(work / "seen").write_text("x")
system = [p for p in ("/usr", "/lib", "/lib64", "/bin", "/proc", sys.prefix) if Path(p).exists()]
found = sandbox.enter(
    sandbox.Policy(listed=(), read=(*system, str(work / "seen")), write=(str(work / "in"),),
                root=str(work / "root"), processes=64, file_bytes=1 << 20, shared_bytes=1 << 20),
    lambda status: os._exit(os.waitstatus_to_exitcode(status)),
)
print("|".join(found), flush=True)
assert (work / "seen").read_text() == "x"
(work / "in" / "new").write_text("x")
for attempt in (lambda: (work / "secret").read_text(), lambda: (work / "seen").write_text("y"),
                lambda: (work / "new").write_text("y"), lambda: os.listdir(work).index("secret")):
    try: attempt()
    except (OSError, ValueError): pass
    else: os._exit(9)
os._exit(0)
"""


@LINUX
@pytest.mark.parametrize("kinds", ["namespaces+landlock", "namespaces", "landlock", "none"])
def test_each_wall_by_itself(kinds, tmp_path):
    (tmp_path / "own").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", ALONE, kinds, str(tmp_path / "own")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(sandbox.__file__).parents[1])},
    )
    left_open = set(filter(None, done.stdout.strip().split("|")))
    if kinds == "none":
        assert left_open == {
            *(sandbox.FILES, sandbox.NETWORK, sandbox.SOCKETS, sandbox.SIGNALS),
            sandbox.NAMES,
        }
        assert done.returncode == 9
        return
    if sandbox.FILES in left_open:
        pytest.skip(f"this kernel has none of {kinds}")
    assert done.returncode == 0, done.stderr
    if "namespaces" in kinds and sandbox.NETWORK not in left_open:
        assert not left_open - {sandbox.ALL_BUT_TCP, sandbox.SOCKETS}
    if "namespaces" not in kinds:
        assert sandbox.NAMES in left_open


def test_what_lies_beside_a_model_and_is_none_of_its_business(monkeypatch, workspace, toy):
    ready = data.load(*api.load("toy"))
    names = ["helper.csv", "mine.py", "other.sqlite", "other.sqlite-wal", ".netrc"]
    names += ["leaderboard/mine.py", "leaderboard/board.sqlite", "raw/answers.csv"]
    for name in names:
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_text("")
    monkeypatch.setenv("PODIUM_DB", f"sqlite:///{workspace}/other.sqlite")
    for name, seen in (
        ("mine.py", {"helper.csv", "mine.py"}),
        ("leaderboard/mine.py", {"leaderboard/mine.py"}),
    ):
        found = policy.of(toy, workspace / name, views.whole(ready).given, workspace / "scratch", 1)
        below = [Path(path) for path in (*found.read, *found.listed)]
        below = [str(path.relative_to(workspace)) for path in below if workspace in path.parents]
        assert set(below) == seen
    assert not [path for path in found.read if "solution" in path or "simulate" in path]


def test_what_is_left_open_is_said(monkeypatch, podium_cli):
    call = Worker._call

    def left_open(*given, **options):
        return replace(call(*given, **options), left_open=(sandbox.FILES, sandbox.NETWORK))

    monkeypatch.setattr(Worker, "_call", left_open)
    for command in ("run", "cv"):
        done = podium_cli(command, "toy", model())
        assert done.err.strip() == (
            f"Not guarded from the model on this system: {sandbox.FILES}; {sandbox.NETWORK}."
        )
