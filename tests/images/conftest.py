"""The engine and the images of the real Dockerfile, built once a run; figures told at its end."""

from collections.abc import Iterator

import pytest

from tests.images.base_image import make_base
from tests.images.engine import Engine, missing, running_engine
from tests.lacking import lacking

TARGETS = ("serve", "full")
FIGURES = pytest.StashKey[dict[str, str]]()


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A Docker engine that knows the base image."""
    reason = missing()
    if reason:
        lacking(reason)
    with running_engine() as engine:
        make_base(engine)
        yield engine


@pytest.fixture(scope="session")
def images(engine: Engine) -> dict[str, str]:
    """The tag of each target's image."""
    return {target: engine.build(target) for target in TARGETS}


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> dict[str, str]:
    """What tests have measured, by what it is."""
    return pytestconfig.stash.setdefault(FIGURES, {})


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the figures."""
    figures = config.stash.get(FIGURES, {})
    if figures:
        terminalreporter.section("figures")
    for name, value in figures.items():
        terminalreporter.write_line(f"{name}: {value}")
