"""The health check of containers: what it asks, and what it takes for healthy."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.base.probe import ask, command_lines, is_asked
from tests.conftest import ROOT


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A port where one request is given this answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                assert connection.recv(1000).startswith(b"GET /readyz HTTP/1.1\r\n")
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(server.getsockname()[1])
        thread.join()


def test_ready_is_healthy() -> None:
    with answering(b'HTTP/1.1 200 OK\r\n\r\n{"ready": true}') as port:
        assert ask("127.0.0.1", port) == ""


def test_what_is_not_ready_says_what_it_waits_for() -> None:
    with answering(b"HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nmodels") as port:
        assert ask("127.0.0.1", port) == "HTTP/1.1 503 Service Unavailable: models"


def test_nobody_there_is_an_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="refused"):
            ask("127.0.0.1", unused.getsockname()[1])


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        ("/opt/kerasd/bin/python /opt/kerasd/bin/kerasd serve", True),
        ("python -m service.cli.main web --parent 7", True),
        ("python -m service.cli.keeper 1.0 INFO json", True),  # though web is dead for a moment
        ("/opt/kerasd/bin/python /opt/kerasd/bin/kerasd controller web", False),
        ("/opt/kerasd/bin/python /opt/kerasd/bin/kerasd tensorboard --host 0.0.0.0", False),
        ("python -m http.server", False),
    ],
)
def test_only_serve_and_web_are_asked(command: str, asked: bool) -> None:
    assert is_asked([command.encode().split(b" ")]) is asked


def test_command_lines_of_processes_that_are_there(tmp_path: Path) -> None:
    for pid, line in {"1": b"kerasd\0serve\0", "self": b"other", "7": b""}.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cmdline").write_bytes(line)
    (tmp_path / "9").mkdir()
    (tmp_path / "9" / "cmdline").symlink_to("gone")
    assert sorted(command_lines(tmp_path)) == [[b""], [b"kerasd", b"serve", b""]]


def test_it_runs_with_python_alone() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); before = set(sys.modules)\n"
        "import service.base.probe\n"
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    names = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(names) <= {*sys.stdlib_module_names, "service"}
