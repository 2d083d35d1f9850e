"""Raw files: fetched from their public source, or taken from a folder or archive that has them.

Archives are zip, tar (also `.tar.gz`, `.tar.xz`) and 7z of a single text.

Each member is checked by its sha256, wherever it came from; all that is wrong is said at once.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import lzma
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from fnmatch import fnmatchcase
from functools import partial
from io import BytesIO
from itertools import repeat
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from podium import scratch, workspace
from podium.data.formats import locked, zipped
from podium.errors import DataError
from podium.scratch import LINE_ENDS, file_sha256, other_line_ends

if TYPE_CHECKING:
    import requests

    from podium.competition.contract import Competition, Dataset, Source
    from podium.competition.part import Progress

_CHUNK = 1 << 20
_TOLD = 1 << 18  # bytes of a download between two words of it
_EXAMPLES = 5
_NOT_FOUND = "not found"
_ABSENT = ("no such file or folder", _NOT_FOUND)
_RATIO, _ROOM = 200, 256 << 20
"""An archive is refused if its members of one name unpack to more than 200 times its size, and
256 MiB: tables of text take 5 to 50 times."""


_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


class LockedError(Exception):
    """A file in an archive that is encrypted, or packed in a way that is not known here."""


_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, ValueError, OverflowError),
    RuntimeError,  # locked, or packed in a way that is not known here
)


@contextmanager
def members(
    competition: Competition, dataset: Dataset, *, source: Path | None, progress: Progress | None
) -> Iterator[Mapping[str, Path]]:
    """The raw files of a dataset by name, checked; unpacked ones are removed afterwards.

    A file that lies beside `competition.py` under its own name counts, whatever else lies there.

    Raises:
        DataError: With everything that is missing or has another sha256.
    """
    with scratch.directory("podium-raw-") as unpacked:
        paths: dict[str, Path] = {}
        problems: list[str] = []
        downloads: list[Path] = []
        for entry in dataset.sources:
            beside = competition.folder / entry.url if entry.beside else None
            place = source or beside
            own = place == beside
            if place is None:
                place = _download(entry, competition, dataset, progress=progress)
                downloads.append(place)
            for name, expected in (*entry.members.items(), *zip(entry.optional, repeat(None))):
                files, lines = _locate(name, expected, place, unpacked, own=own)
                paths.update(files)
                if name in entry.members or lines != [f"{name}: {_NOT_FOUND}"]:
                    problems += lines
        if problems:
            for file in downloads:
                file.unlink(missing_ok=True)  # the next try fetches it again
            where = source or ("the download" if downloads else competition.folder)
            hint = "Give a folder or archive that holds them: --from DIR"
            if dataset.at_hand and source is None:
                hint = (
                    f"If they are meant to be others: podium freeze {competition.name}; "
                    "else put back what was there."
                )
            raise DataError(
                f"The raw files of {competition.name}/{dataset.name} are not whole in {where}.",
                problems=list(dict.fromkeys(problems)),
                hint=hint,
            )
        yield paths


def beside(
    competition: Competition, dataset: Dataset, known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The raw files that lie beside `competition.py` under their own names: what they hold now.

    Args:
        competition: Whose files.
        dataset: Which of its datasets.
        known: What this gave before: files of the same size and time are not read again.

    Returns:
        For each path in the folder its `sha256`, `size` in bytes and `time` in ns.
    """
    facts: dict[str, Any] = {}
    for source in dataset.sources:
        for member in source.members if source.beside else ():
            name = f"{source.url}/{member}"
            file = competition.folder / name
            if not file.is_file():
                continue
            stat = file.stat()
            before = (known or {}).get(name, {})
            now = {"size": stat.st_size, "time": stat.st_mtime_ns}
            if now.items() <= before.items():
                facts[name] = before
            else:
                facts[name] = {**now, "sha256": file_sha256(file)}
    return facts


