"""`docs/sequences.md`, done in its order with the sample models in a folder of its own."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT
from tests.documented import blocks_of, run
from tests.running import RunningService, running

pytestmark = pytest.mark.slow


@pytest.fixture
def service(sample_repository: Path, tmp_path: Path) -> Iterator[RunningService]:
    """What `make serve` starts, in a folder where its commands find what they name."""
    shutil.copytree(sample_repository, tmp_path / "model_repo")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    with running(tmp_path / "model_repo", tmp_path / "state") as started:
        started.wait_ready()
        yield started


def test_every_command_does_what_the_page_says(service: RunningService, tmp_path: Path) -> None:
    for line in blocks_of("sequences.md").splitlines():
        run(service, tmp_path, line, 300)
    jobs = requests.get(f"{service.url}/v1/jobs?model=motions", timeout=10).json()["jobs"]
    assert [job["kind"] for job in jobs] == ["retrain", "evaluate"]
    assert [job["state"] for job in jobs] == ["PUBLISHED", "SUCCEEDED"]
    manifest = json.loads((tmp_path / "model_repo/motions/2/manifest.json").read_text())
    data = manifest["training"]["data"]
    assert data["parts"] == {"train": 40, "validation": 12, "held_out": 20}
    assert data["counts"]["held_out"]["Walking"] == 5
