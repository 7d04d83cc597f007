"""The controller with a store of compiled versions behind its folder."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.controller.sharing import Sharing
from service.controller.workshop import NO_COMPILER
from service.repository.compiled_store import CompiledStore
from service.repository.remote.artefacts import Artefacts
from service.repository.states import Loading, State, VersionRow
from tests.controller.world import LIMITS, World
from tests.remote.memory import Remote

M1 = ("m", 1)


class Site:
    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.remote = Remote()
        store = CompiledStore(self.world.compiled, lambda: Artefacts(self.remote.bucket))
        self.world.controller.sharing = Sharing(store)

    def begin_anew(self, tensorflow: bool = True) -> None:
        """Another controller, on an empty disk."""
        world = self.world
        shutil.rmtree(world.compiled)
        world.controller.close()
        world.controller = world.new_controller(replace(LIMITS, tensorflow=tensorflow))
        world.controller.sharing = Sharing(
            CompiledStore(world.compiled, lambda: Artefacts(self.remote.bucket))
        )
        world.controller.start()

    def until(self, state: State, reason: str = "", files_state: State | None = None) -> VersionRow:
        """Step by much time of its own, and little real time for the threads."""
        for _ in range(1000):
            row = self.world.step(70)[M1]
            if (
                row.state is state
                and reason in row.reason
                and files_state in (None, row.files_state)
            ):
                return row
            time.sleep(0.005)
        raise AssertionError(row)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.world.controller.close()


def test_ready_means_that_others_can_fetch_it(site: Site) -> None:
    site.world.add_compiled("m", 1, "one")
    put: list[bool] = []

    def look(method: str, key: str) -> None:
        if method == "put" and key.endswith("compiled.json"):
            row = {(row.model, row.version): row for row in site.world.store.rows()}.get(M1)
            put.append(row is None or row.state is not State.READY)

    site.remote.store.fails = look
    row = site.until(State.READY)
    assert put == [True]
    assert f"{row.artefact}/compiled.json" in site.remote.names()


def test_a_store_that_is_away_puts_it_off_with_the_reason(site: Site) -> None:
    site.world.add_compiled("m", 1, "one")
    site.remote.store.fails = lambda *_: PermissionError("hush")
    row = site.until(State.DISCOVERED, "can't be put where others fetch it")
    assert "access is denied" in row.reason
    assert "hush" not in row.reason
    site.remote.store.fails = lambda *_: None
    site.until(State.READY)


def test_what_is_ready_stays_so_while_the_store_is_away(site: Site) -> None:
    site.world.add_compiled("m", 1, "one")
    site.until(State.READY)
    site.remote.store.fails = lambda *_: TimeoutError()
    for _ in range(20):
        assert site.world.step(70)[M1].state is State.READY


def test_a_controller_on_an_empty_disk_takes_nothing_away(site: Site) -> None:
    world = site.world
    for version in (1, 2):
        world.add_compiled("m", version, str(version))
    site.until(State.READY)
    while not world.step(70)[("m", 2)].current:
        time.sleep(0.005)
    site.remote.store.fails = lambda *_: TimeoutError()  # and the store is away for a while
    site.begin_anew()

    seen = [world.step(0.1) for _ in range(20)]
    site.remote.store.fails = lambda *_: None
    seen += [world.step(70) for _ in range(20)]

    for rows in seen:
        assert [key for key, row in rows.items() if row.current] == [("m", 2)]
        assert rows["m", 1].state is rows["m", 2].state is State.READY


def test_what_workers_can_not_load_is_looked_at_and_put_again(site: Site) -> None:
    site.world.add_compiled("m", 1, "one")
    graph = f"{site.until(State.READY).artefact}/model.onnx"
    site.remote.put(graph, b"oops")  # of the same size
    site.world.report("host/1:11:1", 1, loading=Loading.FAILED)
    while site.remote.read(graph) != b"onnx":
        assert site.world.step(70)[M1].state is State.READY
        time.sleep(0.005)


class TestEmptyDisk:
    """What was READY and can't be made again: served as long as it is somewhere, and no longer."""

    @pytest.fixture
    def before(self, site: Site) -> VersionRow:
        site.world.add_compiled("m", 1, "one")
        return site.until(State.READY)

    def test_what_is_nowhere_and_can_not_be_compiled_has_failed(
        self, site: Site, before: VersionRow
    ) -> None:
        site.remote.remove(*site.remote.names())
        site.begin_anew(tensorflow=False)
        row = site.until(State.FAILED)
        assert (row.reason, row.artefact) == (NO_COMPILER, "")

    def test_while_the_store_is_away_the_reason_is_told_and_then_it_comes(
        self, site: Site, before: VersionRow
    ) -> None:
        site.remote.store.fails = lambda *_: TimeoutError()
        site.begin_anew(tensorflow=False)
        row = site.until(State.READY, NO_COMPILER, State.FAILED)
        assert row.artefact == before.artefact
        assert "an earlier form of them is served" in row.reason
        site.remote.store.fails = lambda *_: None
        while (row := site.until(State.READY)).files_state is not None:
            time.sleep(0.005)
        assert (row.artefact, row.reason) == (before.artefact, "")

    def test_files_that_can_not_be_served_are_told_beside_the_form_that_is(
        self, site: Site, before: VersionRow
    ) -> None:
        site.world.add("m", 1, "no model")
        site.begin_anew()
        row = site.world.step_until_files(M1, State.FAILED)
        assert (row.state, row.artefact) == (State.READY, before.artefact)
        assert "neither a Keras model" in row.reason
        while not (site.world.compiled / before.artefact).is_dir():
            time.sleep(0.005)
        assert site.until(State.READY).artefact == before.artefact

    def test_a_configuration_that_does_not_fit_is_told_and_not_taken(
        self, site: Site, before: VersionRow
    ) -> None:
        (site.world.repository / "m" / "model.yaml").write_text("labels: [a, b]")
        site.begin_anew()
        row = site.until(State.READY, "2 labels, but the model tells 3 classes")
        assert (row.artefact, row.config.labels) == (before.artefact, ())


def test_what_was_compiled_elsewhere_is_fetched_and_not_compiled(site: Site) -> None:
    site.world.add_compiled("m", 1, "one")
    row = site.until(State.READY)
    shutil.rmtree(site.world.compiled)
    site.world.controller.sharing = Sharing(
        CompiledStore(site.world.compiled, lambda: Artefacts(site.remote.bucket))
    )
    graph = site.world.compiled / row.artefact / "model.onnx"
    while not graph.exists():  # meanwhile its earlier form is served
        assert site.until(State.READY).artefact == row.artefact
    assert graph.read_bytes() == b"onnx"
    assert not (site.world.run_dir / "children").exists()


@pytest.mark.parametrize(
    "module", ["service.web.app", "service.controller.run", "service.training.run"]
)
def test_a_local_repository_never_pays_for_remote_ones(module: str) -> None:
    check = f"""
import sys
import {module}
from service.base.settings import Settings
from service.repository.addresses import check_addresses
from service.repository.compiled_store import open_compiled_store
from service.repository.shelf import open_shelf
settings = Settings(repository="models", state_dir=sys.argv[1])
check_addresses(settings), open_shelf(settings), open_compiled_store(settings).must_fetch("a")
assert not {{"fsspec", "s3fs", "botocore", "aiohttp"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", check, "/nowhere"], check=True, timeout=120)
