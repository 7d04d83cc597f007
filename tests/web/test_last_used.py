"""What counts as a use of a version: predictions, and nothing that only looks at it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.runtime.slot import Slot
from service.web.budget import give_way
from service.web.process import WebProcess
from service.web.served import ServedVersion
from tests.web.client import Client
from tests.web.side_by_side import BODY, INFER, direct, times, worker
from tests.web.worlds import TWO, World, ready

LOOKS = [
    "/v2/models/m",
    "/v2/models/m/ready",
    "/v2/models/m/versions/1/ready",
    "/v2/models/m/config",
    "/v2/models/m/stats",
    "/v1/models/m/metadata",
    "/v1/models/m",
]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    versions = {number: times(tmp_path, number) for number in (1, 2)}
    with worker(tmp_path, "m", versions) as process:
        yield process


def slots(process: WebProcess) -> list[Slot[ServedVersion]]:
    return process.pool.slots()


@pytest.mark.parametrize("path", LOOKS)
def test_who_only_looks_does_not_use_it(client: Client, process: WebProcess, path: str) -> None:
    client.ask("GET", path)

    assert [slot.last_used for slot in slots(process)] == [0.0, 0.0]
    assert [slot.last_run for slot in slots(process)] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/models/m:predict", BODY), ("/v2/models/m/infer", INFER)]
)
def test_who_asks_for_a_prediction_does(
    client: Client, process: WebProcess, path: str, body: Any
) -> None:
    assert client.post(path, body).status == 200

    used, other = slots(process)
    assert used.last_used > 0.0
    assert other.last_used == 0.0


def test_a_run_in_the_shadow_keeps_a_version_in_memory_but_answers_nobody(
    client: Client, process: WebProcess
) -> None:
    direct(process, "m", 1, shadow=2)
    client.post("/v1/models/m:predict", BODY)
    while process.shadow.step():
        pass

    current, shadow = slots(process)
    assert shadow.last_used == 0.0
    assert shadow.last_run >= current.last_run > 0.0


def test_a_probed_version_gives_way_before_one_that_is_asked(
    client: Client, process: WebProcess
) -> None:
    client.post("/v1/models/m:predict", BODY)
    client.ask("GET", "/v2/models/m/versions/2/ready")
    for slot in slots(process):
        slot.size_bytes = 10

    leaving = give_way(slots(process), 5, (), 1e12)

    assert [slot.version for slot in leaving] == [2]


def test_a_worker_records_the_last_use_before_it_says_that_it_follows(tmp_path: Path) -> None:
    """Whoever deletes unused versions waits for that, and looks again then."""
    world = World(tmp_path)
    world.say(ready(1, config=TWO), ready(2, config=TWO))
    world.answers(version=1)
    assert world.store.used() == {}

    world.route(retired=(1,))
    world.reloader.step(1.0)

    assert world.store.workers()[0].seen == {"m": 1}
    assert list(world.store.used()) == [("m", 1)]
