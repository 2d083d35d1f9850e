"""Raw files in archives: zip, tar, 7z of one text; downloads with a folder in their name."""

import hashlib
import io
import lzma
import tarfile
import zipfile
from dataclasses import replace

import pytest

from podium import api
from podium.competition import Source
from podium.data import raw
from podium.errors import DataError

CONTENT = {"one/rows.csv": b"id,x\n1,2\n" * 500, "two/rows.csv": b"id,x\n3,4\n" * 500}
KINDS = ("files.zip", "files.tar", "files.tar.gz", "files.tgz", "files.tar.xz")


def packed(file, content):
    """An archive with these members in a folder."""
    if file.suffix == ".zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in content.items():
                archive.writestr(f"all/{name}", data)
        return
    with tarfile.open(
        file, f"w:{ {'.gz': 'gz', '.tgz': 'gz', '.xz': 'xz'}.get(file.suffix, '') }"
    ) as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(f"all/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def seven_zip(data):
    """What stands in a 7z of one file, but for the list at its end."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    head = b"7z\xbc\xaf\x27\x1c".ljust(32, b"\0")
    return head + lzma.compress(data, lzma.FORMAT_RAW, filters=filters) + b"the list of files"


def read(place, content):
    competition, dataset = api.load("toy", "table")
    members = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    source = Source(url="", members=members, licence="", citation="")
    dataset = replace(dataset, sources=(source,))
    with raw.members(competition, dataset, source=place, progress=None) as files:
        return {name: file.read_bytes() for name, file in files.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("folder", [False, True])
def test_members_are_found_by_name_and_content(tmp_path, kind, folder):
    packed(tmp_path / kind, CONTENT)
    assert read(tmp_path if folder else tmp_path / kind, CONTENT) == CONTENT


def test_what_a_mac_adds_is_no_member_and_names_may_have_backslashes(tmp_path):
    with zipfile.ZipFile(tmp_path / "files.zip", "w") as archive:
        for name, data in CONTENT.items():
            windows = name.replace("/", "\\")
            archive.writestr(f"all\\{windows}", data)
            archive.writestr(f"__MACOSX/all/{name}", b"resources")
    assert read(tmp_path, CONTENT) == CONTENT


def test_of_members_with_one_path_the_content_decides(tmp_path):
    """Each is looked at: the last one does not take the place of the others."""
    with zipfile.ZipFile(tmp_path / "files.zip", "w") as archive:
        for name, data in CONTENT.items():
            archive.writestr(name, data)
            archive.writestr(f"./{name}", b"changed")
    assert read(tmp_path, CONTENT) == CONTENT


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [(6, 1, "is encrypted: unpack it"), (8, 9, "is packed by deflate64, not by deflate: unpack")],
)
def test_members_that_cannot_be_unpacked_here_say_why(tmp_path, place, value, words):
    packed(tmp_path / "files.zip", {"rows.csv": b"id\n1\n"})
    content = bytearray((tmp_path / "files.zip").read_bytes())
    content[place] = value
    content[content.index(b"PK\x01\x02") + place + 2] = value
    (tmp_path / "files.zip").write_bytes(content)
    with pytest.raises(DataError, match=f"rows.csv {words}") as error:
        read(tmp_path, {"rows.csv": b"id\n1\n"})
    assert error.value.hint == "The folder of the unpacked files: --from DIR"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_short_is_told(tmp_path, kind):
    packed(tmp_path / kind, CONTENT)
    whole = (tmp_path / kind).read_bytes()
    (tmp_path / kind).write_bytes(whole[: len(whole) // 3])
    with pytest.raises(DataError, match=r"is not a whole|are not whole"):
        read(tmp_path / kind, CONTENT)


def test_a_7z_of_one_text_needs_no_library(tmp_path):
    content = {"rows.txt": b"CCO MKT 1\n" * 1000}
    (tmp_path / "rows.7z").write_bytes(seven_zip(content["rows.txt"]))
    assert read(tmp_path, content) == content


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"not one at all", "it does not begin as one"),
        (seven_zip(bytes(range(256)) * 50)[:60], "it ends early, or is of several files"),
    ],
)
def test_a_broken_7z_is_told(tmp_path, data, words):
    (tmp_path / "rows.7z").write_bytes(data)
    with pytest.raises(DataError, match=words):
        read(tmp_path, {"rows.txt": b"x"})


def test_archives_that_unpack_to_far_too_much_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(raw, "_ROOM", 0)
    monkeypatch.setattr(raw, "_RATIO", 2)
    content = {"one/rows.csv": b"0" * 100_000}
    packed(tmp_path / "files.tar.xz", content)
    with pytest.raises(DataError, match="would unpack to"):
        read(tmp_path, content)
    (tmp_path / "rows.7z").write_bytes(seven_zip(b"0" * 100_000))
    with pytest.raises(DataError, match="ends early"):
        read(tmp_path / "rows.7z", {"rows.txt": b"0" * 100_000})


def test_downloads_of_one_name_are_kept_apart():
    competition, dataset = api.load("toy", "table")
    urls = [f"http://127.0.0.1:9/{folder}/rows.csv" for folder in ("one", "two")]
    sources = [
        Source(url=url, members={"/".join(url.split("/")[-2:]): "0"}, licence="", citation="")
        for url in urls
    ]
    kept = [raw._kept(source, competition, dataset) for source in sources]
    assert [file.parts[-2:] for file in kept] == [("one", "rows.csv"), ("two", "rows.csv")]
