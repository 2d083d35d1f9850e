"""`podium freeze`: an organiser changes their mind, and nothing goes on silently."""

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from test_new import named, only, organiser, place  # noqa: F401  fixtures

import podium
from podium.competition import folders as competition
from podium.competition import version
from podium.data import dataset as data
from podium.errors import DataError, PodiumError
from podium.scoring import submission
from podium.verifying import checks
from podium.verifying.under_test import DatasetUnderTest
from suites import mostly_slow

TEAMS = ("ana", "bob", "eve")
FROZEN = sorted(
    file.parent.name for file in (Path(__file__).parents[2] / "competitions").glob("*/golden.json")
)


@pytest.fixture(scope="module")
def made(made_once, organiser):  # noqa: F811
    """A folder with a workspace and a cache: a new competition with three submissions."""

    def fill():
        folder = Path("workspace").absolute()
        shutil.copytree(organiser, folder)
        with named(folder), pytest.MonkeyPatch.context() as patch:
            patch.setenv("PODIUM_DATA", str(Path("cache").absolute()))
            patch.chdir(folder)
            podium.new("mine", table="value.csv", target="value", metric="rmse")
            ready = data.load(*podium.load("mine"))
            sample = pd.read_csv(ready.folder / "public" / data.SAMPLE, dtype={"id": str})
            for shift, team in enumerate(TEAMS):
                sample.assign(value=sample["value"] + shift).to_csv(f"{team}.csv", index=False)
                podium.submit("mine", f"{team}.csv", team=team)

    return made_once(fill)


@pytest.fixture
def mine(made, workspace, own_cache):
    """A competition as `podium new` makes it, with three submissions."""
    shutil.copytree(made / "workspace", workspace, dirs_exist_ok=True)
    shutil.copytree(made / "cache", own_cache)
    with named(workspace):
        yield workspace / "competitions" / "mine"


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
    table.loc[table["id"] == test, "value"] = "20.5"
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
    case = DatasetUnderTest(*podium.load("mine"))
    for check in (checks.raw_files_are_those_that_were_frozen, checks.board_is_whole):
        assert list(check(case)) == []


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
    case = DatasetUnderTest(*podium.load("mine"))
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
    assert list(checks.groups_keep_apart(DatasetUnderTest(*podium.load("mine")))) == []


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
    """They count as they stand; `freeze` says that they changed and what it means for the board."""
    from podium.creating import facts

    file = mine / "competition.py"
    text = file.read_text()
    file.write_text(text.replace('group="row"', 'group="row", enough=3'))
    assert file.read_text() != text
    facts.forget(competition.load("mine"))
    assert ranked() == []
    podium.withdraw(podium.board("mine")[0].submission, team=podium.board("mine")[0].team)
    done = podium_cli("freeze", "mine", "--json").json
    assert done["changes"] == ["facts of competition.py that a score depends on have changed"]
    assert (done["written"], list(done["versions"])) == (["golden.json"], ["table"])
    assert done["outdated"] == {"table": 2}
    assert {one.status for one in podium.rescore("mine")} == {"scored"}
    after = podium_cli("freeze", "mine", "--json").json
    assert (after["outdated"], after["changes"]) == ({}, [])


@pytest.mark.parametrize("name", ["toy", *FROZEN])
def test_the_facts_of_what_is_shipped_are_those_that_were_frozen(name):
    one = competition.load(name)
    assert version.read_golden(one)["facts"] == version.facts_of(one)


def test_a_sha256_that_stands_nowhere_as_text(mine):
    facts = mine / "competition.py"
    sha256 = version.file_sha256(mine / "raw" / "train.csv")
    facts.write_text(facts.read_text().replace(f'"{sha256}"', f'"{sha256[:9]}" + "{sha256[9:]}"'))
    table = raw(mine)
    write(mine, table.assign(value=table["value"].str.replace("1", "3")))
    with pytest.raises(PodiumError, match="does not have its sha256") as error:
        podium.freeze("mine")
    assert version.file_sha256(mine / "raw" / "train.csv") in error.value.hint
    lines = facts.read_text().splitlines()
    (at,) = [number for number, line in enumerate(lines, 1) if sha256[:9] in line]
    assert f"competition.py, line {at}," in error.value.hint


FACTS = """\ufeff
A = "ä"; Dataset(name="one", sources=(
    Source(url="raw", members={"a.csv": "f0", "b.csv": "f0"}),
    Source(url="old", members={"a.csv": 'f0'}),
))
Dataset(name="two", sources=[Source(url="raw", members={"a.csv": ("f" "0")})])
Dataset(name="three", sources=[Source(url="raw", members={"a.csv": A}), *MORE])
"""


