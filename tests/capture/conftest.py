"""Traffic over a database and a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.capture.live import Traffic


@pytest.fixture
def traffic(tmp_path: Path) -> Iterator[Traffic]:
    made = Traffic(tmp_path)
    yield made
    made.close()
