"""The command line as a person or a script uses it: results, messages, exit status."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from podium import api, cli
from podium.competition import version
from podium.data import dataset as data
from podium.verifying.verify import CHECKS
from suites import mostly_slow

ROW = {
    "rank", "reference_rank", "tier", "team", "name", "model", "score", "ci_low", "ci_high",
    "normalised", "win_next",
    "entries", "metrics", "strata", "submission", "created", "status",
}  # fmt: skip


SQLITE_FIRST = pytest.mark.parametrize(
    "database", mostly_slow(["sqlite", "postgresql"], 0), indirect=True
)
"""For what does not differ by the database, but for a first test of each."""


@pytest.fixture
def file(sample, workspace):
    sample.to_csv("mine.csv", index=False)
    return "mine.csv"


def files(workspace):
    return sorted(str(p.relative_to(workspace)) for p in workspace.rglob("*") if p.is_file())


@pytest.mark.usefixtures("database")
def test_run_ends_on_the_board(podium_cli, workspace):
    done = podium_cli("run", "toy", "line", "--seed", "3")
    assert done.status == 0
    assert "public rank 1 of 1 on toy/demo; team ana: its first entry" in done.out
    assert "new" in done.out
    board = podium_cli("board", "toy", "--json").json
    assert {key: board[key] for key in ("competition", "dataset", "metric", "part")} == {
        "competition": "toy", "dataset": "demo", "metric": "rmse", "part": "public",
    }  # fmt: skip
    assert board["higher_is_better"] is False
    assert all(set(row) == ROW for row in board["rows"])
    assert {row["name"]: row["status"] for row in board["rows"]} == {
        "ceiling": "ceiling", "line": "scored", "zero": "control",
    }  # fmt: skip
    kept = [name for name in files(workspace) if name.startswith("submissions/toy/demo/ana/")]
    assert len(kept) == 1


@pytest.mark.usefixtures("database")
@SQLITE_FIRST
def test_run_and_submit_give_the_row_and_seconds(podium_cli, file):
    run = podium_cli("run", "toy", "line", "--json").json
    assert set(run) == ROW | {"seconds"}
    submit = podium_cli("submit", "toy", file, "--team", "bob", "--name", "guess", "--json").json
    assert set(submit) == ROW | {"seconds"}
    assert (submit["rank"], submit["team"], submit["name"]) == (2, "bob", "guess")
    assert submit["ci_low"] < submit["score"] < submit["ci_high"]
    assert set(submit["strata"]) == {"new", "seen"}


@pytest.mark.usefixtures("database")
@SQLITE_FIRST
def test_the_change_to_ones_own_best(podium_cli, file):
    podium_cli("submit", "toy", file)
    better = podium_cli("run", "toy", "line")
    assert "against its best before, better" in better.out
    worse = podium_cli("run", "toy", "constant", "--set", "value=5")
    assert "against its best before, worse" in worse.out


@pytest.mark.usefixtures("database")
@SQLITE_FIRST
def test_the_same_bytes_again_make_no_second_row(podium_cli, file):
    first = podium_cli("submit", "toy", file, "--json").json
    again = podium_cli("submit", "toy", file, "--name", "other")
    assert f"handed in before, as {first['submission']}" in again.err
    board = podium_cli("board", "toy", "--json").json
    assert [row["name"] for row in board["rows"] if row["rank"]] == ["mine"]


def test_the_same_seed_gives_the_same_submission(podium_cli):
    settings = ("run", "toy", "line", "--set", "jitter=0.5", "--json", "--seed")
    first, again, other = (podium_cli(*settings, seed).json for seed in (1, 1, 2))
    assert first["submission"] == again["submission"] != other["submission"]


def test_open_rows_are_written_for_their_own_scorers(podium_cli, raw_folder):
    assert podium_cli("data", "toy", "-d", "table", "--from", raw_folder("toy")).status == 0
    done = podium_cli("run", "toy", "line", "-d", "table")
    (file,) = Path().rglob("*.open.csv")
    assert str(file) in done.out
    assert file.read_text().splitlines()[0] == "id,y"
    assert len(file.read_text().splitlines()) == 7


def test_no_submit_writes_the_predictions_alone(podium_cli, workspace):
    done = podium_cli("run", "toy", "line", "--no-submit", "--json").json
    assert Path(done["file"]).is_file()
    assert api.check("toy", done["file"]).rows == 108
    assert podium_cli("board", "toy", "--json").json["rows"] == []


def test_a_model_file_of_ones_own(podium_cli, workspace):
    source = Path(api.load("toy")[0].folder / "models" / "line.py").read_text()
    Path("mine.py").write_text(source)
    assert podium_cli("run", "toy", "mine.py", "--json").json["model"] == "mine"
    Path("broken.py").write_text(source.replace("np.polyfit(", "np.polyfit(1 / 0, "))
    done = podium_cli("run", "toy", "broken.py")
    assert done.status == 1
    assert "broken.py failed in fit: ZeroDivisionError" in done.err
    assert "line 23 in fit" in done.err
    assert "Traceback" not in done.err + done.out


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("[1, 2]", "returned list"),
        ('pd.DataFrame({"id": part.ids})', "column 'y' is missing"),
        ('pd.DataFrame({"id": part.ids, "y": float("nan")})', "missing or NaN"),
        ('pd.DataFrame({"id": part.ids[:-1], "y": 0.0})', "1 id missing"),
    ],
)
def test_predictions_that_cannot_be_scored(result, words, podium_cli, workspace):
    Path("bad.py").write_text(
        "import pandas as pd\nDEFAULTS = {}\ndef space(trial): return {}\n"
        "def build(params, seed): return Bad()\nclass Bad:\n"
        f"    def fit(self, train, report=None): pass\n    def predict(self, part): "
        f"return {result}\n"
    )
    done = podium_cli("run", "toy", "bad.py")
    assert done.status == 1
    assert words in done.err
    assert not list(Path().rglob("*.parquet"))


@pytest.mark.usefixtures("database")
@SQLITE_FIRST
def test_refusals_write_nothing_and_say_what_to_do(podium_cli, sample, workspace):
    sample.assign(y=np.nan).to_csv("bad.csv", index=False)
    before = files(workspace)
    for command in ("check", "submit"):
        done = podium_cli(command, "toy", "bad.csv", "--json")
        assert done.status == 1
        assert "108 values missing or NaN" in done.json["error"]["problems"][0]
        assert done.err.startswith("error: The submission cannot be scored: 1 problem.")
    assert files(workspace) == before
    assert podium_cli("board", "toy", "--json").json["rows"] == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["board", "toi"], "Did you mean 'toy'?"),
        (["board", "toy", "-d", "dmo"], "Did you mean 'demo'?"),
        (["run", "toy", "lin"], "Did you mean 'line'?"),
        (["run", "toy", "line", "--set", "jiter=1"], "Did you mean 'jitter'?"),
        (["run", "toy", "line", "--set", "jitter=x"], "jitter of line is a number, as in 0.0, not"),
        (["run", "toy", "line", "--team", "../x"], "cannot be used"),
        (["run", "toy", "line", "--team", "Podium"], "belongs to the controls"),
        (["run", "toy", "line", "--name", "a\nb"], "cannot be used"),
        (["cv", "toy", "line", "--by", "grop"], "Did you mean 'group'?"),
        (["check", "toy", "none.csv"], "does not exist"),
        (["board", "toy", "--part", "private"], "Nothing was submitted"),
        (["reveal", "toy"], "Nothing was submitted"),
    ],
)
def test_what_is_refused_exits_with_1(command, words, podium_cli):
    done = podium_cli(*command)
    assert done.status == 1
    assert words in done.err
    assert done.out == ""


@pytest.mark.parametrize("command", [["no-such"], ["run", "toy"], ["board", "toy", "--part", "x"]])
def test_wrong_usage_exits_with_2(command, podium_cli):
    assert podium_cli(*command).status == 2


def test_our_own_fault_exits_with_3_and_says_how_to_report(podium_cli, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr(api, "check", fail)
    done = podium_cli("check", "toy", "x.csv")
    assert done.status == 3
    assert "fault of Podium: RuntimeError: a bug" in done.err
    report = Path(done.err.split()[-1])
    assert "Traceback" in report.read_text()
    report.unlink()


@pytest.mark.usefixtures("database")
@SQLITE_FIRST
def test_reveal_opens_the_other_parts(podium_cli, file):
    public = podium_cli("submit", "toy", file, "--json").json["score"]
    sealed = podium_cli("board", "toy", "--part", "private")
    assert (sealed.status, "sealed" in sealed.err) == (1, True)
    assert podium_cli("reveal", "toy", "--yes", "--json").json["new"] is True
    assert podium_cli("reveal", "toy", "--json").json["new"] is False
    scores = {
        part: [
            r["score"] for r in podium_cli("board", "toy", "--part", part, "--json").json["rows"]
        ]
        for part in ("public", "private", "all")
    }
    assert public in scores["public"]
    assert podium_cli("board", "toy", "--json").json["part"] == "private"
    assert podium_cli("board", "toy").out.startswith("Toy (toy/demo), private part")
    assert scores["public"] != scores["private"] != scores["all"]


@pytest.mark.usefixtures("database")
@SQLITE_FIRST
def test_nothing_private_is_shown_before_reveal(podium_cli, file, workspace):
    """No output and no file but the database holds a private score."""
    done = [
        podium_cli(*command)
        for command in (
            ["submit", "toy", file], ["run", "toy", "line", "--json"], ["run", "toy", "constant"],
            ["board", "toy"], ["board", "toy", "--json"], ["board", "toy", "--format", "csv"],
            ["list", "--json"], ["show", "toy", "--json"], ["data", "toy", "--json"],
            ["board", "toy", "--best-per-team"], ["board", "toy", "--sort", "new"],
            ["compare", "toy", "line", "mine", "constant", "zero"],
            ["compare", "toy", "line", "mine", "constant", "zero", "--json"],
            ["compare", "toy", "line", "ceiling"], ["compare", "toy", "no such"],
            ["withdraw", "0000"], ["export", "board.jsonl"], ["verify", "toy", "-d", "demo"],
        )
    ]  # fmt: skip
    assert [found.status for found in done].count(1) == 2  # what names no submission
    texts = [text for found in done for text in (found.out, found.err)]
    texts += [
        path.read_text(errors="ignore")
        for path in workspace.rglob("*")
        if path.is_file() and "board.sqlite" not in path.name
    ]
    podium_cli("reveal", "toy", "--yes")
    for part in ("private", "all"):
        for row in podium_cli("board", "toy", "--part", part, "--json").json["rows"]:
            hidden = [*row["metrics"].values(), *row["strata"].values(), row["ci_low"]]
            words = {str(value)[:8] for value in hidden} | {f"{row['score']:.4f}"}
            words |= {f"{value:.4f}" for value in row["strata"].values()}
            words = {word for word in words if len(word) > 5}  # 1.11 may be so many seconds
            assert not [word for word in words for text in texts if word in text], (part, row)


def test_formats_of_the_board(podium_cli, file):
    podium_cli("submit", "toy", file, "--name", "a|b,c")
    table, csv, markdown = (
        podium_cli("board", "toy", "--format", form).out for form in ("table", "csv", "markdown")
    )
    assert table.splitlines()[0] == "Toy (toy/demo), public part"
    assert '"a|b,c"' in csv
    assert "a\\|b,c" in markdown
    assert csv.splitlines()[0].startswith("rank,status,reference_rank,tier,team,name,model,rmse,ci")
    assert podium_cli("board", "toy", "--format", "json").json["rows"]


def test_csv_has_one_plain_value_a_column(podium_cli, file):
    """The same figures under the same names as JSON; nothing where there is none."""
    from csv import DictReader

    podium_cli("submit", "toy", file)
    podium_cli("run", "toy", "line")
    rows = podium_cli("board", "toy", "--json").json["rows"]
    table = list(DictReader(podium_cli("board", "toy", "--format", "csv").out.splitlines()))
    for row, shown in zip(rows, table, strict=True):
        plain = {key: value for key, value in row.items() if not isinstance(value, dict)}
        plain |= {"rmse": plain.pop("score"), "public_rank": None, **row["strata"]}
        assert shown == {key: "" if value is None else str(value) for key, value in plain.items()}


FORMULAS = {
    '=HYPERLINK("http://x.org","y")': """'=HYPERLINK("http://x.org","y")""",
    **{name: f"'{name}" for name in ("-1+1", "+1", "@SUM(1)", " =1", "\uff1d1")},
    "a;=1+1": "a;'=1+1",
}
MARKUP = (
    "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "![a](http://x.org/y.png)",
    "<https://x.org>", "https://x.org", "www.x.org", "`a` | b", "\\| c \\", "*a* _b_ ~~c~~",
    "&lt;b&gt;", "x\\", "plain name (a=1, b=-0.5)",
)  # fmt: skip


@pytest.mark.slow
def test_names_are_text_in_csv_and_markdown(podium_cli, sample):
    """Neither formulas nor HTML nor links; JSON has them as they stand."""
    from csv import DictReader

    from markdown_it import MarkdownIt

    for place, name in enumerate([*FORMULAS, *MARKUP]):
        sample.assign(y=place / 100).to_csv("mine.csv", index=False)
        assert podium_cli("submit", "toy", "mine.csv", "--name", name).status == 0
    rows = podium_cli("board", "toy", "--format", "json").json["rows"]
    assert {row["name"] for row in rows} >= {*FORMULAS, *MARKUP}

    table = list(DictReader(podium_cli("board", "toy", "--format", "csv").out.splitlines()))
    for row, shown in zip(rows, table, strict=True):
        assert shown["name"] == FORMULAS.get(row["name"], row["name"])
        assert float(shown["rmse"]) == pytest.approx(row["score"], abs=1e-3)
        assert float(shown["normalised"]) == pytest.approx(row["normalised"], abs=1e-3)
    assert [row for row in table if row["normalised"].startswith("-")]  # numbers stay numbers

    text = podium_cli("board", "toy", "--format", "markdown").out
    assert not re.search(r"<|>|javascript:|http:|https:|www\.|(?<!\\)[\[\]()]", text)
    (_, *parts) = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    inline = [token for token in parts if token.type == "inline"]
    kinds = {child.type for token in inline for child in token.children}
    assert kinds <= {"text", "text_special"}, kinds
    cells = ["".join(child.content for child in token.children) for token in inline]
    width = len(text.splitlines()[0].split(" | "))
    assert [cells[place : place + width][3] for place in range(width, len(cells), width)] == [
        row["name"].strip() for row in rows
    ]


@pytest.mark.usefixtures("database")
@SQLITE_FIRST
def test_the_board_of_one_team(podium_cli, file):
    podium_cli("submit", "toy", file, "--team", "bob")
    podium_cli("run", "toy", "line")
    rows = podium_cli("board", "toy", "--team", "bob", "--json").json["rows"]
    assert {row["team"] for row in rows} == {"bob", "podium"}


@pytest.mark.usefixtures("database")
@SQLITE_FIRST
def test_an_empty_board_says_how_to_begin(podium_cli):
    done = podium_cli("board", "toy")
    assert (done.status, done.out) == (0, "Nothing was submitted to toy/demo yet.\n")
    assert "podium run toy constant" in done.err


def test_hints_name_the_dataset(podium_cli, sample, own_cache, workspace):
    """What an empty board, a wrong file and an unknown model say to do next works as it stands."""
    nothing = podium_cli("board", "toy", "-d", "table").err
    assert "Get the data first: podium data toy --dataset table" in nothing
    assert f"The workspace is {workspace}" in nothing
    demo = podium_cli("board", "toy").err
    assert "Begin with: podium run toy constant --dataset demo" in demo
    assert "podium cv toy constant --dataset demo" in podium_cli("cv", "toy").err
    sample.assign(y="x").to_csv("bad.csv", index=False)
    assert "podium show toy --dataset demo;" in podium_cli("check", "toy", "bad.csv").err
    assert "podium models toy" in podium_cli("run", "toy", "nothing").err


def test_a_team_that_is_none_is_told(podium_cli, file):
    podium_cli("submit", "toy", file, "--team", "bob")
    for command in (["submit", "toy", file], ["mine"]):
        refused = podium_cli(*command, "--team", "")
        assert (refused.status, "The team name '' cannot be used" in refused.err) == (1, True)
    refused = podium_cli("board", "toy", "--team", "bo")
    assert refused.status == 1
    assert "Team 'bo' has nothing on toy/demo; did you mean 'bob'?" in refused.err
    assert "podium board toy --dataset demo" in refused.err
    assert podium_cli("board", "toy", "--team", "").status == 1


def test_real_data_say_how_to_get_them(podium_cli, own_cache):
    done = podium_cli("run", "toy", "line", "-d", "table")
    assert (done.status, done.out) == (1, "")
    assert "Get it: podium data toy --dataset table" in done.err
    found = {e["dataset"]: e["status"] for e in podium_cli("list", "--json").json}
    assert found["table"] == "to fetch"
    assert found["demo"] == "made on first use"


@pytest.mark.usefixtures("database")
@SQLITE_FIRST
def test_list_counts_and_a_broken_folder_is_one_row(podium_cli, file, workspace, monkeypatch):
    podium_cli("submit", "toy", file)
    import podium.competitions

    (workspace / "mine" / "broken").mkdir(parents=True)
    (workspace / "mine" / "broken" / "competition.py").write_text("1 / 0\n")
    folders = [*podium.competitions.__path__, str(workspace / "mine")]
    monkeypatch.setattr(podium.competitions, "__path__", folders)
    found = {(e["competition"], e["dataset"]): e for e in podium_cli("list", "--json").json}
    assert found["toy", "demo"]["submissions"] == 1
    assert found["broken", "-"]["status"] == "broken"
    assert "ZeroDivisionError" in found["broken", "-"]["title"]
    assert ("sirna", "demo") in found


def test_show_tells_what_a_competitor_needs(podium_cli):
    found = podium_cli("show", "toy", "--json").json
    assert found["columns"] == {"id": "text", "y": "-100 to 100 m"}
    assert found["models"]["line"].startswith("A straight line")
    assert "A straight line" in podium_cli("show", "toy").out


def test_cv_scores_out_of_fold(podium_cli):
    found = podium_cli("cv", "toy", "line", "--seeds", "2", "--json").json
    assert len(found["by_seed"]) == 2
    assert found["spread"] == 0  # least squares has no luck
    assert found["rows"] == 192
    grouped = podium_cli("cv", "toy", "line", "--by", "group", "--json").json
    assert grouped["groups"] == 24
    assert "training seeds" in podium_cli("cv", "toy", "line", "--seeds", "2").out


def test_cv_never_trains_on_what_it_predicts(podium_cli, toy):
    """A model that remembers its train rows finds none of them among those to predict."""
    Path("memory.py").write_text(
        "import pandas as pd\nDEFAULTS = {}\ndef space(trial): return {}\n"
        "def build(params, seed): return Memory()\nclass Memory:\n"
        "    def fit(self, train, report=None): self.known = set(train.ids)\n"
        "    def predict(self, part):\n"
        "        assert part.targets is None and part.groups is None and part.folds is None\n"
        "        known = [float(i in self.known) for i in part.ids]\n"
        "        return pd.DataFrame({'id': part.ids, 'y': known})\n"
    )
    memory = api.cross_validate("toy", "memory.py").predictions
    assert memory["y"].tolist() == [0.0] * 192


def test_verify_prints_a_verdict_for_each_check(podium_cli, own_cache):
    done = podium_cli("verify", "toy")
    assert done.status == 0
    assert f"{len(CHECKS) + 1} checks, 0 failed" in done.err  # and that data are not ready
    verdicts = podium_cli("verify", "toy", "-d", "table", "--json").json
    assert {v["dataset"] for v in verdicts} == {"table"}


def test_provenance_says_how_to_make_it_again(podium_cli, workspace):
    import sqlite3

    podium_cli("run", "toy", "line", "--set", "jitter=0.1", "--seed", "4", "-m", "a remark")
    with sqlite3.connect(workspace / "leaderboard" / "board.sqlite") as database:
        (text, message, sha256, name) = database.execute(
            "select provenance, message, sha256, file from records where kind = 'scored'"
        ).fetchone()
    database.close()
    found = json.loads(text)
    assert message == "a remark"
    assert found["params"] == {"slope": True, "jitter": 0.1}
    assert found["seed"] == 4
    assert {"data", "split", "metric", "model_sha256", "versions", "git", "seconds"} <= set(found)
    assert found["peak_memory_mb"] > 1
    assert version.file_sha256(workspace / name) == sha256


def test_every_command_has_help(podium_cli):
    for command in cli.command_line().registered_commands:
        name = command.name or command.callback.__name__
        done = podium_cli(name, "--help")
        assert done.status == 0
        assert command.callback.__doc__.split("\n")[0] in " ".join(done.out.split())


@pytest.mark.parametrize("name", ["", *cli.COMMANDS])
def test_help_names_no_python_types(name, podium_cli):
    shown = podium_cli(*filter(None, [name]), "--help").out
    assert not re.search(r"<(bool|str|int|float|path|file|\w+ range|list\[.*\])>", shown)


def test_the_version_is_told(podium_cli):
    import podium

    done = podium_cli("--version")
    assert (done.status, done.out) == (0, f"podium {podium.__version__}\n")


def test_a_report_of_a_fault_has_system_and_packages(podium_cli):
    import podium

    told = podium_cli("--version", "--json").json
    assert told["podium"] == podium.__version__
    assert sys.platform in told["system"].lower()
    assert told["packages"]["numpy"] == np.__version__
    assert {"neural", "bio", "plot"} <= set(told["extras"])
    assert not {"dev", "docs"} & set(told["extras"])
    refused = podium_cli("--json", "list")
    assert refused.status == 2
    assert "--version" in refused.err


def test_tables_are_drawn_on_a_terminal(podium_cli, file, monkeypatch, capsys):
    import sys

    podium_cli("submit", "toy", file, "--name", "[red]x[/red]")
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    out = podium_cli("board", "toy").out
    assert "[red]x[/red]" in out
    assert "submission" in out
    monkeypatch.setenv("COLUMNS", "60")
    narrow = podium_cli("board", "toy")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", narrow.out)
    assert max(map(len, plain.splitlines())) <= 60
    assert "shows also: beats next, normalised, new, seen, entries, age" in narrow.err


def test_a_terminal_of_80_columns_shows_whole_words(podium_cli, file, monkeypatch):
    """`list` has one line a dataset; titles end at a word."""
    import sys

    podium_cli("submit", "toy", file)
    listed = podium_cli("list").out.splitlines()
    whole = {word for line in listed for word in line.split()}
    board = podium_cli("board", "toy").out
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", podium_cli("list").out).splitlines()
    assert len(lines) == len(listed)
    assert max(map(len, lines)) <= 80
    words = [word for line in lines for word in line.split()]
    assert {word.removesuffix("…") for word in words} <= whole
    assert "…" in "".join(words)
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", podium_cli("board", "toy").out)
    assert set(drawn.split()) <= set(board.split())


def test_data_names_its_files(podium_cli, own_cache):
    done = podium_cli("data", "toy")
    assert "toy/demo is ready" in done.out
    assert "sample_submission.csv" in done.out
    assert data.SAMPLE in podium_cli("data", "toy", "--json").json["public"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PODIUM_DB", "nonsense", "is no address of a database"),
        ("PODIUM_DB", "mysql://host/base", "a board lies in SQLite or PostgreSQL"),
        ("PODIUM_DB", "nosuchthing://host/base", "a board lies in SQLite or PostgreSQL"),
        ("PODIUM_WORKSPACE", "/no/such/folder", "is no directory"),
        ("PODIUM_TEAM", "a/b", "cannot be used"),
    ],
)
def test_wrong_settings_are_refused(name, value, words, podium_cli, file, monkeypatch):
    monkeypatch.setenv(name, value)
    done = podium_cli("submit", "toy", file)
    assert (done.status, done.out) == (1, "")
    assert words in done.err


