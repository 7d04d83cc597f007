"""From a bucket to the folder that is served: whole versions, in whatever order things come."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from service.repository.layout import scan
from service.repository.remote.content import Content
from tests.remote.mirror_world import World
from tests.remote.stepped import POLL_S, SETTLE_S

H5 = b"\x89HDF\r\n\x1a\nmodel"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class TestVersions:
    def test_a_published_version_is_there_at_the_first_look(self, world: World) -> None:
        world.remote.put_version("m/1", {"model.json": b"{}", "weights.h5": H5})
        world.remote.put("m/model.yaml", b"task: binary\n")
        assert world.look() == POLL_S
        assert world.lies().keys() == {
            "m/1/manifest.json", "m/1/model.json", "m/1/weights.h5", "m/model.yaml",
        }  # fmt: skip
        assert world.versions() == [("m", 1)]
        assert world.status() == (True, "", 0)

    def test_what_is_known_of_many_is_not_written_anew_for_each(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pauses: list[float] = []
        monkeypatch.setattr(Content, "save", lambda _, pause_s=0.0: pauses.append(pause_s))
        for number in (1, 2, 3):
            world.remote.put_version(f"m/{number}", {"model.h5": H5 + b"%d" % number})
        world.look()
        assert pauses == [1.0, 1.0, 1.0, 0.0]

    def test_one_without_a_manifest_waits_until_it_has_settled(self, world: World) -> None:
        world.remote.put("m/1/model.json", b"{}")
        assert world.look() < POLL_S
        world.remote.put("m/1/weights.h5", H5)
        world.look(SETTLE_S)
        assert not world.mirror.models.exists()  # or there would seem to be no models
        world.look(SETTLE_S)
        assert world.lies().keys() == {"m/1/model.json", "m/1/weights.h5"}

    def test_the_files_before_the_manifest_are_not_served_while_claimed(self, world: World) -> None:
        world.remote.put("m/1/claim.json", b"{}")
        world.remote.put("m/1/model.h5", H5)
        world.settle()
        assert world.lies() == {}
        world.remote.put_version("m/1", {"model.h5": H5})
        world.look()
        assert world.lies().keys() == {"m/1/manifest.json", "m/1/model.h5"}

    def test_a_manifest_before_its_files_waits_for_them(self, world: World) -> None:
        world.remote.put_version("m/1", {"model.json": b"{}", "weights.h5": H5})
        world.remote.remove("m/1/weights.h5")
        world.settle()
        assert world.lies() == {}
        assert world.status() == (True, "", 1)
        world.remote.put("m/1/weights.h5", H5)
        world.look()
        assert world.versions() == [("m", 1)]
        assert world.status() == (True, "", 0)

    @pytest.mark.parametrize("content", [b"other", H5[:-1] + b"x"], ids=["length", "bit"])
    def test_files_that_are_not_those_of_the_manifest_are_not_taken(
        self, world: World, content: bytes
    ) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.remote.put("m/1/model.h5", content)
        world.settle()
        assert world.versions() == []
        assert world.status()[2] == 1

    @pytest.mark.parametrize(
        "manifest",
        [b"", b"no json", b"[]", b'{"files": 7}', b'{"files": {"../../x": {"sha256": "a"}}}',
         b'{"files": {"manifest.json": {"sha256": "a"}}}', b"{" * 100_000,
         b'{"files": {"model.h5": {}}}', b'{"files": {"model.h5": {"sha256": "../address"}}}'],
        ids=lambda content: ascii(content)[:24],
    )  # fmt: skip
    def test_a_manifest_that_is_none_harms_nobody_else(self, world: World, manifest: bytes) -> None:
        world.remote.put("bad/1/model.h5", H5)
        world.remote.put("bad/1/manifest.json", manifest)
        world.remote.put_version("m/1", {"model.h5": H5})
        world.look()
        assert world.versions() == [("m", 1)]
        assert world.status() == (True, "", 1)

    def test_what_is_mirrored_stays_when_its_object_is_replaced_by_another(
        self, world: World
    ) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.look()
        world.remote.put("m/1/model.h5", b"garbage")
        world.look()
        assert world.lies()["m/1/model.h5"] == H5
        assert world.status()[2] == 1

    def test_bare_files_are_models_too(self, world: World) -> None:
        world.remote.put("bare.h5", H5)
        world.remote.put("flat/model.h5", H5)
        world.settle()
        assert world.versions() == [("bare", 1), ("flat", 1)]

    def test_a_changed_configuration_is_taken_at_once_and_nothing_else_is_touched(
        self, world: World
    ) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.remote.put("m/model.yaml", b"task: binary\n")
        world.look()
        before = scan(world.mirror.models)
        world.remote.put("m/model.yaml", b"task: regression\n")
        world.look()
        assert world.lies()["m/model.yaml"] == b"task: regression\n"
        assert scan(world.mirror.models) == before

    def test_the_same_content_elsewhere_is_not_fetched_again_nor_seen_as_a_change(
        self, world: World
    ) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.look()
        before = scan(world.mirror.models)
        world.remote.put_version("m/2", {"model.h5": H5})
        world.remote.store.calls.clear()
        world.look()
        assert ("cat_file", "m/2/model.h5") not in world.remote.store.calls
        found = scan(world.mirror.models)
        assert [item.version for item in found] == [1, 2]
        assert found[:1] == before

    def test_a_digest_that_is_a_path_reads_no_file_of_this_machine(self, world: World) -> None:
        secret = b"of the host"
        (world.folder / "secret").write_bytes(secret)
        world.remote.put("m/1/model.h5", secret)
        told = {"files": {"model.h5": {"sha256": "../secret"}}}
        world.remote.put("m/1/manifest.json", json.dumps(told).encode())
        world.settle()
        assert world.versions() == []
        assert world.status()[2] == 1

    def test_digests_in_capitals_are_digests(self, world: World) -> None:
        world.remote.put("m/1/model.h5", H5)
        told = {"files": {"model.h5": {"sha256": sha256(H5).hexdigest().upper()}}}
        world.remote.put("m/1/manifest.json", json.dumps(told).encode())
        world.look()
        assert world.versions() == [("m", 1)]


class TestDeletion:
    def test_what_is_gone_from_a_complete_listing_goes(self, world: World) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.remote.put_version("m/2", {"model.h5": H5 + b"2"})
        world.remote.put("n.h5", H5)
        world.settle()
        assert world.versions() == [("m", 1), ("m", 2), ("n", 1)]
        world.remote.remove("m/1/model.h5", "m/1/manifest.json", "n.h5")
        world.look()
        assert world.versions() == [("m", 2)]
        assert world.lies().keys() == {"m/2/manifest.json", "m/2/model.h5"}

    def test_an_empty_bucket_that_had_models_is_taken_for_one_that_is_away(
        self, world: World
    ) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.look()
        world.remote.remove("m/1/model.h5", "m/1/manifest.json")
        assert world.look() > POLL_S
        assert world.versions() == [("m", 1)]
        assert "no object at all" in world.status()[1]

    def test_one_that_is_meant_to_be_empty_is_not(self, world: World) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.look()
        world.remote.put(".kerasd", b"")
        world.remote.remove("m/1/model.h5", "m/1/manifest.json")
        assert world.look() == POLL_S
        assert world.versions() == []
        assert world.status() == (True, "", 0)

    def test_an_empty_bucket_is_a_repository_without_models(self, world: World) -> None:
        assert not world.mirror.models.exists()
        world.look()
        assert world.versions() == []
        assert world.status() == (True, "", 0)

    def test_content_that_nothing_names_goes_after_an_hour(self, world: World) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.remote.put_version("m/2", {"model.h5": H5 + b"2"})
        world.look()
        world.remote.remove("m/1/model.h5", "m/1/manifest.json")
        world.look(600)
        kept = sha256(H5).hexdigest()
        assert (world.folder / "content" / kept).exists()
        content = Content(world.folder, wall_clock=lambda: 4e9)
        content.open()
        plan = world.syncing.plan
        assert plan is not None
        assert content.prune(set(plan.values()), world.remote.bucket.objects().items()) == 2
        assert not (world.folder / "content" / kept).exists()
