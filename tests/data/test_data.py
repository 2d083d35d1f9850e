"""Fetch, prepare, verify: what is whole stays, what is damaged is named and refused."""

import json
import shutil
import zipfile
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest

from podium import api
from podium.data import dataset as data
from podium.data.dataset import Prepared, fingerprint
from podium.errors import DataError


@pytest.fixture
def raw(raw_folder, tmp_path):
    """A copy of the toy's raw files."""
    return shutil.copytree(raw_folder("toy"), tmp_path / "raw")


@pytest.fixture
def table(own_cache, raw):
    """The toy's real dataset, prepared in an own cache."""
    return api.prepare("toy", "table", source=raw)


def test_simulated_data_are_made_on_first_use(own_cache):
    ready = data.load(*api.load("toy"))
    files = {str(path.relative_to(ready.folder)) for path in ready.folder.rglob("*.*")}
    assert files == {
        "manifest.json",
        "public/train.parquet",
        "public/folds.parquet",
        "public/test.parquet",
        "public/sample_submission.csv",
        "solution/solution.parquet",
        "solution/groups.parquet",
        "solution/ceiling.parquet",
        "solution/split.csv",
    }


def test_parts(table):
    train, test, rest = table.train(), table.part("test"), table.part("open")
    assert (len(train), len(test), len(rest)) == (36, 24, 6)
    assert list(train.targets.columns) == ["y"]
    assert list(train.features.columns) == list(test.features.columns) == ["x"]
    assert test.targets is test.folds is test.groups is None
    assert set(train.strata) == {"new", "seen"}
    assert not set(train.ids) & set(test.ids)


def test_a_part_takes_rows(table):
    train = table.train()
    some = train.take(np.array([4, 2]))
    assert list(some.ids) == [train.ids[4], train.ids[2]]
    assert some.targets["y"].tolist() == train.targets["y"].iloc[[4, 2]].tolist()
    assert some.without_answers().targets is None


def test_the_generator_follows_from_the_seed(table):
    draws = [table.train(seed).rng.random() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    assert table.part("test").rng.random() != draws[0]


def test_real_data_are_not_there_by_themselves(own_cache):
    with pytest.raises(DataError) as error:
        data.load(*api.load("toy", "table"))
    assert "podium data toy --dataset table" in error.value.hint


@pytest.mark.parametrize("where", ["folder", "deep", "zip", "zip in folder", "file"])
def test_raw_files_from_anywhere(where, own_cache, raw, tmp_path):
    archive = tmp_path / "more" / "any.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as file:
        file.write(raw / "toy.csv", "inside/toy.csv")
        file.writestr("other.txt", "not needed")
    places = {"folder": raw, "deep": tmp_path, "zip": archive, "file": raw / "toy.csv"}
    if where == "zip in folder":
        shutil.rmtree(raw)
    ready = api.prepare("toy", "table", source=places.get(where, tmp_path))
    assert data.damaged(ready) == []


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda file: file.unlink(), "toy.csv: not found"),
        (lambda file: file.write_bytes(file.read_bytes()[:-9]), "toy.csv: sha256 is"),
        (lambda file: file.write_text("id\n"), "changed or truncated"),
    ],
)
def test_wrong_raw_files_are_named_and_nothing_is_written(break_it, words, own_cache, raw):
    break_it(raw / "toy.csv")
    with pytest.raises(DataError) as error:
        api.prepare("toy", "table", source=raw)
    assert words in str(error.value)
    assert "--from DIR" in error.value.hint
    assert not own_cache.exists() or not any(own_cache.rglob("*.parquet"))


def test_a_place_that_is_not_there_and_a_broken_zip(own_cache, tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        api.prepare("toy", "table", source=tmp_path / "none")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DataError, match="not a whole zip archive"):
        api.prepare("toy", "table", source=tmp_path / "broken.zip")


def test_without_network_the_message_says_what_to_do(own_cache):
    with pytest.raises(DataError) as error:
        api.prepare("toy", "table")
    assert "Could not fetch http://127.0.0.1:9/toy.zip" in error.value.message
    assert "--from DIR" in error.value.hint


@pytest.fixture
def served(raw):
    """Gives the dataset `toy/table` with its source as a server on this machine has it."""
    import functools
    import http.server
    import threading
    from dataclasses import replace

    with zipfile.ZipFile(raw / "toy.zip", "w") as file:
        file.write(raw / "toy.csv", "toy.csv")

    class Handler(http.server.SimpleHTTPRequestHandler):
        sends, stated = 0, True

        def log_message(self, *_):
            pass

        def do_GET(self):
            if not type(self).sends:
                super().do_GET()
                return
            self.send_response(200)
            if self.stated:
                self.send_header("Content-Length", str(self.sends))
            self.end_headers()
            with suppress(OSError):  # the reader has gone
                for _ in range(self.sends >> 10):
                    self.wfile.write(b"x" * 1024)

    server = http.server.HTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=raw))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    toy, dataset = api.load("toy", "table")

    def served(sends=0, *, stated=True, **source):
        Handler.sends, Handler.stated = sends, stated
        url = f"http://127.0.0.1:{server.server_port}/toy.zip"
        return toy, replace(dataset, sources=(replace(dataset.sources[0], url=url, **source),))

    yield served
    server.shutdown()
    server.server_close()


def test_a_download_is_fetched_checked_and_kept(own_cache, served):
    """A real download over HTTP on this machine."""
    toy, dataset = served()
    assert data.damaged(data.get(toy, dataset)) == []
    assert (own_cache / "raw" / "toy" / "table" / "toy.zip").is_file()
    toy, dataset = served(1 << 20)
    assert data.damaged(data.prepare(toy, dataset)) == []  # from the kept download


