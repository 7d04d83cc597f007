"""One state directory, one kerasd."""

from pathlib import Path

import pytest

from service.base.errors import StateDirectoryBusy
from service.base.lock import hold_lock, is_held


def test_a_second_holder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lock"

    with (
        hold_lock(path, tmp_path),
        pytest.raises(StateDirectoryBusy, match=str(tmp_path)),
        hold_lock(path, tmp_path),
    ):
        pass


def test_the_lock_is_free_again_after_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(OSError, match="disk"), hold_lock(path, tmp_path):
        raise OSError("the disk is full")

    with hold_lock(path, tmp_path):
        assert path.exists()


def test_the_file_that_a_dead_holder_left_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("")

    with hold_lock(path, tmp_path):
        assert path.exists()


def test_a_state_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    state = tmp_path / "new" / "state"

    with hold_lock(state / "run" / "lock", state):
        assert state.stat().st_mode & 0o077 == 0


def test_one_that_is_there_stays_as_its_operator_made_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)

    with hold_lock(tmp_path / "run" / "lock", tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o750


def test_others_see_whether_it_is_held(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    with hold_lock(path, tmp_path):
        assert is_held(path)
    assert not is_held(path)
    with hold_lock(path, tmp_path):  # having looked is no obstacle
        pass
