"""Both ways into a worker: what is asked of one is answered by the other alike."""

from collections.abc import Iterator
from typing import Any

import pytest

from service.web.process import WebProcess
from tests.web.client import WAYS, Client, asking


@pytest.fixture(params=WAYS, ids=["flask", "front"])
def way(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def client(way: Any, process: WebProcess) -> Iterator[Client]:
    """It asks the `process` of the file that uses it."""
    with asking(way, process) as client:
        yield client
