"""One state directory, one kerasd."""

from pathlib import Path

import pytest

from service.base.errors import StateDirectoryBusy
from service.base.lock import hold_lock


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
