"""Two replicas on one PostgreSQL behind nginx, as documented: restarted one by one, and one killed,
while clients ask on and get every answer.
"""

import json
import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.keep_alive import Line, Load, Work, post
from tests.nginx import running_documented
from tests.postgres import running_postgres
from tests.running import RunningService, free_port, running, wait_until

pytestmark = pytest.mark.slow

MODEL = "breast-cancer"
PATH = f"/v1/models/{MODEL}:predict"
DRAIN_S = 1.0
CALM_S = 1.5


class Replica:
    """A web half at one address, which is started anew after each end."""

    def __init__(self, models: Path, state: Path, **settings: str) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._models = models
        self._state = state
        self._settings = {**settings, "port": self.address.split(":")[1], "drain_s": str(DRAIN_S)}
        self.service: RunningService

    def start(self, stack: ExitStack) -> None:
        """Begin to serve; it is ended with the others if nobody ends it before."""
        half = running(self._models, self._state, half="web", **self._settings)
        self.service = stack.enter_context(half)
        self.service.wait_ready()


class Site:
    """Both replicas; `port` is nginx's."""

    def __init__(self, port: int, replicas: tuple[Replica, Replica], stack: ExitStack) -> None:
        self.port = port
        self.replicas = replicas
        self.stack = stack


@pytest.fixture(scope="module")
def site(
    sample_repository: Path, project_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("rolling")
    models = folder / "models"
    shutil.copytree(sample_repository / MODEL, models / MODEL)
    with ExitStack() as stack:
        database = stack.enter_context(running_postgres())
        shared = {"database_url": database.empty(), "shared_dir": str(folder / "shared")}
        stack.enter_context(running(models, folder / "controller", half="controller", **shared))
        one, other = (Replica(models, folder / name, **shared) for name in ("one", "other"))
        for replica in (one, other):
            replica.start(stack)
        documented = (project_root / "docs" / "replicas.md").read_text()
        servers = {"10.0.0.1:8080": one.address, "10.0.0.2:8080": other.address}
        proxy = running_documented(nginx_block(documented), servers)
        port = int(stack.enter_context(proxy).rsplit(":", 1)[1])
        yield Site(port, (one, other), stack)


def nginx_block(text: str) -> str:
    return next(block for block in text.split("```")[1::2] if "upstream kerasd" in block)


def ask(request: bytes) -> Work:
    async def work(line: Line, _draw: random.Random) -> None:
        await line.ask(request)

    return work


@pytest.fixture
def loads(site: Site, sample_repository: Path) -> Iterator[list[Load]]:
    rows = json.loads((sample_repository / MODEL / "examples.json").read_bytes())["instances"]
    small = post(PATH, json.dumps({"instances": rows[:1]}).encode())
    large = post(PATH, json.dumps({"instances": rows * 20}).encode())
    read = f"GET /v1/models/{MODEL} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    started = [
        Load(site.port, 24, 0.1, ask(small)),
        Load(site.port, 2, 0.3, ask(large)),
        Load(site.port, 4, 0.3, ask(read)),
    ]
    with ExitStack() as stack:
        for load in started:
            stack.enter_context(load)
        wait_until(lambda: all(load.tally.answered > 10 for load in started), "all are asked", 30)
        yield started


def check_nothing_was_lost(loads: list[Load]) -> None:
    threading.Event().wait(CALM_S)
    for load in loads:
        assert load.tally.failures == []
        assert set(load.tally.statuses) == {200}
        assert load.tally.refused == 0


def test_both_are_restarted_twice_and_no_request_is_lost(site: Site, loads: list[Load]) -> None:
    before = loads[0].tally.answered
    for replica in site.replicas * 2:
        assert replica.service.stop() == 0
        replica.start(site.stack)
    check_nothing_was_lost(loads)
    assert loads[0].tally.answered > before + 500


@pytest.mark.parametrize("number", [0, 1])
def test_one_is_killed_and_no_request_is_lost(site: Site, loads: list[Load], number: int) -> None:
    killed = site.replicas[number]
    killed.service.process.kill()
    assert killed.service.process.wait(10) < 0
    check_nothing_was_lost(loads)
    killed.start(site.stack)
    check_nothing_was_lost(loads)
