"""Text that Podium reads and writes is the same bytes on every system: it has UTF-8 and `\\n`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [
    file
    for folder in ("src/podium", "competitions")
    for file in (ROOT / folder).rglob("*.py")
    if not file.name.startswith("test_") and file.name != "sandbox.py"  # which is Linux's own
]
NEEDED = {
    "read_text": {"encoding": 1},
    "write_text": {"encoding": 2, "newline": 4},
    "open": {"encoding": 4, "newline": 6},
    "to_csv": {"lineterminator": 99},
}
"""By the name of a call: what it must say, and how many arguments by place say that, too."""


def unsaid(call):
    """What a call leaves to the system."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    modes = [
        a.value for a in call.args if isinstance(a, ast.Constant) and a.value in ("w", "a", "x")
    ]
    if name == "open" and not modes:
        return []
    said = {keyword.arg for keyword in call.keywords}
    return [
        word
        for word, place in NEEDED.get(name, {}).items()
        if word not in said and len(call.args) < place
    ]


def problems(text):
    """Lines whose calls leave something to the system."""
    if not any(f"{name}(" in text for name in NEEDED):
        return []
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return [(call.lineno, word) for call in calls for word in unsaid(call)]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("file.write_text(text, encoding='utf-8')", "newline"),
        ("file.read_text()", "encoding"),
        ("table.to_csv(file, index=False)", "lineterminator"),
        ("file.open('w', encoding='utf-8')", "newline"),
        ("open(file, 'w', newline='')", "encoding"),
    ],
)
def test_what_is_left_to_the_system_is_seen(line, word):
    assert problems(line) == [(1, word)]


def test_nothing_is_left_to_the_system():
    told = [
        f"{file.relative_to(ROOT)}:{line}: name the {word}"
        for file in FILES
        for line, word in problems(file.read_text(encoding="utf-8"))
    ]
    assert not told, "\n".join(told)
