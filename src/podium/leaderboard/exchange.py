"""Boards move as JSON lines: one line a record, sorted, so that they merge in git.

A sealed board's lines hold what its board shows: nothing private, and public figures rounded. What
is imported is computed again from its predictions where they are at hand; else it is a claim,
marked `unverified`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.competition.version import is_ready
from podium.errors import BoardError, UnknownNameError
from podium.leaderboard import lines
from podium.leaderboard.batch import refusal, verified
from podium.leaderboard.entry import Desk
from podium.leaderboard.leaderboard import Batch, Board
from podium.leaderboard.lines import Facts
from podium.leaderboard.record import (
    CLAIM,
    OWN,
    REFERENCE,
    SUBMISSION,
    Pick,
    Record,
    Reveal,
    Withdrawal,
)
from podium.rounding import agree
from podium.scratch import replacing

if TYPE_CHECKING:
    from podium.execution.training import Progress


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What a file of lines holds."""

    file: Path
    records: int
    withdrawals: int
    reveals: int
    picks: int


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import brought.

    Attributes:
        new: Records that the board did not have.
        known: Records that it had.
        verified: Records whose figures were computed again from their predictions.
        unverified: New ones whose predictions are not at hand.
        reference: New ones that Podium ships.
        withdrawals: New withdrawals.
        standing: Submissions scored here that were withdrawn elsewhere, and their teams: they stay
            on the board, since anybody can write such a line, until their team withdraws them here.
        picks: Picks of teams, as far as they are new.
        revealed: Boards that are open now, as `competition/dataset`.
        sealed: Boards that were revealed elsewhere and stay sealed here, since they hold
            submissions whose private scores did not come along, or could not be computed again.
    """

    new: int
    known: int
    verified: int
    unverified: int
    reference: int
    withdrawals: int
    standing: Mapping[str, str]
    picks: int
    revealed: Sequence[str]
    sealed: Sequence[str]


_Parsed = tuple[tuple[bool, str, str], int, lines.Fact, bool]
"""How a line is sorted, its number, what it says, and whether Podium ships it."""


@dataclass(kw_only=True)
class _Content:
    """What the lines of a file say, each with the number of its line."""

    records: dict[tuple[str, str], tuple[int, Record]] = field(default_factory=dict)
    references: set[tuple[str, str]] = field(default_factory=set)
    withdrawals: dict[str, tuple[int, Withdrawal]] = field(default_factory=dict)
    reveals: dict[tuple[str, str, str], Reveal] = field(default_factory=dict)
    picks: dict[tuple[str, str, str, str], tuple[int, Pick]] = field(default_factory=dict)


def export(board: Board, file: Path, names: Sequence[str] = ()) -> Exported:
    """Write the lines of some competitions, or of all, whole or not at all.

    Where `file` has an earlier line of the same (two laptops scored the same control), that stays:
    boards that know the same write the same bytes, whoever exports.

    Raises:
        BoardError: If there is nothing to write, or `file` holds what the board does not have.
        UnknownNameError: If the board knows no such competition.
    """
    records = board.records()
    ships = {record.key for record in board.records(origins=[REFERENCE])}
    own = {record.key for record in board.records(origins=[OWN])}
    known = {record.competition for record in records}
    if str(file) in known:
        raise BoardError(
            f"{file} is a competition, and a file is wanted.",
            hint=f"Name the file last: podium export {file} board.jsonl",
        )
    for name in names:
        if name not in known:
            raise UnknownNameError("competition on this board", name, known)
    if not records:
        raise BoardError("The board is empty: there is nothing to export.")
    reveals = board.reveals()
    opened = {(r.competition, r.dataset, r.answers) for r in reveals}
    objects = [
        *(
            lines.of_record(r, r.key in ships or (r.competition, r.dataset, r.answers) in opened)
            for r in records
        ),
        *map(lines.line_of, board.withdrawals()),
        *map(lines.line_of, reveals),
        *map(lines.line_of, board.picks()),
    ]
    chosen = {lines.identity(o): o for o in objects if not names or o["competition"] in names}
    for line in _there(file, chosen.keys()):
        ours = chosen.get(lines.identity(line))
        mine = (line.get("submission"), line.get("version")) in own
        if ours is None or _goes_before(line, ours, mine):
            chosen[lines.identity(line)] = line
    with replacing(file) as scratch, scratch.open("w", encoding="utf-8") as out:
        out.writelines(lines.text_of(chosen[identity]) + "\n" for identity in sorted(chosen))
    kinds = [o["type"] for o in chosen.values()]
    return Exported(
        file=file,
        records=kinds.count("record"),
        withdrawals=kinds.count("withdrawal"),
        reveals=kinds.count("reveal"),
        picks=kinds.count("pick"),
    )


def merge(
    board: Board | None, file: Path, progress: Progress | None = None
) -> tuple[Batch, Imported]:
    """What a file's lines would add to a board (None: an empty one), all of them checked.

    Raises:
        BoardError: With every line that is broken or not true.
    """
    facts = Facts()
    content = _read(file, facts)
    there = {r.key: r for r in board.records(origins=[OWN])} if board else {}
    claims = {r.key: r for r in board.records(origins=[CLAIM, REFERENCE])} if board else {}
    everything = {**claims, **there}
    known = {r.submission: r for r in everything.values()}
    known |= {record.submission: record for _, record in content.records.values()}
    problems = [
        *_contradictions(content, there),
        *wrong_withdrawals(content.withdrawals.values(), known),
        *wrong_picks(content.picks.values(), known),
    ]
    new = [(line, r) for key, (line, r) in content.records.items() if key not in there]
    # what Podium ships is known by its bytes: nothing of it need be trained or scored again
    foreign = [(line, r) for line, r in new if r.key not in content.references]
    checked: dict[tuple[str, str], Record] = {}
    for line, record, desk in _with_desks(foreign, facts, progress):
        try:
            found = verified(desk, record)
        except Exception as error:  # noqa: BLE001  its own line tells, with those of all others
            problems.append((line, f"{_named(record)}: {refusal(error)}"))
            continue
        if found:
            checked[record.key] = found
    better = {*there, *checked, *content.references}  # these take the place of a claim
    seen = {key: claim for key, claim in claims.items() if key not in better}
    _raise(file, [*problems, *_contradictions(content, seen)])
    rest = [record for _, record in new if record.key not in checked]
    unverified = [record for record in rest if record.key not in content.references]
    references = [record for record in rest if record.key in content.references]
    gone = {withdrawal.submission for withdrawal in board.withdrawals()} if board else set()
    lasting = {w.submission for w in board.withdrawals([OWN])} if board else set()
    scored = {submission for submission, _ in (*there, *checked)}
    claimed = [withdrawal for _, withdrawal in content.withdrawals.values()]
    withdrawals = [withdrawal for withdrawal in claimed if withdrawal.submission not in gone]
    came_open = _came_open(content) & {*there, *checked}
    reveals, sealed = _reveals(board, content, everything, came_open)
    picks = list(_new_picks(board, [pick for _, pick in content.picks.values()], reveals))
    batch = Batch(
        records=list(checked.values()),
        claims=unverified,
        references=references,
        withdrawals=withdrawals,
        reveals=reveals,
        picks=picks,
        came_open=came_open,
    )
    added = sum(key not in there and key not in claims for key in content.records)
    return batch, Imported(
        new=added,
        known=len(content.records) - added,
        verified=len(checked),
        unverified=sum(record.key not in claims for record in unverified),
        reference=sum(record.key not in claims for record in references),
        withdrawals=len(withdrawals),
        standing={w.submission: w.team for w in claimed if w.submission in scored - lasting},
        picks=len(picks),
        revealed=sorted({f"{r.competition}/{r.dataset}" for r in reveals}),
        sealed=sealed,
    )


def _there(file: Path, kept: Collection[tuple[str, ...]]) -> list[dict[str, Any]]:
    """Lines that `file` has already.

    Raises:
        BoardError: If some of them would be lost: an export takes the place of an older one, but
            never of lines that only the file has. Reveals that were not applied here stay.
    """
    if not file.parent.is_dir():
        raise BoardError(f"The directory {file.parent} does not exist.", hint="Make it first.")
    if not file.exists():
        return []
    parsed = [lines.parse(text) for _, text in lines.read(file)]
    whole = [lines.modern(line) for line in parsed if not isinstance(line, str)]
    if len(whole) < len(parsed):
        raise BoardError(
            f"{file} is there already and is no whole export.", hint="Name another file."
        )
    facts = Facts()
    told = [lines.sealed(line) for line in whole if line["type"] in ("record", "withdrawal")]
    lost = {lines.identity(line) for line in told} - set(kept)
    if lost:
        raise BoardError(
            f"{file} holds {len(lost)} lines that this export would lose.",
            hint=f"Import them first: podium import {file}; or name another file.",
        )
    others = [line for line in whole if line["type"] in ("reveal", "pick")]
    sound = [line for line in others if _is_old(line) or not any(lines.problems(line, facts))]
    return [*told, *sound]


def _is_old(line: Mapping[str, Any]) -> bool:
    """Whether it is a reveal of before they were of an answers' version."""
    return line["type"] == "reveal" and "answers" not in line


