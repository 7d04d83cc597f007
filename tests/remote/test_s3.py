"""The bucket's calls against a real S3 server: listings, pieces, parts, conditions, races."""

import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from service.base.http_errors import RemoteAway
from service.repository.manifest import Provenance
from service.repository.publishing import Parcel
from service.repository.remote.address import read_address
from service.repository.remote.bucket import PART, PIECE, Bucket
from service.repository.remote.shelf import RemoteShelf
from service.repository.remote.tree import read_tree
from tests.remote.s3 import BUCKET, S3, SECRET, bucket_at, known, running_s3

pytestmark = pytest.mark.slow
RACES = 50


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with running_s3() as server, known(server.environment()):
        yield server


class TestBucket:
    def test_objects_are_written_read_and_listed(self, server: S3, tmp_path: Path) -> None:
        bucket = bucket_at("calls")
        assert bucket.objects() == {}
        assert bucket.create("m/1/claim.json", b"{}")
        assert not bucket.create("m/1/claim.json", b"other")
        bucket.write("m/1/leer", b"")
        found = bucket.objects()
        assert {key: one.size for key, one in found.items()} == {
            "m/1/claim.json": 2, "m/1/leer": 0,
        }  # fmt: skip
        assert bucket.look("m/1/claim.json") == found["m/1/claim.json"]
        assert bucket.look("m/1/other") is None
        assert bucket.read("m/1/claim.json", 10) == b"{}"
        with pytest.raises(ValueError, match="larger than 1 bytes"):
            bucket.read("m/1/claim.json", 1)
        assert bucket.read("m/1/leer", 10) == b""
        assert bucket.written_at("m/1/leer") == pytest.approx(time.time(), abs=600)
        bucket.remove(["m/1/nothing", "m/1/leer"])
        assert bucket.objects("m/1").keys() == {"m/1/claim.json"}

    def test_a_large_object_goes_in_parts_and_comes_in_pieces(
        self, server: S3, tmp_path: Path
    ) -> None:
        file = tmp_path / "large"
        file.write_bytes(os.urandom(2 * PART + 5))
        bucket = bucket_at("large")
        bucket.put("m/1/model.h5", file)
        found = bucket.look("m/1/model.h5")
        assert found == bucket.objects()["m/1/model.h5"]
        pieces = list(bucket.pieces("m/1/model.h5", 0, found.size if found else 0))
        assert max(map(len, pieces)) == PIECE
        assert (
            hashlib.sha256(b"".join(pieces)).digest() == hashlib.sha256(file.read_bytes()).digest()
        )

    def test_a_listing_of_many_pages_is_whole(self, server: S3) -> None:
        names = {f"many/m/1/{number:04}" for number in range(2300)}
        with ThreadPoolExecutor(16) as threads:
            url = f"{server.url}/{BUCKET}"
            done = list(threads.map(lambda name: requests.put(f"{url}/{name}").ok, sorted(names)))
        assert all(done)
        assert {f"many/{key}" for key in bucket_at("many").objects()} == names

    def test_keys_that_no_path_may_have_are_listed_and_refused(self, server: S3) -> None:
        bucket = bucket_at("odd")
        for key in ("m/1/model.h5", "m/1/../../evil", "m/1//b", "m/1/.c", "m/1/d\\e"):
            bucket.write(key, b"\x89HDF\r\n\x1a\n")
        tree = read_tree(bucket.objects())
        assert tree.versions["m", 1].objects.keys() == {"model.h5"}

    def test_what_is_not_there_is_told(self, server: S3) -> None:
        with pytest.raises(RemoteAway, match=r"isn't there \(NoSuchKey\)"):
            bucket_at("m").piece("missing/m", 0, 5)
        with pytest.raises(RemoteAway, match=r"isn't there \(NoSuchBucket\)"):
            Bucket(read_address("s3://nobodys", "repository")).objects()


def test_two_publishers_race_and_every_version_is_whole(server: S3, tmp_path: Path) -> None:
    """Each with a client of its own, as two replicas are."""
    bucket = bucket_at("races")
    shelves = [RemoteShelf(bucket_at("races"), lambda: None) for _ in range(2)]

    def send(side: int, turn: int) -> tuple[int, bytes]:
        content = f"{side} {turn}".encode()
        path = tmp_path / f"{side}-{turn}"
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        about = Provenance("ann", "2026-01-01T00:00:00+00:00", "", None, digest)
        parcel = Parcel("m", {"model.h5": path}, {"model.h5": digest}, about)
        published = shelves[side].publish(parcel)
        assert published.is_new
        return published.version, content

    sent: dict[int, bytes] = {}
    with ThreadPoolExecutor(2) as threads:
        for turn in range(RACES):
            pair = list(threads.map(send, range(2), (turn, turn)))
            assert pair[0][0] != pair[1][0]
            sent.update(pair)
    assert len(sent) == 2 * RACES
    tree = read_tree(bucket.objects())
    whole = {key[1] for key, folder in tree.versions.items() if folder.is_published}
    assert whole == sent.keys()
    assert all(bucket.read(f"m/{one}/model.h5", 99) == content for one, content in sent.items())


def test_no_error_tells_a_secret(server: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://user:{SECRET}@127.0.0.1:1")
    with pytest.raises(RemoteAway) as told:
        bucket_at("m").objects()
    assert SECRET not in f"{told.value!r} {told.value.__cause__!r}"


def test_the_endpoint_of_s3_alone_is_heard(server: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    bucket = bucket_at("endpoint")
    bucket.write("m/1/model.h5", b"here")
    assert bucket.read("m/1/model.h5", 9) == b"here"
