"""leaderboard/README.md says what the exports beside it say."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from podium.competition import folders as competition
from podium.leaderboard import jsonl

FOLDER = Path(__file__).parents[2] / "leaderboard"
EXPORTS = sorted(FOLDER.glob("*.jsonl"))


@pytest.fixture
def reference(monkeypatch, tmp_path):
    """The script as a module, without prepared data."""
    spec = importlib.util.spec_from_file_location("reference", FOLDER / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("PODIUM_DATA", str(tmp_path / "no data"))
    return module


@pytest.mark.slow
def test_the_page_is_what_the_exports_say(reference):
    pages = reference.pages()
    assert FOLDER / "README.md" in pages
    for file, text in pages.items():
        assert file.read_text(encoding="utf-8") == text, file


@pytest.mark.slow
def test_a_model_that_predicts_otherwise_is_marked(reference, monkeypatch):
    assert reference.OLDER not in reference.pages()[FOLDER / "README.md"]
    monkeypatch.setattr(reference, "behaviours", dict)
    assert reference.OLDER in reference.pages()[FOLDER / "README.md"]


def test_every_line_is_of_a_model_that_is_noted(reference):
    for export in EXPORTS:
        loaded = competition.load(export.stem)
        assert set(reference.behaviours()[export.stem]) == set(loaded.models)
        for line in reference.lines_of(export.stem):
            if line["type"] == "record":
                assert reference.is_current(export.stem, line)


def test_behaviour_is_what_a_model_predicts(reference):
    rows = np.arange(500)
    numbers = pd.DataFrame({"id": rows, "y": np.sin(rows)})
    labels = pd.DataFrame({"id": rows, "y": np.where(rows % 3, "a", "b")})
    matrix = pd.DataFrame(
        np.outer(np.sin(rows), np.arange(60.0)), columns=[f"g{n}" for n in range(60)]
    )

    def noted(table, **params):
        return {"params": params, "predicts": reference.summary(table)}

    for table in (numbers, labels, matrix):
        assert reference.same(noted(table), noted(table.copy()))
        assert not reference.same(noted(table), noted(table, rate=2))
    nearly = numbers.assign(y=numbers["y"] + 1e-4)
    assert reference.same(noted(numbers), noted(nearly))
    assert not reference.same(noted(numbers), noted(numbers.assign(y=numbers["y"] + 0.01)))
    elsewhere = numbers.assign(y=numbers["y"] + np.where(rows % 100 < 10, 0.03, 0.0))  # a split
    assert reference.same(noted(numbers), noted(elsewhere))
    far = noted(numbers.assign(y=numbers["y"] + 0.1), epochs=9)
    assert reference.same(noted(numbers, epochs=9), far)  # a network on another machine
    assert not reference.same(noted(numbers, epochs=9), noted(numbers.assign(y=0.0), epochs=9))
    renamed = labels.assign(y=labels["y"].map({"a": "z", "b": "y"}))
    assert reference.same(noted(labels), noted(renamed))
    assert not reference.same(noted(labels), noted(labels.assign(y="a")))
    assert not reference.same(noted(matrix), noted(2 * matrix))

    stack = {**noted(numbers), "members": {"trees": noted(numbers)}}
    assert reference.same(stack, {**stack, "members": {"trees": noted(nearly)}})
    for members in ({"trees": noted(numbers, rate=2)}, {"trees": noted(labels)}, {}):
        assert not reference.same(stack, {**stack, "members": members})


def test_stacks_are_noted_with_what_their_members_do(reference):
    """The tiny training of a stack may be of other members than its own."""
    for models in reference.behaviours().values():
        if "stack" in models:
            stack = models["stack"]
            dicts = [value for value in stack["params"].values() if isinstance(value, dict)]
            named = {name.partition(":")[0] for some in dicts for name in some}
            assert named == set(stack["members"])
            for name, member in stack["members"].items():
                assert reference.same(models[name], {**models[name], **member})


def test_only_a_model_that_predicts_otherwise_loses_its_lines(reference, monkeypatch, tmp_path):
    """Another file that does the same is one more; one that does something else takes its place."""
    before = {"files": ["a"], "params": {}, "predicts": {"y": [0.0, 1.0]}}
    monkeypatch.setattr(reference, "MODELS", tmp_path / "models.json")
    reference.MODELS.write_text(json.dumps({"toy": {"line": before, "gone": before}}))
    monkeypatch.setattr(reference, "computed", lambda _: {"line": {**before, "files": ["b"]}})
    reference.note_behaviour("toy")
    assert reference.behaviours()["toy"] == {"line": {**before, "files": ["a", "b"]}}
    now = {"files": ["c"], "params": {}, "predicts": {"y": [0.0, 2.0]}}
    monkeypatch.setattr(reference, "computed", lambda _: {"line": now})
    reference.note_behaviour("toy")
    assert reference.behaviours()["toy"] == {"line": now}


def test_lines_from_before_a_shared_file_changed_are_of_an_older_model(
    reference, monkeypatch, tmp_path
):
    """The model's own file is the same, and predicts otherwise."""
    before = {"files": ["a"], "params": {}, "predicts": {"y": [0.0, 1.0]}}
    monkeypatch.setattr(reference, "MODELS", tmp_path / "models.json")
    reference.MODELS.write_text(json.dumps({"toy": {"line": before}}))
    line = {"model": "line", "provenance": {"model_sha256": "a"}, "created": "2026-01-01T00:00:00"}
    assert reference.is_current("toy", line)
    otherwise = {**before, "predicts": {"y": [0.0, 2.0]}}
    monkeypatch.setattr(reference, "computed", lambda _: {"line": otherwise})
    reference.note_behaviour("toy")
    assert not reference.is_current("toy", line)
    assert reference.is_current("toy", {**line, "created": "9999-01-01T00:00:00"})
    since = reference.behaviours()["toy"]["line"]["since"]
    reference.note_behaviour("toy")
    assert reference.behaviours()["toy"]["line"]["since"] == since


