"""`podium freeze`: an organiser changes their mind, and nothing goes on silently."""

import json
import os

import pandas as pd
import pytest

import podium
from podium import competition, data, submission, version
from podium.errors import DataError, PodiumError
from podium.verifying import checks
from podium.verifying.case import Case
from test_new import only, place  # noqa: F401  a fixture

TEAMS = ("ana", "bob", "eve")


@pytest.fixture
def mine(place, own_cache):  # noqa: F811
    """A competition as `podium new` makes it, with three submissions."""
    podium.new("mine", table="value.csv", target="value", metric="rmse")
    ready = data.load(*podium.load("mine"))
    sample = pd.read_csv(ready.folder / "public" / data.SAMPLE, dtype={"id": str})
    for shift, team in enumerate(TEAMS):
        sample.assign(value=sample["value"] + shift).to_csv(f"{team}.csv", index=False)
        podium.submit("mine", f"{team}.csv", team=team)
    return place / "competitions" / "mine"


def raw(folder):
    return pd.read_csv(folder / "raw" / "train.csv", dtype=str)


def write(folder, table):
    table.to_csv(folder / "raw" / "train.csv", index=False)


def parts(folder):
    split = pd.read_csv(folder / "splits" / "table.csv", dtype=str, keep_default_na=False)
    return split.set_index("id")


def ids_of(folder, *wanted):
    split = parts(folder)
    return list(split.index[split["part"].isin(wanted)])


def ranked():
    return [row.team for row in podium.board("mine") if row.rank]


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_where_nothing_changed_freezing_changes_nothing(mine, podium_cli):
    before = files(mine)
    done = podium_cli("freeze", "mine", "--json")
    assert (done.status, done.json["changes"], done.json["written"]) == (0, [], [])
    assert files(mine) == before
    assert "nothing has changed" in podium_cli("freeze", "mine").out
    toy = podium.freeze("toy")
    assert (toy.changes, toy.written) == ((), ())


def test_a_corrected_label_is_noticed_and_frozen(mine, podium_cli):
    table = raw(mine)
    test = ids_of(mine, "public")[0]
    before = table.copy()
    table.loc[table["id"] == test, "value"] = "40.5"
    write(mine, table)
    for command in (("submit", "mine", "ana.csv", "--team", "new"), ("data", "mine")):
        done = podium_cli(*command)
        assert done.status == 1, command
        assert "raw/train.csv: sha256 is" in done.err
        assert "podium freeze mine" in done.err
    (failed,) = [v for v in podium_cli("verify", "mine", "--json").json if v["problem"]]
    assert "raw/train.csv" in failed["problem"]
    write(mine, before)  # put back: all is as it was
    assert podium_cli("data", "mine").status == 0
    write(mine, table)
    done = podium_cli("freeze", "mine")
    assert done.status == 0, done.err
    assert "raw file train.csv is another" in done.out
    assert "the prepared data are others" in done.out
    assert "3 submissions are outdated" in done.out
    assert "its metric in version 1." in done.out
    assert version.file_sha256(mine / "raw" / "train.csv") in (mine / "competition.py").read_text()
    assert ranked() == []
    assert {one.status for one in podium.rescore("mine")} == {"scored"}
    assert sorted(ranked()) == sorted(TEAMS)
    assert [v["problem"] for v in podium_cli("verify", "mine", "--json").json if v["problem"]] == []


def test_a_file_that_was_only_touched_is_the_same(mine):
    file = mine / "raw" / "train.csv"
    os.utime(file, (1, 1))
    ready = data.load(*podium.load("mine"))
    assert version.read_manifest(ready.folder)["raw"]["raw/train.csv"]["time"] == 10**9
    file.unlink()  # whoever has the cache may do without
    data.load(*podium.load("mine"))


def test_a_change_that_keeps_size_and_time_is_found_by_verify(mine):
    file = mine / "raw" / "train.csv"
    stat = file.stat()
    case = Case(*podium.load("mine"))
    assert list(checks.raw_files_are_those_that_were_frozen(case)) == []
    file.write_bytes(file.read_bytes().replace(b"1", b"2"))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (problem,) = checks.raw_files_are_those_that_were_frozen(case)
    assert "train.csv: sha256 is" in problem
    assert problem.endswith("podium freeze mine")


