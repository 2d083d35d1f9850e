"""The conformance suite: what every competition and dataset must hold.

Behind `podium verify` and `tests/whole/test_competitions.py`. A check is a function whose docstring
says what holds; it yields one line for each way in which it does not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.competition import folders as competitions
from podium.competition.foreign import MetricError
from podium.competition.version import checksums, is_ready
from podium.errors import PodiumError, one_line
from podium.execution.predicting import stand_in
from podium.verifying import board, checks
from podium.verifying.probes import duplicates, features, identity, scores
from podium.verifying.under_test import Check, DatasetUnderTest, Note

if TYPE_CHECKING:
    from podium.competition.part import Progress


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
        cause = next((first for problem, first in said.items() if problem in verdict.problem), None)
        if verdict.problem and cause:
            reason = f"skipped: stopped by what {cause!r} says"
            verdict = replace(verdict, problem="", advice="", skipped=reason)
        elif verdict.problem:
            said[verdict.problem] = verdict.check
        yield verdict
    if tested.absent:
        reason = f"skipped: {', '.join(sorted(tested.absent))} need packages that are not installed"
        yield _verdict(tested, title(checks.models_keep_the_contract), skipped=reason)


MEND_METRIC = (
    "mend metric.py, or name the columns that it asks for in GIVEN of data.py; then: "
    "podium freeze {}"
)


def title(check: Check) -> str:
    """A check's name as people read it."""
    return check.__name__.replace("_", " ")


def judged(tested: DatasetUnderTest, check: Check) -> Verdict:
    """Run one check."""
    problems, notes, mend = list[str](), list[str](), ""
    try:
        for line in check(tested):
            (notes if isinstance(line, Note) else problems).append(line)
    except MetricError as error:
        problems.append(one_line(error))
        mend = MEND_METRIC.format(tested.competition.name)
    except PodiumError as error:
        problems.append(str(error))
    problem, why = "; ".join(problems), tested.competition.accepted.get(title(check))
    if problem and why:
        return _verdict(tested, title(check), skipped=f"accepted: {why} ({problem})")
    advice = mend or (PROBES.get(check, "") if problems or notes else "")
    return _verdict(tested, title(check), problem=problem, note="; ".join(notes), advice=advice)


def _verdict(tested: DatasetUnderTest, check: str, **said: str) -> Verdict:
    return Verdict(
        competition=tested.competition.name, dataset=tested.dataset.name, check=check, **said
    )


def facts_are_complete(tested: DatasetUnderTest) -> Iterator[str]:
    """README, metric, controls and the default dataset are there and agree."""
    facts = tested.competition
    if not (facts.folder / "README.md").is_file():
        yield "README.md is missing"
    if not facts.datasets[0].at_hand:
        yield "the default dataset is neither simulated nor beside competition.py"
    for name in set(facts.accepted) - {title(check) for check in CHECKS}:
        yield f"accepted names no check: {name!r}"
    for name in set(facts.optional) - set(tested.features[0]):
        yield f"optional names no feature: {name!r}"
    for name, value in facts.optional.items():
        if name in tested.features[0]:
            for problem in stand_in(value, 1, tested.features[0][name])[1]:
                yield f"optional, {name!r}: {problem}"
    for control in facts.controls:
        if control.model not in facts.models:
            yield f"control {control.name!r} names no model: {control.model}"
    with facts.telling("metric"):
        given = set(facts.metric.score(tested.solution.targets, tested.solution.answers))
    declared = {score.name for score in facts.scores}
    if given != declared:
        yield f"metric gives {sorted(given)}, competition.py declares {sorted(declared)}"


PROBES: Mapping[Check, str] = {
    identity.ids_and_order_tell_nothing: (
        "shuffle the rows in data.py, and number them anew where ids grow with the target or with "
        "time"
    ),
    identity.metadata_tell_little: (
        "see how missing values and lengths come about; fill or cut them alike for all rows if "
        "they were made together with the answers"
    ),
    duplicates.no_test_row_is_in_train: (
        "drop duplicates in data.py before the split, or keep them together: a group for each set "
        "of equal rows (--split grouped)"
    ),
    duplicates.no_test_text_is_nearly_in_train: (
        "cluster the texts and split whole clusters (--split grouped --by the cluster)"
    ),
    features.groups_stay_together: (
        "split by that column (podium new --split grouped --by it), unless new rows of known "
        "groups are what is asked for"
    ),
    features.no_feature_is_the_target: "take the column out of the features in data.py",
    scores.no_constant_beats_the_controls: "add it as a control: Control(..., params={...})",
    scores.worse_predictions_score_worse: (
        "see to higher_is_better in competition.py, and to finish() in metric.py"
    ),
}
"""Each probe, and what to do about its finding."""

CHECKS: tuple[Check, ...] = (
    checks.imports_are_light,
    facts_are_complete,
    checks.checksums_agree,
    checks.answers_follow_from_raw_files,
    checks.raw_files_are_those_that_were_frozen,
    checks.metric_is_that_of_its_version,
    checks.parts_are_disjoint_and_complete,
    checks.groups_keep_apart,
    checks.answers_are_apart,
    checks.perfect_beats_controls,
    checks.scores_do_not_depend_on_order,
    checks.metric_is_a_sum,
    checks.a_metric_of_others_scores_as_by_itself,
    checks.bad_files_are_refused,
    checks.models_keep_the_contract,
    checks.spaces_yield_parameters,
    checks.board_is_whole,
    *board.BOARD,
    *PROBES,
)
"""What is run, in this order."""
