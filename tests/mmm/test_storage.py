"""Archives are unpacked on every Python from 3.11 on, and never outside their folder."""

import io
import tarfile
import zipfile

import pytest

from mmm.storage import unpack


@pytest.fixture(params=["with filters", "without"])
def python(request, monkeypatch):
    """Python as it is, and Python before 3.11.4."""
    if request.param == "without":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


def packed(path, *members):
    with tarfile.open(path, "w:xz") as archive:
        for member in members:
            data = b"HIERARCHY" if member.isfile() else b""
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def link(name, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


def test_files_lie_where_the_archive_says(python, tmp_path):
    archive = packed(tmp_path / "a.tar.xz", tarfile.TarInfo("deep/walk.bvh"))
    folder = tmp_path / "inside"
    folder.mkdir()
    unpack(archive, folder)
    assert (folder / "deep" / "walk.bvh").read_bytes() == b"HIERARCHY"


def test_a_zip_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("deep/walk.bvh", "HIERARCHY")
    folder = tmp_path / "inside"
    folder.mkdir()
    unpack(tmp_path / "a.zip", folder)
    assert (folder / "deep" / "walk.bvh").read_text() == "HIERARCHY"


@pytest.mark.parametrize(
    "member",
    [tarfile.TarInfo("../out.bvh"), link("out", "/etc"), link("out", "../..")],
    ids=["dots", "link", "link with dots"],
)
def test_nothing_is_written_outside(python, tmp_path, member):
    archive = packed(tmp_path / "a.tar.xz", member)
    folder = tmp_path / "inside"
    folder.mkdir()
    with pytest.raises(tarfile.TarError):
        unpack(archive, folder)
    assert not (tmp_path / "out.bvh").exists()
    assert list(folder.iterdir()) == []
