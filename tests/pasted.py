"""Runs a sample request as somebody would who has pasted it."""

import os
import shutil
import sys

import pytest

NO_NODE = "node is not installed, so that the JavaScript sample can't be run"


def pasted(language: str, text: str) -> list[str]:
    """The command that runs a sample; where Node is missing it can't, which CI doesn't let pass."""
    if language == "python":
        return [sys.executable, "-c", text]
    if language == "curl":
        return ["sh", "-c", text]
    node = shutil.which("node")
    if node is None and os.environ.get("CI"):
        pytest.fail(NO_NODE)
    if node is None:
        pytest.skip(NO_NODE)
    return [node, "--input-type=module", "-e", text]
