"""The service itself on a free port, with settings of one's own, ready to be asked."""

import http.client
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import process
from benchmarks.child import ChildFailed
from benchmarks.contestants import ROOT, WORKERS, clean_environment
from benchmarks.server import free_ports

READY_S = 120.0
LOOK_S = 0.02
CALL_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Kerasd:
    """One that runs; `ready_s` is how long it took from its start to a good /readyz."""

    port: int
    root: int
    ready_s: float

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """One call over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CALL_TIMEOUT_S)
        try:
            content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, None if method == "GET" else content, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """gunicorn's workers: the web processes whose parent is a web process too."""
        tree = process.tree(self.root)
        web = {each.id for each in tree if b"\0web\0" in _command(each.id)}
        return [each.id for each in tree if each.id in web and each.parent in web]


@contextmanager
def kerasd(
    repository: Path, state_dir: Path, log: Path, settings: Mapping[str, str]
) -> Iterator[Kerasd]:
    """Start it and wait until it is ready; it is gone when the block is left.

    Raises ChildFailed.
    """
    (port,) = free_ports(1)
    environment = {
        **clean_environment(),
        "KERASD_STATE_DIR": str(state_dir),
        "KERASD_PORT": str(port),
        "KERASD_WORKERS": str(WORKERS),
        **{f"KERASD_{name.upper()}": value for name, value in settings.items()},
    }
    command = [sys.executable, "-m", "service.cli.main", "serve", str(repository)]
    began = time.monotonic()
    with log.open("wb") as output, process.running(command, environment, ROOT, output) as child:
        running = Kerasd(port, child.pid, 0.0)
        while not _is_ready(running):
            if child.poll() is not None or time.monotonic() - began > READY_S:
                raise ChildFailed(f"kerasd is not ready:\n{log.read_text()[-1500:]}")
            time.sleep(LOOK_S)
        yield Kerasd(port, child.pid, time.monotonic() - began)


def _is_ready(running: Kerasd) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return running.call("GET", "/readyz")[0] == http.HTTPStatus.OK
    return False


def _command(process_id: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process_id}/cmdline").read_bytes()
    return b""
