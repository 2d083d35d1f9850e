"""A model's start takes as long as there are files beside it, not as their square."""

import sys

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


@pytest.mark.skipif(sys.platform != "linux", reason="walls are built on Linux alone")
def test_a_start_is_no_square_of_the_files_beside_a_model(workspace, toy, tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "_mount_proc", lambda *_: None)
    policy.of(toy, None, [], tmp_path, 1)  # what it imports counts for none
    cost = {}
    for count in (0, 40, 80):
        for number in range(count):
            (workspace / f"{number}.txt").write_text("x")
        (workspace / "mine.py").write_text("")
        root, libc = tmp_path / f"root-{count}", Libc()
        root.mkdir()
        made = []
        looked = calls(lambda: made.append(policy.of(toy, workspace / "mine.py", [], root, 1)))
        seen = [name for name in made[0].read if name.startswith(str(workspace))]
        few = sandbox.Policy(
            **{**vars(made[0]), "read": tuple(seen), "write": (), "listed": (), "root": str(root)}
        )
        cost[count] = looked, calls(lambda: sandbox._new_root(libc, few)), libc.mounts
    first, second = ([b - a for a, b in zip(cost[n], cost[n + 40], strict=True)] for n in (0, 40))
    assert second[2] == first[2] == 40
    for less, more in zip(first, second, strict=True):
        assert 0 < more < 1.1 * less
