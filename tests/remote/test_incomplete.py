"""A mirror that isn't whole yet is never taken for the repository: nothing is retired for it."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from service.base.settings import Settings
from service.controller.sharing import Sharing
from service.repository.compiled_store import CompiledStore
from service.repository.remote.artefacts import Artefacts
from service.repository.remote.mirror import Mirror
from service.repository.remote.mirroring import Mirroring
from service.repository.remote.syncing import MOST_FIRST_LOOKS
from service.repository.states import State
from tests.controller.world import LIMITS
from tests.controller.world import World as Site
from tests.remote.memory import Remote
from tests.remote.mirror_world import World

H5 = b"\x89HDF\r\n\x1a\nmodel"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    for number in (1, 2, 3):
        world.remote.put_version(f"m/{number}", {"model.h5": H5 + str(number).encode()})
    return world


def slow(*keys: str) -> Callable[[str, str], Exception | None]:
    return lambda method, key: TimeoutError() if method == "cat_file" and key in keys else None


class TestFirstPlan:
    def test_what_the_network_kept_back_is_waited_for(self, world: World) -> None:
        world.remote.store.fails = slow("m/2/model.h5")
        world.look()
        assert not world.mirror.models.exists()
        world.back()
        world.look()
        assert world.versions() == [("m", 1), ("m", 2), ("m", 3)]

    def test_it_is_not_waited_for_without_end(self, world: World) -> None:
        world.remote.store.fails = slow("m/2/model.h5")
        for _ in range(MOST_FIRST_LOOKS - 1):
            world.look()
        assert not world.mirror.models.exists()
        world.look()
        assert world.versions() == [("m", 1), ("m", 3)]

    def test_what_cannot_be_read_is_not_waited_for(self, world: World) -> None:
        world.remote.store.fails = lambda _method, key: (
            PermissionError() if key == "m/2/model.h5" else None
        )
        world.look()
        assert world.versions() == [("m", 1), ("m", 3)]


class TestDisk:
    def test_one_version_that_has_no_room_keeps_no_other_from_coming_or_going(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.remote.put("m/4/model.h5", H5)
        world.settle()
        world.remote.remove("m/4/model.h5")
        for number in (5, 6):
            world.remote.put_version(f"m/{number}", {"model.h5": H5 + str(number).encode()})
        put = Mirror._put

        def full(mirror: Mirror, place: str, files: dict[str, str]) -> None:
            if place == "m/5":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            put(mirror, place, files)

        with monkeypatch.context() as context:
            context.setattr(Mirror, "_put", full)
            with pytest.raises(OSError, match="No space left"):
                world.look()
        assert [number for _, number in world.versions()] == [1, 2, 3, 6]
        world.place()
        assert [number for _, number in world.versions()] == [1, 2, 3, 5, 6]


class TestListed:
    def test_a_listing_tells_what_is_there_whether_it_can_be_taken_or_not(
        self, world: World
    ) -> None:
        assert world.syncing.listed is None
        world.remote.put("claimed/1/claim.json", b"")
        world.remote.put("bare.h5", H5)
        world.remote.put("alone.json", b"{}")
        world.remote.put("flat/model.keras", H5)
        world.remote.store.fails = slow("m/2/model.h5")
        world.look()
        versions = {("m", 1), ("m", 2), ("m", 3), ("bare", 1), ("flat", 1)}
        assert world.syncing.listed == versions
        world.remote.remove("m/3/model.h5", "m/3/manifest.json")
        world.away(ConnectionResetError())
        world.look()
        assert world.syncing.listed == versions
        world.back()
        world.look()
        assert world.syncing.listed == versions - {("m", 3)}

    def test_an_empty_listing_tells_nothing_unless_it_is_meant(self, tmp_path: Path) -> None:
        world = World(tmp_path)
        world.look()
        assert world.syncing.listed is None
        world.remote.put(".kerasd", b"")
        world.look()
        assert world.syncing.listed == frozenset()

    def test_before_a_listing_nothing_is_gone(self, world: World, tmp_path: Path) -> None:
        settings = Settings.model_validate(
            {"repository": str(world.remote.address), "state_dir": tmp_path / "state"}
        )
        keeper = Mirroring(settings)
        assert not keeper.is_gone("m", 9)
        keeper._syncing.open(None)
        keeper._syncing.step(0.0)
        assert (keeper.is_gone("m", 9), keeper.is_gone("m", 1)) == (True, False)
        keeper.close()


class TestController:
    def test_a_version_that_is_only_not_here_stays_until_a_listing_lacks_it(
        self, tmp_path: Path
    ) -> None:
        site = Site(tmp_path)
        for number in (1, 2):
            site.add_compiled("m", number, str(number))
        site.step()
        before = site.step()["m", 2]
        gone: set[tuple[str, int]] = set()
        site.controller = site.new_controller(LIMITS)
        site.controller.is_gone = lambda *key: key in gone
        site.controller.start()
        shutil.rmtree(site.repository / "m" / "2")
        for _ in range(5):
            row = site.step(70)["m", 2]
            assert (row.state, row.artefact, row.served) == (State.READY, before.artefact, True)
        gone.add(("m", 2))
        rows = site.step()
        assert (rows["m", 2].state, rows["m", 1].served) == (State.RETIRED, True)

    def test_neither_files_nor_a_compiled_form_here_and_it_stays(self, tmp_path: Path) -> None:
        """A new machine: both are to come from a bucket."""
        site, remote = Site(tmp_path), Remote()
        site.add_compiled("m", 1, "one")
        site.step()
        before = site.step()["m", 1]
        site.controller = site.new_controller(LIMITS)
        store = CompiledStore(site.compiled, lambda: Artefacts(remote.bucket))
        site.controller.sharing = Sharing(store)
        site.controller.is_gone = lambda *_: False
        shutil.rmtree(site.compiled)
        shutil.rmtree(site.repository / "m")
        site.controller.start()
        for _ in range(5):
            row = site.step(70)["m", 1]
            assert (row.state, row.artefact, row.served) == (State.READY, before.artefact, True)

    def test_one_whose_files_went_for_a_while_goes_on_when_they_are_back(
        self, tmp_path: Path
    ) -> None:
        site = Site(tmp_path)
        site.add_compiled("m", 1, "one")
        site.step()
        site.step()
        site.controller.is_gone = lambda *_: False
        folder = site.repository / "m" / "1"
        folder.rename(tmp_path / "aside")
        for _ in range(5):
            assert site.step(70)["m", 1].state is State.READY
        (tmp_path / "aside").rename(folder)
        site.step(70)
        assert site.step(70)["m", 1].state is State.READY

    @pytest.mark.parametrize("is_mirrored", [True, False])
    def test_a_mirror_that_is_not_there_yet_is_no_trouble_and_a_folder_is(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, is_mirrored: bool
    ) -> None:
        site = Site(tmp_path)
        site.repository.rmdir()
        if is_mirrored:
            site.controller.is_gone = lambda *_: False
        for _ in range(3):
            assert site.step() == {}
        assert caplog.text.count("the repository can't be read") == (0 if is_mirrored else 1)