def test_the_workspace_names_the_team(podium_cli, file, monkeypatch):
    monkeypatch.delenv("PODIUM_TEAM")
    Path("podium.toml").write_text('team = "from settings"\n')
    assert podium_cli("submit", "toy", file, "--json").json["team"] == "from settings"
    Path("podium.toml").write_text("team = [\n")
    assert "is not valid TOML" in podium_cli("submit", "toy", file).err


def test_what_a_model_prints_does_not_mix_with_results(podium_cli):
    source = (api.load("toy")[0].folder / "models" / "line.py").read_text()
    Path("loud.py").write_text(source.replace("def fit(", "print('loaded')\n    def fit(") + "\n")
    done = podium_cli("run", "toy", "loud.py", "--json")
    assert done.json["model"] == "loud"
    assert "loaded" in done.err


def test_parameters_that_a_shipped_model_refuses_are_the_users_to_mend(podium_cli):
    done = podium_cli("run", "sirna", "ridge", "--set", "alpha=-1")
    assert done.status == 1
    assert "alpha of ridge is a number from 0 to 1e+12, not -1." in done.err
    done = podium_cli("run", "sirna", "stack", "--set", 'members={"ridge": {"alpha": -1}}')
    assert done.status == 1
    assert "alpha of ridge is a number from 0 to 1e+12, not -1." in done.err


