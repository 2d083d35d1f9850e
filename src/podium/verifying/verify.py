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
from podium.verifying.checks import CHECKS, models_keep_the_contract, title
from podium.verifying.probes import PROBES
from podium.verifying.under_test import Check, DatasetUnderTest, Note


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
            loaded = competitions.load(name)
            checksums(loaded)
        except PodiumError as error:
            if competition:
                raise
            yield Verdict(competition=name, dataset="-", check="facts load", problem=str(error))
            continue
        for chosen in [loaded.dataset(dataset)] if dataset else loaded.datasets:
            yield from verify_dataset(DatasetUnderTest(loaded, chosen, progress=progress))


def verify_dataset(tested: DatasetUnderTest) -> Iterator[Verdict]:
    """Run the suite on one dataset."""
    try:
        tested.data  # noqa: B018  prepares it
    except PodiumError as error:
        if tested.dataset.at_hand or is_ready(tested.competition, tested.dataset):
            yield _verdict(tested, "data", problem=str(error))
        else:
            yield _verdict(tested, "data", skipped=f"skipped: {error.hint}")
        return
    said: dict[str, str] = {}
    for check in CHECKS:
        if tested.progress:
            tested.progress.stage(
                f"{tested.competition.name}/{tested.dataset.name}: {title(check)}"
            )
        verdict = judged(tested, check)
        if verdict.problem and verdict.problem in said:
            reason = f"skipped: stopped by what {said[verdict.problem]!r} says"
            verdict = replace(verdict, problem="", advice="", skipped=reason)
        elif verdict.problem:
            said[verdict.problem] = verdict.check
        yield verdict
    if tested.absent:
        reason = f"skipped: {', '.join(sorted(tested.absent))} need packages that are not installed"
        yield _verdict(tested, title(models_keep_the_contract), skipped=reason)


def judged(tested: DatasetUnderTest, check: Check) -> Verdict:
    """Run one check."""
    problems, notes = list[str](), list[str]()
    try:
        for line in check(tested):
            (notes if isinstance(line, Note) else problems).append(line)
    except PodiumError as error:
        problems.append(str(error))
    problem, why = "; ".join(problems), tested.competition.accepted.get(title(check))
    if problem and why:
        return _verdict(tested, title(check), skipped=f"accepted: {why} ({problem})")
    advice = PROBES.get(check, "") if problems or notes else ""
    return _verdict(tested, title(check), problem=problem, note="; ".join(notes), advice=advice)


def _verdict(tested: DatasetUnderTest, check: str, **said: str) -> Verdict:
    return Verdict(
        competition=tested.competition.name, dataset=tested.dataset.name, check=check, **said
    )
