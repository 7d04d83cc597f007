"""One contestant that runs on a free loopback port, and what can be asked of it."""

import http
import http.client
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import process
from benchmarks.contestants import PREDICT_PATH, READY_PATH, Contestant, clean_environment

ANSWER_TIMEOUT_S = 30
IDLE_CORES = 0.15
SETTLE_S = 0.25
SETTLE_AT_MOST_S = 20.0


class ServerFailed(Exception):
    """A contestant did not start, or did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Server:
    """A contestant that is ready; `root` is the process that was started."""

    contestant: Contestant
    port: int
    root: int

    @property
    def url(self) -> str:
        """Where predictions are posted."""
        return f"http://127.0.0.1:{self.port}{PREDICT_PATH}"

    def ask(self, body: bytes) -> bytes:
        """One prediction over a connection of its own."""
        try:
            status, answer = _request(self.port, "POST", PREDICT_PATH, body)
        except (OSError, http.client.HTTPException) as error:
            raise ServerFailed(f"{self.contestant.name} does not answer: {error!r}") from error
        if status != http.HTTPStatus.OK:
            raise ServerFailed(f"{self.contestant.name} answered {status}: {answer[:300]!r}")
        return answer

    def settle(self) -> None:
        """Wait until the tree idles: all workers are up, or all in flight is worked off."""
        deadline = time.monotonic() + SETTLE_AT_MOST_S
        while time.monotonic() < deadline:
            before = process.cpu_seconds(self.root)
            time.sleep(SETTLE_S)
            if process.cpu_seconds(self.root) - before < IDLE_CORES * SETTLE_S:
                return


@contextmanager
def started(contestant: Contestant, folder: Path) -> Iterator[Server]:
    """Start the contestant and wait until it is ready; it is gone when the block is left."""
    port = _free_port()
    log = folder / f"{contestant.name}.log"
    command = [part.format(port=port) for part in contestant.command]
    if not Path(command[0]).exists():
        raise ServerFailed(f"{contestant.name} is not installed: there is no {command[0]}")
    environment = {**clean_environment(), **contestant.environment}
    with (
        log.open("wb") as output,
        process.running(command, environment, folder, output) as child,
    ):
        if not _is_ready(child, contestant, port):
            raise ServerFailed(f"{contestant.name} {_fate(child, contestant)}:\n{_tail(log)}")
        server = Server(contestant, port, child.pid)
        server.settle()
        yield server


def _is_ready(child: subprocess.Popen[bytes], contestant: Contestant, port: int) -> bool:
    """Ask until it is; false when it has ended, or the time is up."""
    deadline = time.monotonic() + contestant.start_s
    while time.monotonic() < deadline and child.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            if _request(port, "GET", READY_PATH)[0] == http.HTTPStatus.OK:
                return True
        time.sleep(0.1)
    return False


def _fate(child: subprocess.Popen[bytes], contestant: Contestant) -> str:
    code = child.poll()
    if code is None:
        return f"is not ready within {contestant.start_s:.0f} s"
    return f"ended with {code} before it was ready"


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-1500:]


def _request(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
