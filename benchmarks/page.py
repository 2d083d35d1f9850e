"""Run all benchmarks and write docs/benchmarks.md from what they found: `make bench`.

    python benchmarks/page.py                      # everything
    python benchmarks/page.py --only scoring wide  # some of them; the rest as it was found before
    python benchmarks/page.py --only               # the page alone, from results that are there

Each program writes `results/NAME.json` (see `measuring.Result`), or its print is kept as it is.
What was never measured, or failed, is not on the page.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measuring import RESULTS, machine

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
PROGRAMS: dict[str, list[str]] = {
    "commands": ["commands.py"],
    "scoring": ["scoring.py"],
    "uncertainty": ["uncertainty.py"],
    "features": ["features.py"],
    "gru": ["gru.py"],
    "basenji": ["basenji.py"],
    "dca": ["dca.py"],
    "dca_large": ["dca.py", "--large"],
    "dec": ["dec.py"],
    "race": ["race.py"],
    "peak": ["peak.py"],
    "memory": ["memory.py"],
    "board": ["board.py", "100000"],
    "report": ["report.py"],
    "tuning": ["tuning.py", "overhead"],
    "sequences": ["sequences.py"],
    "wide": ["wide.py"],
    "full_size": ["full_size.py", "--slices", "4"],
    "isolation": ["isolation.py"],
    "probes": ["probes.py", "--rows", "20000"],
}
"""Results in the order of the page, and the program that each is of."""
LIMIT = 1800
"""Seconds that a program may take."""
INTRODUCTION = """\
# Benchmarks

Written by `make bench`, which runs every program named here, the better part of an hour on two
cores. Times are medians; where two ways are compared they ran alternately, and the ratio is the
median of the ratios of the pairs. What was not measured is not here; where the load stands above 2
other work shared the cores.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=PROGRAMS, default=list(PROGRAMS))
    given = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for name in given.only:
        run(name)
    sections = [section(name) for name in PROGRAMS if (RESULTS / f"{name}.json").is_file()]
    PAGE.write_text("\n".join([INTRODUCTION, *sections]), encoding="utf-8")
    print(f"written: {PAGE}")


def run(name: str) -> None:
    """Run a program; what it prints is its result if it writes none."""
    file = RESULTS / f"{name}.json"
    file.unlink(missing_ok=True)
    print(f"== {name}", flush=True)
    start = time.perf_counter()
    program, *arguments = PROGRAMS[name]
    command = [sys.executable, str(HERE / program), *arguments]
    threads = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(os.cpu_count()))}
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, timeout=LIMIT, env={**os.environ, **threads}
        )
    except subprocess.TimeoutExpired:
        print(f"   took more than {LIMIT} s")
        return
    took = time.perf_counter() - start
    print(done.stdout, f"   status {done.returncode} after {took:.0f} s", flush=True)
    if done.returncode:
        file.unlink(missing_ok=True)
        return
    result: dict[str, Any] = {"printed": done.stdout, "machine": machine()}
    if file.is_file():
        result = json.loads(file.read_text(encoding="utf-8"))
    result |= {"took": round(took), "arguments": arguments}
    file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def section(name: str) -> str:
    """A result as Markdown."""
    result = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    program = PROGRAMS[name][0]
    command = " ".join([f"benchmarks/{program}", *result.get("arguments", [])])
    taken = f", {result['took']} s in all" if "took" in result else ""
    lines = [f"## {result.get('title', title(name))}", ""]
    if "printed" in result:
        lines += [docstring(program), "", "```text", result["printed"].strip(), "```"]
    else:
        lines += [
            result["text"],
            "",
            table(result["header"]),
            table(["---"] * len(result["header"])),
        ]
        lines += [table(row) for row in result["rows"]]
        lines += ["", *(f"- {note}" for note in result["notes"])]
    if result.get("picture"):
        picture = f"benchmarks-{result['picture']}"
        shutil.copyfile(RESULTS / result["picture"], PAGE.parent / picture)
        lines += ["", f"![{result['title']}]({picture})"]
    about = result["machine"]
    lines += [
        "",
        f"<sub>`python {command}`{taken}. {about['processor']}; {about['system']}; load "
        f"{about['load']} at the end; {about['versions']}.</sub>",
        "",
    ]
    return "\n".join(lines)


def table(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def docstring(program: str) -> str:
    """What a program says of itself, in its first line."""
    text = (HERE / program).read_text(encoding="utf-8")
    return text.split('"""')[1].strip().splitlines()[0]


if __name__ == "__main__":
    main()
