"""The page of other systems has a row for each kind that is tried, and each kind has its tests."""

import ast
from pathlib import Path

import pytest

import systems

ROOT = Path(__file__).parents[2]
KINDS = [one for kinds in systems.KINDS.values() for one in kinds]


def test_the_page_has_every_kind():
    page = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
    table = page.partition(systems.BEGIN)[2].partition(systems.END)[0]
    rows = [line.split(" | ")[:2] for line in table.splitlines() if line.startswith("| ")]
    heads = ["| what is other", "how it is tried"]
    assert [row for row in rows if row != heads] == [[f"| {one.what}", one.how] for one in KINDS]
    assert "failed" not in table


@pytest.mark.parametrize("one", KINDS, ids=lambda one: one.what)
def test_every_kind_has_its_tests(one):
    for test in one.tests:
        file, _, name = test.partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        known = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        assert (name in known) if name else any(one.startswith("test_") for one in known)
