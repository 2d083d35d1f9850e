"""Many raw files of one pattern, that one sha256 holds."""

import hashlib
import io
import tarfile
from dataclasses import replace

import pytest

from podium import api
from podium.competition.contract import Source
from podium.data import raw
from podium.errors import DataError

CONTENT = {f"deep/line{number}.csv": f"g,{number}\n".encode() for number in range(3)}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def together(content):
    """The sha256 of what `sha256sum *.csv` prints."""
    lines = [f"{sha256(text)}  {name.split('/')[1]}\n" for name, text in sorted(content.items())]
    return sha256("".join(lines).encode())


def write(path, content=CONTENT, mode="w:xz"):
    with tarfile.open(path, mode) as file:
        for name, text in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            file.addfile(info, io.BytesIO(text))


def found(members, place):
    competition, dataset = api.load("toy", "table")
    source = Source(url="", members=members, licence="", citation="")
    wanted = replace(dataset, sources=(source,))
    with raw.members(competition, wanted, source=place, progress=None) as files:
        return {name: path.read_bytes() for name, path in files.items()}


def test_a_pattern_with_one_sha256_names_many_files(tmp_path):
    wanted = {"deep/line*.csv": together(CONTENT)}
    write(tmp_path / "lines.tar.xz")
    assert found(wanted, tmp_path) == CONTENT
    folder = tmp_path / "unpacked" / "deep"
    folder.mkdir(parents=True)
    for name, text in CONTENT.items():
        (folder / name.split("/")[1]).write_bytes(text)
    assert found(wanted, folder.parent) == CONTENT
    assert found(wanted, tmp_path) == CONTENT  # in both places
    assert raw.present("deep/line*.csv", together(CONTENT), tmp_path) == together(CONTENT)


@pytest.mark.parametrize("change", [{"deep/line1.csv": b"g,9\n"}, {"deep/line9.csv": b"g,9\n"}])
def test_a_file_that_is_another_or_too_many_is_said(tmp_path, change):
    other = {**CONTENT, **change}
    write(tmp_path / "lines.tar.xz", other)
    with pytest.raises(DataError) as error:
        found({"deep/line*.csv": together(CONTENT)}, tmp_path)
    (problem,) = error.value.problems
    assert problem.startswith(f"deep/line*.csv: {len(other)} files whose sha256 together is ")
    assert raw.present("deep/line*.csv", together(CONTENT), tmp_path) == together(other)


def test_a_pattern_may_name_one_file(tmp_path):
    (tmp_path / "2019 list.csv").write_text("a\n")
    assert found({"*list*.csv": sha256(b"a\n")}, tmp_path) == {"*list*.csv": b"a\n"}
