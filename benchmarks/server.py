"""One contestant that runs on free loopback ports, from its start to its end."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import process
from benchmarks.answers import AnswerFailed, Questions
from benchmarks.contestants import Contestant, clean_environment
from benchmarks.dialects import Dialect, Request
from benchmarks.samples import Samples

IDLE_CORES = 0.15
SETTLE_S = 0.25
SETTLE_AT_MOST_S = 20.0
WAKE_S = 1.0
LOOK_S = 0.02
LOG_CHARACTERS = 1500
PORT_NAMES = ("port", "port2", "port3")


class ServerFailed(Exception):
    """A contestant did not start."""


@dataclass(frozen=True, slots=True)
class Server:
    """A contestant that has given its first right answer; `root` is the process that was started.

    `start_s` is what that took, from the start of the process on.
    """

    contestant: Contestant
    port: int
    root: int
    start_s: float

    def questions(self, dialect: Dialect, samples: Samples) -> Questions:
        """What it can be asked in this dialect."""
        return Questions(self.contestant, self.port, dialect, samples)

    def url(self, request: Request) -> str:
        """Where a request is posted."""
        return f"http://127.0.0.1:{self.port}{request.path}"

    def settle(self) -> None:
        """Wait until the tree idles: all workers are up, or all in flight is worked off."""
        deadline = time.monotonic() + SETTLE_AT_MOST_S
        while time.monotonic() < deadline:
            before = process.cpu_seconds(self.root)
            time.sleep(SETTLE_S)
            if process.cpu_seconds(self.root) - before < IDLE_CORES * SETTLE_S:
                return

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Let a server that polls run for as long as it is measured, and no longer."""
        if not self.contestant.polls:
            yield
            return
        self.signal(signal.SIGCONT)
        time.sleep(WAKE_S)
        try:
            yield
        finally:
            self.signal(signal.SIGSTOP)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every process of the tree."""
        for each in process.tree(self.root):
            with suppress(ProcessLookupError):
                os.kill(each.id, number)


@contextmanager
def started(
    contestant: Contestant, dialect: Dialect, samples: Samples, log: Path
) -> Iterator[Server]:
    """Start the contestant and wait until it is right; it is gone when the block is left."""
    ports = free_ports(len(PORT_NAMES))
    places = dict(zip(PORT_NAMES, ports, strict=True))
    command = [part.format(**places) for part in contestant.command]
    environment = {**clean_environment(), **contestant.environment}
    began = time.monotonic()
    with (
        log.open("wb") as output,
        process.running(command, environment, log.parent, output) as child,
    ):
        questions = Questions(contestant, ports[0], dialect, samples)
        trouble = _wait(child, questions, began + contestant.start_s)
        if trouble:
            text = log.read_text(errors="replace")[-LOG_CHARACTERS:]
            raise ServerFailed(f"{contestant.name} {trouble}:\n{text}")
        server = Server(contestant, ports[0], child.pid, time.monotonic() - began)
        server.settle()
        try:
            yield server
        finally:
            server.signal(signal.SIGCONT)  # a stopped process would not hear that it shall end


def _wait(child: subprocess.Popen[bytes], questions: Questions, deadline: float) -> str:
    """Ask until the first right answer; what kept it from coming, or nothing."""
    trouble = "was not asked"
    while time.monotonic() < deadline:
        if child.poll() is not None:
            return f"ended with {child.returncode} before its first right answer"
        try:
            questions.difference(slice(0, 1))
        except AnswerFailed as error:
            trouble = str(error)
            time.sleep(LOOK_S)
        else:
            return ""
    return f"gave no right answer in time; at last: {trouble}"


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; all are held until the last is found, so that they differ."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in listeners]
