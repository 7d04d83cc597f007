"""How the mirror stands, as a scrape tells it."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from service.base.http_errors import RemoteAway
from service.repository.remote import bucket
from service.repository.remote.status import Status, read_status
from service.web.remote_collector import RemoteCollector
from tests.remote.memory import Remote
from tests.remote.mirror_world import World


def status(world: World) -> Status:
    left = read_status(world.folder)
    assert left is not None
    return left


def told(folder: Path) -> list[str]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RemoteCollector(folder))
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_what_the_keeper_has_left_is_told(tmp_path: Path) -> None:
    Status(True, "", 1e9, 4096, 3, 2, 7).write(tmp_path)
    assert told(tmp_path) == [
        "kerasd_remote_repository_up 1.0",
        "kerasd_remote_repository_last_sync_timestamp_seconds 1e+09",
        "kerasd_remote_repository_incomplete 2.0",
        "kerasd_remote_repository_bytes_total 4096.0",
        "kerasd_remote_repository_failures_total 3.0",
    ]


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


def test_a_bucket_of_too_many_objects_is_no_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Remote()
    for number in range(4):
        remote.put(f"m/1/{number}")
    monkeypatch.setattr(bucket, "MOST_OBJECTS", 3)
    with pytest.raises(RemoteAway, match="holds more than 3 objects"):
        remote.bucket.objects()
