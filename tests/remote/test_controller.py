"""The controller with a store of compiled versions behind its folder."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.controller.sharing import Sharing
from service.repository.compiled_store import CompiledStore
from service.repository.remote.artefacts import Artefacts
from service.repository.states import State, VersionRow
from tests.controller.world import LIMITS, World
from tests.remote.memory import Remote

M1 = ("m", 1)


class Site:
    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.remote = Remote()
        store = CompiledStore(self.world.compiled, lambda: Artefacts(self.remote.bucket))
        self.world.controller.sharing = Sharing(store)

    def until(self, state: State, reason: str = "") -> VersionRow:
        """Step by much time of its own, and little real time for the threads."""
        for _ in range(1000):
            row = self.world.step(70)[M1]
            if row.state is state and reason in row.reason:
                return row
            time.sleep(0.005)
        raise AssertionError(row)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


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
    shutil.rmtree(world.compiled)
    site.remote.store.fails = lambda *_: TimeoutError()  # and the store is away for a while
    world.controller = world.new_controller(LIMITS)
    world.controller.sharing = Sharing(
        CompiledStore(world.compiled, lambda: Artefacts(site.remote.bucket))
    )
    world.controller.start()

    seen = [world.step(0.1) for _ in range(20)]
    site.remote.store.fails = lambda *_: None
    seen += [world.step(70) for _ in range(20)]

    for rows in seen:
        assert [key for key, row in rows.items() if row.current] == [("m", 2)]
        assert rows["m", 1].state is rows["m", 2].state is State.READY


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
