"""Earlier cross-validations: the log, and how they compare."""

import json
from pathlib import Path

import pytest

import podium


@pytest.mark.slow
def test_earlier_ones_are_compared_with_the_best(toy, podium_cli):
    assert podium.validations("toy") == []
    assert "No cross-validation" in podium_cli("cv", "toy").err
    made = podium.cross_validate("toy", "line", seeds=2)
    assert set(made.by_fold) == set(made.card.strata) or len(made.by_fold) > 1
    assert made.file.is_file()
    podium.cross_validate("toy", "constant")
    podium.cross_validate("toy", "line", by="group")
    podium.cross_validate("toy", "line", params={"jitter": 0.1})
    podium.cross_validate("toy", "line", seeds=2)  # again: counts once
    best, jittered, constant, grouped = podium.validations("toy")
    names = [entry.name for entry in (best, jittered, constant)]
    assert names == ["line", "line jitter=0.1", "constant"]
    assert (best.behind, grouped.behind, grouped.by, grouped.file) == (None, None, "group", None)
    assert (best.seeds, best.score) == (2, pytest.approx(made.by_seed[0], rel=1e-3))
    assert constant.behind.difference == pytest.approx(best.score - constant.score, abs=2e-3)
    assert constant.behind.win > 0.99
    table = podium_cli("cv", "toy").out
    assert table.index("line") < table.index("jitter=0.1") < table.index("constant")
    listed = podium_cli("cv", "toy", "--json").json
    assert [entry["name"] for entry in listed] == ["line", "line jitter=0.1", "constant", "line"]


def test_the_fold_scores_are_those_of_their_rows(toy):
    made = podium.cross_validate("toy", "constant")
    assert min(made.by_fold.values()) <= made.by_seed[0] <= max(made.by_fold.values())


def test_what_is_damaged_or_gone_is_left_out(toy):
    made = podium.cross_validate("toy", "line")
    podium.cross_validate("toy", "constant")
    log = made.file.with_name("log.jsonl")
    lines = log.read_text().splitlines()
    older = {**json.loads(lines[0]), "version": "another", "name": "older"}
    log.write_text("\n".join([*lines, "{damaged", json.dumps(older), "3"]))
    assert [entry.name for entry in podium.validations("toy")] == ["line", "constant"]
    made.file.unlink()
    assert [entry.behind for entry in podium.validations("toy")] == [None, None]


def test_a_cross_validation_says_its_folds(toy, podium_cli):
    done = podium_cli("cv", "toy", "line")
    assert "folds: 1." in done.out
    assert "out-of-fold/toy/demo/" in done.out
    known = podium_cli("cv", "toy", "line", "--json").json
    assert len(known["by_fold"]) > 1
    assert Path(known["file"]).is_file()
