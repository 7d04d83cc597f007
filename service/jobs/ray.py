"""Jobs as jobs of a Ray cluster, whose nodes see the same disk and database as this machine.

Ray's Jobs API needs no Ray here. It doesn't begin a job again whose node has died: it calls it
FAILED, which is LOST here, and the supervisor has the next attempt begin elsewhere.
"""

import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from service.base.settings import ENV_PREFIX
from service.jobs.executor import RUNNING, WAITING, JobLimits, Phase, Status
from service.jobs.ids import job_of
from service.jobs.job_log import job_log, tail
from service.jobs.ray_head import Answer, RayHead

logger = logging.getLogger(__name__)

JOBS = "/api/jobs/"
STOPPED = -15  # SIGTERM, as Ray ends jobs
# Besides the settings; all else of the environment is this machine's own.
SENT = frozenset(
    ("HDF5_PLUGIN_PRELOAD", "KERAS_BACKEND", "MALLOC_ARENA_MAX", "OMP_NUM_THREADS",
     "TF_CPP_MIN_LOG_LEVEL", "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS")
)  # fmt: skip
RAYS_OWN = ("Running entrypoint for job", "Runtime env is setting up", "Job entrypoint command")
TOLD_CHARACTERS = 300


class RayExecutor:
    """Each attempt is a job of Ray's, by the same name.

    While the head is away nothing is known of a job but what its heartbeats tell: it runs, as far
    as this executor can say.
    """

    def __init__(self, head: RayHead, jobs_dir: Path, python: str) -> None:
        self._head = head
        self._jobs_dir = jobs_dir.absolute()
        self._python = python

    @property
    def place(self) -> str:
        """The cluster: whoever asks the same head sees the same jobs."""
        return f"ray:{self._head.address}"

    def is_ready(self) -> bool:
        """Whether the head answers, or did a moment ago."""
        return self._head.was_heard or self._head.ask("GET", "/api/version").status == 200

    def submit(
        self, key: str, argv: Sequence[str], environment: Mapping[str, str], limits: JobLimits
    ) -> None:
        """Hand it to Ray, which waits for a node with as much room. Raises ConnectionError."""
        found = self._head.ask("GET", JOBS + key)
        if found.status == 200:  # a name that is taken would be answered by an error
            return
        if found.status != 404:
            raise ConnectionError(f"Ray takes no job: {found.why}")
        taken = self._head.ask("POST", JOBS, self._order(key, argv, environment, limits))
        if taken.status != 200:
            raise ConnectionError(f"Ray takes no job: {taken.why}")

    def poll(self, key: str) -> Status:
        """How it stands; what Ray doesn't know, or has lost with a node, is lost."""
        answer = self._head.ask("GET", JOBS + key)
        if answer.status == 404:
            return Status(Phase.LOST, why="Ray knows nothing of it")
        if answer.status != 200:
            return Status(Phase.RUNNING, why=answer.why)
        return _status(answer.body)

    def stop(self, key: str) -> None:
        """Have Ray end it: by SIGTERM, and SIGKILL three seconds later.

        Where the head or the node can't be reached, an attempt that is over ends by itself as soon
        as it looks at its row, and writes nothing before.
        """
        self._head.ask("POST", f"{JOBS}{key}/stop")

    def log(self, key: str) -> str:
        """The last of what the job has printed, then what Ray has to say of this attempt."""
        answer = self._head.ask("GET", JOBS + key)
        told = _message(answer) if answer.status == 200 else answer.why
        return tail(job_log(self._jobs_dir, key)) + told

    def close(self) -> None:
        """Jobs go on: the next one to supervise them finds them by their names."""
        self._head.close()

    def _order(
        self, key: str, argv: Sequence[str], environment: Mapping[str, str], limits: JobLimits
    ) -> dict[str, Any]:
        sent = {name: of for name, of in environment.items() if _is_sent(name)}
        # Into the job's folder, which is there also when the node is gone. Without the shell in
        # between, the exit code tells the signal.
        program = shlex.join([self._python, *argv[1:]])
        log = shlex.quote(str(job_log(self._jobs_dir, key)))
        return {
            "submission_id": key,
            "entrypoint": f"exec {program} >>{log} 2>&1",
            "entrypoint_num_cpus": limits.threads,
            "entrypoint_memory": limits.address_space,
            "runtime_env": {"env_vars": sent},
            "metadata": {"job": job_of(key)},
        }


def _is_sent(name: str) -> bool:
    return name.startswith(ENV_PREFIX) or name in SENT


def _status(body: Mapping[str, Any]) -> Status:
    """What Ray's record of a job means."""
    state, code = body.get("status"), body.get("driver_exit_code")
    if state == "PENDING":
        return WAITING
    if state == "RUNNING":
        return RUNNING
    if state == "SUCCEEDED":
        return Status(Phase.ENDED, code or 0)
    if state == "STOPPED":
        return Status(Phase.ENDED, STOPPED, "stopped in Ray")
    if state == "FAILED" and isinstance(code, int):
        return Status(Phase.ENDED, code)
    lines = str(body.get("message") or "it doesn't say why").strip().splitlines()
    told = " ".join(dict.fromkeys(line.strip() for line in (lines[0], lines[-1])))
    return Status(Phase.LOST, why=f"Ray has lost it: {told[:TOLD_CHARACTERS]}")


def _message(answer: Answer) -> str:
    """What Ray tells of how a job went, without what it tells of each."""
    message = str(answer.body.get("message") or "")
    lines = [line for line in message.splitlines() if not line.startswith(RAYS_OWN)]
    return "\n".join(lines)
