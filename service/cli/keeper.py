"""What `kerasd serve` becomes once it has checked its settings: the keeper of both halves.

    python -m service.cli.keeper END_S LOG_LEVEL LOG_FORMAT

It is a program of its own because it lives as long as the service: what reading the settings takes
in memory isn't kept. It has them in its environment, and hands them on. In a container it is the
first process, to which the kernel hands every orphan.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from service.base.log import log_to_stderr

logger = logging.getLogger(__name__)

TICK_S = 0.1
EXIT_KILLED = 1
FIRST_BACKOFF_S = 0.2
MAX_BACKOFF_S = 10.0
STEADY_S = 30.0
HEARD = (signal.SIGTERM, signal.SIGINT)
PEEK = os.WEXITED | os.WNOHANG | os.WNOWAIT


class Half:
    """One supervised process: `web` or `controller`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = self.start_at = 0.0
        self.backoff_s = FIRST_BACKOFF_S

    def step(self, now: float) -> None:
        """Start it when it isn't running and its pause is over."""
        if self.process is not None and self.process.poll() is not None:
            logger.warning(
                "process ended", extra={"half": self.name, "code": self.process.returncode}
            )
            if now - self.started_at > STEADY_S:
                self.backoff_s = FIRST_BACKOFF_S
            self.process = None
            self._pause(now)
        if self.process is None and now >= self.start_at:
            command = [sys.executable, "-m", "service.cli.main", self.name]
            command += ["--parent", str(os.getpid())]
            try:
                # In a group of its own: a terminal's Ctrl-C comes once, from here.
                self.process = subprocess.Popen(command, process_group=0)
                self.started_at = now
            except OSError as error:  # no process or memory to be had; the other half goes on
                logger.warning("can't start", extra={"half": self.name, "why": error.strerror})
                self._pause(now)

    def _pause(self, now: float) -> None:
        self.start_at = now + self.backoff_s
        self.backoff_s = min(self.backoff_s * 2, MAX_BACKOFF_S)

    def is_running(self) -> bool:
        """Whether there is anything to end."""
        return self.process is not None and self.process.poll() is None

    def tell(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.process is not None:
            self.process.send_signal(number)


def become_keeper(end_s: float, level: str, form: str, environment: dict[str, str]) -> None:
    """Go on in this program, as the same process; signals wait until it can hear them. Once it is
    told to end, both halves have `end_s`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    command = [sys.executable, "-m", "service.cli.keeper", str(end_s), level, form]
    os.execve(sys.executable, command, environment)  # noqa: S606


def main(end_s: str, level: str, form: str) -> int:
    """Supervise both halves until SIGTERM or SIGINT; the exit code is 0 after an orderly end."""
    log_to_stderr(level, form)
    heard: list[int] = []
    for number in HEARD:
        signal.signal(number, lambda number, _: heard.append(number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
    halves = [Half("web"), Half("controller")]
    while not heard:
        for half in halves:
            half.step(time.monotonic())
        reap_strangers({half.process.pid for half in halves if half.process is not None})
        time.sleep(TICK_S)
    return _end(halves, heard, float(end_s))


def reap_strangers(ours: set[int]) -> None:
    """Take the exit codes of orphans that have ended, not those of our own."""
    with suppress(ChildProcessError):  # there is no child at all
        while (ended := os.waitid(os.P_ALL, 0, PEEK)) is not None and ended.si_pid not in ours:
            os.waitpid(ended.si_pid, 0)


def _end(halves: list[Half], heard: list[int], within_s: float) -> int:
    """Pass on to both what is heard, and wait for them; neither is started again.

    SIGINT after SIGTERM cuts the draining short, a second SIGINT everything.
    """
    deadline = time.monotonic() + within_s
    told: set[int] = set()
    while any(half.is_running() for half in halves):
        for number in set(heard) - told:
            told.add(number)
            for half in halves:
                half.tell(number)
        is_given_up = heard.count(signal.SIGINT) > 1
        if is_given_up or time.monotonic() > deadline:
            logger.warning("halves killed", extra={"asked_to": is_given_up})
            for half in halves:
                half.tell(signal.SIGKILL)
            return EXIT_KILLED
        time.sleep(TICK_S)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
