"""Tables beside the rows: in a dataset's files, in what a model is given, in one's own rows."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import podium
from podium import api
from podium.competition import model_file as model
from podium.data import dataset as data
from podium.data.dataset import Prepared, fingerprint
from podium.errors import DataError, PodiumError
from podium.execution import folds as out_of_fold
from podium.execution import views
from podium.execution.training import Folds
from podium.execution.worker import Limits
from podium.verifying import checks
from podium.verifying.under_test import DatasetUnderTest

PARTS = ["train"] * 24 + ["public"] * 6 + ["private"] * 6
MODEL = '''
"""y is what the table says of the line."""

import pandas as pd


class Model:
    def fit(self, train, report=None):
        table = train.tables["lines"]
        table["a"] += 1.0  # a copy: nobody else sees that
        self.lines = sorted(table.index)

    def predict(self, part):
        lines = part.tables["lines"]
        values = lines["a"].loc[part.features["line"]].to_numpy()
        return pd.DataFrame({"id": part.ids, "y": values})


DEFAULTS = {}


def space(trial):
    return {}


def build(params, seed):
    return Model()
'''


def lines():
    names = [f"l{number}" for number in range(12)]
    values = np.arange(12.0)
    return pd.DataFrame({"line": names, "a": values.astype(np.float32), "site": ["x", "y"] * 6})


def prepared(**changes):
    ids = pd.Series([f"r{row}" for row in range(len(PARTS))])
    named = [f"l{row % 12}" for row in range(len(PARTS))]
    rows = {
        "features": pd.DataFrame({"id": ids, "line": named}),
        "targets": pd.DataFrame({"id": ids, "y": np.arange(len(PARTS)) % 12.0}),
        "groups": pd.DataFrame({"id": ids, "group": named}),
        "tables": {"lines": lines()},
    }
    return Prepared(**(rows | changes))


@pytest.fixture
def made(own_cache, monkeypatch):
    """A toy dataset with a table beside the rows."""

    def make(rows=None):
        rows = rows or prepared()
        split = pd.DataFrame({"id": rows.features["id"], "part": PARTS})
        split["fold"] = [*(np.arange(24) % 3), *[None] * 12]
        table = split.assign(stratum="seen").to_csv(index=False).encode()
        monkeypatch.setattr(data, "build", lambda *_, **__: rows)
        monkeypatch.setattr(data, "split_table", lambda *_: table)
        monkeypatch.setattr(data, "differences", lambda *_: [])
        return data.prepare(*api.load("toy"))

    return make


@pytest.fixture
def file(workspace):
    (workspace / "mine.py").write_text(MODEL)
    return workspace / "mine.py"


def test_every_part_has_the_whole_table(made):
    ready = made()
    train = ready.train()
    for part in (train, ready.part("test"), train.take(train.folds != 1), train.without_answers()):
        pd.testing.assert_frame_equal(part.tables["lines"], lines().set_index("line"))
        assert list(part.tables) == ["lines"]
    assert repr(train.tables) == "<Tables: lines>"
    assert "tables" in repr(train)


def test_a_table_is_written_once_and_read_when_asked_for(made):
    ready = made()
    named = [name for name in ready.manifest["files"] if "lines" in name]
    assert named == ["public/lines.table.parquet"]
    part = ready.part("test")
    (ready.folder / named[0]).write_bytes(b"broken")
    assert "lines" in part.tables
    with pytest.raises(DataError, match="changed or truncated"):
        part.tables["lines"]
    with pytest.raises(KeyError, match="no table 'genes': lines"):
        part.tables["genes"]


def test_the_fingerprint_holds_tables_and_is_the_same_without(made):
    known = fingerprint(prepared())
    other = lines()
    other.loc[3, "a"] += 1
    assert fingerprint(prepared(tables={"lines": other})) != known
    assert fingerprint(prepared(tables={"cells": lines()})) != known
    assert fingerprint(prepared(tables={})) != known
    plain = "2b0d7f2cccc5d675"  # of the same rows before there were tables
    assert fingerprint(prepared(tables={})).startswith(plain)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (lines()[1:], "table 'lines' lacks 1 key: 'l0'"),
        (pd.concat([lines(), lines()[:2]]), "table 'lines' has 2 keys twice: 'l0', 'l1'"),
        (lines().rename(columns={"line": "cell"}), "must be one of the features: its key"),
        (lines().rename(columns={"a": "y"}), "table 'lines' is public and has y"),
        (lines().rename(columns={"a": "site"}), "table 'lines' has 1 column twice: site"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table, problem, monkeypatch):
    toy = api.load("toy")
    given = prepared(tables={"lines": table})
    monkeypatch.setattr(toy[0].module("simulate"), "demo", lambda: given)
    with pytest.raises(DataError, match="do not fit") as error:
        data.build(*toy)
    assert problem in str(error.value.problems)


def test_a_split_may_be_by_what_rows_name():
    rows = prepared()
    by_row = "".join(f"r{row},train,{row % 12 % 3},seen\n" for row in range(len(PARTS)))
    by_line = "".join(f"l{line},train,{line % 3},seen\n" for line in range(12))
    head = "part,fold,stratum\n"
    whole = f"id,{head}{by_row}".encode()
    assert data.split_of_rows(whole, rows) == whole
    assert data.split_of_rows(f"line,{head}{by_line}".encode(), rows) == whole
    answered = prepared(targets=rows.targets[:30])
    split = data.split_of_rows(f"line,{head}l0,public,,seen\n".encode(), answered).decode()
    assert split.splitlines()[1:3] == ["r0,public,,seen", "r1,,,"]
    assert "r24,public,,seen" in split
    assert all("open" in line for line in split.splitlines()[31:] if ",,," not in line)


def test_answers_in_a_table_are_a_finding(made, monkeypatch):
    tested = DatasetUnderTest(*api.load("toy"))
    made()
    assert not list(checks.answers_are_apart(tested))
    made(prepared(tables={"lines": lines().rename(columns={"a": "y"})}))
    tested = DatasetUnderTest(*api.load("toy"))
    assert "the table lines has ['y']" in list(checks.answers_are_apart(tested))


def test_a_model_has_tables_in_a_run_and_in_folds(made, file):
    ready = made()
    mine = model.find(ready.competition, str(file))
    validation = out_of_fold.cross_validate(ready, mine, params={}, limits=Limits())
    assert validation.score == 0.0  # the table says the answers
    assert podium.run("toy", file, submit=False).file.is_file()


def test_a_fold_has_the_file_itself(made, tmp_path):
    ready = made()
    view = views.of_fold(Folds.of(ready), 0, tmp_path / "fold")
    name = "public/lines.table.parquet"
    assert view.data.file(name).samefile(ready.file(name))


def test_where_files_cannot_be_linked_they_are_copied(made, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError

    monkeypatch.setattr(type(tmp_path), "hardlink_to", refused)
    ready = made()
    view = views.of_fold(Folds.of(ready), 0, tmp_path / "fold")
    pd.testing.assert_frame_equal(view.data.tables["lines"], ready.tables["lines"])


OWN = pd.DataFrame({"line": ["new", "l3"], "a": [50.0, 60.0], "site": ["x", "z"]})


def test_rows_of_ones_own_name_known_lines_and_new_ones(made, file, capsys):
    made()
    rows = pd.DataFrame({"line": ["l3", "new", "l5"]})
    known = podium.predict("toy", file, rows[::2]).table
    assert known["y"].tolist() == [3.0, 5.0]
    both = podium.predict("toy", file, rows, tables={"lines": OWN}).table
    assert both["y"].tolist() == [60.0, 50.0, 5.0]
    assert "table 'lines': yours replaces 1 row of the dataset: 'l3'" in capsys.readouterr().err


def test_what_is_wrong_with_own_tables_is_said_at_once(made, file):
    made()
    rows = pd.DataFrame({"line": ["l3", "new", "newer"]})
    said = {}
    for name, table in {
        "none": None,
        "short": OWN.drop(columns="a"),
        "twice": pd.concat([OWN, OWN]),
        "gaps": OWN.assign(a=[None, 1.0]),
        "text": OWN.assign(a=["one", "2"]),
    }.items():
        tables = {} if table is None else {"lines": table}
        with pytest.raises(PodiumError) as error:
            podium.predict("toy", file, rows, tables=tables)
        said[name] = str(error.value.problems)
    assert "column 'line': table 'lines' has no row for 2: 'new', 'newer'" in said["none"]
    assert "table 'lines': column 'a' is missing" in said["short"]
    assert "table 'lines': column 'line': 2 keys there twice: 'new', 'l3'" in said["twice"]
    assert "table 'lines': column 'a': no value in 1 row" in said["gaps"]
    assert "table 'lines': column 'a': numbers expected: 1 row (row 1) ('one')" in said["text"]


def test_the_hint_names_the_table_that_is_wrong(made, file):
    public = made().folder / "public"
    OWN.drop(columns="a").to_csv("lines.csv", index=False)
    rows = pd.DataFrame({"line": ["l3"]})
    with pytest.raises(PodiumError) as error:
        podium.predict("toy", file, rows, tables={"lines": Path("lines.csv")})
    assert error.value.problems == (
        "table 'lines', lines.csv: column 'a' is missing: numbers expected",
    )
    assert (
        error.value.hint
        == f"The columns of table 'lines' are those of {public / 'lines.table.parquet'}"
    )
    with pytest.raises(PodiumError) as error:
        podium.predict("toy", file, rows.rename(columns={"line": "row"}))
    assert error.value.hint.endswith(
        "test.parquet; a column 'id' may be left out. Further rows of 'lines': --table lines=FILE"
    )


def test_a_table_that_there_is_not_is_refused(made, file):
    made()
    with pytest.raises(PodiumError, match=re.escape("Unknown table of toy 'line'. Did you mean")):
        podium.predict("toy", file, pd.DataFrame({"line": ["l1"]}), tables={"line": OWN})


def test_the_command_takes_tables(made, file, podium_cli):
    made()
    OWN.to_csv("lines.csv", index=False)
    pd.DataFrame({"line": ["new", "l5"]}).to_csv("rows.csv", index=False)
    command = ["predict", "toy", "mine.py", "--input", "rows.csv"]
    said = podium_cli(*command, "--table", "lines=lines.csv", "--json").json
    assert [row["y"] for row in said["predictions"]] == [50.0, 5.0]
    for wrong in (["lines"], ["=x"], ["lines=a", "--table", "lines=b"]):
        done = podium_cli(*command, "--table", *wrong)
        assert done.status == 1
        assert "names no table, or one again" in done.err


def test_data_and_show_list_the_tables(made, podium_cli):
    made()
    for command in ("data", "show"):
        assert "lines.table.parquet" in podium_cli(command, "toy").out
