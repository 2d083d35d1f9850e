"""What GitHub reads of the repository is of its form: workflows, issue forms."""

import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2] / ".github"
FORMS = {
    "github-workflows": sorted((HOME / "workflows").glob("*.yml")),
    "github-issue-forms": [HOME / "ISSUE_TEMPLATE" / "bug.yml"],
    "github-issue-config": [HOME / "ISSUE_TEMPLATE" / "config.yml"],
}


def checked(form, *files):
    schema = ["--builtin-schema", f"vendor.{form}"]
    command = [sys.executable, "-m", "check_jsonschema", *schema, *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_files_are_of_their_form(form):
    assert FORMS[form]
    done = checked(form, *FORMS[form])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_what_is_not_is_seen(tmp_path):
    text = (HOME / "workflows" / "ci.yml").read_text(encoding="utf-8")
    (tmp_path / "ci.yml").write_text(text.replace("runs-on:", "run-on:"), encoding="utf-8")
    assert checked("github-workflows", tmp_path / "ci.yml").returncode == 1
