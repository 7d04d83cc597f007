"""The client of most tests here."""

import pytest

from service.web.process import WebProcess
from tests.web.client import FlaskClient


@pytest.fixture
def client(process: WebProcess) -> FlaskClient:
    return FlaskClient(process)