def present(name: str, expected: str, place: Path) -> str:
    """The sha256 of the file of that name under a folder or in a zip: the expected one if it can.

    Raises:
        DataError: If there is none, or several that hold different things.
    """
    with scratch.directory("podium-raw-") as unpacked:
        together = _Together(name)
        there = set()
        for file in _candidates(name, place, unpacked, own=True) if place.exists() else ():
            there.add(sha256 := file_sha256(file))
            together.add(file, sha256)
    if expected in there:
        return expected
    if len(together.files) > 1:
        return together.sha256
    if len(there) != 1:
        many = "is there in several versions" if there else "is missing"
        raise DataError(f"{name} {many} in {place}.", hint="Put one file of that name there.")
    return there.pop()


def changed(competition: Competition, dataset: Dataset) -> list[str]:
    """How raw files beside `competition.py`, or kept downloads, are not those that were frozen.

    Everything is read. Downloads that are not kept are passed over.

    Returns:
        A line for each, with what to do about it.
    """
    freeze = f"; if that is meant: podium freeze {competition.name}" * dataset.at_hand
    problems: list[str] = []
    with scratch.directory("podium-raw-") as unpacked:
        for source in dataset.sources:
            place = competition.folder / source.url
            if not source.beside:
                place = _kept(source, competition, dataset)
            for name, expected in source.members.items():
                if expected is None:
                    continue
                _, lines = _locate(name, expected, place, unpacked, own=source.beside)
                if any(line.endswith(_ABSENT) for line in lines):
                    lost = f"{name} is missing in {place}: put back what was there"
                    problems += [lost] * source.beside
                else:
                    problems += [f"{line}{freeze}" for line in lines]
    return list(dict.fromkeys(problems))


def _locate(
    name: str, expected: str | None, place: Path, unpacked: Path, *, own: bool
) -> tuple[dict[str, Path], list[str]]:
    """Find a member under a folder, in a zip, or as the file itself; its content decides.

    Without an expected sha256 it may be a pattern, for one file of each name that matches.
    """
    if not place.exists():
        return {}, [f"{place}: no such file or folder"]
    files: dict[str, Path] = {}
    problems = []
    together = _Together(name)
    for candidate in _candidates(name, place, unpacked, own=own):
        if expected is None:
            label = _name(candidate, name)
            if label in files and file_sha256(candidate) != file_sha256(files[label]):
                problems.append(f"{label} is there twice, with other content")
            files.setdefault(label, candidate)
            continue
        actual = file_sha256(candidate)
        if actual == expected:
            # a folder's pattern stands for names; data code asks for one without by itself
            named = _name(candidate, name) if "/" in name and "*" in name else name
            return {named: candidate}, []
        together.add(candidate, actual)
        one = "*" not in name  # of a pattern the sha256 may be that of many together
        ends = one and expected in other_line_ends(candidate)
        what = LINE_ENDS if ends else "changed or truncated"
        problems.append(
            f"{name}: sha256 is {actual[:12]}..., expected {expected[:12]}...: "
            f"{what} ({_shown(candidate, unpacked, place)})"
        )
    if len(together.files) > 1:
        if together.sha256 == expected:
            return together.files, []
        problems = [f"{name}: {together.said}, expected {str(expected)[:12]}..."]
    if not files and not problems:
        problems = [f"{name}: {_NOT_FOUND}"]
    return files, problems if expected is None else list(dict.fromkeys(problems))[:_EXAMPLES]


