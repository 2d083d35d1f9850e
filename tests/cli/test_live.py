"""What a command says while it works, where there is no terminal."""

import re
import time

import pytest

from podium.cli.display import live


@pytest.fixture
def log(capsys, monkeypatch):
    """Gives the lines on stderr, which is no terminal, without their time."""
    monkeypatch.setattr(live, "QUIET", 0.0)
    return lambda: [line.partition("  ")[2] for line in capsys.readouterr().err.splitlines()]


def test_a_line_a_stage(log):
    with live.progress() as progress:
        progress.stage("one\nline")
        progress.stage("two")
    assert log() == ["one line", "two"]


def test_a_line_a_fold_with_an_estimate(log):
    with live.progress() as progress:
        progress.count(0, 3)
        progress.stage("fold 0")
        time.sleep(0.02)
        progress.count(1, 3)
        progress.count(3, 3)
    assert log() == ["1 of 3 done, about 0:00:00 left", "3 of 3 done"]


def test_a_line_a_minute(log, monkeypatch):
    monkeypatch.setattr(live, "MINUTE", 0.05)
    with live.progress() as progress:
        report = progress.stage("training")
        for step in range(1, 30):
            report(step, 0.5, loss=2.0)
            time.sleep(0.01)
    first, *rest = log()
    assert first == "training"
    assert any(line.startswith("training: step ") for line in rest)
    assert len(rest) < 12


def test_amounts_are_said_once_a_minute_with_an_estimate(log, monkeypatch):
    monkeypatch.setattr(live, "MINUTE", 0.05)
    with live.progress() as progress:
        progress.stage("toy/table: getting toy.zip")
        for done in range(1, 30):
            progress.amount(done / 4, 100.0, "MiB")
            time.sleep(0.01)
    first, *rest = log()
    assert first == "toy/table: getting toy.zip"
    shown = r"toy/table: getting toy.zip: \d\.\d of 100\.0 MiB, about 0:\d\d:\d\d left"
    assert re.match(shown, rest[0])
    assert len(rest) < 12


@pytest.mark.parametrize(("done", "total"), [(3, None), (3, 2)])
def test_an_amount_of_an_unknown_whole(done, total):
    assert live._amount(done, total, "MiB", 1.0) == "3.0 MiB"


def test_silence(log):
    with live.progress(silent=True) as progress:
        assert progress is None
    assert log() == []


def test_data_and_report_say_where_they_are_but_not_with_json(log, podium_cli, own_cache):
    assert "toy/demo: simulating" in podium_cli("data", "toy").err
    assert not podium_cli("data", "toy", "--json").err
    podium_cli("run", "toy", "line")
    assert "1 of 1 done" in podium_cli("report").err
    assert not podium_cli("report", "--json").err


def test_quick_work_says_nothing(log, monkeypatch):
    monkeypatch.setattr(live, "QUIET", 60.0)
    with live.progress() as progress:
        progress.stage("one")
    assert log() == []


def test_a_line_a_trial(log):
    from podium.tuning.studies import Standing

    stands = Standing.__new__(Standing)
    counts = {"complete": 3, "pruned": 0, "failed": 0, "running": 1, "waiting": 0}
    vars(stands).update(best=(2, 0.5), defaults=0.25, **counts)
    with live.searching(10, None) as watch:
        time.sleep(1.01)
        watch(stands)
        watch(stands)  # at most once a second
    (line,) = log()
    assert line.startswith("3 of 10 trials, best 0.5000 (trial 2), DEFAULTS 0.25")
