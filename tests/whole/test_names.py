"""Names of files: none is illegal on Windows, or that of another file but for its case."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from podium import workspace
from podium.errors import PodiumError

ROOT = Path(__file__).parents[2]
DEVICES = ["con", "NUL", "aux.txt", "Com1", "lpt9.a.b", "prn .x"]


def problems(paths):
    """Paths that some systems do not have."""
    seen = Counter(part.casefold() for part in paths)
    for path in paths:
        for part in path.split("/"):
            if re.search(r'[<>:"\\|?*\x00-\x1f]|[. ]$', part) or workspace.is_device(part):
                yield f"{path}: illegal on Windows"
        if len(path) > 200:
            yield f"{path}: too long for Windows"
        if seen[path.casefold()] > 1:
            yield f"{path}: another but for its case"


@pytest.mark.parametrize(
    "path", ["a:b", "a/b?", "a/end.", "end /a", "con/a.py", "a/nul.txt", "x" * 201, "a/\x01"]
)
def test_what_is_illegal_is_seen(path):
    assert list(problems([path]))
    assert not list(problems(["a/b", "b/a", "console.py", "a/.b", "com10"]))


def test_case_alone_makes_no_other_name():
    assert len(list(problems(["a/B.py", "A/b.py", "c"]))) == 2


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_files_of_the_repository():
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not in a repository")
    files = done.stdout.decode().strip("\0").split("\0")
    assert len(files) > 500
    folders = {str(parent) for file in files for parent in Path(file).parents}
    assert list(problems([*files, *folders - {"."}])) == []


@pytest.mark.parametrize("name", DEVICES)
def test_no_team_study_or_competition_is_a_device(name, podium_cli, workspace):
    from podium import workspace as settings
    from podium.tuning.studies import full_name

    with pytest.raises(PodiumError, match="cannot be used") as refused:
        settings.team(name)
    assert "Windows" in str(refused.value)
    with pytest.raises(PodiumError, match="cannot be a study's"):
        full_name("toy/demo", name)
    Path("t.csv").write_text("id,x,y\n1,2,3\n", encoding="utf-8")
    words = ["--table", "t.csv", "--target", "y", "--metric", "rmse"]
    if name.isidentifier():
        assert "Windows" in podium_cli("new", name.lower(), *words).err


@pytest.mark.parametrize("name", ["console", "nullify", "com", "lpt10", "auxiliary", "a.con"])
def test_others_are_names(name):
    from podium.tuning.studies import full_name

    assert workspace.team(name) == name
    assert full_name("toy/demo", name)


@pytest.mark.slow
def test_no_two_studies_share_a_folder(toy, podium_cli):
    tune = ["tune", "toy", "line", "--trials", "1", "--study"]
    assert podium_cli(*tune, "best").status == 0
    assert "where case does not count" in podium_cli(*tune, "Best").err
    assert podium_cli(*tune, "best").status == 0
