"""What a process and all that it started take: how many they are, their memory, their files.

Read from `/proc`, so 0 or the process alone where there is none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def family(process: int, most: int) -> list[int]:
    """A process and all that it and its children started; a few more than `most` at most."""
    found = [process]
    for one in found:
        if len(found) > most:
            break
        found += _children(one)
    return found


def _children(process: int) -> Iterator[int]:
    with suppress(OSError):
        for task in os.listdir(f"/proc/{process}/task"):  # noqa: PTH208  thousands of them
            with (
                suppress(OSError),
                open(f"/proc/{process}/task/{task}/children", "rb") as file,  # noqa: PTH123
            ):
                yield from map(int, file.read().split())


def memory(process: int) -> tuple[float, float]:
    """Resident memory of a process and its peak, MiB; 0 where the system does not say."""
    known = {b"VmRSS": 0.0, b"VmHWM": 0.0}
    with suppress(OSError), open(f"/proc/{process}/status", "rb") as file:  # noqa: PTH123
        for line in file:
            name, _, value = line.partition(b":")
            if name in known:
                known[name] = int(value.split()[0]) / 1024
    return known[b"VmRSS"], known[b"VmHWM"]


def own_memory(process: int) -> float:
    """Resident memory of a process, MiB, what it shares with others in equal parts."""
    with suppress(OSError), open(f"/proc/{process}/smaps_rollup", "rb") as file:  # noqa: PTH123
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) / 1024
    return memory(process)[0]


def written(folder: Path) -> int:
    """Bytes of all files in a folder, as far as they can be seen."""
    total, todo = 0, [str(folder)]
    while todo:
        with suppress(OSError), os.scandir(todo.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    known = entry.stat(follow_symlinks=False)
                    total += getattr(known, "st_blocks", 0) * 512 or known.st_size
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
    return total
