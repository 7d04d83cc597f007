"""The controller of most tests here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controller.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.controller.close()
