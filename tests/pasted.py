"""Runs a sample request as somebody would who has pasted it."""

import shutil
import sys

from tests.lacking import lacking

NO_NODE = "node is not installed, so that the JavaScript sample can't be run"


def pasted(language: str, text: str) -> list[str]:
    """The command that runs a sample."""
    if language == "python":
        return [sys.executable, "-c", text]
    if language == "curl":
        return ["sh", "-c", text]
    node = shutil.which("node") or lacking(NO_NODE)
    return [node, "--input-type=module", "-e", text]
