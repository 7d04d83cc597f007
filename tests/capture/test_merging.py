"""Many small files become few; whoever reads meanwhile sees each row exactly once."""

from pathlib import Path

import pytest

from service.capture import merging
from service.capture.layout import HOUR
from service.capture.merging import MANY, merge
from service.capture.reader import reading
from tests.capture.everything import captured
from tests.capture.made import NOON, answered, form_of, listed, numbers, row_of, write, write_each

OVER = NOON // HOUR + 1
NOT_OVER = NOON // HOUR


def merged(folder: Path, finished: int = OVER) -> int:
    return merge(folder / "m", listed(folder), finished)


def test_the_files_of_an_hour_become_one(tmp_path: Path) -> None:
    write_each(tmp_path, "abc")
    write_each(tmp_path, "xy", NOON - HOUR)
    assert merged(tmp_path) == 5
    assert [file.is_merged for file in listed(tmp_path)] == [True, True]
    assert numbers(tmp_path) == [1, 1, 2, 2, 3]
    assert merged(tmp_path) == 0


def test_what_comes_late_is_merged_too(tmp_path: Path) -> None:
    write_each(tmp_path, "abc")
    merged(tmp_path)
    write(tmp_path, [answered("late", row_of(9))], writer=7)
    assert merged(tmp_path) == 2
    assert len(listed(tmp_path)) == 1
    assert numbers(tmp_path) == [1, 2, 3, 9]


def test_an_hour_that_isnt_over_is_merged_if_it_has_many(tmp_path: Path) -> None:
    write_each(tmp_path, map(str, range(MANY - 1)))
    assert merged(tmp_path, NOT_OVER) == 0
    write(tmp_path, [answered("one more", row_of(MANY))], writer=2)
    assert merged(tmp_path, NOT_OVER) == MANY
    assert len(listed(tmp_path)) == 1
    assert len(numbers(tmp_path)) == MANY
    assert merged(tmp_path, NOT_OVER) == 0


def test_files_stay_as_long_as_somebody_reads(tmp_path: Path) -> None:
    write_each(tmp_path, "abc")
    with reading(tmp_path / "m"):
        assert merged(tmp_path) == 3
        assert len(listed(tmp_path)) == 4
        assert numbers(tmp_path) == [1, 2, 3]
        write(tmp_path, [answered("late", row_of(9))], writer=7)
        assert merged(tmp_path) == 2
        assert numbers(tmp_path) == [1, 2, 3, 9]
    merged(tmp_path)
    assert len(listed(tmp_path)) == 1
    assert numbers(tmp_path) == [1, 2, 3, 9]


def test_who_has_begun_to_read_reads_to_the_end(tmp_path: Path) -> None:
    write_each(tmp_path, "abc")
    found = captured(tmp_path, "m")
    first = next(found).inputs["x"][:, 0].tolist()
    merged(tmp_path)
    rest = [n for rows in found for n in rows.inputs["x"][:, 0].tolist()]
    assert sorted(first + rest) == [1, 2, 3]


def test_killed_before_the_old_files_are_gone_no_row_is_there_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_each(tmp_path, "abc")
    with monkeypatch.context() as patch:
        patch.setattr(merging, "remove_superseded", lambda *_: set())
        merged(tmp_path)
    assert len(listed(tmp_path)) == 4
    assert numbers(tmp_path) == [1, 2, 3]
    assert merged(tmp_path) == 0
    assert len(listed(tmp_path)) == 1
    assert numbers(tmp_path) == [1, 2, 3]


def test_large_files_are_left_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_each(tmp_path, "abcd")
    size = paths[0].stat().st_size
    monkeypatch.setattr(merging, "SMALL_BYTES", size * 2)
    monkeypatch.setattr(merging, "TARGET_BYTES", size * 2 + 10)
    assert merged(tmp_path) == 4
    assert [file.is_merged for file in listed(tmp_path)] == [True, True]
    assert numbers(tmp_path) == [1, 2, 3, 4]


def test_other_versions_and_forms_are_not_mixed(tmp_path: Path) -> None:
    for version in (1, 2):
        for number in (1, 2):
            name = f"{version}/{number}"
            form = form_of(version=version)
            write(tmp_path, [answered(name, row_of(version))], number=number, form=form)
    assert merged(tmp_path) == 4
    assert [file.version for file in listed(tmp_path)] == [1, 2]
    assert numbers(tmp_path) == [1, 1, 2, 2]
