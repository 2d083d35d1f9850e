"""Boards as JSON lines: one line a record, sorted, so that they merge in git without conflicts.

A sealed board's lines hold nothing private. What is imported is computed again from its predictions
where they are at hand; else it is a claim, marked `unverified`.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from podium import competition as competitions
from podium import workspace
from podium.batch import near, one_line, verified
from podium.edition import find_edition, is_ready
from podium.entry import SUBMITTED, Desk, label
from podium.errors import BoardError, PodiumError, UnknownNameError
from podium.leaderboard import Batch, Board
from podium.record import (
    CEILING,
    CONTROL,
    PARTS,
    SUBMISSION,
    Record,
    Reveal,
    Withdrawal,
    submission_id,
)

if TYPE_CHECKING:
    from podium.competition import Competition
    from podium.training import Progress

_TYPES: dict[str, type[Record | Withdrawal | Reveal]] = {
    "record": Record,
    "reveal": Reveal,
    "withdrawal": Withdrawal,
}
_SEALED = ("private", "all", "private_influence")
_MAPPINGS = ("provenance", "public", "private", "all")
_INFLUENCE = ("public_influence", "private_influence")
_LIMITS = {"name": 200, "model": 200, "message": 10_000, "file": 1_000}
_LIMIT = 64


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What a file of lines holds."""

    file: Path
    records: int
    withdrawals: int
    reveals: int


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import brought.

    Attributes:
        new: Records that the board did not have.
        known: Records that it had.
        verified: Records whose figures were computed again from their predictions.
        unverified: New ones whose predictions are not at hand.
        withdrawals: New withdrawals.
        revealed: Boards that are open now, as `competition/dataset`.
        sealed: Boards that were revealed elsewhere and stay sealed here, since they hold
            submissions whose private scores did not come along.
    """

    new: int
    known: int
    verified: int
    unverified: int
    withdrawals: int
    revealed: Sequence[str]
    sealed: Sequence[str]


@dataclass(kw_only=True)
class _Content:
    """What the lines of a file say, each with the number of its line."""

    records: dict[tuple[str, str], tuple[int, Record]] = field(default_factory=dict)
    withdrawals: dict[str, tuple[int, Withdrawal]] = field(default_factory=dict)
    reveals: dict[tuple[str, str], Reveal] = field(default_factory=dict)


class _Facts(dict[tuple[str, str], "tuple[Competition, str] | None"]):
    """Competitions that are known here and the present edition of their datasets, asked once."""

    def __missing__(self, names: tuple[str, str]) -> tuple[Competition, str] | None:
        name, dataset = names
        found = competitions.try_load(name) if name in competitions.names() else ""
        edition = None
        if not isinstance(found, str) and dataset in [entry.name for entry in found.datasets]:
            edition = find_edition(found, found.dataset(dataset))
        self[names] = None if isinstance(found, str) or not edition else (found, edition.name)
        return self[names]

    def present(self, name: str, dataset: str, edition: str) -> Competition | None:
        """The competition, if the edition is its present one."""
        facts = self[name, dataset]
        return facts[0] if facts and facts[1] == edition else None


def export(board: Board, file: Path, names: Sequence[str] = ()) -> Exported:
    """Write the lines of some competitions, or of all, whole or not at all.

    Raises:
        BoardError: If there is nothing to write, or `file` holds what the board does not have.
        UnknownNameError: If the board knows no such competition.
    """
    records = [*board.records(), *board.claims()]
    known = {record.competition for record in records}
    for name in names:
        if name not in known:
            raise UnknownNameError("competition on this board", name, known)
    if not records:
        raise BoardError("The board is empty: there is nothing to export.")
    reveals = board.reveals()
    opened = {(reveal.competition, reveal.dataset) for reveal in reveals}
    objects = [
        *(
            _record_line(record, (record.competition, record.dataset) in opened)
            for record in records
        ),
        *({"type": "withdrawal", **vars(withdrawal)} for withdrawal in board.withdrawals()),
        *({"type": "reveal", **vars(reveal)} for reveal in reveals),
    ]
    chosen = {_identity(o): o for o in objects if not names or o["competition"] in names}
    _refuse_to_lose(file, chosen.keys())
    with workspace.replacing(file) as scratch, scratch.open("w", encoding="utf-8") as out:
        out.writelines(_text(chosen[identity]) + "\n" for identity in sorted(chosen))
    kinds = [o["type"] for o in chosen.values()]
    return Exported(
        file=file,
        records=kinds.count("record"),
        withdrawals=kinds.count("withdrawal"),
        reveals=kinds.count("reveal"),
    )


def merge(
    board: Board | None, file: Path, progress: Progress | None = None
) -> tuple[Batch, Imported]:
    """What a file's lines would add to a board (None: an empty one), all of them checked.

    Raises:
        BoardError: With every line that is broken or not true.
    """
    facts = _Facts()
    content = _read(file, facts)
    there = {record.key: record for record in board.records()} if board else {}
    claims = {record.key: record for record in board.claims()} if board else {}
    problems = _against(content, {**claims, **there})
    new = [(line, r) for key, (line, r) in content.records.items() if key not in there]
    checked: dict[tuple[str, str], Record] = {}
    for line, record, desk in _with_desks(new, facts, progress):
        try:
            found = verified(desk, record)
        except (PodiumError, OSError) as error:
            problems.append((line, f"{_named(record)}: {one_line(error)}"))
            continue
        if found:
            checked[record.key] = found
    _raise(file, problems)
    unverified = [record for _, record in new if record.key not in checked]
    gone = {withdrawal.submission for withdrawal in board.withdrawals()} if board else set()
    withdrawals = [w for _, w in content.withdrawals.values() if w.submission not in gone]
    reveals, sealed = _reveals(board, content, {**claims, **there})
    batch = Batch(
        records=list(checked.values()),
        claims=unverified,
        withdrawals=withdrawals,
        reveals=reveals,
    )
    added = sum(key not in there and key not in claims for key in content.records)
    return batch, Imported(
        new=added,
        known=len(content.records) - added,
        verified=len(checked),
        unverified=sum(record.key not in claims for record in unverified),
        withdrawals=len(withdrawals),
        revealed=[f"{r.competition}/{r.dataset}" for r in reveals],
        sealed=sealed,
    )


def _record_line(record: Record, opened: bool) -> dict[str, Any]:
    line = {"type": "record", **vars(record)}
    for name in _INFLUENCE:
        line[name] = base64.b64encode(line[name]).decode()
    hidden = not opened or not record.private
    return {**line, **dict.fromkeys(_SEALED)} if hidden else line


def _identity(line: Mapping[str, Any]) -> tuple[str, ...]:
    """What two lines cannot share; lines are sorted by it."""
    names = ("competition", "dataset", "type", "submission", "edition")
    return tuple(str(line.get(name, "")) for name in names)


def _text(line: Mapping[str, Any]) -> str:
    return json.dumps(
        line, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )


def _refuse_to_lose(file: Path, kept: Iterable[tuple[str, ...]]) -> None:
    """An export takes the place of an older one, but never of lines that only the file has."""
    if not file.parent.is_dir():
        raise BoardError(f"The directory {file.parent} does not exist.", hint="Make it first.")
    if not file.exists():
        return
    lines = [_object(text) for _, text in _lines(file)]
    if any(isinstance(line, str) for line in lines):
        raise BoardError(
            f"{file} is there already and is no whole export.", hint="Name another file."
        )
    lost = {_identity(line) for line in lines if not isinstance(line, str)} - set(kept)
    if lost:
        raise BoardError(
            f"{file} holds {len(lost)} lines that this export would lose.",
            hint=f"Import them first: podium import {file}; or name another file.",
        )


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    if not file.is_file():
        what = "is a directory" if file.is_dir() else "does not exist"
        raise BoardError(f"{file} {what}.", hint="Name a file that podium export wrote.")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BoardError(f"{file} is no text in UTF-8: {error.reason}.") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def _object(text: str) -> dict[str, Any] | str:
    """A line's JSON object, or what is wrong with it."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    try:
        found = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {str(error)[:80]}"
    if not isinstance(found, dict) or found.get("type") not in _TYPES:
        return f"no {', '.join(_TYPES)}: {text[:40]}"
    return found


