"""Versions: which data, split and metric a score belongs to, and what of it the cache has.

Data and split are named by their content, the metric by its version, which golden scores hold
(`podium.scoring.golden`, docs/decisions/0016). The board needs no
more of the data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import workspace
from podium.errors import DataError
from podium.scratch import file_sha256

if TYPE_CHECKING:
    from podium.competition.contract import Competition, Dataset

PUBLIC, SOLUTION = "public", "solution"
MANIFEST = "manifest.json"
GOLDEN = "golden.json"
KEPT = f"{SOLUTION}/{GOLDEN}"
"""Golden scores in the cache, of datasets whose scores are not committed."""
FORM = 2
"""Of prepared data: what was prepared in an older form is prepared again."""
_SHORT = 16


@dataclass(frozen=True, kw_only=True)
class Version:
    """What a score depends on besides the predictions; boards never mix versions.

    Attributes:
        data: sha256 of the content of the prepared tables.
        split: sha256 of the split.
        metric: The metric's version.
        facts: sha256 of what else of `competition.py` a score depends on; see `facts_of`.
    """

    data: str
    split: str
    metric: int
    facts: str

    @property
    def name(self) -> str:
        """One short name for all four."""
        return hashlib.sha256(_canonical(vars(self)).encode()).hexdigest()[:_SHORT]

    @property
    def answers(self) -> str:
        """A short name of the answers alone: what was seen of them stays seen in a new metric."""
        return answers_of(vars(self))


def answers_of(provenance: Mapping[str, Any]) -> str:
    """The name of the answers that a record was scored with (`Version.answers`), of any form.

    Empty where the provenance does not say it, as that of others may not.
    """
    data, split = provenance.get("data"), provenance.get("split")
    if not isinstance(data, str) or not isinstance(split, str):
        return ""
    return hashlib.sha256(f"{data}{split}".encode()).hexdigest()[:_SHORT]


def facts_of(competition: Competition) -> str:
    """sha256 of the facts that a score depends on.

    Titles, units, citations, controls and limits are none of them.
    """
    facts = {
        "targets": [
            [t.name, repr(float(t.low)), repr(float(t.high)), t.label, t.matrix, *[True][: t.text]]
            for t in competition.targets
        ],
        "primary": [competition.primary.name, competition.primary.higher_is_better],
        "metric_by": list(competition.metric_by),
        "metric_id": competition.metric_id,
        "observed": competition.observed,
        "halves_by": competition.halves_by,
        "strata": [[s.name, s.group, s.enough] for s in competition.strata],
    }
    return hashlib.sha256(_canonical(facts).encode()).hexdigest()


def version_of(competition: Competition, known: Mapping[str, Any]) -> Version:
    """The version of known `data` and `split`, with the metric and the facts as they are now."""
    return Version(
        data=known["data"],
        split=known["split"],
        metric=competition.metric_version,
        facts=facts_of(competition),
    )


def successor(competition: Competition, dataset: str, old: Mapping[str, Any]) -> str | None:
    """The present version's name for a record that was made when editions hashed `metric.py`.

    Args:
        competition: Whose record it is.
        dataset: The name of its dataset.
        old: Its provenance: `data`, `split`, and `metric` as sha256 of the file's bytes.

    Returns:
        None where data, split or the behaviour of the metric were others, or are not known.
    """
    if dataset not in [entry.name for entry in competition.datasets]:
        return None
    present = find_version(competition, competition.dataset(dataset))
    if present is None or (old.get("data"), old.get("split")) != (present.data, present.split):
        return None
    return present.name if old.get("metric") in _agreeing(competition) else None


def former_names(competition: Competition, version: Version) -> set[str]:
    """What a version was called while editions hashed `metric.py`: studies are kept under it."""
    return {
        hashlib.sha256(f"{version.data}{version.split}{metric}".encode()).hexdigest()[:_SHORT]
        for metric in _agreeing(competition)
    }


def _agreeing(competition: Competition) -> set[str]:
    """sha256 of the files `metric.py` that are known to give the scores of the present version.

    Once the version was raised, the file's bytes may be those of an earlier one: what changed may
    be a file that it imports.
    """
    known, file = read_golden(competition), competition.folder / "metric.py"
    first = competition.metric_version == 1 and file.is_file()
    present = {file_sha256(file)} if first else set()
    return present | set(known["agrees"] if known else ())


def read_golden(competition: Competition) -> dict[str, Any] | None:
    """The committed golden scores; None where there are none.

    Returns:
        `metric`: their version; `facts`: what `facts_of` gave, where it was noted; `agrees`: sha256
        of the files `metric.py` that gave them; `scores`: those of each dataset, see
        `podium.scoring.golden`.

    Raises:
        DataError: If the file is not of that form.
    """
    kinds = {"metric": int, "agrees": list, "scores": dict}
    return _committed(
        competition,
        GOLDEN,
        lambda known: all(isinstance(known[name], kind) for name, kind in kinds.items()),
        form='{"metric": 1, "agrees": [], "scores": {}}',
        mend="Remove {} and make it again:",
    )


def _committed(
    competition: Competition,
    name: str,
    is_whole: Callable[[dict[str, Any]], bool],
    *,
    form: str,
    mend: str,
) -> dict[str, Any] | None:
    """What a JSON file that is frozen of the data holds; None where there is none.

    Raises:
        DataError: If it is not of its form.
    """
    file = competition.data_folder / name
    if not file.is_file():
        return None
    try:
        known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        whole = is_whole(known)
    except (ValueError, KeyError, AttributeError, TypeError):
        whole = False
    if not whole:
        raise DataError(
            f"{competition.shown(file)} is no JSON of the form {form}.",
            hint=f"{mend.format(file)} podium freeze {competition.name}",
        )
    return known


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def find_version(competition: Competition, dataset: Dataset) -> Version | None:
    """The present version, as frozen or else as prepared; None if it is neither."""
    frozen = checksums(competition).get(dataset.name)
    known = frozen or read_manifest(cache_folder(competition, dataset))
    return version_of(competition, known) if known else None


def checksums(competition: Competition) -> dict[str, dict[str, str]]:
    """The committed sha256 of each dataset's `data` and `split`.

    Raises:
        DataError: If the file is not of that form.
    """
    known = _committed(
        competition,
        "checksums.json",
        lambda known: all({"data", "split"} <= set(entry) for entry in known.values()),
        form='{"demo": {"data": "<sha256>", "split": "<sha256>"}}',
        mend="Mend it, or remove {} and:",
    )
    return known or {}


def differences(
    competition: Competition, dataset: Dataset, manifest: Mapping[str, Any]
) -> list[str]:
    """Where prepared data differ from the committed checksums, one line each."""
    known = checksums(competition).get(dataset.name, {})
    return [
        f"{what}: sha256 {manifest[what][:12]}..., checksums.json has {known[what][:12]}..."
        for what in ("data", "split")
        if what in known and known[what] != manifest[what]
    ]


def is_ready(competition: Competition, dataset: Dataset) -> bool:
    """Whether the cache has the present version; its files are checked when they are read."""
    manifest = read_manifest(cache_folder(competition, dataset))
    return manifest is not None and not differences(competition, dataset, manifest)


def cache_folder(competition: Competition, dataset: Dataset) -> Path:
    """Where a dataset's prepared data lie: `public/`, `solution/` and the manifest."""
    return workspace.cache() / competition.id / dataset.name


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What was written when the data were prepared; None where nothing whole is."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        manifest: dict[str, Any] = json.loads(text)
        whole = {"data", "split", "files"} <= set(manifest) and manifest.get("form") == FORM
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None
    return manifest if whole else None


def get_command(competition: Competition, dataset: Dataset) -> str:
    """The command that makes a dataset ready."""
    return f"podium data {competition.name} --dataset {dataset.name}"


def whole(path: Path, sha256: str | None, *, again: str) -> Path:
    """A prepared file, if it is as it was made.

    Args:
        path: Where it lies.
        sha256: Of its bytes when it was made; None if it never was.
        again: The command that prepares it again.

    Raises:
        DataError: If it is missing, changed or truncated, or may not be read.
    """
    try:
        there = path.is_file()
        same = there and file_sha256(path) == sha256
    except PermissionError as error:
        raise DataError(
            f"{path} may be read by its owner alone: somebody else prepared the data.",
            hint="Take a cache of your own: PODIUM_DATA=DIR; or share one in a group's folder "
            "(setgid): docs/organiser.md",
        ) from error
    if not same:
        state = "changed or truncated" if there else "missing"
        raise DataError(
            f"{path} is {state} since it was prepared.", hint=f"Prepare it again: {again}"
        )
    return path
