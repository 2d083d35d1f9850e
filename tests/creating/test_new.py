"""A competition from a table: every way to ask for one, and everything that may be wrong."""

import importlib
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_architecture import foreign_imports

import podium.competitions
from podium import api
from podium.cli.display.competitions import asked as asked_for
from podium.competition import folders as competition
from podium.creating.options import NewOptions
from podium.creating.spec import missing, specify
from podium.creating.writer import write
from podium.data import dataset as data
from podium.errors import DataError, PodiumError
from podium.verifying import checks, verify
from podium.verifying.under_test import DatasetUnderTest
from suites import mostly_slow

ROWS = 400


@cache
def _table(rows, seed):
    """Numbers, a category, words, a sequence, groups, times; a number and labels to predict."""
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(rng.normal(size=(rows, 3)).round(4), columns=["a", "b", "c"])
    found["kind"] = rng.choice(["x", "y", "z"], rows)
    found["note"] = [" ".join(rng.choice(["red", "dog", "sky"], 4)) for _ in range(rows)]
    found["letters"] = ["".join(rng.choice(list("ACGT"), 24)) for _ in range(rows)]
    found["patient"] = [f"p{n}" for n in rng.integers(0, 40, rows)]
    found["day"] = pd.date_range("2024-01-01", periods=rows, freq="h").strftime("%Y-%m-%d %H:%M")
    value = 2 * found["a"] + (found["kind"] == "x") + rng.normal(size=rows) / 2
    found["value"] = value.round(4)
    found["grade"] = pd.cut(value, [-99, -1, 1, 99], labels=["low", "mid", "high"]).astype(str)
    found["ill"] = np.where(value > 0, "yes", "no")
    found.insert(0, "id", rng.permutation(rows) + 1000)
    return found


def table(rows=ROWS, seed=0):
    """A copy of it."""
    return _table(rows, seed).copy()


def new(options):
    return api.new(**vars(options))


def only(target):
    return table().drop(columns=list({"value", "grade", "ill"} - {target}))


@pytest.fixture(scope="module")
def organiser(tmp_path_factory):
    """A folder with tables of an organiser, and a Kaggle set."""
    folder = tmp_path_factory.mktemp("tables")
    for target in ("value", "grade", "ill"):
        only(target).to_csv(folder / f"{target}.csv", index=False)
    rows = only("ill")
    train, test = rows[:280], rows[280:]
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns="ill").to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(ill=0.5).to_csv(folder / "sample_submission.csv", index=False)
    usage = np.where(np.arange(len(test)) % 3, "Private", "Public")
    usage[:10] = "Ignored"
    test[["id", "ill"]].assign(Usage=usage).to_csv(folder / "solution.csv", index=False)
    return folder


@contextmanager
def named(folder):
    """This folder is the workspace; its competitions are forgotten afterwards."""
    root = folder / "competitions"
    root.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PODIUM_WORKSPACE", str(folder))
        patch.setattr(podium.competitions, "__path__", [*podium.competitions.__path__, str(root)])
        yield
    for name in [m for m in sys.modules if m.startswith("podium.competitions.mine")]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def place(organiser, workspace):
    """A named workspace with tables."""
    shutil.copytree(organiser, workspace, dirs_exist_ok=True)
    with named(workspace):
        yield workspace


def problems(verdicts):
    return [f"{v.check}: {v.problem}" for v in verdicts if v.problem]


def test_four_commands_lead_to_a_board(place, podium_cli, own_cache):
    flags = ("--table", "value.csv", "--target", "value", "--metric", "rmse")
    made = podium_cli("new", "mine", *flags)
    assert made.status == 0, made.err
    assert "podium verify mine" in made.out
    assert sorted(p.name for p in (place / "competitions").iterdir()) == ["mine"]
    checked = podium_cli("verify", "mine", "--json")
    assert [(v["check"], v["problem"]) for v in checked.json if v["problem"]] == []
    ran = podium_cli("run", "mine", "lightgbm", "--json")
    assert ran.status == 0, ran.err
    board = podium_cli("board", "mine", "--json").json
    by_status = {row["status"]: row for row in board["rows"]}
    assert by_status["control"]["normalised"] == 0
    assert by_status["scored"]["normalised"] > 0.4
    assert board["metric"] == "rmse"


