"""docs/competitor.md, followed word for word; and the example submissions."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from podium import api
from podium.competition import folders as competition

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "competitor.md"
EXAMPLES = sorted((ROOT / "submissions" / "examples").glob("*.py"))


def blocks():
    return re.findall(r"^```(\w+)\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.S | re.M)


def shown(line):
    """What a line of the page promises, as a pattern: figures may follow, names are exact."""
    return ".*".join(map(re.escape, " ".join(line.split()).split("...")))


@pytest.mark.slow
def test_the_guide_is_true(podium_cli, workspace):
    shutil.copytree(ROOT / "submissions" / "examples", "submissions/examples")
    said = ""
    for language, text in blocks():
        if language == "python":
            exec(compile(text, str(GUIDE), "exec"), {})
        elif language == "text":
            for line in text.splitlines():
                assert re.search(f"^ ?{shown(line)}", said, re.M), f"{line!r} is not in\n{said}"
        else:
            said = ""
            for line in text.splitlines():
                words = shlex.split(line)
                if words[0] == "podium":
                    done = podium_cli(*words[1:])
                    assert done.status == 0, done.err
                    said += re.sub(r" +", " ", done.out)
                elif words[0] == "cp":
                    shutil.copyfile(*words[1:])
                else:
                    assert ".venv" in line, line
    assert not (workspace / "board").exists()


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_beat_the_trivial_models(path):
    if path.stem not in competition.names():
        pytest.skip(f"there is no competition {path.stem}")
    found = api.run(path.stem, path)
    controls = [row.score for row in api.board(path.stem) if row.status == "control"]
    assert found.row.normalised > 0
    assert all(found.row.score > score for score in controls)
    again = api.run(path.stem, path, team="bob")
    assert again.row.score == found.row.score


def test_every_competition_has_an_example():
    assert {path.stem for path in EXAMPLES} >= set(competition.names()) - {"toy"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_short_and_name_themselves(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 85
    assert f"submissions/examples/{path.name}" in text
