"""Attacks of all kinds, by turns: python tests/redteam.py [SECONDS] [--kind NAME] [--seed N].

Prints what is promised, and how many tries held and failed; exit status 1 if any failed. Kinds are
the generators that modules `redteam_*.py` register (`redteam_home.kind`).
"""

import argparse
import random
import sys
import tempfile
import time
import traceback
from importlib import import_module
from pathlib import Path

for file in sorted(Path(__file__).parent.glob("redteam_*.py")):
    import_module(file.stem)

import podium.competitions  # noqa: E402
from redteam_home import KINDS, TESTS, Home  # noqa: E402

SHOWN = 10


def campaign(seconds, names, seed, home):
    """Tries by kind: how many held, and what went wrong in the others."""
    running = {name: KINDS[name].tries(random.Random(f"{seed} {name}"), home) for name in names}
    held, failed, spent = ({name: start() for name in names} for start in (int, list, float))
    end = time.monotonic() + seconds
    while time.monotonic() < end or not all(held[name] + len(failed[name]) for name in names):
        name = min(names, key=spent.__getitem__)
        began = time.monotonic()
        try:
            problem = next(running[name])
        except Exception:  # noqa: BLE001  whatever an attack meets is a finding
            problem = traceback.format_exc()[-2000:]
            running[name] = KINDS[name].tries(random.Random(f"{seed} {name} {began}"), home)
        spent[name] += time.monotonic() - began + 1e-6
        if problem:
            failed[name].append(problem)
        else:
            held[name] += 1
    return held, failed


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("seconds", type=float, nargs="?", default=60)
    options.add_argument("--kind", action="append", choices=sorted(KINDS))
    options.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    given = options.parse_args()
    names = given.kind or list(KINDS)
    podium.competitions.__path__.append(str(TESTS))
    with tempfile.TemporaryDirectory(prefix="redteam-", ignore_cleanup_errors=True) as folder:
        held, failed = campaign(given.seconds, names, given.seed, Home(Path(folder)))
    print("| kind | what is promised | tries | held | failed |\n|---|---|---:|---:|---:|")
    for name in names:
        tries = held[name] + len(failed[name])
        print(
            f"| {name} | {KINDS[name].promise} | {tries:,} | {held[name]:,} | {len(failed[name])} |"
        )
    for name in names:
        for problem in failed[name][:SHOWN]:
            print(f"\n{name} (seed {given.seed}): {problem}")
    sys.exit(any(failed.values()))


if __name__ == "__main__":
    main()
