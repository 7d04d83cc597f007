"""`kerasd serve`: web and controller on one machine, each started again when it dies."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import click

from service.base.errors import SettingsInvalid
from service.base.lock import hold_lock
from service.base.log import configure_logging
from service.base.settings import Settings
from service.web.access.requirement import check_access
from service.web.tracing_packages import check_traces

logger = logging.getLogger(__name__)

TICK_S = 0.1
GRACE_S = 35
FIRST_BACKOFF_S = 0.2
MAX_BACKOFF_S = 10.0
STEADY_S = 30.0


@dataclass(slots=True)
class Half:
    """One supervised process: `web` or `controller`."""

    name: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    backoff_s: float = FIRST_BACKOFF_S

    def step(self, now: float) -> None:
        """Start it when it isn't running and its pause is over."""
        if self.process is not None and self.process.poll() is not None:
            logger.warning(
                "process ended", extra={"half": self.name, "code": self.process.returncode}
            )
            if now - self.started_at > STEADY_S:
                self.backoff_s = FIRST_BACKOFF_S
            self.process, self.start_at = None, now + self.backoff_s
            self.backoff_s = min(self.backoff_s * 2, MAX_BACKOFF_S)
        if self.process is None and now >= self.start_at:
            command = [sys.executable, "-m", "service.cli.main", self.name]
            command += ["--parent", str(os.getpid())]
            self.process = subprocess.Popen(command, env=self.environment)
            self.started_at = now

    def stop(self, deadline: float) -> None:
        """Ask it to end; kill it when it hasn't by the deadline."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_service(settings: Settings) -> int:
    """Supervise both halves until SIGTERM or SIGINT; the exit code is 0 after an orderly end.

    Raises SettingsInvalid, KeysRefused or StateDirectoryBusy before anything is started.
    """
    configure_logging(settings.log_level, settings.log_format)
    _check(settings)
    is_stopping = False

    def stop(*_: object) -> None:
        nonlocal is_stopping
        is_stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with hold_lock(settings.run_dir / "serve.lock", settings.state_dir):
        environment = settings.environment()
        halves = [Half("web", environment), Half("controller", environment)]
        click.echo(f"kerasd serves {settings.repository} at {settings.url}")
        while not is_stopping:
            for half in halves:
                half.step(time.monotonic())
            time.sleep(TICK_S)
        deadline = time.monotonic() + GRACE_S
        for half in halves:
            half.stop(deadline)
    return 0


def _check(settings: Settings) -> None:
    if not settings.repository.exists():
        raise SettingsInvalid(
            f"setting repository = {settings.repository}: there is no such folder or file"
        )
    check_access(settings)
    check_traces(settings.traces)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsInvalid(
                f"can't listen on {settings.host}:{settings.port}: {error.strerror}; "
                "choose another --port"
            ) from error
