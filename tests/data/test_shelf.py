"""Uploaded files: how many there may be of a model, and which go when nobody has used them."""

import os
from pathlib import Path

import pytest

from service.base.http_errors import StorageFull
from service.data.shelf import DataFile, Shelf

OLD, NEW = 1_000.0, 2_000.0
MEBIBYTE = 1024 * 1024


def put(shelf: Shelf, folder: Path, letter: str, size: int = 1, model: str = "m") -> str:
    source = folder / f"coming-{letter}"
    source.write_bytes(b"x" * size)
    file = f"{letter * 64}.csv"
    shelf.put(model, source, DataFile(file, letter * 64, size, "a.csv", "ann", OLD))
    return file


def age(folder: Path, model: str = "m") -> None:
    for path in (folder / "data" / model).iterdir():
        os.utime(path, (OLD, OLD))


def names(shelf: Shelf, model: str = "m") -> list[str]:
    return sorted(path.name for path in shelf.of(model).iterdir())


def test_what_was_not_used_goes_with_its_note_and_what_was_stays(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "data")
    old, used, again = (put(shelf, tmp_path, letter) for letter in "abc")
    age(tmp_path)

    shelf.use("m", [used, "train.csv", "../x", f"{'d' * 64}.csv"])
    put(shelf, tmp_path, "c")  # the same comes again: somebody wants it

    assert shelf.prune("m", NEW) == [old]
    assert [one.file for one in shelf.files("m")] == [used, again]
    assert shelf.prune("m", NEW) == []


def test_what_was_left_half_written_goes_too(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "data")
    kept = put(shelf, tmp_path, "a")
    left = [f".{'b' * 64}.csv.note.0123abcd", f"{'c' * 64}.csv.note", f"{'d' * 64}.csv"]
    for name in (*left, "strange.txt"):
        (shelf.of("m") / name).write_text("x")
    (shelf.of("m") / f"{'e' * 64}.csv").symlink_to("/etc/hostname")
    age(tmp_path)
    os.utime(shelf.of("m") / kept)

    gone = shelf.prune("m", NEW)

    assert left[2] in gone
    assert set(names(shelf)) - {f"{'e' * 64}.csv"} == {kept, f"{kept}.note", "strange.txt"}


def test_the_files_of_a_model_have_a_bound_together(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "data", 3 * MEBIBYTE)
    first = put(shelf, tmp_path, "a", 2 * MEBIBYTE)
    put(shelf, tmp_path, "b", 2 * MEBIBYTE, "other")

    with pytest.raises(StorageFull, match=r"model m take 2 MiB.* more than 3 \(setting data_total"):
        put(shelf, tmp_path, "c", 2 * MEBIBYTE)
    put(shelf, tmp_path, "a", 2 * MEBIBYTE)  # it is there already

    assert [one.file for one in shelf.files("m")] == [first]
    shelf.remove("m", first)
    put(shelf, tmp_path, "c", 2 * MEBIBYTE)


def test_so_many_files_of_a_model_and_no_more(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "data", most_files=2)
    for letter in "ab":
        put(shelf, tmp_path, letter)

    with pytest.raises(StorageFull, match="has 2 data files, as many as may be"):
        put(shelf, tmp_path, "c")


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "data")

    assert (shelf.models(), shelf.prune("m", NEW)) == ([], [])
    shelf.use("m", [f"{'a' * 64}.csv"])
    assert not (tmp_path / "data").exists()
