"""A model's start takes as long as there are files beside it, not as their square."""

import sys
from dataclasses import replace

import pytest

from podium.execution import policy, sandbox


class Libc:
    """Does as if what is mounted were there."""

    def __init__(self):
        self.mounts = 0

    def mount(self, *_):
        self.mounts += 1
        return 0

    def syscall(self, *_):
        return 0

    pivot_root = umount2 = syscall


def calls(work):
    """How many functions some work calls."""
    count = 0

    def tick(_, event, __):
        nonlocal count
        count += event.endswith("call")

    sys.setprofile(tick)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def cost(toy, workspace, root, files):
    """Calls for the policy, calls for the new root, and mounts, with so many files beside."""
    for number in range(files):
        (workspace / f"{number}.txt").write_text("x")
    root.mkdir()
    made, libc = [], Libc()
    looked = calls(lambda: made.append(policy.of(toy, workspace / "mine.py", [], root, 1)))
    seen = tuple(name for name in made[0].read if name.startswith(str(workspace)))
    own = replace(made[0], read=seen, write=(), listed=(), root=str(root))
    return looked, calls(lambda: sandbox._new_root(libc, own)), libc.mounts


@pytest.mark.skipif(sys.platform != "linux", reason="walls are built on Linux alone")
def test_a_start_is_no_square_of_the_files_beside_a_model(workspace, toy, tmp_path):
    (workspace / "mine.py").write_text("")
    policy.of(toy, None, [], tmp_path, 1)  # what it imports counts for none
    none, some, twice = (cost(toy, workspace, tmp_path / f"root-{n}", n) for n in (0, 40, 80))
    assert twice[2] - some[2] == some[2] - none[2] == 40
    for least, middle, most in zip(none, some, twice, strict=True):
        assert 0 < most - middle < 1.1 * (middle - least)
