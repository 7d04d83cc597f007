"""`kerasd restore`, as an operator runs it: all of a backup becomes the state, or nothing."""

import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.base.errors import StateDirectoryBusy
from service.base.http_errors import StorageFull
from service.base.lock import hold_lock
from tests.cli.kept_state import backup, contents, kept_state, refused, run, secret


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    with kept_state(tmp_path) as folder:
        yield folder


def is_lock(path: Path) -> bool:
    return "run" in path.parts


def test_restored_into_a_fresh_place_it_is_what_it_was(state: Path, tmp_path: Path) -> None:
    target = backup(state)

    told = run("restore", target, "--state-dir", tmp_path / "new")

    restored = contents(tmp_path / "new")
    expected = contents(target)
    del expected["backup.json"]
    assert {n: b for n, b in restored.items() if not n.startswith("run/")} == expected
    assert f"the same path: {tmp_path}/models" in told
    modes = {
        path.stat().st_mode & 0o077 for path in (tmp_path / "new").rglob("*") if not is_lock(path)
    }
    assert modes == {0}  # for its owner alone


@pytest.mark.parametrize("left", ["kerasd.sqlite-wal", "kerasd.sqlite-shm"])
def test_nothing_is_restored_beside_the_log_of_another_database(
    state: Path, tmp_path: Path, left: str
) -> None:
    target = backup(state)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / left).write_bytes(b"what SQLite would replay")

    error = refused("restore", target, "--state-dir", tmp_path / "new")

    assert left in str(error)
    assert not (tmp_path / "new" / "kerasd.sqlite").exists()
    assert (tmp_path / "new" / left).exists()


@pytest.mark.parametrize("name", ["kerasd.sqlite", "keys.json", "data/digits/rows.csv"])
@pytest.mark.parametrize("is_gone", [False, True], ids=["changed", "gone"])
def test_a_damaged_backup_is_refused_before_anything_is_written(
    state: Path, tmp_path: Path, name: str, is_gone: bool
) -> None:
    target = backup(state)
    (target / name).unlink()
    if not is_gone:
        (target / name).write_text("something else")

    error = refused("restore", target, "--state-dir", tmp_path / "new")

    assert name in str(error)
    assert not (tmp_path / "new").exists()


def test_nothing_is_restored_over_what_is_there(state: Path) -> None:
    target = backup(state)
    (state / "keys.json").write_text("newer")

    error = refused("restore", target, "--state-dir", state)

    assert "is there already" in str(error)
    assert (state / "keys.json").read_text() == "newer"
    assert secret(state / "kerasd.sqlite") == secret(target / "kerasd.sqlite")


def test_nothing_is_restored_under_a_running_service(state: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    with hold_lock(new / "run" / "controller.lock", new):
        error = refused("restore", backup(state), "--state-dir", new)
    assert isinstance(error, StateDirectoryBusy)


def test_a_backup_names_no_file_outside_of_it(state: Path, tmp_path: Path) -> None:
    target = backup(state)
    record = json.loads((target / "backup.json").read_text())
    record["files"]["../stolen"] = "0" * 64
    (target / "backup.json").write_text(json.dumps(record))

    error = refused("restore", target, "--state-dir", tmp_path / "new")

    assert "outside of the backup: ../stolen" in str(error)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """As on a disk that is full: a file can't become larger."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_after_a_full_disk_nothing_is_left_and_the_next_restore_succeeds(
    state: Path, tmp_path: Path
) -> None:
    target, new = backup(state), tmp_path / "new"
    with largest_file(size=4096):
        error = refused("restore", target, "--state-dir", new)
    assert isinstance(error, StorageFull)
    assert [path for path in new.iterdir() if path.name != "run"] == []

    run("restore", target, "--state-dir", new)

    assert secret(new / "kerasd.sqlite") == secret(state / "kerasd.sqlite")


def test_what_a_killed_restore_has_left_of_a_file_is_written_over(
    state: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    new.mkdir()
    for name in ("keys.json", "kerasd.sqlite"):
        (new / f".{name}.restored").write_text("half")

    run("restore", backup(state), "--state-dir", new)

    assert not list(new.glob(".*"))


def test_names_are_on_the_disk_when_it_ends(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, fsync = list[Path](), os.fsync

    def seen(handle: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{handle}")))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", seen)
    target = backup(state)
    assert synced[-1] == target.parent
    synced.clear()

    run("restore", target, "--state-dir", tmp_path / "new")

    assert synced[-1] == tmp_path / "new"
    before = synced[: synced.index(tmp_path / "new" / ".kerasd.sqlite.restored")]
    assert {tmp_path / "new", tmp_path / "new" / "data" / "digits"} <= set(before)
