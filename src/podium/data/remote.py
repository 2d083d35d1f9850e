"""Files at an address or DOI of people's own: fetched once, hashed at first sight, then held to it.

    fetch("https://.../rows.csv")      fetch("doi:10.5281/zenodo.4924875")      fetch("10.5281/...")

Files of a DOI are those that Zenodo, figshare or Dataverse list under it (pooch); its licence and
citation are what DataCite knows of it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from podium import scratch, workspace
from podium.columns import first, many
from podium.data.raw import TooLargeError, stream
from podium.errors import DataError, note
from podium.scratch import file_sha256, replacing

if TYPE_CHECKING:
    from podium.competition.part import Progress

RESOLVER = "https://doi.org/"
LIMIT_MB = 4096.0
_DOI = re.compile(r"^(?:doi:|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S+)$", re.IGNORECASE)
_RECORD = "source.json"
_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """Files that were fetched, and what is known of them.

    Attributes:
        files: The address of each by its name.
        sha256: Of each, as it was when it was seen first.
        sums: What its repository says of each before it is fetched, as `md5:...`.
        licence: In words; empty where nobody says.
        citation: The same.
    """

    address: str
    folder: Path
    files: Mapping[str, str]
    sha256: Mapping[str, str]
    sums: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    citation: str = ""


def is_address(text: object) -> bool:
    """Whether a text is an address or a DOI, and no path."""
    said = str(text)
    return said.startswith(("http://", "https://")) or _DOI.match(said) is not None


def fetch(address: str, *, progress: Progress | None = None) -> Fetched:
    """Fetch all files of an address or DOI into the cache.

    What is there already is not fetched again; what is another than when it was seen first is
    refused.

    Raises:
        DataError: If it cannot be had, or has changed.
    """
    import pooch
    import requests

    place = workspace.cache() / "raw" / "from" / hashlib.sha256(address.encode()).hexdigest()[:16]
    record, folder = place / _RECORD, place / "files"
    pooch.get_logger().setLevel(logging.ERROR)
    try:
        known = Fetched(**json.loads(record.read_text(encoding="utf-8")), folder=folder)
    except (OSError, ValueError, TypeError):
        known = None
    try:
        listed = known or _listed(address, folder)
        _check_names(listed)
        folder.mkdir(parents=True, exist_ok=True)
        scratch.sweep(folder, "tmp")  # the name of pooch's unfinished downloads
        for name, url in listed.files.items():
            if progress:
                progress.stage(f"getting {name}")
            seen = listed.sha256.get(name)
            pooch.retrieve(
                url,
                known_hash=f"sha256:{seen}" if seen else listed.sums.get(name),
                fname=name,
                path=folder,
                downloader=partial(stream, most=LIMIT_MB, progress=progress),
            )
        if known is None:
            known = _seen(record, listed)
    except TooLargeError as error:
        raise DataError(
            f"{address} is larger than the {LIMIT_MB:,.0f} MiB that it may have: nothing was kept."
        ) from error
    except (requests.RequestException, OSError, ValueError) as error:
        changed = known is not None and type(error) is ValueError  # pooch's, of another hash
        raise DataError(
            f"{address} has other files than when it was seen first."
            if changed
            else f"Could not fetch {address}.",
            problems=[f"{type(error).__name__}: {str(error)[:200]}"],
            hint=f"To take what is there now: rm -r {shlex.quote(str(place))}"
            if changed
            else "Without network: get the files any other way, then --from DIR",
        ) from error
    _tell(known)
    return known


def _listed(address: str, folder: Path) -> Fetched:
    """What an address has, before any of it is fetched."""
    found = _DOI.match(address)
    if found is None:
        name = Path(unquote(urlsplit(address).path)).name or "download"
        return Fetched(address=address, folder=folder, files={name: address}, sha256={})
    import pooch

    doi = found[1]
    repository = pooch.downloaders.doi_to_repository(doi, timeout=_SECONDS)
    listed = SimpleNamespace(registry=dict[str, str]())
    repository.populate_registry(listed)
    urls = {name: repository.download_url(name) for name in listed.registry}
    sums = {name: said for name, said in listed.registry.items() if said}
    return Fetched(address=address, folder=folder, files=urls, sha256={}, sums=sums, **_words(doi))


def _check_names(listed: Fetched) -> None:
    """Every file lies in the folder of its address, whatever it is called there.

    Raises:
        DataError: If one would not.
    """
    inside = listed.folder.resolve()
    odd = [
        name
        for name in listed.files
        if {"", ".", ".."} & {*re.split(r"[/\\]", name)}
        or not (inside / name).resolve().is_relative_to(inside)
    ]
    if odd:
        raise DataError(
            f"{listed.address} has files whose names lead out of their folder: nothing was "
            "fetched.",
            problems=[repr(name) for name in odd],
            hint="Get the files any other way, then --from DIR",
        )


def _words(doi: str) -> dict[str, str]:
    """Licence and citation of a DOI; nothing where DataCite does not know it."""
    import requests

    with suppress(requests.RequestException, ValueError, LookupError, TypeError):
        how = {"Accept": "application/vnd.datacite.datacite+json"}
        said = requests.get(f"{RESOLVER}{doi}", headers=how, timeout=_SECONDS).json()
        rights = [one.get("rights") or one.get("rightsUri", "") for one in said["rightsList"]]
        names = [one["name"] for one in said["creators"]]
        title, year = said["titles"][0]["title"], said["publicationYear"]
        citation = f"{first(names, len(names))} ({year}): {title}. doi:{doi}"
        return {"licence": "; ".join(filter(None, rights)), "citation": citation}
    return {"citation": f"doi:{doi}"}


def _seen(record: Path, listed: Fetched) -> Fetched:
    """Write down what was seen for the first time."""
    sums = {name: file_sha256(listed.folder / name) for name in listed.files}
    document: dict[str, Any] = {**asdict(listed), "sha256": sums}
    del document["folder"]
    with replacing(record) as file:
        file.write_text(json.dumps(document, indent=1), encoding="utf-8", newline="\n")
    return Fetched(**document, folder=listed.folder)


def _tell(known: Fetched) -> None:
    """Say what was fetched, and on which terms."""
    names = [f"{name} ({sha256[:12]}...)" for name, sha256 in known.sha256.items()]
    note(
        f"{known.address}: {many(len(names), 'file')}, {first(names, len(names))}; licence: "
        f"{known.licence or 'not said: see where it is from'}"
    )
