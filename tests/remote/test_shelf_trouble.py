"""Publication and deletion that go wrong in between: nothing is visible by halves."""

import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from service.base.errors import KerasdError, ModelNotFound, RequestInvalid
from service.base.http_errors import Conflict, RemoteAway
from service.repository.publishing import Parcel, Published
from service.repository.remote.claims import STALE_S, Claims
from service.repository.remote.content import Content
from service.repository.remote.tree import MEANT, read_tree
from tests.remote.shelf_world import H5, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class TestTrouble:
    def test_a_store_that_is_away_is_told_and_nothing_is_published(self, world: World) -> None:
        world.remote.store.fails = lambda _method, _key: TimeoutError()
        for call in (world.send, lambda: world.shelf.check_writable("m")):
            with pytest.raises(RemoteAway, match="didn't answer in time"):
                call()
        assert world.remote.names() == []

    @pytest.mark.parametrize(
        "failing", ["m/1/claim.json", "m/1/model.h5", "m/1/manifest.json", ""], ids=ascii
    )
    @pytest.mark.parametrize("is_done", [False, True], ids=["lost", "done"])
    def test_it_is_insisted_on_and_one_version_comes_of_it(
        self, world: World, failing: str, is_done: bool
    ) -> None:
        """The call fails three times, before it was done or after: then the answer was lost."""
        world.shelf = world.open(patience_s=60)
        left = 3

        def fail(method: str, key: str) -> Exception | None:
            nonlocal left
            if key != failing or left == 0 or method == "info":
                return None
            left -= 1
            return ConnectionResetError()

        if is_done:
            world.remote.store.fails_after = fail
        else:
            world.remote.store.fails = fail
        assert world.send() == Published(1, True)
        assert world.published() == [1]

    def test_what_is_given_up_is_hidden_and_the_next_call_takes_another_number(
        self, world: World
    ) -> None:
        world.remote.store.fails = lambda method, key: (
            ConnectionResetError() if method == "put" else None
        )
        with pytest.raises(RemoteAway):
            world.send()
        assert world.published() == []
        world.remote.store.fails = lambda *_: None
        assert world.send() == Published(2, True)

    def test_a_claim_is_removed_a_day_after_its_holder_died(self, world: World) -> None:
        early = Claims(world.remote.bucket, wall_clock=lambda: 1e9)
        early.mark("m", 1)
        world.remote.put("m/1/model.h5", b"half")
        Claims(world.remote.bucket).mark("m", 2)
        world.send()
        assert world.published() == [3]
        assert [key for key in world.remote.names() if key.startswith("m/1/")] == []
        assert "m/2/claim.json" in world.remote.names()
        assert STALE_S == 24 * 3600

    @pytest.mark.parametrize("content", [b"", b"{}", b"no json"], ids=ascii)
    def test_one_that_says_nothing_is_as_old_as_its_object(
        self, world: World, content: bytes
    ) -> None:
        world.remote.put("m/1/claim.json", content)
        world.remote.put("m/1/model.h5", b"half")
        world.send(b"two")
        assert world.published() == [2]
        assert "m/1/model.h5" in world.remote.names()
        late = time.time() + STALE_S + 60
        world.shelf._claims = Claims(world.remote.bucket, wall_clock=lambda: late)
        world.send(b"three")
        assert [key for key in world.remote.names() if key.startswith("m/1/")] == []

    def test_a_version_whose_manifest_somebody_removed_is_hidden_but_kept(
        self, world: World
    ) -> None:
        world.send(b"one")
        world.remote.remove("m/1/manifest.json")
        world.shelf._claims = Claims(world.remote.bucket, wall_clock=lambda: 9e9)
        world.send(b"two")
        assert world.published() == [2]
        assert world.remote.read("m/1/model.h5") == b"one"

    def test_publication_spares_the_mirror_of_this_machine_the_way(self, world: World) -> None:
        content = Content(world.folder / "mirror")
        content.open()
        world.shelf = world.open(0, content)
        world.send()
        assert content.has(sha256(H5).hexdigest(), len(H5))


