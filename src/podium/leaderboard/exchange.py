"""Boards move as JSON lines: one line a record, sorted, so that they merge in git.

A sealed board's lines hold what its board shows: nothing private, and public figures rounded. What
is imported is computed again from its predictions where they are at hand; else it is a claim,
marked `unverified`.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from podium.competition import folders as competitions
from podium.errors import BoardError, PodiumError, UnknownNameError
from podium.figures import agree
from podium.leaderboard import jsonl
from podium.leaderboard.board import Batch, Board
from podium.leaderboard.contest import Contest
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
from podium.leaderboard.submit import Scorer, refusal
from podium.scratch import replacing

if TYPE_CHECKING:
    from podium.competition.part import Progress

_Fact = TypeVar("_Fact", bound=jsonl.Fact)


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


class Contests:
    """Contests by competition and dataset, as far as these are known here; each looked up once."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self.find = cache(self._find)
        self._shipped = cache(_shipped)

    def of(self, line: Mapping[str, Any]) -> Contest | None:
        """That of a record's line, whatever it says; no other line needs one."""
        known = line.get("type") == "record"
        return self.find(str(line.get("competition")), str(line.get("dataset"))) if known else None

    def ships(self, line: Mapping[str, Any]) -> bool:
        """Whether a line came with its competition."""
        known = self._shipped(str(line["competition"]))
        return bool(known) and jsonl.sha256_of(line) in known

    def _find(self, name: str, dataset: str) -> Contest | None:
        try:
            competition = competitions.load(name)
            return Contest.find(competition, competition.dataset(dataset), self._board)
        except PodiumError:
            return None


def _shipped(name: str) -> frozenset[str]:
    competition = competitions.try_load(name)
    return frozenset() if isinstance(competition, str) else jsonl.shipped(competition)


_Order = tuple[bool, str, str]
_Parsed = tuple[_Order, int, tuple[str, ...], jsonl.Fact, bool]
"""How a line is sorted, its number, what names it, what it says, and whether Podium ships it."""


@dataclass(kw_only=True)
class _Content:
    """What the lines of a file say, each with the number of its line, by what names it."""

    facts: dict[tuple[str, ...], tuple[int, jsonl.Fact]] = field(default_factory=dict)
    references: set[tuple[str, str]] = field(default_factory=set)

    def of(self, kind: type[_Fact]) -> list[tuple[int, _Fact]]:
        """All of a kind."""
        return [(line, fact) for line, fact in self.facts.values() if isinstance(fact, kind)]


def export(board: Board, file: Path, names: Sequence[str] = ()) -> Exported:
    """Write the lines of some competitions, or of all, whole or not at all.

    Where `file` has an earlier line of the same (two laptops scored the same control), that stays:
    boards that know the same write the same bytes, whoever exports.

    Raises:
        BoardError: If there is nothing to write, or `file` holds what the board does not have.
        UnknownNameError: If the board knows no such competition.
    """
    records = board.records()
    ships = {record.key for record in board.records([REFERENCE])}
    own = {record.key for record in board.records([OWN])}
    known = {record.competition: record.competition for record in records}
    known |= {competitions.name_of(key): key for key in known}
    if str(file) in known:
        raise BoardError(
            f"{file} is a competition, and a file is wanted.",
            hint=f"Name the file last: podium export {shlex.quote(str(file))} board.jsonl",
        )
    for name in names:
        if name not in known:
            raise UnknownNameError("competition on this board", name, known)
    keys = {known[name] for name in names}
    if not records:
        raise BoardError("The board is empty: there is nothing to export.")
    reveals = board.reveals()
    opened = set(map(_answers, reveals))
    objects = [jsonl.line_of(r, opened=r.key in ships or _answers(r) in opened) for r in records]
    others: list[jsonl.Fact] = [*board.withdrawals(), *reveals, *board.picks()]
    objects += map(jsonl.line_of, others)
    chosen = {jsonl.identity(o): o for o in objects if not names or o["competition"] in keys}
    contests = Contests(board)
    for line in _there(file, chosen.keys(), contests):
        ours = chosen.get(jsonl.identity(line))
        mine = (line.get("submission"), line.get("version")) in own
        if ours is None or _goes_before(line, ours, mine, contests):
            chosen[jsonl.identity(line)] = line
    with replacing(file) as scratch, scratch.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(jsonl.text_of(chosen[identity]) + "\n" for identity in sorted(chosen))
    kinds = [o["type"] for o in chosen.values()]
    return Exported(
        file=file,
        records=kinds.count("record"),
        withdrawals=kinds.count("withdrawal"),
        reveals=kinds.count("reveal"),
        picks=kinds.count("pick"),
    )


