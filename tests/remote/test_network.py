"""A real S3 server behind a bad network: what is mirrored is served, nothing comes by halves."""

import hashlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.repository.manifest import manifest_bytes
from service.repository.remote import system
from tests.remote.proxy import Proxy, Weather, bad_network
from tests.remote.s3 import S3, bucket_at, known, running_s3
from tests.remote.stepped import Stepped

pytestmark = pytest.mark.slow
MEBIBYTE = 1024 * 1024
LARGE = 20 * MEBIBYTE
H5 = b"\x89HDF\r\n\x1a\n"


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with running_s3() as server:
        yield server


@pytest.fixture
def proxy(server: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr(system, "IDLE_S", 1)
    monkeypatch.setattr(system, "CONNECT_S", 1)
    with bad_network(server.port) as proxy, known(server.environment(proxy.url)):
        yield proxy


def put_version(place: str, files: dict[str, bytes], folder: Path) -> None:
    """By the same way as all else: in fine weather."""
    bucket = bucket_at(folder.name)
    for name, content in files.items():
        (folder / "sent").write_bytes(content)
        bucket.put(f"{place}/{name}", folder / "sent")
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    bucket.write(f"{place}/manifest.json", manifest_bytes(digests))


@pytest.mark.parametrize("weather", [one for one in Weather if one is not Weather.FINE])
def test_in_any_weather_what_is_mirrored_stays_and_then_the_new_one_comes(
    weather: Weather, proxy: Proxy, tmp_path: Path
) -> None:
    (tmp_path / weather).mkdir()
    folder = tmp_path / weather
    put_version("m/1", {"model.h5": H5 + b"one"}, folder)
    world = Stepped(tmp_path / "mirror", bucket_at(weather))
    world.look()
    assert world.versions() == [("m", 1)]
    new = H5 + os.urandom(LARGE)
    put_version("m/2", {"model.h5": new, "more/weights.h5": H5 + b"more"}, folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    proxy.change(weather)
    for _ in range(3):
        world.look()
        assert world.versions() == [("m", 1)]
        assert world.lies().keys() == {"m/1/manifest.json", "m/1/model.h5"}
        assert not world.status()[0]
    assert proxy.met > 0

    proxy.change(Weather.FINE)
    world.look()
    assert world.status() == (True, "", 0)
    assert world.versions() == [("m", 1), ("m", 2)]
    assert (world.mirror.models / "m/2/model.h5").read_bytes() == new
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 10 * LARGE // 1024


def test_a_download_that_breaks_again_and_again_comes_to_an_end(
    proxy: Proxy, tmp_path: Path
) -> None:
    """Every third is reset after 5 of 8 MiB: the pieces that came before are kept."""
    folder = tmp_path / "breaking"
    folder.mkdir()
    content = H5 + os.urandom(3 * LARGE)
    put_version("m/1", {"model.h5": content}, folder)
    world = Stepped(tmp_path / "mirror", bucket_at("breaking"))
    proxy.breaks_after, proxy.every = 5 * MEBIBYTE, 3
    proxy.change(Weather.BREAK)
    looks = 0
    while not world.mirror.models.exists() or not world.versions():
        looks += 1
        assert looks < 40
        world.look()
    assert world.lies()["m/1/model.h5"] == content
    assert proxy.met > 0


def test_a_server_that_is_killed_and_comes_back_without_its_bucket(
    server: S3, proxy: Proxy, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    put_version("m/1", {"model.h5": H5 + b"one"}, folder)
    world = Stepped(tmp_path / "mirror", bucket_at("killed"))
    world.look()
    server.kill()
    world.look()
    assert (world.versions(), world.status()[0]) == ([("m", 1)], False)
    server.start()  # with an empty bucket
    world.look()
    assert world.versions() == [("m", 1)]
    assert "no object at all" in world.status()[1]
    put_version("m/1", {"model.h5": H5 + b"one"}, folder)
    put_version("m/2", {"model.h5": H5 + b"two"}, folder)
    world.look()
    assert world.versions() == [("m", 1), ("m", 2)]
