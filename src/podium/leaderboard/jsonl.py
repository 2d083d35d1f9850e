"""Records, withdrawals, reveals and picks as JSON lines: written, read, and everything checked.

A line is a JSON object with sorted keys; `type` says what it is, the rest are the fields of
`podium.leaderboard.record`. Influence values are base64 of little-endian float32; sealed lines have
none. Lines of before metrics had versions (`edition` instead of `version`) are read, too.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from podium import documents, figures, workspace
from podium.competition import folders as competitions
from podium.competition.version import Version, answers_of, successor
from podium.errors import BoardError, PodiumError, no_file
from podium.leaderboard import record as records
from podium.leaderboard.record import (
    CEILING,
    CONTROL,
    MOST_PICKS,
    PARTS,
    SUBMISSION,
    SUBMITTED,
    Pick,
    Record,
    Reveal,
    Withdrawal,
    label,
    submission_id,
)

if TYPE_CHECKING:
    from podium.competition.contract import Competition
    from podium.leaderboard.contest import Contest

Fact = Record | Withdrawal | Reveal | Pick
_TYPES: dict[str, type[Fact]] = {
    "record": Record,
    "pick": Pick,
    "reveal": Reveal,
    "withdrawal": Withdrawal,
}
_KINDS = {kind: name for name, kind in _TYPES.items()}
_KEYS = {
    "record": ("submission", "version"),
    "withdrawal": ("submission",),
    "reveal": ("answers",),
    "pick": ("answers", "team"),
}
_SEALED = ("private", "all", "private_influence")
_MAPPINGS = ("provenance", "public", "private", "all")
_INFLUENCE = ("public_influence", "private_influence")
_LIMITS = {"name": 200, "model": 200, "message": 10_000, "file": 1_000}
_LIMIT = 64
_ROUNDING = 1e-4
"""Influence values are kept in single precision: an interval made of them agrees so far."""
SHIPPED = "reference.sha256"
"""The file of a competition that lists the sha256 of each line that Podium ships."""
_MANY = 2**53


def shipped(competition: Competition) -> frozenset[str]:
    """sha256 of each line of the competition's reference boards."""
    file = competition.data_folder / SHIPPED
    return frozenset(file.read_text(encoding="utf-8").split()) if file.is_file() else frozenset()


def sha256_of(line: Mapping[str, Any]) -> str:
    """sha256 of a line as it is written."""
    return hashlib.sha256(text_of(line).encode()).hexdigest()


def modern(line: dict[str, Any]) -> dict[str, Any]:
    """A record's line of before metrics had versions, as it is written now; others as they are.

    An edition that gives the same scores as the present version has that one's name.
    """
    if line["type"] != "record" or "edition" not in line or "version" in line:
        return line
    new = {name: value for name, value in line.items() if name != "edition"}
    provenance = line.get("provenance")
    provenance = provenance if isinstance(provenance, dict) else {}
    name, dataset = str(line.get("competition")), str(line.get("dataset"))
    known = competitions.try_load(name)
    version = None if isinstance(known, str) else successor(known, dataset, provenance)
    return {**new, "version": version or line["edition"], "answers": answers_of(provenance)}


def sealed(line: dict[str, Any]) -> dict[str, Any]:
    """A line as an older Podium wrote it, as it would be written now: see `record.sealed`."""
    if line["type"] != "record" or line.get("private"):
        return line
    return {**line, "public": figures.shown(line.get("public")), "public_influence": None}


def line_of(fact: Fact, *, opened: bool = True) -> dict[str, Any]:
    """The line of a fact; that of a record is sealed unless its board is `opened`."""
    line = {"type": _KINDS[type(fact)], **vars(fact)}
    if isinstance(fact, Pick):
        line["submissions"] = list(fact.submissions)
    elif isinstance(fact, Record):
        opened = opened and bool(fact.private)
        line |= vars(fact if opened else records.sealed(fact))
        line |= {name: base64.b64encode(line[name]).decode() for name in _INFLUENCE}
        line |= {} if opened else dict.fromkeys((*_SEALED, "public_influence"))
    return line