def merge(board: Board, file: Path, progress: Progress | None = None) -> tuple[Batch, Imported]:
    """What a file's lines would add to a board, all of them checked.

    Raises:
        BoardError: With every line that is broken or not true.
    """
    contests = Contests(board)
    content = _read(file, contests)
    there = {record.key: record for record in board.records([OWN])}
    claims = {record.key: record for record in board.records([CLAIM, REFERENCE])}
    records = sorted(content.of(Record), key=lambda item: item[1].created)
    everything = [*claims.values(), *there.values(), *(record for _, record in records)]
    known = {record.submission: record for record in everything}
    problems = [
        *_contradictions(records, there),
        *jsonl.wrong_withdrawals(content.of(Withdrawal), known),
        *jsonl.wrong_picks(content.of(Pick), known),
    ]
    # what Podium ships is known by its bytes: nothing of it need be trained or scored again
    foreign = [(n, r) for n, r in records if r.key not in there and r.key not in content.references]
    checked: dict[tuple[str, str], Record] = {}
    for line, record, scorer in _with_scorers(foreign, contests, progress):
        try:
            result = scorer.verified(record)
        except Exception as error:  # noqa: BLE001  its own line tells, with those of all others
            problems.append((line, f"{record.named}: {refusal(error)}"))
            continue
        if result:
            checked[record.key] = result
    better = {*there, *checked, *content.references}  # these take the place of a claim
    seen = {key: claim for key, claim in claims.items() if key not in better}
    _raise(file, [*problems, *_contradictions(records, seen)])
    rest = [r for _, r in records if r.key not in there and r.key not in checked]
    unverified = [record for record in rest if record.key not in content.references]
    references = [record for record in rest if record.key in content.references]
    gone = {withdrawal.submission for withdrawal in board.withdrawals()}
    lasting = {withdrawal.submission for withdrawal in board.withdrawals([OWN])}
    scored = {submission for submission, _ in (*there, *checked)}
    claimed = [withdrawal for _, withdrawal in content.of(Withdrawal)]
    withdrawals = [withdrawal for withdrawal in claimed if withdrawal.submission not in gone]
    came_open = {r.key for _, r in records if r.private} & {*there, *checked}
    reveals, sealed = _reveals(board, content, everything, came_open)
    picks = list(_new_picks(board, [pick for _, pick in content.of(Pick)], reveals))
    batch = Batch(
        records=list(checked.values()),
        claims=unverified,
        references=references,
        withdrawals=withdrawals,
        reveals=reveals,
        picks=picks,
        came_open=came_open,
    )
    added = sum(record.key not in there and record.key not in claims for _, record in records)
    return batch, Imported(
        new=added,
        known=len(records) - added,
        verified=len(checked),
        unverified=sum(record.key not in claims for record in unverified),
        reference=sum(record.key not in claims for record in references),
        withdrawals=len(withdrawals),
        standing={w.submission: w.team for w in claimed if w.submission in scored - lasting},
        picks=len(picks),
        revealed=sorted(set(map(_title, reveals))),
        sealed=sealed,
    )


