"""Backups of a fit: whole or not there, the last two kept, and the one before for the worst."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from service.base.job_errors import Superseded
from service.training.fit.backup import BEST, KEPT, VARIABLES, Backups


def nobody_minds() -> None:
    """A check that lets everything pass."""


def superseded() -> None:
    raise Superseded("job", 1)


def keep(folder: Path, epoch: int, check: Callable[[], None] = nobody_minds) -> None:
    values = [np.full((2, 3), epoch, np.float32), np.array(epoch)]
    Backups(folder, check).keep(epoch, {"epoch": epoch}, values, None)


def test_what_was_kept_last_is_found(tmp_path: Path) -> None:
    keep(tmp_path / "backup", 1)
    keep(tmp_path / "backup", 2)

    saved = Backups(tmp_path / "backup", nobody_minds).latest()

    assert saved is not None
    assert (saved.epoch, saved.state) == (2, {"epoch": 2})
    assert saved.variables[0].tolist() == [[2.0] * 3] * 2
    assert saved.variables[1].dtype == np.int64
    assert saved.best is None


def test_there_is_nothing_before_the_first(tmp_path: Path) -> None:
    assert Backups(tmp_path / "backup", nobody_minds).latest() is None


def test_two_are_kept(tmp_path: Path) -> None:
    for epoch in range(1, 6):
        keep(tmp_path, epoch)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-000004", "epoch-000005"]
    assert KEPT == 2


@pytest.mark.parametrize("damage", ["cut", "flip", "gone"], ids=str)
def test_a_damaged_one_gives_way_to_the_one_before(tmp_path: Path, damage: str) -> None:
    keep(tmp_path, 1)
    keep(tmp_path, 2)
    file = tmp_path / "epoch-000002" / VARIABLES
    content = bytearray(file.read_bytes())
    content[len(content) // 4] ^= 0xFF
    if damage == "cut":
        file.write_bytes(bytes(content[:100]))
    elif damage == "flip":
        file.write_bytes(bytes(content))
    else:
        file.unlink()

    saved = Backups(tmp_path, nobody_minds).latest()

    assert saved is not None
    assert saved.epoch == 1


def test_an_attempt_that_was_superseded_leaves_nothing(tmp_path: Path) -> None:
    keep(tmp_path, 1)

    with pytest.raises(Superseded):
        keep(tmp_path, 2, superseded)

    assert [path.name for path in tmp_path.iterdir()] == ["epoch-000001"]


def test_an_attempt_that_was_superseded_leaves_its_successor_alone(tmp_path: Path) -> None:
    def other_wakes() -> None:
        with pytest.raises(Superseded):
            keep(tmp_path, 1, superseded)

    keep(tmp_path, 1, other_wakes)

    saved = Backups(tmp_path, nobody_minds).latest()
    assert saved is not None
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-000001"]


def test_best_weights_are_kept_where_there_are_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: Path) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    backups = Backups(tmp_path, nobody_minds)
    backups.keep(1, {}, [], [np.arange(3.0)], is_best_new=True)
    backups.keep(2, {}, [], [np.arange(3.0)], is_best_new=False)

    saved = backups.latest()

    assert saved is not None
    assert saved.best is not None
    assert (saved.epoch, saved.best[0].tolist()) == (2, [0.0, 1.0, 2.0])


def test_best_weights_that_are_the_same_are_written_once(tmp_path: Path) -> None:
    backups = Backups(tmp_path, nobody_minds)
    best = [np.arange(3.0)]

    backups.keep(1, {}, [], best, is_best_new=True)
    backups.keep(2, {}, [], best, is_best_new=False)
    backups.keep(3, {}, [], [np.arange(4.0)], is_best_new=True)

    first = (tmp_path / "epoch-000002" / BEST).stat()
    assert first.st_nlink == 1  # the first backup, which had it too, is gone
    saved = backups.latest()
    assert saved is not None
    assert saved.best is not None
    assert saved.best[0].tolist() == [0.0, 1.0, 2.0, 3.0]