def _read(file: Path, facts: _Facts) -> _Content:
    """All lines of a file; of several lines of the same record the fullest, then the first.

    Raises:
        BoardError: With every broken line.
    """
    problems: list[tuple[int, str]] = []
    parsed: list[tuple[tuple[bool, str, str], int, Record | Withdrawal | Reveal]] = []
    for number, text in _lines(file):
        line = _object(text)
        wrong = [line] if isinstance(line, str) else list(_line_problems(line, facts))
        problems += [(number, problem) for problem in wrong]
        if not wrong and isinstance(line, dict):
            order = (line.get("private") is None, line["created"], _text(line))
            parsed.append((order, number, _made(line)))
    content = _Content()
    parsed.sort(key=lambda entry: entry[0])  # so that the order of the lines does not matter
    for _, number, entry in parsed:
        if isinstance(entry, Record):
            first, record = content.records.setdefault(entry.key, (number, entry))
            if (wrong_with := _other_figures(record, entry)) is not None:
                problems.append((number, f"{_named(entry)}: {wrong_with} in line {first}"))
        elif isinstance(entry, Withdrawal):
            content.withdrawals.setdefault(entry.submission, (number, entry))
        else:
            content.reveals.setdefault((entry.competition, entry.dataset), entry)
    _raise(file, problems)
    content.records = dict(sorted(content.records.items(), key=lambda item: item[1][1].created))
    return content


