"""Fixtures that tests of several rooms share, and how tests share the machine.

`make test` runs the slow tests in two processes. A file's tests stay together, for they share
services and models; so do those of the folders in `TOGETHER`. A test that measures time or memory
has the marker `alone`: nothing else is tested meanwhile.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
TOGETHER = ("tests/attacks/", "tests/chaos/", "tests/clients/")
# What takes minutes comes first, so that no process is idle at the end.
LONGEST_FIRST = (*TOGETHER, "tests/eras/", "tests/ray/", "tests/test_service.py", "tests/loading/")

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def sample_repository() -> Path:
    """The sample models as they are committed."""
    return ROOT / "model_repo"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the files for two processes; one process keeps the order of the tree."""
    if _is_one_of_several(config):
        items.sort(key=_rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Have tests of one place run in one process."""
    from tests.by_place import ByPlace

    return ByPlace(config, log, TOGETHER)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Wait for one's turn; before the timeout of the test begins to count."""
    if not _is_one_of_several(item.config):
        return (yield)
    with _turn(is_alone=item.get_closest_marker("alone") is not None):
        return (yield)


def _is_one_of_several(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _rank(item: pytest.Item) -> int:
    matches = (n for n, start in enumerate(LONGEST_FIRST) if item.nodeid.startswith(start))
    return next(matches, len(LONGEST_FIRST))


@contextmanager
def _turn(*, is_alone: bool) -> Iterator[None]:
    """Be with others in the room, or alone; who waits for that stands in the door meanwhile."""
    door, room = os.open(ROOT, os.O_RDONLY), os.open(ROOT / "tests", os.O_RDONLY)
    try:
        flock(door, LOCK_EX)
        flock(room, LOCK_EX if is_alone else LOCK_SH)
        flock(door, LOCK_UN)
        yield
    finally:
        os.close(room)
        os.close(door)
