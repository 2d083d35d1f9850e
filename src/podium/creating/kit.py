"""A competition's files as they lie in a folder: which of them is what.

Names tell, as on Kaggle: `train`, `test`, `sample_submission`, `solution`, each with an ending of a
table; a Python file or notebook with a function `score` or `grade` is the metric. What is called
exactly so goes before what only has the word in its name. All else lies beside the tables, and
models are handed it, but for what may hold answers: of that nothing that is not named.
"""

from __future__ import annotations

import ast
import json
import shlex
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from podium.columns import first, many
from podium.data.formats import TABLES, zipped
from podium.data.remote import Fetched, fetch, is_address
from podium.errors import DataError

if TYPE_CHECKING:
    from podium.creating.options import NewOptions

ROLES: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "sample": ("sample submission", ("sample_submission",), ("sample", "submission")),
    "solution": ("answers of test", ("solution",), ("solution", "answer", "truth")),
    "test": ("rows to predict", ("test",), ("test",)),
    "table": ("rows with answers", ("train",), ("train",)),
}
"""What a file may be: in words, what it is called exactly, and what its name may have."""
METRIC = "metric"
LICENCE = "missing: --licence TEXT: the licence of the data"
_ENDS = tuple(end for end in TABLES if end.startswith((".csv", ".tsv", ".zip")))
_SCORES = ("score", "grade")
_WORDS = (".py", ".ipynb", ".md", ".txt", ".pdf", ".html", ".json", ".yaml", ".yml")
"""Endings of files that are words about the data, or code; what may tell answers is left out."""
_HOLDERS = (
    *(".parquet", ".feather", ".arrow", ".xlsx", ".xls", ".ods", ".db", ".sqlite", ".mat"),
    *(".npy", ".npz", ".h5", ".hdf5", ".h5ad", ".loom", ".zarr", ".rds", ".rda", ".rdata"),
    *(".pkl", ".pickle", ".joblib", ".pt", ".jsonl", ".dta", ".sav"),
    *(".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar"),
)
"""Endings of other tables, arrays and archives: answers may be in them."""
_TELLING = ("label", "mask", *(word for _, _, words in ROLES.values() for word in words))
"""Words in a file's or folder's name for which models are not handed it unasked."""
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".7z")
_LICENCES = ("license", "licence", "copying")


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What the files of a folder are taken for.

    Attributes:
        chosen: The file of each role that is clear.
        open: Roles for which several files come into question.
        beside: Files and folders of files that models are handed as they are.
        rest: Tables, words and code that are nothing of the kind.
        kept: Files that models are not handed unasked: they may hold answers.
        licence: The file that has it, if there is one.
        fetched: What is known of files that were fetched.
    """

    folder: Path
    chosen: Mapping[str, Path]
    open: Mapping[str, tuple[Path, ...]]
    beside: tuple[Path, ...]
    rest: tuple[Path, ...]
    kept: tuple[Path, ...]
    licence: Path | None
    fetched: Fetched | None = None

    @property
    def rows(self) -> list[list[str]]:
        """A line for each file, or kind of files, and what it is taken for."""
        words = {role: what for role, (what, _, _) in ROLES.items()} | {METRIC: "metric"}
        lines = [[self._shown(file), words[role]] for role, file in self.chosen.items()]
        for role, files in self.open.items():
            lines += [[self._shown(file), f"{words[role]}? ({_flag(role)})"] for file in files]
        for file in self.beside:
            count = f"/ ({many(len(files_in(file)), 'file')})" if file.is_dir() else ""
            lines.append([f"{self._shown(file)}{count}", "handed to models (--beside)"])
        lines += [[self._shown(file), "left out"] for file in self.rest]
        kept = "left out: may hold answers (--beside hands it to models)"
        for place, number in Counter(map(self._place, self.kept)).items():
            count = f"/ ({many(number, 'file')})" if place.is_dir() else ""
            lines.append([f"{self._shown(place)}{count}", kept])
        return lines

    def options(self, options: NewOptions) -> NewOptions:
        """The options, with what is clear; what was said stays.

        Raises:
            DataError: If several files come into question for something that was not said, or
                nobody says on what terms files were fetched.
        """
        if self.fetched:
            options = replace(
                options,
                licence=options.licence or self.fetched.licence or None,
                citation=options.citation or self.fetched.citation or self.fetched.address,
            )
            if not options.licence:
                raise DataError(
                    f"{self.fetched.address} does not say on what terms its files may be used.",
                    problems=[LICENCE],
                )
        given = {role: getattr(options, role) for role in (*ROLES, METRIC)}
        asked = {role: files for role, files in self.open.items() if given[role] is None}
        if asked:
            raise DataError(
                f"{self.folder}: {many(len(asked), 'thing')} must be said.",
                problems=[
                    f"{_flag(role)}: {first([self._shown(file) for file in files], len(files))}"
                    + " (code that was fetched, and is run here: read it first)"
                    * (role == METRIC and self.fetched is not None)
                    for role, files in asked.items()
                ],
                hint="Say which, as: "
                + " ".join(f"{_flag(r)} {shlex.quote(str(f[0]))}" for r, f in asked.items()),
            )
        named: dict[str, Any] = {r: file for r, file in self.chosen.items() if given[r] is None}
        return replace(options, **named, beside=options.beside or self.beside, source=None)

    def _place(self, file: Path) -> Path:
        return file if file.parent == self.folder else file.parent

    def _shown(self, file: Path) -> str:
        return file.relative_to(self.folder).as_posix()


def look(source: Path | str) -> Kit:
    """See what the files of a folder, an address or a DOI are.

    Raises:
        DataError: If it is no folder, cannot be fetched, or has no table.
    """
    if is_address(source):
        fetched = fetch(str(source))
        kit = _look(fetched.folder)
        # nobody's code is run because it lay beside data
        code = {role: (file,) for role, file in kit.chosen.items() if role == METRIC}
        chosen = {role: file for role, file in kit.chosen.items() if role not in code}
        return replace(kit, fetched=fetched, chosen=chosen, open={**kit.open, **code})
    return _look(Path(source))


def _look(folder: Path) -> Kit:
    if folder.is_file():
        raise DataError(f"--from {folder} is no folder.", hint=_unpack(folder))
    if not folder.is_dir():
        raise DataError(f"--from {folder}: there is no such folder.")
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not any(p.startswith(".") for p in file.relative_to(folder).parts)
    ]
    tables = [file for file in files if _is_table(file)]
    if not tables:
        archives = [file for file in files if file.name.lower().endswith(_ARCHIVES)]
        raise DataError(
            f"--from {folder} has no table.",
            hint=_unpack(archives[0]) if archives else f"Tables end in {', '.join(_ENDS)}.",
        )
    roles = _roles(tables)
    roles[METRIC] = [file for file in files if file.suffix in (".py", ".ipynb") and _scores(file)]
    chosen = {role: named[0] for role, named in roles.items() if len(named) == 1}
    opened = {role: tuple(named) for role, named in roles.items() if len(named) > 1}
    taken = {*chosen.values(), *(file for named in opened.values() for file in named)}
    licence = next((f for f in files if f.stem.lower() in _LICENCES), None)
    others = [file for file in files if file not in taken and file != licence]
    rest = [file for file in others if file in tables or file.suffix.lower() in _WORDS]
    places: dict[Path, list[Path]] = {}
    for file in others:
        places.setdefault(file if file.parent == folder else file.parent, []).append(file)
    # a folder is handed whole, or not at all
    beside = {
        place
        for place, files in places.items()
        if not any(file in rest or _may_tell(file.relative_to(folder)) for file in files)
    }
    kept = [file for place, files in places.items() if place not in beside for file in files]
    return Kit(
        folder=folder,
        chosen=chosen,
        open=opened,
        beside=tuple(sorted(beside)),
        rest=tuple(rest),
        kept=tuple(file for file in kept if file not in rest),
        licence=licence,
    )


def _roles(tables: list[Path]) -> dict[str, list[Path]]:
    """Tables by what their names say; the only one is that with the answers."""
    left, roles = dict.fromkeys(tables), dict[str, list[Path]]()
    for role, (_, exact, words) in ROLES.items():
        named = [file for file in left if any(word in _stem(file) for word in words)]
        for file in named:
            del left[file]
        same = [file for file in named if _stem(file) in exact]
        roles[role] = same or named
    roles["table"] = roles["table"] or [*left]
    return roles


def files_in(place: Path) -> list[Path]:
    """A file itself, or the files that lie in a folder."""
    if place.is_file():
        return [place]
    return sorted(one for one in place.iterdir() if one.is_file() and one.name[0] != ".")


def _may_tell(file: Path) -> bool:
    """Whether a file may hold answers, by its path in the kit."""
    name = file.as_posix().lower()
    return name.endswith(_HOLDERS) or any(word in name for word in _TELLING)


def _unpack(file: Path) -> str:
    """What to do about an archive."""
    return f"Unpack {shlex.quote(str(file))} into a folder DIR of its own first, then --from DIR"


def _is_table(file: Path) -> bool:
    """Whether a file is a table by its name; of an archive also by what it has."""
    if file.suffix.lower() != ".zip":
        return file.name.lower().endswith(_ENDS)
    with suppress(OSError, BadZipFile), ZipFile(file) as archive:
        names = [name.name.lower() for name, _ in zipped(archive)]
        return len(names) == 1 and names[0].endswith((".csv", ".tsv"))
    return False


def _stem(file: Path) -> str:
    return file.name.lower().partition(".")[0]


def _flag(role: str) -> str:
    return f"--{role}"


def code_of(file: Path) -> str:
    """The code of a Python file, or of the cells of a notebook, without lines for the notebook.

    Raises:
        ValueError: If a notebook is damaged.
    """
    text = file.read_text(encoding="utf-8-sig")
    if file.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    sources = ["".join(one["source"]) for one in cells if one["cell_type"] == "code"]
    lines = [line for source in sources for line in (*source.splitlines(), "")]
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


def _scores(file: Path) -> bool:
    """Whether a file has one of the functions that are metrics."""
    with suppress(ValueError, KeyError, TypeError, SyntaxError, OSError):
        tree = ast.parse(code_of(file))
        return any(isinstance(n, ast.FunctionDef) and n.name in _SCORES for n in tree.body)
    return False
