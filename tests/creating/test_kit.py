"""A Kaggle kit as it lies in a folder: what is what, what is asked for, and what is wrong."""

import json
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from test_new import new, only, organiser, place  # noqa: F401  a fixture

from podium import api
from podium.cli.display import competitions as display
from podium.creating.kit import look
from podium.creating.options import NewOptions
from podium.data.remote import Fetched
from podium.errors import DataError
from podium.verifying import checks
from podium.verifying.under_test import DatasetUnderTest

SCORE = """class ParticipantVisibleError(Exception):
    pass


def score(solution, submission, row_id_column_name):
    del solution[row_id_column_name]
    if (submission["ill"] > 1).any():
        raise ParticipantVisibleError("no probabilities")
    return float(((solution["ill"] == "yes") - submission["ill"]).abs().mean())
"""


def notebook(text):
    cells = [
        {"cell_type": "markdown", "source": ["def score(no code):"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip install x\n", "import os"]},
        {"cell_type": "code", "source": text.splitlines(keepends=True)},
    ]
    return json.dumps({"cells": cells})


@pytest.fixture
def kit(place):  # noqa: F811
    """A folder with tables, a metric notebook, pictures and a licence."""
    folder = place / "kit"
    (folder / "images").mkdir(parents=True)
    for name in ("train", "test", "sample_submission", "solution"):
        (place / f"{name}.csv").rename(folder / f"{name}.csv")
    for number in range(3):
        (folder / "images" / f"{number}.png").write_bytes(b"\x89PNG")
    (folder / "LICENSE").write_text("CC BY 4.0")
    (folder / ".hidden.csv").write_text("a,b\n")
    return folder


def test_files_are_taken_for_what_their_names_say(kit):
    (kit / "metric.ipynb").write_text(notebook(SCORE))
    with ZipFile(kit / "test.zip", "w") as archive:  # pictures, no table
        archive.writestr("a.png", "")
        archive.writestr("b.png", "")
    seen = look(kit)
    assert {role: file.name for role, file in seen.chosen.items()} == {
        "sample": "sample_submission.csv",
        "solution": "solution.csv",
        "test": "test.csv",
        "table": "train.csv",
        "metric": "metric.ipynb",
    }
    assert not seen.open
    assert seen.licence == kit / "LICENSE"
    assert seen.rows[5:] == [
        ["images/ (3 files)", "handed to models (--beside)"],
        ["test.zip", "left out: may hold answers (--beside hands it to models)"],
    ]


def test_a_kit_makes_a_competition(kit, podium_cli, own_cache):
    flags = ("--from", str(kit), "--metric", "auc", "--positive", "yes", "--licence", "CC BY 4.0")
    done = podium_cli("new", "mine", *flags)
    assert done.status == 0, done.err
    assert "train.csv: rows with answers" in done.err
    facts = (kit.parent / "competitions" / "mine" / "competition.py").read_text()
    assert 'licence="CC BY 4.0"' in facts
    case = DatasetUnderTest(*api.load("mine"))
    assert case.data.rows("test") == 110


def test_the_metric_of_a_notebook_is_a_metric_file(kit, own_cache):
    (kit / "metric.ipynb").write_text(notebook(SCORE.replace('== "yes"', "* 1")))
    for name in ("train", "solution"):
        table = pd.read_csv(kit / f"{name}.csv")
        table.assign(ill=(table["ill"] == "yes") * 1).to_csv(kit / f"{name}.csv", index=False)
    new(NewOptions("mine", source=kit))
    case = DatasetUnderTest(*api.load("mine"))
    assert not case.competition.primary.higher_is_better
    assert list(checks.a_metric_of_others_scores_as_by_itself(case)) == []
    answers = case.solution.answers["ill"]
    assert case.estimate({"ill": np.full(110, 0.5)}).scores["score"] == 0.5
    assert set(answers) == {0.0, 1.0}


def test_two_candidates_for_everything_are_a_sentence(kit):
    for name in ("train", "test", "sample_submission", "solution"):
        (kit / "old").mkdir(exist_ok=True)
        (kit / "old" / f"{name}.csv").write_bytes((kit / f"{name}.csv").read_bytes())
        (kit / f"{name}_metric.py").write_text(SCORE)
    with pytest.raises(DataError) as error:
        new(NewOptions("mine", source=kit))
    assert list(error.value.problems) == [
        "--sample: old/sample_submission.csv, sample_submission.csv",
        "--solution: old/solution.csv, solution.csv",
        "--test: old/test.csv, test.csv",
        "--table: old/train.csv, train.csv",
        "--metric: sample_submission_metric.py, solution_metric.py, test_metric.py, "
        "train_metric.py",
    ]
    assert list((kit.parent / "competitions").iterdir()) == []


def test_what_is_open_is_asked_on_a_terminal(kit, monkeypatch):
    (kit / "train.tsv").write_text("id\ty\n")
    asked = []
    monkeypatch.setattr(
        "typer.prompt", lambda text, default, err: asked.append(text) or "train.csv"
    )
    seen = look(kit)
    options = seen.options(display.chosen(NewOptions("mine", source=kit), seen))
    assert asked == ["--table FILE: train.csv, train.tsv"]
    assert options.table == kit / "train.csv"


def test_exact_names_go_before_others_and_what_is_said_before_all(kit):
    (kit / "train_extra.csv").write_text("id,y\n")
    seen = look(kit)
    assert seen.chosen["table"].name == "train.csv"
    assert ["train_extra.csv", "left out"] in seen.rows
    said = seen.options(NewOptions("mine", source=kit, table=kit / "train_extra.csv"))
    assert said.table == kit / "train_extra.csv"


@pytest.mark.parametrize("fault", ["none", "empty"])
def test_a_folder_without_a_table_is_told(place, fault):  # noqa: F811
    if fault == "empty":
        (place / fault).mkdir()
    with pytest.raises(
        DataError, match="there is no such folder" if fault == "none" else "no table"
    ):
        new(NewOptions("mine", source=place / fault))


LOOKS = """
from typing import Any

import pandas as pd

PARAMETERS: dict[str, Any] = {}


class Looks:
    def fit(self, train, report=None):
        self.seen = sorted(train.files)

    def predict(self, part):
        assert sorted(part.files) == self.seen == ["images/0.png", "images/1.png", "images/2.png"]
        sizes = {len(file.read_bytes()) for file in part.files.values()}
        return pd.DataFrame({"id": part.ids, "ill": sizes.pop() / 10})


def build(params, seed):
    return Looks()
"""


def test_files_beside_the_tables_are_hashed_and_handed_to_models(kit, own_cache):
    made = new(NewOptions("mine", source=kit, metric="auc", positive="yes"))
    facts = (made.folder / "competition.py").read_text()
    assert '"images/*.png": (' in facts
    (made.folder / "models" / "looks.py").write_text(LOOKS)
    assert api.run("mine", "looks").score == 0.5
    assert api.cross_validate("mine", "looks").card.whole.scores["auc"] == 0.5
    case = DatasetUnderTest(*api.load("mine"))
    own = case.data.part("test").features
    assert api.predict("mine", "looks", own).table["ill"].eq(0.4).all()
    assert list(checks.answers_are_apart(case)) == []
    assert list(checks.answers_follow_from_raw_files(case)) == []
    (made.folder / "raw" / "images" / "1.png").write_bytes(b"other")
    assert list(checks.raw_files_are_those_that_were_frozen(case)) != []


def test_what_is_wrong_beside_the_tables_is_told(kit):
    for name in ("one", "two"):
        (kit / name / "scans").mkdir(parents=True)
        (kit / name / "scans" / "a.h5").write_bytes(b"")
    beside = [kit / "one" / "scans", kit / "two" / "scans", kit / "none"]
    with pytest.raises(DataError) as error:
        new(NewOptions("mine", source=kit, metric="auc", positive="yes", beside=beside))
    assert list(error.value.problems) == [
        f"--beside {kit / 'none'}: there is no such file or folder",
        "--beside: 2 are called 'scans': rename them",
    ]


@pytest.mark.parametrize(
    "name",
    ["solution.parquet", "labels_test.npy", "test_answers.xlsx", "all.zip", "masks/0.png"],
)
def test_what_may_hold_answers_is_handed_to_models_only_by_name(kit, name):
    file = kit / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"")
    seen = look(kit)
    assert seen.beside == (kit / "images",)
    assert seen.rows[-1][1].startswith("left out: may hold answers")
    said = seen.options(NewOptions("mine", source=kit, beside=[file]))
    assert said.beside == [file]


def test_a_folder_with_something_that_may_hold_answers_is_left_out(kit):
    (kit / "images" / "labels.csv").write_text("id,ill\n1,2\n")
    seen = look(kit)
    assert seen.beside == ()
    assert ["images/labels.csv", "left out"] in seen.rows
    assert seen.rows[-1][0] == "images/ (3 files)"


def test_fetched_code_is_not_run_unasked(kit, monkeypatch):
    (kit / "metric.py").write_text(SCORE)
    known = Fetched(address="https://a.org/b", folder=kit, files={}, sha256={}, licence="CC0")
    monkeypatch.setattr("podium.creating.kit.fetch", lambda _: known)
    with pytest.raises(DataError) as error:
        look(known.address).options(NewOptions("mine", source=known.address))
    assert error.value.problems == (
        "--metric: metric.py (code that was fetched, and is run here: read it first)",
    )
    wish = NewOptions("mine", source=known.address, metric=kit / "metric.py")
    said = look(known.address).options(wish)
    assert said.metric == kit / "metric.py"
    assert said.source is None  # it is looked at once


def test_names_in_a_hint_can_be_typed(place):  # noqa: F811
    folder = place / "k 4"
    folder.mkdir()
    for name in ("train (1).csv", "train (2).csv"):
        (folder / name).write_text("id,y\n")
    with pytest.raises(DataError) as error:
        look(folder).options(NewOptions("mine", source=folder))
    assert f"--table '{folder}/train (1).csv'" in error.value.hint


def test_an_archive_is_to_be_unpacked_first(place):  # noqa: F811
    folder = place / "packed"
    folder.mkdir()
    with ZipFile(folder / "kit.zip", "w") as archive:
        archive.writestr("train.csv", "id,y\n")
        archive.writestr("test.csv", "id\n")
    for source in (folder, folder / "kit.zip"):
        with pytest.raises(DataError) as error:
            look(source)
        assert error.value.hint.startswith(f"Unpack {folder / 'kit.zip'} ")


def test_files_beside_take_no_name_of_a_table_or_of_each_other(kit):
    beside = [kit / "a" / "train.csv", kit / "a" / "x.bin", kit / "b" / "x.bin"]
    for file in beside:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x")
    with pytest.raises(DataError) as error:
        new(NewOptions("mine", table=kit / "train.csv", metric="auc", target="ill", beside=beside))
    assert list(error.value.problems) == [
        f"--beside {kit / 'a' / 'train.csv'}: the table train.csv has that name: rename it",
        "--beside: 2 are called 'x.bin': rename them",
    ]


def test_a_file_beside_is_found_by_its_name_however_few_there_are(kit, own_cache):
    folder = kit / "pics[1]"
    folder.mkdir()
    for name in ("one.png", "two"):
        (folder / name).write_bytes(name.encode())
    beside = [folder, kit / "images" / "0.png"]
    wished = {"metric": "auc", "positive": "yes", "target": "ill", "beside": beside}
    new(NewOptions("mine", table=kit / "train.csv", **wished))
    files = DatasetUnderTest(*api.load("mine")).data.train().files
    assert sorted(files) == ["0.png", "pics[1]/one.png", "pics[1]/two"]
    (folder / "two").unlink()
    new(NewOptions("mine_two", table=kit / "train.csv", **wished))
    files = DatasetUnderTest(*api.load("mine_two")).data.train().files
    assert sorted(files) == ["0.png", "pics[1]/one.png"]
