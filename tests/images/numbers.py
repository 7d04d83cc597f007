"""A model that ONNX can't express: TensorFlow runs it, in a process beside the controller."""

import shutil
from pathlib import Path

from tests.making import make

MODEL = "numbers"
CODE = """
import urllib.request as u
body = b'{"instances": [[0, 1, 2, 3]]}'
print(u.urlopen('http://127.0.0.1:8080/v1/models/numbers:predict', data=body).read().decode())
"""
ANSWER = [[0.0, 7.0, 14.0, 21.0]]


def write_numbers(scratch: Path, place: Path) -> None:
    """The model's folder with one version; `CODE`, run where it is served, gets `ANSWER`."""
    make("chaos.make_unconvertible", scratch, "7")
    shutil.copytree(scratch / "model", place / "1")
