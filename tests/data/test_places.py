"""Data files are found where they may lie, and nowhere else."""

from pathlib import Path

import pytest

from service.base.refusals import DataRefused
from service.data.places import DataPlaces, find_data

UPLOADED = "0" * 64 + ".csv"


@pytest.fixture
def places(tmp_path: Path) -> DataPlaces:
    for folder in ("uploads", "data/2026", "secret"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "uploads" / UPLOADED).write_text("a,y\n")
    (tmp_path / "data" / "2026" / "rows.csv").write_text("a,y\n")
    (tmp_path / "secret" / "rows.csv").write_text("a,y\n")
    (tmp_path / "data" / "inside").symlink_to(tmp_path / "data" / "2026")
    (tmp_path / "data" / "outside").symlink_to(tmp_path / "secret")
    (tmp_path / "data" / "loop").symlink_to("loop")
    (tmp_path / "uploads" / f"{'1' * 64}.csv").symlink_to(tmp_path / "secret" / "rows.csv")
    return DataPlaces(tmp_path / "uploads", tmp_path / "data")


def test_finds_uploads_and_files_below_the_data_folder(places: DataPlaces) -> None:
    assert find_data(UPLOADED, places).parent.name == "uploads"
    assert find_data("2026/rows.csv", places).name == "rows.csv"
    assert find_data("inside/rows.csv", places).parent.name == "2026"


@pytest.mark.parametrize(
    "name",
    ["outside/rows.csv", "../secret/rows.csv", "loop", "none.csv", "1" * 64 + ".csv", "a\0b"],
    ids=["link out", "upwards", "loop", "absent", "linked upload", "nul"],
)
def test_nothing_else_is_found(places: DataPlaces, name: str) -> None:
    with pytest.raises(DataRefused) as caught:
        find_data(name, places)

    assert str(caught.value).isprintable()


def test_without_a_data_folder_there_are_uploads_only(places: DataPlaces) -> None:
    alone = DataPlaces(places.uploads)

    assert find_data(UPLOADED, alone)
    with pytest.raises(DataRefused, match="there is no data folder"):
        find_data("2026/rows.csv", alone)
