"""Publication into a bucket: numbers, races, the same files twice."""

import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import pytest

from service.base.errors import RequestInvalid
from service.base.http_errors import Conflict, UploadRefused
from service.repository.publishing import Published
from tests.remote.shelf_world import H5, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class TestNumbers:
    def test_the_first_is_one_and_then_the_next(self, world: World) -> None:
        sent = [world.send(content) for content in (b"one", b"two", b"three")]
        assert sent == [Published(number, True) for number in (1, 2, 3)]
        assert world.told == 3
        assert world.remote.names()[:3] == ["m/1/claim.json", "m/1/manifest.json", "m/1/model.h5"]
        manifest = json.loads(world.remote.read("m/1/manifest.json"))
        assert manifest["files"]["model.h5"]["sha256"] == sha256(b"one").hexdigest()
        assert (manifest["uploaded_by"], manifest["why"]) == ("ann", "better")

    def test_the_manifest_comes_last(self, world: World) -> None:
        world.send()
        written = [
            key
            for method, key in world.remote.store.calls
            if method in ("pipe_file", "put") and key.startswith("m/1/")
        ]
        assert written == [
            "m/1/claim.json", "m/1/model.h5", "m/1/manifest.json", "m/1/claim.json",
        ]  # fmt: skip

    def test_numbers_that_were_used_or_claimed_or_copied_are_not_given(self, world: World) -> None:
        world.remote.put("m/3/model.h5", b"copied by hand")
        world.remote.put("m/4/claim.json", b"{}")
        assert world.send(b"one", used=(7,)) == Published(8, True)
        assert world.send(b"two", version=5) == Published(5, True)
        with pytest.raises(Conflict, match="has a version 3 already"):
            world.send(b"three", version=3)
        with pytest.raises(Conflict, match="has a version 4 already"):
            world.send(b"three", version=4)
        with pytest.raises(Conflict, match="not used twice"):
            world.send(b"three", version=7, used=(7,))

    def test_a_bare_file_is_version_one(self, world: World) -> None:
        world.remote.put("m.h5", H5)
        assert world.send(b"one") == Published(2, True)

    @pytest.mark.parametrize("name", ["../x", "", ".m", "a/b"])
    def test_a_name_that_is_none_is_refused(self, world: World, name: str) -> None:
        with pytest.raises(RequestInvalid):
            world.shelf.check_writable(name)

    def test_a_name_that_differs_by_case_only_is_refused(self, world: World) -> None:
        world.remote.put("M/1/model.h5", H5)
        with pytest.raises(Conflict, match="by its case only"):
            world.send()


class TestTwice:
    def test_the_same_files_are_the_same_version(self, world: World) -> None:
        assert world.send() == Published(1, True)
        assert world.send() == Published(1, False)
        with pytest.raises(Conflict, match=r"are version 1 .* already"):
            world.send(version=9)
        assert world.send(again=True) == Published(2, True)

    def test_files_that_were_copied_by_hand_are_read_if_they_have_the_size(
        self, world: World
    ) -> None:
        world.remote.put("m/1/model.h5", H5)
        assert world.send() == Published(1, False)
        assert world.send(H5[::-1]) == Published(2, True)

    def test_a_key_stands_for_one_call(self, world: World) -> None:
        assert world.send(b"one", key="k") == Published(1, True)
        assert world.send(b"one", key="k", again=True) == Published(1, False)
        with pytest.raises(UploadRefused, match="was used for other files"):
            world.send(b"two", key="k")


