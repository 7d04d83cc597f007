"""An image to which a package was added as the page says: all else in it is what it was."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.images.engine import Engine

pytestmark = [pytest.mark.slow, pytest.mark.image, pytest.mark.timeout(1200)]

PAGE = (ROOT / "docs" / "deploy-docker.md").read_text()
DOCKERFILE = re.compile(r"^```dockerfile\n(.*?)^```", re.MULTILINE | re.DOTALL)
OPEN = """
from service.repository.remote.address import check_packages, read_address
check_packages(read_address("gs://models/production", "repository"), "repository")
"""
LIST = """
from importlib.metadata import distributions
print(*sorted(f"{one.name}=={one.version}" for one in distributions()))
"""


def python(engine: Engine, image: str, code: str) -> str:
    """What a program prints that is run with the image's own Python, by its own user."""
    return engine.run_once("--read-only", "--entrypoint", "python", image, "-I", "-c", code)


def test_models_at_gs_can_be_opened(engine: Engine, images: dict[str, str], tmp_path: Path) -> None:
    (_, added) = DOCKERFILE.findall(PAGE)
    (tmp_path / "Dockerfile").write_text(added)

    tag = engine.build(context=tmp_path, tag="kerasd:gcs")

    python(engine, tag, OPEN)
    before, after = (set(python(engine, one, LIST).split()) for one in (images["serve"], tag))
    assert before < after
    assert engine.run_once("--entrypoint", "id", tag, "-u") == "10001"
    command = "ls -A /tmp; command -v uv"
    assert engine.run_once("--entrypoint", "sh", tag, "-c", f"{command}; true") == ""
