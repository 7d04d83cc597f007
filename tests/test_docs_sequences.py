"""`docs/sequences.md`, done in its order with the sample models in a folder of its own."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT
from tests.running import RunningService, running

pytestmark = pytest.mark.slow

SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def service(sample_repository: Path, tmp_path: Path) -> Iterator[RunningService]:
    """What `make serve` starts, in a folder where its commands find what they name."""
    shutil.copytree(sample_repository, tmp_path / "model_repo")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    with running(tmp_path / "model_repo", tmp_path / "state") as started:
        started.wait_ready()
        yield started


def test_every_command_does_what_the_page_says(service: RunningService, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "KERASD_PORT": str(service.port),
        "KERASD_STATE_DIR": str(service.state_dir),
    }
    blocks = SHELL.findall((ROOT / "docs" / "sequences.md").read_text())
    for line in "".join(blocks).splitlines():
        ours = line.replace("localhost:8080", f"127.0.0.1:{service.port}")
        ours = ours.replace("curl ", "curl --fail-with-body ")
        ran = subprocess.run(
            ours, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True,
            timeout=300,
        )  # fmt: skip
        assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
    jobs = requests.get(f"{service.url}/v1/jobs?model=motions", timeout=10).json()["jobs"]
    assert [job["kind"] for job in jobs] == ["retrain", "evaluate"]
    assert [job["state"] for job in jobs] == ["PUBLISHED", "SUCCEEDED"]
    manifest = json.loads((tmp_path / "model_repo/motions/2/manifest.json").read_text())
    data = manifest["training"]["data"]
    assert data["parts"] == {"train": 40, "validation": 12, "held_out": 20}
    assert data["counts"]["held_out"]["Walking"] == 5
