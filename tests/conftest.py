"""Fixtures that tests of several rooms share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def sample_repository() -> Path:
    """The sample models as they are committed."""
    return ROOT / "model_repo"
