"""`podium report`: boards as a static site, an index and a page for each.

A page needs no server and no network: style and script are inside, pictures lie beside it. All text
is escaped by the templates, and the pages' own policy lets the browser run that one script only and
load nothing from elsewhere. The same board gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from podium import workspace
from podium.competition import folders as competitions
from podium.competition.version import Version, find_version, get_command, is_ready
from podium.errors import BoardError, PodiumError, reason, visible
from podium.leaderboard import files, leaderboard
from podium.reporting.page import Page, gather
from podium.scratch import replacing

if TYPE_CHECKING:
    from jinja2 import Environment

    from podium.competition.contract import Competition, Dataset
    from podium.execution.training import Progress
    from podium.leaderboard.leaderboard import Board

HERE = Path(__file__).parent
INDEX = "index.html"
GENERATOR = '<meta name="generator" content="podium report">'
DRAWN = 3
"""Submissions that the competition's own pictures show."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was written.

    Attributes:
        missing: Boards that have no page, and why.
    """

    index: Path
    pages: Sequence[Path]
    missing: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """A competition's own pictures, by `podium plot`; or why there are none.

    Attributes:
        files: Addresses relative to the page.
        shown: The submissions in them.
    """

    files: Sequence[str] = ()
    shown: Sequence[str] = ()
    missing: str = ""


def write(out: Path, competition: str | None = None, progress: Progress | None = None) -> Report:
    """Write the site of one competition's boards, or of all.

    Raises:
        BoardError: If there is no board, or nothing on it.
        PodiumError: If `out` cannot be written, or holds another site.
    """
    board = leaderboard.find_board(workspace.database_url())
    if board is None:
        raise BoardError("There is no board here yet.", hint="Begin with: podium list")
    boards, missing = _boards(board, competition)
    if not boards:
        raise BoardError(
            f"Nothing of {competition or 'any competition'} can be shown.", problems=missing
        )
    _refuse_another_site(out)
    pages, written = [], []
    environment = _environment()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for found, dataset, version in boards:
            if progress:
                progress.stage(f"{found.name}/{dataset.name}")
            page = gather(board, found, dataset, version)
            pictures = _pictures(page, out)
            written.append(out / page.file)
            _write(environment, "page.html", written[-1], page=page, pictures=pictures)
            pages.append(page)
        _write(environment, INDEX, out / INDEX, pages=pages, missing=missing)
    except OSError as error:
        raise PodiumError(
            f"The report cannot be written to {out}: {reason(error)}.", hint="Name another folder."
        ) from error
    return Report(index=out / INDEX, pages=written, missing=missing)


def _boards(
    board: Board, name: str | None
) -> tuple[list[tuple[Competition, Dataset, Version]], list[str]]:
    """Competition, dataset and present version of each board, and why others have no page."""
    if name is not None:
        competitions.load(name)  # says what is wrong with it
    found, missing = [], []
    for known, dataset in sorted(board.counts(references=True)):
        if name not in (None, known):
            continue
        try:
            one = competitions.load(known)
            chosen = one.dataset(dataset)
        except PodiumError as error:
            missing.append(f"{known}/{dataset}: {error.message}")
            continue
        version = find_version(one, chosen)
        if version is None:
            missing.append(f"{known}/{dataset}: its data are not here: {get_command(one, chosen)}")
        else:
            found.append((one, chosen, version))
    return found, missing


def _pictures(page: Page, out: Path) -> Pictures:
    """Draw the best submissions whose predictions are here."""
    from podium.data.dataset import load
    from podium.reporting import plotting

    competition, dataset = page.competition, page.dataset
    if not (competition.folder / "plot.py").is_file():
        return Pictures(missing=f"{competition.name} draws no pictures of its own.")
    if not is_ready(competition, dataset):
        return Pictures(missing=f"Its data are not here: {get_command(competition, dataset)}")
    board = leaderboard.open_board(workspace.database_url())
    shown: list[str] = []
    for submission in page.top:
        with suppress(BoardError):
            files.checked(board.get(submission, page.version.name))
            shown.append(submission)
        if len(shown) == DRAWN:
            break
    if not shown:
        return Pictures(missing="The predictions of the best submissions are not here.")
    folder = out / page.file.removesuffix(".html")
    try:
        drawn = plotting.plot(load(competition, dataset), shown, folder)
    except PodiumError as error:
        return Pictures(missing=f"{error.message} {error.hint}".strip())
    return Pictures(files=[quote(f"{folder.name}/{file.name}") for file in drawn], shown=shown)


def _refuse_another_site(out: Path) -> None:
    """What somebody else wrote is not overwritten."""
    index = out / INDEX
    if out.exists() and not out.is_dir():
        raise PodiumError(f"{out} is no folder.", hint="Name another: podium report --out DIR")
    if index.is_file() and GENERATOR not in index.read_text(encoding="utf-8", errors="replace"):
        raise PodiumError(
            f"{index} is there already and is no report.",
            hint="Name another folder: podium report --out DIR",
        )


def _environment() -> Environment:
    """Templates that escape whatever they are given, and what could steer a reader's eye."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        plain = isinstance(value, str) and not isinstance(value, Markup)
        return visible(value) if plain else value

    script = (HERE / "report.js").read_text(encoding="utf-8")
    style = (HERE / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.globals.update(
        script=Markup(script),  # noqa: S704 - our own file
        style=Markup(style),  # noqa: S704 - our own file
        digest=digest,
        generator=Markup(GENERATOR),  # noqa: S704 - our own words
    )
    return environment


def _write(environment: Environment, template: str, file: Path, **content: Any) -> None:
    with replacing(file) as scratch, scratch.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(environment.get_template(template).generate(**content))
