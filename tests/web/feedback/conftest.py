"""The worker of most tests here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.web.process import WebProcess
from tests.web.client import FlaskClient
from tests.web.feedback.world import worker


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    with worker(tmp_path) as started:
        yield started


@pytest.fixture
def client(process: WebProcess) -> FlaskClient:
    return FlaskClient(process)
