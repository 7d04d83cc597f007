"""What the scenarios share: models made once, houses, and how long and how hard to try.

`CHAOS_SECONDS` is how long processes are killed, `CHAOS_FULL=1` asks for the full counts,
`CHAOS_SEED` draws other moments, and `CHAOS_FIGURES` names a folder for the figures.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.scaled import Scaled
from tests.chaos.figures import Figures, keep
from tests.chaos.house import House
from tests.making import make

SHORT_S = 20.0


@pytest.fixture(scope="session")
def scaled(tmp_path_factory: pytest.TempPathFactory) -> Scaled:
    """The prototype, made once: nothing else here waits for TensorFlow."""
    prototype = Scaled(tmp_path_factory.mktemp("scaled") / "prototype")
    prototype.make()
    return prototype


@pytest.fixture(scope="session")
def unconvertible(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that only TensorFlow runs, and its compiled form; it multiplies by 7."""
    folder = tmp_path_factory.mktemp("unconvertible")
    make("chaos.make_unconvertible", folder, "7")
    return folder


@pytest.fixture
def house(scaled: Scaled, tmp_path: Path) -> House:
    """An empty repository and an empty state directory."""
    (tmp_path / "repository").mkdir()
    return House(scaled, tmp_path / "repository", tmp_path / "state")


@pytest.fixture(scope="session")
def chaos_seconds() -> float:
    """How long the long scenario takes."""
    return float(os.environ.get("CHAOS_SECONDS", SHORT_S))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes minutes, and say so: pytest counts it as deselected, not as passed."""
    if os.environ.get("CHAOS_FULL") == "1":
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def is_full() -> bool:
    """True where everything is tried as often as was promised, however long it takes."""
    return os.environ.get("CHAOS_FULL") == "1"


@pytest.fixture(scope="session")
def seed() -> int:
    """Draws the moments and the victims."""
    return int(os.environ.get("CHAOS_SEED", "0"))


@pytest.fixture(scope="session")
def tell() -> Callable[[Figures], None]:
    """Keeps a scenario's figures, where that is asked for."""
    folder = os.environ.get("CHAOS_FIGURES")

    def write(figures: Figures) -> None:
        print(figures)
        if folder:
            keep(Path(folder), figures)

    return write