def _raise(file: Path, problems: list[tuple[int, str]]) -> None:
    if problems:
        many = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise BoardError(
            f"{file} cannot be imported: {many}. Nothing was imported.",
            problems=[f"line {number}: {problem}" for number, problem in sorted(problems)],
            hint="Mend or remove these lines, or export the board again where it came from.",
        )


def _made(line: Mapping[str, Any]) -> Record | Withdrawal | Reveal:
    values = {name: value for name, value in line.items() if name != "type"}
    if line["type"] == "record":
        for name in _INFLUENCE:
            values[name] = base64.b64decode(values[name] or "")
        values |= {name: values[name] or {} for name in _MAPPINGS}
    return _TYPES[line["type"]](**values)


def _line_problems(line: Mapping[str, Any], facts: _Facts) -> Iterator[str]:
    wanted = {entry.name for entry in fields(_TYPES[line["type"]])}
    lacking, unknown = wanted - line.keys(), line.keys() - wanted - {"type"}
    if lacking or unknown:
        yield from (f"{name!r} is missing" for name in sorted(lacking))
        yield from (f"{name[:40]!r} is unknown" for name in sorted(unknown))
        return
    problems = list(_text_problems(line))
    if not problems and line["type"] == "record":
        problems = [*_record_problems(line), *_card_problems(line)]
        problems = problems or list(_known_problems(line, facts))
    yield from problems


def _text_problems(line: Mapping[str, Any]) -> Iterator[str]:
    for name, value in line.items():
        if name in _MAPPINGS or name in _INFLUENCE:
            continue
        if value is None and name in ("model", "file"):
            continue
        if not isinstance(value, str) or "\0" in value or len(value) > _LIMITS.get(name, _LIMIT):
            yield f"{name!r} must be text of at most {_LIMITS.get(name, _LIMIT)} characters"
        elif name == "created" and not _is_time(value):
            yield f"'created' must be a time like 2026-01-31T12:00:00+00:00, not {value[:40]!r}"
    if not _writable(line):
        yield "it has figures that are not finite, or text that is no UTF-8"


def _is_time(text: str) -> bool:
    try:
        found = datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return False
    return found.isoformat(timespec="seconds") == text


def _writable(line: Mapping[str, Any]) -> bool:
    try:
        _text(line).encode()
    except ValueError:  # Unicode errors are of this kind too
        return False
    return True


def _record_problems(line: Mapping[str, Any]) -> Iterator[str]:
    names = [line[name] for name in ("competition", "dataset", "team", "sha256")]
    if not re.fullmatch(r"[0-9a-f]{64}", line["sha256"]):
        yield "'sha256' is none"
    elif line["submission"] != submission_id(*names):
        yield "'submission' does not follow from competition, dataset, team and sha256"
    house = line["kind"] in (CONTROL, CEILING)
    if line["kind"] not in (CONTROL, CEILING, SUBMISSION):
        yield f"unknown kind {line['kind']!r}"
    elif house and line["team"] != workspace.HOUSE:
        yield f"a {line['kind']} of team {line['team']!r}"
    elif house and line["sha256"] != hashlib.sha256(line["name"].encode()).hexdigest():
        yield f"'sha256' of a {line['kind']} must be that of its name"
    try:
        label(line["name"])
        if not house and workspace.team(line["team"]) != line["team"]:
            yield f"the team's name {line['team']!r} is not in normal form (NFC)"
    except PodiumError as error:
        yield error.message
    file = PurePosixPath(line["file"] or "-")
    place = (SUBMITTED, *names[:3])
    if line["file"] and (file.parts[:4] != place or len(file.parts) != 5 or file.name == ".."):
        yield f"'file' does not lie in {'/'.join(place)}"
    if not isinstance(line["provenance"], dict):
        yield "'provenance' must be an object"


def _card_problems(line: Mapping[str, Any]) -> Iterator[str]:
    hidden = [line[name] in (None, {}, "") for name in _SEALED]
    if any(hidden) and not all(hidden):
        yield f"{', '.join(_SEALED)} must all be there, or none"
        return
    parts = ("public",) if all(hidden) else PARTS
    wrong = [part for part in parts if not _is_card(line[part])]
    yield from (f"{part!r} is no card of finite figures" for part in wrong)
    for part in ("public", "private"):
        if part in parts and part not in wrong:
            values = _floats(line[f"{part}_influence"])
            if values is None or len(values) != line[part]["groups"]:
                yield f"'{part}_influence' must be base64 of one finite float32 a group"


def _floats(text: Any) -> Any:
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), np.float32)
    except (TypeError, ValueError, binascii.Error):
        return None
    return values if np.isfinite(values).all() else None