def test_one_test_row_fewer_and_every_file_is_scored_again(mine, podium_cli):
    test = ids_of(mine, "private")
    write(mine, raw(mine).query("id != @test[0]"))
    done = podium_cli("freeze", "mine", "--json")
    assert done.status == 0, done.err
    assert "table: rows that are gone: 1 private" in done.json["changes"]
    assert done.json["outdated"] == {"table": 3}
    assert (mine / "splits" / "table.retired.txt").read_text() == f"{test[0]}\n"
    assert ids_of(mine, "private") == test[1:]
    assert {one.status for one in podium.rescore("mine")} == {"scored"}
    assert sorted(ranked()) == sorted(TEAMS)
    notes = []
    ready = data.load(*podium.load("mine"))
    submission.check(mine.parents[1] / "ana.csv", ready, notes=notes)
    assert notes == [f"1 row is no longer scored and was left out: {test[0]}"]
    assert podium_cli("check", "mine", "ana.csv").status == 0
    table = pd.read_csv("ana.csv", dtype=str)
    table.assign(id=[*table["id"][:-1], "nobody"]).to_csv("wrong.csv", index=False)
    wrong = podium_cli("check", "mine", "wrong.csv")
    assert "1 unknown id" in wrong.err
    assert "nobody" in wrong.err
    assert podium.freeze("mine").changes == ()


def test_a_row_that_comes_back_is_scored_again(mine, place):  # noqa: F811
    whole, test = raw(mine), ids_of(mine, "public")
    write(mine, whole.query("id not in @test[:3]"))
    podium.freeze("mine")
    assert len((mine / "splits" / "table.retired.txt").read_text().split()) == 3
    split = mine / "splits" / "table.csv"
    rows = [f"{row},public,,rows\n" for row in test[:3]]
    split.write_text(split.read_text() + "".join(rows))
    write(mine, whole)
    podium.freeze("mine")
    assert not (mine / "splits" / "table.retired.txt").exists()
    assert {one.status for one in podium.rescore("mine")} == {"scored"}


def test_new_labelled_rows_need_a_part(mine, podium_cli):
    table = raw(mine)
    new = table.iloc[:4].assign(id=["n1", "n2", "n3", "n4"])
    write(mine, pd.concat([table, new]))
    before = files(mine)
    refused = podium_cli("freeze", "mine")
    assert refused.status == 1
    assert "4 labelled rows of mine/table have no part in the split" in refused.err
    assert "n1" in refused.err
    assert "podium freeze mine --new-rows train" in refused.err
    assert files(mine) == before
    done = podium_cli("freeze", "mine", "--new-rows", "train")
    assert done.status == 0, done.err
    assert "rows that are new: 4 train" in done.out
    split = parts(mine)
    assert list(split.loc[["n1", "n2", "n3", "n4"], "part"]) == ["train"] * 4
    sizes = split.loc[split["part"] == "train", "fold"].value_counts()
    assert sizes.max() - sizes.min() <= 1
    assert len(data.load(*podium.load("mine")).train()) == (split["part"] == "train").sum()
    assert podium_cli("freeze", "mine", "--new-rows", "test").status == 2


def test_rows_without_an_answer_are_open(mine):
    table, (first, *_) = raw(mine), ids_of(mine, "public")
    table.loc[table["id"] == first, "value"] = None
    write(mine, table)
    frozen = podium.freeze("mine")
    assert "table: rows that are gone: 1 public" in frozen.changes
    assert "table: rows that are new: 1 open" in frozen.changes
    assert parts(mine).loc[first, "part"] == "open"
    assert {one.status for one in podium.rescore("mine")} == {"scored"}


def test_new_rows_of_groups_that_are_tested_are_given_to_nobody(place, own_cache):  # noqa: F811
    by = {"split": "grouped", "by": "patient"}
    podium.new("mine", table="value.csv", target="value", metric="rmse", **by)
    folder = place / "competitions" / "mine"
    split, table = parts(folder), raw(folder)
    patient = table.set_index("id")["patient"]
    train = split.index[split["part"] == "train"][0]
    test = ids_of(folder, "public")[0]
    new = table.iloc[:4].assign(
        id=["t1", "k1", "f1", "f2"], patient=[patient[test], patient[train], "fresh", "fresh"]
    )
    write(folder, pd.concat([table, new]))
    podium.freeze("mine", new_rows="train")
    after = parts(folder)
    assert after.loc["t1", "part"] == "unused"
    assert list(after.loc["k1", ["part", "fold"]]) == ["train", split.loc[train, "fold"]]
    assert after.loc["f1", "fold"] == after.loc["f2", "fold"]
    assert list(checks.groups_keep_apart(Case(*podium.load("mine")))) == []