def test_it_goes_on_where_it_was_stopped(reference, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PODIUM_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(reference, "HERE", tmp_path)
    monkeypatch.setattr(jsonl, "SHIPPED", str(tmp_path / "reference.sha256"))
    lines = [{"jitter": 0.1}, {"jitter": 0.2}]
    monkeypatch.setattr(reference, "VARIANTS", {"toy": {"line": lines}})
    monkeypatch.setattr(reference, "is_current", lambda *_: True)
    export = reference.export

    def stopped(*given):
        export(*given)
        raise KeyboardInterrupt

    def run(only="demo"):
        with reference.workspace():
            reference.run("toy", only, None, jobs=2, dask=None)
        return {line["name"] for line in reference.lines_of("toy") if line.get("model") == "line"}

    monkeypatch.setattr(reference, "export", stopped)
    with pytest.raises(KeyboardInterrupt):
        run()
    there = {line["name"] for line in reference.lines_of("toy") if line.get("model") == "line"}
    assert 1 <= len(there) < 3
    monkeypatch.setattr(reference, "export", export)
    capsys.readouterr()
    assert run() == {"line", "line jitter=0.1", "line jitter=0.2"}
    begun = capsys.readouterr().err.splitlines()
    assert [text for text in begun if text.startswith("toy/demo: line")] == [
        f"toy/demo: {name}"
        for name in ("line", "line jitter=0.1", "line jitter=0.2")
        if name not in there
    ]


def test_records_of_a_version_that_is_no_more_are_left_out(reference, monkeypatch, tmp_path):
    monkeypatch.setenv("PODIUM_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(reference, "HERE", tmp_path)
    monkeypatch.setattr(jsonl, "SHIPPED", str(tmp_path / "reference.sha256"))
    monkeypatch.setattr(reference, "is_current", lambda *_: True)

    def run():
        with reference.workspace():
            reference.run("toy", "demo", ["line"], jobs=1, dask=None)
        return [line for line in reference.lines_of("toy") if line.get("model") == "line"]

    [made] = run()
    hashed = {**made["provenance"], "metric": "0" * 64}  # as records said it once
    older = json.dumps({**made, "version": "0" * 16, "provenance": hashed})
    (tmp_path / "toy.jsonl").write_text(older + "\n", encoding="utf-8")
    assert [line["version"] for line in run()] == [made["version"]]


@pytest.mark.slow
@pytest.mark.parametrize("name", [export.stem for export in EXPORTS])
def test_models_do_what_is_noted(reference, name, cache, monkeypatch):
    monkeypatch.setenv("PODIUM_DATA", str(cache))
    noted = reference.behaviours()[name]
    for model, now in reference.computed(name).items():
        assert reference.same(noted[model], now), model
        assert now["files"][0] in noted[model]["files"], (
            "python leaderboard/reference.py --behaviour"
        )


@pytest.mark.parametrize("export", EXPORTS, ids=lambda path: path.stem)
def test_exports_tell_nothing_of_the_machine(export):
    text = export.read_text(encoding="utf-8")
    for line in map(json.loads, text.splitlines()):
        assert line["type"] in ("record", "reveal")
        assert not str(line.get("file") or "").startswith("/")
    assert "/home/" not in text
    assert "/tmp/" not in text


@pytest.mark.parametrize("export", EXPORTS, ids=lambda path: path.stem)
def test_podium_knows_the_lines_that_it_ships(export, reference, podium_cli):
    """Whoever imports them sees where they would rank, and nothing of them is scored again."""
    records = [line for line in reference.lines_of(export.stem) if line["type"] == "record"]
    brought = podium_cli("import", export, "--json").json
    assert (brought["reference"], brought["unverified"]) == (len(records), 0)
    known = jsonl.shipped(competition.load(export.stem))
    assert known == {jsonl.sha256_of(line) for line in reference.lines_of(export.stem)}


def test_the_script_explains_itself():
    done = subprocess.run(
        [sys.executable, FOLDER / "reference.py", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "--readme" in done.stdout


def test_a_model_that_is_a_control_with_other_parameters_has_a_line(reference):
    assert reference.trivial(competition.load("dti")) == {"rates"}
    assert reference.trivial(competition.load("sirna")) == {"constant", "shuffled"}
