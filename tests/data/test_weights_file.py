"""A weights file under the name that its users have for it, and a checkpoint in an archive."""

import zipfile
from pathlib import Path

import pytest

from service.base.refusals import DataRefused
from service.data.checkpoint_zip import is_checkpoint, unpack_checkpoint
from service.data.places import DataPlaces
from service.data.weights_file import find_weights


@pytest.fixture
def places(tmp_path: Path) -> DataPlaces:
    folder = tmp_path / "data"
    for name in (
        "a.weights.h5",
        "run/cp.ckpt.index",
        "run/cp.ckpt.data-00000-of-00001",
        "many/cp-1.ckpt.index",
        "many/cp-2.ckpt.index",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (tmp_path / "secret.index").touch()
    (folder / "link.index").symlink_to(tmp_path / "secret.index")
    (folder / "linked").mkdir()
    (folder / "linked" / "a.index").symlink_to(tmp_path / "secret.index")
    return DataPlaces(tmp_path / "uploads", folder)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.weights.h5", "a.weights.h5"),
        ("run/cp.ckpt", "run/cp.ckpt.index"),
        ("run/cp.ckpt.index", "run/cp.ckpt.index"),
        ("run/cp.ckpt.data-00000-of-00001", "run/cp.ckpt.index"),
        ("run", "run/cp.ckpt.index"),
        ("many/cp-2.ckpt", "many/cp-2.ckpt.index"),
    ],
)
def test_finds_it(places: DataPlaces, name: str, found: str) -> None:
    assert places.folder is not None
    assert find_weights(name, places) == places.folder / found


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("b.h5", "is not there"),
        ("many", "is a folder with 2 checkpoints; expected the name of one of them"),
        ("link", "is not there"),
        ("linked", "leads out of the data folder"),
    ],
)
def test_refuses_what_is_not_one(places: DataPlaces, name: str, told: str) -> None:
    with pytest.raises(DataRefused) as caught:
        find_weights(name, places)

    assert told in str(caught.value)


PARTS = {"run/cp.ckpt.index": b"index", "run/cp.ckpt.data-00000-of-00001": b"data" * 999}


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_an_archived_checkpoint_is_unpacked(places: DataPlaces, tmp_path: Path) -> None:
    assert places.folder is not None
    sent = zipped(places.folder / "cp.zip", {**PARTS, "run/": b"", "run/checkpoint": b"latest"})
    (tmp_path / "out").mkdir()

    index = unpack_checkpoint(find_weights("cp.zip", places), tmp_path / "out")

    assert is_checkpoint(sent)
    assert index == tmp_path / "out" / "cp.ckpt.index"
    found = {f"run/{path.name}": path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found == PARTS


def test_a_keras_file_called_zip_is_left_alone(places: DataPlaces) -> None:
    assert places.folder is not None
    sent = zipped(places.folder / "a.zip", {"model.weights.h5": b"", "config.json": b"{}"})

    assert find_weights("a.zip", places) == sent
    assert not is_checkpoint(sent)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"cp.ckpt.index": b""},
        {**PARTS, "other.index": b""},
        {**PARTS, "run.sh": b""},
        {**PARTS, "../run/cp.ckpt.index": b""},
        {"rows.npy": b""},
        {"cp.index": b"", "cp": b"data"},
        {"...index": b"", "...data-00000-of-00001": b"data"},
        {f"{'n' * 300}.index": b"", f"{'n' * 300}.data-00000-of-00001": b"data"},
    ],
    ids=[
        "nothing",
        "no data",
        "two",
        "something else",
        "the same name elsewhere",
        "arrays",
        "no part",
        "dots",
        "too long",
    ],
)
def test_an_archive_of_anything_else_is_refused(
    places: DataPlaces, members: dict[str, bytes]
) -> None:
    assert places.folder is not None
    zipped(places.folder / "bad.zip", members)

    with pytest.raises(DataRefused) as caught:
        find_weights("bad.zip", places)

    assert "expected one checkpoint" in str(caught.value)


def test_a_damaged_part_is_noticed(places: DataPlaces, tmp_path: Path) -> None:
    assert places.folder is not None
    with zipfile.ZipFile(places.folder / "cp.zip", "w") as archive:
        for name, content in PARTS.items():
            archive.writestr(name, content)
    content = (places.folder / "cp.zip").read_bytes().replace(b"datadata", b"DATAdata", 1)
    (places.folder / "cp.zip").write_bytes(content)

    with pytest.raises(DataRefused, match="its checksum is wrong"):
        unpack_checkpoint(places.folder / "cp.zip", tmp_path)
