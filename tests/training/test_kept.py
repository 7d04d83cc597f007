"""What a step leaves is whole or not there, whatever ends the attempt that was writing it."""

from pathlib import Path

import pytest

from service.base.job_errors import Superseded
from service.training.kept import keep, keep_folder, read_kept


def test_a_record_is_read_as_it_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "start.json"
    assert read_kept(path) is None
    keep(path, {"version": 1, "champion": None})
    assert read_kept(path) == {"version": 1, "champion": None}
    assert [file.name for file in path.parent.iterdir()] == ["start.json"]


def write(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_text("all of it")


def test_a_folder_is_there_with_all_that_is_in_it(tmp_path: Path) -> None:
    made = keep_folder(tmp_path / "candidate", write, lambda: None)
    assert (made / "inner" / "file").read_text() == "all of it"

    def never(_: Path) -> None:
        raise AssertionError("it was made before")

    assert keep_folder(tmp_path / "candidate", never, lambda: None) == made


def test_one_that_was_killed_halfway_is_made_anew(tmp_path: Path) -> None:
    def die(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_folder(tmp_path / "candidate", die, lambda: None)
    assert list(tmp_path.iterdir()) == []  # the room is given back

    made = keep_folder(tmp_path / "candidate", write, lambda: None)
    assert [path.name for path in made.iterdir()] == ["inner"]


def test_an_attempt_that_was_given_up_and_still_writes_changes_nothing(tmp_path: Path) -> None:
    given_up: list[Path] = []

    def die(folder: Path) -> None:
        given_up.append(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_folder(tmp_path / "candidate", die, lambda: None)

    def write_both(folder: Path) -> None:
        write(folder)
        given_up[0].mkdir()
        (given_up[0] / "inner").mkdir()
        (given_up[0] / "inner" / "file").write_text("another one's")

    made = keep_folder(tmp_path / "candidate", write_both, lambda: None)

    assert (made / "inner" / "file").read_text() == "all of it"


def test_who_is_superseded_leaves_nothing(tmp_path: Path) -> None:
    def check() -> None:
        raise Superseded("j", 1)

    with pytest.raises(Superseded):
        keep_folder(tmp_path / "candidate", write, check)
    assert not (tmp_path / "candidate").exists()


def test_who_is_superseded_does_not_touch_what_its_successor_is_writing(tmp_path: Path) -> None:
    def superseded() -> None:
        raise Superseded("j", 1)

    def write_while_the_other_wakes(folder: Path) -> None:
        write(folder)
        with pytest.raises(Superseded):
            keep_folder(tmp_path / "candidate", write, superseded)

    made = keep_folder(tmp_path / "candidate", write_while_the_other_wakes, lambda: None)

    assert (made / "inner" / "file").read_text() == "all of it"
