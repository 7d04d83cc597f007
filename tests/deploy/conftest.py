"""What tests of manifests need of the machine."""

import os
import shutil

import pytest

NO_KUBECTL = "kubectl isn't installed; Debian's is too old to change images by digest"


@pytest.fixture
def kubectl() -> str:
    """The program; where it is missing the test is skipped with the reason, and fails in CI."""
    found = shutil.which("kubectl")
    if found is None and os.environ.get("CI"):
        pytest.fail(NO_KUBECTL)
    if found is None:
        pytest.skip(NO_KUBECTL)
    return found