def _there(
    file: Path, kept: Collection[tuple[str, ...]], contests: Contests
) -> list[dict[str, Any]]:
    """Lines that `file` has already.

    Raises:
        BoardError: If some of them would be lost: an export takes the place of an older one, but
            never of lines that only the file has. Reveals that were not applied here stay.
    """
    if not file.parent.is_dir():
        raise BoardError(f"The directory {file.parent} does not exist.", hint="Make it first.")
    if not file.exists():
        return []
    parsed = [jsonl.parse(text) for _, text in jsonl.read(file)]
    whole = [jsonl.modern(line) for line in parsed if not isinstance(line, str)]
    if len(whole) < len(parsed):
        raise BoardError(
            f"{file} is there already and is no whole export.", hint="Name another file."
        )
    told = [jsonl.sealed(line) for line in whole if line["type"] in ("record", "withdrawal")]
    lost = {jsonl.identity(line) for line in told} - set(kept)
    if lost:
        raise BoardError(
            f"{file} holds {len(lost)} lines that this export would lose.",
            hint=f"Import them first: podium import {shlex.quote(str(file))}; "
            "or name another file.",
        )
    others = [line for line in whole if line["type"] in ("reveal", "pick")]
    sound = [
        line for line in others if _is_old(line) or not jsonl.problems(line, contests.of(line))
    ]
    return [*told, *sound]


def _is_old(line: Mapping[str, Any]) -> bool:
    """Whether it is a reveal of before they were of an answers' version."""
    return line["type"] == "reveal" and "answers" not in line


def _new_picks(board: Board, picks: Sequence[Pick], reveals: Sequence[Reveal]) -> Iterator[Pick]:
    """Picks that are later than the board's and came before the reveal."""
    known = {(*_answers(pick), pick.team): pick for pick in board.picks()}
    opened = {_answers(reveal): reveal.created for reveal in (*reveals, *board.reveals())}
    for pick in picks:
        before, until = known.get((*_answers(pick), pick.team)), opened.get(_answers(pick))
        late = until is not None and pick.created > until
        if not late and (before is None or before.created < pick.created):
            yield pick


def _answers(fact: Record | Reveal | Pick) -> tuple[str, str, str]:
    """Whose answers it is of."""
    return fact.competition, fact.dataset, fact.answers


def _title(reveal: Reveal) -> str:
    """Whose board it opens, as people call it."""
    return f"{competitions.name_of(reveal.competition)}/{reveal.dataset}"


def _goes_before(
    line: dict[str, Any], ours: dict[str, Any], mine: bool, contests: Contests
) -> bool:
    """Whether a file's line says the same as ours, and is the one that an import would take.

    The private figures that a file has of others are kept; those of what was scored here (`mine`)
    stay sealed.
    """
    if line["type"] == "pick":
        return str(line.get("created")) > str(ours["created"])
    if line == ours or jsonl.problems(line, contests.of(line)):
        return False
    if "message" in line and {**line, "message": ours["message"]} == ours:
        return not mine  # an edited remark: that of the board that scored it counts
    fuller = _order(line)[0] < _order(ours)[0]
    if (fuller and mine) or _order(line) > _order(ours):
        return False
    theirs, known = jsonl.made(line), jsonl.made(ours)
    if isinstance(theirs, Record) and isinstance(known, Record):
        return _other_figures(theirs, known) is None
    return line.get("team") == ours.get("team")


def _order(line: dict[str, Any]) -> _Order:
    """Of lines of the same the fullest counts, then the earliest."""
    return line.get("private") is None, line["created"], jsonl.text_of(line)


