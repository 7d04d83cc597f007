"""Names of files, and what they tell."""

from pathlib import Path

import pytest

from service.capture.layout import HOUR, MERGED, days, files, models, path_of

NOON = 500_000  # 2027-01-15T08, hours since 1970
FORM = "0123abcd"


def touch(folder: Path, hour: int, writer: str = "0" * 12, number: int = 1) -> Path:
    path = path_of(folder, (hour, 3, FORM), writer, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_name_says_what_is_inside(tmp_path: Path) -> None:
    path = touch(tmp_path, NOON, number=42)
    assert path.relative_to(tmp_path) == Path(
        "2027-01-15/08-v3-0123abcd-000000000000-000042.parquet"
    )
    (found,) = files(tmp_path)
    assert (found.path, found.group, found.number) == (path, (NOON, 3, FORM), 42)
    assert not found.is_merged


def test_a_merged_file_says_so(tmp_path: Path) -> None:
    touch(tmp_path, NOON, MERGED, 1_234_567)
    (found,) = files(tmp_path)
    assert found.is_merged
    assert found.number == 1_234_567


def test_hours_come_in_order_and_only_those_that_are_asked_for(tmp_path: Path) -> None:
    for hour in (NOON + 30, NOON, NOON + 1, NOON - 9):
        touch(tmp_path, hour)

    def found(since: int | None = None, until: int | None = None) -> list[int]:
        return [file.hour - NOON for file in files(tmp_path, since, until)]

    assert found() == [-9, 0, 1, 30]
    assert found(NOON * HOUR, (NOON + 1) * HOUR) == [0]
    assert found(NOON * HOUR + 5, (NOON + 1) * HOUR + 1) == [0, 1]
    assert found((NOON + 2) * HOUR) == [30]
    assert found(None, NOON * HOUR) == [-9]


@pytest.mark.parametrize(
    "name",
    [
        ".08-v3-0123abcd-000000000000-000042.parquet.1f.tmp",
        "08-v3-0123abcd-000000000000-000042.parquet.bak",
        "24-v3-0123abcd-000000000000-000042.parquet",
        "08-v0-0123abcd-000000000000-000042.parquet",
        "notes.txt",
    ],
)
def test_what_is_called_otherwise_is_left_alone(tmp_path: Path, name: str) -> None:
    folder = touch(tmp_path, NOON).parent
    (folder / name).touch()
    (tmp_path / "2027-13-45").mkdir()
    (tmp_path / "2027-01-16").touch()
    assert len(list(files(tmp_path))) == 1


def test_nothing_there_is_nothing(tmp_path: Path) -> None:
    assert list(files(tmp_path / "m")) == []
    assert days(tmp_path / "m") == []
    assert models(tmp_path / "none") == []
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "m").mkdir()
    assert models(tmp_path) == ["m"]
