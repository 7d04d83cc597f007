"""What is too old, too much or forgotten goes, and what a dead worker left; nothing else does."""

import os
from pathlib import Path

import numpy as np
import pytest

from service.capture.layout import HOUR
from service.capture.sweep import DAY, LEFT_S, Bounds, Sweep
from tests.capture.made import (
    NOON,
    answered,
    form_of,
    ids,
    listed,
    numbers,
    row_of,
    write,
    write_each,
)

PLENTY = Bounds(30, 1 << 40)
NOW = NOON / 1000 + 60  # within the hour


class Keeper:
    """A sweep, and ids to be forgotten."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gone: list[str] = []
        self.sweep = Sweep(folder, lambda _model: ids(*self.gone))

    def step(self, now: float = NOW, bounds: Bounds = PLENTY) -> None:
        self.sweep.step(now, lambda _model: bounds)


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path)


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_what_is_too_old_goes_by_the_hour(keeper: Keeper) -> None:
    folder = keeper.folder
    write_each(folder, "a", NOON - 2 * DAY - HOUR)
    write_each(folder, "b", NOON - 2 * DAY)
    write_each(folder, "c")
    keeper.step(bounds=Bounds(2, 1 << 40))
    assert [file.hour for file in listed(folder)] == [(NOON - 2 * DAY) // HOUR, NOON // HOUR]
    keeper.step(NOW + 3600, bounds=Bounds(2, 1 << 40))
    assert [file.hour for file in listed(folder)] == [NOON // HOUR]
    assert [path.name for path in (folder / "m").iterdir()] == ["2027-01-15"]


def test_nothing_is_left_of_a_model_of_which_everything_is_too_old(keeper: Keeper) -> None:
    write_each(keeper.folder, "a", NOON - 2 * DAY)
    keeper.step(bounds=Bounds(0.5, 1 << 40))
    assert list(keeper.folder.iterdir()) == []


def test_the_oldest_give_way_where_there_is_no_more_room(keeper: Keeper) -> None:
    for day in range(4):
        write_each(keeper.folder, f"{day}", NOON - day * DAY)
    each = max(file.path.stat().st_size for file in listed(keeper.folder))
    keeper.step(bounds=Bounds(30, each * 2 + 100))
    assert [NOON // HOUR - file.hour for file in listed(keeper.folder)] == [24, 0]


def test_forgotten_predictions_are_taken_out_of_every_file(keeper: Keeper) -> None:
    folder = keeper.folder
    secret = 1234.5678
    for writer in (1, 2, 3):
        some = [
            answered(f"{writer}/keep", row_of(writer)),
            answered(f"{writer}/go", row_of(secret), own=f"order-{writer}"),
        ]
        write(folder, some, writer=writer)
    write(folder, [answered("alone", row_of(secret))], writer=4)
    keeper.gone = ["1/go", "order-2", "3/go", "alone"]
    keeper.step()
    assert numbers(folder) == [1, 2, 3]
    assert np.float32(secret).tobytes() not in contents(folder)
    assert len(listed(folder)) == 3


def test_what_is_written_after_it_was_forgotten_goes_at_the_next_look(keeper: Keeper) -> None:
    keeper.gone = ["a", "b"]
    write_each(keeper.folder, "a")
    keeper.step()
    assert listed(keeper.folder) == []
    write(keeper.folder, [answered("b", row_of(1)), answered("c", row_of(2))], writer=9)
    keeper.step()
    assert numbers(keeper.folder) == [2]


def test_files_that_were_looked_at_are_looked_at_again_for_new_ids_only(keeper: Keeper) -> None:
    write_each(keeper.folder, "abc")
    for name, left in (("a", [2, 3]), ("b", [3])):
        keeper.gone.append(name)
        keeper.step()
        assert numbers(keeper.folder) == left
    before = [file.path.stat().st_mtime_ns for file in listed(keeper.folder)]
    keeper.step()
    assert [file.path.stat().st_mtime_ns for file in listed(keeper.folder)] == before


def test_forgotten_rows_go_from_merged_files_and_from_what_they_were_made_of(
    keeper: Keeper,
) -> None:
    write_each(keeper.folder, "abc")
    keeper.step(NOW + 2 * 3600)
    assert [file.is_merged for file in listed(keeper.folder)] == [True]
    keeper.gone = ["b"]
    keeper.step(NOW + 2 * 3600)
    assert numbers(keeper.folder) == [1, 3]


def test_an_hour_is_merged_some_minutes_after_its_end(keeper: Keeper) -> None:
    write_each(keeper.folder, "abc")
    end = (NOON + HOUR) / 1000
    keeper.step(end + 60)
    assert len(listed(keeper.folder)) == 3
    keeper.step(end + 121)
    assert len(listed(keeper.folder)) == 1
    assert numbers(keeper.folder) == [1, 2, 3]


def test_what_a_killed_worker_left_goes_once_nobody_can_be_writing_it(keeper: Keeper) -> None:
    (path,) = write_each(keeper.folder, "a")
    left = path.with_name(f".{path.name}.0a1b.tmp")
    left.write_bytes(b"half")
    os.utime(left, (NOW - LEFT_S + 1,) * 2)
    keeper.step()
    assert left.exists()
    keeper.step(NOW + 2)
    assert not left.exists()


def test_a_damaged_file_goes_with_a_warning_and_the_others_are_swept(
    keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    paths = write_each(keeper.folder, "abc")
    paths[1].write_bytes(b"PAR1 but no more")
    keeper.gone = ["a"]
    keeper.step()
    assert "damaged captured inputs removed" in [record.msg for record in caplog.records]
    keeper.step()
    assert numbers(keeper.folder) == [3]
    assert len(listed(keeper.folder)) == 1


def test_models_have_bounds_of_their_own(keeper: Keeper) -> None:
    for model in ("m", "n"):
        write(keeper.folder, [answered("a", row_of(1), NOON - DAY)], form=form_of(model=model))
    days = {"m": 0.5, "n": 3}
    keeper.sweep.step(NOW, lambda model: Bounds(days[model], 1 << 40))
    assert listed(keeper.folder) == []
    assert len(listed(keeper.folder, "n")) == 1