def test_the_folder_is_the_same_each_time_and_its_example_holds(place, own_cache):
    kept = []
    for name in ("mine_one", "mine_two"):
        new(NewOptions(name, table=place / "grade.csv", target="grade", metric="f1_macro"))
        folder = place / "competitions" / name
        kept.append((folder / "splits" / "table.csv").read_bytes())
        words = {}
        exec(compile((folder / "test_metric.py").read_text(), "test_metric.py", "exec"), words)
        words["test_worked_example"]()
    assert kept[0] == kept[1]


WAYS = {
    "grouped": ("value", "mae", {"split": "grouped", "by": "patient"}, "new_groups"),
    "time": ("value", "r2", {"split": "time", "by": "day"}, "later"),
    "logs": ("value", "pearson", {"split": "stratified"}, "rows"),
    "auc": ("ill", "auc", {"positive": "no"}, "rows"),
    "f1": ("ill", "f1", {}, "rows"),
    "two": ("ill", "log_loss", {}, "rows"),
    "many": ("grade", "log_loss", {}, "rows"),
    "labels": ("grade", "f1_macro", {"split": "random"}, "rows"),
}


@pytest.mark.slow
def test_what_is_written_is_linted_and_imports_public_names_alone(place):
    """Every template in every way that it branches, as the files that an organiser gets."""
    wishes = [
        {"table": f"{target}.csv", "target": target, "metric": metric, **flags}
        for target, metric, flags, _ in WAYS.values()
    ]
    tables = {"table": "train.csv", "test": "test.csv", "metric": "auc", "target": "ill"}
    wishes += [tables, {**tables, "solution": "solution.csv", "metric": "f1"}]
    everything = table().assign(weight=1.5, half=["train", "test"] * 200, level=[1, 2] * 200)
    everything.to_csv("all.csv", index=False)
    Path("scans").mkdir()
    Path("scans", "a.png").write_bytes(b"")
    Path("grade.py").write_text(
        '"""Theirs."""\n\n\n'
        "def grade(submission, answers):\n"
        '    """Count what differs."""\n'
        "    return float(sum(submission[n].ne(answers[n]).sum() for n in submission))\n"
    )
    several = [("rmse", ["value", "a"]), ("accuracy", ["grade", "ill"])]
    wishes += [
        {"table": "all.csv", "metric": metric, "target": target, "weight": "weight", **more}
        for metric, target in several
        for more in ({}, {"split": "given", "by": "half", "stratum": "kind"})
    ]
    wishes += [
        {"table": "all.csv", "metric": "qwk", "target": "level", "beside": ["scans"]},
        {"table": "all.csv", "metric": "map@5", "target": "grade", "weight": None},
        {"table": "all.csv", "metric": "grade.py", "target": ["grade", "note"], "given": ["a"]},
        {**tables, "solution": "solution.csv", "metric": "grade.py", "beside": ["scans"]},
        {"table": "all.csv", "metric": "log_loss", "target": ["ill", "two"]},
    ]
    everything.assign(two=everything["ill"]).to_csv("all.csv", index=False)
    for number, wish in enumerate(wishes):
        spec = specify(NewOptions(f"mine_{number}", **wish))
        write(spec, place / "competitions" / spec.name)
    folder = str(place / "competitions")
    config = ("--config", str(Path(__file__).parents[2] / "pyproject.toml"))
    for command in (
        ["check", "--extend-ignore", "ARG001", *config],
        ["format", "--check", *config],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, folder],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    for file in Path(folder).rglob("*.py"):
        if not file.name.startswith("test_"):
            assert list(foreign_imports(file.read_text())) == [], file


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_way_passes_verify_and_its_model_beats_the_control(place, own_cache, way):
    target, metric, flags, stratum = WAYS[way]
    new(NewOptions("mine", table=place / f"{target}.csv", target=target, metric=metric, **flags))
    found = competition.load("mine")
    assert [s.name for s in found.strata] == [stratum]
    assert problems(verify.verify("mine")) == []
    assert api.run("mine", "lightgbm", params={"rounds": 100}).row.normalised > 0.2


def split(name):
    prepared = data.load(*api.load(name))
    return data.read_split(prepared.file("solution/split.csv")).set_index("id")


