"""Who keeps a mirror: a controller all of it, a web process without one what is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.base.bell import Bell
from service.base.settings import Settings
from service.repository.layout import scan
from service.repository.manifest import check_published, write_manifest
from service.repository.remote.mirroring import BELL, Mirroring
from tests.remote.memory import Remote, tree_of
from tests.running import wait_until

H5 = b"\x89HDF\r\n\x1a\nmodel"
NOTES = {"m/model.yaml", "m/1/manifest.json", "m/1/warm_up.json"}


@pytest.fixture
def remote() -> Remote:
    remote = Remote()
    remote.put_version("m/1", {"model.h5": H5})
    remote.put("m/1/warm_up.json", b"[]")
    remote.put("m/model.yaml", b"task: binary\n")
    return remote


@pytest.fixture
def settings(tmp_path: Path, remote: Remote) -> Settings:
    place: Any = str(remote.address)
    return Settings(repository=place, state_dir=tmp_path / "state", remote_poll_s=60)


@pytest.fixture
def opened() -> Iterator[list[Mirroring]]:
    keepers: list[Mirroring] = []
    yield keepers
    for keeper in keepers:
        keeper.close()


def lies(settings: Settings) -> set[str]:
    return set(tree_of(settings.repository)) if settings.repository.exists() else set()


def stepped(keeper: Mirroring, settings: Settings, expected: set[str]) -> bool:
    keeper.step()
    return lies(settings) == expected


def test_a_controller_mirrors_all_and_looks_when_the_bell_is_rung(
    settings: Settings, remote: Remote, opened: list[Mirroring]
) -> None:
    keeper = Mirroring(settings)
    opened.append(keeper)
    wait_until(lambda: stepped(keeper, settings, {*NOTES, "m/1/model.h5"}), "all is there", 20)
    remote.put_version("m/2", {"model.h5": H5 + b"2"})
    Bell(settings.run_dir / BELL).ring()
    new = {"m/2/model.h5", "m/2/manifest.json"}
    wait_until(lambda: stepped(keeper, settings, {*NOTES, "m/1/model.h5", *new}), "it looks", 20)


def test_notes_are_kept_until_a_controller_comes_and_never_after(
    settings: Settings, opened: list[Mirroring]
) -> None:
    notes, controller, late = (Mirroring(settings, notes_only=only) for only in (True, False, True))
    opened += [notes, controller, late]
    wait_until(lambda: stepped(notes, settings, NOTES), "notes are there", 20)
    controller.step()
    assert lies(settings) == NOTES  # the lock is another's
    notes._turn()
    controller.step()
    assert not settings.repository.exists() or scan(settings.repository)[0].files
    whole = {*NOTES, "m/1/model.h5"}
    wait_until(lambda: stepped(controller, settings, whole), "all is there", 20)
    controller.close()
    opened.remove(controller)
    late.step()
    late._turn()
    assert lies(settings) == whole


def test_one_of_several_keeps_it(settings: Settings, opened: list[Mirroring]) -> None:
    first, second = Mirroring(settings), Mirroring(settings)
    opened += [first, second]
    first.step()
    second.step()
    assert (first._lock >= 0, second._lock >= 0) == (True, False)


def test_a_disk_that_is_full_at_first_is_no_lock_for_ever(
    settings: Settings, opened: list[Mirroring], caplog: pytest.LogCaptureFixture
) -> None:
    keeper = Mirroring(settings)
    opened.append(keeper)
    settings.mirror_dir.mkdir(parents=True)
    blocked = settings.mirror_dir / "content"
    blocked.write_bytes(b"a file where the folder is to be")
    for _ in range(3):
        keeper.step()
    assert keeper._lock < 0
    assert [record.getMessage() for record in caplog.records] == ["the mirror can't be written"]
    blocked.unlink()
    keeper.step()
    assert keeper._lock >= 0


def test_a_copy_of_a_bucket_is_a_repository(tmp_path: Path) -> None:
    """Claims come along with `aws s3 sync`."""
    home = tmp_path / "m" / "1"
    home.mkdir(parents=True)
    (home / "model.h5").write_bytes(H5)
    (home / "claim.json").write_text('{"token": "x", "is_published": true}')
    (found,) = scan(tmp_path)
    digests = {file.name: "0" * 64 for file in found.files}
    write_manifest(home, digests)
    check_published(home, digests)
    assert [file.name for file in found.files] == ["model.h5"]