class TestConfiguration:
    """A model.yaml alone would be in the way of the next upload, or be taken for it."""

    def test_what_fails_takes_its_own_back(self, world: World) -> None:
        def steal(method: str, key: str) -> None:
            if (method, key) == ("pipe_file", "m/model.yaml"):
                world.remote.put("m/1/claim.json", b'{"token": "theirs", "at": 1e10}')

        world.remote.store.fails = steal
        with pytest.raises(Conflict, match="has a version 1 already"):
            world.send(version=1, config=said(world, "mine"))
        assert "m/model.yaml" not in world.remote.names()
        world.remote.store.fails = lambda *_: None
        world.send(config=said(world, "other"))
        assert world.remote.read("m/model.yaml") == b"description: other\n"

    def test_a_lost_answer_is_no_conflict(self, world: World) -> None:
        world.shelf = world.open(patience_s=60)
        lost = [ConnectionResetError()]
        world.remote.store.fails_after = lambda method, key: (
            lost.pop() if (method, key) == ("pipe_file", "m/model.yaml") and lost else None
        )
        assert world.send(config=said(world, "mine")) == Published(1, True)
        assert world.remote.read("m/model.yaml") == b"description: mine\n"

    @pytest.mark.parametrize("is_theirs", [True, False], ids=["changed since", "as it was left"])
    def test_that_of_a_dead_publisher_goes_with_its_claim(
        self, world: World, is_theirs: bool
    ) -> None:
        world.remote.store.fails = lambda _method, key: (
            TimeoutError() if key == "m/1/manifest.json" else None
        )
        with pytest.raises(RemoteAway):
            world.send(config=said(world, "dead"))
        world.remote.store.fails = lambda *_: None
        if is_theirs:
            world.remote.put("m/model.yaml", b"description: theirs\n")
        with pytest.raises(Conflict, match="has another"):
            world.send(b"two", config=said(world, "mine"))
        late = time.time() + STALE_S + 60
        world.shelf._claims = Claims(world.remote.bucket, wall_clock=lambda: late)
        if is_theirs:
            with pytest.raises(Conflict, match="has another"):
                world.send(b"two", config=said(world, "mine"))
            return
        world.send(b"two", config=said(world, "mine"))
        assert world.remote.read("m/model.yaml") == b"description: mine\n"


def said(world: World, what: str) -> Path:
    file = world.folder / f"config-{what}"
    file.write_text(f"description: {what}\n")
    return file


class TestRemoval:
    def test_a_version_is_gone_with_all_its_objects(self, world: World) -> None:
        world.send(b"one")
        world.send(b"two")
        assert world.shelf.check_removable("m", 1) == sha256(b"one").hexdigest()
        world.shelf.remove("m", 1)
        assert {key.split("/")[1] for key in world.remote.names() if key != MEANT} == {"2"}
        assert world.shelf.holds("m")

    def test_it_is_never_visible_by_halves(self, world: World) -> None:
        world.send(b"one")
        looks: list[tuple[bool, bool]] = []

        def look(method: str, _key: str) -> None:
            keys = world.remote.names()
            if method == "rm_file":
                is_served = "m/1/manifest.json" in keys or "m/1/claim.json" not in keys
                looks.append((is_served, "m/1/model.h5" in keys))

        world.remote.store.fails = look
        world.shelf.remove("m", 1)
        assert looks[0] == (True, True)
        assert not any(is_served for is_served, _ in looks[1:])
        assert looks[-1] == (False, False)

    def test_one_that_breaks_off_is_hidden_and_ended_by_the_next_call(self, world: World) -> None:
        world.send(b"one")
        world.remote.store.fails = lambda method, key: (
            TimeoutError() if (method, key) == ("rm_file", "m/1/model.h5") else None
        )
        with pytest.raises(RemoteAway):
            world.shelf.remove("m", 1)
        assert read_tree(world.remote.bucket.objects()).versions["m", 1].is_claimed
        world.remote.store.fails = lambda *_: None
        world.shelf.remove("m", 1)
        assert world.remote.names() == [MEANT]

    @pytest.mark.parametrize(
        ("model", "version", "kind"),
        [("m", 9, ModelNotFound), ("n", 1, ModelNotFound), ("m", 0, ModelNotFound),
         ("..", 1, RequestInvalid), ("bare", 1, Conflict)],
    )  # fmt: skip
    def test_what_is_no_version_folder_stays(
        self, world: World, model: str, version: int, kind: type[KerasdError]
    ) -> None:
        world.send()
        world.remote.put("bare.h5", H5)
        before = world.remote.names()
        for call in (world.shelf.check_removable, world.shelf.remove):
            with pytest.raises(kind):
                call(model, version)
        assert world.remote.names() == before


def test_a_parcel_is_left_as_it_was(world: World) -> None:
    """A job publishes from its own folder, and may have to do so again."""
    parcel: Parcel = replace(world.parcel(), again=True)
    check: Callable[[], Published] = lambda: world.shelf.publish(parcel)  # noqa: E731
    assert [check().version, check().version] == [1, 2]


def test_a_file_with_the_name_of_a_claim_is_refused(world: World) -> None:
    parcel = world.parcel()
    (path,) = parcel.files.values()
    wrong = replace(parcel, files={"claim.json": path}, digests={"claim.json": "0" * 64})
    with pytest.raises(Conflict, match=r"No file of a version is called claim\.json"):
        world.shelf.publish(wrong)
    assert world.published() == []
    assert world.remote.names() == []