class TestConfiguration:
    def test_it_comes_with_a_new_model_only(self, world: World) -> None:
        config = world.folder / "config"
        config.write_text("description: mine\n")
        world.send(b"one", config=config)
        assert world.remote.read("m/model.yaml") == b"description: mine\n"
        with pytest.raises(Conflict, match=r"model\.yaml: model m is there already"):
            world.send(b"two", config=config)

    def test_the_same_files_with_another_are_refused(self, world: World) -> None:
        config = world.folder / "config"
        config.write_text("description: mine\n")
        world.send(b"one", config=config)
        assert world.send(b"one", config=config) == Published(1, False)
        config.write_text("description: better\n")
        with pytest.raises(
            Conflict, match=r"model\.yaml: model m is there already, with version 1"
        ):
            world.send(b"one", config=config)
        assert world.remote.read("m/model.yaml") == b"description: mine\n"

    def test_a_model_that_is_a_bare_file_is_there_already(self, world: World) -> None:
        world.remote.put("m/m.h5", H5)
        config = world.folder / "config"
        config.write_text("description: mine\n")
        with pytest.raises(Conflict, match=r"model\.yaml: model m is there already"):
            world.send(b"two", config=config)
        assert world.remote.names() == ["m/m.h5"]

    def test_a_model_that_others_publish_meanwhile_keeps_its_own(self, world: World) -> None:
        config = world.folder / "config"
        config.write_text("description: mine\n")

        def publish(method: str, key: str) -> None:
            if (method, key) == ("put", "m/1/model.h5"):
                world.remote.put_version("m/2", {"model.h5": H5})

        world.remote.store.fails = publish
        with pytest.raises(Conflict, match=r"model\.yaml: model m is there already"):
            world.send(b"one", config=config)
        assert world.remote.names() == ["m/2/manifest.json", "m/2/model.h5"]

    def test_it_comes_right_before_the_manifest(self, world: World) -> None:
        config = world.folder / "config"
        config.write_text("description: mine\n")
        world.send(config=config)
        calls = [key for method, key in world.remote.store.calls if method == "pipe_file"]
        assert calls == [
            "m/1/claim.json", "m/model.yaml", "m/1/manifest.json", "m/model.yaml", "m/1/claim.json",
        ]  # fmt: skip

    def test_one_that_is_taken_away_before_the_manifest_comes_again(self, world: World) -> None:
        """By who has cleaned up behind a dead publisher of the same one."""
        config = world.folder / "config"
        config.write_text("description: mine\n")

        def clean(method: str, key: str) -> None:
            if (method, key) == ("pipe_file", "m/1/manifest.json"):
                world.remote.remove("m/model.yaml")

        world.remote.store.fails = clean
        world.send(config=config)
        assert "m/model.yaml" in world.remote.names()
        assert world.published() == [1]

    def test_one_that_an_operator_has_put_there_stays(self, world: World) -> None:
        world.remote.put("m/model.yaml", b"description: theirs\n")
        config = world.folder / "config"
        config.write_text("description: mine\n")
        with pytest.raises(Conflict, match="nothing was published"):
            world.send(config=config)
        assert world.remote.names() == ["m/model.yaml"]
        assert ("put", "m/1/model.h5") not in world.remote.store.calls, "nothing is sent in vain"

    def test_one_that_appears_while_files_are_sent_stays(self, world: World) -> None:
        config = world.folder / "config"
        config.write_text("description: mine\n")

        def put(method: str, key: str) -> None:
            if (method, key) == ("put", "m/1/model.h5"):
                world.remote.put("m/model.yaml", b"description: theirs\n")

        world.remote.store.fails = put
        with pytest.raises(Conflict, match="nothing was published"):
            world.send(config=config)
        assert world.remote.names() == ["m/model.yaml"]


class TestRaces:
    def test_fifty_times_two_publishers_get_numbers_of_their_own(self, world: World) -> None:
        with ThreadPoolExecutor(2) as threads:
            for turn in range(50):
                contents = [f"{turn} {side}".encode() for side in range(2)]
                sent = list(threads.map(world.send, contents))
                for content, published in zip(contents, sent, strict=True):
                    assert published.is_new
                    assert world.remote.read(f"m/{published.version}/model.h5") == content
        assert world.published() == sorted(world.published())
        assert len(world.published()) == 100

    def test_whose_claim_was_overwritten_takes_the_next_number(self, world: World) -> None:
        """As on a store that doesn't know how to create an object only if it is new."""

        def steal(method: str, key: str) -> None:
            if (method, key) == ("put", "m/1/model.h5"):
                world.remote.put("m/1/claim.json", b'{"token": "theirs", "at": 1e10}')

        world.remote.store.fails = steal
        assert world.send() == Published(2, True)
        assert world.published() == [2]

    def test_a_store_that_refuses_the_condition_is_asked_without_it(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        call = world.remote.store.call

        def refuse(method: str, key: str, *args: Any, **more: Any) -> Any:
            if more.pop("mode", "") == "create":
                raise Refused("no If-None-Match here")
            return call(method, key, *args, **more)

        monkeypatch.setattr(world.remote.store, "call", refuse)
        assert [world.send(b"one"), world.send(b"two")] == [Published(1, True), Published(2, True)]
        assert world.published() == [1, 2]
        assert not world.remote.bucket.create("m/1/claim.json", b"mine")


class Refused(Exception):
    """As botocore's ClientError."""

    response: ClassVar = {"Error": {"Code": "NotImplemented"}}
