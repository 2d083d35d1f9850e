import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import podium
from podium.data import dataset as data
from podium.metrics.stats import Cells
from podium.scoring import scoring
from podium.scoring.scoring import open_solution


@pytest.fixture
def ready(monkeypatch, tmp_path):
    monkeypatch.setenv("PODIUM_DATA", str(tmp_path))
    return data.load(*podium.load("toy"))


def cells(solution):
    found = solution.cells
    return (
        found.code.tolist(),
        found.bucket.tolist(),
        {kind: of.tolist() for kind, of in found.labels.items()},
    )


def test_cells_are_kept_and_are_the_same_then(ready, monkeypatch):
    first = open_solution(ready)
    assert (ready.folder / scoring._CELLS).is_file()
    with monkeypatch.context() as patched:
        patched.setattr(Cells, "of", None)  # nothing is gathered now
        second = open_solution(ready)
    assert cells(first) == cells(second)
    assert first.perfect()["all"].whole.scores == second.perfect()["all"].whole.scores


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"not an archive"])
def test_damaged_cells_are_gathered_anew(ready, damage):
    expected = cells(open_solution(ready))
    file = ready.folder / scoring._CELLS
    file.write_bytes(damage)
    assert cells(open_solution(ready)) == expected
    assert file.stat().st_size > 100


def test_cut_cells_are_gathered_anew(ready):
    expected = cells(open_solution(ready))
    file = ready.folder / scoring._CELLS
    file.write_bytes(file.read_bytes()[:-40])
    assert cells(open_solution(ready)) == expected


def test_cells_of_other_buckets_are_gathered_anew(ready, monkeypatch):
    many = len(open_solution(ready).cells)
    monkeypatch.setattr("podium.metrics.stats.BUCKETS", 2)
    monkeypatch.setattr(scoring, "BUCKETS", 2)
    assert len(open_solution(ready).cells) < many


def test_where_nothing_can_be_kept_all_is_as_before(ready, monkeypatch):
    def full(path):
        raise OSError

    monkeypatch.setattr(scoring, "replacing", full)
    assert len(open_solution(ready).cells)
    assert not (ready.folder / scoring._CELLS).exists()


def test_answers_are_those_of_the_tables(ready):
    solution = open_solution(ready)
    table = ready.table("solution/solution.parquet")
    assert np.array_equal(solution.targets["y"], table["y"])
    assert len(solution.units) == len(solution.groups) == len(table)


def test_scoring_loads_neither_pandas_nor_scipy(ready, sample):
    open_solution(ready)  # keeps the cells
    sample.iloc[::-1].to_parquet("sample.parquet", index=False)
    code = f"""
import json, sys
import podium.competitions
podium.competitions.__path__.append({str(Path(__file__).parents[1])!r})
from pathlib import Path
from podium import api
from podium.data import dataset as data
from podium.scoring import scoring, submission
ready = data.load(*api.load("toy"))
scoring.open_solution(ready).score(submission.check(Path("sample.parquet"), ready))
print(json.dumps(sorted(sys.modules)))
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {"pandas", "scipy", "sqlalchemy"} & set(json.loads(done.stdout))
