"""Programs that write models, run as processes of their own: they import TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

MAKING_S = 240.0
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


def make(program: str, target: Path, *arguments: str) -> None:
    """Have a program below `tests` write to a file or folder."""
    ran = subprocess.run(
        [sys.executable, "-m", f"tests.{program}", str(target), *arguments],
        env={**os.environ, **QUIET}, capture_output=True, text=True, timeout=MAKING_S,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