def test_grouped_and_timed_splits_keep_apart(place, own_cache):
    rows = only("value").astype({"id": str}).set_index("id")
    options = {"table": place / "value.csv", "target": "value", "metric": "rmse"}
    new(NewOptions("mine_groups", split="grouped", by="patient", **options))
    found = split("mine_groups").join(rows)
    assert found.groupby("patient")["part"].nunique().max() == 1
    assert found.groupby("patient")["fold"].nunique().max() <= 1
    assert 0.15 < (found["part"] != "train").mean() < 0.25
    assert "patient" not in data.load(*api.load("mine_groups")).part("test").features
    new(NewOptions("mine_times", split="time", by="day", **options))
    found = split("mine_times").join(rows)
    days = [found.loc[found["part"] == part, "day"] for part in ("train", "public", "private")]
    assert days[0].max() < days[1].min()
    assert days[1].max() < days[2].min()


@pytest.mark.parametrize("name", ["id", "row"])
def test_ids_may_be_the_times(place, own_cache, name):
    days = pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d")
    only("value").drop(columns="id").assign(**{name: days}).to_csv("bad.csv", index=False)
    options = {"table": place / "bad.csv", "target": "value", "metric": "rmse", "row_id": name}
    new(NewOptions("mine", split="time", by=name, **options))
    parts = split("mine").sort_index()["part"]
    assert list(dict.fromkeys(parts)) == ["train", "public", "private"]


def kaggle(place, **more):
    files = {"table": "train", "test": "test", "sample": "sample_submission"}
    paths = {flag: place / f"{name}.csv" for flag, name in files.items()}
    return NewOptions("mine", metric="auc", **(paths | more))


def test_a_kaggle_set_without_solution_has_open_rows(place, own_cache):
    made = new(kaggle(place))
    assert made.rows == {"train": 225, "private": 27, "public": 28, "open": 120}
    outcome = api.run("mine", "constant")
    assert len(pd.read_csv(outcome.open_file)) == 120


def test_a_kaggle_set_with_solution_takes_its_halves(place, own_cache):
    made = new(kaggle(place, solution=place / "solution.csv"))
    given = pd.read_csv("solution.csv", dtype={"id": str}).set_index("id")["Usage"]
    part = split("mine")["part"]
    assert made.rows == {"train": 280, **part[given.index].value_counts()}
    assert (part[given.index] == given.map(str.lower).replace("ignored", "open")).all()


@pytest.mark.slow
@pytest.mark.parametrize("solution", [None, "solution.csv"])
def test_a_kaggle_set_passes_verify(place, own_cache, solution):
    new(kaggle(place, **({"solution": place / solution} if solution else {})))
    assert problems(verify.verify("mine")) == []


SETS = {
    "odd usage": (lambda t: t.assign(Usage="Hidden"), "Public, Private or Ignored are expected"),
    "one half": (lambda t: t.assign(Usage="Public"), "no row is Private"),
    "labels": (lambda t: t.assign(ill=t["ill"] + "!"), "has labels that never train: no!, yes!"),
    "missing": (lambda t: t[5:], "5 ids of test.csv not in solution.csv"),
    "no answers": (lambda t: t.drop(columns="ill"), "has no column 'ill': the answers"),
}


@pytest.mark.parametrize("fault", SETS)
def test_faults_of_a_solution_are_told(place, fault):
    change, words = SETS[fault]
    change(pd.read_csv("solution.csv")).to_csv("solution.csv", index=False)
    with pytest.raises(DataError) as error:
        new(kaggle(place, solution=place / "solution.csv"))
    assert words in str(error.value)


def test_ids_are_text_as_they_stand(place, own_cache):
    for name in ("train", "test", "sample_submission", "solution"):
        rows = pd.read_csv(f"{name}.csv")
        rows.assign(id=rows["id"].map("{:08d}".format)).to_csv(f"{name}.csv", index=False)
    made = new(kaggle(place, solution=place / "solution.csv"))
    assert made.rows["train"] == 280
    assert all(len(row) == 8 for row in data.load(*api.load("mine")).part("test").ids)


def test_a_sample_says_which_column_has_the_ids(place):
    rows = only("value").rename(columns={"id": "row"})
    rows.insert(1, "ID", rows["a"])
    rows.to_csv("train.csv", index=False)
    rows.drop(columns="value").assign(row=-rows["row"]).to_csv("test.csv", index=False)
    rows[["row", "value"]].assign(row=-rows["row"]).to_csv("sample_submission.csv", index=False)
    wish = replace(kaggle(place), target="value", metric="rmse")
    named, guessed = (specify(replace(wish, row_id=name)) for name in ("row", None))
    assert named.text == guessed.text
    assert guessed.row_id == "row"
    assert "ID" not in guessed.text