def _new_picks(
    board: Board | None, picks: Sequence[Pick], reveals: Sequence[Reveal]
) -> Iterator[Pick]:
    """Picks that are later than the board's and came before the reveal."""
    known = {_owner(pick): pick for pick in board.picks()} if board else {}
    opened = {(r.competition, r.dataset, r.answers): r.created for r in reveals}
    for reveal in board.reveals() if board else ():
        opened[reveal.competition, reveal.dataset, reveal.answers] = reveal.created
    for pick in picks:
        before, until = known.get(_owner(pick)), opened.get(_owner(pick)[:3])
        if (before is None or before.created < pick.created) and (
            until is None or pick.created <= until
        ):
            yield pick


def _owner(pick: Pick) -> tuple[str, str, str, str]:
    return pick.competition, pick.dataset, pick.answers, pick.team


def _goes_before(line: dict[str, Any], ours: dict[str, Any], mine: bool) -> bool:
    """Whether a file's line says the same as ours, and is the one that an import would take.

    The private figures that a file has of others are kept; those of what was scored here (`mine`)
    stay sealed.
    """
    if line["type"] == "pick":
        return str(line.get("created")) > str(ours["created"])
    if line == ours or next(lines.problems(line, Facts()), None) is not None:
        return False
    fuller = _order(line)[0] < _order(ours)[0]
    if (fuller and mine) or _order(line) > _order(ours):
        return False
    theirs, known = lines.made(line), lines.made(ours)
    if isinstance(theirs, Record) and isinstance(known, Record):
        return _other_figures(theirs, known) is None
    return line.get("team") == ours.get("team")


