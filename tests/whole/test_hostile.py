"""Hostile and broken input: its own message, exit status 1, nothing written, little memory."""

import gzip
import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bombs import BOMBS, CHEAP
from podium import api
from podium.data import formats, raw, reader
from podium.errors import DataError, ModelError, PodiumError, SubmissionError
from podium.execution import output
from podium.verifying import checks
from podium.verifying.under_test import DatasetUnderTest
from suites import mostly_slow

resource = pytest.importorskip("resource", reason="it is of POSIX")

ROOT = Path(__file__).parents[2]
MEMORY_MB = 350  # a refusal's peak: a reader has 145, and lets a small file take 160 more
MAIN = (
    "import podium.competitions, sys\n"
    f"podium.competitions.__path__.append({str(ROOT / 'tests')!r})\n"
    "from podium import cli\ncli.main()\n"
)


def state(folder):
    """Every file, link and folder with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def used(tmp_path_factory, cache):
    """A workspace with a board, made by another process: nothing of it is open here."""
    folder = tmp_path_factory.mktemp("used")
    named = {**os.environ, "PODIUM_WORKSPACE": str(folder), "PODIUM_DATA": str(cache)}
    command = f"import sys\nsys.argv = ['podium', 'run', 'toy', 'line', '--team', 'eve']\n{MAIN}"
    subprocess.run([sys.executable, "-c", command], env=named, check=True, capture_output=True)
    return folder


@pytest.fixture
def refused(podium_cli, workspace, used):
    """Runs a command that must be refused: gives its message."""
    shutil.copytree(used, workspace, dirs_exist_ok=True)

    def run(*command):
        before = state(workspace)
        done = podium_cli(*command)
        assert (done.status, done.out) == (1, ""), done
        assert "Traceback" not in done.err
        assert done.err.startswith("error: ")
        assert all(c.isprintable() or c == "\n" for c in done.err)
        after = state(workspace)
        assert after == before
        return done.err

    return run


def podium(*command, timeout=60):
    """Another process: status, stdout, stderr, peak memory in MB of it and its children."""
    code = f"import sys\nsys.argv = ['podium', *{list(map(str, command))!r}]\n{MAIN}"
    return measured(sys.executable, "-c", code, timeout=timeout)


def measured(*command, timeout=60):
    """The same of any command."""
    code = (
        "import pathlib, resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[2:])\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "pathlib.Path(sys.argv[1]).write_text(str(peak))\n"
        "sys.exit(done.returncode)\n"
    )
    with tempfile.NamedTemporaryFile("r") as peak:
        done = subprocess.run(
            [sys.executable, "-c", code, peak.name, *command],
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr.decode(), int(peak.read()) / 1024


def good(sample):
    return sample.to_csv(index=False)


def utf16(text):
    return text.encode("utf-16")


TEXTS = {
    "empty": (lambda t: b"", "is empty"),
    "header only": (lambda t: b"id,y\n", "the table has no rows"),
    "header, no newline": (lambda t: b"id,y", "the table has no rows"),
    "blank lines": (lambda t: b"\n\n\n", "blank lines only"),
    "semicolons": (lambda t: t.replace(",", ";"), "separated by semicolons; commas are expected"),
    "tabs": (lambda t: t.replace(",", "\t"), "separated by tabs; commas are expected"),
    "bars": (lambda t: t.replace(",", "|"), "separated by vertical bars"),
    "decimal commas": (lambda t: t.replace(".", ","), "decimals take a point, no comma"),
    "quoted decimal commas": (
        lambda t: (
            "id,y\n" + "".join(f'{r[:4]},"{r[5:]}"\n' for r in t.replace(".", ",").split()[1:])
        ),
        "decimals have a comma; a point is expected",
    ),
    "utf-16": (utf16, "holds UTF-16 text, not CSV"),
    "utf-16 without its mark": (lambda t: utf16(t)[2:], "line 1 has a NUL byte"),
    "latin-1": (
        lambda t: t.replace("r0", "\xe9").encode("latin-1"),
        "byte 0xe9, which is no UTF-8",
    ),
    "NUL": (lambda t: t + "\0", "has a NUL byte"),
    "half a character": (lambda t: t.encode() + b"\xe9", "byte 0xe9, which is no UTF-8"),
    "gzip": (lambda t: gzip.compress(t.encode()), "holds a gzip archive, not CSV"),
    "zip": (lambda t: b"PK\x03\x04" + t.encode(), "holds a zip archive, not CSV"),
    "pickle": (lambda t: pickle.dumps(t), "holds a pickle, not CSV"),
    "parquet": (lambda t: b"PAR1" + t.encode(), "holds Parquet, not CSV"),
    "two ids": (lambda t: t.replace("id,y", "id,id"), "column 'id' is there twice"),
    "capitals": (lambda t: t.replace("id,y", "ID,Y"), "column 'y' is missing (there is 'Y')"),
    "spaces around ids": (lambda t: t.replace("r", " r"), "the ids have spaces or quotes"),
    "quotes around ids": (lambda t: t.replace("r", "'r"), "the ids have spaces or quotes"),
    "escape in an id": (lambda t: t.replace("r000", "r\x1b[31m"), r"1 unknown id: 'r\x1b[31m'"),
    "direction in an id": (lambda t: t.replace("r000", "r\u202e"), r"1 unknown id: 'r\u202e'"),
    "no end of a quote": (lambda t: t.replace("r000", '"r000'), "1 rows do not have 2 fields"),
    "short and long rows": (lambda t: t + "r\na,b,c\n", "2 rows do not have 2 fields"),
    "ragged throughout": (lambda t: t + "a,b,c\n" * 5000, "1,000 or more rows do not have 2"),
    "a long row": (lambda t: t + "x" * (3 << 20), "a row is longer than 1 MiB"),
    "a long value": (lambda t: t + "x" * 5000 + ",1\n", "has a value of 5,000 bytes"),
    "many columns": (
        lambda t: ",".join(["id", "y", *map(str, range(100_000))]) + "\n",
        "100,000 unexpected columns",
    ),
    "1e400": (lambda t: t + "x,1e400\n", "1 value infinite"),
    "hex": (lambda t: t + "x,0x1p3\n", "1 value no number"),
    "arabic digits": (lambda t: t + "x,٣\n", "1 value no number"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", TEXTS)
def test_texts(case, refused, sample):
    change, words = TEXTS[case]
    found = change(good(sample))
    Path("p.csv").write_bytes(found if isinstance(found, bytes) else found.encode())
    assert words in refused("check", "toy", "p.csv")
    assert words in refused("submit", "toy", "p.csv", "--name", "x")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.rstrip("\n"),
    ],
)
def test_marks_and_line_ends_are_harmless(change, podium_cli, sample):
    Path("p.csv").write_bytes(change(good(sample)).encode())
    assert podium_cli("check", "toy", "p.csv").status == 0


def test_what_is_no_file(refused, tmp_path):
    Path("folder.csv").mkdir()
    Path("loop.csv").symlink_to("loop.csv")
    Path("zero.csv").symlink_to("/dev/zero")
    os.mkfifo("pipe.csv")
    for name, words in (
        ("folder.csv", "is a directory"),
        ("loop.csv", "is a link that leads nowhere"),
        ("zero.csv", "a pipe or a device"),
        ("pipe.csv", "a pipe or a device"),
        ("none.csv", "does not exist"),
        ("p.pkl", "does not exist"),
        ("x" * 10_000 + ".csv", "File name too long"),
    ):
        assert words in refused("check", "toy", name)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read(refused, sample):
    sample.to_csv("p.csv")
    Path("p.csv").chmod(0)
    assert "Permission denied" in refused("check", "toy", "p.csv")


def parquet(columns, **options):
    pq.write_table(pa.table(columns), "p.parquet", **options)


def hdf5(fill):
    with h5py.File("p.h5", "w") as file:
        fill(file)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"id": [[1]], "y": [1.0]}, "one value a row: id list"),
        ({"id": ["a"], "y": [{"a": 1}]}, "one value a row: y struct"),
        ({"id": ["a"] * 5000, "y": [1.0] * 5000}, "it has 5,000 rows, 108 are expected"),
        ({"id": ["a" * 10**7] * 5, "y": [1.0] * 5}, "has a value of 10,000,000 bytes"),
        ({"id": ["a" * (30 << 20)], "y": [1.0]}, "unpack to 30 MiB"),
        ({"z": [1]}, "column 'id' is missing"),
    ],
)
def test_parquet_of_other_content(columns, words, refused):
    parquet(columns, compression="zstd")
    assert words in refused("check", "toy", "p.parquet")


@pytest.mark.parametrize("kind", [pa.string(), pa.string_view()])
def test_parquet_with_text_that_is_none(kind, refused, sample):
    ids = pa.array(sample["id"]).cast(kind)
    parquet({"id": ids, "y": sample["y"]}, use_dictionary=False, compression=None)
    whole = Path("p.parquet").read_bytes()
    Path("p.parquet").write_bytes(whole.replace(b"r000", b"r\xff00"))
    assert "Invalid UTF8" in refused("check", "toy", "p.parquet")


TEXTS_IN_ARROW = {
    "text": pa.string(),
    "large text": pa.large_string(),
    "text view": pa.string_view(),
    "categories": pa.dictionary(pa.int32(), pa.string()),
    "bytes": pa.binary(),
    "large bytes": pa.large_binary(),
}


def rows_of(groups, table):
    """Writes a table in row groups of so many rows each, as they say."""
    start = 0
    with pq.ParquetWriter("p.parquet", table.schema) as file:
        for rows in groups:
            file.write_table(table.slice(start, rows))
            start += rows


@pytest.mark.slow
@pytest.mark.parametrize("kind", TEXTS_IN_ARROW)
def test_parquet_of_any_row_groups_and_texts(kind, podium_cli, refused, sample):
    ids = pa.array(sample["id"]).cast(TEXTS_IN_ARROW[kind])
    table = pa.table({"id": ids, "y": sample["y"]})
    for groups in ([108], [0, 50, 0, 58, 0]):
        rows_of(groups, table)
        done = podium_cli("check", "toy", "p.parquet", "--json")
        assert (done.status, done.json["rows"]) == (0, 108), groups
    assert podium_cli("submit", "toy", "p.parquet").status == 0
    for groups in ([], [0], [0, 0]):
        rows_of(groups, table)
        assert "the table has no rows" in refused("check", "toy", "p.parquet")
        assert "108 ids missing" in refused("submit", "toy", "p.parquet")
    rows_of([0, 108], table.set_column(0, "id", pa.array(["x" * 2000] * 108).cast(ids.type)))
    assert "has a value of 2,000 bytes" in refused("check", "toy", "p.parquet")
    texts = sample["y"].astype(str)
    rows_of([0, 108], table.set_column(1, "y", pa.array(texts).cast(ids.type)))
    if "bytes" in kind:
        assert "column 'y' has type binary" in refused("check", "toy", "p.parquet")
    else:
        assert podium_cli("check", "toy", "p.parquet").status == 0


@pytest.mark.parametrize("kept", mostly_slow([1, 4, 12, 0.5, -1], 1, 3))
@pytest.mark.parametrize("ending", ["parquet", "h5"])
def test_truncated(ending, kept, refused, sample):
    path = Path(f"p.{ending}")
    if ending == "h5":
        hdf5(lambda file: file.update(id=sample["id"].tolist(), y=sample["y"].to_numpy()))
    else:
        sample.to_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept) if kept == 0.5 else kept])
    assert "cannot be read as" in refused("check", "toy", path)


def columns(**others):
    """Fills an HDF5 file with a good table but for some columns."""

    def fill(file):
        ids = [f"r{row:03d}" for row in range(108)]
        for name, value in {"id": ids, "y": np.zeros(108), **others}.items():
            if callable(value):
                value(file)
            else:
                file[name] = value

    return fill


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fill", "words"),
    mostly_slow(
        [
            (columns(y=h5py.ExternalLink("other.h5", "/y")), "'y' is a link to other data"),
            (columns(y=h5py.SoftLink("/id")), "'y' is a link to other data"),
            (columns(y=h5py.SoftLink("/y")), "'y' is a link to other data"),
            (columns(predictions=h5py.SoftLink("/")), "'predictions' is a link"),
            (
                columns(
                    y=lambda f: f.create_dataset(
                        "y", (108,), "f8", external=[("/etc/hostname", 0, 864)]
                    )
                ),
                "'y' lies in another file",
            ),
            (
                columns(
                    y=lambda f: f.create_virtual_dataset("y", h5py.VirtualLayout((108,), "f8"))
                ),
                "'y' lies in another file",
            ),
            (columns(y=lambda f: f.create_group("y")), "column 'y' is a group"),
            (columns(y=np.zeros(108, complex)), "column 'y' has type complex128"),
            (columns(y=np.zeros(108, "f8,i4")), "numbers or text are expected"),
            (columns(y=np.zeros(108, "V8")), "numbers or text are expected"),
            (columns(y=np.zeros(108, bool)), "column 'y' has type bool"),
            (columns(y=h5py.Empty("f8")), "one dimension: y"),
            (columns(id=[b"\xff"] * 108), "no UTF-8"),
            (columns(y=lambda f: f.create_dataset("y", (10**10,), "f8", chunks=(9,))), "differ in"),
            (
                lambda file: [
                    file.create_dataset(n, (10**10,), "f8", chunks=(9,)) for n in ("id", "y")
                ],
                "it has 10,000,000,000 rows",
            ),
            (
                columns(id=lambda f: f.create_dataset("id", (108,), "S100000000", chunks=(1,))),
                "values of too many bytes",
            ),
        ],
        0,
        7,
        -2,
    ),
)
def test_hdf5_of_other_content(fill, words, refused):
    hdf5(fill)
    assert words in refused("check", "toy", "p.h5")


def test_hdf5_numbers_of_other_machines_are_understood(toy, sample):
    with reader.Reader() as own:
        for kind in (">f4", "<f2", ">i8", np.longdouble):
            hdf5(columns(id=sample["id"].tolist(), y=np.arange(108).clip(0, 99).astype(kind)))
            assert reader.read(Path("p.h5"), formats.Expected.of(toy, 108), own).num_rows == 108


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "the library crashed"),
        ("while True: pass", "reading took longer than 1 seconds"),
        ("print('{\"size\": 9}')", "the library crashed"),
        ("print('x' * (2 << 20))", "the library crashed"),
    ],
)
def test_a_library_that_crashes_or_hangs_is_a_refusal(code, words, refused, monkeypatch):
    hdf5(columns())
    started = f"print('ready', flush=True); input()\n{code}"
    monkeypatch.setattr(reader, "python", lambda *_: [sys.executable, "-c", started])
    monkeypatch.setattr(formats, "_SECONDS", 1)
    monkeypatch.setattr(formats, "_PER_SECOND", 1 << 40)
    assert words in refused("check", "toy", "p.h5")


def test_a_reader_that_does_not_start_is_no_fault_of_the_file(refused, monkeypatch):
    hdf5(columns())
    monkeypatch.setattr(reader, "python", lambda *_: [sys.executable, "-c", "raise SystemExit(1)"])
    assert "does not start" in refused("check", "toy", "p.h5")


@pytest.mark.slow
def test_one_reader_reads_many_files_and_another_the_rest(toy, sample):
    sample.to_csv("p.csv", index=False)
    sample.to_parquet("p.parquet")
    hdf5(lambda file: file.update(id=sample["id"].tolist(), y=sample["y"].to_numpy()))
    Path("bad.csv").write_text("id,y\nr000")
    with reader.Reader() as own:
        started = set()
        for name in ("p.csv", "p.parquet", "p.h5", "bad.csv", "p.csv"):
            if name == "bad.csv":
                with pytest.raises(SubmissionError, match=r"^bad.csv is not a whole table"):
                    reader.read(Path(name), formats.Expected.of(toy, 108), own)
            else:
                table = reader.read(Path(name), formats.Expected.of(toy, 108), own)
                assert table.equals(reader.read(Path(name), formats.Expected.of(toy, 108)))
            started.add(own._process.pid)
        assert len(started) == 1
        own._process.kill()
        own._process.wait()
        assert reader.read(Path("p.csv"), formats.Expected.of(toy, 108), own).num_rows == 108


MODULES = (
    *("h5py", "random", "types", "copy", "numpy", "json", "pickle", "runpy", "encodings"),
    *("pyarrow", "optuna", "podium", "sitecustomize", "usercustomize"),
)
"""Of the standard library and others, which a file beside a submission could pass itself off as."""


@pytest.fixture
def beside():
    """Files of these names in the current folder, which leave a trace if they are run."""
    for name in MODULES:
        Path(f"{name}.py").write_text("open('ran', 'a').write(f'{__name__} ')\nraise SystemExit(9)")


@pytest.mark.slow
@pytest.mark.usefixtures("beside")
def test_no_module_is_taken_from_the_current_folder(podium_cli, sample):
    hdf5(lambda file: file.update(id=sample["id"].tolist(), y=sample["y"].to_numpy()))
    place = Path("submissions", "toy", "demo", "bob")
    place.mkdir(parents=True)
    shutil.copy("p.h5", place)
    for command in (["check", "toy", "p.h5"], ["score-all"]):
        done = podium_cli(*command)
        assert done.status == 0, done.err
    assert list(checks.imports_are_light(DatasetUnderTest(*api.load("toy")))) == []
    assert not Path("ran").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("beside")
def test_workers_of_a_search_take_no_module_from_the_current_folder(podium_cli, write):
    done = podium_cli("tune", "toy", write(), "--jobs", "2", "--trials", "2")
    assert done.status == 0, done.err
    assert not Path("ran").exists()


@pytest.fixture(scope="module", params=mostly_slow([CHEAP, set(BOMBS)], 0), ids=["cheap", "all"])
def bombs(request, tmp_path_factory):
    """A folder with some or all of them."""
    folder = tmp_path_factory.mktemp("bombs")
    for name in request.param:
        BOMBS[name][0](folder / name)
    return folder


CHECKED = """
import time
from pathlib import Path
from podium import api, errors
for path in sorted(Path(sys.argv[1]).iterdir()):
    start = time.process_time()
    try:
        api.check("toy", path)
    except errors.SubmissionError as error:
        print(path.name, time.process_time() - start, *error.problems, error.message, sep="|")
