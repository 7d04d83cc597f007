"""What failed and would fail again waits; what changes doesn't."""

from pathlib import Path

import pytest

from service.repository.remote.fetching import VAIN_S
from service.repository.remote.postponing import PAUSE_S, Postponing
from tests.remote.mirror_world import World
from tests.remote.stepped import POLL_S

H5 = b"\x89HDF\r\n\x1a\nmodel"
WRONG = H5[:-1] + b"x"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def fetched(world: World) -> int:
    """How often the file was read since the last time."""
    count = world.remote.store.calls.count(("cat_file", "m/1/model.h5"))
    world.remote.store.calls.clear()
    return count


def test_pauses_double_up_to_the_longest_and_begin_anew_with_a_change() -> None:
    postponing, now, pauses = Postponing(), 0.0, []
    for _ in range(5):
        postponing.add("m/1", "one", "why", now, 4 * PAUSE_S)
        pauses.append(next(s for s in range(1, 999) if not postponing.why("m/1", "one", now + s)))
        now += pauses[-1]
    assert pauses == [60, 120, 240, 240, 240]
    assert postponing.why("m/1", "one", now - 1) == "why"
    assert postponing.why("m/1", "other", now - 1) == ""
    postponing.add("m/1", "other", "why", now, 4 * PAUSE_S)
    assert postponing.why("m/1", "other", now + PAUSE_S) == ""
    postponing.drop("m/1")
    assert postponing.why("m/1", "other", now) == ""


class TestWrongContent:
    @pytest.mark.parametrize("name", ["model.h5", "manifest.json"])
    @pytest.mark.parametrize(
        "content", [WRONG, b'{"files": {"model.h5": {"sha256": "%064d"}}}' % 7]
    )
    def test_it_is_fetched_again_and_heals_though_nothing_tells_of_a_change(
        self, world: World, name: str, content: bytes
    ) -> None:
        """A network may break what it carries, and a store may tell of sizes only."""
        world.remote.put_version("m/1", {"model.h5": H5})
        store, call = world.remote.store, world.remote.store.call
        size = len(world.remote.read(f"m/1/{name}"))
        broken = [content[:size].ljust(size)]

        def carry(method: str, key: str, *args: int, **more: float) -> bytes:
            answer: bytes = call(method, key, *args, **more)
            is_file = (method, key) == ("cat_file", f"m/1/{name}")
            return broken.pop() if is_file and broken else answer

        store.call = carry  # type: ignore[method-assign]
        world.look()
        assert (world.versions(), world.status()[2]) == ([], 1)
        world.look(PAUSE_S)
        assert world.lies()["m/1/model.h5"] == H5
        assert world.status() == (True, "", 0)

    def test_it_is_not_fetched_at_each_look(self, world: World) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.remote.put("m/1/model.h5", WRONG)
        world.look()
        assert (fetched(world), world.status()[2]) == (1, 1)
        for _ in range(5):
            assert world.look() == POLL_S
        assert (fetched(world), world.status()[2]) == (0, 1)
        for _ in range(60):
            world.look(PAUSE_S)
        assert fetched(world) == 5  # after 1, 3, 7, 15 and 31 minutes
        for _ in range(20):
            world.look(VAIN_S)
        assert fetched(world) == 20

    def test_it_is_taken_at_once_when_it_is_put_right(self, world: World) -> None:
        world.remote.put_version("m/1", {"model.h5": H5})
        world.remote.put("m/1/model.h5", WRONG)
        world.look()
        world.remote.put("m/1/model.h5", H5)
        world.look()
        assert world.versions() == [("m", 1)]
