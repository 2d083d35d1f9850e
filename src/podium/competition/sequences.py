"""Sequences of DNA: one byte a base, all of one length, read from disk when asked for.

    0 1 2 3 4 = A C G T N

A one-hot matrix of floats takes 16 times as much; models expand a batch at a time, on the device
that they run on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.errors import DataError, note

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Column = Sequence[Any] | NDArray[Any] | pd.Series[Any]

LETTERS = "ACGTN"
"""The letter of each code."""
_UNKNOWN = 255
_LETTER = np.frombuffer(LETTERS.encode(), dtype=np.uint8)
_CODE = np.full(256, _UNKNOWN, dtype=np.uint8)
_CODE[_LETTER] = np.arange(len(LETTERS))
_COMPLEMENT = np.array([3, 2, 1, 0, 4], dtype=np.uint8)
_LOWER = set(b"acgtnu")
_EXAMPLES = 5
_BLANKS = re.compile(r"[\s\u200b\ufeff]+")
_PRIME = r"['\u2019\u2032`\u00b4]{1,2}"
_DASH = r"[-\u2013\u2014\u2212]"
_MARKED = re.compile(
    rf"(?:(?P<begin>[35])(?:{_PRIME} ?{_DASH}{{0,3}}| ?{_DASH}{{1,3}}) ?)?(?P<body>.*?)"
    rf"(?: ?(?:{_DASH}{{0,3}} ?(?P<end>[35]){_PRIME}|{_DASH}{{1,3}} ?(?P<bare>[35])))?"
)
"""5'-ACGT-3' and its kin."""
_REVERSE = "written from 3' to 5' (write it from 5' to 3')"
_CHUNK = 1 << 26
"""Bytes that are worked on at a time where the whole need not be."""


@dataclass(frozen=True)
class Sequences:
    """Sequences of rows.

    Attributes:
        codes: Bases as 0 to 4 [rows, length], uint8; not to be changed in place. A memory map
            where they lie in a file: nothing is read before it is used.
    """

    codes: NDArray[np.uint8]

    @classmethod
    def of(cls, texts: Column, ids: Column) -> Sequences:
        """Sequences of upper-case text over ACGTN.

        Args:
            texts: One a row: a list, or a column of pandas or Arrow.
            ids: What messages call the rows.

        Raises:
            DataError: With everything that is wrong: other letters, lower case, U, rows of
                unequal length, empty or missing ones.
        """
        import pyarrow as pa

        try:
            given = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
            array = pa.array(given, type=pa.large_string(), from_pandas=True)
            if isinstance(array, pa.ChunkedArray):  # as pandas may hand it over
                array = array.combine_chunks()
            array.validate(full=True)  # otherwise bytes that are no text pass
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise _refused([f"not text: {str(error)[:200]}"]) from error
        offsets = _offsets(array)
        letters = np.frombuffer(array.buffers()[2] or b"", dtype=np.uint8)
        letters = letters[offsets[0] : offsets[-1]]
        offsets = offsets - offsets[0]
        codes = _CODE[letters]
        names = np.asarray(ids, dtype=object)
        problems = _length_problems(offsets, np.asarray(array.is_null()), names)
        if codes.max(initial=0) == _UNKNOWN:
            problems += _letter_problems(letters, codes, offsets, names)
        if problems:
            raise _refused(problems)
        return cls(codes.reshape(len(array), -1))

    @classmethod
    def written(cls, texts: Column, ids: Column, what: str) -> Sequences:
        """Sequences as people write them; see `cleaned`.

        Args:
            texts: One a row.
            ids: What messages call the rows.
            what: What notes call all of them.

        Raises:
            DataError: With everything that is wrong.
        """
        clean, problems = cleaned(texts, ids, what)
        try:
            sequences = cls.of(clean, ids)
        except DataError as error:
            problems += error.problems
        if problems:
            raise _refused(problems)
        return sequences

    @classmethod
    def of_one_hot(cls, values: NDArray[Any]) -> Sequences:
        """Sequences of one-hot rows; where all four are 0 the base is N.

        Args:
            values: Zeros and ones [n, 4, length] or [n, length, 4], in the order A, C, G, T.

        Raises:
            DataError: If it is no such array, or either way round would do (a length of 4).
        """
        shape = " x ".join(map(str, values.shape))
        if values.ndim != 3 or values.shape.count(4) == 0 or 4 not in values.shape[1:]:
            raise _refused([f"shape {shape}: n x 4 x length or n x length x 4 is expected"])
        if values.shape[1:] == (4, 4):
            raise _refused([f"shape {shape}: which side is the bases cannot be told"])
        if 0 in values.shape[1:]:
            raise _refused([f"shape {shape}: empty sequences"])
        if values.dtype.kind not in "biuf":
            raise _refused([f"values of type {values.dtype}: 0 and 1 are expected"])
        side = 1 if values.shape[1] == 4 else 2
        codes = np.empty((len(values), values.shape[3 - side]), dtype=np.uint8)
        wrong = np.zeros(len(values), dtype=bool)
        step = max(1, _CHUNK // (8 * max(1, values[:1].size)))
        for start in range(0, len(values), step):
            hot = np.moveaxis(values[start : start + step], side, 0)
            ones = hot != 0
            wrong[start : start + step] = ((hot != ones) | (ones.sum(axis=0) > 1)).any(axis=(0, 2))
            codes[start : start + step] = np.where(ones.any(axis=0), ones.argmax(axis=0), 4)
        if wrong.any():
            rows = ", ".join(str(row + 1) for row in np.flatnonzero(wrong)[:_EXAMPLES])
            more = ", ..." if wrong.sum() > _EXAMPLES else ""
            raise _refused(
                [
                    f"not one-hot: {wrong.sum():,} of {len(wrong):,} rows have a base that is not "
                    f"one 1 and three 0, or four 0 for N: row {rows}{more}"
                ]
            )
        return cls(codes)

    @classmethod
    def open(cls, file: Path) -> Sequences:
        """Sequences of a file that `write` made; only its head is read."""
        return cls(np.load(file, mmap_mode="r", allow_pickle=False))

    def write(self, file: Path) -> None:
        """Write them as a `.npy` file."""
        np.save(file, self.codes, allow_pickle=False)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def length(self) -> int:
        """Bases of each row."""
        return int(self.codes.shape[1])

    def take(self, rows: NDArray[Any]) -> Sequences:
        """Those of some rows only (positions or a mask), in memory."""
        return Sequences(np.asarray(self.codes[rows]))

    def text(self, row: int) -> str:
        """One row as letters."""
        return bytes(_LETTER[self.codes[row]]).decode()

    def texts(self) -> list[str]:
        """All rows as letters."""
        whole, length = _LETTER[self.codes].tobytes().decode(), self.length
        return [whole[start : start + length] for start in range(0, len(whole), length)]

    def reverse_complement(self) -> Sequences:
        """The other strand of each row, read in its own direction."""
        return Sequences(_COMPLEMENT[self.codes[:, ::-1]])

    def content(self) -> Iterator[bytes]:
        """Canonical bytes, whatever the file format, for a fingerprint."""
        yield f"[sequences:{len(self)}x{self.length}]".encode()
        step = max(1, _CHUNK // max(1, self.length))
        for start in range(0, len(self), step):
            yield self.codes[start : start + step].tobytes()


def cleaned(
    texts: Column, ids: Column, what: str, letters: str = ""
) -> tuple[list[Any], list[str]]:
    """Sequences in capitals, without blanks and without the marks of their ends; a note says so.

    Args:
        texts: One a row, a list or a column of pandas; what is no text stays as it is.
        ids: What messages call the rows.
        what: What the note calls all of them, such as a file or a column.
        letters: Those allowed; if empty, letters are not checked.

    Returns:
        The sequences, and what is wrong: other letters, and what is written from 3' to 5', which
        is never reversed unasked.
    """
    clean = list(texts)
    usual = letters or LETTERS
    unusual = {t for t in set(clean) if isinstance(t, str) and t.strip(usual)}
    unusual |= {""} if letters else set()
    odd = [row for row, text in enumerate(clean) if text in unusual]
    blanks, marked, small = set[int](), set[int](), set[int]()
    rna = "U" in letters and "T" not in letters
    others = f"letters other than {letters}" + (" (write U for T)" if rna else "")
    wrong: dict[str, list[int]] = {_REVERSE: [], "empty": [], others: []}
    reverse, empty, other = wrong.values()
    for row in odd:
        solid = _BLANKS.sub("", clean[row])
        bare, forward = ends(solid)
        if solid != clean[row]:
            blanks.add(row)
        if forward is not None:
            marked.add(row)
        if forward is False:
            reverse.append(row)
        if bare != bare.upper():
            small.add(row)
        clean[row] = bare.upper()
        if letters and not bare:
            empty.append(row)
        if letters and clean[row].strip(letters):
            other.append(row)
    names = np.asarray(ids, dtype=object)
    problems = [
        _line(said, rows, [_where(clean[row], usual, names[row]) for row in rows[:_EXAMPLES]])
        for said, rows in wrong.items()
        if rows
    ]
    changed = blanks | marked | small
    if changed and not problems:
        kinds = (("blanks", blanks), ("marks of their ends", marked), ("small letters", small))
        had = ", ".join(kind for kind, rows in kinds if rows)
        first = f"row {names[min(changed)]!r}"
        number = _count(len(changed), "sequence")
        note(f"{what}: {number} with {had} read as plain capitals, the first in {first}")
    return clean, problems


def ends(text: str) -> tuple[str, bool | None]:
    """A sequence without the marks of its ends, and whether they say that it runs from 5' to 3'.

    The second is None where there are none. Blanks are single ones, and none at its ends.
    """
    match = _MARKED.fullmatch(text)
    if match is None:
        return text, None
    begin, end = match["begin"], match["end"] or match["bare"]
    return match["body"], begin in (None, "5") and end in (None, "3") if begin or end else None


def _where(text: str, letters: str, name: str) -> str:
    """A row, with the first other letter if there is one."""
    place = len(text) - len(text.lstrip(letters))
    return f"row {name!r}" + (f" position {place + 1:,} {text[place]!r}" if text[place:] else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _refused(problems: list[str]) -> DataError:
    return DataError("The sequences cannot be used.", problems=problems)


def _offsets(texts: Any) -> NDArray[np.int64]:
    """Where in the buffer of a text array each row begins, and where the last one ends."""
    if not len(texts):
        return np.zeros(1, dtype=np.int64)
    whole = np.frombuffer(texts.buffers()[1], dtype=np.int64)
    return whole[texts.offset : texts.offset + len(texts) + 1]


def _length_problems(
    offsets: NDArray[np.int64], missing: NDArray[np.bool_], ids: NDArray[np.object_]
) -> list[str]:
    """Rows without a sequence, and rows that are longer or shorter than most."""
    lengths = np.diff(offsets)
    problems = []
    for what, wrong in (("missing", missing), ("empty", (lengths == 0) & ~missing)):
        if wrong.any():
            rows = np.flatnonzero(wrong)
            problems.append(_line(f"{what} sequences", rows, [f"row {ids[r]!r}" for r in rows[:5]]))
    kinds, counts = np.unique(lengths[lengths > 0], return_counts=True)
    if len(kinds) > 1:
        most = kinds[counts.argmax()]
        rows = np.flatnonzero((lengths > 0) & (lengths != most))
        what = f"mixed lengths: {most:,} in most rows, another"
        shown = [f"row {ids[row]!r} has {lengths[row]:,}" for row in rows[:_EXAMPLES]]
        problems.append(_line(what, rows, shown))
    return problems


def _letter_problems(
    letters: NDArray[np.uint8],
    codes: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    ids: NDArray[np.object_],
) -> list[str]:
    """The first wrong letter of each kind, in each row that has one."""
    places = np.flatnonzero(codes == _UNKNOWN)
    wrong = letters[places]
    lower, rna = np.isin(wrong, list(_LOWER)), wrong == ord("U")
    problems = []
    for what, kind in (
        ("lower case (write ACGTN in capitals)", lower),
        ("U (is it RNA? write T)", rna),
        ("letters other than ACGTN", ~lower & ~rna),
    ):
        at = places[kind]
        rows, first = np.unique(np.searchsorted(offsets, at, side="right") - 1, return_index=True)
        shown = [
            _example(letters[offsets[row] : offsets[row + 1]], at[place] - offsets[row], ids[row])
            for row, place in zip(rows[:_EXAMPLES], first[:_EXAMPLES], strict=True)
        ]
        if len(rows):
            problems.append(_line(what, rows, shown))
    return problems


def _example(row: NDArray[np.uint8], place: int, name: str) -> str:
    """Row, position from 1 and letter, which may be of more than one byte."""
    position = len(row[:place].tobytes().decode()) + 1
    letter = row[place:].tobytes().decode()[0]
    return f"row {name!r} position {position:,} {letter!r}"


def _line(what: str, rows: NDArray[Any] | list[int], shown: list[str]) -> str:
    more = ", ..." if len(rows) > len(shown) else ""
    return f"{what} in {_count(len(rows), 'row')}: {', '.join(shown)}{more}"
