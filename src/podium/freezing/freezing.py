"""Freezing: write down what a board's scores depend on, after an organiser has changed it.

    raw files -> prepared data -> split -> golden scores: checked and made first, written at the end

Rows keep the part that they have. A change of the metric's scores raises its version; what is
written goes into the competition's folder and is to be committed (docs/decisions/0016).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from podium import data, golden, raw, scratch
from podium.competition import Competition, Dataset
from podium.errors import DataError, PodiumError, reason
from podium.freezing import facts
from podium.freezing.splitting import resplit
from podium.scoring import open_golden_scores
from podium.version import (
    GOLDEN,
    KEPT,
    cache_folder,
    checksums,
    file_sha256,
    find_version,
    is_ready,
    read_golden,
    version_of,
)

_FACTS = "competition.py"
_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """What freezing did.

    Attributes:
        changes: What is another than it was, one line each.
        versions: Former and present version of each dataset whose version is another now.
        written: The files that were written, relative to the competition's folder.
        outdated: Submissions of each dataset that are to be scored again.
    """

    competition: str
    metric_version: int
    changes: tuple[str, ...]
    versions: Mapping[str, tuple[str, str]]
    written: tuple[str, ...]
    outdated: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Work:
    """What is to be written into a competition's folder, and what is said of it.

    Attributes:
        files: The text of each file, by its path in the folder; None removes it.
        changes: What is another than it was, one line each.
    """

    folder: Path
    files: dict[str, str | None] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)

    def text(self, name: str) -> str:
        """A file as it is going to be; empty where there is none."""
        file = self.folder / name
        there = file.read_bytes().decode() if file.is_file() else ""  # its line ends stay
        return self.files.get(name) or there

    def write(self) -> tuple[str, ...]:
        """Write what differs, `competition.py` last; gives the names."""
        try:
            for name in sorted(self.files, key=lambda name: (name == _FACTS, name)):
                text, file = self.files[name], self.folder / name
                if text is None:
                    file.unlink(missing_ok=True)
                    continue
                file.parent.mkdir(exist_ok=True)
                with scratch.replacing(file) as made:
                    made.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise DataError(
                f"{self.folder} cannot be written: {reason(error)}.",
                hint="Make it writable, then freeze it again.",
            ) from error
        return tuple(sorted(self.files))


def freeze(
    competition: Competition,
    dataset: Dataset | None = None,
    *,
    source: Path | None = None,
    new_rows: str | None = None,
) -> Frozen:
    """Bring checksums, split, golden scores, versions and cache in line with what the folder holds.

    Args:
        competition: Whose folder.
        dataset: The one to prepare again; None for all that are at hand.
        source: A folder or zip that holds its raw files.
        new_rows: `train` puts labelled rows that have no part yet into train.

    Raises:
        PodiumError: If something is missing or does not fit; nothing is written then.
    """
    if source is not None and dataset is None:
        raise DataError("--from gives the files of one dataset: name it with --dataset.")
    facts.forget(competition)  # whoever edits and freezes in one process means what is on the disk
    frozen = [entry for entry in competition.datasets if entry.frozen]
    before = {entry.name: find_version(competition, entry) for entry in frozen}
    known, work = read_golden(competition), _Work(competition.folder)
    scores, differing = _scores_now(competition, known)
    competition, raised = _versioned(competition, known, differing, work)
    for entry in [dataset] if dataset else [d for d in competition.datasets if d.at_hand]:
        changed = _with_raw_files(competition, entry, source, work)
        if entry.frozen:
            scores[entry.name] = _refrozen(competition, changed, source, new_rows, work)
        else:
            data.prepare(competition, changed, source=source)
    if known and not raised:
        scores = {**known["scores"], **scores}
    _note_golden(competition, known, scores, work, raised=raised)
    written = work.write()
    facts.forget(competition)
    sums = checksums(competition)
    after = {name: version_of(competition, sums[name]).name for name in sums}
    return Frozen(
        competition=competition.name,
        metric_version=competition.metric_version,
        changes=tuple(work.changes),
        versions={
            name: (old.name, after[name])
            for name, old in before.items()
            if old and name in after and after[name] != old.name
        },
        written=written,
    )


def _scores_now(
    competition: Competition, known: Mapping[str, Any] | None
) -> tuple[dict[str, golden.Scores], list[str]]:
    """Golden scores of the answers that the cache has, and which are others than they were."""
    scores: dict[str, golden.Scores] = {}
    differing: list[str] = []
    for entry in competition.datasets:
        if not entry.frozen or not is_ready(competition, entry):
            continue
        with suppress(DataError):  # damaged: it is prepared again
            scores[entry.name] = open_golden_scores(competition, entry)
            version = known["metric"] if known else competition.metric_version
            former = known["scores"].get(entry.name) if known else None
            former = former or golden.read_kept(cache_folder(competition, entry) / KEPT, version)
            lines = golden.changes(former, scores[entry.name]) if former else []
            differing += [f"{entry.name}: {line}" for line in lines]
    return scores, differing


def _versioned(
    competition: Competition, known: Mapping[str, Any] | None, differing: list[str], work: _Work
) -> tuple[Competition, bool]:
    """The competition with its metric's version, and whether that is another than it was."""
    version = competition.metric_version
    former = known["metric"] if known else version
    if version < former:
        raise PodiumError(
            f"metric_version is {version} and was {former} already: it never goes back, "
            "since other scores were given under it.",
            hint=f"Set it to {former + 1} in competitions/{competition.name}/{_FACTS}.",
        )
    if version > former:
        work.changes.append(f"metric version {former} -> {version}, as {_FACTS} says")
    elif differing:
        version += 1
        work.changes.append(f"metric version {former} -> {version}: it gives other scores")
        work.files[_FACTS] = facts.with_version(work.text(_FACTS), competition.name, version)
    work.changes.extend(f"  {line}" for line in differing[:_EXAMPLES])
    return replace(competition, metric_version=version), version != former


