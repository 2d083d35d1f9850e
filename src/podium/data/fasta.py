"""FASTA: names and sequences, and `key=value` pairs behind the name as further columns."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from podium.data import formats
from podium.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SEQUENCE = formats.SEQUENCE
ENDINGS = tuple(end for end, form in formats.FORMS.items() if form.kind == "FASTA")
"""How names of such files end."""
_PAIR = re.compile(r"(\w+)=(\S+)")


def read(file: Path) -> pd.DataFrame:
    """Columns `id` (text up to the first blank), `sequence`, and one for each key of a header.

    Letters stay as they are: `Sequences.of` says what is wrong with them. A file may be packed by
    gzip.

    Raises:
        DataError: If it is no FASTA file.
    """
    with formats.content(file, formats.Expected.own(file, ["id", SEQUENCE])) as (content, _):
        return parse(content, file)


def parse(content: BinaryIO, file: Path) -> pd.DataFrame:
    """The same of what is in a file, once it is unpacked.

    Raises:
        DataError: If it is no FASTA file.
    """
    import pandas as pd

    try:
        text = io.StringIO(content.read().decode("utf-8-sig"), newline=None).read()
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not text: {error.reason} at byte {error.start:,}.") from error
    before, *records = re.split(r"^>", text, flags=re.MULTILINE)
    if before.strip() or not records:
        start = repr(before.strip().splitlines()[0][:40]) if before.strip() else "nothing"
        raise DataError(
            f"{file} is no FASTA file: it begins with {start}.",
            hint="Each sequence has a line before it with '>' and its name.",
        )
    heads, bodies = zip(*(record.partition("\n")[::2] for record in records), strict=True)
    names = [head.split(maxsplit=1)[0] if head.strip() else "" for head in heads]
    if "" in names:
        raise DataError(f"{file}: record {names.index('') + 1:,} has no name behind its '>'.")
    pairs = pd.DataFrame([dict(_PAIR.findall(head)) for head in heads])
    table = pd.DataFrame({"id": names, SEQUENCE: ["".join(body.split()) for body in bodies]})
    return table.join(pairs.drop(columns=[c for c in ("id", SEQUENCE) if c in pairs]))
