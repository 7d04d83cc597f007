"""Readers see whole files, the latest hour last, and nothing of what was forgotten."""

from pathlib import Path

import pytest

from service.capture.layout import HOUR
from tests.capture.everything import captured
from tests.capture.made import NOON, answered, ids, listed, numbers, row_of, write, write_each


def test_the_files_of_all_workers_are_read_by_the_hour(tmp_path: Path) -> None:
    write(tmp_path, [answered("late", row_of(4), NOON + HOUR)], writer=1)
    write(tmp_path, [answered("a", row_of(1)), answered("b", row_of(2))], writer=1)
    write(tmp_path, [answered("c", row_of(3))], writer=2)
    found = [n for rows in captured(tmp_path, "m") for n in rows.inputs["x"][:, 0].tolist()]
    assert sorted(found[:3]) == [1, 2, 3]
    assert found[3:] == [4]


def test_what_was_forgotten_is_out_of_sight_at_once(tmp_path: Path) -> None:
    write(tmp_path, [answered("a", row_of(1)), answered("b", row_of(2), own="order-7")])
    assert numbers(tmp_path, ids("a")) == [2]
    assert numbers(tmp_path, ids("order-7")) == [1]
    assert numbers(tmp_path, ids("a", "b", "c")) == []


def test_forgetting_while_somebody_reads_counts_from_the_next_file_on(tmp_path: Path) -> None:
    write(tmp_path, [answered("a", row_of(1))], number=1)
    write(tmp_path, [answered("b", row_of(2))], number=2)
    gone: list[str] = []
    found = []
    for rows in captured(tmp_path, "m", forgotten=lambda: ids(*gone)):
        found += rows.inputs["x"][:, 0].tolist()
        gone.append("b")
    assert [n for n in found if n] == [1]


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped"])
def test_a_damaged_file_is_left_out_and_told(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    some = [answered(str(n), row_of(n)) for n in range(500)]
    path = write(tmp_path, some, number=1)
    write(tmp_path, [answered("a", row_of(1000))], number=2)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF if damage == "flipped" else 0
    path.write_bytes(b"" if damage == "empty" else content[:-50] if damage == "cut" else content)
    assert numbers(tmp_path) == [1000]
    assert [record.msg for record in caplog.records] == ["captured inputs can't be read"]


def test_half_written_files_are_none(tmp_path: Path) -> None:
    path = write(tmp_path, [answered("a", row_of(1))])
    path.rename(path.with_name(f".{path.name}.0a1b.tmp"))
    assert numbers(tmp_path) == []
    assert listed(tmp_path) == []


def test_files_of_another_kind_are_read_as_what_they_are(tmp_path: Path) -> None:
    write_each(tmp_path, "abc")
    (tmp_path / "m" / "notes").write_text("none of ours")
    assert numbers(tmp_path) == [1, 2, 3]


def test_a_model_without_any_has_none(tmp_path: Path) -> None:
    assert list(captured(tmp_path / "none", "m")) == []