@pytest.mark.parametrize(
    ("where", "old", "new"),
    [
        (("one", 0, "a.csv"), '"a.csv": "f0", "b', '"a.csv": "f1", "b'),
        (("one", 0, "b.csv"), '"b.csv": "f0"', '"b.csv": "f1"'),
        (("one", 1, "a.csv"), "'f0'", "'f1'"),
        (("two", 0, "a.csv"), '"f" "0"', '"f1"'),
    ],
)
def test_a_sha256_is_replaced_where_it_stands(where, old, new):
    """Other members, sources and datasets may have the same content."""
    from podium.creating.facts import with_sha256

    made = with_sha256(FACTS, where, "f0", "f1")
    assert made == FACTS.replace(old, new)
    assert with_sha256(made, where, "f0", "f1") == made


@pytest.mark.parametrize("where", [("three", 0, "a.csv"), ("three", 1, "a.csv"), ("four", 0, "a")])
def test_a_sha256_that_is_computed_is_edited_by_hand(where):
    from podium.creating.facts import with_sha256

    with pytest.raises(PodiumError) as error:
        with_sha256(FACTS, where, "e0", "f1")
    assert "Write f1 into competition.py" in error.value.hint
    assert ("line 7" in error.value.hint) == (where[0] == "three")


def test_two_raw_files_of_the_same_content(mine):
    """One of them is changed: the other keeps its sha256."""
    from podium.creating import facts

    old = version.file_sha256(mine / "raw" / "train.csv")
    (mine / "raw" / "copy.csv").write_bytes((mine / "raw" / "train.csv").read_bytes())
    file = mine / "competition.py"
    text = file.read_text().replace("members={", f'members={{"copy.csv": "{old}", ')
    assert text.count(old) == 2
    file.write_text(text)
    facts.forget(competition.load("mine"))
    table = raw(mine)
    write(mine, table.assign(value=table["value"].where(table.index > 0, "0.5")))
    podium.freeze("mine")
    (source,) = podium.load("mine")[1].sources
    now = version.file_sha256(mine / "raw" / "train.csv")
    assert source.members == {"train.csv": now, "copy.csv": old}


def rescale(folder):
    """Another metric; nobody has told."""
    file = folder / "metric.py"
    file.write_text(
        f"{file.read_text()}\n\nfrom dataclasses import replace\n\n_PLAIN = metric\n"
        "metric = replace(_PLAIN, finish=lambda sums, layout: "
        "{k: 2 * v for k, v in _PLAIN.finish(sums, layout).items()})\n"
    )


@pytest.mark.parametrize("how", ["elsewhere", "damaged"])
def test_a_changed_metric_is_noticed_without_the_cache(mine, tmp_path, monkeypatch, how):
    """As after a fresh clone, or with another PODIUM_DATA."""
    ready = data.load(*podium.load("mine"))
    if how == "elsewhere":
        monkeypatch.setenv("PODIUM_DATA", str(tmp_path / "other"))
    else:
        for file in (ready.folder / "solution").iterdir():
            file.write_bytes(b"torn")
    rescale(mine)
    frozen = podium.freeze("mine")
    assert frozen.metric_version == 2
    assert "metric version 1 -> 2: it gives other scores" in frozen.changes
    assert any("table: rmse of its slight predictions" in line for line in frozen.changes)
    assert ranked() == []
    assert podium.freeze("mine").changes == ()


def test_where_nobody_can_tell_the_metric_has_another_version(mine, tmp_path, monkeypatch):
    """The data have changed and the former answers are not here; where they are, it is told."""
    monkeypatch.setenv("PODIUM_DATA", str(tmp_path / "other"))
    table = raw(mine)
    write(mine, table.assign(value=table["value"].where(table.index > 0, "0.5")))
    frozen = podium.freeze("mine")
    assert frozen.metric_version == 2
    (line,) = [line for line in frozen.changes if "metric version 1 -> 2" in line]
    assert "nobody can tell" in line
    write(mine, table)
    assert podium.freeze("mine").metric_version == 2


class Killed(BaseException):
    """Not what anything catches."""


@pytest.mark.parametrize(
    ("error", "after"), mostly_slow([(OSError, 2), *((Killed, n) for n in range(5))], 3)
)
def test_a_freeze_that_is_cut_off_is_completed_by_the_next(mine, monkeypatch, error, after):
    """One that fails leaves the folder and the cache as they were."""
    test = ids_of(mine, "private")
    write(mine, raw(mine).query("id != @test[0]"))
    rescale(mine)
    before = files(mine)
    cached = version.read_manifest(version.cache_folder(*podium.load("mine")))
    replace, done = Path.replace, []

    def failing(path, target):
        if Path(target).is_relative_to(mine):
            done.append(target)
            if len(done) == after + 1:
                raise error
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(DataError if error is OSError else Killed):
        podium.freeze("mine")
    monkeypatch.setattr(Path, "replace", replace)
    assert version.read_manifest(version.cache_folder(*podium.load("mine"))) == cached
    assert (files(mine) == before) == (error is OSError or after == 0)
    podium.freeze("mine")
    assert (mine / "splits" / "table.retired.txt").read_text() == f"{test[0]}\n"
    assert podium.load("mine")[0].metric_version == 2
    assert podium.freeze("mine").changes == ()
    assert {one.status for one in podium.rescore("mine")} == {"scored"}


