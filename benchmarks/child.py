"""A module of this package run as a child process, up to its end."""

import subprocess
import sys
from pathlib import Path

from benchmarks import process
from benchmarks.contestants import ROOT, clean_environment


class ChildFailed(Exception):
    """A child process took too long or ended badly."""


def run(module: str, arguments: list[str], log: Path, limit_s: float) -> str:
    """Run the module with everything that it writes going to `log`, and answer that text."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    with (
        log.open("wb") as output,
        process.running(command, clean_environment(), ROOT, output) as child,
    ):
        try:
            code = child.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise ChildFailed(f"{log.stem} did not end within {limit_s:.0f} s") from error
    text = log.read_text(errors="replace")
    if code != 0:
        raise ChildFailed(f"{log.stem} ended with {code}:\n{text[-1500:]}")
    return text
