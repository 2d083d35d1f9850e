"""Write what README shows of a terminal, by running it: `make transcripts`.

A block after `<!-- transcript -->` is run line by line (those that begin with `$ `, or all of a
block `sh`), in a fresh workspace, and what a `console` block shows is written anew. IDs and figures
in README are never typed. `board.svg` is a board with the models that Podium ships, on a terminal.
Real raw files are taken from PODIUM_RAW, if that is set, else fetched.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "pictures" / "board.svg"
BLOCK = re.compile(r"<!-- transcript -->\n```(console|sh)\n(.*?)```", re.S)
NEEDED = (".venv", "Makefile", "pyproject.toml", "constraints.txt")
COLUMNS = 150


def main() -> None:
    """Run all blocks, and write README and the picture."""
    subprocess.run(["make", ".venv/ready"], cwd=ROOT, check=True)  # else `make demo` would set up
    text = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="podium-readme-") as place:
        for name in NEEDED:
            (Path(place) / name).symlink_to(ROOT / name)
        text = BLOCK.sub(lambda block: written(block, Path(place)), text)
        run(f"podium import {ROOT / 'leaderboard' / 'sirna.jsonl'}", Path(place))
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(picture("podium board sirna", Path(place)), encoding="utf-8")
    README.write_text(text, encoding="utf-8")


def written(block: re.Match[str], place: Path) -> str:
    """A block as it is when its commands are run now."""
    kind, text = block[1], block[2]
    if kind == "sh":
        for command in text.splitlines():
            run(command, place)
        return block[0]
    commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
    shown = "".join(f"$ {command}\n{run(command, place)}" for command in commands)
    return f"<!-- transcript -->\n```console\n{shown}```"


def run(command: str, place: Path) -> str:
    """What a command prints, in the order in which it does."""
    sys.stderr.write(f"{command}\n")
    raw = os.environ.get("PODIUM_RAW")
    if raw and " data " in command:
        command += f" --from {Path(raw) / command.split(' data ')[1].split()[0]}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=place,
        env=own(place),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout


def picture(command: str, place: Path) -> str:
    """A command on a terminal, as SVG."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command.split(), cwd=place, env=own(place), stdin=theirs, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        drawn = b""
        with suppress(OSError):  # the end of a terminal
            while content := os.read(ours, 1 << 16):
                drawn += content
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    console.print(Text.from_ansi(drawn.decode().replace("\r\n", "\n").rstrip()))
    return console.export_svg(title=command, unique_id="board")


def own(place: Path) -> dict[str, str]:
    """The environment of somebody called Ana, in her own workspace."""
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    names = {"PODIUM_TEAM": "ana", "PODIUM_WORKSPACE": str(place), "PATH": path}
    return {**os.environ, **names, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}


if __name__ == "__main__":
    main()
