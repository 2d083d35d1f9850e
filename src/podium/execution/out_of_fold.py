"""Out-of-fold predictions that `podium cv` and `tune` made, kept in the workspace for blends.

A file is named after all that its content follows from: model file and the code beside it,
parameters, seed and version of the dataset. It may be removed at any time: it is made again when it
is asked for.

Beside them a log has a line of JSON for each cross-validation: see `noted`.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import learning, scratch, workspace
from podium.competition import model_file
from podium.competition.version import former_names
from podium.data import reader
from podium.errors import PodiumError, SubmissionError
from podium.scoring import submission
from podium.scratch import file_sha256

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.metric import Table
    from podium.competition.model_file import ModelFile
    from podium.data.dataset import Data

FOLDER = "out-of-fold"
LOG = "log.jsonl"


def place(data: Data, *, model_sha256: str, params: Mapping[str, Any], seed: int) -> Path:
    """Where the out-of-fold predictions of a model with these parameters and seed lie.

    Those that were made when the same version had another name stay good.
    """
    facts = {
        "model_sha256": model_sha256,
        "code": _code(data.competition.folder),
        "params": dict(params),
        "seed": seed,
    }
    names = [data.version.name, *sorted(former_names(data.competition, data.version))]
    files = [folder(data) / f"{_hash({**facts, 'edition': name})}.parquet" for name in names]
    return next((file for file in files if file.is_file()), files[0])


def _code(folder: Path) -> str:
    """The sha256 of what a competition's models are made of beside their own files."""
    folders = (folder / "models", folder / "shared")
    beside = [file for one in folders for file in one.rglob("*.py")]
    files = sorted([*beside, *Path(learning.__path__[0]).glob("*.py")])
    states = [file.stat() for file in files]  # a notebook's process sees many of one file
    return _code_of(
        tuple((f, s.st_mtime_ns, s.st_size) for f, s in zip(files, states, strict=True))
    )


@lru_cache(maxsize=8)
def _code_of(files: tuple[tuple[Path, int, int], ...]) -> str:
    """The sha256 of files, which are read again where their times or sizes are others."""
    return _hash({"code": [file_sha256(file) for file, *_ in files]})


@dataclass(frozen=True)
class MemberFile:
    """The out-of-fold predictions of a member of a stack.

    Attributes:
        file: Where they lie, or would.
        command: What makes them.
    """

    file: Path
    command: str


def of_members(
    data: Data, model: ModelFile, params: Mapping[str, Any], seed: int
) -> dict[str, MemberFile]:
    """Where predictions of a shipped stack's members lie, by member; {} for another model.

    Args:
        data: The dataset.
        model: The stack's file.
        params: Changes to its defaults: `members` among them, and where it has such, `instead`,
            others that may take their place, and `unseen`, further changes of members while folds
            are predicted.
        seed: Of the stack, and so of its members.
    """
    known = {**model.params, **params} if model.shipped else {}
    teams, further = (known.get("members"), known.get("instead")), known.get("unseen", {})
    members = [member for team in teams if isinstance(team, Mapping) for member in team.items()]
    files: dict[str, MemberFile] = {}
    for name, own in members:
        changes = {**own, **further.get(name, {})}
        model_name = name.partition(":")[0]  # see `podium.learning.Members`
        try:
            member = model_file.find(data.competition, model_name).with_params(changes)
        except PodiumError:  # the stack itself refuses it, and says why
            return {}
        words = ["podium", "cv", data.competition.name, model_name, "--dataset", data.dataset.name]
        for key, value in changes.items():
            words += ["--set", f"{key}={json.dumps(value)}"]
        words += ["--seed", str(seed)] if seed else []
        file = place(data, model_sha256=member.sha256, params=member.params, seed=seed)
        if files.setdefault(name, MemberFile(file, shlex.join(words))).file != file:
            return {}  # of one name in both, which is meant?
    return files


def all_kept(members: Mapping[str, MemberFile]) -> bool:
    """Whether there are members, and predictions of each."""
    return bool(members) and all(member.file.is_file() for member in members.values())


def folder(data: Data) -> Path:
    """Where all of a dataset lies."""
    return workspace.root() / FOLDER / data.competition.id / data.dataset.name


def note(data: Data, facts: Mapping[str, Any]) -> None:
    """Add a cross-validation to the dataset's log; where the disk refuses, it goes unnoted."""
    line = json.dumps(facts, allow_nan=False) + "\n"
    with suppress(OSError):
        folder(data).mkdir(parents=True, exist_ok=True)
        with (folder(data) / LOG).open(
            "a", encoding="utf-8", newline="\n"
        ) as log:  # whole, beside others
            log.write(line)


def noted(data: Data) -> list[dict[str, Any]]:
    """The cross-validations in the dataset's log, oldest first; damaged lines are left out."""
    lines: list[dict[str, Any]] = []
    with suppress(OSError):
        for line in (folder(data) / LOG).read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                lines.append(json.loads(line))
    return [line for line in lines if isinstance(line, dict)]


def _hash(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def keep(file: Path, predictions: pd.DataFrame) -> None:
    """Keep predictions of the train part; where the disk refuses, there are none."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with scratch.replacing(file) as made:
            submission.write(predictions, made)


def copy(file: Path, source: Path) -> None:
    """Keep a copy of predictions that a search has kept; where there are none, nothing."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with scratch.replacing(file) as made:
            shutil.copyfile(source, made)


def read(data: Data, file: Path) -> Table | None:
    """Kept predictions in the order of the train part; None if there are none or broken ones."""
    ids = data.ids("train")
    with suppress(SubmissionError):
        table = reader.read(file, data.expected(len(ids)))
        known = data.labels
        return submission.align(table, data.competition, ids, None, data.genes, known=known)
    return None