def refuse_unwritable(fact: Fact) -> None:
    """Refuse what no line could say: what cannot be exported is not recorded.

    Raises:
        BoardError: With everything that is wrong.
    """
    line = line_of(fact)
    wrong = list(_text_problems(line))
    if isinstance(fact, Record):
        too_large = [name for name in _INFLUENCE if _floats(line[name]) is None]
        wrong += [f"{name!r}: a figure that is too large" for name in too_large]
    if wrong:
        raise BoardError(
            f"This {line['type']} cannot be kept, since no export could say it.",
            problems=wrong,
            hint="Nothing was recorded. Mend parameters (--set), name, message or predictions.",
        )


def identity(line: Mapping[str, Any]) -> tuple[str, ...]:
    """What two lines cannot share; lines are sorted by it."""
    names = ("competition", "dataset", "type", *_KEYS[line["type"]])
    return tuple(str(line.get(name, "")) for name in names)


def text_of(line: Mapping[str, Any]) -> str:
    """A line as it is written: the same bytes for the same content.

    Raises:
        ValueError: If it holds figures that are not finite.
    """
    return json.dumps(
        line, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )


def read(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    if what := no_file(file):
        raise BoardError(f"{file} {what}.", hint="Name a file that podium export wrote.")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BoardError(f"{file} is no text in UTF-8: {error.reason}.") from error
    if text.startswith(documents.LFS):
        raise BoardError(f"{file} holds {documents.POINTER}.", hint=documents.FETCH)
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def parse(text: str) -> dict[str, Any] | str:
    """A line's JSON object, or what is wrong with it."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    if text.startswith(documents.CONFLICT):
        return "a mark of a merge conflict: remove it, and keep all other lines"
    try:
        line = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {str(error)[:80]}"
    if not isinstance(line, dict) or line.get("type") not in list(_TYPES):
        return f"no {', '.join(_TYPES)}: {text[:40]}"
    if not documents.is_shallow(line):
        return f"more than {documents.DEPTH} objects or lists within each other"
    return line


def made(line: Mapping[str, Any]) -> Fact:
    """What a line without problems says."""
    values = {name: value for name, value in line.items() if name != "type"}
    if line["type"] == "pick":
        values["submissions"] = tuple(values["submissions"])
    if line["type"] == "record":
        for name in _INFLUENCE:
            values[name] = base64.b64decode(values[name] or "")
        values |= {name: values[name] or {} for name in _MAPPINGS}
    return _TYPES[line["type"]](**values)


def problems(line: Mapping[str, Any], contest: Contest | None) -> list[str]:
    """Everything that is wrong with a line by itself.

    Args:
        line: As it was parsed.
        contest: That of its competition and dataset, where they are known here.
    """
    wanted = {entry.name for entry in fields(_TYPES[line["type"]])}
    lacking, unknown = wanted - line.keys(), line.keys() - wanted - {"type"}
    if lacking or unknown:
        missing = [f"{name!r} is missing" for name in sorted(lacking)]
        return missing + [f"{name[:40]!r} is unknown" for name in sorted(unknown)]
    told = list(_text_problems(line))
    if told or line["type"] != "record":
        return told
    present = contest if contest and contest.version.name == line["version"] else None
    told = [*_record_problems(line), *_card_problems(line)]
    return told or [*_known_problems(line, present), *_contradictions(line, present)]


def _text_problems(line: Mapping[str, Any]) -> Iterator[str]:
    for name, value in line.items():
        if name in _INFLUENCE:
            continue
        if name in _MAPPINGS:
            if fault := documents.fault(value):
                yield f"{name!r}: {fault}"
            continue
        if name == "submissions":
            listed = isinstance(value, list) and all(isinstance(word, str) for word in value)
            short = listed and all(len(word) <= _LIMIT and word.isprintable() for word in value)
            if not short or len(value) > MOST_PICKS:
                yield f"'submissions' must be a list of at most {MOST_PICKS} IDs"
            continue
        if value is None and name in ("model", "file"):
            continue
        if not isinstance(value, str) or "\0" in value or len(value) > _LIMITS.get(name, _LIMIT):
            yield f"{name!r} must be text of at most {_LIMITS.get(name, _LIMIT)} characters"
        elif name == "created" and line["type"] == "pick" and _is_time(value) and _is_ahead(value):
            yield f"'created' is more than a day ahead: {value}"
        elif name == "created" and not _is_time(value):
            yield f"'created' must be a time like 2026-01-31T12:00:00+00:00, not {value[:40]!r}"
        elif name in ("competition", "dataset") and not re.fullmatch(r"\w[\w-]*", value):
            yield f"{name!r} must be a name of letters, digits, _ and -, not {value[:40]!r}"
        elif not _printed(name, value).isprintable():
            yield f"{name!r} has characters that cannot be printed"


def _printed(name: str, value: str) -> str:
    """A text without what may be in it beside letters: lines of a message, joiners of a team."""
    if name == "message":
        return value.replace("\n", " ")
    teams = name in ("team", "file")  # which lies in its team's folder
    return value.translate(dict.fromkeys(map(ord, workspace.JOINERS))) if teams else value


def _is_time(text: str) -> bool:
    try:
        time = datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return False
    return time.isoformat(timespec="seconds") == text


def _is_ahead(time: str) -> bool:
    """Whether no clock of another laptop is so wrong: such a pick would count for ever."""
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    return datetime.datetime.fromisoformat(time) > tomorrow


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
    elif line["kind"] == CEILING and line["name"] != CEILING:
        yield f"a ceiling named {line['name'][:40]!r}"
    try:
        label(line["name"])
        if not house and workspace.team(line["team"]) != line["team"]:
            yield f"the team's name {line['team']!r} is not in normal form (NFC)"
    except PodiumError as error:
        yield error.message
    file = PurePosixPath(line["file"] or "-")
    top, *place = file.parts[:1] + file.parts[2:4]  # a competition has had several names
    inside = (top, *place) == (SUBMITTED, *names[1:3]) and len(file.parts) == 5
    if line["file"] and (not inside or ".." in file.parts):
        yield f"'file' does not lie in {'/'.join((SUBMITTED, *names[:3]))}"
    if not isinstance(line["provenance"], dict):
        yield "'provenance' must be an object"
    elif line["answers"] != answers_of(line["provenance"]):
        yield "'answers' does not follow from data and split of its provenance"
    elif line["version"] != (_version_said(line["provenance"]) or line["version"]):
        yield "'version' does not follow from data, split, metric and facts of its provenance"


def _version_said(provenance: Mapping[str, Any]) -> str | None:
    """The version that a record says it was scored in; None where it does not, as old ones."""
    said = {entry.name: provenance.get(entry.name) for entry in fields(Version)}
    metric, others = type(said["metric"]), {type(said[n]) for n in ("data", "split", "facts")}
    return Version(**said).name if metric is int and others == {str} else None  # type: ignore[arg-type]


def _card_problems(line: Mapping[str, Any]) -> Iterator[str]:
    hidden = [line[name] in (None, {}, "") for name in _SEALED]
    if any(hidden) and not all(hidden):
        yield f"{', '.join(_SEALED)} must all be there, or none"
        return
    parts = ("public",) if all(hidden) else PARTS
    wrong = [part for part in parts if not _is_card(line[part])]
    yield from (f"{part!r} is no card of finite figures" for part in wrong)
    for part in ("public", "private"):
        given = line[f"{part}_influence"]
        if part in parts and part not in wrong and (given is not None or not all(hidden)):
            values = _floats(given)
            if values is None or len(values) != line[part]["groups"]:
                yield f"'{part}_influence' must be base64 of one finite float32 a group"


def _floats(text: Any) -> Any:
    import numpy as np  # here: to record a withdrawal needs none

    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), np.float32)
    except (TypeError, ValueError, binascii.Error):
        return None
    return values if np.isfinite(values).all() else None


def _is_card(card: Any, *, whole: bool = True) -> bool:
    names = {"rows", "groups", "scores", "se", "ci", *(["strata"] if whole else [])}
    if not isinstance(card, dict) or card.keys() != names or not isinstance(card["scores"], dict):
        return False
    ci, strata = card["ci"], card.get("strata", {})
    return (
        all(type(card[name]) is int and 0 < card[name] < _MANY for name in ("rows", "groups"))
        and all(map(_is_figure, card["scores"].values()))
        and (card["se"] is None or _is_figure(card["se"]))
        and (ci is None or (isinstance(ci, list) and len(ci) == 2 and all(map(_is_figure, ci))))
        and isinstance(strata, dict)
        and all(_is_card(stratum, whole=False) for stratum in strata.values())
    )


def _is_figure(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _known_problems(line: Mapping[str, Any], present: Contest | None) -> Iterator[str]:
    """What does not fit the facts of the present version, where that is known here."""
    if present is None:
        return
    competition = present.competition
    if line["answers"] != present.version.answers:
        yield "'answers' are not those of its version"
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
    if line["kind"] == CEILING and not (present.dataset.simulated or present.dataset.ceiling):
        yield f"{present.title} is not simulated: it has no ceiling"


def _contradictions(line: Mapping[str, Any], present: Contest | None) -> Iterator[str]:
    """What of a record contradicts itself: no scoring could have written it."""
    from podium.metrics.stats import interval, quantile

    known = present.competition if present else None
    parts = [part for part in PARTS if line[part]]
    for part in parts:
        card = line[part]
        primary = [known.primary.name] if known else list(card["scores"])
        scores = [card["scores"][name] for name in primary if name in card["scores"]]
        if card["groups"] > card["rows"]:
            yield f"{part}: more groups than rows"
        if card["strata"] and sum(s["rows"] for s in card["strata"].values()) != card["rows"]:
            yield f"{part}: the rows of the strata are not those of the part"
        if known:
            for place in (card, *card["strata"].values()):
                yield from (f"{part}: {text}" for text in _beyond_perfect(place, known))
        if (card["ci"] is None) != (card["se"] is None):
            yield f"{part}: an interval without a standard error, or one without the other"
            continue
        if card["ci"] is None:
            continue
        values = _floats(line[f"{part}_influence"]) if part != "all" else None
        if values is not None:
            se, _ = interval(0.0, values.astype(float), 2)
            if se is None or abs(card["se"] - se) > _ROUNDING * se + 1e-9:
                yield f"{part}: the standard error is not that of the influence values"
        (low, high), t = card["ci"], quantile(max(card["groups"] - 1, 1))
        off = figures.unit(max(abs(low), abs(high)))
        if not any(abs((low + high) / 2 - score) <= off for score in scores):
            yield f"{part}: the score is not in the middle of its interval"
        if abs((high - low) / 2 - t * card["se"]) > (1 + t) * off:
            yield f"{part}: the interval is not that of its standard error"
    if len(parts) == len(PARTS):
        rows = [line[part]["rows"] for part in PARTS]
        if rows[0] + rows[1] != rows[2]:
            yield "the rows of both halves are not those of the whole"


def _beyond_perfect(card: Mapping[str, Any], competition: Competition) -> Iterator[str]:
    for score in competition.scores:
        value = card["scores"].get(score.name)
        if value is None or score.perfect is None:
            continue
        sign = 1 if score.higher_is_better else -1
        off = abs(figures.shown(score.perfect) - score.perfect)
        if sign * (value - score.perfect) > off + 1e-9 * max(1.0, abs(score.perfect)):
            yield f"{score.name} {value:g} is better than perfect, {score.perfect:g}"


def wrong_withdrawals(
    withdrawals: Iterable[tuple[int, Withdrawal]], known: Mapping[str, Record]
) -> Iterator[tuple[int, str]]:
    """Withdrawals of nothing, or for somebody else; `known` are records by submission."""
    for line, withdrawal in withdrawals:
        record = known.get(withdrawal.submission)
        if record is None:
            yield line, f"withdraws {withdrawal.submission}, which is nowhere"
        elif record.kind != SUBMISSION or record.team != withdrawal.team:
            yield line, f"withdraws {record.named} for team {withdrawal.team}"
        elif (record.competition, record.dataset) != (withdrawal.competition, withdrawal.dataset):
            yield line, f"withdraws {record.named} from another board"


def wrong_picks(
    picks: Iterable[tuple[int, Pick]], known: Mapping[str, Record]
) -> Iterator[tuple[int, str]]:
    """Picks of nothing, or of what is not their team's; `known` are records by submission."""
    for line, pick in picks:
        for submission in pick.submissions:
            record = known.get(submission)
            if record is None:
                yield line, f"picks {submission}, which is nowhere"
            elif (record.team, record.competition, record.dataset, record.kind) != (
                *(pick.team, pick.competition, pick.dataset),
                SUBMISSION,
            ):
                yield line, f"picks {record.named} for team {pick.team}"
