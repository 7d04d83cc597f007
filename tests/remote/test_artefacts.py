"""Compiled versions that go to a bucket and come back, whole or not at all."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.compiled import FETCHED, Compiled, digest_tree, read_compiled, verify_files
from service.base.http_errors import RemoteAway
from service.base.refusals import ArtefactCorrupt
from service.base.signature import Signature, TensorSpec
from service.controller.sharing import LOOK_EVERY_S, Sharing
from service.repository.compiled_store import CompiledStore
from service.repository.remote.artefacts import Artefacts
from tests.remote.memory import Remote, tree_of

KEY = "ab" * 32


def compiled(folder: Path, key: str = KEY) -> Path:
    """A folder as a compiler leaves it."""
    home = folder / key
    (home / "saved_model").mkdir(parents=True)
    (home / "model.onnx").write_bytes(b"graph" * 1000)
    (home / "saved_model" / "weights").write_bytes(b"numbers")
    tensor = TensorSpec("x", "float32", (None, 3))
    record = Compiled(
        key, "onnx", Signature((tensor,), (tensor,)), digest_tree(home), "h5", "3.15", 12, 0.0,
        (), 1.0,
    )  # fmt: skip
    record.write(home)
    return home


class World:
    def __init__(self, folder: Path) -> None:
        self.remote = Remote()
        self.artefacts = Artefacts(self.remote.bucket)
        self.here, self.there = folder / "here", folder / "there"
        self.home = compiled(self.here)

    def store(self, folder: Path) -> CompiledStore:
        return CompiledStore(folder, lambda: self.artefacts)

    def sharing(self, folder: Path) -> Sharing:
        return Sharing(self.store(folder))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class TestArtefacts:
    def test_what_is_put_comes_back_the_same(self, world: World) -> None:
        world.artefacts.put(world.home)
        assert world.artefacts.fetch(KEY, world.there / KEY)
        assert tree_of(world.there / KEY) == {**tree_of(world.home), FETCHED: b""}
        verify_files(world.there / KEY, read_compiled(world.there / KEY))
        assert not world.artefacts.lacks(world.home)

    def test_the_record_is_put_last_and_what_is_there_is_not_put_again(self, world: World) -> None:
        world.artefacts.put(world.home)
        put = [key for method, key in world.remote.store.calls if method == "put"]
        assert put[-1] == f"{KEY}/compiled.json"
        assert len(put) == 3
        world.artefacts.put(world.home)
        assert [method for method, _ in world.remote.store.calls].count("put") == 3

    def test_one_that_replaces_another_is_never_half_of_each(self, world: World) -> None:
        world.artefacts.put(world.home)
        other = compiled(world.there)
        (other / "model.onnx").write_bytes(b"other")
        files = digest_tree(other)
        files.pop("compiled.json", None)
        replace(read_compiled(other), files=files).write(other)
        world.remote.store.fails = lambda method, key: (
            TimeoutError() if method == "put" and key.endswith("weights") else None
        )
        with pytest.raises(RemoteAway):
            world.artefacts.put(other)
        assert not world.artefacts.fetch(KEY, world.there / "fetched" / KEY)
        world.remote.store.fails = lambda *_: None
        world.artefacts.put(other)
        assert world.artefacts.fetch(KEY, world.there / "fetched" / KEY)

    def test_without_the_record_there_is_nothing(self, world: World) -> None:
        world.artefacts.put(world.home)
        world.artefacts.remove(KEY)
        assert not world.artefacts.fetch(KEY, world.there / KEY)
        assert world.artefacts.lacks(world.home)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("model.onnx", b"graph" * 999 + b"other"),
            ("model.onnx", b"short"),
            ("compiled.json", b"{}"),
            ("compiled.json", b"no json"),
        ],
        ids=["bits", "length", "empty record", "no record"],
    )
    def test_what_is_corrupt_is_refused_and_leaves_nothing(
        self, world: World, name: str, content: bytes
    ) -> None:
        world.artefacts.put(world.home)
        world.remote.put(f"{KEY}/{name}", content)
        with pytest.raises(ArtefactCorrupt):
            world.artefacts.fetch(KEY, world.there / KEY)
        assert list(world.there.iterdir()) == []

    @pytest.mark.parametrize("name", ["../../../evil", "/evil", ".hidden", "a//b"])
    def test_a_record_with_dangerous_names_is_refused(self, world: World, name: str) -> None:
        world.artefacts.put(world.home)
        record = world.remote.read(f"{KEY}/compiled.json")
        world.remote.put(f"{KEY}/compiled.json", record.replace(b"model.onnx", name.encode()))
        with pytest.raises(ArtefactCorrupt):
            world.artefacts.fetch(KEY, world.there / KEY)
        assert not list(world.there.parent.rglob("*evil*"))

    def test_a_record_of_another_version_is_refused(self, world: World) -> None:
        other = "cd" * 32
        world.artefacts.put(world.home)
        for key in world.remote.names():
            world.remote.put(key.replace(KEY, other), world.remote.read(key))
        with pytest.raises(ArtefactCorrupt, match="another version"):
            world.artefacts.fetch(other, world.there / other)

    def test_a_bucket_that_is_away_is_told(self, world: World) -> None:
        world.artefacts.put(world.home)
        world.remote.store.fails = lambda method, key: (
            TimeoutError() if key.endswith(".onnx") else None
        )
        with pytest.raises(RemoteAway):
            world.artefacts.fetch(KEY, world.there / KEY)
        assert list(world.there.iterdir()) == []

    def test_what_a_killed_process_left_goes_after_a_day(self, world: World) -> None:
        world.artefacts.put(world.home)
        old, new = world.there / ".fetched-old", world.there / ".fetched-new"
        for folder in (old, new):
            folder.mkdir(parents=True)
        os.utime(old, (0, 0))
        world.artefacts.fetch(KEY, world.there / KEY)
        assert (old.exists(), new.exists()) == (False, True)


class TestStore:
    def test_a_folder_alone_is_all_there_is(self, world: World) -> None:
        store = CompiledStore(world.here)
        assert not store.must_fetch("ef" * 32)
        assert store.bring(KEY)
        assert not store.bring("ef" * 32)

    def test_several_workers_fetch_once(self, world: World) -> None:
        world.artefacts.put(world.home)
        stores = [world.store(world.there) for _ in range(6)]
        assert all(store.must_fetch(KEY) for store in stores)
        with ThreadPoolExecutor(6) as threads:
            assert all(threads.map(lambda store: store.bring(KEY), stores))
        fetched = [one for one in world.remote.store.calls if one[1] == f"{KEY}/model.onnx"]
        assert [method for method, _ in fetched].count("cat_file") == 1
        assert os.listdir(world.there) == [KEY]


class TestSharing:
    def test_what_was_compiled_here_is_shared_before_it_counts(self, world: World) -> None:
        sharing = world.sharing(world.here)
        assert settled(lambda: sharing.problem(KEY)) == ""
        assert f"{KEY}/compiled.json" in world.remote.names()
        assert sharing.problem(KEY) == ""

    def test_a_failure_is_told_and_tried_again(self, world: World) -> None:
        sharing = world.sharing(world.here)
        world.remote.store.fails = lambda *_: PermissionError("secret")
        problem = settled(lambda: sharing.problem(KEY))
        assert "can't be put where others fetch it" in problem
        assert "access is denied" in problem
        assert "secret" not in problem
        world.remote.store.fails = lambda *_: None
        assert settled(lambda: sharing.problem(KEY)) == ""

    def test_what_others_have_compiled_is_fetched(self, world: World) -> None:
        world.artefacts.put(world.home)
        sharing = world.sharing(world.there)
        settled(lambda: None if sharing.must_wait(KEY) else "")
        assert tree_of(world.there / KEY) == {**tree_of(world.home), FETCHED: b""}

    @pytest.mark.parametrize(
        "break_it",
        [
            lambda world: world.remote.put(f"{KEY}/model.onnx", b"corrupt"),
            lambda world: world.remote.remove(f"{KEY}/compiled.json"),
            lambda world: setattr(world.remote.store, "fails", lambda *_: TimeoutError()),
        ],
        ids=["corrupt", "missing", "away"],
    )
    def test_what_cannot_be_fetched_is_compiled_here(
        self, world: World, break_it: Callable[[World], None]
    ) -> None:
        world.artefacts.put(world.home)
        break_it(world)
        sharing = world.sharing(world.there)
        settled(lambda: None if sharing.must_wait(KEY) else "")
        assert not (world.there / KEY).exists()
        world.remote.store.fails = lambda *_: None
        compiled(world.there)
        assert settled(lambda: sharing.problem(KEY)) == ""
        assert world.remote.read(f"{KEY}/model.onnx") == b"graph" * 1000

    def test_what_has_gone_from_the_bucket_is_put_again(self, world: World) -> None:
        sharing = world.sharing(world.here)
        settled(lambda: sharing.problem(KEY))
        world.remote.remove(*world.remote.names())
        sharing.step([KEY], LOOK_EVERY_S - 1)
        sharing.step([KEY], LOOK_EVERY_S)
        settled(lambda: "" if f"{KEY}/compiled.json" in world.remote.names() else None)

    def test_what_is_corrupt_there_is_put_again_where_workers_cannot_load_it(
        self, world: World
    ) -> None:
        sharing = world.sharing(world.here)
        settled(lambda: sharing.problem(KEY))
        good = world.remote.read(f"{KEY}/model.onnx")
        world.remote.put(f"{KEY}/model.onnx", good[::-1])
        sharing.step([KEY], LOOK_EVERY_S)
        mended(sharing)
        assert world.remote.read(f"{KEY}/model.onnx") == good[::-1], "not every byte at each look"
        sharing.step([KEY], 2 * LOOK_EVERY_S, lambda: {KEY})
        mended(sharing)
        assert world.remote.read(f"{KEY}/model.onnx") == good
        assert world.artefacts.is_whole(KEY)

    def test_what_is_whole_there_is_left_alone_whatever_keeps_workers_from_loading_it(
        self, world: World
    ) -> None:
        sharing = world.sharing(world.here)
        settled(lambda: sharing.problem(KEY))
        calls = len(world.remote.store.calls)
        sharing.step([KEY], LOOK_EVERY_S, lambda: {KEY})
        mended(sharing)
        methods = {method for method, _ in world.remote.store.calls[calls:]}
        assert methods == {"info", "infos", "cat_file"}

    def test_a_file_that_is_gone_here_holds_up_no_other(self, world: World) -> None:
        """Its folder goes out of the way, so that it is fetched or compiled anew."""
        broken = compiled(world.here, "00" * 32)
        sharing = world.sharing(world.here)
        for key in (broken.name, KEY):
            settled(lambda key=key: sharing.problem(key))  # type: ignore[misc]
        (broken / "model.onnx").unlink()
        world.remote.remove(f"{KEY}/compiled.json")
        sharing.step([broken.name, KEY], LOOK_EVERY_S)
        mended(sharing)
        assert f"{KEY}/compiled.json" in world.remote.names()
        assert not broken.exists()


def mended(sharing: Sharing) -> None:
    """Wait for a round that was begun."""
    assert sharing._mending is not None
    assert sharing._mending.exception() is None


def settled(ask: Callable[[], str | None]) -> str:
    """What is answered when the threads have done it."""
    while (answer := ask()) is None:
        os.sched_yield()
    return answer