def test_without_usage_the_halves_are_drawn(place, own_cache):
    pd.read_csv("solution.csv").drop(columns="Usage").to_csv("solution.csv", index=False)
    made = new(kaggle(place, solution=place / "solution.csv"))
    assert made.rows == {"train": 280, "public": 60, "private": 60}


def broken(change, target="value"):
    """A table with one thing wrong, as it is written."""
    rows = only(target)
    found = change(rows)
    (rows if found is None else found).to_csv("bad.csv", index=False)


def put(text, encoding="utf-8"):
    Path("bad.csv").write_text(text, encoding=encoding)


def assign(**values):
    return lambda rows: rows.assign(**values)


FAULTS = {
    "ids": (lambda: broken(assign(id=7)), {}, "1 id more than once: 7"),
    "no ids": (
        lambda: broken(lambda rows: rows.assign(id=rows["id"].where(rows.index > 2))),
        {},
        "3 rows without an id: row 1, row 2, row 3",
    ),
    "NaN": (
        lambda: broken(lambda rows: rows.assign(value=rows["value"].where(rows.index != 4))),
        {},
        "1 value missing or NaN: row 5",
    ),
    "text": (lambda: broken(assign(value="much")), {}, "400 values no number: much"),
    "infinite": (lambda: broken(assign(value=np.inf)), {}, "400 values infinite"),
    "constant": (lambda: broken(assign(value=2.5)), {}, "every row has the same value, 2.5"),
    "one class": (
        lambda: broken(assign(ill="no"), "ill"),
        {"target": "ill", "metric": "auc"},
        "every row has the same value, no",
    ),
    "three rows": (lambda: broken(lambda rows: rows[:3]), {}, "has 3 rows: 50 or more"),
    "no rows": (lambda: broken(lambda rows: rows[:0]), {}, "bad.csv has a header and no rows"),
    "empty": (lambda: put(""), {}, "bad.csv is empty"),
    "semicolons": (lambda: put("id;a;value\n1;2,5;3\n"), {}, "bad.csv is separated by semicolons"),
    "tabs": (lambda: put("id\ta\tvalue\n1\t2\t3\n"), {}, "bad.csv is separated by tabs"),
    "latin1": (
        lambda: put("id,a,value\n1,é,3\n", "latin1"),
        {},
        "line 2 has the byte 0xe9, which is no UTF-8",
    ),
    "zip": (lambda: Path("bad.csv").write_bytes(b"PK\x03\x04..."), {}, "holds a zip archive"),
    "excel": (
        lambda: Path("bad.csv").write_bytes(b"PK\x03\x04" + b" " * 26 + b"[Content_Types].xml"),
        {},
        "bad.csv holds an Excel file, not CSV. Save the table from pandas, to_csv(FILE, index",
    ),
    "utf-16": (lambda: put("id,a,value\n1,2,3\n", "utf-16"), {}, "bad.csv holds UTF-16 text"),
    "parquet": (lambda: Path("bad.csv").write_bytes(b"PAR1"), {}, "holds Parquet, not CSV"),
    "comment": (lambda: put("# by hand\nid,a,value\n1,2,3\n"), {}, "begins with a comment"),
    "no header": (lambda: put("1,2.5,3\n4,5,6\n"), {}, "has no header: its first line is '1,2.5"),
    "ragged": (lambda: put("id,a,value\n1,2,3\n1,2,3,4,5\n"), {}, "Expected 3 fields in line 3"),
    "twice": (lambda: put("id,a,a,value\n1,2,3,4\n"), {}, "the column 'a' more than once"),
    "own": (lambda: broken(assign(fold=1)), {}, "a column 'fold' of its own"),
    "target": (lambda: broken(assign()), {"target": "valeu"}, "did you mean 'value'?"),
    "metric": (lambda: broken(assign()), {"metric": "rsme"}, "did you mean 'rmse'? there are rmse"),
    "split": (lambda: broken(assign()), {"split": "hash"}, "'hash' is unknown: there are random"),
    "by": (lambda: broken(assign()), {"split": "grouped"}, "--split grouped needs --by COLUMN"),
    "few groups": (
        lambda: broken(assign()),
        {"split": "grouped", "by": "kind"},
        "3 different values; 10 or more",
    ),
    "no times": (
        lambda: broken(assign()),
        {"split": "time", "by": "patient"},
        "400 values no number nor a date",
    ),
    "three classes": (
        lambda: broken(assign(), "grade"),
        {"target": "grade", "metric": "auc"},
        "auc is of two classes; 'grade' has 3: take log_loss",
    ),
    "decimals": (lambda: broken(assign()), {"metric": "accuracy"}, "decimals are no labels"),
    "all labels": (
        lambda: broken(assign()),
        {"metric": "accuracy", "target": "letters"},
        "'letters' has 400 labels in 400 rows: no classes",
    ),
    "rare": (
        lambda: broken(lambda rows: rows.assign(ill=np.where(rows.index < 4, "a", "b")), "ill"),
        {"target": "ill", "metric": "auc"},
        "class 'a' of 'ill' has 4 rows: 10 or more are needed",
    ),
    "other ids": (
        lambda: broken(lambda rows: rows.assign(row=rows["id"].to_numpy()[::-1])),
        {"row_id": "row"},
        "there is a column 'id' beside the ids 'row': rename it",
    ),
    "other ids, grouped": (
        lambda: broken(lambda rows: rows.assign(row=rows["id"].to_numpy()[::-1])),
        {"row_id": "row", "split": "grouped", "by": "id"},
        "there is a column 'id' beside the ids 'row': rename it",
    ),
    "groups of ids": (
        lambda: broken(assign()),
        {"split": "grouped", "by": "id"},
        "'id' is the column of ids: --split grouped needs another",
    ),
    "positive": (
        lambda: broken(assign(), "ill"),
        {"target": "ill", "metric": "auc", "positive": "ja"},
        "--positive 'ja' is no label: there are 'no', 'yes'",
    ),
    "rmsle": (lambda: broken(assign()), {"metric": "rmsle"}, "rmsle takes no values below 0"),
    "no file": (lambda: None, {"table": "there/is/none.csv"}, "none.csv does not exist"),
    "name": (lambda: broken(assign()), {"name": "my-task"}, "NAME 'my-task' must be a Python name"),
    "shipped": (lambda: broken(assign()), {"name": "toy"}, "that of a competition that there is"),
    "no test": (lambda: broken(assign()), {"solution": "bad.csv"}, "--solution needs --test"),
    "overlap": (
        lambda: (
            broken(lambda rows: rows.drop(columns="value")[:80]) or only("value").to_csv("b.csv")
        ),
        {"table": "value.csv", "test": "bad.csv"},
        "80 ids of bad.csv also in value.csv",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told_and_nothing_is_written(place, fault):
    prepare, flags, words = FAULTS[fault]
    prepare()
    flags = {"name": "mine", "table": "bad.csv", "target": "value", "metric": "rmse"} | flags
    paths = {k: place / v for k, v in flags.items() if k in ("table", "test", "solution")}
    with pytest.raises(DataError) as error:
        new(NewOptions(**(flags | paths)))
    assert words in str(error.value)
    assert list((place / "competitions").iterdir()) == []


def test_everything_is_told_at_once(place):
    rows = only("value")
    rows.loc[3, "value"] = np.nan
    rows.loc[5, "id"] = rows.loc[6, "id"]
    rows.to_csv("bad.csv", index=False)
    with pytest.raises(DataError) as error:
        new(NewOptions("2mine", table=place / "bad.csv", target="value", metric="rmse", by="b"))
    assert [problem.split(":")[0] for problem in error.value.problems] == [
        "NAME '2mine' must be a Python name",
        "--by b needs --split grouped, time or given",
        "bad.csv, column 'id'",
        "bad.csv, column 'value'",
    ]


def test_a_pipe_is_told_what_is_missing(place, podium_cli):
    done = podium_cli("new", "mine")
    assert done.status == 1
    for flag in ("--table FILE", "--target COLUMN", "--metric NAME"):
        assert f"missing: {flag}" in done.err


def test_a_terminal_is_asked(place, monkeypatch, own_cache, capsys):
    answers = iter(["value.csv", "value", "rmse"])
    asked = []
    monkeypatch.setattr("typer.prompt", lambda text, err: asked.append(text) or next(answers))
    options = NewOptions("mine")
    options = asked_for(options, missing(options))
    assert [text.split()[1] for text in asked] == ["CSV", "column", "score"]
    assert new(options).rows["train"] == 320


@pytest.mark.slow
@pytest.mark.parametrize("flags", [("grouped", "patient"), ("time", "day")])
def test_a_given_test_part_has_folds_of_every_kind(place, own_cache, flags):
    how, by = flags
    new(kaggle(place, solution=place / "solution.csv", split=how, by=by))
    found = split("mine").join(only("ill").astype({"id": str}).set_index("id"))
    assert found.groupby("fold").size().between(20, 100).all()
    if how == "grouped":
        assert found.groupby("patient")["fold"].nunique().max() == 1
    assert problems(verify.verify("mine")) == []


def test_an_existing_folder_stays(place, own_cache):
    options = NewOptions("mine", table=place / "value.csv", target="value", metric="rmse")
    folder = place / "competitions" / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="is there already"):
        new(options)
    assert [p.name for p in folder.iterdir()] == ["notes.txt"]


def test_rows_without_ids_are_numbered_and_a_saved_index_is_left_out(place, own_cache):
    only("value").drop(columns="id").to_csv("bare.csv")
    made = new(NewOptions("mine", table=place / "bare.csv", target="value", metric="rmse"))
    assert any("no column of ids" in note for note in made.notes)
    test = data.load(*api.load("mine")).part("test")
    assert list(test.features.columns[:2]) == ["a", "b"]
    assert set(test.ids) <= {str(n) for n in range(ROWS)}


def test_a_folder_outside_the_path_says_how_to_name_the_workspace(workspace, podium_cli, own_cache):
    only("value").to_csv("value.csv", index=False)
    flags = ("--table", "value.csv", "--target", "value", "--metric", "rmse")
    done = podium_cli("new", "mine", *flags)
    assert done.status == 0
    assert f"export PODIUM_WORKSPACE={workspace}" in done.out


@pytest.mark.slow
def test_a_folder_is_verified_by_its_path(workspace, own_cache, podium_cli, monkeypatch):
    monkeypatch.setattr(podium.competitions, "__path__", list(podium.competitions.__path__))
    only("value").to_csv("value.csv", index=False)
    new(NewOptions("mine_path", table=Path("value.csv"), target="value", metric="rmse"))
    done = podium_cli("verify", "./competitions/mine_path", "--json")
    assert done.status == 0, done.err
    assert {verdict["competition"] for verdict in done.json} == {"mine_path"}
    wrong = podium_cli("verify", "./competitions")
    assert "is no competition" in wrong.err


def plates(**columns):
    """A table with labels, plates and texts that another reading would change, as it stands."""
    rows = only("grade").astype(str)
    rows = rows.assign(**{name: np.resize(values, len(rows)) for name, values in columns.items()})
    rows.to_csv("bad.csv", index=False)
    return rows.set_index("id")


def given(place, text, instead):
    """Change a line of data.py, and freeze the data anew."""
    file = place / "competitions" / "mine" / "data.py"
    assert instead in file.read_text()
    file.write_text(file.read_text().replace(instead, text))
    for name in [m for m in sys.modules if m.startswith("podium.competitions.mine")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    api.freeze("mine")


def prepared(**flags):
    flags = {"target": "grade", "metric": "accuracy", "table": Path("bad.csv").absolute()} | flags
    new(NewOptions("mine", **flags))
    found = data.load(*api.load("mine"))
    test, train = found.part("test"), found.train()
    rows = pd.read_parquet(found.file("solution/solution.parquet")).set_index("id")
    answers = pd.concat([train.targets.set_axis(train.ids), rows])["grade"]
    return found, pd.concat([one.features.set_axis(one.ids) for one in (train, test)]), answers


@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "expected"),
    mostly_slow(
        [
            (["2.0", "3.0", "1.0"], ["2", "3", "1"]),
            (["2", "3.0", "1.0"], ["2", "3", "1"]),
            (["01", "1", "1E2", "100"], ["01", "1", "1E2", "100"]),
            (["NA", "None", "nan"], ["NA", "None", "nan"]),
            (["1", "2", "NA"], ["1", "2", "NA"]),
        ],
        *(1, 3),
    ),
)
def test_labels_of_an_organiser_are_read_as_those_of_a_submission(
    place, own_cache, podium_cli, labels, expected
):
    rows = plates(grade=labels)
    found, _, answers = prepared()
    as_said = dict(zip(labels, expected, strict=True))
    assert answers.to_dict() == rows["grade"].map(as_said).to_dict()
    right = rows.loc[found.ids("test").to_pylist(), "grade"]
    right.reset_index().to_csv("right.csv", index=False)
    done = podium_cli("submit", "mine", "right.csv", "--json")
    assert done.json["score"] == 1.0, done.err


