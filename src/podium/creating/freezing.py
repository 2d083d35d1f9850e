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
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from podium import scratch
from podium.competition import folders as competitions
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
from podium.creating.example import README, TEST, refreshed
from podium.creating.splitting import resplit
from podium.data import dataset as data
from podium.data import raw
from podium.errors import DataError, PodiumError, reason
from podium.scoring import golden
from podium.scoring.scoring import golden_scores
from podium.scratch import file_sha256

if TYPE_CHECKING:
    from podium.competition.contract import Competition, Dataset

_FACTS, _SUMS = "competition.py", "checksums.json"
_ORDER = (".retired.txt", ".csv", _FACTS, README, TEST, _SUMS, GOLDEN)
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
    """What was asked for, what is to be written into the competition's folder, what is said of it.

    Attributes:
        competition: As its folder has it.
        known: The golden scores that were committed; none where it was never frozen.
        source: A folder or zip that holds raw files.
        new_rows: `train` puts labelled rows that have no part yet into train.
        prepared: Datasets that are prepared already, by name.
        files: The text of each file, by its path in the folder; None removes it.
        changes: What is another than it was, one line each.
    """

    competition: Competition
    known: Mapping[str, Any]
    source: Path | None
    new_rows: str | None
    prepared: Mapping[str, data.Prepared]
    files: dict[str, str | None] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)

    def text(self, name: str) -> str:
        """A file as it is going to be; empty where there is none."""
        file = self.competition.folder / name
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
                f"{self.competition.folder} cannot be written: {reason(error)}.",
                hint="Make it writable, then freeze it again.",
            ) from error
        return tuple(sorted(wanted))

    def _content(self, name: str) -> bytes | None:
        file = self.competition.folder / name
        return file.read_bytes() if file.is_file() else None

    def _replace(self, files: Mapping[str, bytes | None]) -> None:
        """Put files into their places, in that order, once all are written; None removes one."""
        with ExitStack() as stack:
            for name, content in reversed([*files.items()]):  # the last one ends first
                file = self.competition.folder / name
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
    prepared: Mapping[str, data.Prepared] = MappingProxyType({}),
) -> Frozen:
    """Bring checksums, split, golden scores, versions and cache in line with what the folder holds.

    Args:
        competition: Whose folder; its facts are read anew.
        dataset: The one to prepare again; None for all that are at hand.
        source: A folder or zip that holds its raw files.
        new_rows: `train` puts labelled rows that have no part yet into train.
        prepared: Datasets that were prepared from the raw files as they are, by name.

    Raises:
        PodiumError: If something is missing or does not fit; nothing is written then.
    """
    if source is not None and dataset is None:
        raise DataError("--from gives the files of one dataset: name it with --dataset.")
    facts.forget(competition)  # whoever edits and freezes in one process means what is on the disk
    competition = competitions.load(competition.name)
    one = competition.dataset(dataset) if dataset else None
    known = read_golden(competition) or _unfrozen(competition)
    work = _Work(competition, known, source, new_rows, prepared)
    before = _versions(work)
    if work.known.get("facts", facts_of(competition)) != facts_of(competition):
        work.changes.append(f"facts of {_FACTS} that a score depends on have changed")
    scores, differing = _scores_now(work)
    untold: list[str] = []
    with ExitStack() as cache:  # it follows once the folder is written
        for entry in [one] if one else [d for d in competition.datasets if d.at_hand]:
            former = scores.get(entry.name)
            now, same = _prepared(work, entry, cache, former)
            if now and not former and entry.name in work.known["scores"]:
                if same:
                    differing += _changes(entry, work.known["scores"][entry.name], now)
                else:
                    untold.append(entry.name)
            scores |= {entry.name: now} if now else {}
        version = _metric_version(work, differing, untold)
        _note_golden(work, scores, version)
        _note_example(work)
        written = work.write()
    facts.forget(competition)
    competition = replace(competition, metric_version=version)
    sums = checksums(competition)
    after = {name: version_of(competition, sums[name]).name for name in sums}
    return Frozen(
        competition=competition.name,
        metric_version=version,
        changes=tuple(work.changes),
        versions={
            name: (old, after[name])
            for name, old in before.items()
            if name in after and after[name] != old
        },
        written=written,
    )


def _unfrozen(competition: Competition) -> dict[str, Any]:
    """The golden scores of a competition that was never frozen: none, under what it says now."""
    version = competition.metric_version
    return {"metric": version, "facts": facts_of(competition), "agrees": [], "scores": {}}


def _versions(work: _Work) -> dict[str, str]:
    """The version of each frozen dataset as it was frozen last."""
    datasets = [d for d in work.competition.datasets if d.frozen]
    versions = {d.name: find_version(work.competition, d) for d in datasets}
    former = {name: work.known[name] for name in ("metric", "facts") if name in work.known}
    return {name: replace(present, **former).name for name, present in versions.items() if present}


def _scores_now(work: _Work) -> tuple[dict[str, golden.Scores], list[str]]:
    """Golden scores of the answers that the cache has, and which are others than they were."""
    scores: dict[str, golden.Scores] = {}
    differing: list[str] = []
    for entry in work.competition.datasets:
        folder = cache_folder(work.competition, entry)
        manifest = read_manifest(folder)
        if manifest is None or differences(work.competition, entry, manifest):
            continue
        ready = data.Data(
            competition=work.competition, dataset=entry, folder=folder, manifest=manifest
        )
        with suppress(DataError):  # damaged: it is prepared again
            now = golden_scores(ready)
            former = work.known["scores"].get(entry.name)
            former = former or golden.read_kept(folder / KEPT, work.known["metric"])
            differing += _changes(entry, former, now) if former else []
            if entry.frozen:
                scores[entry.name] = now
    return scores, differing