def _with_raw_files(
    competition: Competition, dataset: Dataset, given: Path | None, work: _Work
) -> Dataset:
    """The dataset with the sha256 of its raw files as they are; `competition.py` has them too."""
    sources = []
    for source in dataset.sources:
        place = competition.folder / source.url if source.beside else given
        if source.beside and given is not None:
            raise DataError(
                f"The raw files of {competition.name}/{dataset.name} lie in {place}: --from is for "
                "those that do not.",
                hint=f"Put them there, then: podium freeze {competition.name}",
            )
        members = dict(source.members)
        for name, expected in source.members.items():
            if place is None or expected is None:
                continue
            members[name] = present = raw.present(name, expected, place)
            if present != expected:
                text = facts.with_sha256(work.text(_FACTS), name, expected, present)
                work.files[_FACTS] = text
                work.changes.append(f"{dataset.name}: raw file {name} is another")
        sources.append(replace(source, members=members))
    return replace(dataset, sources=tuple(sources))


def _refrozen(
    competition: Competition,
    dataset: Dataset,
    source: Path | None,
    new_rows: str | None,
    work: _Work,
) -> golden.Scores:
    """Prepare a dataset, split it and put it into the cache; gives its golden scores."""
    prepared = data.build(competition, dataset, source=source)
    split = resplit(competition, dataset, prepared, new_rows)
    content = data.content(prepared, split.table)
    known: dict[str, Any] = json.loads(work.text("checksums.json") or "{}")
    former = known.get(dataset.name, {})
    if former and former["data"] != content["data"]:
        work.changes.append(f"{dataset.name}: the prepared data are others")
    work.changes.extend(split.changes)
    if former != content:
        sums = dict(sorted({**known, dataset.name: content}.items()))
        work.files["checksums.json"] = json.dumps(sums, indent=2) + "\n"
    name = f"splits/{dataset.name}.csv"
    if work.text(name).encode() != split.table:
        work.files[name] = split.table.decode()
    if split.retired != data.retired(competition, dataset):
        text = "".join(f"{row}\n" for row in split.retired)
        work.files[f"splits/{dataset.name}.retired.txt"] = text or None
    if former != content or not is_ready(competition, dataset):
        data.store(competition, dataset, prepared, split.table)
    return open_golden_scores(competition, dataset)


def _note_golden(
    competition: Competition,
    known: Mapping[str, Any] | None,
    scores: Mapping[str, golden.Scores],
    work: _Work,
    *,
    raised: bool,
) -> None:
    """Golden scores of every dataset, and which files `metric.py` gave them."""
    former: list[str] = list(known["agrees"]) if known else []
    present = file_sha256(competition.folder / "metric.py")
    agrees = [*former, *({present} - set(former))]
    if raised:  # the same bytes with other scores: a file that it imports has changed
        agrees = [] if present in former else [present]
    document = {
        "metric": competition.metric_version,
        "agrees": agrees,
        "scores": dict(sorted(scores.items())),
    }
    lost = sorted(set(known["scores"]) - set(scores)) if known else []
    work.changes.extend(f"{name}: no golden scores, its data are not here" for name in lost)
    fresh = sorted(set(scores) - set(known["scores"] if known else ()))
    if fresh:
        work.changes.append(f"golden scores are made for {', '.join(fresh)}")
    if document != known:
        work.files[GOLDEN] = json.dumps(document, indent=1) + "\n"
