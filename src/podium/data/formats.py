"""Files of tables: the form that a name says, what is read out of it, and how much that may be.

Nothing that a file declares of itself is believed: sizes are looked at before memory is taken.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import pyarrow as pa

from podium.columns import first, many
from podium.data.memory import limited
from podium.documents import FETCH, LFS, POINTER
from podium.errors import IRREGULAR, DataError, PodiumError, SubmissionError, no_file

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

    from podium.competition.contract import Competition

_SECONDS, _PER_SECOND = 20, 4 << 20  # seconds in any case, and bytes that each second more is for
_ROOM, _VALUE = 16 << 20, 64  # bytes that a file may take in any case, and for each value
_MATRIX_VALUE = 32  # the same in a matrix: a number with all its digits, no texts
_TEXT_VALUE = 1 << 16  # the same of a column of texts, up to `_OWN_ROOM`
_SPARE = 1000  # rows beyond twice those that are expected
_LIBRARIES, _COPIES = 64 << 20, 6  # bytes of memory in any case, and so often those of the columns
_COLUMNS = 100_000  # beyond twice those that are expected: a table may lie on its side
_OWN_ROOM, _OWN_RATIO = 1 << 30, 200  # bytes that a table of one's own may take, and for its size
_OWN_COLUMNS = 200_000
_CHUNK = 1 << 20
_GZIP, _ZIP, _EXCEL, _UTF16 = "a gzip archive", "a zip archive", "an Excel file", "UTF-16 text"
SEQUENCE = "sequence"
"""The column of sequences in FASTA and in the tables of those who predict their own."""


class Form(NamedTuple):
    """What the name of a file says of its content.

    Attributes:
        kind: What reads it.
        separator: Of text.
        packed: The archive that it lies in, if it lies in one.
    """

    kind: str
    separator: str = ","
    packed: str = ""


_TEXT = {".csv": Form("CSV"), ".tsv": Form("CSV", "\t")}
_FASTA = dict.fromkeys((".fasta", ".fa", ".fas", ".fna", ".ffn", ".faa"), Form("FASTA"))
FORMS = {
    **_TEXT,
    ".parquet": Form("Parquet"),
    ".feather": Form("Feather"),
    **dict.fromkeys((".h5", ".hdf5", ".h5ad"), Form("HDF5")),
    **_FASTA,
    **{f"{end}.gz": form._replace(packed=_GZIP) for end, form in {**_TEXT, **_FASTA}.items()},
    ".zip": Form("CSV", packed=_ZIP),
}
"""By the ending of a name; none of them ends another."""
TABLES = [end for end, form in FORMS.items() if form.kind != "FASTA"]
_MARKS = "marks of a merge conflict"
_SIGNATURES = {
    LFS.encode(): POINTER,
    b"<<<<<<< ": _MARKS,
    b"PAR1": "Parquet",
    b"ARROW1": "Feather",
    b"FEA1": "Feather of the first version",
    b"\x89HDF\r\n\x1a\n": "HDF5",
    b"PK\x03\x04": _ZIP,
    b"\xd0\xcf\x11\xe0": _EXCEL,
    b"\x1f\x8b": _GZIP,
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"\xff\xfe": _UTF16,
    b"\xfe\xff": _UTF16,
}
_METHODS = (0, 8)  # of zip: stored and deflated; others may take any memory
_OTHER_METHODS = {
    1: "shrink",
    6: "implode",
    9: "deflate64",
    12: "bzip2",
    14: "LZMA",
    93: "zstd",
    95: "xz",
    98: "PPMd",
}
_SECRET = 1  # the bit of a zip's member that says it is encrypted
_SHEETS = (".xlsx", ".xls", ".xlsm", ".ods")
_HINTS = {
    POINTER: FETCH,
    _MARKS: "Take one side: git checkout --ours FILE, or --theirs.",
    _EXCEL: "Save the table from pandas, to_csv(FILE, index=False) or to_parquet(FILE); or from "
    "Excel as CSV UTF-8.",
    _UTF16: 'Save it with encoding="utf-8", or convert it: iconv -f utf-16 -t utf-8',
}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The rows and columns that a table should have, and so how much its file may hold.

    JSON can hold it.

    Attributes:
        names: Columns that are read, `id` first.
        rows: How many it has; None for a table of one's own, which may have any number.
        texts: Those of its columns that are read as text, as they stand.
        matrix: The target's name, where that is a matrix.
        size: Bytes of the file, of a table of one's own.
        row_id: Another name that the column of ids may have.
        long: Those of its columns whose texts may be long.
    """

    names: Sequence[str]
    rows: int | None = None
    texts: Sequence[str] = ("id",)
    matrix: str = ""
    size: int = 0
    row_id: str = ""
    long: Sequence[str] = ()

    @classmethod
    def of(cls, competition: Competition, rows: int, genes: Sequence[str] = ()) -> Expected:
        """What a competition expects of predictions for so many rows."""
        labels = [target.name for target in competition.targets if target.label]
        return cls(
            names=wanted(competition, genes),
            rows=rows,
            texts=["id", *labels],
            matrix=competition.targets[0].name if competition.matrix else "",
            row_id=competition.metric_id if competition.metric_id != "id" else "",
            long=[target.name for target in competition.targets if target.text],
        )

    @classmethod
    def own(cls, path: Path, names: Sequence[str] = ()) -> Expected:
        """A table of one's own, whose columns are all read as they stand."""
        return cls(names=names, texts=names, size=path.stat().st_size if path.is_file() else 0)

    @property
    def limit(self) -> int:
        """Bytes that the file may have, and its columns once they are unpacked."""
        if self.rows is None:
            return _OWN_ROOM + _OWN_RATIO * self.size
        value = _MATRIX_VALUE if self.matrix else _VALUE
        long = min(_TEXT_VALUE * self.rows * len(self.long), _OWN_ROOM)
        return _ROOM + value * self.rows * len(self.names) + long

    @property
    def memory(self) -> int:
        """Bytes of memory that reading the file may take."""
        return self.limit if self.rows is None else _LIBRARIES + _COPIES * self.limit

    @property
    def seconds(self) -> int:
        """Seconds that reading the file may take."""
        return _SECONDS + self.limit // _PER_SECOND

    @property
    def columns(self) -> int:
        """Columns that a file may well have."""
        return _OWN_COLUMNS if self.rows is None else len(self.names)

    @property
    def error(self) -> type[PodiumError]:
        """The kind of refusal."""
        return DataError if self.rows is None else SubmissionError

    def check_rows(self, count: int, spare: int = _SPARE) -> None:
        """Refuse far more rows than are expected.

        Raises:
            ValueError: If there are; of fewer the ids tell more.
        """
        if self.rows is not None and count > 2 * self.rows + spare:
            raise ValueError(f"it has {count:,} rows, {self.rows:,} are expected")

    def check_columns(self, count: int) -> None:
        """Refuse more columns than any mistake makes.

        Raises:
            ValueError: If there are.
        """
        if self.rows is None and count > _OWN_COLUMNS:
            raise ValueError(f"it has {count:,} columns, at most {_OWN_COLUMNS:,} are read")
        if self.rows is not None and count > 2 * len(self.names) + _COLUMNS:
            raise ValueError(f"it has {count:,} columns, {len(self.names):,} are expected")

    def check_size(self, size: int) -> None:
        """Refuse columns that a small file unpacks to more than memory may hold.

        Raises:
            ValueError: If they take so many bytes.
        """
        if size > self.limit:
            need = "its size allows" if self.rows is None else f"{self.rows:,} rows need"
            raise ValueError(f"its columns unpack to {size >> 20:,} MiB, far more than {need}")


