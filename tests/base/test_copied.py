"""Copies of folders in which others write meanwhile."""

import hashlib
from pathlib import Path

from service.base.copied import copy_file, copy_folder, digest_of


def chosen(_path: Path) -> bool:
    return True


def test_a_copy_comes_with_the_digest_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)

    digest = copy_file(tmp_path / "a", tmp_path / "below" / "b")

    assert (tmp_path / "below" / "b").read_bytes() == b"x" * 3_000_000
    assert digest == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    assert digest == digest_of(tmp_path / "below" / "b")


def test_what_is_being_written_and_links_are_left_out(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "day" / ".hidden").mkdir(parents=True)
    (source / "day" / "whole").write_text("1")
    (source / "day" / ".half").write_text("2")
    (source / "day" / ".hidden" / "too").write_text("3")
    (source / "link").symlink_to(source / "day" / "whole")

    assert set(copy_folder(source, tmp_path / "copy", chosen)) == {"day/whole"}
    assert [path.name for path in (tmp_path / "copy").rglob("*")] == ["day", "whole"]


def test_files_that_are_merged_meanwhile_are_copied_once(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("1", "2", "3"):
        (source / name).write_text(name)
    asked: list[str] = []

    def merge(path: Path) -> bool:
        """Somebody merges files between two looks: those listed, and those copied already."""
        asked.append(str(path))
        if len(asked) == 3:  # the first look is listed, nothing is copied
            (source / "3").rename(source / "4")
        if len(asked) == 4:  # the second one: 1 and 2 are copied
            (source / "1").unlink()
            (source / "2").rename(source / "12")
        return True

    copied = copy_folder(source, tmp_path / "copy", merge)

    assert set(copied) == {"12", "4"}
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["12", "4"]


def test_a_file_that_goes_before_it_is_copied_is_no_error(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "pruned").write_text("1")

    def prune(path: Path) -> bool:
        (source / path).unlink(missing_ok=True)
        return True

    assert copy_folder(source, tmp_path / "copy", prune) == {}


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert copy_folder(tmp_path / "none", tmp_path / "copy", chosen) == {}
