"""How the mirror stands, as a scrape tells it."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from service.base.http_errors import RemoteAway
from service.repository.remote import bucket
from service.repository.remote.status import WHOLE, Status, read_status
from service.repository.store_heartbeats import Heartbeat
from service.web.remote_collector import RemoteCollector
from tests.remote.memory import Remote
from tests.remote.mirror_world import World

STATUS = Status(True, "", 1e9, 4096, 3, 2, 7)


def status(world: World) -> Status:
    left = read_status(world.folder)
    assert left is not None
    return left


def told(folder: Path, heartbeat: Heartbeat | None = None) -> list[str]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RemoteCollector(folder, heartbeat))
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def lines(process: str) -> list[str]:
    """Of `STATUS`."""
    return [
        f'kerasd_remote_repository_up{{process="{process}"}} 1.0',
        f'kerasd_remote_repository_last_sync_timestamp_seconds{{process="{process}"}} 1e+09',
        f'kerasd_remote_repository_incomplete{{process="{process}"}} 2.0',
        f'kerasd_remote_repository_bytes_total{{process="{process}"}} 4096.0',
        f'kerasd_remote_repository_failures_total{{process="{process}"}} 3.0',
    ]


def test_notes_here_are_the_web_process_own(tmp_path: Path) -> None:
    STATUS.write(tmp_path)
    assert told(tmp_path) == lines("web")


def test_a_mirror_here_is_the_controllers_also_while_the_database_is_away(tmp_path: Path) -> None:
    STATUS.write(tmp_path)
    (tmp_path / WHOLE).touch()
    assert told(tmp_path) == lines("controller")


def test_a_controller_elsewhere_is_told_beside_the_notes_here(tmp_path: Path) -> None:
    assert told(tmp_path, Heartbeat(1.0, 2.0, STATUS)) == lines("controller")
    STATUS.write(tmp_path)
    both = told(tmp_path, Heartbeat(1.0, 2.0, STATUS))
    assert sorted(both) == sorted(lines("controller") + lines("web"))


def test_what_the_database_tells_of_the_controller_goes_before_what_lies_here(
    tmp_path: Path,
) -> None:
    Status(False, "away", 5.0).write(tmp_path)
    (tmp_path / WHOLE).touch()
    assert told(tmp_path, Heartbeat(1.0, 2.0, STATUS)) == lines("controller")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"other": 1}'], ids=ascii)
def test_without_a_keeper_nothing_is_told(tmp_path: Path, content: bytes) -> None:
    assert told(tmp_path) == []
    (tmp_path / "status.json").write_bytes(content)
    assert told(tmp_path) == []
    assert read_status(tmp_path) in (None, Status())


def test_what_was_counted_goes_on_after_a_restart_and_not_in_another_repository(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.remote.put_version("m/1", {"model.h5": b"model"})
    world.look()
    synced_at = status(world).synced_at
    world.away(TimeoutError())
    world.look()
    world.begin()
    world.look()
    assert status(world).synced_at == synced_at > 0
    assert (status(world).requests_failed, status(world).bytes > 0) == (2, True)
    world.move()
    world.away(TimeoutError())
    world.begin()
    world.look()
    assert (status(world).synced_at, status(world).requests_failed) == (0, 1)


def test_a_look_that_takes_long_tells_meanwhile_what_comes(tmp_path: Path) -> None:
    world = World(tmp_path)
    for version in (1, 2):
        world.remote.put_version(f"m/{version}", {"model.h5": b"model"})
    meanwhile: list[Status | None] = []

    def watch(_method: str, key: str) -> None:
        if key.endswith("m/2/manifest.json"):
            meanwhile.append(read_status(world.folder))

    world.remote.store.fails = watch
    world.look()
    told = meanwhile[0]
    assert told is not None
    assert (told.is_up, told.synced_at) == (True, 0.0)
    assert 0 < told.bytes < status(world).bytes


def test_what_is_left_out_for_its_keys_is_incomplete_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.remote.put_version("digits/1", {"model.h5": b"model"})
    world.look()
    world.remote.put_version("Digits/1", {"model.h5": b"another", "labels.txt": b""})
    world.remote.put("m/1/model\n.h5")
    world.look()
    assert (world.versions(), status(world).incomplete) == ([("digits", 1)], 2)


def test_a_bucket_of_too_many_objects_is_no_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Remote()
    for number in range(4):
        remote.put(f"m/1/{number}")
    monkeypatch.setattr(bucket, "MOST_OBJECTS", 3)
    with pytest.raises(RemoteAway, match="holds more than 3 objects"):
        remote.bucket.objects()
