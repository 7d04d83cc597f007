"""Backup and restore where nothing but a volume can be written, by nobody in particular."""

import pytest

from service.base.database import HEAD
from tests.images.engine import DockerFailed, Engine

pytestmark = [pytest.mark.slow, pytest.mark.image]

LOCKED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--user", "10001:10001",
          "--security-opt", "no-new-privileges")  # fmt: skip
VOLUME = ("--volume", "kept:/var/lib/kerasd")
MONDAY = "/var/lib/kerasd/monday"


@pytest.mark.parametrize("target", ["serve", "full"])
def test_a_backup_lies_on_the_volume(engine: Engine, images: dict[str, str], target: str) -> None:
    def kerasd(*words: str) -> str:
        return engine.run_once(*LOCKED, *VOLUME, images[target], *words)

    try:
        assert "made anew" in kerasd("migrate")
        assert f"schema {HEAD}" in kerasd("backup", MONDAY)
        assert "1 files" in kerasd("restore", MONDAY, "--state-dir", "/var/lib/kerasd/fresh")
        with pytest.raises(DockerFailed, match="The folder of the backup can't be written"):
            kerasd("backup", "/monday")
    finally:
        engine.docker("volume", "rm", "kept")
