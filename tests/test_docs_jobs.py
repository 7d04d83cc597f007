"""`docs/jobs.md`, done in its order: real retrains of a sample model on its real data."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT
from tests.documented import blocks_of, run
from tests.running import RunningService, running, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def service(sample_repository: Path, tmp_path: Path) -> Iterator[RunningService]:
    """What `make serve` starts, in a folder where its commands find what they name."""
    repository = tmp_path / "model_repo"
    shutil.copytree(sample_repository / "breast-cancer", repository / "breast-cancer")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    with running(repository, tmp_path / "state") as started:
        started.wait_ready()
        yield started


def test_every_command_does_what_the_page_says(service: RunningService, tmp_path: Path) -> None:
    """In one shell, as its commands use each other's variables."""
    printed = run(service, tmp_path, blocks_of("jobs.md"), 600, "bash -e -x -c")

    jobs = requests.get(f"{service.url}/v1/jobs", timeout=10).json()["jobs"]
    assert sorted(job["kind"] for job in jobs) == ["evaluate", "retrain", "retrain", "retrain"]
    states = {job["state"] for job in jobs}
    assert {"PUBLISHED", "SUCCEEDED"} <= states
    wait_until(lambda: "CANCELLED" in of_states(service), "the long one is cancelled", 120)
    assert "version 2 is published" in printed
    assert "event: end" in printed
    assert '"verdict":{' in printed
    metrics = requests.get(f"{service.url}/metrics", timeout=10).text
    runs = 'kerasd_training_runs_total{model="breast-cancer",outcome="succeeded",trigger='
    assert f'{runs}"cli"}} 1.0' in metrics
    assert f'{runs}"api"}} 1.0' in metrics


def of_states(service: RunningService) -> set[str]:
    jobs = requests.get(f"{service.url}/v1/jobs", timeout=10).json()["jobs"]
    return {job["state"] for job in jobs}
