"""Freezing: write down what a board's scores depend on, after an organiser has changed it.

    raw files -> prepared data -> split -> golden scores: checked and made first, then the folder is
    written, all or nothing, and the cache last

Rows keep the part that they have. A change of the metric's scores raises its version; what is
written goes into the competition's folder and is to be committed (docs/decisions/0016).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from podium import scratch
from podium.competition import folders as competitions
from podium.competition.contract import Competition, Dataset
from podium.competition.version import (
    GOLDEN,
    KEPT,
    cache_folder,
    checksums,
    differences,
    facts_of,
    find_version,
    read_golden,
    read_manifest,
    version_of,
)
from podium.creating import facts
from podium.creating.splitting import resplit
from podium.data import dataset as data
from podium.data import raw
from podium.errors import DataError, PodiumError, reason
from podium.scoring import golden
from podium.scoring.scoring import golden_scores
from podium.scratch import file_sha256

_FACTS, _SUMS = "competition.py", "checksums.json"
_ORDER = (".retired.txt", ".csv", _FACTS, _SUMS, GOLDEN)
"""In which files are written, by the ends of their names."""
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
        """Write all that differs, or nothing; gives the names.

        The order lets another `freeze` complete what a kill cut off: rows that are retired first,
        since nothing tells them once they have left the split.
        """
        texts = {name: self.files[name] for name in sorted(self.files, key=_turn)}
        wanted = {name: None if text is None else text.encode() for name, text in texts.items()}
        before = {name: self._content(name) for name in reversed(wanted)}
        try:
            self._replace(wanted)
        except OSError as error:
            with suppress(OSError):
                self._replace({n: old for n, old in before.items() if self._content(n) != old})
            raise DataError(
                f"{self.folder} cannot be written: {reason(error)}.",
                hint="Make it writable, then freeze it again.",
            ) from error
        return tuple(sorted(wanted))

    def _content(self, name: str) -> bytes | None:
        file = self.folder / name
        return file.read_bytes() if file.is_file() else None

    def _replace(self, files: Mapping[str, bytes | None]) -> None:
        """Put files into their places, in that order, once all are written; None removes one."""
        with ExitStack() as stack:
            for name, content in reversed([*files.items()]):  # the last one ends first
                file = self.folder / name
                if content is None:
                    stack.enter_context(_removing(file))
                    continue
                file.parent.mkdir(exist_ok=True)
                stack.enter_context(scratch.replacing(file)).write_bytes(content)


def _turn(name: str) -> int:
    """When a file is written."""
    return next(turn for turn, end in enumerate(_ORDER) if name.endswith(end))


@contextmanager
def _removing(file: Path) -> Iterator[None]:
    yield
    file.unlink(missing_ok=True)


def freeze(
    competition: Competition,
    dataset: str | None = None,
    *,
    source: Path | None = None,
    new_rows: str | None = None,
) -> Frozen:
    """Bring checksums, split, golden scores, versions and cache in line with what the folder holds.

    Args:
        competition: Whose folder; its facts are read anew.
        dataset: The one to prepare again; None for all that are at hand.
        source: A folder or zip that holds its raw files.
        new_rows: `train` puts labelled rows that have no part yet into train.

    Raises:
        PodiumError: If something is missing or does not fit; nothing is written then.
    """
    if source is not None and dataset is None:
        raise DataError("--from gives the files of one dataset: name it with --dataset.")
    facts.forget(competition)  # whoever edits and freezes in one process means what is on the disk
    competition = competitions.load(competition.name)
    one = competition.dataset(dataset) if dataset else None
    known, work = read_golden(competition), _Work(competition.folder)
    before = _versions(competition, known)
    if known and known.get("facts", facts_of(competition)) != facts_of(competition):
        work.changes.append(f"facts of {_FACTS} that a score depends on have changed")
    scores, differing = _scores_now(competition, known)
    untold: list[str] = []
    with ExitStack() as cache:  # it follows once the folder is written
        for entry in [one] if one else [d for d in competition.datasets if d.at_hand]:
            former = scores.get(entry.name)
            now, same = _prepared(competition, entry, source, new_rows, work, cache, former)
            if now and not former and known and entry.name in known["scores"]:
                differing += _changes(entry, known["scores"][entry.name], now) if same else []
                untold += [] if same else [entry.name]
            scores |= {entry.name: now} if now else {}
        competition, raised = _versioned(competition, known, differing, untold, work)
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
            name: (old, after[name])
            for name, old in before.items()
            if name in after and after[name] != old
        },
        written=written,
    )


def _versions(competition: Competition, known: Mapping[str, Any] | None) -> dict[str, str]:
    """The version of each frozen dataset as it was frozen last."""
    found = {d.name: find_version(competition, d) for d in competition.datasets if d.frozen}
    former = {} if known is None else {"metric": known["metric"]}
    former |= {} if known is None or "facts" not in known else {"facts": known["facts"]}
    return {name: replace(version, **former).name for name, version in found.items() if version}


def _scores_now(
    competition: Competition, known: Mapping[str, Any] | None
) -> tuple[dict[str, golden.Scores], list[str]]:
    """Golden scores of the answers that the cache has, and which are others than they were."""
    scores: dict[str, golden.Scores] = {}
    differing: list[str] = []
    for entry in competition.datasets:
        folder = cache_folder(competition, entry)
        manifest = read_manifest(folder)
        if manifest is None or differences(competition, entry, manifest):
            continue
        ready = data.Data(competition=competition, dataset=entry, folder=folder, manifest=manifest)
        with suppress(DataError):  # damaged: it is prepared again
            now = golden_scores(ready)
            version = known["metric"] if known else competition.metric_version
            former = known["scores"].get(entry.name) if known else None
            former = former or golden.read_kept(folder / KEPT, version)
            differing += _changes(entry, former, now) if former else []
            if entry.frozen:
                scores[entry.name] = now
    return scores, differing


def _changes(dataset: Dataset, former: golden.Scores, now: golden.Scores) -> list[str]:
    return [f"{dataset.name}: {line}" for line in golden.changes(former, now)]


def _versioned(
    competition: Competition,
    known: Mapping[str, Any] | None,
    differing: list[str],
    untold: list[str],
    work: _Work,
) -> tuple[Competition, bool]:
    """The competition with its metric's version, and whether that is another than it was.

    Args:
        competition: As its folder has it.
        known: The committed golden scores.
        differing: Golden scores that are others now, one line each.
        untold: Datasets that have other answers now, and whose former ones are not here: it cannot
            be told whether the metric is what it was.
        work: Where a raised version is noted.
    """
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
    elif differing or untold:
        version += 1
        why = "it gives other scores"
        if not differing:
            why = (
                f"nobody can tell whether it gives other scores, since the data of "
                f"{', '.join(untold)} have changed and the former are not in this cache"
            )
        work.changes.append(f"metric version {former} -> {version}: {why}")
        work.files[_FACTS] = facts.with_version(work.text(_FACTS), competition.name, version)
    work.changes.extend(f"  {line}" for line in differing[:_EXAMPLES])
    return replace(competition, metric_version=version), version != former


def _with_raw_files(
    competition: Competition, dataset: Dataset, given: Path | None, work: _Work
) -> Dataset:
    """The dataset with the sha256 of its raw files as they are; `competition.py` has them too."""
    sources = []
    for number, source in enumerate(dataset.sources):
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
                text = facts.with_sha256(
                    work.text(_FACTS), (dataset.name, number, name), expected, present
                )
                work.files[_FACTS] = text
                work.changes.append(f"{dataset.name}: raw file {name} is another")
        sources.append(replace(source, members=members))
    return replace(dataset, sources=tuple(sources))


def _prepared(
    competition: Competition,
    dataset: Dataset,
    source: Path | None,
    new_rows: str | None,
    work: _Work,
    cache: ExitStack,
    known: golden.Scores | None,
) -> tuple[golden.Scores | None, bool]:
    """Prepare a dataset and split it; the cache takes it when its stack ends.

    Args:
        competition: As its folder has it.
        dataset: The one to prepare.
        source: A folder or zip that holds its raw files.
        new_rows: What `freeze` was given.
        work: Where changes are noted.
        cache: What ends once the folder is written.
        known: Golden scores of the frozen answers in the cache; None where it does not have them.

    Returns:
        Its golden scores, None where they are not committed; and whether data and split are those
        that were frozen.
    """
    dataset = _with_raw_files(competition, dataset, source, work)
    prepared = data.build(competition, dataset, source=source)
    table, same = _split(competition, dataset, prepared, new_rows, work)
    if same and known:
        return known, same
    ready = cache.enter_context(data.staged(competition, dataset, prepared, table))
    return (golden_scores(ready) if dataset.frozen else None), same


def _split(
    competition: Competition,
    dataset: Dataset,
    prepared: data.Prepared,
    new_rows: str | None,
    work: _Work,
) -> tuple[bytes, bool]:
    """The split of prepared data, and whether both are those that were frozen."""
    if not dataset.frozen:
        return data.split_table(competition, dataset, prepared), False
    split = resplit(competition, dataset, prepared, new_rows)
    content = data.content(prepared, split.table)
    known: dict[str, Any] = json.loads(work.text(_SUMS) or "{}")
    former = known.get(dataset.name, {})
    if former and former["data"] != content["data"]:
        work.changes.append(f"{dataset.name}: the prepared data are others")
    work.changes.extend(split.changes)
    if former != content:
        sums = dict(sorted({**known, dataset.name: content}.items()))
        work.files[_SUMS] = json.dumps(sums, indent=2) + "\n"
    name = f"splits/{dataset.name}.csv"
    if work.text(name).encode() != split.table:
        work.files[name] = split.table.decode()
    if split.retired != data.retired(competition, dataset):
        text = "".join(f"{row}\n" for row in split.retired)
        work.files[f"splits/{dataset.name}.retired.txt"] = text or None
    return split.table, former == content


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
    agrees = [*former, *({present} - set(former))] if scores else former
    if known and not raised:
        scores = {**known["scores"], **scores}
    if raised:  # the same bytes with other scores: a file that it imports has changed
        agrees = [] if present in former else [present]
    document = {
        "metric": competition.metric_version,
        "facts": facts_of(competition),
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
