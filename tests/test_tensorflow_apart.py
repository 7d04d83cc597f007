"""A web process without a controller at hand: `kerasd tensorflow` runs what isn't compiled."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.scaled import NUMBERS
from tests.making import make
from tests.running import RunningService, running, wait_until

pytestmark = pytest.mark.slow
FACTOR = 3
ROW = [float(number) for number in range(NUMBERS)]
PROGRAM = "service.loading.tensorflow_server"


@dataclass(frozen=True, slots=True)
class Site:
    """A controller, and a web process with a state directory of its own."""

    models: Path
    controller: RunningService
    web: RunningService
    settings: dict[str, str]

    def keeper(self) -> RunningService:
        return RunningService(self.models, self.web.state_dir, half="tensorflow", **self.settings)

    def answer(self) -> tuple[int, object]:
        answer = self.web.predict("strings", {"instances": [ROW]})
        return answer.status_code, answer.json().get("predictions")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's files and its compiled form."""
    folder = tmp_path_factory.mktemp("made")
    make("chaos.make_unconvertible", folder, str(FACTOR))
    return folder


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Iterator[Site]:
    models, first, second = tmp_path / "models", tmp_path / "first", tmp_path / "second"
    shutil.copytree(made / "model", models / "strings" / "1")
    shutil.copytree(made / "state" / "compiled", first / "compiled")
    settings = {
        "database_url": f"sqlite:///{first}/kerasd.sqlite", "shared_dir": str(first),
        "settle_s": "0.2", "poll_s": "0.2",
    }  # fmt: skip
    with ExitStack() as stack:
        controller = stack.enter_context(running(models, first, half="controller", **settings))
        web = stack.enter_context(running(models, second, half="web", **settings))
        yield Site(models, controller, web, settings)


def test_what_only_tensorflow_runs_is_answered_far_from_the_controller(site: Site) -> None:
    wait_until(lambda: "strings" in told(site.web), "the version is waited for", 120)
    assert site.web.get("/readyz").status_code == 503

    keeper = site.keeper()
    try:
        site.web.wait_ready()
        assert site.answer() == (200, [[FACTOR * number for number in ROW]])

        (runtime,) = keeper.pids(PROGRAM)
        os.kill(runtime, signal.SIGKILL)
        wait_until(lambda: site.answer()[0] == 200, "the process is back", 60)

        keeper.process.send_signal(signal.SIGTERM)  # as a pod's containers are told to end at once
        assert site.answer()[0] == 200
        assert site.web.stop() == 0
        assert keeper.process.wait(60) == 0
    finally:
        if keeper.process.poll() is None:
            keeper.stop()


def test_beside_a_controller_there_is_none(site: Site) -> None:
    wait_until(lambda: "strings" in told(site.web), "the version is waited for", 120)
    beside = RunningService(site.models, site.controller.state_dir, half="tensorflow")

    assert beside.process.wait(60) == 2
    assert "Another kerasd is running with the state directory" in beside.log.read_text()


def told(service: RunningService) -> str:
    """What a web process waits for; empty while it can't be asked."""
    try:
        return service.get("/readyz").text
    except OSError:
        return ""