def wanted(competition: Competition, genes: Sequence[str] = ()) -> list[str]:
    """The columns of a predictions table."""
    return ["id", *(genes or [target.name for target in competition.targets])]


def ending(path: Path) -> str:
    """The ending of a name that says its form, in small letters; empty if it has none."""
    name = path.name.lower()
    return next((end for end in FORMS if name.endswith(end)), "")


def stem(path: Path) -> str:
    """The name of a file without the ending that says its form."""
    return path.name[: -len(ending(path))] if ending(path) else path.stem


def form(path: Path) -> Form:
    """The form that the name of a file says; it must be a known one."""
    return FORMS[ending(path)]


def said(path: Path) -> str:
    """How a file that was read is read, where it is no plain CSV, Parquet, HDF5 or FASTA."""
    kind, separator, packed = form(path)
    if packed == _ZIP:
        import zipfile

        with zipfile.ZipFile(path) as archive:
            separator = form(_only_table(archive)[0]).separator
    if not packed and separator == "," and kind != "Feather":
        return ""
    tabs = " with tabs" if separator == "\t" else ""
    return f"Read as {kind}{tabs}{' from ' if packed else ''}{packed}."


@contextmanager
def opened(path: Path, expected: Expected) -> Iterator[BinaryIO]:
    """A file of a known form and no unlikely size; what takes its name meanwhile is another.

    Raises:
        PodiumError: If it is none, before anything of it is parsed.
    """
    _check_name(path, expected)
    nonblock = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a pipe would wait
    with os.fdopen(os.open(path, os.O_RDONLY | nonblock), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise expected.error(f"{path} {IRREGULAR}.", hint="Name a file with a table.")
        size, limit = status.st_size, expected.limit
        if size > limit:
            content = f"{expected.rows:,} rows of {len(expected.names):,} columns"
            raise expected.error(
                f"{path} is too large: {size >> 20:,} MiB; {content} take less than "
                f"{(limit >> 20) + 1:,} MiB.",
                hint="Save the predictions alone: the ids of the test part and the target columns.",
            )
        start = file.read(64)
        if not start:
            raise expected.error(f"{path} is empty.", hint="Was it written to the end?")
        kind, _, packed = form(path)
        should = packed or kind
        holds = next((what for mark, what in _SIGNATURES.items() if start.startswith(mark)), should)
        if holds == _ZIP and (b"[Content_Types].xml" in start or b"mimetype" in start):
            holds = _EXCEL
        if holds != should:
            hint = f"Unpack it, name it after its content, or save it as {kind}."
            raise expected.error(
                f"{path} holds {holds}, not {should}.", hint=_HINTS.get(holds, hint)
            )
        file.seek(0)
        yield file


def _check_name(path: Path, expected: Expected) -> None:
    """Refuse what is no file, or of no known form."""
    if what := no_file(path):
        raise expected.error(f"{path} {what}.", hint="Name a file with a table.")
    ends = list(FORMS) if SEQUENCE in expected.names else TABLES
    if ending(path) not in ends:
        hint = f"Save the table as one of: {', '.join(ends)}"
        if path.suffix.lower() in _SHEETS:
            hint = _HINTS[_EXCEL]
        raise expected.error(f"{path} is no format that Podium reads.", hint=hint)
    if not str(path).isascii() and "\\udc" in ascii(str(path)):
        raise expected.error(f"The name of {path} is no UTF-8.", hint="Rename the file.")


def unpacked(file: BinaryIO, path: Path, expected: Expected) -> tuple[BinaryIO, str]:
    """The content of an open file, out of its archive if it lies in one, and its separator.

    Raises:
        ValueError: If it is no such archive, or unpacks to more bytes than it may.
    """
    _, separator, packed = form(path)
    if not packed:
        return file, separator
    import gzip  # here, for most files are in no archive
    import zipfile
    import zlib

    try:
        if packed == _GZIP:
            return _content(gzip.GzipFile(fileobj=file), expected), separator
        with zipfile.ZipFile(file) as archive:
            name, member = _only_table(archive)
            with archive.open(member) as file_in_it:
                return _content(file_in_it, expected), form(name).separator
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _content(packed: Any, expected: Expected) -> BinaryIO:
    """All bytes of a stream, in memory.

    Raises:
        ValueError: If there are more than may be.
    """
    content = io.BytesIO()
    while block := packed.read(_CHUNK):
        content.write(block)
        if content.tell() > expected.limit:
            raise ValueError(f"it unpacks to more than {expected.limit >> 20:,} MiB")
    content.seek(0)
    return content


def zipped(archive: ZipFile) -> list[tuple[PurePosixPath, ZipInfo]]:
    """The files of an archive, each with its name, which some write with backslashes.

    A name may come twice. What a Mac adds (`__MACOSX`, `._*`, `.DS_Store`) is none.
    """
    files = []
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        folder = member.is_dir() or member.filename.endswith("\\")
        added = "__MACOSX" in path.parts or path.name.startswith("._") or path.name == ".DS_Store"
        if not folder and not added:
            files.append((path, member))
    return files


def locked(member: ZipInfo, methods: Collection[int] = _METHODS) -> str:
    """Why a file in a zip archive cannot be unpacked here, and what to do; empty if it can."""
    if member.flag_bits & _SECRET:
        why = "is encrypted"
    elif member.compress_type not in methods:
        method = _OTHER_METHODS.get(member.compress_type, f"method {member.compress_type}")
        why = f"is packed by {method}, not by deflate"
    else:
        return ""
    return f"{member.filename} {why}: unpack it by another tool, and give what comes out"


def _only_table(archive: ZipFile) -> tuple[Path, ZipInfo]:
    """The one CSV file of an archive: its name and what it is there.

    Raises:
        ValueError: If there is none, or another too; or if it is packed in a way that may take
            any memory.
    """
    tables = [
        (Path(name), member)
        for name, member in zipped(archive)
        if ending(Path(name)) in _TEXT and not name.name.startswith(".")
    ]
    if len(tables) != 1:
        names = f" ({first([str(name) for name, _ in tables], len(tables))})" if tables else ""
        raise ValueError(f"it has {many(len(tables), 'CSV file')}{names}; one is expected")
    if why := locked(tables[0][1]):
        raise ValueError(why)
    return tables[0]


@contextmanager
def content(path: Path, expected: Expected) -> Iterator[tuple[BinaryIO, str]]:
    """An open file, unpacked, and the separator of its columns, in limited memory.

    Raises:
        PodiumError: If it is of no known form, or what is done with it inside fails.
    """
    with opened(path, expected) as file:
        try:
            with limited(expected.memory):
                yield unpacked(file, path, expected)
        except MemoryError as error:
            need = "its size allows" if expected.rows is None else f"{expected.rows:,} rows need"
            most = f"{expected.memory >> 20:,} MiB, far more than {need}"
            raise unreadable(path, expected, f"reading it takes more than {most}") from error
        except (pa.ArrowException, OSError, ValueError) as error:
            raise unreadable(path, expected, str(error)) from error


def unreadable(path: Path, expected: Expected, reason: str) -> PodiumError:
    """The refusal of a file that cannot be read as what its name says."""
    return expected.error(
        f"{path} cannot be read as {form(path).kind}.",
        problems=[(reason.strip() or "unreadable").splitlines()[0][:300]],
        hint="Is the file whole, and is its content what its name says?",
    )
