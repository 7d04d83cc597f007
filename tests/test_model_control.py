"""Load and unload over a real service of two workers: what was answered holds in both of them."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.running import RunningService, running, wait_until

pytestmark = pytest.mark.slow

MODEL, OTHER = "breast-cancer", "digits"
REQUESTS = 200
QUICK_S = 2.0


@pytest.fixture(scope="module")
def repository(sample_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("control") / "repository"
    for model in (MODEL, OTHER):
        shutil.copytree(sample_repository / model, folder / model)
    return folder


@pytest.fixture(scope="module")
def service(repository: Path) -> Iterator[RunningService]:
    with running(repository, repository.with_name("state")) as started:
        started.wait_ready()
        yield started


class Answers:
    """Many answers to the examples of a model, each over a connection of its own."""

    def __init__(self, service: RunningService, repository: Path, model: str = MODEL) -> None:
        body = (repository / model / "examples.json").read_bytes()
        with ThreadPoolExecutor(8) as threads:
            asked = [threads.submit(service.predict, model, body) for _ in range(REQUESTS)]
            answers = [one.result() for one in asked]
        self.statuses = {answer.status_code for answer in answers}
        self.errors = {answer.json().get("error") for answer in answers}
        self.versions = {answer.json().get("model_version") for answer in answers}
        self.workers = len({answer.headers["X-Request-Id"].split("-")[0] for answer in answers})


def control(service: RunningService, verb: str) -> float:
    """Have the model loaded or unloaded; how long the call took."""
    started = time.monotonic()
    url = f"{service.url}/v2/repository/models/{MODEL}/{verb}"
    answer = requests.post(url, timeout=60)
    assert (answer.status_code, answer.json()) == (200, {"name": MODEL, verb: True})
    return time.monotonic() - started


def kill_a_worker(service: RunningService) -> None:
    wait_until(lambda: len(service.workers()) == 2, "two workers")
    os.kill(service.workers()[0], signal.SIGKILL)


def index(service: RunningService) -> dict[str, tuple[str, str]]:
    entries = requests.post(f"{service.url}/v2/repository/index", timeout=60).json()
    return {entry["name"]: (entry["state"], entry["reason"]) for entry in entries}


def test_what_was_answered_holds_in_every_worker(service: RunningService, repository: Path) -> None:
    for _ in range(3):
        assert control(service, "unload") < QUICK_S
        refused = Answers(service, repository)
        assert (refused.statuses, refused.workers) == ({404}, 2)
        assert refused.errors == {f"Servable not found for request: Latest({MODEL})"}
        assert control(service, "load") < QUICK_S
        answered = Answers(service, repository)
        assert (answered.statuses, answered.workers) == ({200}, 2)
    assert Answers(service, repository, OTHER).statuses == {200}


def test_a_worker_killed_in_between_changes_nothing(
    service: RunningService, repository: Path
) -> None:
    kill_a_worker(service)
    control(service, "unload")
    assert Answers(service, repository).statuses == {404}
    wait_until(lambda: len(service.workers()) == 2, "two workers")
    assert Answers(service, repository).statuses == {404}
    kill_a_worker(service)
    control(service, "load")
    assert Answers(service, repository).statuses == {200}
    wait_until(lambda: len(service.workers()) == 2, "two workers")
    assert Answers(service, repository).statuses == {200}


def test_the_index_and_the_status_tell(service: RunningService) -> None:
    control(service, "unload")
    assert index(service) == {MODEL: ("UNAVAILABLE", "unloaded"), OTHER: ("READY", "")}
    status = service.get(f"/v1/models/{MODEL}").json()["model_version_status"]
    assert [(one["state"], one["status"]["error_message"]) for one in status] == [
        ("END", "unloaded")
    ]
    control(service, "load")
    assert index(service) == {MODEL: ("READY", ""), OTHER: ("READY", "")}


def test_a_version_published_just_now_answers_after_a_load(
    service: RunningService, repository: Path
) -> None:
    home = repository / MODEL
    shutil.copytree(home / "1", home / ".2")
    (home / ".2").rename(home / "2")
    control(service, "load")
    answered = Answers(service, repository)
    assert (answered.statuses, answered.versions) == ({200}, {"2"})
    shutil.rmtree(home / "2")
    control(service, "load")
    assert Answers(service, repository).versions == {"1"}


def test_what_was_unloaded_stays_so_over_a_restart(
    service: RunningService, repository: Path
) -> None:
    control(service, "unload")
    assert service.stop() == 0
    with running(repository, service.state_dir) as again:
        again.wait_ready()
        assert Answers(again, repository).statuses == {404}
        assert Answers(again, repository, OTHER).statuses == {200}
        control(again, "load")
        assert Answers(again, repository).statuses == {200}
