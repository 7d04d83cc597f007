"""The corpus, written once for all tests that want it."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def attack_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every case; writing it takes most of a minute."""
    folder = tmp_path_factory.mktemp("attacks")
    command = [sys.executable, "-m", "tests.attacks.make", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder
