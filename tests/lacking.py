"""How a test ends that needs what this machine lacks: skipped with the reason, failed in CI."""

import os
from typing import NoReturn

import pytest


def lacking(reason: str) -> NoReturn:
    """End the test; CI lets nothing be left out."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def need_root(what: str) -> None:
    """End the test unless it may do what root alone may."""
    if os.geteuid() != 0:
        lacking(f"{what} needs root")