def _order(line: dict[str, Any]) -> tuple[bool, str, str]:
    """Of lines of the same the fullest counts, then the earliest."""
    return line.get("private") is None, line["created"], lines.text_of(line)


def _read(file: Path, facts: Facts) -> _Content:
    """All lines of a file; of several lines of the same record the fullest, then the earliest.

    Raises:
        BoardError: With every broken line.
    """
    problems: list[tuple[int, str]] = []
    parsed: list[_Parsed] = []
    old_reveals: list[tuple[int, dict[str, Any]]] = []
    for number, text in lines.read(file):
        line = lines.parse(text)
        if isinstance(line, str):
            problems.append((number, line))
            continue
        line = lines.modern(line)
        if _is_old(line):
            old_reveals.append((number, line))
            continue
        wrong = list(lines.problems(line, facts))
        problems += [(number, problem) for problem in wrong]
        if not wrong:
            ships = facts.ships(line)
            parsed.append((_order(line), number, lines.made(line), ships))
    parsed += _of_answers(old_reveals, parsed, facts, problems)
    content = _Content()
    parsed.sort(key=lambda entry: entry[0])  # so that the order of the lines does not matter
    for _, number, fact, ships in parsed:
        if isinstance(fact, Record):
            first, record = content.records.setdefault(fact.key, (number, fact))
            if (wrong_with := _other_figures(record, fact)) is not None:
                problems.append((number, f"{_named(fact)}: {wrong_with} in line {first}"))
            if ships:
                content.references.add(fact.key)
        elif isinstance(fact, Withdrawal):
            content.withdrawals.setdefault(fact.submission, (number, fact))
        elif isinstance(fact, Pick):
            key = (fact.competition, fact.dataset, fact.answers, fact.team)
            content.picks[key] = (number, fact)  # the latest counts
        elif not ships:  # what Podium ships is open in any case, and opens nothing else
            content.reveals.setdefault((fact.competition, fact.dataset, fact.answers), fact)
    _raise(file, problems)
    if not parsed:
        raise BoardError(f"{file} holds no lines.", hint="Name a file that podium export wrote.")
    content.records = dict(sorted(content.records.items(), key=lambda item: item[1][1].created))
    return content


