"""Damaged predictions files for the readers: python tests/fuzz_submission.py [seconds] [corpus].

Valid files of every form (and those in the folder `corpus`) are damaged at random. Whatever
comes of it, a reader gives a table or raises `SubmissionError`, soon and in little memory. Guided
by coverage where `atheris` is installed, else by a seed: FUZZ_SEED. Readers run in a forked child,
so that a crash of a library is found and counted too; HDF5 and Feather, whose libraries do crash,
are read both directly (crashes are counted) and as Podium reads them (they are refusals).
"""

import gzip
import importlib.util
import io
import os
import random
import resource
import signal
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

import podium.competitions
from podium.competition import folders as competition
from podium.data import formats, parsing, reader
from podium.data.formats import Expected
from podium.errors import SubmissionError
from podium.scoring import submission

podium.competitions.__path__.append(str(Path(__file__).parent))
TOY = competition.load("toy")
IDS = pa.array([f"r{row:03d}" for row in range(40)])
EXPECTED = Expected.of(TOY, len(IDS))
MEMORY = 3 << 30
SECONDS = {"read": 60, "read_here": 3}
CONFIRMED = 5  # how many files that end h5py are read as Podium does, which takes its time
BATCH = 200
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x0D, 0x22, 0x2C, 0x3B)


def seeds(folder=None):
    """Valid files by ending."""
    table = pd.DataFrame({"id": IDS.to_pylist(), "y": np.linspace(-99, 99, len(IDS))})
    text = table.to_csv(index=False).encode()
    found = {".csv": [text], ".parquet": [], ".h5": [], ".feather": []}
    found[".csv"].append(table.to_csv(index=False, quoting=1, lineterminator="\r\n").encode())
    found[".csv.gz"], buffer = [gzip.compress(text), gzip.compress(text, 0)], io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("p.csv", text, zipfile.ZIP_DEFLATED)
    found[".zip"] = [buffer.getvalue()]
    for packed in ("zstd", "uncompressed"):
        buffer = io.BytesIO()
        table.astype({"id": "category"}).to_feather(buffer, compression=packed)
        found[".feather"].append(buffer.getvalue())
    for options in ({"compression": "zstd"}, {"compression": None}, {"use_dictionary": False}):
        buffer = io.BytesIO()
        table.to_parquet(buffer, **options)
        found[".parquet"].append(buffer.getvalue())
    for options in ({}, {"chunks": (16,), "compression": "gzip"}, {"libver": "latest"}):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w", libver=options.pop("libver", None)) as file:
            file.create_dataset("id", data=table["id"].tolist(), **options)
            file.create_dataset("y", data=table["y"].to_numpy(), **options)
        found[".h5"].append(buffer.getvalue())
    for path in Path(folder).iterdir() if folder else ():
        if formats.ending(path) in found:
            found[formats.ending(path)].append(path.read_bytes())
    return found


def damage(rng, data, others):
    """A few random changes: bytes, stretches, copies, cuts, splices."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        place = rng.randrange(len(data)) if data else 0
        kind = rng.randrange(7)
        if kind == 0:
            data[place : place + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            data[place : place + 1] = bytes([rng.choice(INTERESTING)])
        elif kind == 2:
            data[place : place + 8] = rng.randbytes(rng.choice((1, 2, 4, 8)))
        elif kind == 3:
            del data[place : place + rng.choice((1, 4, 64, 1024))]
        elif kind == 4:
            size = rng.choice((1, 8, 64))
            data[place:place] = data[place : place + size] * rng.choice((1, 2, 50))
        elif kind == 5:
            value = rng.choice((0, 1, 2**16, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1))
            data[place : place + 8] = value.to_bytes(8, "little")
        else:
            other = rng.choice(others)
            data[place:] = other[rng.randrange(len(other)) :]
    return bytes(data)


def read(path):
    """As Podium reads: a table that is aligned or refused."""
    try:
        table = reader.read(path, EXPECTED)
        values = submission.align(table, TOY, IDS)["y"]
        assert values.shape == (len(IDS),)
        assert np.isfinite(values).all()
    except SubmissionError:
        return "refused"
    return "read"


def read_here(path):
    """The library's own errors are of any kind; what matters is that it returns."""
    try:
        parsing.parse(path, EXPECTED)
    except Exception as error:  # noqa: BLE001
        return f"refused ({type(error).__name__})"
    return "read"


def batch(jobs, path, log):
    """Read each of the jobs in one child; gives how many were done and why it ended."""
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with log.open("w") as said:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            for name, function, data in jobs:
                signal.alarm(SECONDS[function.__name__])
                path.with_suffix(name).write_bytes(data)
                said.write(f"{function(path.with_suffix(name))}\n")
                said.flush()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(seconds=60, corpus=None):
    """Gives counts by format and outcome; faults are kept in the folder that is printed."""
    known = seeds(corpus)
    rng = random.Random(int(os.environ.get("FUZZ_SEED", "0")))
    counts, faults, start = Counter(), [], time.monotonic()
    keep = Path(tempfile.mkdtemp(prefix="podium-fuzz-"))
    here = dict.fromkeys((".h5", ".feather"), read_here)
    while time.monotonic() - start < seconds:
        jobs = []
        for ending in rng.choices(list(known), k=BATCH):
            data = damage(rng, rng.choice(known[ending]), known[ending])
            jobs.append((ending, here.get(ending, read), data))
        jobs += [(jobs[0][0], read, jobs[0][2])]  # HDF5 and Feather by a process, as Podium does
        while jobs:
            status = batch(jobs, keep / "input", keep / "log")
            done = (keep / "log").read_text().splitlines()
            for (ending, function, _), outcome in zip(jobs, done, strict=False):
                counts[f"{ending} {function.__name__}: {outcome}"] += 1
            if status == 0:
                break
            ending, function, data = jobs[len(done)]
            counts[f"{ending} {function.__name__}: ended with {status}"] += 1
            culprit = keep / f"fault-{len(faults)}{ending}"
            culprit.write_bytes(data)
            confirm = counts["confirmed"] < CONFIRMED
            counts["confirmed"] += function is read_here
            if function is read or (confirm and read_in_child(culprit) != 0):
                faults.append(culprit)
            jobs = jobs[len(done) + 1 :]
    return counts, faults


def read_in_child(path):
    """Status of reading a file as Podium does."""
    return batch(
        [(formats.ending(path), read, path.read_bytes())],
        path.with_name("again"),
        path.with_name("log2"),
    )


def guided(seconds, corpus):
    """The same with atheris; a fault ends it with a traceback."""
    import atheris

    folder = Path(tempfile.mkdtemp(prefix="podium-fuzz-"))
    for ending, files in seeds(corpus).items():
        for number, data in enumerate(files):
            (folder / f"seed-{number}{ending}").write_bytes(ending.encode().ljust(8) + data)

    def one(data):
        ending = bytes(data[:8]).strip().decode(errors="replace")
        if ending in formats.TABLES:
            path = folder.with_suffix(ending)
            path.write_bytes(data[8:])
            read(path)

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}", str(folder)], one)
    atheris.Fuzz()


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    corpus = sys.argv[2] if len(sys.argv) > 2 else None
    if importlib.util.find_spec("atheris"):
        guided(seconds, corpus)
        return
    counts, faults = run(seconds, corpus)
    for name, count in sorted(counts.items()):
        print(f"{count:8,}  {name}")
    total = counts.total() - counts["confirmed"]
    print(f"{total:,} executions, {len(faults)} faults", *faults, sep="\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
