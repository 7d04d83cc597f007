"""`docs/versions.md`, done in its order with the sample models in a folder of its own."""

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
    for line in blocks_of("versions.md").splitlines():
        run(service, tmp_path, line)
    model = requests.get(f"{service.url}/v1/models/digits", timeout=10).json()
    assert model["route"]["current"] == 1
    assert model["route"]["is_pinned"]
    changes = requests.get(f"{service.url}/v1/audit?model=digits", timeout=10).json()["changes"]
    actions = [change["action"] for change in reversed(changes)]
    assert [one for one in actions if one in ("promote", "rollback", "label", "unlabel")] == [
        "promote", "label", "promote", "rollback", "promote", "rollback", "unlabel",
    ]  # fmt: skip
