"""Files at an address or DOI, from a server of our own."""

import http.server
import threading
from functools import partial
from types import SimpleNamespace

import pooch
import pytest

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