def _is_card(card: Any, *, whole: bool = True) -> bool:
    names = {"rows", "groups", "scores", "se", "ci", *(["strata"] if whole else [])}
    return (
        isinstance(card, dict)
        and card.keys() == names
        and all(type(card[name]) is int and card[name] > 0 for name in ("rows", "groups"))
        and isinstance(card["scores"], dict)
        and all(map(_is_figure, card["scores"].values()))
        and (card["se"] is None or _is_figure(card["se"]))
        and (card["ci"] is None or _is_interval(card["ci"]))
        and (not whole or _are_strata(card["strata"]))
    )


def _is_interval(bounds: Any) -> bool:
    return isinstance(bounds, list) and len(bounds) == 2 and all(map(_is_figure, bounds))


def _are_strata(strata: Any) -> bool:
    return isinstance(strata, dict) and all(_is_card(s, whole=False) for s in strata.values())


def _is_figure(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _known_problems(line: Mapping[str, Any], facts: _Facts) -> Iterator[str]:
    """What does not fit the facts of the present edition, where that is known here."""
    competition = facts.present(line["competition"], line["dataset"], line["edition"])
    if competition is None:
        return
    scores = {score.name for score in competition.scores}
    strata = {stratum.name for stratum in competition.strata}
    for part in PARTS:
        card = line[part] or {"scores": scores, "strata": {}}
        slices = card["strata"].values()
        if any(set(entry["scores"]) != scores for entry in (card, *slices)):
            yield f"the {part} scores must be {', '.join(sorted(scores))}"
        if not set(card["strata"]) <= strata:
            yield f"the {part} strata must be among {', '.join(sorted(strata))}"
    if line["kind"] == CONTROL and line["name"] not in {c.name for c in competition.controls}:
        yield f"{competition.name} has no control {line['name']!r}"


def _other_figures(a: Record, b: Record) -> str | None:
    """In what two records of the same submission and edition differ; None if in nothing."""
    same = (a.kind, a.team, a.sha256) == (b.kind, b.team, b.sha256)
    if not same or not near(a.public, b.public):
        return "other public figures than"
    if a.private and b.private and not (near(a.private, b.private) and near(a.all, b.all)):
        return "other private figures than"
    return None


def _named(record: Record) -> str:
    return f"{record.submission} ({record.name[:40]}, team {record.team})"


def _against(content: _Content, there: Mapping[tuple[str, str], Record]) -> list[tuple[int, str]]:
    """Lines that what the board has contradicts, and withdrawals of nothing."""
    problems = []
    for key, (line, record) in content.records.items():
        wrong = _other_figures(there[key], record) if key in there else None
        if wrong:
            problems.append((line, f"{_named(record)}: {wrong} on this board"))
    everything = {r.submission: r for r in there.values()}
    everything |= {record.submission: record for _, record in content.records.values()}
    for line, withdrawal in content.withdrawals.values():
        found = everything.get(withdrawal.submission)
        if found is None:
            problems.append((line, f"withdraws {withdrawal.submission}, which is nowhere"))
        elif found.kind != SUBMISSION or found.team != withdrawal.team:
            problems.append((line, f"withdraws {_named(found)} for team {withdrawal.team}"))
    return problems


def _with_desks(
    entries: Iterable[tuple[int, Record]], facts: _Facts, progress: Progress | None
) -> Iterator[tuple[int, Record, Desk]]:
    """Records that could be computed again: of present editions whose data are ready."""
    from podium import data

    desks: dict[tuple[str, str], Desk | None] = {}
    for line, record in entries:
        found = facts.present(record.competition, record.dataset, record.edition)
        if found is None:
            continue
        names = (record.competition, record.dataset)
        if names not in desks:
            dataset = found.dataset(record.dataset)
            ready = is_ready(found, dataset)
            desks[names] = Desk.of(data.load(found, dataset)) if ready else None
            if ready and progress:
                progress.stage(f"verifying {record.competition}/{record.dataset}")
        if desk := desks[names]:
            yield line, record, desk


def _reveals(
    board: Board | None, content: _Content, there: Mapping[tuple[str, str], Record]
) -> tuple[list[Reveal], list[str]]:
    """Reveals that open nothing but what came open, and the boards that stay sealed.

    Every submission that will be on the board must have come with its private figures.
    """
    opened = {(r.competition, r.dataset) for r in board.reveals()} if board else set()
    came = {key for key, (_, record) in content.records.items() if record.private}
    everything = [*there.values(), *(record for _, record in content.records.values())]
    applied, sealed = [], []
    for names, reveal in content.reveals.items():
        if names in opened:
            continue
        here = [r for r in everything if (r.competition, r.dataset) == names]
        keys = [record.key for record in here if record.kind == SUBMISSION]
        if keys and came.issuperset(keys):
            applied.append(reveal)
        else:
            sealed.append("/".join(names))
    return applied, sealed