def test_facts_that_were_edited_in_the_same_process(mine):
    """Freezing reads them anew, a dataset that is new as well."""
    file = mine / "competition.py"
    text = file.read_text()
    file.write_text(text.replace('name="table"', 'name="rows"'))
    assert file.read_text() != text
    (mine / "data.py").write_text((mine / "data.py").read_text().replace("def table", "def rows"))
    (mine / "splits" / "table.csv").rename(mine / "splits" / "rows.csv")
    frozen = podium.freeze("mine", "rows")
    assert "golden scores are made for rows" in frozen.changes
    file.write_text(file.read_text().replace('group="row"', 'group="row", enough=3'))
    assert "facts of competition.py that a score depends on have changed" in (
        podium.freeze("mine").changes
    )


def problems():
    return list(checks.raw_files_are_those_that_were_frozen(DatasetUnderTest(*podium.load("mine"))))


def test_raw_files_that_are_gone_are_no_frozen_ones(mine):
    assert problems() == []
    (mine / "raw" / "train.csv").unlink()
    (problem,) = problems()
    assert problem == f"train.csv is missing in {mine / 'raw'}: put back what was there"


def test_a_backup_below_raw_is_no_raw_file(mine, podium_cli):
    file = mine / "raw" / "train.csv"
    (mine / "raw" / "old").mkdir()
    (mine / "raw" / "old" / "train.csv").write_bytes(file.read_bytes())
    assert problems() == []
    table = raw(mine)
    write(mine, table.assign(value=table["value"].where(table.index > 0, "0.5")))
    (problem,) = problems()
    assert "train.csv: sha256 is" in problem
    assert problem.endswith("podium freeze mine")
    with pytest.raises(DataError, match="not whole") as error:
        data.prepare(*podium.load("mine"))
    assert "podium freeze mine" in error.value.hint
    assert "raw file train.csv is another" in podium.freeze("mine").changes[0]
    assert problems() == []


def test_new_rows_of_a_rule_keep_beside_their_groups(place, own_cache):  # noqa: F811
    """Their part is that of a fresh run of `split.py`, unless their group has another."""
    by = {"split": "grouped", "by": "patient"}
    podium.new("mine", table="value.csv", target="value", metric="rmse", **by)
    folder = place / "competitions" / "mine"
    split, table = parts(folder), raw(folder)
    patient = table.set_index("id")["patient"]
    train = split.index[split["part"] == "train"][0]
    public = ids_of(folder, "public")[0]
    rows = {
        "t1": (public, "train", "0"),
        "t2": (train, "public", ""),
        "t3": (train, "train", str((int(split.loc[train, "fold"]) + 1) % 5)),
        "t4": (public, "private", ""),
        "t5": (None, "private", ""),
        "t6": (None, "private", ""),
    }
    groups = [patient[like] if like else "fresh" for like, *_ in rows.values()]
    write(folder, pd.concat([table, table.iloc[: len(rows)].assign(id=list(rows), patient=groups)]))
    (folder / "split.py").write_text(
        f"import pandas as pd\n\n{rows = }\n\n\ndef table(prepared):\n"
        "    made = [(i, *rows.get(i, ('?', 'train', '0'))[1:]) for i in prepared.targets['id']]\n"
        "    made = pd.DataFrame(made, columns=['id', 'part', 'fold'])\n"
        f"    return made.assign(stratum={split.loc[train, 'stratum']!r})\n"
    )
    podium.freeze("mine")
    after = parts(folder)
    assert list(after.loc[[*rows], "part"]) == [
        *("unused", "unused", "train", "public", "private", "private")
    ]
    assert after.loc["t3", "fold"] == split.loc[train, "fold"]
    assert list(checks.groups_keep_apart(DatasetUnderTest(*podium.load("mine")))) == []


def test_a_metric_version_in_one_line_facts(mine, monkeypatch):
    from podium.creating import facts

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


@pytest.mark.slow
def test_a_changed_metric_of_data_without_checksums(mine):
    """Golden scores lie beside their answers in the cache, and nothing is committed."""
    file, sha256 = mine / "competition.py", version.file_sha256(mine / "raw" / "train.csv")
    file.write_text(file.read_text().replace(f'"{sha256}"', "None"))
    (mine / "checksums.json").unlink()
    (mine / "golden.json").unlink()
    podium.freeze("mine")
    podium.submit("mine", "ana.csv", team="new")
    rescale(mine)
    frozen = podium.freeze("mine")
    assert frozen.metric_version == 2
    assert podium.load("mine")[0].metric_version == 2
    assert {one.status for one in podium.rescore("mine")} == {"scored"}