"""


def test_bombs_of_every_format_take_little_memory_and_time(bombs, sample):
    code = f"import sys\n{MAIN.partition('from podium')[0]}{CHECKED}"
    out, peak = measured(sys.executable, "-c", code, bombs)[1::2]
    said = dict(line.split("|", 1) for line in out.decode().splitlines())
    assert sorted(said) == sorted(path.name for path in bombs.iterdir())
    for name, line in said.items():
        seconds, _, text = line.partition("|")
        assert BOMBS[name][1] in text, name
        assert float(seconds) < 1, name
    assert peak < MEMORY_MB


@pytest.mark.slow
def test_bombs_of_others_stop_nobody(bombs, sample):
    place = Path("submissions/toy/demo/eve")
    shutil.copytree(bombs, place)
    sample.to_csv(place / "good.csv", index=False)
    status, out, err, peak = podium("score-all", "--json")
    assert status == 1, err
    handled = {Path(entry["file"]).name: entry for entry in json.loads(out)}
    assert handled.pop("good.csv")["status"] == "scored"
    for name, entry in handled.items():
        assert entry["status"] == "refused"
        assert BOMBS[name][1] in entry["problem"], name
    assert peak < MEMORY_MB


def test_a_file_that_is_too_large_is_not_opened(refused):
    with Path("p.csv").open("wb") as file:
        file.truncate(100 << 20)
    words = "is too large: 100 MiB; 108 rows of 2 columns take less than 17 MiB"
    assert words in refused("check", "toy", "p.csv")


def test_a_limit_on_memory_is_as_it_was_afterwards(toy, bombs):
    before = resource.getrlimit(resource.RLIMIT_DATA), pa.default_memory_pool().backend_name
    for name in ("lie y.parquet", "rows.csv"):
        with pytest.raises(SubmissionError):
            reader.read(bombs / name, formats.Expected.of(toy, 108))
    after = resource.getrlimit(resource.RLIMIT_DATA), pa.default_memory_pool().backend_name
    assert after == before


LONG = "x" * 10_000
NAMES = ["a/b", "../x", LONG, "a\x1b[31mb", "\u202eabc", "a\u200fb", "a\nb", "\udcff", "."]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_team_names(name, refused, sample, monkeypatch):
    sample.to_csv("p.csv", index=False)
    words = "cannot be used"
    assert words in refused("submit", "toy", "p.csv", "--team", name)
    toml = str(name.encode("unicode_escape"), "ascii").replace("\\x", "\\u00")
    Path("podium.toml").write_text(f'team = "{toml}"\n' if "udcff" not in toml else "team = [")
    with monkeypatch.context() as patch:
        patch.setenv("PODIUM_TEAM", name)
        with pytest.raises(PodiumError, match=words):
            api.submit("toy", "p.csv")
        patch.delenv("PODIUM_TEAM")
        with pytest.raises(PodiumError, match=r"cannot be used|not valid TOML"):
            api.submit("toy", "p.csv")


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("a/b", "../x", ".")], ids=ascii)
def test_names_and_messages(name, refused, sample):
    sample.to_csv("p.csv", index=False)
    assert "The name" in refused("submit", "toy", "p.csv", "--name", name)
    if name != "a\nb":
        assert "The message" in refused("submit", "toy", "p.csv", "--message", name)
        assert "The message" in refused("run", "toy", "line", "--message", name)


def test_settings_that_are_deep_or_broken(refused, sample, monkeypatch):
    sample.to_csv("p.csv", index=False)
    monkeypatch.delenv("PODIUM_TEAM")
    for text in (b"x = " + b"[" * 100_000, b'team = "\xff"'):
        Path("podium.toml").write_bytes(text)
        with pytest.raises(PodiumError, match="not valid TOML"):
            api.submit("toy", "p.csv")
    assert "jitter of line is a number, as in 0.0" in refused(
        "run", "toy", "line", "--team", "a", "--set", "jitter=" + "[" * 100_000
    )
    assert "infinite, NaN" in refused(
        "run", "toy", "line", "--team", "a", "--set", "jitter=Infinity"
    )


MODEL = """import os, sys, time
import numpy as np, pandas as pd
DEFAULTS = {"a": 1.0}
def build(params, seed): return Mine()
def space(trial): return {}
class Mine:
    def fit(self, train, report=None):
        FIT
    def predict(self, part):
        good = pd.DataFrame({"id": part.ids, "y": 0.5})
        PREDICT
