"""A model that wants what its walls refuse is told so: on purpose, and what to do instead."""

import errno
import socket
import subprocess
import sys

import pytest

import podium
from podium.errors import ModelError
from podium.execution import walls
from podium.execution.sandbox import FILES, NETWORK

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="walls are Linux's")
NO_NETWORK = "On purpose a model has no network. Data come through the competition: podium data toy"
ELSEWHERE = "On purpose a model reads only the public data"
PROGRAM = "On purpose a program that a model starts is behind the same walls"
WANTS = {
    "urllib": ("import urllib.request as u; u.urlopen('http://example.com/a.csv')", NO_NETWORK),
    "requests": ("import requests; requests.get('https://example.com')", NO_NETWORK),
    "pandas": ("pd.read_csv('https://example.com/a.csv')", NO_NETWORK),
    "socket": ("import socket; socket.create_connection(('192.0.2.1', 80), 3)", NO_NETWORK),
    "name": ("import socket; socket.getaddrinfo('example.com', 80)", NO_NETWORK),
    "home": ("open('HOME/mine.txt', 'w')", ELSEWHERE),
    "beside": ("open(__file__ + '.txt', 'w')", ELSEWHERE),
    "system": ("import os; os.makedirs('/etc/mine/a')", ELSEWHERE),
    "table": ("train.features.to_csv('/mine.csv')", ELSEWHERE),
    "hidden": ("open('HOME/.bashrc')", ELSEWHERE),
    "weights": ("open('weights.pt', 'rb')", ELSEWHERE),
    "program": (
        f"import subprocess; subprocess.run([{sys.executable!r}, '-c', "
        "'import urllib.request as u; u.urlopen(\"http://example.com\")'], check=True)",
        PROGRAM,
    ),
    "curl": (
        "import subprocess; subprocess.check_output(['curl', '-sS', 'https://example.com'])",
        PROGRAM,
    ),
    "absent": ("import subprocess; subprocess.run(['a-program-that-is-not-there'])", PROGRAM),
}


@LINUX
@pytest.mark.parametrize("name", WANTS)
def test_what_is_refused_is_said_to_be_on_purpose(name, write, toy, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".bashrc").write_text("")
    code, words = WANTS[name]
    with pytest.raises(ModelError) as error:
        podium.run("toy", write(code.replace("HOME", str(tmp_path))))
    assert "mine.py failed in fit" in error.value.message
    assert error.value.hint.startswith(words)
    assert "podium data toy --dataset demo" in error.value.hint
    assert "docs/competitor.md" in error.value.hint


@LINUX
def test_at_import_in_a_fold_and_in_a_search_too(write, toy, podium_cli):
    path = write("open('/mine.txt', 'w')")
    assert ELSEWHERE in podium_cli("cv", "toy", path).err
    write("pass", defaults='"a": open("/mine.txt", "w")')
    assert ELSEWHERE in podium_cli("run", "toy", path).err


@LINUX
@pytest.mark.parametrize(
    "code", ["raise ValueError('own')", "open('a.txt', 'w').close(); raise OSError('own')"]
)
def test_other_errors_are_as_they_were(code, write, toy):
    with pytest.raises(ModelError, match="own") as error:
        podium.run("toy", write(code))
    assert not error.value.hint


@pytest.mark.parametrize(
    ("error", "wall"),
    [
        (OSError("no words of the system"), None),
        (OSError(errno.ENOSPC, "full", "/a"), None),
        (BrokenPipeError(errno.EPIPE, "pipe"), None),
        (PermissionError(errno.EPERM, "no"), None),
        (OSError(errno.ENETUNREACH, "no"), "network"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "no"), "network"),
        (socket.gaierror(socket.EAI_AGAIN, "no"), "network"),
        (PermissionError(errno.EACCES, "no", "/a"), "files"),
        (subprocess.CalledProcessError(6, "curl"), "program"),
    ],
)
def test_walls_are_known_by_their_errors_even_if_others_came_of_these(error, wall):
    assert walls.met(error) == wall
    own = RuntimeError("the library's own")
    own.__context__ = error
    assert walls.met(own) == wall


def test_errors_that_lead_to_each_other_in_a_circle_end():
    first, second = ValueError(), ValueError()
    first.__context__, second.__context__ = second, first
    assert walls.met(first) is None


def test_a_wall_that_is_not_there_is_not_spoken_of():
    assert walls.words("network", [], "podium data toy").startswith("On purpose")
    assert not walls.words("network", [NETWORK], "podium data toy")
    assert not walls.words("files", [NETWORK, FILES], "podium data toy")
    for unknown in (None, 3, "moon", ["network"]):
        assert not walls.words(unknown, [], "podium data toy")