def _of_answers(
    old: Sequence[tuple[int, dict[str, Any]]],
    parsed: Sequence[_Parsed],
    facts: Facts,
    problems: list[tuple[int, str]],
) -> Iterator[_Parsed]:
    """Reveals of before they were of an answers' version: of what the file had by then."""
    records = [fact for _, _, fact, _ in parsed if isinstance(fact, Record)]
    for number, line in old:
        names = (line.get("competition"), line.get("dataset"))
        opened = {
            record.answers
            for record in records
            if (record.competition, record.dataset) == names
            and record.created <= str(line.get("created"))
        }
        for answers in sorted(opened) or [""]:
            new = {**line, "answers": answers}
            wrong = list(lines.problems(new, facts))
            problems += [(number, problem) for problem in wrong]
            if not wrong:
                yield _order(new), number, lines.made(new), False


def _raise(file: Path, problems: list[tuple[int, str]]) -> None:
    if problems:
        many = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise BoardError(
            f"{file} cannot be imported: {many}. Nothing was imported.",
            problems=[f"line {number}: {problem}" for number, problem in sorted(problems)],
            hint="Mend or remove these lines, or export the board again where it came from.",
        )


def _other_figures(a: Record, b: Record) -> str | None:
    """In what two records of the same submission and version differ; None if in nothing."""
    same = (a.kind, a.team, a.sha256) == (b.kind, b.team, b.sha256)
    if not same or not agree(a.public, b.public):
        return "other public figures than"
    if a.private and b.private and not (agree(a.private, b.private) and agree(a.all, b.all)):
        return "other private figures than"
    return None


def _named(record: Record) -> str:
    return f"{record.submission} ({record.name[:40]}, team {record.team})"


def _contradictions(
    content: _Content, there: Mapping[tuple[str, str], Record]
) -> Iterator[tuple[int, str]]:
    """Lines that say something else than the board has."""
    for key, (line, record) in content.records.items():
        wrong = _other_figures(there[key], record) if key in there else None
        if wrong:
            yield line, f"{_named(record)}: {wrong} on this board"


def wrong_withdrawals(
    withdrawals: Iterable[tuple[int, Withdrawal]], known: Mapping[str, Record]
) -> Iterator[tuple[int, str]]:
    """Withdrawals of nothing, or for somebody else; `known` are records by submission."""
    for line, withdrawal in withdrawals:
        record = known.get(withdrawal.submission)
        if record is None:
            yield line, f"withdraws {withdrawal.submission}, which is nowhere"
        elif record.kind != SUBMISSION or record.team != withdrawal.team:
            yield line, f"withdraws {_named(record)} for team {withdrawal.team}"
        elif (record.competition, record.dataset) != (withdrawal.competition, withdrawal.dataset):
            yield line, f"withdraws {_named(record)} from another board"


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
                yield line, f"picks {_named(record)} for team {pick.team}"


def _with_desks(
    entries: Iterable[tuple[int, Record]], facts: Facts, progress: Progress | None
) -> Iterator[tuple[int, Record, Desk]]:
    """Records that could be computed again: of present versions whose data are ready."""
    from podium.data import dataset as data

    desks: dict[tuple[str, str], Desk | None] = {}
    for line, record in entries:
        found = facts.present(record.competition, record.dataset, record.version)
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
    board: Board | None,
    content: _Content,
    there: Mapping[tuple[str, str], Record],
    came_open: Collection[tuple[str, str]],
) -> tuple[list[Reveal], list[str]]:
    """Reveals that open nothing but what came open, and the boards that stay sealed.

    Every submission that will be on the board must have come with its private figures, and these
    were computed here as well: whoever makes up a reveal can make up submissions for it.
    """
    opened = {(r.competition, r.dataset, r.answers) for r in board.reveals()} if board else set()
    everything = [*there.values(), *(record for _, record in content.records.values())]
    applied, sealed = [], set()
    for names, reveal in content.reveals.items():
        if names in opened:
            continue
        here = [r for r in everything if (r.competition, r.dataset, r.answers) == names]
        keys = [
            record.key
            for record in here
            if record.kind == SUBMISSION and record.key not in content.references
        ]
        if keys and all(key in came_open for key in keys):
            applied.append(reveal)
        else:
            sealed.add("/".join(names[:2]))
    return applied, sorted(sealed)


def _came_open(content: _Content) -> set[tuple[str, str]]:
    return {key for key, (_, record) in content.records.items() if record.private}
