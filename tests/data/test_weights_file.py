"""A weights file under the name that its users have for it."""

from pathlib import Path

import pytest

from service.base.refusals import DataRefused
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