def test_a_disk_that_refuses_is_told_plainly(podium_cli, file, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "board.sqlite")

    monkeypatch.setattr(api, "submit", full)
    done = podium_cli("submit", "toy", file)
    assert done.status == 1
    assert done.err == "error: The system refused: No space left on device: board.sqlite.\n"


@pytest.mark.slow
def test_a_competition_in_a_named_workspace(workspace, cache):
    """Another process, far from the checkout's tests, finds it by the environment alone."""
    import os
    import shutil
    import subprocess
    import sys

    shutil.copytree(api.load("toy")[0].folder, workspace / "competitions" / "toy")
    command = [str(Path(sys.executable).parent / "podium"), "run", "toy", "line", "--json"]
    named = {**os.environ, "PODIUM_WORKSPACE": str(workspace)}
    done = subprocess.run(command, env=named, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["rank"] == 1
    unnamed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert unnamed.returncode == 1
    assert "Unknown competition 'toy'" in unnamed.stderr


def test_models_and_their_parameters(podium_cli, toy):
    done = podium_cli("models", "sirna")
    assert "lightgbm" in done.out
    known = podium_cli("models", "sirna", "lightgbm", "--json").json
    assert known == api.models("sirna", "lightgbm")
    rounds = next(one for one in known[0]["parameters"] if one["name"] == "rounds")
    assert rounds == {
        "name": "rounds",
        "default": None,
        "allowed": "a whole number from 1 to 100,000, or None",
        "search": "200 to 1,500 log",
        "what": "boosted trees",
    }
    assert "200 to 1,500 log" in podium_cli("models", "sirna", "lightgbm").out
    assert "Did you mean 'lightgbm'" in podium_cli("models", "sirna", "lightgmb").err
    assert "no parameters" in podium_cli("models", "sirna", "shuffled").out
    assert api.models("toy")[1]["train_seconds"] is None
    api.run("toy", "line")
    line = next(one for one in api.models("toy") if one["model"] == "line")
    assert line["train_seconds"] >= 0
    assert [one["allowed"] for one in line["parameters"]] == [
        "true or false, as in True",
        "a number, as in 0.0",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("podium run sirna lightgbm --set pre", ["preset=", "preset=seen", "preset=general"]),
        ("podium cv sirna s", ["seqnet", "shuffled", "stack"]),
        ("podium models sirna gr", ["gru"]),
        ("podium run maize ba", ["basenji", "basenji_small"]),
        ("podium tune sirna ridge --trials 3 --set a", ["alpha="]),
        ("podium board si", ["sirna"]),
        ("podium board sirna -d sh", ["shanghai"]),
        ("podium tune sirna ridge --sampler q", ["qmc"]),
        ("podium run nowhere lightgbm --set pre", []),
        ("podium run --set pre", []),
    ],
)
def test_shells_complete_models_and_parameters(line, said, monkeypatch, capsys):
    assert completed(line, monkeypatch, capsys) == said


def test_completed_samplers_are_those_of_a_search():
    from podium.cli import completing
    from podium.tuning import samplers

    assert completing.SAMPLERS == samplers.SAMPLERS


def completed(line, monkeypatch, capsys):
    """What bash is told for a line."""
    monkeypatch.setenv("_PODIUM_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    monkeypatch.setattr("sys.argv", ["podium"])
    with pytest.raises(SystemExit):
        cli.main()
    return capsys.readouterr().out.split()


def test_shells_complete_submissions(podium_cli, file, monkeypatch, capsys):
    name = "my%guess"
    submission = podium_cli("submit", "toy", file, "--name", name, "--json").json["submission"]
    podium_cli("submit", "toy", file, "--name", "two words")
    for start in ("show toy", "compare toy", "withdraw", "pick toy"):
        assert completed(f"podium {start} my%", monkeypatch, capsys) == [name]
        assert completed(f"podium {start} {submission[:5]}", monkeypatch, capsys) == [submission]
    assert completed("podium show sirna my", monkeypatch, capsys) == []