def _changes(dataset: Dataset, former: golden.Scores, now: golden.Scores) -> list[str]:
    return [f"{dataset.name}: {line}" for line in golden.changes(former, now)]


def _metric_version(work: _Work, differing: list[str], untold: list[str]) -> int:
    """The metric's version, raised where its scores are others; the raise is noted.

    Args:
        work: Where it is noted.
        differing: Golden scores that are others now, one line each.
        untold: Datasets that have other answers now, and whose former ones are not here: it cannot
            be told whether the metric is what it was.
    """
    name, version = work.competition.name, work.competition.metric_version
    former: int = work.known["metric"]
    if version < former:
        raise PodiumError(
            f"metric_version is {version} and was {former} already: it never goes back, "
            "since other scores were given under it.",
            hint=f"Set it to {former + 1} in competitions/{name}/{_FACTS}.",
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
        work.files[_FACTS] = facts.with_version(work.text(_FACTS), name, version)
    work.changes.extend(f"  {line}" for line in differing[:_EXAMPLES])
    return version


def _with_raw_files(work: _Work, dataset: Dataset) -> Dataset:
    """The dataset with the sha256 of its raw files as they are; `competition.py` has them too."""
    competition, sources = work.competition, []
    for number, source in enumerate(dataset.sources):
        place = work.competition.folder / source.url if source.beside else work.source
        if source.beside and work.source is not None:
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
    work: _Work, dataset: Dataset, cache: ExitStack, known: golden.Scores | None
) -> tuple[golden.Scores | None, bool]:
    """Prepare a dataset and split it; the cache takes it when its stack ends.

    Args:
        work: Where changes are noted.
        dataset: The one to prepare.
        cache: What ends once the folder is written.
        known: Golden scores of the frozen answers in the cache; None where it does not have them.

    Returns:
        Its golden scores, None where they are not committed; and whether data and split are those
        that were frozen.
    """
    dataset = _with_raw_files(work, dataset)
    prepared = work.prepared.get(dataset.name)
    if prepared is None:
        prepared = data.build(work.competition, dataset, source=work.source)
    table, content, same = _split(work, dataset, prepared)
    if same and known:
        return known, same
    ready = cache.enter_context(data.staged(work.competition, dataset, prepared, table, content))
    return (golden_scores(ready) if dataset.frozen else None), same


def _split(
    work: _Work, dataset: Dataset, prepared: data.Prepared
) -> tuple[bytes, dict[str, str], bool]:
    """The split of prepared data, their content, and whether both are those that were frozen."""
    competition = work.competition
    if not dataset.frozen:
        table = data.split_table(competition, dataset, prepared)
        return table, data.content(prepared, table), False
    split = resplit(competition, dataset, prepared, work.new_rows)
    content = data.content(prepared, split.table)
    place = competition.data_folder.relative_to(competition.folder)
    sums = (place / _SUMS).as_posix()
    known: dict[str, Any] = json.loads(work.text(sums) or "{}")
    former = known.get(dataset.name, {})
    if former and former["data"] != content["data"]:
        work.changes.append(f"{dataset.name}: the prepared data are others")
    work.changes.extend(split.changes)
    if former != content:
        present = dict(sorted({**known, dataset.name: content}.items()))
        work.files[sums] = json.dumps(present, indent=2) + "\n"
    file = place / "splits" / f"{dataset.name}.csv"
    if work.text(file.as_posix()).encode() != split.file:
        work.files[file.as_posix()] = split.file.decode()
    if split.retired != data.retired(competition, dataset):
        text = "".join(f"{row}\n" for row in split.retired)
        work.files[file.with_suffix(".retired.txt").as_posix()] = text or None
    return split.table, content, former == content


def _note_golden(work: _Work, scores: Mapping[str, golden.Scores], version: int) -> None:
    """Golden scores of every dataset under a metric's version, and which files gave them."""
    known, former = work.known["scores"], list[str](work.known["agrees"])
    present = file_sha256(work.competition.folder / "metric.py")
    agrees = [*former, *({present} - set(former))] if scores else former
    if version == work.known["metric"]:
        scores = {**known, **scores}
    else:  # the same bytes with other scores: a file that it imports has changed
        agrees = [] if present in former else [present]
    lost = sorted(set(known) - set(scores))
    work.changes.extend(f"{name}: no golden scores, its data are not here" for name in lost)
    if fresh := sorted(set(scores) - set(known)):
        work.changes.append(f"golden scores are made for {', '.join(fresh)}")
    document = {
        "metric": version,
        "facts": facts_of(work.competition),
        "agrees": agrees,
        "scores": dict(sorted(scores.items())),
    }
    if document != read_golden(work.competition):
        place = work.competition.data_folder.relative_to(work.competition.folder)
        work.files[(place / GOLDEN).as_posix()] = json.dumps(document, indent=1) + "\n"


def _note_example(work: _Work) -> None:
    """What README.md and test_metric.py say of the metric, as it is now."""
    before = work.text(README), work.text(TEST)
    *now, notes = refreshed(work.competition, *before)
    work.changes.extend(notes)
    for name, old, new in zip((README, TEST), before, now, strict=True):
        if new != old:
            work.files[name] = new
            work.changes.append(f"{name}: what it says of the metric")