LABELS = "tables.labels(labelled[TARGET])"
OTHER_TYPES = [
    ("labelled[TARGET].astype(int)", ["1", "2", "3"]),
    ("labelled[TARGET].astype(float)", ["1", "2", "3"]),
    ("labelled[TARGET].astype(float).astype(str)", ["1.0", "2.0", "3.0"]),
    ("labelled[TARGET].astype('category')", ["1", "2.0", "3.0"]),
    ("labelled[TARGET].astype(int) > 1", ["False", "True", "True"]),
    ("labelled[TARGET].astype(float) / 2", ["0.5", "1.0", "1.5"]),
    ("labelled[TARGET].map({'1': 1, '2': '2', '3': 3.0})", ["1", "2", "3.0"]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("written", "said"), mostly_slow(OTHER_TYPES, -1))
def test_labels_of_other_types_are_the_texts_that_a_submission_says(
    place, own_cache, podium_cli, written, said
):
    rows = plates(grade=["1", "2", "3"])
    prepared()
    given(place, written, LABELS)
    found = data.load(*api.load("mine"))
    grades = dict(zip(["1", "2", "3"], said, strict=True))
    right = rows.loc[found.ids("test").to_pylist(), "grade"].map(grades)
    right.reset_index().to_csv("right.csv", index=False)
    done = podium_cli("submit", "mine", "right.csv", "--json")
    assert done.json["score"] == 1.0, done.err
    assert api.check("mine", "right.csv").notes == ()
    assert api.check("mine", found.folder / "public" / data.SAMPLE).notes == ()
    assert list(checks.perfect_beats_controls(DatasetUnderTest(*api.load("mine")))) == []
    assert api.cross_validate("mine", "constant").card.whole.scores["accuracy"] > 0.3


def test_verify_tells_where_the_answers_in_a_file_are_not_perfect(place, own_cache, monkeypatch):
    plates(grade=["1", "2", "3"])
    prepared()
    case = DatasetUnderTest(*api.load("mine"))
    case.solution.targets["grade"] = case.solution.targets["grade"].astype(int).astype(object)
    monkeypatch.setattr(type(case.solution), "check_metric", lambda _: None)  # it would tell first
    told = [line for line in checks.perfect_beats_controls(case) if "answers.csv" in line]
    assert told[0] == "accuracy of the answers is 0.0 as answers.csv, and 1.0 as such"


def test_whether_decimals_are_whole_numbers_is_decided_on_all_answers(place, own_cache, podium_cli):
    rows = only("ill").astype(str)
    rows["ill"] = np.resize(["2.0", "1", "2.0", "01"], len(rows))
    test = rows[280:].assign(ill=np.resize(["2.0", "1"], 120))
    rows[:280].to_csv("train.csv", index=False)
    test.drop(columns="ill").to_csv("test.csv", index=False)
    test[["id", "ill"]].to_csv("solution.csv", index=False)
    files = {"test": place / "test.csv", "solution": place / "solution.csv"}
    new(NewOptions("mine", table=place / "train.csv", target="ill", metric="accuracy", **files))
    found = data.load(*api.load("mine"))
    answers = found.table("solution/solution.parquet").set_index("id")["ill"]
    assert answers.to_dict() == test.set_index("id")["ill"].to_dict()
    for change, score in (({}, 1.0), ({"1": "7"}, 0.5)):
        said = test.set_index("id").loc[answers.index, "ill"].replace(change)
        said.reset_index().to_csv("right.csv", index=False)
        done = podium_cli("submit", "mine", "right.csv", "--json")
        assert done.json["score"] == score, done.err


def test_only_the_empty_field_of_a_text_is_missing(place, own_cache):
    rows = plates(kind=["NA", "None", "", "x"], b=["1.5", "NA", "", "2"])
    _, features, _ = prepared()
    assert features["kind"].fillna("").to_dict() == rows["kind"].to_dict()
    assert features["b"].isna().to_dict() == rows["b"].isin(["NA", ""]).to_dict()
    assert features["b"].dtype == float


def test_an_id_may_be_called_na(place, own_cache, podium_cli):
    rows = only("grade").astype(str)
    rows.loc[[3, 9, 27], "id"] = ["NA", "None", "007"]
    rows.to_csv("bad.csv", index=False)
    _, features, _ = prepared()
    assert {"NA", "None", "007"} <= set(features.index)
    assert set(split("mine").index) >= {"NA", "None", "007"}
    assert api.run("mine", "constant").row is not None


def test_plates_are_told_apart_as_they_are_written(place, own_cache):
    names = [*map(str, range(1, 38)), "01", "1E1", "NA"]
    plates(patient=names)
    found, *_ = prepared(split="grouped", by="patient")
    groups = [found.train().groups["group"], found.table("solution/groups.parquet")["group"]]
    assert set(pd.concat(groups)) == set(names)


def test_plates_with_zero_fractions_are_those_without(place, own_cache):
    """A column of whole numbers with a missing value comes as decimals from pandas."""
    for name, form in (("train", "{}"), ("test", "{}.0"), ("solution", "{}.0")):
        rows = pd.read_csv(f"{name}.csv")
        if name != "solution":
            rows["patient"] = [form.format(n % 30) for n in range(len(rows))]
        rows.to_csv(f"{name}.csv", index=False)
    new(kaggle(place, solution=place / "solution.csv", split="grouped", by="patient"))
    assert competition.load("mine").strata[0].unseen == ()  # they train, too
    found = data.load(*api.load("mine"))
    assert set(found.train().groups["group"]) == {str(n) for n in range(30)}


def test_rows_with_more_fields_than_the_header_are_told(place):
    Path("bad.csv").write_text("id,a,value\n" + "1,2,3,4\n" * 60)
    with pytest.raises(DataError, match="the rows have more fields than the header"):
        new(NewOptions("mine", table=place / "bad.csv", target="value", metric="rmse"))


def test_check_notes_labels_that_no_train_row_has(place, own_cache, podium_cli):
    new(NewOptions("mine", table=place / "grade.csv", target="grade", metric="accuracy"))
    found = data.load(*api.load("mine"))
    assert found.labels == {"grade": ["high", "low", "mid"]}
    ids = found.ids("test").to_pylist()
    pd.DataFrame({"id": ids, "grade": ["Low", *["mid"] * (len(ids) - 1)]}).to_csv(
        "a.csv", index=False
    )
    note = "Column 'grade' has 1 label that no train row has, in 1 row: 'Low'."
    assert podium_cli("check", "mine", "a.csv").out.splitlines()[1:] == [f"note: {note}"]
    assert podium_cli("check", "mine", "a.csv", "--json").json["notes"] == [note]
    assert api.check("mine", "a.csv").notes == (note,)
    pd.DataFrame({"id": ids, "grade": 0.5}).to_csv("b.csv", index=False)
    done = podium_cli("check", "mine", "b.csv")
    assert done.status == 1
    assert "labels are wanted, one of 'high', 'low', 'mid'" in done.err


@pytest.mark.slow
def test_what_makes_the_data_may_lie_in_a_folder_of_its_own(place, own_cache):
    """A folder `data` counts once it has code: raw tables may be called so, too."""
    made = new(NewOptions("mine", table=place / "value.csv", target="value", metric="rmse"))
    inner = made.folder / "data"
    inner.mkdir()
    (inner / "notes.csv").write_text("a,b\n")
    assert api.load("mine")[0].data_folder == made.folder
    (made.folder / "data.py").rename(inner / "prepare.py")
    for name in ("splits", "checksums.json", "golden.json"):
        (made.folder / name).rename(inner / name)
    for name in [m for m in sys.modules if m.startswith("podium.competitions.mine")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    mine = api.load("mine")[0]
    assert mine.data_folder == inner
    assert mine.shown(inner / "splits") == "competitions/mine/data/splits"
    assert problems(verify.verify("mine")) == []
    (inner / "golden.json").unlink()
    assert api.freeze("mine").written == ("data/golden.json",)
    (inner / "prepare.py").write_text("0 / 0\n")
    for name in [m for m in sys.modules if m.startswith("podium.competitions.mine")]:
        del sys.modules[name]
    with pytest.raises(PodiumError, match=r"competitions/mine/data/prepare.py fails"):
        api.load("mine")[0].module("data")