"""


def model(fit="pass", predict="return good", name="mine.py"):
    text = MODEL.replace("FIT", fit).replace("PREDICT", predict)
    Path(name).write_text(text)
    return name


@pytest.mark.parametrize(
    ("fit", "words"),
    mostly_slow(
        [
            ("raise ValueError('bad')", "failed in fit: ValueError: bad"),
            ("raise ValueError('bad\\x1b[31m')", r"ValueError: bad\x1b[31m"),
            ("raise ValueError('x' * 10**7)", "ValueError: xxxx"),
            ("sys.exit(0)", "failed in fit: SystemExit: 0"),
            ("raise GeneratorExit", "failed in fit: GeneratorExit"),
            ("raise StopIteration", "failed in fit: StopIteration"),
            ("raise type('Own', (BaseException,), {})('x')", "failed in fit: Own: x"),
            ("raise type('Own', (Exception,), {'__str__': None})", "failed in fit: Own"),
            ("self.fit(train)", "RecursionError"),
            ("np.zeros(10**13)", "Unable to allocate"),
            ("self.fit = train.targets['z']", "KeyError: 'z'"),
            ("train.ids = None", "FrozenInstanceError"),
        ],
        0,
        3,
        -1,
    ),
)
def test_models_that_fail(fit, words, refused):
    name = model(fit)
    found = refused("run", "toy", name)
    assert words in found
    assert len(found) < 5000
    assert "line 8 in fit" in found


@pytest.mark.parametrize(
    ("predict", "words"),
    mostly_slow(
        [
            ("return None", "predict() returned NoneType; it must return a pandas DataFrame"),
            ("return np.zeros((3, 2))", "predict() returned ndarray of shape (3, 2)"),
            ("yield good", "predict() returned generator"),
            ("return good.head(5)", "ids missing"),
            ("return pd.concat([good, good])", "ids more than once"),
            ("return good.assign(id=range(len(good)))", "unknown ids: 0, 1, 2"),
            ("return good.assign(y=np.nan)", "values missing or NaN"),
            ("return good.assign(y=np.inf)", "values infinite"),
            ("return good.assign(y=1j)", "column 'y' of type complex128"),
            ("return good.assign(y=[[1]] * len(good))", "column 'y' has list"),
            ("return good.assign(y=[object()] * len(good))", "column 'y' of type object"),
            ("return good.assign(y=[10**50] * len(good))", "column 'y' of type object: Python int"),
            ("return good.assign(y=[1.0] * (len(good) - 1) + ['a'])", "column 'y' of type object"),
            ("return good.assign(y=True)", "column 'y' has type bool"),
            ("return good.assign(z=1).drop(columns='y')", "1 unexpected column: 'z'"),
            ("return pd.concat([good, good['y']], axis=1)", "column 'y' is there twice"),
            ("good.columns = [0, 1]; return good", "2 unexpected columns: '0', '1'"),
            ("return good.drop(columns='zz')", "failed in predict: KeyError"),
        ],
        0,
        3,
        13,
    ),
)
def test_models_that_return_something_else(predict, words, refused):
    assert words in refused("run", "toy", model(predict=predict))


def test_models_that_fail_on_a_fold(refused):
    assert "line 8 in fit" in refused("cv", "toy", model("raise ValueError('bad')"))
    assert "ids missing" in refused("cv", "toy", model(predict="return good.head(5)"))
    assert "predict() returned NoneType" in refused("cv", "toy", model(predict="return None"))


@pytest.mark.parametrize(
    "predict",
    mostly_slow(
        [
            "good.index = range(50, 50 + len(good)); return good.iloc[::-1]",
            "return good.set_index('id')",
            "return good.astype({'id': 'category', 'y': object})",
            "return good.astype({'y': 'float16'})",
        ],
        0,
    ),
)
def test_models_that_return_the_same_in_another_guise(predict):
    score = api.run("toy", model(predict=predict)).row.score
    assert score == api.run("toy", model(name="plain.py"), team="bob").row.score


@pytest.mark.parametrize(
    ("text", "words"),
    mostly_slow(
        [
            ("", "build(params, seed) is missing"),
            ("import sys\nsys.exit(0)\n", "failed in import: SystemExit: 0"),
            ("a = '\0'\n", "null bytes"),
            (
                MODEL.replace("1.0", "np.int64(1)"),
                "DEFAULTS['a'] has type int64 and cannot be recorded",
            ),
            (MODEL.replace("1.0", "float('inf')"), "DEFAULTS['a'] has type float and cannot"),
            (
                MODEL.replace("return Mine()", "return None"),
                "NoneType, which has no fit and no predict",
            ),
            (MODEL.replace("build(params, seed)", "build()"), "failed in build: TypeError"),
        ],
        0,
        -1,
    ),
)
def test_files_that_are_no_models(text, words, refused):
    Path("mine.py").write_text(text.replace("FIT", "pass").replace("PREDICT", "return good"))
    assert words in refused("run", "toy", "mine.py")


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
@pytest.mark.parametrize("name", ["no utf8 \udcff.py", "a\nb.py"])
def test_paths_of_models_that_no_board_takes(name, refused):
    Path(name).write_text(MODEL.replace("FIT", "pass").replace("PREDICT", "return good"))
    assert "cannot be printed" in refused("run", "toy", name, "--name", "good")


def test_a_changed_file_is_read_anew_and_leaves_no_bytecode(workspace):
    first = api.run("toy", model(predict="return good.assign(y=1.0)")).row.score
    second = api.run("toy", model(predict="return good.assign(y=2.0)")).row.score
    assert first != second
    assert not (workspace / "__pycache__").exists()


SPOIL = """for frame in (PART.features, PART.targets, PART.groups):
            if frame is not None:
                frame[frame.columns[0]] = 0
                frame.insert(0, 'new', 1)
                frame.pop(frame.columns[-1])
        for array in (PART.folds, PART.strata):
            if array is not None:
                try: array[:] = array[0]
                except ValueError: pass
        try: PART.ids.values[:] = 'x'
        except (ValueError, TypeError): pass
        os.chdir('/')
        DONE"""


@pytest.mark.slow
def test_models_that_spoil_what_they_are_given(podium_cli, workspace, raw_folder):
    api.prepare("toy", "table", source=raw_folder("toy"))
    keep = "self.mean = float(train.targets['y'].mean())\n        "
    tell = "good = good.assign(y=self.mean)\n        "
    spoil = SPOIL.replace("PART", "train").replace("DONE", "pass")
    spoilt = tell + SPOIL.replace("PART", "part").replace("DONE", "return good")
    model(keep + spoil, spoilt, "spoiler.py")
    model(keep + "pass", tell + "return good", "plain.py")
    for dataset in ("demo", "table"):
        runs = [
            api.run("toy", name, dataset=dataset, team=name[:-3])
            for name in ("spoiler.py", "plain.py")
        ]
        assert runs[0].row.score == runs[1].row.score
        assert runs[0].file.is_relative_to(workspace)
        if dataset == "table":
            assert runs[0].open_file.read_bytes() == runs[1].open_file.read_bytes()
    scores = [
        api.cross_validate("toy", name, seeds=2).by_seed for name in ("spoiler.py", "plain.py")
    ]
    assert scores[0] == scores[1]


ENDLESS = [
    "time.sleep(1000)",
    "while True: pass",
    "\n        while True:\n            try: time.sleep(1000)\n"
    "            except BaseException: pass",
    "sum(__import__('itertools').repeat(1))",
]


@pytest.mark.slow
@pytest.mark.parametrize("fit", ENDLESS)
@pytest.mark.parametrize("command", ["run", pytest.param("cv", marks=pytest.mark.exhaustive)])
def test_models_that_never_end(command, fit, sample, workspace):
    name = model(fit)
    before = state(workspace)
    status, out, err, _ = podium(command, "toy", name, "--limit-time", "0.5", timeout=30)
    assert (status, out) == (1, b"")
    assert err.strip().splitlines() == [
        "error: The model ran longer than the limit of 0.5 seconds: nothing was kept.",
        "Give it more time with --limit-time, or make it faster.",
    ]
    assert state(workspace) == before


@pytest.mark.parametrize("seconds", ["inf", "1e30", "1e10"])
def test_limits_that_no_timer_takes(seconds, podium_cli):
    done = podium_cli("run", "toy", "constant", "--limit-time", seconds)
    assert (done.status, done.out) == (1, "")
    assert "at most 100,000,000 seconds" in done.err


def test_a_limit_that_is_kept_changes_nothing(podium_cli, sample):
    score = podium_cli("run", "toy", "line", "--json").json["score"]
    limited = podium_cli("run", "toy", "line", "--limit-time", "60", "--json").json
    assert limited["score"] == score
    assert podium_cli("cv", "toy", "line", "--limit-time", "60").status == 0
    assert podium_cli("cv", "toy", "line", "--limit-time", "0").status == 2


def test_a_limit_in_the_python_interface(sample):
    with pytest.raises(ModelError, match=r"longer than the limit of 0.5 seconds"):
        api.cross_validate("toy", model("while True: pass"), limit_time=0.5)
    api.run("toy", "line", limit_time=60)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fit",
    [
        "for _ in range(30): os.write(1, b'x' * 10**6)",
        "for _ in range(300_000): print('x' * 99)",
        "print('x' * 10**8)",
        "import subprocess; subprocess.run(['sh', '-c', 'head -c 30000000 /dev/zero'])",
    ],
)
def test_floods_of_prints(fit, sample):
    status, out, err, peak = podium("run", "toy", model(fit), "--json")
    assert status == 0
    assert out.startswith(b"{\n")
    assert out.rstrip().endswith(b"}")
    assert output.PRINTED <= len(err) < output.PRINTED + 200
    assert "the rest is dropped" in err
    assert peak < (550 if "10**8" in fit else MEMORY_MB)


@pytest.mark.slow
def test_what_c_prints_does_not_mix_with_results(sample):
    fit = "__import__('ctypes').CDLL(None).puts(b'from C')"
    status, out, err, _ = podium("run", "toy", model(fit), "--json")
    assert status == 0
    assert out.startswith(b"{\n")
    assert "from C" in err


@pytest.fixture
def archive(raw_folder):
    """Writes a zip of the toy's raw file."""
    content = (raw_folder("toy") / "toy.csv").read_bytes()

    def write(*members, method=zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile("raw.zip", "w", method) as file:
            for name in members:
                file.writestr(name, content)
        return Path("raw.zip")

    return write


def test_zips_that_are_broken(archive, own_cache, podium_cli):
    whole = archive("a/toy.csv").read_bytes()
    command = ("data", "toy", "-d", "table", "--from", "raw.zip")
    for text, words in (
        (b"", "not a whole zip archive"),
        (whole[: len(whole) // 2], "not a whole zip archive"),
        (whole[:60] + b"\xff" * 40 + whole[100:], "not a whole zip archive"),
    ):
        Path("raw.zip").write_bytes(text)
        done = podium_cli(*command)
        assert (done.status, done.out) == (1, "")
        assert words in done.err
        assert not own_cache.exists()


def test_zips_that_are_packed_otherwise(archive, own_cache):
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED):
        archive("../../toy.csv", method=method)
        assert api.prepare("toy", "table", source=Path("raw.zip")).has_open
        damaged = bytearray(Path("raw.zip").read_bytes())
        damaged[60:80] = b"\xff" * 20
        Path("raw.zip").write_bytes(damaged)
        with pytest.raises(DataError, match="not a whole zip archive"):
            api.prepare("toy", "table", source=Path("raw.zip"))


def test_a_zip_bomb_is_not_unpacked(own_cache, podium_cli, monkeypatch):
    monkeypatch.setattr(raw.shutil, "copyfileobj", lambda *_: pytest.fail("unpacked"))
    monkeypatch.setattr(raw, "_ROOM", 1 << 20)
    with (
        zipfile.ZipFile("raw.zip", "w", zipfile.ZIP_DEFLATED) as file,
        file.open("toy.csv", "w", force_zip64=True) as member,
    ):
        for _ in range(30):
            member.write(bytes(1 << 20))
    done = podium_cli("data", "toy", "-d", "table", "--from", "raw.zip")
    assert done.status == 1
    assert "toy.csv would unpack to 30 MiB" in done.err


def test_a_zip_unpacks_no_more_than_it_declares(archive, own_cache):
    whole = bytearray(archive("toy.csv").read_bytes())
    place = whole.rindex(b"PK\x01\x02")
    whole[place + 24 : place + 28] = struct.pack("<I", 5)
    Path("raw.zip").write_bytes(whole)
    with pytest.raises(DataError, match="Bad CRC-32"):
        api.prepare("toy", "table", source=Path("raw.zip"))


def test_folders_with_loops_and_pipes(own_cache, podium_cli):
    Path("raw").mkdir()
    Path("raw/toy.csv").symlink_to("toy.csv")
    Path("raw/up").symlink_to("..")
    os.mkfifo("raw/x.zip")
    done = podium_cli("data", "toy", "-d", "table", "--from", "raw")
    assert done.status == 1
    assert "toy.csv: not found" in done.err


@pytest.mark.slow
def test_the_fuzz_target_runs(tmp_path):
    script = ROOT / "tests" / "fuzz_submission.py"
    done = subprocess.run(
        [sys.executable, str(script), "1"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " executions, 0 faults" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("times", [10, pytest.param(100, marks=pytest.mark.exhaustive)])
def test_quick_exits_with_large_files(times, workspace, monkeypatch):
    """Arrow's threads aborted one in 25 exits."""
    rows = 1_500_000  # 42 MB
    path = Path("large.csv")
    path.write_text("id,y\n" + "".join(f"r{row:07d},{row / 7!r}\n" for row in range(rows)))
    code = (
        f"import sys\n{MAIN.partition('from podium')[0]}"
        "from podium.competition.folders import load\nfrom podium.data import formats, reader\n"
        "from pathlib import Path\n"
        f"t = reader.read(Path('large.csv'), formats.Expected.of(load('toy'), {rows}))\n"
        f"assert t.num_rows == {rows}\n"
    )
    for _ in range(times):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.fixture
def large(tmp_path_factory):
    """Tables of one's own that no such file can hold."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "commas.csv").write_bytes(b"x,y" + b"," * 15_000_000)
    (folder / "columns.csv").write_bytes(b"x,y" + b"," * 1_000_000 + b"\n")
    nulls = pa.nulls(200_000_000, pa.float64())
    pq.write_table(pa.table({"x": nulls}), folder / "nulls.parquet", compression="zstd")
    with h5py.File(folder / "cells.h5ad", "w") as file:
        file.attrs["encoding-type"] = "anndata"
        for name in ("obs", "var"):
            file.create_dataset(f"{name}/_index", (10**10,), "S9", chunks=(1000,))
        file.create_dataset("X", (10**5, 10**6), "f8", chunks=(10, 10))
    return folder


OWN_TABLES = """
import time
from pathlib import Path
from podium import api, errors
from podium.data import h5ad, tables
for path in sorted(Path(sys.argv[1]).iterdir()):
    start = time.process_time()
    try:
        h5ad.read(path) if path.suffix == ".h5ad" else api.predict("toy", "constant", path)
    except errors.PodiumError as error:
        print(path.name, time.process_time() - start, error.message, *error.problems, sep="|")
    if path.suffix == ".csv":
        print("new", 0, *tables.Checked.of(path).problems, sep="|")
"""


@pytest.mark.slow
def test_tables_of_ones_own_have_limits_too(large, sample):
    code = f"import sys\n{MAIN.partition('from podium')[0]}{OWN_TABLES}"
    _, out, err, peak = measured(sys.executable, "-c", code, large)
    said = [line.split("|") for line in out.decode().splitlines()]
    wide = "columns, at most 200,000 are read"
    names = ["cells.h5ad", "columns.csv", "new", "commas.csv", "new", "nulls.parquet"]
    assert [line[0] for line in said] == names[: len(said)], err
    assert len(said) == len(list(large.iterdir())) + names.count("new")
    for name, seconds, message, *problems in said:
        assert float(seconds) < 2, name
        if name == "cells.h5ad":
            assert "takes more memory than a file of its size can need" in message
        elif name == "nulls.parquet":
            assert "cannot be read as Parquet" in message
        else:
            assert wide in "".join([message, *problems]), name
    assert peak < 2 * MEMORY_MB
