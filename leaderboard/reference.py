"""The reference boards: every shipped model on every dataset, whole test part, revealed.

    make reference                              # all of it: hours
    python leaderboard/reference.py sirna demo  # one board; what it has already is not run again
    python leaderboard/reference.py --readme    # only writes README.md from the *.jsonl files

Models run in a workspace of its own, `reference/` in the checkout (git ignores it). Real datasets
are fetched; one that cannot be is left out and named.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.edition import file_sha256

if TYPE_CHECKING:
    from podium.competition import Competition

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VARIANTS = {"sirna": {"lightgbm": [{"preset": "general"}]}}
"""Other parameters than the defaults that are worth a line of their own."""

HEAD = """# Leaderboard

Reference boards: the models that Podium ships, on the whole test part, revealed. `make reference`
makes them again (hours) and writes this page; `python leaderboard/reference.py --readme` writes it
from the `*.jsonl` files beside it. To see them in a workspace of your own, beside your submissions:

```sh
podium import leaderboard/sirna.jsonl
```

Each line of a file is a record with its provenance: parameters, seed, versions, time and memory
(see [docs/boards.md](../docs/boards.md)). `board.sqlite`, your own board, is not committed.
"""
OLDER = " (an older file)"
NORMAL = """
The normalised score is 0 for the best trivial control and 1 for perfect; intervals are 95 %.
Seconds are those of training on 2 cores without a GPU. "An older file": the model's file has
changed since.
"""


def main() -> None:
    """Run what is asked for, export it, write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("competition", nargs="?")
    parser.add_argument("dataset", nargs="?")
    parser.add_argument("--models", nargs="+", help="only these")
    parser.add_argument("--readme", action="store_true", help="only write README.md")
    given = parser.parse_args()
    if not given.readme:
        use(ROOT / "reference")
        from podium import competition

        for name in [given.competition] if given.competition else competition.names():
            run(name, given.dataset, given.models)
    (HERE / "README.md").write_text(page(), encoding="utf-8")


def use(workspace: Path) -> None:
    """Work in this workspace as team `podium`'s guest."""
    workspace.mkdir(exist_ok=True)
    os.chdir(workspace)
    os.environ["PODIUM_TEAM"] = "reference"
    for name in ("PODIUM_WORKSPACE", "PODIUM_DB"):
        os.environ.pop(name, None)


def run(name: str, dataset: str | None, only: list[str] | None) -> None:
    """Run a competition's models that its boards do not have yet; reveal, export."""
    from podium import api
    from podium.errors import DataError

    competition, _ = api.load(name)
    trivial = {control.model for control in competition.controls}
    for entry in competition.datasets:
        if dataset not in (None, entry.name):
            continue
        try:
            api.prepare(name, entry.name, source=None)
        except DataError as error:
            sys.stderr.write(f"{name}/{entry.name} is left out: {error}\n")
            continue
        there = {row.name for row in api.board(name, entry.name)}
        for model in sorted(set(competition.models) - trivial):
            if only and model not in only:
                continue
            for params in [{}, *VARIANTS.get(name, {}).get(model, [])]:
                shown = " ".join([model, *(f"{key}={value}" for key, value in params.items())])
                if shown not in there:
                    sys.stderr.write(f"{name}/{entry.name}: {shown}\n")
                    api.run(name, model, dataset=entry.name, params=params)
        api.reveal(name, entry.name)
    (HERE / f"{name}.jsonl").unlink(missing_ok=True)
    api.export_records(HERE / f"{name}.jsonl", name)


def page() -> str:
    """README.md, from the exports alone."""
    from podium import api, competition

    parts = [HEAD]
    with tempfile.TemporaryDirectory() as scratch:
        before = Path.cwd()
        use(Path(scratch))
        try:
            for name in competition.names():
                export = HERE / f"{name}.jsonl"
                if export.is_file():
                    api.import_records(export)
                    lines = [json.loads(line) for line in export.read_text("utf-8").splitlines()]
                    parts += [
                        board(name, entry.name, lines) for entry in api.load(name)[0].datasets
                    ]
        finally:
            os.chdir(before)
    return "".join([*filter(None, parts), NORMAL])


def is_current(competition: Competition, model: str | None, provenance: dict[str, Any]) -> bool:
    """Whether the model's file is still the one that made the record."""
    if model is None:
        return True
    file = competition.folder / "models" / f"{model}.py"
    return file.is_file() and file_sha256(file) == provenance["model_sha256"]


def board(name: str, dataset: str, lines: list[dict[str, Any]]) -> str:
    """One board as Markdown; empty where there is none."""
    from podium import api

    competition, chosen = api.load(name, dataset)
    if not any(line["type"] == "reveal" and line["dataset"] == dataset for line in lines):
        return ""
    made = {line["submission"]: line["provenance"] for line in lines if line["type"] == "record"}
    strata = [stratum.name for stratum in competition.strata]
    header = ["rank", "name", "score", "interval", "normalised", *strata, "seconds"]
    table = [header, ["---"] * len(header)]
    for row in api.board(name, dataset, part="all"):
        interval = "" if row.ci_low is None else f"{row.ci_low:.3f} to {row.ci_high:.3f}"
        normalised = "" if row.normalised is None else f"{row.normalised:.3f}"
        provenance = made[row.submission]
        seconds = provenance.get("train_seconds")
        current = is_current(competition, row.model, provenance)
        table.append(
            [
                str(row.rank or row.status),
                row.name + ("" if current else OLDER),
                f"{row.score:.4f}",
                interval,
                normalised,
                *(f"{row.strata[stratum]:.4f}" for stratum in strata),
                "" if seconds is None else f"{seconds:.0f}",
            ]
        )
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in table)
    primary = competition.primary.title
    return f"\n## {competition.title}: `{dataset}`\n\n{chosen.title}; {primary}.\n\n{text}\n"


if __name__ == "__main__":
    main()
