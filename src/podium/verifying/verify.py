"""The conformance suite: what every competition and dataset must hold.

Behind `podium verify` and `tests/whole/test_competitions.py`. A check is a function whose docstring
says what holds; it yields one line for each way in which it does not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from podium.competition import folders as competitions
from podium.competition.version import checksums, is_ready
from podium.errors import PodiumError
from podium.execution.training import Progress
from podium.verifying.case import Case, Check
from podium.verifying.checks import CHECKS, models_keep_the_contract, title
from podium.verifying.probes import ADVICE, Note


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one check found.

    Attributes:
        problem: Empty when it holds.
        skipped: Why it was not run, or why its finding is meant to be.
        note: What the organiser should look at; it fails nothing.
        advice: What to do about a problem or note.
    """

    competition: str
    dataset: str
    check: str
    problem: str = ""
    skipped: str = ""
    note: str = ""
    advice: str = ""


def verify(
    competition: str | None = None,
    dataset: str | None = None,
    *,
    progress: Progress | None = None,
) -> Iterator[Verdict]:
    """Run the suite; real datasets that are not prepared are skipped and say so.

    Args:
        competition: One competition, or the path of its folder; None for all.
        dataset: One of its datasets; None for all.
        progress: Shows the checks.
    """
    if competition and ("/" in competition or os.sep in competition):
        competition = competitions.at(Path(competition))
    for name in [competition] if competition else competitions.names():
        try:
            found = competitions.load(name)
            checksums(found)
        except PodiumError as error:
            if competition:
                raise
            yield Verdict(competition=name, dataset="-", check="facts load", problem=str(error))
            continue
        chosen = [found.dataset(dataset)] if dataset else found.datasets
        for entry in chosen:
            yield from verify_dataset(Case(found, entry, progress=progress))


def verify_dataset(case: Case) -> Iterator[Verdict]:
    """Run the suite on one dataset."""
    names = {"competition": case.competition.name, "dataset": case.dataset.name}
    try:
        case.data  # noqa: B018  prepares it
    except PodiumError as error:
        if case.dataset.at_hand or is_ready(case.competition, case.dataset):
            yield Verdict(**names, check="data", problem=str(error))
        else:
            yield Verdict(**names, check="data", skipped=f"skipped: {error.hint}")
        return
    said: dict[str, str] = {}
    for check in CHECKS:
        if case.progress:
            case.progress.stage(f"{case.competition.name}/{case.dataset.name}: {title(check)}")
        verdict = judged(case, check)
        if verdict.problem and verdict.problem in said:
            reason = f"skipped: stopped by what {said[verdict.problem]!r} says"
            verdict = replace(verdict, problem="", advice="", skipped=reason)
        elif verdict.problem:
            said[verdict.problem] = verdict.check
        yield verdict
    absent = sorted(case.absent)
    if absent:
        reason = f"skipped: {', '.join(absent)} need packages that are not installed"
        yield Verdict(**names, check=title(models_keep_the_contract), skipped=reason)


def judged(case: Case, check: Check) -> Verdict:
    """Run one check."""
    names = {"competition": case.competition.name, "dataset": case.dataset.name}
    name, problems, notes = title(check), list[str](), list[str]()
    try:
        for line in check(case):
            (notes if isinstance(line, Note) else problems).append(line)
    except PodiumError as error:
        problems.append(str(error))
    found = {"problem": "; ".join(problems), "note": "; ".join(notes)}
    why = case.competition.accepted.get(name)
    if problems and why:
        return Verdict(**names, check=name, skipped=f"accepted: {why} ({found['problem']})")
    advice = ADVICE.get(check.__name__, "") if problems or notes else ""
    return Verdict(**names, check=name, **found, advice=advice)
