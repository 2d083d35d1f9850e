"""Files at an address or DOI, from a server of our own."""

import hashlib
import http.server
import threading
from functools import partial
from types import SimpleNamespace

import pooch
import pytest
import requests

from podium import api
from podium.data import remote
from podium.errors import DataError


@pytest.fixture
def server(tmp_path):
    """A folder that is served, and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    served = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(quiet, directory=str(folder))
    )
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield SimpleNamespace(folder=folder, address=f"http://127.0.0.1:{served.server_port}")
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.org/b.csv", True),
        ("doi:10.5281/zenodo.1", True),
        ("10.5281/zenodo.1", True),
        ("https://doi.org/10.5281/zenodo.1", True),
        ("data/10.5281", False),
        ("raw", False),
    ],
)
def test_what_is_an_address(text, expected):
    assert remote.is_address(text) is expected


def test_a_file_is_hashed_at_first_sight_and_held_to_it(server, own_cache, capsys):
    address = f"{server.address}/rows.csv"
    (server.folder / "rows.csv").write_text("a,b\n1,2\n")
    first = remote.fetch(address)
    assert (first.folder / "rows.csv").read_text() == "a,b\n1,2\n"
    assert "rows.csv (" in capsys.readouterr().err
    (server.folder / "rows.csv").write_text("a,b\n3,4\n")
    assert remote.fetch(address) == first  # it is here already
    (first.folder / "rows.csv").unlink()
    with pytest.raises(DataError, match="other files than when it was seen first") as error:
        remote.fetch(address)
    assert "rm -r " in error.value.hint


def test_what_is_not_there_is_a_sentence(server, own_cache):
    with pytest.raises(DataError, match="Could not fetch") as error:
        remote.fetch(f"{server.address}/none.csv")
    assert "404" in error.value.problems[0]


def test_files_of_a_doi_come_with_licence_and_citation(server, own_cache, monkeypatch):
    for name in ("train.csv", "test.csv"):
        (server.folder / name).write_text("a,b\n")
    (server.folder / "10.1234").mkdir()
    (server.folder / "10.1234" / "x").write_text(
        '{"rightsList": [{"rights": "CC BY 4.0"}], "creators": [{"name": "Ada"}], '
        '"titles": [{"title": "Rows"}], "publicationYear": 2024}'
    )
    repository = SimpleNamespace(
        populate_registry=lambda kept: kept.registry.update({"train.csv": "", "test.csv": ""}),
        download_url=lambda name: f"{server.address}/{name}",
    )
    monkeypatch.setattr(pooch.downloaders, "doi_to_repository", lambda *_, **__: repository)
    monkeypatch.setattr(remote, "RESOLVER", f"{server.address}/")
    known = remote.fetch("doi:10.1234/x")
    assert sorted(file.name for file in known.folder.iterdir()) == ["test.csv", "train.csv"]
    assert known.licence == "CC BY 4.0"
    assert known.citation == "Ada (2024): Rows. doi:10.1234/x"
    assert remote.fetch("doi:10.1234/x") == known


def test_a_licence_is_asked_for_and_said(server, own_cache, workspace):
    rows = "".join(f"{n},{n % 7},{n % 5}\n" for n in range(100))
    (server.folder / "rows.csv").write_text("id,x,y\n" + rows)
    wish = {"source": f"{server.address}/rows.csv", "target": "y", "metric": "rmse"}
    with pytest.raises(DataError, match="does not say on what terms") as error:
        api.new("mine_remote", **wish)
    assert error.value.problems[0].startswith("missing: --licence TEXT")
    made = api.new("mine_remote", licence="CC0", **wish)
    facts = (made.folder / "competition.py").read_text()
    assert 'licence="CC0"' in facts
    assert f'citation="{wish["source"]}"' in facts


def doi(monkeypatch, registry, address="http://127.0.0.1:9"):
    """A repository that lists these files with these checksums."""
    repository = SimpleNamespace(
        populate_registry=lambda kept: kept.registry.update(registry),
        download_url=lambda name: f"{address}/{name}",
    )
    monkeypatch.setattr(pooch.downloaders, "doi_to_repository", lambda *_, **__: repository)
    monkeypatch.setattr(remote, "_words", lambda _: {})


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "..", ".", "a/../../x", "a\\..\\x", ""])
def test_a_name_that_leads_out_of_the_cache_is_refused(own_cache, monkeypatch, name):
    doi(monkeypatch, {name: ""})
    with pytest.raises(DataError, match="lead out of their folder"):
        remote.fetch("doi:10.1234/x")


def test_an_address_that_ends_in_dots_is_refused(own_cache):
    with pytest.raises(DataError, match="lead out of their folder"):
        remote.fetch("http://127.0.0.1:9/..")


def test_the_checksums_of_a_doi_hold_at_first_sight(server, own_cache, monkeypatch):
    (server.folder / "a.csv").write_text("a,b\n")
    doi(monkeypatch, {"a.csv": "md5:" + "0" * 32}, server.address)
    with pytest.raises(DataError, match="Could not fetch") as error:
        remote.fetch("doi:10.1234/x")
    assert "MD5 hash of downloaded file" in error.value.problems[0]
    doi(
        monkeypatch,
        {"a.csv": f"md5:{hashlib.md5(b'a,b' + bytes([10])).hexdigest()}"},
        server.address,
    )
    assert list(remote.fetch("doi:10.1234/x").files) == ["a.csv"]


def test_no_network_is_not_another_file(server, own_cache, monkeypatch):
    address = f"{server.address}/hash.csv"
    (server.folder / "hash.csv").write_text("a,b\n1,2\n")
    (remote.fetch(address).folder / "hash.csv").unlink()

    def fails(*_, **__):
        raise requests.ConnectionError("no way to /hash.csv")

    monkeypatch.setattr(pooch, "retrieve", fails)
    with pytest.raises(DataError, match="Could not fetch"):
        remote.fetch(address)