@pytest.mark.parametrize("stated", [True, False], ids=["with its length", "without"])
def test_a_download_says_how_much_has_come(stated, own_cache, served):
    said = []

    class Said:
        def stage(self, title):
            said.append(title)

        def amount(self, done, total, unit):
            said.append((done, total, unit))

    with pytest.raises(DataError):  # it is no zip archive
        data.get(*served(1 << 20, stated=stated), progress=Said())
    assert said[0] == "toy/table: getting toy.zip"
    whole = 1.0 if stated else None
    assert said[1:] == [(quarter / 4, whole, "MiB") for quarter in range(1, 5)]


@pytest.mark.parametrize("stated", [True, False], ids=["with its length", "without"])
def test_a_download_that_is_too_large_is_refused(stated, own_cache, served):
    with pytest.raises(
        DataError, match=r"toy\.zip is larger than the 0\.5 MiB that it may"
    ) as error:
        data.get(*served(1 << 20, stated=stated, limit_mb=0.5))
    assert "limit_mb" in error.value.hint
    assert "podium data toy --dataset table --from DIR" in error.value.hint
    assert not [path for path in own_cache.rglob("*") if path.is_file()]


@pytest.mark.parametrize("stated", [True, False], ids=["with its length", "without"])
def test_a_download_of_just_the_size_that_it_may_have(stated, own_cache, served):
    with pytest.raises(
        DataError, match="not a whole zip archive"
    ):  # it came, and is no zip archive
        data.get(*served(1 << 19, stated=stated, limit_mb=0.5))


def test_a_changed_file_is_named_and_refused(table):
    file = table.folder / "public" / "test.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"test\.parquet is changed or truncated") as error:
        data.load(*api.load("toy", "table")).part("test")
    assert "podium data toy --dataset table" in error.value.hint
    file.unlink()
    with pytest.raises(DataError, match=r"test\.parquet is missing"):
        data.load(*api.load("toy", "table")).part("test")


def test_data_repairs_what_is_damaged(table, raw):
    (table.folder / "solution" / "solution.parquet").write_bytes(b"")
    assert data.damaged(table) == ["solution/solution.parquet"]
    assert data.damaged(api.prepare("toy", "table", source=raw)) == []


def test_another_edition_in_the_cache_is_not_used(table):
    manifest = table.folder / "manifest.json"
    known = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**known, "data": "0" * 64}))
    with pytest.raises(DataError, match="not ready") as error:
        data.load(*api.load("toy", "table"))
    assert "checksums.json has" in str(error.value)


def test_nothing_is_left_beside_the_data(table):
    assert [path.name for path in table.folder.parent.iterdir()] == ["table"]


def test_a_failed_preparation_leaves_the_old_data(table, raw, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(data, "_write", fail)
    with pytest.raises(DataError, match="disk full"):
        api.prepare("toy", "table", source=raw)
    assert data.damaged(table) == []
    assert [path.name for path in table.folder.parent.iterdir()] == ["table"]


def test_a_split_of_other_ids_is_refused():
    ids = pd.Series(["a", "b"])
    prepared = Prepared(
        features=pd.DataFrame({"id": ids}),
        targets=pd.DataFrame({"id": ids, "y": [1.0, 2.0]}),
        groups=pd.DataFrame({"id": ids, "group": ["x", "y"]}),
    )
    table = b"id,part,fold,stratum\na,train,0,seen\nc,public,,seen\n"
    with pytest.raises(DataError, match="1 ids have no part"):
        data._read_split(table, "toy/demo", prepared)
    with pytest.raises(DataError, match="must have the columns"):
        data._read_split(b"id,part\na,train\n", "toy/demo", prepared)


def frame(**columns):
    ids = pd.Series(["a", "b", "c"])
    table = pd.DataFrame({"id": ids, **columns})
    return Prepared(features=table, targets=table, groups=table)


def test_the_fingerprint_is_of_content_not_of_types():
    text = ["x", "yy", None]
    plain = fingerprint(frame(t=pd.Series(text, dtype="str"), n=[1.0, 2.0, np.nan]))
    category = fingerprint(frame(t=pd.Series(text, dtype="category"), n=[1.0, 2.0, np.nan]))
    assert plain == category
    others = [
        frame(t=["x", "y", None], n=[1.0, 2.0, np.nan]),
        frame(t=text, n=[1.0, 2.0, 3.0]),
        frame(u=text, n=[1.0, 2.0, np.nan]),
    ]
    assert len({plain, *map(fingerprint, others)}) == 4


def test_a_simulated_dataset_takes_no_files(own_cache, raw):
    with pytest.raises(DataError, match="is simulated"):
        api.prepare("toy", "demo", source=raw)


def test_who_prepares_second_keeps_what_the_first_made(table, raw, monkeypatch):
    """As when two processes began together and the other one has just finished."""
    from pathlib import Path

    rename = Path.rename

    def not_away(path, target):
        if str(target).endswith("-old"):
            raise FileNotFoundError
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", not_away)
    assert data.damaged(api.prepare("toy", "table", source=raw)) == []
    assert [path.name for path in table.folder.parent.iterdir()] == ["table"]


def test_a_wrong_download_is_not_kept(own_cache, raw, monkeypatch):
    from podium.data import raw as raw_files

    kept = own_cache / "raw" / "toy.zip"
    kept.parent.mkdir(parents=True)
    with zipfile.ZipFile(kept, "w") as file:
        file.writestr("toy.csv", "other content")
    monkeypatch.setattr(raw_files, "_download", lambda *_, **__: kept)
    with pytest.raises(DataError, match="changed or truncated"):
        api.prepare("toy", "table")
    assert not kept.exists()
