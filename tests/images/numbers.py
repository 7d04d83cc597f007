"""A model that ONNX can't express: TensorFlow runs it, in a process beside the controller."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

MODEL = "numbers"
MAKING_S = 240.0
CODE = """
import urllib.request as u
body = b'{"instances": [[0, 1, 2, 3]]}'
print(u.urlopen('http://127.0.0.1:8080/v1/models/numbers:predict', data=body).read().decode())
"""
ANSWER = [[0.0, 7.0, 14.0, 21.0]]


def write_numbers(scratch: Path, place: Path) -> None:
    """The model's folder with one version; `CODE`, run where it is served, gets `ANSWER`."""
    command = [sys.executable, "-m", "tests.chaos.make_unconvertible", str(scratch), "7"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run(command, check=True, capture_output=True, timeout=MAKING_S, env=environment)
    shutil.copytree(scratch / "model", place / "1")