class _Together:
    """The files that a pattern names, as one: their sha256 is that of what `sha256sum` prints."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.files: dict[str, Path] = {}
        self._known: dict[str, str] = {}

    def add(self, file: Path, sha256: str) -> None:
        """Take a file, where the name is a pattern; of one name the first."""
        if "*" in self.pattern:
            self.files.setdefault(_name(file, self.pattern), file)
            self._known.setdefault(file.name, sha256)

    @property
    def sha256(self) -> str:
        """Of a line for each file, `sha256  name`, by name."""
        lines = (f"{sha256}  {name}\n" for name, sha256 in sorted(self._known.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def said(self) -> str:
        """What they are together."""
        return f"{len(self.files):,} files whose sha256 together is {self.sha256[:12]}..."


def _name(path: Path | PurePosixPath, pattern: str) -> str:
    """A file's name, with its folder's where the pattern has one."""
    return f"{path.parent.name}/{path.name}" if "/" in pattern else path.name


def _candidates(name: str, place: Path, unpacked: Path, *, own: bool) -> Iterator[Path]:
    """Files of that name, wherever they lie; with `own` the one of that very path, if it is there.

    Others are backups, then.
    """
    if own and (place / name).is_file():
        yield place / name
        return
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*"))
    yield from (path for path in files if fnmatchcase(_name(path, name), name) and path.is_file())
    for path in files:
        opened = next(
            (how for end, how in _ARCHIVES.items() if path.name.lower().endswith(end)), None
        )
        if opened and path.is_file():
            yield from _unpack(name, path, unpacked, opened)


def _unpack(name: str, archive: Path, unpacked: Path, opened: _Opened) -> Iterator[Path]:
    """Unpack the members of that name, whatever their folder inside the archive."""
    kind = archive.name.rpartition(".")[2]
    try:
        with opened(archive) as members:
            named = [one for one in members if fnmatchcase(_name(one.path, name), name)]
            size = sum(one.size for one in named)  # no more than declared is unpacked
            if size > _RATIO * archive.stat().st_size + _ROOM:
                raise ValueError(f"{name} would unpack to {size >> 20:,} MiB")
            for one in named:
                folder = Path(mkdtemp(dir=unpacked))  # names may repeat in an archive
                target = folder / _name(one.path, name)
                target.parent.mkdir(exist_ok=True)
                with one.open() as member, target.open("wb") as out:
                    shutil.copyfileobj(member, out, _CHUNK)
                yield target
    except LockedError as error:
        raise DataError(
            f"{archive}: {error}.", hint="The folder of the unpacked files: --from DIR"
        ) from error
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # of the disk, not of the archive
        raise DataError(
            f"{archive} is not a whole {kind} archive: {error or 'it ends early'}.",
            hint="Download it again, or name another folder: --from DIR",
        ) from error


class _Member(NamedTuple):
    """A file in an archive."""

    path: PurePosixPath
    size: int
    open: Callable[[], IO[bytes]]


_Opened = Callable[[Path], AbstractContextManager[list[_Member]]]


@contextmanager
def _zip(archive: Path) -> Iterator[list[_Member]]:
    with zipfile.ZipFile(archive) as opened:
        yield [
            _Member(path, one.file_size, partial(_open_zipped, opened, one))
            for path, one in zipped(opened)
        ]


def _open_zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    if why := locked(member, _METHODS):
        raise LockedError(why)
    return archive.open(member)


@contextmanager
def _tar(archive: Path) -> Iterator[list[_Member]]:
    with tarfile.open(archive) as opened:
        members = []
        for one in opened:
            if one.isfile():
                read = cast("Callable[[], IO[bytes]]", partial(opened.extractfile, one))
                members.append(_Member(PurePosixPath(one.name), one.size, read))
        yield members


@contextmanager
def _seven_zip(archive: Path) -> Iterator[list[_Member]]:
    """A 7z of one file is one LZMA2 stream behind 32 bytes of header; it ends itself.

    Its member is taken to be a text that is called as the archive is; its sha256 tells.
    """
    size = _RATIO * archive.stat().st_size + _ROOM
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 26}]
    with archive.open("rb") as file:
        if file.read(6) != b"7z\xbc\xaf\x27\x1c":
            raise ValueError("it does not begin as one")
        file.seek(32)
        stream = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=filters)
        content = stream.decompress(file.read(), max_length=size)
    if not stream.eof:
        raise ValueError("it ends early, or is of several files")
    yield [_Member(PurePosixPath(f"{archive.stem}.txt"), len(content), partial(BytesIO, content))]


_ARCHIVES: Mapping[str, _Opened] = {
    ".zip": _zip,
    **dict.fromkeys((".tar", ".tar.gz", ".tgz", ".tar.xz"), _tar),
    ".7z": _seven_zip,
}


def _shown(path: Path, unpacked: Path, place: Path) -> str:
    return f"inside {place}" if path.is_relative_to(unpacked) else str(path)


def _download(
    source: Source, competition: Competition, dataset: Dataset, *, progress: Progress | None
) -> Path:
    """Fetch a source into the cache with pooch; a file that is already there is used."""
    import pooch
    import requests

    if not source.url:
        raise DataError(
            f"The files of {competition.name}/{dataset.name} are nowhere to fetch: "
            "their owners have them.",
            problems=[f"{name} is needed" for name in source.members or source.optional],
            hint=f"Give the folder: podium data {competition.name} --dataset {dataset.name} "
            "--from DIR",
        )
    pooch.get_logger().setLevel(logging.ERROR)
    kept = _kept(source, competition, dataset)
    file, folder = kept.name, kept.parent
    if progress:
        progress.stage(f"{competition.name}/{dataset.name}: getting {file}")
    scratch.sweep(folder, "tmp")  # the name of pooch's unfinished downloads
    try:
        path = pooch.retrieve(
            source.url,
            known_hash=f"sha256:{known}"
            if (known := source.members.get(_itself(source)))
            else None,
            fname=file,
            path=folder,
            downloader=partial(stream, most=source.limit_mb, progress=progress),
        )
    except TooLargeError as error:
        raise DataError(
            f"{source.url} is larger than the {source.limit_mb:,} MiB that it may have: "
            "nothing was kept.",
            hint="If it is meant to be, its Source in competition.py takes a higher limit_mb; or "
            "get the file any other way, then "
            f"podium data {competition.name} --dataset {dataset.name} --from DIR",
        ) from error
    except (requests.RequestException, OSError, ValueError) as error:
        raise DataError(
            f"Could not fetch {source.url}.",
            problems=[f"{type(error).__name__}: {str(error)[:200]}"],
            hint=(
                "Without network: get the file any other way, then "
                f"podium data {competition.name} --dataset {dataset.name} --from DIR"
            ),
        ) from error
    return Path(path)


class TooLargeError(Exception):
    """A download that is larger than it may be."""


class _Limited:
    """A file that takes so many bytes and no more, and says how many have come."""

    def __init__(
        self, file: IO[bytes], most: float, ends: ExitStack, progress: Progress | None
    ) -> None:
        self._file, self._most, self._ends, self.flush = file, most, ends, file.flush
        self._progress, self._done = progress, 0
        self._total: int | None = None

    def expect(self, coming: requests.Response, **_: Any) -> None:
        """Refuse what says itself that it is too large, before any of it comes."""
        self._ends.callback(coming.close)
        length = coming.headers.get("content-length", "")
        if length.isdecimal():
            self._total = int(length)
            if self._total > self._most:
                raise TooLargeError

    def write(self, chunk: bytes) -> None:
        """Write what there is room for."""
        before, self._done = self._done, self._done + len(chunk)
        if self._done > self._most:
            raise TooLargeError
        self._file.write(chunk)
        if self._progress and self._done // _TOLD > before // _TOLD:
            total = self._total and self._total / (1 << 20)
            self._progress.amount(self._done / (1 << 20), total, "MiB")


def stream(url: str, file: str, manager: Any, *, most: float, progress: Progress | None) -> None:
    """Download as pooch does, of most MiB."""
    import pooch
    from requests.hooks import HOOKS

    with open(file, "wb") as opened, ExitStack() as ends:  # noqa: PTH123  pooch gives a name
        limited = _Limited(opened, most * (1 << 20), ends, progress)
        load = pooch.downloaders.choose_downloader(url)
        if isinstance(load, pooch.HTTPDownloader):
            load.kwargs["hooks"] = dict.fromkeys(HOOKS, limited.expect)
        load(url, limited, manager)


def _kept(source: Source, competition: Competition, dataset: Dataset) -> Path:
    """Where a download is kept: a member that is fetched itself with the folder in its name."""
    folder = workspace.cache() / "raw" / competition.id / dataset.name
    return folder / (_itself(source) or source.url.rsplit("/", 1)[-1] or "-")


def _itself(source: Source) -> str:
    """The member that the address holds; nothing where it holds an archive of them."""
    names = (name for name in source.members if f"/{source.url}".endswith(f"/{name}"))
    return next(names, "")