def test_what_cannot_be_frozen_is_said_and_nothing_is_written(mine, podium_cli):
    file = mine / "raw" / "train.csv"
    file.unlink()
    gone = podium_cli("freeze", "mine")
    assert gone.status == 1
    assert "train.csv is missing in" in gone.err
    sources = podium_cli("freeze", "mine", "--from", "raw")
    assert "name it with --dataset" in sources.err
    beside = podium_cli("freeze", "mine", "--dataset", "table", "--from", ".")
    assert "--from is for those that do not" in beside.err
    unknown = podium_cli("freeze", "mine", "--dataset", "nope")
    assert unknown.status == 1
    only("value").assign(value="high").to_csv(file, index=False)
    before = files(mine)
    assert podium_cli("freeze", "mine").status == 1
    assert files(mine) == before


def test_facts_that_a_score_depends_on(mine, podium_cli):
    """They count as they stand; `freeze` says what that means for the board."""
    from podium.freezing import facts

    file = mine / "competition.py"
    text = file.read_text()
    file.write_text(text.replace('group="row"', 'group="row", enough=3'))
    assert file.read_text() != text
    facts.forget(competition.load("mine"))
    assert ranked() == []
    podium.withdraw(podium.board("mine")[0].submission, team=podium.board("mine")[0].team)
    assert podium_cli("freeze", "mine", "--json").json["outdated"] == {"table": 2}
    assert {one.status for one in podium.rescore("mine")} == {"scored"}
    assert podium_cli("freeze", "mine", "--json").json["outdated"] == {}


def test_a_sha256_that_stands_nowhere_as_text(mine):
    facts = mine / "competition.py"
    sha256 = version.file_sha256(mine / "raw" / "train.csv")
    facts.write_text(facts.read_text().replace(f'"{sha256}"', f'"{sha256[:9]}" "{sha256[9:]}"'))
    table = raw(mine)
    write(mine, table.assign(value=table["value"].str.replace("1", "3")))
    with pytest.raises(PodiumError, match="does not have the sha256") as error:
        podium.freeze("mine")
    assert version.file_sha256(mine / "raw" / "train.csv") in error.value.hint


def test_a_metric_version_in_one_line_facts(mine, monkeypatch):
    from podium.freezing import facts

    text = (mine / "competition.py").read_text()
    assert "metric_version=2,\n" in facts.with_version(text, "mine", 2)
    twice = facts.with_version(facts.with_version(text, "mine", 2), "mine", 3)
    assert twice.count("metric_version=3") == 1
    with pytest.raises(PodiumError, match="cannot be changed from here"):
        facts.with_version("competition = made('mine')\n", "mine", 2)


def test_freezing_tells_of_datasets_whose_data_are_not_here(own_cache, tmp_path, monkeypatch):
    """A metric that changed is frozen with what is at hand; the rest follows with its data."""
    import shutil

    import podium.competitions

    folder = tmp_path / "competitions" / "other"
    ignored = shutil.ignore_patterns("__pycache__", "raw")
    shutil.copytree(competition.load("toy").folder, folder, ignore=ignored)
    text = (folder / "competition.py").read_text().replace('name="toy"', 'name="other"')
    (folder / "competition.py").write_text(text)
    roots = [*podium.competitions.__path__, str(folder.parent)]
    monkeypatch.setattr(podium.competitions, "__path__", roots)
    data.load(*podium.load("other"))
    metric = (folder / "metric.py").read_text()
    (folder / "metric.py").write_text(metric.replace('"mae": ', '"mae": 3 * '))
    frozen = podium.freeze("other")
    assert frozen.metric_version == 2
    assert "table: no golden scores, its data are not here" in frozen.changes
    known = json.loads((folder / "golden.json").read_text())
    assert (known["metric"], list(known["scores"])) == (2, ["demo"])


def test_raw_files_that_match_no_sha256_still_say_where_they_are(mine):
    (mine / "raw" / "train.csv").write_text("id\n")
    with pytest.raises(DataError, match="have changed since they were frozen"):
        data.load(*podium.load("mine"))
