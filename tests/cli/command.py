"""`kerasd`, its exit code and what it prints: in this process, which is quick, or in its own."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from service.cli.main import main

WIDE = {"COLUMNS": "200"}
Ran = subprocess.CompletedProcess[str]


def kerasd(*arguments: str, **environment: str) -> Ran:
    """Run a command here, as its process would."""
    out, err = _captured(), _captured()
    code = 0
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        patch.object(sys, "argv", ["kerasd", *arguments]),
        patch.dict(os.environ, {**WIDE, **environment}),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Ran(["kerasd", *arguments], code, _text(out), _text(err))


def kerasd_apart(*arguments: str, **environment: str) -> Ran:
    """Run a command as a process."""
    command = [sys.executable, "-m", "service.cli.main", *arguments]
    own = {**os.environ, **WIDE, **environment}
    return subprocess.run(command, env=own, capture_output=True, text=True, timeout=60)


def _captured() -> io.TextIOWrapper:
    """Takes text and, through its buffer, bytes."""
    return io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()
