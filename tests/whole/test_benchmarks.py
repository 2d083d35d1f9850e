"""The frame of the benchmarks: runs in turn, results, the page."""

import importlib
import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def frame(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(FOLDER)
    measuring, page = (importlib.import_module(name) for name in ("measuring", "page"))
    for module in (measuring, page):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmarks.md")
    yield measuring, page
    for name in ("measuring", "page"):
        sys.modules.pop(name)


def test_a_process_says_what_it_took_and_found(frame):
    measuring, _ = frame
    run = measuring.process(measuring.script("start(); score = len(file)", "abc"))
    assert run.score == 3
    assert 0 <= run.inner.wall < run.wall
    assert 1 < run.peak < 200
    bare = measuring.process([sys.executable, "-c", "print('{}')"])
    assert (bare.inner, bare.peak) == (None, 0.0)


def test_ways_take_turns_and_pairs_are_compared(frame):
    measuring, _ = frame
    order = []
    walls = iter([1.0, 3.0, 2.0, 4.0, 1.0, 10.0])

    def way(name):
        order.append(name)
        return measuring.Run(wall=next(walls), cpu=1.0)

    found = measuring.paired({"a": lambda: way("a"), "b": lambda: way("b")}, 3)
    assert order == ["a", "b"] * 3
    assert measuring.ratio(found["b"], found["a"]) == 3.0
    assert measuring.middle(found["a"], "wall") == 1.0


def test_the_page_has_what_was_found_and_nothing_else(frame, monkeypatch, capsys):
    measuring, page = frame
    measuring.Result(
        title="Scoring", text="Two ways.", header=["way", "s"], rows=[["a", "1"]], notes=["Quick."]
    ).write("scoring")
    printed = {"printed": "10 s\n", "machine": measuring.machine(), "took": 3, "arguments": ["-x"]}
    (page.RESULTS / "wide.json").write_text(json.dumps(printed))
    monkeypatch.setattr(sys, "argv", ["page.py", "--only"])
    page.main()
    text = page.PAGE.read_text()
    assert "## Scoring" in text
    assert "| a | 1 |" in text
    assert "- Quick." in text
    assert "```text\n10 s\n```" in text
    assert "`python benchmarks/wide.py -x`, 3 s in all" in text
    assert "Commands" not in text


def test_programs_of_the_page_are_there(frame):
    _, page = frame
    assert not [p for p, *_ in page.PROGRAMS.values() if not (FOLDER / p).is_file()]