def _read(file: Path, contests: Contests) -> _Content:
    """All lines of a file; of several lines of the same record the fullest, then the earliest.

    Raises:
        BoardError: With every broken line.
    """
    problems: list[tuple[int, str]] = []
    parsed: list[_Parsed] = []
    old_reveals: list[tuple[int, dict[str, Any]]] = []

    def take(number: int, line: dict[str, Any]) -> None:
        key = jsonl.identity(line)
        wrong = jsonl.problems(line, contests.of(line))
        problems.extend((number, problem) for problem in wrong)
        if not wrong:
            parsed.append((_order(line), number, key, jsonl.made(line), contests.ships(line)))

    for number, text in jsonl.read(file):
        line = jsonl.parse(text)
        if isinstance(line, str):
            problems.append((number, line))
        elif _is_old(line):
            old_reveals.append((number, line))
        else:
            take(number, jsonl.modern(line))
    for number, line in old_reveals:
        for answers in _opened_by(line, parsed):
            take(number, {**line, "answers": answers})
    content = _Content()
    parsed.sort(key=lambda entry: entry[0])  # so that the order of the lines does not matter
    for _, number, key, fact, ships in parsed:
        if isinstance(fact, Reveal) and ships:
            continue  # what Podium ships is open in any case, and opens nothing else
        first, known = content.facts.setdefault(key, (number, fact))
        if isinstance(fact, Pick):
            content.facts[key] = number, fact  # the latest counts
        if isinstance(fact, Record) and isinstance(known, Record):
            if (wrong_with := _other_figures(known, fact)) is not None:
                problems.append((number, f"{fact.named}: {wrong_with} in line {first}"))
            if ships:
                content.references.add(fact.key)
    _raise(file, problems)
    if not parsed:
        raise BoardError(f"{file} holds no lines.", hint="Name a file that podium export wrote.")
    return content


def _opened_by(reveal: Mapping[str, Any], parsed: Sequence[_Parsed]) -> list[str]:
    """Answers that a reveal of before they had names opened: those the file had by then."""
    names, created = (reveal.get("competition"), reveal.get("dataset")), str(reveal.get("created"))
    records = [fact for _, _, _, fact, _ in parsed if isinstance(fact, Record)]
    here = [r for r in records if (r.competition, r.dataset) == names and r.created <= created]
    return sorted({record.answers for record in here}) or [""]


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


def _contradictions(
    records: Iterable[tuple[int, Record]], there: Mapping[tuple[str, str], Record]
) -> Iterator[tuple[int, str]]:
    """Lines that say something else than the board has."""
    for line, record in records:
        wrong = _other_figures(there[record.key], record) if record.key in there else None
        if wrong:
            yield line, f"{record.named}: {wrong} on this board"


def _with_scorers(
    records: Iterable[tuple[int, Record]], contests: Contests, progress: Progress | None
) -> Iterator[tuple[int, Record, Scorer]]:
    """Records that could be computed again: of present versions whose data are ready."""
    scorers: dict[tuple[str, str], Scorer | None] = {}
    for line, record in records:
        contest = contests.find(record.competition, record.dataset)
        if contest is None or contest.version.name != record.version:
            continue
        if contest.place not in scorers:
            scorers[contest.place] = Scorer.find(contest)
            if scorers[contest.place] and progress:
                progress.stage(f"verifying {contest.title}")
        if scorer := scorers[contest.place]:
            yield line, record, scorer


def _reveals(
    board: Board,
    content: _Content,
    records: Sequence[Record],
    came_open: Collection[tuple[str, str]],
) -> tuple[list[Reveal], list[str]]:
    """Reveals that open nothing but what came open, and the boards that stay sealed.

    Every submission that will be on the board must have come with its private figures, and these
    were computed here as well: whoever makes up a reveal can make up submissions for it.
    """
    opened = set(map(_answers, board.reveals()))
    applied, sealed = [], set()
    for _, reveal in content.of(Reveal):
        if _answers(reveal) in opened:
            continue
        keys = [
            record.key
            for record in records
            if _answers(record) == _answers(reveal)
            and record.kind == SUBMISSION
            and record.key not in content.references
        ]
        if keys and all(key in came_open for key in keys):
            applied.append(reveal)
        else:
            sealed.add(_title(reveal))
    return applied, sorted(sealed)
