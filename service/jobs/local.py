"""Jobs as child processes of this one: they end with it, however it ends."""

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from service.jobs.executor import LOST, RUNNING, JobLimits, Phase, Status
from service.jobs.job_log import job_log, tail

logger = logging.getLogger(__name__)

LAUNCHER = "service.jobs.launch"
KILL_WAIT_S = 5.0


class LocalExecutor:
    """Each program has a process group of its own, and a log in its job's folder.

    Used by one thread, which has to live on: the kernel ends children with the thread that has
    started them.
    """

    def __init__(self, jobs_dir: Path) -> None:
        self._jobs_dir = jobs_dir.absolute()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ended: dict[str, Status] = {}
        self._places: dict[str, int] = {}

    @property
    def place(self) -> str:
        """This machine and folder; a lock sees to it that one controller at a time works there."""
        return f"{socket.gethostname()}:{self._jobs_dir}"

    def is_ready(self) -> bool:
        """Always: what can't be begun says so itself."""
        return True

    def submit(
        self, key: str, argv: Sequence[str], environment: Mapping[str, str], limits: JobLimits
    ) -> None:
        """Start it. Raises OSError."""
        if key in self._processes or key in self._ended:
            return
        log = job_log(self._jobs_dir, key)
        log.parent.mkdir(parents=True, exist_ok=True)
        taken = {place for known, place in self._places.items() if known in self._processes}
        place = self._places[key] = next(at for at in count() if at not in taken)
        bounds = (os.getpid(), limits.address_space, place, limits.threads)
        launcher = [sys.executable, "-P", "-m", LAUNCHER, *map(str, bounds)]
        with log.open("ab") as out:
            self._processes[key] = subprocess.Popen(
                [*launcher, *argv],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=dict(environment),
                start_new_session=True,
            )  # fmt: skip

    def poll(self, key: str) -> Status:
        """How it stands; a key of another process, such as one before this, is lost."""
        if key in self._ended:
            return self._ended[key]
        process = self._processes.get(key)
        if process is None:
            return LOST
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return RUNNING
        self._kill(process)  # what it has started and left; its id is not free before it is reaped
        del self._processes[key]
        status = Status(Phase.ENDED, process.returncode)
        self._ended[key] = status
        return status

    def stop(self, key: str) -> None:
        """Kill it, with all that it has started, and forget it."""
        self._places.pop(key, None)
        self._ended.pop(key, None)
        process = self._processes.pop(key, None)
        if process is not None:
            self._kill(process)

    def log(self, key: str) -> str:
        """The last 64 KiB of what the job has printed, in this attempt and those before."""
        return tail(job_log(self._jobs_dir, key))

    def close(self) -> None:
        """Kill all."""
        for key in list(self._processes):
            self.stop(key)

    def _kill(self, process: "subprocess.Popen[bytes]") -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        try:
            process.wait(KILL_WAIT_S)
        except subprocess.TimeoutExpired:  # it waits for a disk that doesn't answer
            logger.warning("a killed process doesn't end", extra={"pid": process.pid})
