"""A real `kerasd serve` for tests: its processes, its address, and a way to end it for certain."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

READY_S = 240.0


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(claim: Callable[[], bool], what: str, timeout_s: float = READY_S) -> None:
    """Wait until the claim holds; fail with its name when it never does."""
    deadline = time.monotonic() + timeout_s
    while not claim():
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.05)


class RunningService:
    """One service on a port of its own, or half of it: `web`, `controller`.

    Everything it writes lies in its state directory.
    """

    def __init__(
        self, repository: Path | str, state_dir: Path, half: str = "serve", **settings: str
    ) -> None:
        self.port = int(settings.pop("port", 0)) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.state_dir = state_dir
        self.log = state_dir.with_suffix(".log")
        ours = {
            "KERASD_STATE_DIR": str(state_dir),
            "KERASD_PORT": str(self.port),
            "KERASD_WORKERS": "2",
            **{f"KERASD_{key.upper()}": value for key, value in settings.items()},
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service.cli.main", half, str(repository)],
                env={**os.environ, **ours}, stdout=log, stderr=log,
            )  # fmt: skip

    def wait_ready(self) -> None:
        """Wait until everything that should be served is, in whichever worker answers."""
        wait_until(self.is_ready, f"ready; see {self.log}")

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except (requests.ConnectionError, requests.Timeout):  # workers are still starting
            return False

    def predict(self, model: str, body: Any, version: int | None = None) -> requests.Response:
        path = f"/versions/{version}" if version else ""
        url = f"{self.url}/v1/models/{model}{path}:predict"
        if isinstance(body, (bytes, str)):
            return requests.post(url, data=body, timeout=60)
        return requests.post(url, json=body, timeout=60)

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=60)

    def states(self) -> dict[tuple[str, int], tuple[str, str]]:
        """State and reason of each version."""
        versions = self.get("/v1/models").json()["versions"]
        return {(row["model"], row["version"]): (row["state"], row["reason"]) for row in versions}

    def pids(self, needle: str) -> list[int]:
        """The service's processes whose command line has `needle`."""
        found = list(processes())
        tree = {self.process.pid}
        grown = True
        while grown:  # numbers tell nothing of age: they begin anew at the largest
            younger = {pid for pid, parent, _ in found if parent in tree} - tree
            tree |= younger
            grown = bool(younger)
        return sorted(pid for pid, _, command in found if pid in tree and needle in command)

    def workers(self) -> list[int]:
        """gunicorn's workers: the web processes whose parent is a web process too."""
        web = set(self.pids(" web "))
        return [pid for pid, parent, _ in processes() if pid in web and parent in web]

    def stop(self) -> int:
        """End it as an operator does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@contextmanager
def running(repository: Path | str, state_dir: Path, **settings: str) -> Iterator[RunningService]:
    """A service that is ended whatever happens."""
    service = RunningService(repository, state_dir, **settings)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.stop()


def processes() -> Iterator[tuple[int, int, str]]:
    """Process id, parent, and command line of everything that runs."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):  # ended meanwhile
                continue
            yield int(folder.name), parent, command
