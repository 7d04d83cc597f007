"""`docs/deploy-docker.md`: its commands do what the page says, with the sample models."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.documented import blocks
from tests.images.engine import CLIENT, NETWORK, Engine
from tests.running import free_port

pytestmark = [pytest.mark.slow, pytest.mark.image, pytest.mark.timeout(1200)]

PAGE = (ROOT / "docs" / "deploy-docker.md").read_text()
SECTION = re.compile(r"^## (Build|Run)\n(.*?)(?=^## )", re.MULTILINE | re.DOTALL)
COMMAND_S = 600.0
CHANGES = {
    # Their engine has no network of its own to build in, and no bridge but one.
    "docker build": "docker build --network host",
    "docker run": f"docker run --network {NETWORK}",
    "curl": "curl --fail-with-body --silent --show-error",
}


def test_every_command_does_what_the_page_says(
    engine: Engine, images: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "docker").symlink_to(CLIENT)
    environment = {**engine.environment, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    port = free_port()
    said: list[str] = []
    for line in commands():
        ours = line.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
        for command, change in CHANGES.items():
            ours = ours.replace(f"{command} ", f"{change} ")
        ran = subprocess.run(
            ours, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True,
            timeout=COMMAND_S,
        )  # fmt: skip
        assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
        said.append(ran.stdout)
    assert '"decisions"' in "".join(said)
    assert engine.docker("ps", "--all", "--quiet", "--filter", "name=^kerasd$") == ""


def commands() -> list[str]:
    """The lines of the page's shell blocks, in their order."""
    sections = dict(SECTION.findall(PAGE))
    assert list(sections) == ["Build", "Run"]
    return blocks("".join(sections.values())).splitlines()
