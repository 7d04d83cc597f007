"""What tests of manifests need of the machine."""

import shutil

import pytest

from tests.lacking import lacking

NO_KUBECTL = "kubectl isn't installed; Debian's is too old to change images by digest"


@pytest.fixture
def kubectl() -> str:
    """The program."""
    return shutil.which("kubectl") or lacking(NO_KUBECTL)
