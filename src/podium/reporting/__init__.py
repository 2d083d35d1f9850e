"""`podium report`: boards as a static site, an index and a page for each.

    gather (page, tables, charts) -> plain data -> templates/*.html -> files

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

from podium.competition import folders as competitions
from podium.competition.version import get_command
from podium.errors import BoardError, PodiumError, reason, visible
from podium.figures import chance, figure, percent, short
from podium.leaderboard import files
from podium.leaderboard.board import Board, open_board
from podium.leaderboard.contest import Contest
from podium.reporting import curves
from podium.reporting.page import Page, card, gather, page_file
from podium.reporting.tables import day
from podium.scratch import replacing

if TYPE_CHECKING:
    from jinja2 import Environment

    from podium.competition.part import Progress

TEMPLATES = Path(__file__).parent / "templates"
INDEX = "index.html"
GENERATOR = '<meta name="generator" content="podium report">'
DRAWN = 3
"""Submissions that the competition's own pictures show."""
COLOURED = 10
"""Teams, or strata, with a colour of their own."""


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

    The index has a card for each board of this workspace that has a page there.

    Raises:
        BoardError: If there is no board, or nothing on it.
        PodiumError: If `out` cannot be written, or holds another site.
    """
    board = open_board().must_exist()
    contests, missing = _contests(board, competition)
    if not contests:
        raise BoardError(
            f"Nothing of {competition or 'any competition'} can be shown.", problems=missing
        )
    _refuse_another_site(out)
    written = []
    environment = _environment()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number, contest in enumerate(contests):
            if progress:
                progress.count(number, len(contests))
                progress.stage(contest.title)
            page = gather(contest)
            pictures = _pictures(page, out)
            written.append(out / page.file)
            trained = curves.gather(contest, page.paired)
            parts = {"page": page, "pictures": pictures, "trained": trained}
            _write(environment, "page.html", written[-1], **parts)
        if progress:
            progress.count(len(contests), len(contests))
        others = [c for c in _contests(board)[0] if (out / page_file(c)).is_file()]
        cards = [card(contest) for contest in others]
        _write(environment, INDEX, out / INDEX, cards=cards, missing=missing)
    except OSError as error:
        raise PodiumError(
            f"The report cannot be written to {out}: {reason(error)}.", hint="Name another folder."
        ) from error
    return Report(index=out / INDEX, pages=written, missing=missing)


def _contests(board: Board, name: str | None = None) -> tuple[list[Contest], list[str]]:
    """Each contest on the board, and why others have no page."""
    if name is not None:
        competitions.load(name)  # says what is wrong with it
    contests, missing = [], []
    for known, dataset in sorted(board.counts(references=True)):
        if name not in (None, known):
            continue
        try:
            one = competitions.load(known)
            chosen = one.dataset(dataset)
        except PodiumError as error:
            missing.append(f"{known}/{dataset}: {error.message}")
            continue
        if contest := Contest.find(one, chosen, board):
            contests.append(contest)
        else:
            missing.append(f"{known}/{dataset}: its data are not here: {get_command(one, chosen)}")
    return contests, missing


def _pictures(page: Page, out: Path) -> Pictures:
    """Draw the best submissions whose predictions are here."""
    from podium.leaderboard.submit import Scorer
    from podium.reporting import plotting

    contest = page.contest
    competition = contest.competition
    if not competition.has("plot"):
        return Pictures(missing=f"{competition.name} draws no pictures of its own.")
    shown: list[str] = []
    for submission in (team.row.submission for team in page.teams):
        with suppress(BoardError):
            files.checked(contest.record(submission))
            shown.append(submission)
        if len(shown) == DRAWN:
            break
    if not shown:
        return Pictures(missing="The predictions of the best submissions are not here.")
    folder = out / page.file.removesuffix(".html")
    try:
        scorer = Scorer.find(contest)
        if scorer is None:
            command = get_command(competition, contest.dataset)
            return Pictures(missing=f"Its data are not here: {command}")
        drawn = plotting.plot(scorer, shown, folder)
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

    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.globals.update(
        script=Markup(script),  # noqa: S704 - our own file
        style=Markup(style),  # noqa: S704 - our own file
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        generator=Markup(GENERATOR),  # noqa: S704 - our own words
    )
    environment.filters.update(
        breakable=_breakable,
        chance=chance,
        colour=_colour,
        day=day,
        figure=figure,
        percent=percent,
        short=short,
    )
    return environment


def _breakable(name: str) -> str:
    """A name that may be broken behind its underscores."""
    from markupsafe import Markup, escape

    return Markup("_<wbr>").join(escape(visible(part)) for part in name.split("_"))


def _colour(place: int) -> str:
    """The class that has the colour of a team or stratum."""
    return f"c{place}" if 0 <= place < COLOURED else "cx"


def _write(environment: Environment, template: str, file: Path, **content: Any) -> None:
    with replacing(file) as scratch, scratch.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(environment.get_template(template).generate(**content))
